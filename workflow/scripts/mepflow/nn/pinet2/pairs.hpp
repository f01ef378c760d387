// Loops over the pairs of atoms in one block of the network, on one thread.
//
// Pairs are sorted by their receiving atom i. Atoms count from the first of the chunk of molecules,
// of which all rows of atoms are; rows of pairs count from the first pair of the loop. C is the
// number of channels with its padding, B that of basis functions, X that of components.
#pragma once

#include <algorithm>

#include "products.hpp"

// The pairs [first, last) of a chunk that begins with `first_atom`: both atoms in the numbering of
// the whole graph, the basis (pairs, B), and of these the range that matters, [begin, end).
template <typename Real> struct PairRange {
  const Index *i, *j;
  Index first_atom, first, last;
  const Real *basis;
  const std::int32_t *begin, *end;

  Index count() const { return last - first; }
};

// Runs `work` on the pairs of one atom after the other: its number, the first and past the last.
template <typename Real, typename Work>
inline void for_atoms(const PairRange<Real> &pairs, const Work &work) {
  for (Index first = pairs.first, last; first < pairs.last; first = last) {
    for (last = first + 1; last < pairs.last && pairs.i[last] == pairs.i[first];) ++last;
    work(pairs.i[first] - pairs.first_atom, first, last);
  }
}

// Finds the basis functions that can change the last digit of a sum with the pair's largest.
template <typename Real>
void find_significant(const Real *basis, Index B, Index first, Index last, std::int32_t *begin,
                      std::int32_t *end) {
  constexpr Real negligible = Format<Real>::epsilon / 128;
  for (Index p = first; p < last; ++p) {
    const Real *e = basis + p * B;
    Real largest = 0;
    for (Index b = 0; b < B; ++b) largest = std::max(largest, std::abs(e[b]));
    Index from = 0, to = B;
    while (from < to && std::abs(e[from]) < negligible * largest) ++from;
    while (from < to && std::abs(e[to - 1]) < negligible * largest) --to;
    begin[p] = std::int32_t(from);
    end[p] = std::int32_t(to);
  }
}

// PI: out (pairs, C) = sum_b tanh(centre[i] + neighbour[j])[b] basis[b], of (atoms, B C).
template <typename Real>
void interact(const PairRange<Real> &pairs, Index B, const Matrix<Real> &centre,
              const Matrix<Real> &neighbour, const Matrix<Real> &out) {
  const Tanh<Real> tanh;
  const Index C = out.columns;
  for (Index p = pairs.first; p < pairs.last; ++p) {
    const Real *of_i = centre.row(pairs.i[p] - pairs.first_atom);
    const Real *of_j = neighbour.row(pairs.j[p] - pairs.first_atom);
    const Real *basis = pairs.basis + p * B;
    for_columns<Real>(C, [&](auto V, Index c) {
      Vector<Real> sum[V]{};
      for (Index b = pairs.begin[p]; b < pairs.end[p]; ++b)
        for (int v = 0; v < V; ++v) {
          const Index k = b * C + c + v * lanes<Real>;
          sum[v] += basis[b] * tanh(at(of_i + k) + at(of_j + k));
        }
      store<Real, V>(sum, out.row(p - pairs.first) + c);
    });
  }
}

