// The potential of atomic multipoles with valence shells, and its field, minus the gradient, for
// field.py. Arrays are contiguous, in atomic units, with the shapes named there.
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace {

using Index = std::int64_t;
constexpr Index block = 256;  // points whose coordinates and sums stay in the first cache

struct Atom {
  double q = 0, m[3] = {}, t[6] = {};  // t: xx, yy, zz, xy, xz, yz of the quadrupole
  double electrons = 0, width = 1;
};

Atom atom_of(Index i, const double *charges, const double *dipoles, const double *quadrupoles,
             const double *electrons, const double *widths) {
  Atom found;
  found.q = charges[i];
  for (int k = 0; dipoles && k < 3; ++k) found.m[k] = dipoles[3 * i + k];
  if (quadrupoles) {
    const double *s = quadrupoles + 9 * i;
    const double six[6] = {s[0], s[4], s[8], (s[1] + s[3]) / 2, (s[2] + s[6]) / 2,
                           (s[5] + s[7]) / 2};
    for (int k = 0; k < 6; ++k) found.t[k] = six[k];
  }
  if (electrons) found.electrons = electrons[i], found.width = widths[i];
  return found;
}

// A block of points and the sums there, in rows of their own.
struct Block {
  double x[block], y[block], z[block], value[block], fx[block], fy[block], fz[block];
};

// Add what an atom at r gives; returns whether no point lies on it.
bool add(const Atom &a, const double *r, Block &at, Index count, double closest) {
  int too_close = 0;
#pragma omp simd reduction(| : too_close)
  for (Index p = 0; p < count; ++p) {
    const double x = at.x[p] - r[0], y = at.y[p] - r[1], z = at.z[p] - r[2];
    const double square = x * x + y * y + z * z;
    too_close |= !(square > closest);
    const double u = 1 / std::sqrt(square), u2 = u * u, u3 = u * u2, u5 = u3 * u2;
    const double tx = a.t[0] * x + a.t[3] * y + a.t[4] * z;
    const double ty = a.t[3] * x + a.t[1] * y + a.t[5] * z;
    const double tz = a.t[4] * x + a.t[5] * y + a.t[2] * z;
    const double along = a.m[0] * x + a.m[1] * y + a.m[2] * z, twice = tx * x + ty * y + tz * z;
    at.value[p] += a.q * u + along * u3 + 0.5 * twice * u5;
    // What multiplies the displacement, and what does not.
    const double radial = a.q * u3 + 3 * along * u5 + 2.5 * twice * u5 * u2;
    at.fx[p] += radial * x - a.m[0] * u3 - tx * u5;
    at.fy[p] += radial * y - a.m[1] * u3 - ty * u5;
    at.fz[p] += radial * z - a.m[2] * u3 - tz * u5;
  }
  return !too_close;
}

void add_shell(const Atom &a, const double *r, Block &at, Index count) {
  const double half = 0.5 / a.width;
  for (Index p = 0; p < count; ++p) {
    const double x = at.x[p] - r[0], y = at.y[p] - r[1], z = at.z[p] - r[2];
    const double u = 1 / std::sqrt(x * x + y * y + z * z);
    const double shell = a.electrons * std::exp(-1 / (u * a.width));
    at.value[p] += shell * (u + half);
    const double radial = shell * u * (u * u + u / a.width + half / a.width);
    at.fx[p] += radial * x, at.fy[p] += radial * y, at.fz[p] += radial * z;
  }
}

}  // namespace

extern "C" {
// values (points,) and fields (points, 3). Returns whether no point lies on an atom.
int field(const double *points, const double *positions, const double *charges,
          const double *dipoles, const double *quadrupoles, const double *electrons,
          const double *widths, double *values, double *fields, Index n_points, Index n_atoms,
          double closest) {
  bool is_whole = true;
  for (Index first = 0; first < n_points; first += block) {
    const Index count = std::min(block, n_points - first);
    Block at = {};
    for (Index p = 0; p < count; ++p) {
      const double *r = points + 3 * (first + p);
      at.x[p] = r[0], at.y[p] = r[1], at.z[p] = r[2];
    }
    for (Index i = 0; i < n_atoms; ++i) {
      const Atom a = atom_of(i, charges, dipoles, quadrupoles, electrons, widths);
      is_whole &= add(a, positions + 3 * i, at, count, closest);
      if (a.electrons != 0) add_shell(a, positions + 3 * i, at, count);
    }
    for (Index p = 0; p < count; ++p) {
      double *f = fields + 3 * (first + p);
      values[first + p] = at.value[p];
      f[0] = at.fx[p], f[1] = at.fy[p], f[2] = at.fz[p];
    }
  }
  return is_whole;
}
}
