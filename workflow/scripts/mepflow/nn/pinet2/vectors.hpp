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

// tanh of `unit` x, to two or three units of the last place: the layers before have their weights
// over `unit`, what the formula wants. Here tanh = t / (t + 2) with t = exp(x) - 1, x = n ln 2 + r
// and |r| <= ln 2 / 2. NaN stays.
template <typename Real> struct Tanh {
  static constexpr Real unit = 0.5;

  Vector<Real> operator()(Vector<Real> x) const {
    using F = Format<Real>;
    constexpr Real log2_e = Real(1.4426950408889634), limit = F::saturation / unit;
    const Bits<Real> sign = (Bits<Real>)x & F::sign;
    const Vector<Real> size = (Vector<Real>)((Bits<Real>)x ^ sign);
    const Vector<Real> bounded = size > limit ? Vector<Real>{} + limit : size;
    const Vector<Real> shifted = bounded * log2_e + F::to_integer;
    const Vector<Real> n = shifted - F::to_integer;
    const Vector<Real> r = (bounded - n * F::ln2_high) - n * F::ln2_low;
    const Vector<Real> small = r + r * r * tail_of_exponential<Real>(r);
    const Vector<Real> power = (Vector<Real>)(((Bits<Real>)shifted + F::bias) << F::mantissa);
    const Vector<Real> t = power * small + (power - 1);
    return (Vector<Real>)((Bits<Real>)(t / (t + 2)) | sign);
  }
};

// In double precision a rational function takes half the instructions of the polynomial: with
// tanh(r/2) = u / (2 P), the best in relative error for |r| <= ln 2 / 2 (5e-18), exp(r) is
// (b + u) / b, b = P - u/2. Both exp(x) - 1 and exp(x) + 1 are taken times b.
template <> struct Tanh<double> {
  static constexpr double unit = 0.5;

  Vector<double> operator()(Vector<double> x) const {
    using F = Format<double>;
    constexpr double log2_e = 1.4426950408889634, limit = F::saturation / unit;
    const Bits<double> sign = (Bits<double>)x & F::sign;
    const Vector<double> size = (Vector<double>)((Bits<double>)x ^ sign);
    const Vector<double> bounded = size > limit ? Vector<double>{} + limit : size;
    const Vector<double> shifted = bounded * log2_e + F::to_integer;
    const Vector<double> n = shifted - F::to_integer;
    const Vector<double> r = (bounded - n * F::ln2_high) - n * F::ln2_low;
    const Vector<double> s = r * r;
    const Vector<double> u = r + r * s * (s * 0x1.1530e0ffaa23ap-14 + 0x1.c70fd3d5fe087p-6);
    const Vector<double> P = s * (s * 0x1.03fc11c1cd929p-10 + 0x1.c7194a4ad4ce6p-4) + 1;
    const Vector<double> b = P - u * 0.5;
    const Vector<double> power = (Vector<double>)(((Bits<double>)shifted + F::bias) << F::mantissa);
    const Vector<double> t = power * u + (power - 1) * b;
    return (Vector<double>)((Bits<double>)(t / (t + 2 * b)) | sign);
  }
};

#if defined(__AVX512F__)

// tanh(n h) for n = 0 ... 15, then for n = -16 ... -1. With this h, tanh(15 h) is 1, and of the
// first ten numbers none is rounded by more than a tenth of its last place, so that values near
// each other do not share an error.
struct TanhTable {
  static constexpr float step = 0.609314919f;
  static constexpr int last = 15;
  alignas(64) float values[2 * (last + 1)];

  TanhTable() {
    for (int n = -last - 1; n <= last; ++n)
      values[n & (2 * last + 1)] = float(std::tanh(n * double(step)));
  }
};

inline const TanhTable tanh_table;

// With h for the unit, tanh h x = (T + w) / (1 + T w) with T = tanh(n h) from the table, x = n + y,
// |y| <= 1/2, and w = tanh h y = y (slope b + constant) / b with b = y^2 + pole: less
// than half the instructions, and as accurate. The table is in registers as long as the object
// lives: make one before a loop.
template <> class Tanh<float> {
 public:
  static constexpr float unit = TanhTable::step;

  Tanh() : low(_mm512_load_ps(tanh_table.values)), high(_mm512_load_ps(tanh_table.values + 16)) {}

  Vector<float> operator()(Vector<float> x) const {
    // Minimum and maximum are their second argument where that is no number.
    const __m512 limit = _mm512_set1_ps(TanhTable::last);
    const __m512 bounded = _mm512_max_ps(-limit, _mm512_min_ps(limit, (__m512)x));
    const __m512 shifted = bounded + Format<float>::to_integer;
    const __m512 y = bounded - (shifted - Format<float>::to_integer);
    const __m512 b = y * y + pole, a = y * (b * slope + constant);
    const __m512 T = _mm512_permutex2var_ps(low, _mm512_castps_si512(shifted), high);
    return (Vector<float>)((T * b + a) / (T * a + b));
  }

 private:
  // The best in relative error for |y| <= 1/2 (2e-8).
  static constexpr float pole = 6.73793316f, slope = 0.101239957f, constant = 3.42337513f;
  __m512 low, high;
};

#endif
