// Sets of multipoles on the same atoms: their potentials, and the fit of charges to them. Arrays are
// contiguous, in the units and with the shapes of multipole_sets.py. All sets share the distances.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

using Index = std::int64_t;
constexpr Index block = 256;  // points whose coordinates and sums stay in the first cache

struct Sets {
  const double *charges, *dipoles, *quadrupoles;  // (sets, atoms, ...), or null
  Index count, n_atoms;
};

// The displacements of a block of points from an atom, and their inverse lengths.
struct Displacements {
  double x[block], y[block], z[block], inverse[block];
};

// Whether all of `count` points are further from an atom than the square root of `closest`.
bool displace(const double *points, Index count, const double *atom, double closest,
              Displacements &found) {
  const double rx = atom[0], ry = atom[1], rz = atom[2];
  int too_close = 0;
#pragma omp simd reduction(| : too_close)
  for (Index k = 0; k < count; ++k) {
    const double x = points[3 * k] - rx, y = points[3 * k + 1] - ry, z = points[3 * k + 2] - rz;
    const double square = x * x + y * y + z * z;
    too_close |= !(square > closest);
    found.x[k] = x, found.y[k] = y, found.z[k] = z;
    found.inverse[k] = 1 / std::sqrt(square);
  }
  return !too_close;
}

// Add the potential of multipole `i`, counted through all sets, to sum (count).
template <bool with_dipoles, bool with_quadrupoles>
void add(const Sets &sets, Index i, const Displacements &from, Index count, double *sum) {
  const double q = sets.charges ? sets.charges[i] : 0;
  double m[3] = {}, t[6] = {};  // xx, yy, zz and twice xy, xz, yz of half the quadrupole
  if (with_dipoles) std::copy(sets.dipoles + 3 * i, sets.dipoles + 3 * i + 3, m);
  if (with_quadrupoles) {
    const double *s = sets.quadrupoles + 9 * i;
    t[0] = s[0] / 2, t[1] = s[4] / 2, t[2] = s[8] / 2;
    t[3] = (s[1] + s[3]) / 2, t[4] = (s[2] + s[6]) / 2, t[5] = (s[5] + s[7]) / 2;
  }
#pragma omp simd
  for (Index k = 0; k < count; ++k) {
    const double x = from.x[k], y = from.y[k], z = from.z[k], inverse = from.inverse[k];
    const double inverse_square = inverse * inverse;
    double higher = 0;
    if (with_quadrupoles)
      higher = inverse_square * (x * (t[0] * x + t[3] * y + t[4] * z) + y * (t[1] * y + t[5] * z) +
                                 t[2] * z * z);
    if (with_dipoles) higher += m[0] * x + m[1] * y + m[2] * z;
    sum[k] += (q + inverse_square * higher) * inverse;
  }
}

using Add = decltype(&add<true, true>);

Add adder(const Sets &sets) {
  if (sets.dipoles) return sets.quadrupoles ? add<true, true> : add<true, false>;
  return sets.quadrupoles ? add<false, true> : add<false, false>;
}

// Add, for `count` points whose inverse distances are rows (atoms, block), to the normal matrix
// (atoms - 1, atoms - 1; its lower half) and right sides (sets, atoms - 1) of charges that add up to
// zero, in Helmert's basis; `wanted` are rows (sets, block). Rows become those of that basis.
void add_equations(double *rows, const double *wanted, Index count, const Sets &sets,
                   double *matrix, double *sides) {
  const Index n = sets.n_atoms - 1;
  double sum[block];
  std::copy(rows, rows + count, sum);
  for (Index column = 1; column <= n; ++column) {
    const double norm = 1 / std::sqrt(double(column) * double(column + 1)), last = double(column);
    double *own = rows + column * block, *changed = own - block;
#pragma omp simd
    for (Index k = 0; k < count; ++k) {
      const double value = own[k];
      changed[k] = norm * (sum[k] - last * value);
      sum[k] += value;
    }
  }
  const auto product = [count](const double *a, const double *b) {
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (Index k = 0; k < count; ++k) total += a[k] * b[k];
    return total;
  };
  for (Index i = 0; i < n; ++i) {
    const double *row = rows + i * block;
    for (Index j = 0; j <= i; ++j) matrix[i * n + j] += product(row, rows + j * block);
    for (Index s = 0; s < sets.count; ++s) sides[s * n + i] += product(row, wanted + s * block);
  }
}

