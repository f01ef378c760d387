// Which points lie outside all spheres: the loop of spheres.py. Arrays are contiguous.
#include <cstdint>

extern "C" {
// Points (n_points, 3), centres (n_spheres, 3), squares (n_spheres,) of the radii, all in one unit;
// own (n_points,) is the number of a sphere that does not count for a point, or null. A point that
// is no number is outside.
void outside_spheres(const double *points, const double *centres, const double *squares,
                     const std::int64_t *own, std::uint8_t *outside, std::int64_t n_points,
                     std::int64_t n_spheres) {
  for (std::int64_t p = 0; p < n_points; ++p) {
    const double *r = points + 3 * p;
    const std::int64_t skipped = own ? own[p] : -1;
    bool is_outside = true;
    for (std::int64_t s = 0; is_outside && s < n_spheres; ++s) {
      const double *c = centres + 3 * s;
      const double x = r[0] - c[0], y = r[1] - c[1], z = r[2] - c[2];
      is_outside = s == skipped || !(x * x + y * y + z * z < squares[s]);
    }
    outside[p] = is_outside;
  }
}
}
