// The first block's PI layer and the weights of II that follow it.
#pragma once

#include "network.hpp"
#include "pairs.hpp"

// PI of the first block for all couples of kinds of atoms: all that it depends on, but the basis.
// What follows, up to the next tanh, is linear and done here, too, instead of for all pairs.
template <typename Real> class FirstLayer {
 public:
  const Kinds kinds;

  FirstLayer(const Network<Real> &network, const void *species, Arena &room)
      : kinds{network.shape.elements + 1, static_cast<const Index *>(species)},
        block(network.blocks[0]),
        p1(room.matrix<Real>(kinds.count, padded<Real>(network.shape.elements))),
        centre(room.matrix<Real>(kinds.count, block.centre->out.columns())),
        neighbour(room.matrix<Real>(kinds.count, centre.columns)),
        couples(room.matrix<Real>(kinds.count * kinds.count, centre.columns)),
        mapped(room.matrix<Real>(couples.rows * network.shape.basis,
                                 block.ii.front()->out.columns())) {}

  // What the basis functions multiply, (kinds of i and j, B C): the first layer of II of the tanh.
  Matrix<Real> table() const { return table_of(mapped.data); }

  // Numbers that one thread needs for the gradients of the table and of what it is made from.
  Index gradients() const {
    return mapped.rows * mapped.columns + (couples.rows + 2 * kinds.count) * couples.columns;
  }

  Matrix<Real> gradient_of_table(Real *room) const { return table_of(room); }

  void forward() const {
    clear(p1);
    for (Index kind = 0; kind + 1 < kinds.count; ++kind) p1.row(kind)[kind] = 1;
    block.centre->apply(p1, centre);
    block.neighbour->apply(p1, neighbour);
    for (Index couple = 0; couple < couples.rows; ++couple) {
      const Real *of_i = centre.row(couple / kinds.count);
      const Real *of_j = neighbour.row(couple % kinds.count);
      for (Index c = 0; c < couples.columns; c += lanes<Real>)
        at(couples.row(couple) + c) = at(of_i + c) + at(of_j + c);
    }
    take_tanh(couples);
    block.ii.front()->apply(by_basis(couples.data), mapped);
  }

  // From the gradient of the table, in a thread's cleared room, to those of the weights.
  void backward(Real *room, Real *gradients) const {
    const Linear<Real> *map = block.ii.front();
    const Matrix<Real> d_mapped{room, mapped.rows, mapped.columns, mapped.columns};
    const Index columns = couples.columns;
    const Matrix<Real> d_couples{d_mapped.row(mapped.rows), couples.rows, columns, columns};
    const Matrix<Real> d_centre{d_couples.row(couples.rows), kinds.count, columns, columns};
    const Matrix<Real> d_neighbour{d_centre.row(kinds.count), kinds.count, columns, columns};
    map->add_gradient(d_mapped, by_basis(couples.data), gradients);
    multiply<Left::plain>(d_mapped, map->backward, by_basis(d_couples.data));
    pass_tanh_back(couples, d_couples);
    for (Index couple = 0; couple < couples.rows; ++couple) {
      Real *d_i = d_centre.row(couple / kinds.count), *d_j = d_neighbour.row(couple % kinds.count);
      for (Index c = 0; c < columns; c += lanes<Real>) {
        const Vector<Real> d = at(d_couples.row(couple) + c);
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
  const Matrix<Real> couples;  // tanh of the sums, (kinds of i and j, B C)
  const Matrix<Real> mapped;   // (kinds of i and j and B, C)

  // The rows of couples of kinds (., B C) as those of couples and basis functions (. B, C).
  Matrix<Real> by_basis(Real *numbers) const {
    const Index columns = block.ii.front()->in.columns();
    return {numbers, mapped.rows, columns, columns};
  }

  Matrix<Real> table_of(Real *numbers) const {
    const Index columns = mapped.rows / couples.rows * mapped.columns;
    return {numbers, couples.rows, columns, columns};
  }
};
