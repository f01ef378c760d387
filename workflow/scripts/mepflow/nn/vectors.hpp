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

// Piecewise polynomials of tanh between 0 and 12: a quarter of an octave each from 1/16 on, the
// first down to 0. Two registers hold a coefficient of all 32 pieces.
class TanhTable {
 public:
  static constexpr int pieces = 32, degree = 5, first_exponent = -4;
  alignas(64) float coefficient[degree + 1][pieces];

  TanhTable() {
    // Taylor's series about 0, of odd powers only: full relative accuracy down to 0.
    const double series[degree + 1] = {0, 1, 0, -1.0 / 3, 0, 2.0 / 15};
    for (int k = 0; k <= degree; ++k) coefficient[k][0] = float(series[k]);
    for (int piece = 1; piece < pieces; ++piece) interpolate(piece);
  }

 private:
  // Newton's interpolation at Chebyshev's nodes, as powers of the distance from the middle.
  void interpolate(int piece) {
    const double octave = std::ldexp(1.0, first_exponent + piece / 4), half = octave / 8;
    const double middle = octave * (1 + (piece % 4) / 4.0) + half;
    double node[degree + 1], slope[degree + 1], power[degree + 1] = {};
    for (int k = 0; k <= degree; ++k) {
      node[k] = half * std::cos(M_PI * (k + 0.5) / (degree + 1));
      slope[k] = std::tanh(middle + node[k]);
    }
    for (int order = 1; order <= degree; ++order)
      for (int k = degree; k >= order; --k)
        slope[k] = (slope[k] - slope[k - 1]) / (node[k] - node[k - order]);
    for (int order = degree; order >= 0; --order) {
      for (int k = degree; k > 0; --k) power[k] = power[k - 1] - node[order] * power[k];
      power[0] = slope[order] - node[order] * power[0];
    }
    for (int k = 0; k <= degree; ++k) coefficient[k][piece] = float(power[k]);
  }
};

inline const TanhTable tanh_table;

// Half the time of the formula above, and more accurate. The table is in registers as long as the
// object lives: make one before a loop. NaN stays.
template <> class Tanh<float> {
 public:
  Tanh() {
    for (int k = 0; k <= TanhTable::degree; ++k)
      for (int half = 0; half < 2; ++half)
        table[k][half] = _mm512_load_ps(tanh_table.coefficient[k] + 16 * half);
  }

  Vector<float> operator()(Vector<float> x) const {
    constexpr int below = Format<float>::mantissa - 2;  // bits inside a quarter of an octave
    constexpr int first = (Format<float>::bias + TanhTable::first_exponent) << 2;
    const __m512i bits = _mm512_castps_si512((__m512)x);
    const __m512i sign = _mm512_and_si512(bits, _mm512_set1_epi32(INT32_MIN));
    // The minimum is its second argument where that is no number.
    const __m512 size =
        _mm512_min_ps(_mm512_set1_ps(10.0f), _mm512_castsi512_ps(_mm512_xor_si512(bits, sign)));
    const __m512i place = _mm512_sub_epi32(_mm512_srli_epi32(_mm512_castps_si512(size), below),
                                           _mm512_set1_epi32(first));
    const __m512i piece = _mm512_max_epi32(place, _mm512_setzero_si512());
    // The middle of a piece has the same leading bits and then a one.
    // 0xEA: (a and b) or c.
    const __m512i middle = _mm512_maskz_ternarylogic_epi32(
        _mm512_test_epi32_mask(piece, piece), _mm512_castps_si512(size),
        _mm512_set1_epi32(-(1 << below)), _mm512_set1_epi32(1 << (below - 1)), 0xEA);
    const __m512 y = _mm512_sub_ps(size, _mm512_castsi512_ps(middle));
    __m512 sum = look_up(TanhTable::degree, piece);
#pragma GCC unroll 8
    for (int k = TanhTable::degree - 1; k >= 0; --k)
      sum = _mm512_fmadd_ps(sum, y, look_up(k, piece));
    return (Vector<float>)_mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(sum), sign));
  }

 private:
  __m512 look_up(int power, __m512i piece) const {
    return _mm512_permutex2var_ps(table[power][0], piece, table[power][1]);
  }

  __m512 table[TanhTable::degree + 1][2];
};

#endif
