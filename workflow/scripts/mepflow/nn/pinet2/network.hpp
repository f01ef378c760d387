// PiNet2 as a whole: its layers in the order of PyTorch's parameters, see pinet2.py.
#pragma once

#include "layers.hpp"

// Takes the parameters of the network one by one, with the places of their gradients, if any.
template <typename Real> class Parameters {
 public:
  Parameters(void *const *values, void *const *gradients) : values(values), gradients(gradients) {}

  Real *value() const { return static_cast<Real *>(values[next]); }
  Real *gradient() const { return gradients ? static_cast<Real *>(gradients[next]) : nullptr; }
  void skip() { ++next; }

 private:
  void *const *values, *const *gradients;
  Index next = 0;
};

// What defines a network, as numbers in this order.
struct Shape {
  Index elements, basis, slices, depth, weighted, compatible, outputs, pi;
  std::vector<Index> ii, pp, head;

  explicit Shape(const Index *numbers) {
    for (Index *value : {&elements, &basis, &slices, &depth, &weighted, &compatible, &outputs, &pi})
      *value = *numbers++;
    for (std::vector<Index> *widths : {&ii, &pp, &head}) {
      const Index count = *numbers++;
      widths->assign(numbers, numbers + count);
      numbers += count;
    }
  }

  Index channels() const { return ii.back(); }
  Index equivariant() const { return slices - 1; }                     // vectors, matrices
  static Index components(Index kind) { return kind == 0 ? 3 : 5; }    // of each of these
  bool is_output(Index property) const { return outputs >> property & 1; }  // p1, p3, p5
};

// The path of vectors or matrices in a block; the maps that only weighted networks have are null
// elsewhere, and those of the neighbours' property also where there is none yet.
template <typename Real> struct Equivariant {
  const Linear<Real> *of_i = nullptr, *of_j = nullptr, *mix = nullptr, *left = nullptr,
                     *right = nullptr;
};

template <typename Real> struct Block {
  const Linear<Real> *centre = nullptr, *neighbour = nullptr;  // shares in PI of both atoms
  Stack<Real> ii, pp, gate;                                    // gate: PP' of pinet2.py
  Equivariant<Real> equivariant[2];
  const Head<Real> *head[3] = {};
  const Linear<Real> *transform = nullptr;  // of p1 in the residual, null for the identity
};

