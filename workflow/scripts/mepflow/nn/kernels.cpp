// Loops of the network that PyTorch would do in several passes over memory: see native.py.
//
// N atoms, P ordered pairs sorted by their receiving atom i, M molecules, C channels, B radial
// basis functions, X components of a vector or matrix. Arrays are contiguous, rows first.
// pair_start (N + 1) holds the first pair of each atom, atom_start (M + 1) the first atom of each
// molecule. Loops over a chunk of pairs take the range [first, last) of its atoms or molecules; what
// the layers make of pairs, (., C) or (., W), begins with the first pair of the chunk. What pairs add
// to their neighbour j is summed by the thread that has the molecule, so that neither races nor the
// number of threads change a result. At the end, a pointer to each loop.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

using Index = std::int64_t;

template <typename Real> struct Format;

template <> struct Format<float> {
  using Bits = std::int32_t;
  static constexpr int mantissa = 23, bias = 127, terms = 7;
  static constexpr float saturation = 9.1f;
  // ln 2 in two parts, the first short enough for exact products with small integers.
  static constexpr float ln2_high = 0x1.63p-1f, ln2_low = -0x1.bd0106p-13f;
};

template <> struct Format<double> {
  using Bits = std::int64_t;
  static constexpr int mantissa = 52, bias = 1023, terms = 14;
  static constexpr double saturation = 19.1;
  static constexpr double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;
};

// 1/2! + r/3! + r^2/4! + ..., by Horner's rule.
template <typename Real> inline Real tail_of_exponential(Real r) {
  Real factorial = 1;
  for (int k = 2; k <= Format<Real>::terms; ++k) factorial *= k;
  Real coefficient = 1 / factorial, sum = coefficient;
  for (int k = Format<Real>::terms; k > 2; --k) {
    coefficient *= k;
    sum = sum * r + coefficient;
  }
  return sum;
}

// tanh x = t / (t + 2) with t = exp(2x) - 1, 2x = n ln 2 + r and |r| <= ln 2 / 2, to full relative
// accuracy (two units of the last place). NaN stays. Compilers make vector instructions of it.
template <typename Real> inline Real fast_tanh(Real x) {
  using F = Format<Real>;
  constexpr Real log2_e = Real(1.4426950408889634);
  const Real limit = 2 * F::saturation;
  const Real z = std::min(2 * std::abs(x), limit);
  const Real n = std::nearbyint(z * log2_e);
  const Real r = (z - n * F::ln2_high) - n * F::ln2_low;
  const Real small = r + r * r * tail_of_exponential(r);
  const auto bits = (static_cast<typename F::Bits>(n) + F::bias) << F::mantissa;
  Real power;
  std::memcpy(&power, &bits, sizeof power);
  const Real t = power * small + (power - 1);
  return std::copysign(t / (t + 2), x);
}

// values (n) -> their tanh, in place.
template <typename Real> void tanh_forward(Real *values, Index n, int threads) {
#pragma omp parallel for simd num_threads(threads) schedule(static)
  for (Index k = 0; k < n; ++k) values[k] = fast_tanh(values[k]);
}

// slope (n) = upstream (n) (1 - y^2) of y (n) = tanh x; slope may be upstream.
template <typename Real>
void tanh_backward(const Real *upstream, const Real *y, Real *slope, Index n, int threads) {
#pragma omp parallel for simd num_threads(threads) schedule(static)
  for (Index k = 0; k < n; ++k) slope[k] = upstream[k] * (1 - y[k] * y[k]);
}

// out (., C) = sum_b tanh(centre[i] + neighbour[j])[b, c] basis[b] of the pairs of atoms i, of
// centre and neighbour (N, B, C) and basis (P, B).
template <typename Real>
void pair_forward(const Real *centre, const Real *neighbour, const Real *basis,
                  const Index *pair_start, const Index *pair_j, Real *out, Index first, Index last,
                  Index B, Index C, int threads) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 8)
  for (Index i = first; i < last; ++i) {
    for (Index p = pair_start[i]; p < pair_start[i + 1]; ++p) {
      Real *__restrict__ sum = out + (p - pair_start[first]) * C;
      std::fill(sum, sum + C, Real(0));
      for (Index b = 0; b < B; ++b) {
        const Real *of_i = centre + (i * B + b) * C, *of_j = neighbour + (pair_j[p] * B + b) * C;
        const Real weight = basis[p * B + b];
        for (Index c = 0; c < C; ++c) sum[c] += weight * fast_tanh(of_i[c] + of_j[c]);
      }
    }
  }
}

