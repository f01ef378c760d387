// Vectors of the processor's own length, and the tanh of one.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

using Index = std::int64_t;

template <typename Real> struct Format;

template <> struct Format<float> {
  typedef float Vector __attribute__((vector_size(vector_bytes), may_alias));
  typedef std::int32_t Bits __attribute__((vector_size(vector_bytes), may_alias));
  static constexpr std::int32_t sign = INT32_MIN;
  static constexpr int mantissa = 23, bias = 127, terms = 7;
  static constexpr float saturation = 9.1f, epsilon = 0x1p-23f;
  // ln 2 in two parts, the first short enough for exact products with small integers.
  static constexpr float ln2_high = 0x1.63p-1f, ln2_low = -0x1.bd0106p-13f;
  // Added to a small number, it leaves its nearest integer in the last bits.
  static constexpr float to_integer = 0x1.8p23f;
};

template <> struct Format<double> {
  typedef double Vector __attribute__((vector_size(vector_bytes), may_alias));
  typedef std::int64_t Bits __attribute__((vector_size(vector_bytes), may_alias));
  static constexpr std::int64_t sign = INT64_MIN;
  static constexpr int mantissa = 52, bias = 1023, terms = 14;
  static constexpr double saturation = 19.1, epsilon = 0x1p-52;
  static constexpr double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;
  static constexpr double to_integer = 0x1.8p52;
};

template <typename Real> using Vector = typename Format<Real>::Vector;
template <typename Real> using Bits = typename Format<Real>::Bits;

// Numbers in a vector.
template <typename Real> constexpr Index lanes = vector_bytes / sizeof(Real);

// n rounded up to whole vectors.
template <typename Real> constexpr Index padded(Index n) {
  return (n + lanes<Real> - 1) / lanes<Real> * lanes<Real>;
}

// The vector at an address that is a multiple of its size.
template <typename Real> inline Vector<Real> &at(Real *address) {
  return *reinterpret_cast<Vector<Real> *>(address);
}
template <typename Real> inline const Vector<Real> &at(const Real *address) {
  return *reinterpret_cast<const Vector<Real> *>(address);
}

template <typename Real> inline Real sum_of(const Vector<Real> &values) {
  Real sum = 0;
  for (Index k = 0; k < lanes<Real>; ++k) sum += values[k];
  return sum;
}

// 1/2! + r/3! + r^2/4! + ..., by Horner's rule.
template <typename Real> inline Vector<Real> tail_of_exponential(Vector<Real> r) {
  Real factorial = 1;
  for (int k = 2; k <= Format<Real>::terms; ++k) factorial *= k;
  Real coefficient = 1 / factorial;
  Vector<Real> sum = Vector<Real>{} + coefficient;
#pragma GCC unroll 16
  for (int k = Format<Real>::terms; k > 2; --k) {
    coefficient *= k;
    sum = sum * r + coefficient;
  }
  return sum;
}

// tanh x = t / (t + 2) with t = exp(2x) - 1, 2x = n ln 2 + r and |r| <= ln 2 / 2, to full relative
// accuracy (two units of the last place). NaN stays.
template <typename Real> struct Tanh {
  Vector<Real> operator()(Vector<Real> x) const {
    using F = Format<Real>;
    constexpr Real log2_e = Real(1.4426950408889634), limit = 2 * F::saturation;
    const Bits<Real> sign = (Bits<Real>)x & F::sign;
    const Vector<Real> twice = 2 * (Vector<Real>)((Bits<Real>)x ^ sign);
    const Vector<Real> z = twice > limit ? Vector<Real>{} + limit : twice;
    const Vector<Real> shifted = z * log2_e + F::to_integer;
    const Vector<Real> n = shifted - F::to_integer;
    const Vector<Real> r = (z - n * F::ln2_high) - n * F::ln2_low;
    const Vector<Real> small = r + r * r * tail_of_exponential<Real>(r);
    const Vector<Real> power = (Vector<Real>)(((Bits<Real>)shifted + F::bias) << F::mantissa);
    const Vector<Real> t = power * small + (power - 1);
    return (Vector<Real>)((Bits<Real>)(t / (t + 2)) | sign);
  }
};

#if defined(__AVX512F__)

// tanh(n h). With this h, tanh(31 h) is 1, and of the first ten numbers none is rounded by more
// than a tenth of its last place, so that values near each other do not share an error.
struct TanhTable {
  static constexpr float step = 0.29621315f;
  alignas(64) float values[32];

  TanhTable() {
    for (int n = 0; n < 32; ++n) values[n] = float(std::tanh(n * double(step)));
  }
};

inline const TanhTable tanh_table;

// tanh x = (T + w) / (1 + T w) with T = tanh(n h) from the table, x = n h + y, |y| <= h / 2 and
// w = tanh y: less than half the instructions of the formula above, and as accurate. The table is
// in registers as long as the object lives: make one before a loop. NaN stays.
template <> class Tanh<float> {
 public:
  Tanh() : low(_mm512_load_ps(tanh_table.values)), high(_mm512_load_ps(tanh_table.values + 16)) {}

  Vector<float> operator()(Vector<float> x) const {
    const __m512i bits = _mm512_castps_si512((__m512)x), sign = _mm512_set1_epi32(INT32_MIN);
    // The minimum is its second argument where that is no number.
    const __m512 size = _mm512_min_ps(_mm512_set1_ps(31 * step),
                                      _mm512_castsi512_ps(_mm512_andnot_si512(sign, bits)));
    const __m512 to_integer = _mm512_set1_ps(Format<float>::to_integer);
    const __m512 shifted = _mm512_fmadd_ps(size, _mm512_set1_ps(1 / step), to_integer);
    const __m512 n = _mm512_sub_ps(shifted, to_integer);
    const __m512 y = _mm512_fnmadd_ps(n, _mm512_set1_ps(step), size);
    const __m512 square = _mm512_mul_ps(y, y);
    const __m512 higher = _mm512_fmadd_ps(square, _mm512_set1_ps(fifth), _mm512_set1_ps(third));
    const __m512 w = _mm512_fmadd_ps(_mm512_mul_ps(square, y), higher, y);
    const __m512 T = _mm512_permutex2var_ps(low, _mm512_castps_si512(shifted), high);
    const __m512 one = _mm512_set1_ps(1);
    const __m512 t = _mm512_div_ps(_mm512_add_ps(T, w), _mm512_fmadd_ps(T, w, one));
    // 0xF8: a or (b and c).
    return (Vector<float>)_mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(_mm512_castps_si512(t), bits, sign, 0xF8));
  }

 private:
  static constexpr float step = TanhTable::step;
  // tanh y = y + third y^3 + fifth y^5, the best in relative error for |y| < 0.15 (2e-8).
  static constexpr float third = -0.33332314f, fifth = 0.13176485f;
  __m512 low, high;
};

#endif
