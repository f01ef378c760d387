// Products of matrices of which the rows are whole vectors, on one thread.
#pragma once

#include "vectors.hpp"

// A matrix in rows that lie `stride` numbers apart; columns and stride are whole vectors.
template <typename Real> struct Matrix {
  Real *data = nullptr;
  Index rows = 0, columns = 0, stride = 0;

  Real *row(Index k) const { return data + k * stride; }
  Matrix part(Index first, Index count) const { return {row(first), count, columns, stride}; }
  Matrix slice(Index first, Index width) const { return {data + first, rows, width, stride}; }
};

// Rows and vectors of a result that stay in registers during the sum over the inner index: enough
// of both that neither the loads nor the latency of the multiplication count.
#if defined(__AVX512F__)
constexpr int tile_rows = 6, tile_vectors = 4;
#else
constexpr int tile_rows = 4, tile_vectors = 2;
#endif

enum class Left { plain, transposed };
enum class Result { put, added };

// R rows and V vectors of columns of out {=, +=} left right. Numbers of `left` with the same inner
// index are `left_stride` apart if it is plain, neighbours if it is transposed.
template <typename Real, Left kind, Result result, int R, int V>
inline void multiply_tile(const Real *left, Index left_stride, const Matrix<Real> &right,
                          Index column, Real *out, Index out_stride) {
  Vector<Real> sum[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v)
      sum[r][v] = result == Result::added ? at(out + r * out_stride + v * lanes<Real>)
                                          : Vector<Real>{};
  const Real *of_k = right.data + column;
  for (Index k = 0; k < right.rows; ++k, of_k += right.stride) {
    Vector<Real> factor[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) factor[v] = at(of_k + v * lanes<Real>);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Real number =
          kind == Left::plain ? left[r * left_stride + k] : left[k * left_stride + r];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] += number * factor[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) at(out + r * out_stride + v * lanes<Real>) = sum[r][v];
}

// As many rows as there are, R at a time, then the others in one smaller tile.
template <typename Real, Left kind, Result result, int R, int V>
inline void multiply_rows(const Matrix<Real> &left, const Matrix<Real> &right, Index column,
                          const Matrix<Real> &out, Index row) {
  const Index step = kind == Left::plain ? left.stride : 1;
  for (; row + R <= out.rows; row += R)
    multiply_tile<Real, kind, result, R, V>(left.data + row * step, left.stride, right, column,
                                            out.row(row) + column, out.stride);
  if constexpr (R > 1)
    if (row < out.rows)
      multiply_rows<Real, kind, result, R - 1, V>(left, right, column, out, row);
}

template <typename Real, Left kind, Result result, int V>
inline void multiply_columns(const Matrix<Real> &left, const Matrix<Real> &right,
                             const Matrix<Real> &out, Index column) {
  for (; column + V * lanes<Real> <= out.columns; column += V * lanes<Real>)
    multiply_rows<Real, kind, result, tile_rows, V>(left, right, column, out, 0);
  if constexpr (V > 1)
    if (column < out.columns)
      multiply_columns<Real, kind, result, V - 1>(left, right, out, column);
}

// out (m, n) {=, +=} left right, of left (m, k) and right (k, n); or, with left (k, m) transposed.
// Each sum runs over k in order, whatever the shapes: rows do not depend on each other.
template <Left kind, Result result, typename Real>
void multiply(const Matrix<Real> &left, const Matrix<Real> &right, const Matrix<Real> &out) {
  multiply_columns<Real, kind, result, tile_vectors>(left, right, out, 0);
}