template <typename Real> class Network {
 public:
  const Shape shape;
  std::vector<Block<Real>> blocks;
  Index gradients = 0;  // numbers in a thread's gradients

  Network(const Index *numbers, Parameters<Real> parameters, Arena &room)
      : shape(numbers), blocks(shape.depth), parameters(parameters), room(room) {
    for (Index t = 0; t < shape.depth; ++t) add_block(t);
    for (Index t = 0; t < shape.depth; ++t)
      for (Index property = 0; property < shape.slices; ++property)
        if (shape.is_output(property)) blocks[t].head[property] = add_head(property);
    for (Index t = 0; t < shape.depth; ++t) add_residual(t);
  }

  Index columns() const { return padded<Real>(shape.channels()); }
  Index sliced_columns() const { return shape.slices * columns(); }

  // Copies the weights into padded rows, those for gradients only if there will be any.
  void pack(int threads, bool backwards) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (std::size_t k = 0; k < linears.size(); ++k) linears[k].pack(backwards);
    for (Head<Real> &head : heads) head.pack();
  }

  // Sums the gradients of the threads into those of the parameters.
  void collect(const std::vector<Real *> &of_threads, int threads) const {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (std::size_t k = 0; k < linears.size(); ++k) linears[k].collect(of_threads);
    for (const Head<Real> &head : heads) head.collect(of_threads);
  }

 private:
  Parameters<Real> parameters;
  Arena &room;
  std::deque<Linear<Real>> linears;
  std::deque<Head<Real>> heads;

  Layout<Real> flat(Index width) const { return {1, width}; }
  Layout<Real> sliced() const { return {shape.slices, shape.channels()}; }

  const Linear<Real> *add(Layout<Real> in, Layout<Real> out, bool biased, Then then) {
    Linear<Real> layer{in, out, parameters.value(), nullptr, parameters.gradient(), nullptr,
                       in.features(), then, {}, {}};
    parameters.skip();
    if (biased) {
      layer.bias = parameters.value();
      layer.d_bias = parameters.gradient();
      parameters.skip();
    }
    return keep(layer);
  }

  const Linear<Real> *keep(Linear<Real> &layer) {
    layer.lay_out(room, gradients);
    linears.push_back(layer);
    return &linears.back();
  }

  // One weight (B C', 2 in) and bias on both atoms of a pair: a layer of its own on each.
  void add_pair_layer(Block<Real> &block, Index in) {
    const Layout<Real> out{shape.basis, shape.pi};
    Linear<Real> of_i{flat(in), out, parameters.value(), nullptr, parameters.gradient(), nullptr,
                      2 * in, Then::tanh, {}, {}};
    Linear<Real> of_j = of_i;
    of_j.weight += in;
    if (of_j.d_weight) of_j.d_weight += in;
    parameters.skip();
    of_i.bias = parameters.value();
    of_i.d_bias = parameters.gradient();
    parameters.skip();
    block.centre = keep(of_i);
    block.neighbour = keep(of_j);
  }

  void add_stack(Stack<Real> &stack, Layout<Real> in, const std::vector<Index> &widths,
                 Layout<Real> last, bool biased) {
    for (std::size_t l = 0; l < widths.size(); ++l) {
      const Layout<Real> out = l + 1 < widths.size() ? flat(widths[l]) : last;
      stack.push_back(add(in, out, biased, Then::tanh));
      in = out;
    }
  }

  void add_block(Index t) {
    Block<Real> &block = blocks[t];
    add_pair_layer(block, t ? shape.channels() : shape.elements);
    add_stack(block.ii, flat(shape.pi), shape.ii, sliced(), false);
    add_stack(block.pp, sliced(), shape.pp, flat(shape.pp.back()), false);
    for (Index kind = 0; kind < shape.equivariant(); ++kind) add_equivariant(block, kind, t);
    const Layout<Real> scalars = shape.slices > 1 ? sliced() : flat(shape.pp.back());
    add_stack(block.gate, scalars, shape.pp, sliced(), true);
  }

  void add_equivariant(Block<Real> &block, Index kind, Index t) {
    const Layout<Real> channels = flat(shape.channels());
    const auto add_map = [&] { return add(channels, channels, false, Then::nothing); };
    Equivariant<Real> &path = block.equivariant[kind];
    if (shape.weighted && t) {
      path.of_i = add_map();
      path.of_j = add_map();
    } else if (shape.weighted && shape.compatible) {
      parameters.skip();  // PiNN has weights for zeros
      parameters.skip();
    }
    path.mix = add_map();
    if (shape.weighted) {
      path.left = add_map();
      path.right = add_map();
    }
  }

  const Head<Real> *add_head(Index property) {
    Head<Real> head;
    Index in = shape.channels();
    for (std::size_t l = 0; l <= shape.head.size(); ++l) {
      const bool last = l == shape.head.size();
      const Index out = last ? 1 : shape.head[l];
      typename Head<Real>::Layer layer{parameters.value(), nullptr, parameters.gradient(), nullptr,
                                       in, out};
      parameters.skip();
      if (!last && (property == 0 || shape.compatible)) {
        layer.bias = parameters.value();
        layer.d_bias = parameters.gradient();
        parameters.skip();
      }
      head.layers.push_back(layer);
      in = out;
    }
    head.lay_out(room, gradients);
    heads.push_back(head);
    return &heads.back();
  }

  // Maps of zeros, again, are PiNN's; only the first block changes the number of channels.
  void add_residual(Index t) {
    if (t || (shape.depth == 1 && !shape.compatible)) return;
    if (shape.elements != shape.channels())
      blocks[0].transform = add(flat(shape.elements), flat(shape.channels()), false, Then::nothing);
  }
};