// Add, to numbers `step` apart, the products of a row of `count` numbers with each of several rows,
// which begin `length` apart. Four sums go on side by side: one alone waits for its own last step.
void add_products(const double *row, const double *others, Index length, Index n_others,
                  Index count, double *sums, Index step = 1) {
  Index j = 0;
  for (; j + 4 <= n_others; j += 4) {
    const double *a = others + j * length, *b = a + length, *c = b + length, *d = c + length;
    double sum_a = 0, sum_b = 0, sum_c = 0, sum_d = 0;
#pragma omp simd reduction(+ : sum_a, sum_b, sum_c, sum_d)
    for (Index k = 0; k < count; ++k) {
      sum_a += row[k] * a[k];
      sum_b += row[k] * b[k];
      sum_c += row[k] * c[k];
      sum_d += row[k] * d[k];
    }
    sums[j * step] += sum_a, sums[(j + 1) * step] += sum_b;
    sums[(j + 2) * step] += sum_c, sums[(j + 3) * step] += sum_d;
  }
  for (; j < n_others; ++j) {
    const double *a = others + j * length;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index k = 0; k < count; ++k) sum += row[k] * a[k];
    sums[j * step] += sum;
  }
}

}  // namespace

extern "C" {
// values (sets, points): the potentials. Returns whether no point lies on an atom.
int potentials(const double *points, const double *positions, const double *charges,
               const double *dipoles, const double *quadrupoles, double *values, Index n_points,
               Index n_atoms, Index n_sets, double closest) {
  const Sets sets{charges, dipoles, quadrupoles, n_sets, n_atoms};
  const Add add_to = adder(sets);
  Displacements from;
  bool is_whole = true;
  std::fill(values, values + n_sets * n_points, 0.0);
  for (Index first = 0; first < n_points; first += block) {
    const Index count = std::min(block, n_points - first);
    for (Index i = 0; i < n_atoms; ++i) {
      is_whole &= displace(points + 3 * first, count, positions + 3 * i, closest, from);
      for (Index s = 0; s < n_sets; ++s)
        add_to(sets, s * n_atoms + i, from, count, values + s * n_points + first);
    }
  }
  return is_whole;
}

// matrix (atoms - 1, atoms - 1; its lower half) and sides (sets, atoms - 1), both 0 before: the
// equations for neutral charges that have the potentials of dipoles and quadrupoles. Returns whether
// no point lies on an atom.
int normal_equations(const double *points, const double *positions, const double *dipoles,
                     const double *quadrupoles, double *matrix, double *sides, Index n_points,
                     Index n_atoms, Index n_sets, double closest) {
  const Sets sets{nullptr, dipoles, quadrupoles, n_sets, n_atoms};
  const Add add_to = adder(sets);
  Displacements from;
  bool is_whole = true;
  std::vector<double> rows(n_atoms * block), wanted(n_sets * block);
  for (Index first = 0; first < n_points; first += block) {
    const Index count = std::min(block, n_points - first);
    std::fill(wanted.begin(), wanted.end(), 0.0);
    for (Index i = 0; i < n_atoms; ++i) {
      is_whole &= displace(points + 3 * first, count, positions + 3 * i, closest, from);
      std::copy(from.inverse, from.inverse + count, rows.data() + i * block);
      for (Index s = 0; s < n_sets; ++s)
        add_to(sets, s * n_atoms + i, from, count, wanted.data() + s * block);
    }
    add_equations(rows.data(), wanted.data(), count, sets, matrix, sides);
  }
  return is_whole;
}
// The normal matrix (atoms, atoms) of charges, and the right sides (sets, atoms) of `wanted`
// (sets, points). Returns whether no point lies on an atom.
int charge_equations(const double *points, const double *positions, const double *wanted,
                     double *matrix, double *sides, Index n_points, Index n_atoms, Index n_sets,
                     double closest) {
  std::vector<double> rows(n_atoms * block);
  Displacements from;
  bool is_whole = true;
  std::fill(matrix, matrix + n_atoms * n_atoms, 0.0);
  std::fill(sides, sides + n_sets * n_atoms, 0.0);
  for (Index first = 0; first < n_points; first += block) {
    const Index count = std::min(block, n_points - first);
    for (Index i = 0; i < n_atoms; ++i) {
      is_whole &= displace(points + 3 * first, count, positions + 3 * i, closest, from);
      std::copy(from.inverse, from.inverse + count, rows.begin() + i * block);
    }
    for (Index i = 0; i < n_atoms; ++i) {
      const double *row = rows.data() + i * block;
      add_products(row, rows.data(), block, i + 1, count, matrix + i * n_atoms);
      add_products(row, wanted + first, n_points, n_sets, count, sides + i, n_atoms);
    }
  }
  for (Index i = 0; i < n_atoms; ++i)
    for (Index j = 0; j < i; ++j) matrix[j * n_atoms + i] = matrix[i * n_atoms + j];
  return is_whole;
}
}
