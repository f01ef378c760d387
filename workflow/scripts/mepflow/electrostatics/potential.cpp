// The potential of atomic multipoles at points: the loop of potential.py over pairs of atom and
// point. Arrays are contiguous, in the units and with the shapes that are said there.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace {

using Index = std::int64_t;
constexpr Index block = 256;  // points whose coordinates and sums stay in the first cache

// 2^(scale x) for 0 >= scale x > -1022 (float: -126), in instructions that a compiler makes
// vectors of, which the library's are not: 2^k, with k the integer next to the exponent, times a
// polynomial through Chebyshev nodes in the rest, -0.5 to 0.5, good to 1e-10 of the value.
template <typename Real>
inline Real power_of_two(Real scale, Real x) {
  constexpr bool is_double = std::is_same<Real, double>::value;
  using Bits = std::conditional_t<is_double, std::int64_t, std::int32_t>;
  constexpr int mantissa = is_double ? 52 : 23;
  constexpr Real shift = Real(3) * Real(Bits(1) << (mantissa - 1));  // its last digit is worth 1
  const Real shifted = scale * x + shift;
  const Real rest = scale * x - (shifted - shift);
  Real power = Real(1.5303700711365693e-05);
  power = power * rest + Real(0.00015469729214118296);
  power = power * rest + Real(0.0013333478473685416);
  power = power * rest + Real(0.009618025613318034);
  power = power * rest + Real(0.055504109063258665);
  power = power * rest + Real(0.24022651213498092);
  power = power * rest + Real(0.6931471805568324);
  power = power * rest + Real(0.9999999999595618);
  Bits exponent, bits;
  std::memcpy(&exponent, &shifted, sizeof shifted);
  std::memcpy(&bits, &power, sizeof power);
  bits += exponent << mantissa;  // what is above k in the bits of shifted falls out on the left
  std::memcpy(&power, &bits, sizeof power);
  return power;
}

// Add to sum (count) the penetration of a shell at points whose distances from it are given. Beyond
// what an exponent can express, the distance counts as the farthest that it can.
template <typename Real>
void add_shell(Real *sum, const Real *inverses, const Real *distances, Index count, Real electrons,
               Real width) {
  const Real constant = electrons / (2 * width);
  const Real decay = Real(-1.4426950408889634) / width;  // of powers of two
  const Real farthest = (std::is_same<Real, double>::value ? 690 : 80) * width;
#pragma omp simd
  for (Index k = 0; k < count; ++k)
    sum[k] += (electrons * inverses[k] + constant) *
              power_of_two(decay, std::min(distances[k], farthest));
}

// Whether all values (n_points) are good: not where a pair without radii (n_atoms) is no further
// apart than the square root of closest. Quadrupoles count with their symmetric part.
template <typename Real, bool with_dipoles, bool with_quadrupoles, bool with_shells>
bool loop(const Real *points, const Real *positions, const Real *charges, const Real *dipoles,
          const Real *quadrupoles, const Real *radii, const Real *electrons, const Real *widths,
          Real *values, Index n_points, Index n_atoms, Real closest) {
  int too_close = 0;
  for (Index first = 0; first < n_points; first += block) {
    const Index count = std::min(block, n_points - first);
    Real x[block], y[block], z[block];
    for (Index k = 0; k < count; ++k) {
      const Real *point = points + 3 * (first + k);
      x[k] = point[0], y[k] = point[1], z[k] = point[2];
    }
    Real sum[block] = {}, inverses[block], distances[block];
    for (Index i = 0; i < n_atoms; ++i) {
      const Real q = charges[i];
      const Real *r = positions + 3 * i;
      Real m[3] = {}, t[6] = {};  // xx, yy, zz and twice xy, xz, yz of half the quadrupole
      if (with_dipoles) std::copy(dipoles + 3 * i, dipoles + 3 * i + 3, m);
      if (with_quadrupoles) {
        const Real *s = quadrupoles + 9 * i;
        const Real half = Real(0.5);
        t[0] = half * s[0], t[1] = half * s[4], t[2] = half * s[8];
        t[3] = half * (s[1] + s[3]), t[4] = half * (s[2] + s[6]), t[5] = half * (s[5] + s[7]);
      }
      const Real rx = r[0], ry = r[1], rz = r[2];
      const Real least = radii ? radii[i] * radii[i] : Real(0);
#pragma omp simd reduction(| : too_close)
      for (Index k = 0; k < count; ++k) {
        const Real dx = x[k] - rx, dy = y[k] - ry, dz = z[k] - rz;
        const Real square = dx * dx + dy * dy + dz * dz;
        too_close |= !(square > closest);
        const Real far_square = square < least ? least : square;
        const Real inverse = 1 / std::sqrt(far_square);
        const Real inverse_square = inverse * inverse;
        Real term = q;
        Real higher = 0;
        if (with_quadrupoles)
          higher = inverse_square * (dx * (t[0] * dx + t[3] * dy + t[4] * dz) +
                                     dy * (t[1] * dy + t[5] * dz) + t[2] * dz * dz);
        if (with_dipoles) higher += m[0] * dx + m[1] * dy + m[2] * dz;
        if (with_dipoles || with_quadrupoles) term += inverse_square * higher;
        sum[k] += term * inverse;
        if (with_shells) inverses[k] = inverse, distances[k] = far_square * inverse;
      }
      if (with_shells) add_shell(sum, inverses, distances, count, electrons[i], widths[i]);
    }
    std::copy(sum, sum + count, values + first);
  }
  return radii || !too_close;
}

// Null for dipoles, quadrupoles, radii or electrons leaves them out.
template <typename Real>
int potential(const Real *points, const Real *positions, const Real *charges, const Real *dipoles,
              const Real *quadrupoles, const Real *radii, const Real *electrons,
              const Real *widths, Real *values, Index n_points, Index n_atoms, double closest) {
  constexpr decltype(&loop<Real, false, false, false>) loops[] = {
      loop<Real, false, false, false>, loop<Real, false, false, true>,
      loop<Real, false, true, false>,  loop<Real, false, true, true>,
      loop<Real, true, false, false>,  loop<Real, true, false, true>,
      loop<Real, true, true, false>,   loop<Real, true, true, true>};
  const auto run = loops[4 * (dipoles != nullptr) + 2 * (quadrupoles != nullptr) +
                         (electrons != nullptr)];
  return run(points, positions, charges, dipoles, quadrupoles, radii, electrons, widths, values,
             n_points, n_atoms, Real(closest));
}

}  // namespace

extern "C" {
int potential_float32(const float *p, const float *r, const float *q, const float *m,
                      const float *t, const float *a, const float *e, const float *w, float *v,
                      Index np, Index na, double c) {
  return potential(p, r, q, m, t, a, e, w, v, np, na, c);
}
int potential_float64(const double *p, const double *r, const double *q, const double *m,
                      const double *t, const double *a, const double *e, const double *w,
                      double *v, Index np, Index na, double c) {
  return potential(p, r, q, m, t, a, e, w, v, np, na, c);
}
}