// Gradients of interact for upstream (pairs, C): added to d_centre, d_neighbour and, unless it is
// null, d_basis (all pairs, B), for which all basis functions count.
template <typename Real>
void interact_backward(const PairRange<Real> &pairs, Index B, const Matrix<Real> &upstream,
                       const Matrix<Real> &centre, const Matrix<Real> &neighbour,
                       const Matrix<Real> &d_centre, const Matrix<Real> &d_neighbour,
                       Real *d_basis) {
  const Tanh<Real> tanh;
  const Index C = upstream.columns;
  for (Index p = pairs.first; p < pairs.last; ++p) {
    const Index i = pairs.i[p] - pairs.first_atom, j = pairs.j[p] - pairs.first_atom;
    const Real *of_i = centre.row(i), *of_j = neighbour.row(j), *basis = pairs.basis + p * B;
    Real *d_i = d_centre.row(i), *d_j = d_neighbour.row(j);
    const Index begin = d_basis ? 0 : pairs.begin[p], end = d_basis ? B : pairs.end[p];
    for_columns<Real>(C, [&](auto V, Index c) {
      Vector<Real> g[V], y[V];
      load<Real, V>(upstream.row(p - pairs.first) + c, g);
      for (Index b = begin; b < end; ++b) {
        for (int v = 0; v < V; ++v) {
          const Index k = b * C + c + v * lanes<Real>;
          y[v] = tanh(at(of_i + k) + at(of_j + k));
          const Vector<Real> d = basis[b] * g[v] * (1 - y[v] * y[v]);
          at(d_i + k) += d;
          at(d_j + k) += d;
        }
        if (d_basis) d_basis[p * B + b] += sum_of_products<Real, V>(g, y);
      }
    });
  }
}

// Kinds of atoms: one for each element, and a last one for atoms of unknown elements.
struct Kinds {
  Index count;
  const Index *species;  // of all atoms

  Index of(Index atom) const {
    return species[atom] < 0 || species[atom] >= count ? count - 1 : species[atom];
  }
  Index of_pair(Index i, Index j) const { return of(i) * count + of(j); }
};

// PI of the first block up to the next tanh, where all that a pair's atoms add is their kinds:
// out (pairs, C) = sum_b table[kinds of i and j, b] basis[b], over the unit of Tanh as the table.
template <typename Real>
void interact_kinds(const PairRange<Real> &pairs, Index B, const Kinds &kinds,
                    const Matrix<Real> &table, const Matrix<Real> &out) {
  const Index C = out.columns;
  for (Index p = pairs.first; p < pairs.last; ++p) {
    const Real *y = table.row(kinds.of_pair(pairs.i[p], pairs.j[p])), *basis = pairs.basis + p * B;
    for (Index c = 0; c < C; c += lanes<Real>) {
      Vector<Real> sum{};
      for (Index b = pairs.begin[p]; b < pairs.end[p]; ++b) sum += basis[b] * at(y + b * C + c);
      at(out.row(p - pairs.first) + c) = sum;
    }
  }
}

// Gradients of interact_kinds for upstream (pairs, C): added to d_table, both of numbers that are
// not over the unit of Tanh, and, unless it is null, to d_basis (all pairs, B), for which all basis
// functions count.
template <typename Real>
void interact_kinds_backward(const PairRange<Real> &pairs, Index B, const Kinds &kinds,
                             const Matrix<Real> &upstream, const Matrix<Real> &table,
                             const Matrix<Real> &d_table, Real *d_basis) {
  const Index C = upstream.columns;
  for (Index p = pairs.first; p < pairs.last; ++p) {
    const Index couple = kinds.of_pair(pairs.i[p], pairs.j[p]);
    const Real *values = table.row(couple), *basis = pairs.basis + p * B;
    Real *d = d_table.row(couple);
    const Index begin = d_basis ? 0 : pairs.begin[p], end = d_basis ? B : pairs.end[p];
    for_columns<Real>(C, [&](auto V, Index c) {
      Vector<Real> g[V], y[V];
      load<Real, V>(upstream.row(p - pairs.first) + c, g);
      for (Index b = begin; b < end; ++b) {
        for (int v = 0; v < V; ++v) at(d + b * C + c + v * lanes<Real>) += basis[b] * g[v];
        if (!d_basis) continue;
        load<Real, V>(values + b * C + c, y);
        d_basis[p * B + b] += sum_of_products<Real, V>(g, y) * Tanh<Real>::unit;
      }
    });
  }
}

