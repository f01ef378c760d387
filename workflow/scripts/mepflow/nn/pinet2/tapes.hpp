// What the network computes of some molecules and keeps for its gradient, and room for that.
//
// N atoms and P pairs in all, n atoms in a chunk of molecules, C channels.
#pragma once

#include <cstddef>

#include "network.hpp"

// Pairs that go through all their layers together.
constexpr Index pairs_at_once = 192;

// Whole molecules: their atoms [first_atom, last_atom) and pairs.
struct Chunk {
  Index first_atom, last_atom, first_pair, last_pair;

  Index atoms() const { return last_atom - first_atom; }
  Index pairs() const { return last_pair - first_pair; }
};

// Properties of the atoms of a chunk: p1 (n, C), p3 (3n, C), p5 (5n, C).
template <typename Real> struct Properties {
  Matrix<Real> p1, px[2];

  Properties() = default;
  Properties(const Shape &shape, Index columns, bool equivariant, Index n, Arena &room) {
    p1 = room.matrix<Real>(n, columns);
    for (Index kind = 0; equivariant && kind < shape.equivariant(); ++kind)
      px[kind] = room.matrix<Real>(Shape::components(kind) * n, columns);
  }
};

// What enters a block, and what it computes of a chunk and its gradient needs. Of a stack of layers
// these are its input and its outputs.
template <typename Real> struct Tape {
  struct Path {
    Matrix<Real> of_i, of_j, sum, px, left, right;
  };
  Properties<Real> in;
  Matrix<Real> centre, neighbour;
  std::vector<Matrix<Real>> ii, pp, gate;
  Path path[2];

  // Where nothing is kept of pairs, every second of their outputs has the same place.
  Tape(const Network<Real> &network, Index n, Index pair_rows, bool keeps, Arena &room) {
    const Shape &shape = network.shape;
    const Block<Real> &block = network.blocks.back();  // as wide as any
    const Index C = network.columns();
    centre = room.matrix<Real>(n, block.centre->out.columns());
    neighbour = room.matrix<Real>(n, block.centre->out.columns());
    ii = outputs(block.ii, room.matrix<Real>(pair_rows, padded<Real>(shape.pi)), room);
    for (std::size_t l = 2; !keeps && l < ii.size(); ++l)
      if (ii[l].columns == ii[l - 2].columns) ii[l] = ii[l - 2];
    pp = outputs(block.pp, room.matrix<Real>(n, network.sliced_columns()), room);
    gate = outputs(block.gate, room.matrix<Real>(n, block.gate.front()->in.columns()), room);
    pp.back() = gate.front().slice(0, pp.back().columns);
    for (Index kind = 0; kind < shape.equivariant(); ++kind) {
      const Index rows = Shape::components(kind) * n;
      Path &own = path[kind];
      own.sum = room.matrix<Real>(rows, C);
      own.px = room.matrix<Real>(rows, C);
      if (shape.weighted)
        for (Matrix<Real> *map : {&own.of_i, &own.of_j, &own.left, &own.right})
          *map = room.matrix<Real>(rows, C);
    }
  }

 private:
  static std::vector<Matrix<Real>> outputs(const Stack<Real> &layers, Matrix<Real> input,
                                           Arena &room) {
    std::vector<Matrix<Real>> all{input};
    for (const Linear<Real> *layer : layers)
      all.push_back(room.matrix<Real>(input.rows, layer->out.columns()));
    return all;
  }
};

// Room for the gradients in one chunk.
template <typename Real> struct Slopes {
  struct Path {
    Matrix<Real> sum, px, of_i, of_j, left, right;
  };
  Properties<Real> after;  // of what leaves the block; in the end, of what enters it
  Real *of_atoms[3], *of_pairs[2];  // of the outputs of a layer
  Matrix<Real> centre, neighbour;
  Path path[2];

  Slopes(const Network<Real> &network, Index n, Arena &room)
      : after(network.shape, network.columns(), true, n, room) {
    const Block<Real> &block = network.blocks.back();
    for (Real *&place : of_atoms)
      place = room.take<Real>(n * std::max(widest(block.pp), widest(block.gate)));
    for (Real *&place : of_pairs) place = room.take<Real>(pairs_at_once * widest(block.ii));
    centre = room.matrix<Real>(n, block.centre->out.columns());
    neighbour = room.matrix<Real>(n, block.centre->out.columns());
    for (Index kind = 0; kind < network.shape.equivariant(); ++kind)
      for (Matrix<Real> Path::*place :
           {&Path::sum, &Path::px, &Path::of_i, &Path::of_j, &Path::left, &Path::right})
        path[kind].*place = room.matrix<Real>(Shape::components(kind) * n, network.columns());
  }

 private:
  static Index widest(const Stack<Real> &layers) {
    Index columns = layers.front()->in.columns();
    for (const Linear<Real> *layer : layers) columns = std::max(columns, layer->out.columns());
    return columns;
  }
};

// The tapes of all blocks. Where nothing is kept they share all but what enters the block, of which
// every second does, and have rows for as many pairs as go together.
template <typename Real>
std::vector<Tape<Real>> tapes_of(const Network<Real> &network, const Chunk &chunk, bool keeps,
                                 Arena &room) {
  const Shape &shape = network.shape;
  const Index n = chunk.atoms(), pair_rows = keeps ? chunk.pairs() : pairs_at_once;
  std::vector<Tape<Real>> tapes;
  for (Index t = 0; t < shape.depth; ++t) {
    if (keeps || t == 0)
      tapes.emplace_back(network, n, pair_rows, keeps, room);
    else
      tapes.push_back(tapes[0]);
    const Index columns = t ? network.columns() : padded<Real>(shape.elements);
    if (!keeps && t > 2)
      tapes[t].in = tapes[t - 2].in;
    else
      tapes[t].in = Properties<Real>(shape, columns, t > 0, n, room);
  }
  return tapes;
}
