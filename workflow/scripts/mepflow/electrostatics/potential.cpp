// The potential of atomic multipoles at points: the loop of potential.py over pairs of atom and
// point. Arrays are contiguous, in the units and with the shapes that are said there.
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace {

using Index = std::int64_t;
constexpr Index block = 256;  // points whose coordinates and sums stay in the first cache

// Whether all values (n_points) are good: not where a pair without radii (n_atoms) is no further
// apart than the square root of closest. Quadrupoles count with their symmetric part.
template <typename Real, bool with_dipoles, bool with_quadrupoles>
bool loop(const Real *points, const Real *positions, const Real *charges, const Real *dipoles,
          const Real *quadrupoles, const Real *radii, Real *values, Index n_points, Index n_atoms,
          Real closest) {
  int too_close = 0;
  for (Index first = 0; first < n_points; first += block) {
    const Index count = std::min(block, n_points - first);
    Real x[block], y[block], z[block];
    for (Index k = 0; k < count; ++k) {
      const Real *point = points + 3 * (first + k);
      x[k] = point[0], y[k] = point[1], z[k] = point[2];
    }
    Real sum[block] = {};
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
        const Real inverse = 1 / std::sqrt(square < least ? least : square);
        const Real inverse_square = inverse * inverse;
        Real term = q;
        Real higher = 0;
        if (with_quadrupoles)
          higher = inverse_square * (dx * (t[0] * dx + t[3] * dy + t[4] * dz) +
                                     dy * (t[1] * dy + t[5] * dz) + t[2] * dz * dz);
        if (with_dipoles) higher += m[0] * dx + m[1] * dy + m[2] * dz;
        if (with_dipoles || with_quadrupoles) term += inverse_square * higher;
        sum[k] += term * inverse;
      }
    }
    std::copy(sum, sum + count, values + first);
  }
  return radii || !too_close;
}

// Null for dipoles, quadrupoles or radii leaves them out.
template <typename Real>
int potential(const Real *points, const Real *positions, const Real *charges, const Real *dipoles,
              const Real *quadrupoles, const Real *radii, Real *values, Index n_points,
              Index n_atoms, double closest) {
  const auto run = dipoles ? (quadrupoles ? loop<Real, true, true> : loop<Real, true, false>)
                           : (quadrupoles ? loop<Real, false, true> : loop<Real, false, false>);
  return run(points, positions, charges, dipoles, quadrupoles, radii, values, n_points, n_atoms,
             Real(closest));
}

}  // namespace

extern "C" {
int potential_float32(const float *p, const float *r, const float *q, const float *m,
                      const float *t, const float *a, float *v, Index np, Index na, double c) {
  return potential(p, r, q, m, t, a, v, np, na, c);
}
int potential_float64(const double *p, const double *r, const double *q, const double *m,
                      const double *t, const double *a, double *v, Index np, Index na, double c) {
  return potential(p, r, q, m, t, a, v, np, na, c);
}
}