// Gradients of pair_forward in the pairs of molecules for upstream (., C): added to d_centre and
// d_neighbour, put into d_basis (P, B) unless it is null.
template <typename Real>
void pair_backward(const Real *upstream, const Real *centre, const Real *neighbour,
                   const Real *basis, const Index *atom_start, const Index *pair_start,
                   const Index *pair_j, Real *d_centre, Real *d_neighbour, Real *d_basis,
                   Index first, Index last, Index B, Index C, int threads) {
  const Index first_pair = pair_start[atom_start[first]];
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (Index m = first; m < last; ++m) {
    const Index begin = atom_start[m], end = atom_start[m + 1];
    for (Index i = begin; i < end; ++i) {
      for (Index p = pair_start[i]; p < pair_start[i + 1]; ++p) {
        const Real *g = upstream + (p - first_pair) * C;
        for (Index b = 0; b < B; ++b) {
          const Index at_i = (i * B + b) * C, at_j = (pair_j[p] * B + b) * C;
          const Real *of_i = centre + at_i, *of_j = neighbour + at_j;
          Real *__restrict__ d_i = d_centre + at_i, *__restrict__ d_j = d_neighbour + at_j;
          const Real weight = basis[p * B + b];
          Real slope = 0;
#pragma omp simd reduction(+ : slope)
          for (Index c = 0; c < C; ++c) {
            const Real y = fast_tanh(of_i[c] + of_j[c]);
            const Real d = weight * g[c] * (1 - y * y);
            d_i[c] += d;
            d_j[c] += d;
            slope += g[c] * y;
          }
          if (d_basis) d_basis[p * B + b] = slope;
        }
      }
    }
  }
}

// out (N, W) = sums of values (., W) over the pairs of each atom.
template <typename Real>
void sum_forward(const Real *values, const Index *pair_start, Real *out, Index first, Index last,
                 Index W, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (Index i = first; i < last; ++i) {
    Real *__restrict__ sum = out + i * W;
    std::fill(sum, sum + W, Real(0));
    for (Index p = pair_start[i]; p < pair_start[i + 1]; ++p)
      for (Index w = 0; w < W; ++w) sum[w] += values[(p - pair_start[first]) * W + w];
  }
}

// Gradient of sum_forward, put into d_values (., W).
template <typename Real>
void sum_backward(const Real *upstream, const Index *pair_start, Real *d_values, Index first,
                  Index last, Index W, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (Index i = first; i < last; ++i)
    for (Index p = pair_start[i]; p < pair_start[i + 1]; ++p)
      std::copy(upstream + i * W, upstream + (i + 1) * W, d_values + (p - pair_start[first]) * W);
}

// out (N, X, C) = sum_j (px[j, x, c] + direction[p, x]) scale[p, c] for each atom i, of px
// (N, X, C), which may be null for zeros, direction (P, X) and scale (., C) with rows W apart.
template <typename Real>
void carried_forward(const Real *direction, const Real *px, const Real *scale,
                     const Index *pair_start, const Index *pair_j, Real *out, Index first,
                     Index last, Index X, Index C, Index W, int threads) {
  const Index first_pair = pair_start[first];
#pragma omp parallel for num_threads(threads) schedule(static)
  for (Index i = first; i < last; ++i) {
    std::fill(out + i * X * C, out + (i + 1) * X * C, Real(0));
    for (Index p = pair_start[i]; p < pair_start[i + 1]; ++p) {
      const Real *s = scale + (p - first_pair) * W;
      for (Index x = 0; x < X; ++x) {
        Real *__restrict__ sum = out + (i * X + x) * C;
        const Real along = direction[p * X + x];
        if (px) {
          const Real *of_j = px + (pair_j[p] * X + x) * C;
          for (Index c = 0; c < C; ++c) sum[c] += (of_j[c] + along) * s[c];
        } else {
          for (Index c = 0; c < C; ++c) sum[c] += along * s[c];
        }
      }
    }
  }
}

// Gradients of carried_forward in the pairs of molecules for upstream (N, X, C): added to d_scale,
// with rows W apart, and to d_px unless px is null, put into d_direction (P, X) unless it is null.
template <typename Real>
void carried_backward(const Real *upstream, const Real *direction, const Real *px,
                      const Real *scale, const Index *atom_start, const Index *pair_start,
                      const Index *pair_j, Real *d_direction, Real *d_px, Real *d_scale,
                      Index first, Index last, Index X, Index C, Index W, int threads) {
  const Index first_pair = pair_start[atom_start[first]];
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (Index m = first; m < last; ++m) {
    const Index begin = atom_start[m], end = atom_start[m + 1];
    for (Index i = begin; i < end; ++i) {
      for (Index p = pair_start[i]; p < pair_start[i + 1]; ++p) {
        const Real *s = scale + (p - first_pair) * W;
        Real *__restrict__ d_s = d_scale + (p - first_pair) * W;
        for (Index x = 0; x < X; ++x) {
          const Real *g = upstream + (i * X + x) * C;
          const Real along = direction[p * X + x];
          if (px) {
            const Real *of_j = px + (pair_j[p] * X + x) * C;
            Real *__restrict__ d_j = d_px + (pair_j[p] * X + x) * C;
            for (Index c = 0; c < C; ++c) {
              d_s[c] += (of_j[c] + along) * g[c];
              d_j[c] += s[c] * g[c];
            }
          } else {
            for (Index c = 0; c < C; ++c) d_s[c] += along * g[c];
          }
          if (d_direction) {
            Real slope = 0;
#pragma omp simd reduction(+ : slope)
            for (Index c = 0; c < C; ++c) slope += s[c] * g[c];
            d_direction[p * X + x] = slope;
          }
        }
      }
    }
  }
}

}  // namespace

#define EXPORT(LOOP)                  \
  auto LOOP##_float32 = &LOOP<float>; \
  auto LOOP##_float64 = &LOOP<double>;

extern "C" {
EXPORT(tanh_forward)
EXPORT(tanh_backward)
EXPORT(pair_forward)
EXPORT(pair_backward)
EXPORT(sum_forward)
EXPORT(sum_backward)
EXPORT(carried_forward)
EXPORT(carried_backward)
}
