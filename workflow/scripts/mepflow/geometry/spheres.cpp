// Which points lie outside all spheres: the loops of spheres.py. Arrays are contiguous.
#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

using Index = std::int64_t;

// Whether a point lies outside a sphere, or is no number.
inline bool is_outside_sphere(const double *r, const double *c, double square) {
  const double x = r[0] - c[0], y = r[1] - c[1], z = r[2] - c[2];
  return !(x * x + y * y + z * z < square);
}

}  // namespace

extern "C" {
// The points on n spheres that lie outside all others, one after the other into `found`; returns
// their number. `offsets` (sum of counts, 3) are those of the points from the centres (n, 3).
Index outer_surface(const double *offsets, const Index *counts, const double *centres,
                    const double *squares, double *found, Index n) {
  double *next = found;
  std::vector<Index> others(n);  // first those that hid a point lately: they hide its neighbours
  for (Index own = 0; own < n; ++own) {
    others.clear();
    for (Index s = 0; s < n; ++s)
      if (s != own) others.push_back(s);
    const double *centre = centres + 3 * own;
    for (Index k = 0; k < counts[own]; ++k, offsets += 3) {
      for (int axis = 0; axis < 3; ++axis) next[axis] = centre[axis] + offsets[axis];
      const auto hiding = std::find_if(others.begin(), others.end(), [&](Index s) {
        return !is_outside_sphere(next, centres + 3 * s, squares[s]);
      });
      if (hiding == others.end())
        next += 3;
      else
        std::rotate(others.begin(), hiding, hiding + 1);
    }
  }
  return (next - found) / 3;
}

// Points (n_points, 3), centres (n_spheres, 3), squares (n_spheres,) of the radii, all in one unit;
// own (n_points,) is the number of a sphere that does not count for a point, or null. A point that
// is no number is outside.
void outside_spheres(const double *points, const double *centres, const double *squares,
                     const Index *own, std::uint8_t *outside, Index n_points,
                     Index n_spheres) {
  for (Index p = 0; p < n_points; ++p) {
    const double *r = points + 3 * p;
    const Index skipped = own ? own[p] : -1;
    bool is_outside = true;
    for (Index s = 0; is_outside && s < n_spheres; ++s)
      is_outside = s == skipped || is_outside_sphere(r, centres + 3 * s, squares[s]);
    outside[p] = is_outside;
  }
}
}