// total (atoms, W) += values (pairs, W) of the pairs of each atom.
template <typename Real>
void add_pairs(const PairRange<Real> &pairs, const Matrix<Real> &values,
               const Matrix<Real> &total) {
  for_atoms(pairs, [&](Index i, Index first, Index last) {
    for_columns<Real>(total.columns, [&](auto V, Index c) {
      Vector<Real> sum[V];
      load<Real, V>(total.row(i) + c, sum);
      for (Index p = first; p < last; ++p)
        for (int v = 0; v < V; ++v)
          sum[v] += at(values.row(p - pairs.first) + c + v * lanes<Real>);
      store<Real, V>(sum, total.row(i) + c);
    });
  });
}

// Gradient of add_pairs, put into d_values.
template <typename Real>
void add_pairs_backward(const PairRange<Real> &pairs, const Matrix<Real> &upstream,
                        const Matrix<Real> &d_values) {
  for (Index p = pairs.first; p < pairs.last; ++p)
    std::copy_n(upstream.row(pairs.i[p] - pairs.first_atom), upstream.columns,
                d_values.row(p - pairs.first));
}

// PIX: sum (atoms X, C) += (px[j, x] + direction[p, x]) scale[p] of px (atoms X, C), which may be
// nothing for zeros, direction (all pairs, X) and scale (pairs, C).
template <typename Real>
void carry(const PairRange<Real> &pairs, Index X, const Real *direction, const Matrix<Real> &px,
           const Matrix<Real> &scale, const Matrix<Real> &sum) {
  for_atoms(pairs, [&](Index i, Index first, Index last) {
    for (Index x = 0; x < X; ++x)
      for_columns<Real>(sum.columns, [&](auto V, Index c) {
        Vector<Real> total[V];
        load<Real, V>(sum.row(i * X + x) + c, total);
        for (Index p = first; p < last; ++p) {
          const Real along = direction[p * X + x], *s = scale.row(p - pairs.first) + c;
          const Real *of_j =
              px.data ? px.row((pairs.j[p] - pairs.first_atom) * X + x) + c : nullptr;
          for (int v = 0; v < V; ++v) {
            const Index k = v * lanes<Real>;
            const Vector<Real> carried = of_j ? at(of_j + k) + along : Vector<Real>{} + along;
            total[v] += carried * at(s + k);
          }
        }
        store<Real, V>(total, sum.row(i * X + x) + c);
      });
  });
}

// Gradients of carry for upstream (atoms X, C): added to d_scale, to d_px if there is px, and to
// d_direction unless it is null.
template <typename Real>
void carry_backward(const PairRange<Real> &pairs, Index X, const Matrix<Real> &upstream,
                    const Real *direction, const Matrix<Real> &px, const Matrix<Real> &scale,
                    Real *d_direction, const Matrix<Real> &d_px, const Matrix<Real> &d_scale) {
  for (Index p = pairs.first; p < pairs.last; ++p) {
    const Index i = pairs.i[p] - pairs.first_atom, j = pairs.j[p] - pairs.first_atom;
    for_columns<Real>(upstream.columns, [&](auto V, Index c) {
      Vector<Real> s[V], d_s[V], g[V];
      load<Real, V>(scale.row(p - pairs.first) + c, s);
      load<Real, V>(d_scale.row(p - pairs.first) + c, d_s);
      for (Index x = 0; x < X; ++x) {
        const Real along = direction[p * X + x];
        const Real *of_j = px.data ? px.row(j * X + x) + c : nullptr;
        Real *d_j = d_px.row(j * X + x) + c;
        load<Real, V>(upstream.row(i * X + x) + c, g);
        for (int v = 0; v < V; ++v) {
          const Index k = v * lanes<Real>;
          Vector<Real> carried = Vector<Real>{} + along;
          if (of_j) {
            carried += at(of_j + k);
            at(d_j + k) += s[v] * g[v];
          }
          d_s[v] += carried * g[v];
        }
        if (d_direction) d_direction[p * X + x] += sum_of_products<Real, V>(s, g);
      }
      store<Real, V>(d_s, d_scale.row(p - pairs.first) + c);
    });
  }
}
