// The first block's PI layer.
#pragma once

#include "network.hpp"
#include "pairs.hpp"

// PI of the first block for all couples of kinds of atoms: all that it depends on, but the basis.
template <typename Real> class FirstLayer {
 public:
  const Kinds kinds;
  const Matrix<Real> table;  // (kinds of i and j, B C)

  FirstLayer(const Network<Real> &network, const void *species, Arena &room)
      : kinds{network.shape.elements + 1, static_cast<const Index *>(species)},
        table(room.matrix<Real>(kinds.count * kinds.count, columns_of(network))),
        block(network.blocks[0]),
        p1(room.matrix<Real>(kinds.count, padded<Real>(network.shape.elements))),
        centre(room.matrix<Real>(kinds.count, table.columns)),
        neighbour(room.matrix<Real>(kinds.count, table.columns)) {}

  // Numbers that one thread needs for the gradient of the table, and of the shares of both atoms.
  Index gradients() const { return (table.rows + 2 * kinds.count) * table.columns; }

  Matrix<Real> gradient_of_table(Real *room) const {
    return {room, table.rows, table.columns, table.columns};
  }

  void forward() const {
    clear(p1);
    for (Index kind = 0; kind + 1 < kinds.count; ++kind) p1.row(kind)[kind] = 1;
    block.centre->apply(p1, centre);
    block.neighbour->apply(p1, neighbour);
    for (Index couple = 0; couple < table.rows; ++couple) {
      const Real *of_i = centre.row(couple / kinds.count);
      const Real *of_j = neighbour.row(couple % kinds.count);
      for (Index c = 0; c < table.columns; c += lanes<Real>)
        at(table.row(couple) + c) = at(of_i + c) + at(of_j + c);
    }
    take_tanh(table);
  }

  // From the gradient of the table, in a thread's cleared room, to those of the weights.
  void backward(Real *room, Real *gradients) const {
    const Matrix<Real> d_table = gradient_of_table(room);
    const Index columns = table.columns;
    const Matrix<Real> d_centre{d_table.row(table.rows), kinds.count, columns, columns};
    const Matrix<Real> d_neighbour{d_centre.row(kinds.count), kinds.count, columns, columns};
    for (Index couple = 0; couple < table.rows; ++couple) {
      Real *d_i = d_centre.row(couple / kinds.count), *d_j = d_neighbour.row(couple % kinds.count);
      for (Index c = 0; c < columns; c += lanes<Real>) {
        const Vector<Real> y = at(table.row(couple) + c);
        const Vector<Real> d = at(d_table.row(couple) + c) * (1 - y * y);
        at(d_i + c) += d;
        at(d_j + c) += d;
      }
    }
    block.centre->add_gradient(d_centre, p1, gradients);
    block.neighbour->add_gradient(d_neighbour, p1, gradients);
  }

 private:
  const Block<Real> &block;
  const Matrix<Real> p1, centre, neighbour;

  static Index columns_of(const Network<Real> &network) {
    return network.blocks[0].centre->out.columns();
  }
};
