// Products of matrices of which the rows are whole vectors, on one thread.
#pragma once

#include <algorithm>
#include <type_traits>

#include "vectors.hpp"

// A matrix in rows that lie `stride` numbers apart; columns and stride are whole vectors.
template <typename Real> struct Matrix {
  Real *data = nullptr;
  Index rows = 0, columns = 0, stride = 0;

  Real *row(Index k) const { return data + k * stride; }
  Matrix part(Index first, Index count) const { return {row(first), count, columns, stride}; }
  Matrix slice(Index first, Index width) const { return {data + first, rows, width, stride}; }
};

template <typename Real> void clear(const Matrix<Real> &values) {
  if (values.data) std::fill_n(values.data, values.rows * values.stride, Real(0));
}

// Rows and vectors of a result that stay in registers during the sum over the inner index: enough
// of both that neither the loads nor the latency of the multiplication count.
#if defined(__AVX512F__)
constexpr int tile_rows = 6, tile_vectors = 4;
#else
constexpr int tile_rows = 4, tile_vectors = 2;
#endif

// Runs `work` on `columns` numbers from `first` on, on as many vectors at once as fit, a constant.
// Inlined at any size: else what `work` holds goes through memory.
template <typename Real, int V = tile_vectors, typename Work>
inline __attribute__((always_inline)) void for_columns(Index columns, const Work &work,
                                                       Index first = 0) {
  for (; first + V * lanes<Real> <= columns; first += V * lanes<Real>)
    work(std::integral_constant<int, V>{}, first);
  if constexpr (V > 1)
    if (first < columns) for_columns<Real, V - 1>(columns, work, first);
}

template <typename Real, int V> inline void load(const Real *values, Vector<Real> (&some)[V]) {
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) some[v] = at(values + v * lanes<Real>);
}

template <typename Real, int V> inline void store(const Vector<Real> (&some)[V], Real *values) {
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) at(values + v * lanes<Real>) = some[v];
}

template <typename Real, int V>
inline Real sum_of_products(const Vector<Real> (&a)[V], const Vector<Real> (&b)[V]) {
  Vector<Real> sum{};
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) sum += a[v] * b[v];
  return sum_of<Real>(sum);
}

enum class Left { plain, transposed };
enum class Then { nothing, tanh };

// Where the sums of a product begin: at 0, or at numbers whose rows are `stride` apart.
template <typename Real> struct Start {
  const Real *data = nullptr;
  Index stride = 0;
};

// values -> their tanh, in place.
template <typename Real> void take_tanh(const Matrix<Real> &values) {
  const Tanh<Real> tanh;
  for (Index k = 0; k < values.rows; ++k)
    for (Index c = 0; c < values.columns; c += lanes<Real>)
      at(values.row(k) + c) = tanh(at(values.row(k) + c));
}

// R rows and V vectors of columns of out = start + left right. Numbers of `left` with the same
// inner index are `left_stride` apart if it is plain, neighbours if it is transposed.
template <typename Real, Left kind, int R, int V>
inline void multiply_tile(const Real *left, Index left_stride, const Matrix<Real> &right,
                          Index column, Start<Real> start, const Matrix<Real> &out) {
  Vector<Real> sum[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      sum[r][v] = start.data ? at(start.data + r * start.stride + v * lanes<Real>) : Vector<Real>{};
  const Real *of_k = right.data + column;
  for (Index k = 0; k < right.rows; ++k, of_k += right.stride) {
    Vector<Real> factor[V];
    load<Real, V>(of_k, factor);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Real number =
          kind == Left::plain ? left[r * left_stride + k] : left[k * left_stride + r];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] += number * factor[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) store<Real, V>(sum[r], out.row(r));
}

// As many rows from `row` on as there are, G tiles of R at a time, then the others in smaller ones.
// The tanh is taken as long as they are in the nearest cache.
template <typename Real, Left kind, Then then, int R, int V, int G = tile_vectors / V>
inline void multiply_rows(const Matrix<Real> &left, const Matrix<Real> &right, Index column,
                          Start<Real> start, const Matrix<Real> &out, Index row) {
  const Index step = kind == Left::plain ? left.stride : 1;
  while (row + G * R <= out.rows) {
    const Matrix<Real> group{out.row(row) + column, G * R, V * lanes<Real>, out.stride};
    for (Index k = 0; k < G * R; k += R, row += R) {
      const Start<Real> here{start.data ? start.data + row * start.stride + column : nullptr,
                             start.stride};
      multiply_tile<Real, kind, R, V>(left.data + row * step, left.stride, right, column, here,
                                      group.part(k, R));
    }
    if (then == Then::tanh) take_tanh(group);
  }
  if constexpr (G > 1)
    multiply_rows<Real, kind, then, R, V, 1>(left, right, column, start, out, row);
  else if constexpr (R > 1)
    if (row < out.rows)
      multiply_rows<Real, kind, then, R - 1, V, 1>(left, right, column, start, out, row);
}

template <typename Real, Left kind, Then then, int V>
inline void multiply_columns(const Matrix<Real> &left, const Matrix<Real> &right,
                             Start<Real> start, const Matrix<Real> &out, Index column) {
  for (; column + V * lanes<Real> <= out.columns; column += V * lanes<Real>)
    multiply_rows<Real, kind, then, tile_rows, V>(left, right, column, start, out, 0);
  if constexpr (V > 1)
    if (column < out.columns)
      multiply_columns<Real, kind, then, V - 1>(left, right, start, out, column);
}

// out (m, n) = start + left right, of left (m, k), or (k, m) transposed, and right (k, n). Each sum
// runs over k in order, whatever the shapes: rows do not depend on each other.
template <Left kind, Then then = Then::nothing, typename Real>
void multiply(const Matrix<Real> &left, const Matrix<Real> &right, const Matrix<Real> &out,
              Start<Real> start = {}) {
  multiply_columns<Real, kind, then, tile_vectors>(left, right, start, out, 0);
}

// out += left right.
template <Left kind, typename Real>
void multiply_add(const Matrix<Real> &left, const Matrix<Real> &right, const Matrix<Real> &out) {
  multiply<kind>(left, right, out, Start<Real>{out.data, out.stride});
}
