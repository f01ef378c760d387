// Some molecules on their way through the network, forward and backward, on one thread.
#pragma once

#include "first_layer.hpp"
#include "tapes.hpp"

// What Python hands over, each in this order.
enum Number { threads_, chunk_cost_, keeps_, molecules_, atoms_, pairs_, shape_ };
enum Pointer {
  species_, molecule_, pair_i_, pair_j_, basis_, direction_,  // of vectors, then of matrices
  kept_ = direction_ + 2,
  work_,
  outputs_,  // p1, p3, p5: the outputs or, backward, their gradients; null if not asked for
  d_basis_ = outputs_ + 3,
  d_direction_,
  parameters_ = d_direction_ + 2
};

// Component x of metric * values of one atom, whose components are `stride` apart: with it the
// product of two matrices of five components each is Frobenius'; see DotProduct in layers.py.
template <typename Real>
Vector<Real> with_metric(const Real *values, Index stride, Index x, bool matrices) {
  const Vector<Real> own = at(values + x * stride);
  if (!matrices) return own;
  return x < 2 ? 2 * own + at(values + (1 - x) * stride) : 2 * own;
}

// One chunk on its way through the network, forward and then backward.
template <typename Real> class Pass {
 public:
  Pass(const Network<Real> &network, const FirstLayer<Real> &first_layer, void *const *pointers,
       Chunk chunk, bool keeps, const std::int32_t *begin, const std::int32_t *end, Arena &room)
      : network(network),
        first_layer(first_layer),
        shape(network.shape),
        pointers(pointers),
        chunk(chunk),
        keeps(keeps),
        begin(begin),
        end(end),
        C(network.columns()),
        tapes(tapes_of(network, chunk, keeps, room)) {}

  void forward() const {
    embed();
    for (Index t = 0; t < shape.depth; ++t) {
      interactions_forward(t);
      atoms_forward(t);
      leave(t);
    }
  }

  // Adds the gradients of the weights to `gradients`, but that of the first layer to `d_first`.
  void backward(const Slopes<Real> &slopes, Real *gradients, const Matrix<Real> &d_first) const {
    clear(slopes.after.p1);
    for (const Matrix<Real> &px : slopes.after.px) clear(px);
    for (Index t = shape.depth; t-- > 0;) {
      leave_backward(t, slopes, gradients);
      const Matrix<Real> d_total = atoms_backward(t, slopes, gradients);
      interactions_backward(t, slopes, d_total, gradients, d_first);
    }
  }

 private:
  const Network<Real> &network;
  const FirstLayer<Real> &first_layer;
  const Shape &shape;
  void *const *pointers;
  const Chunk chunk;
  const bool keeps;
  const std::int32_t *begin, *end;
  const Index C;
  const std::vector<Tape<Real>> tapes;

  Real *real(Index which) const { return static_cast<Real *>(pointers[which]); }

  // Runs `work` on a few pairs after the other, with their first row on the tape.
  template <typename Work> void for_pairs(Work work) const {
    for (Index first = chunk.first_pair; first < chunk.last_pair; first += pairs_at_once) {
      const Index last = std::min(first + pairs_at_once, chunk.last_pair);
      const PairRange<Real> pairs{static_cast<const Index *>(pointers[pair_i_]),
                                  static_cast<const Index *>(pointers[pair_j_]),
                                  chunk.first_atom, first, last, real(basis_), begin, end};
      work(pairs, keeps ? first - chunk.first_pair : 0);
    }
  }

  // p1 of the first block: a one where the atom's element is, nothing for an unknown element.
  void embed() const {
    const Matrix<Real> &p1 = tapes[0].in.p1;
    clear(p1);
    for (Index i = 0; i < p1.rows; ++i) {
      const Index kind = first_layer.kinds.of(chunk.first_atom + i);
      if (kind < shape.elements) p1.row(i)[kind] = 1;
    }
  }

  // From the properties of the atoms to the sums over their pairs.
  void interactions_forward(Index t) const {
    const Block<Real> &block = network.blocks[t];
    const Tape<Real> &tape = tapes[t];
    if (t) {
      block.centre->apply(tape.in.p1, tape.centre);
      block.neighbour->apply(tape.in.p1, tape.neighbour);
    }
    clear(tape.pp[0]);
    for (Index kind = 0; kind < shape.equivariant(); ++kind) {
      clear(tape.path[kind].sum);
      if (const Linear<Real> *map = block.equivariant[kind].of_j)
        map->apply(tape.in.px[kind], tape.path[kind].of_j);
    }
    for_pairs([&](const PairRange<Real> &pairs, Index row) {
      const Index count = pairs.count();
      const Matrix<Real> first = tape.ii[first_of_ii(t)].part(row, count);
      if (t) {
        interact(pairs, shape.basis, tape.centre, tape.neighbour, first);
      } else {
        interact_kinds(pairs, shape.basis, first_layer.kinds, first_layer.table(), first);
        take_tanh(first);
      }
      stack_forward(block.ii, tape.ii, row, count, first_of_ii(t));
      const Matrix<Real> i1 = tape.ii.back().part(row, count);
      add_pairs(pairs, i1, tape.pp[0]);
      for (Index kind = 0; kind < shape.equivariant(); ++kind)
        carry(pairs, Shape::components(kind), real(direction_ + kind), carried(t, kind),
              i1.slice((kind + 1) * C, C), tape.path[kind].sum);
    });
    for (Index kind = 0; kind < shape.equivariant(); ++kind)
      if (const Linear<Real> *map = block.equivariant[kind].of_i) {
        map->apply(tape.in.px[kind], tape.path[kind].of_i);
        add_own_share(kind, tape);
      }
  }

  // The first of the layers of II that pairs go through; see FirstLayer.
  static std::size_t first_of_ii(Index t) { return t ? 0 : 1; }

  // What the neighbours bring into a vector or matrix: their own, mapped if weighted, if any.
  Matrix<Real> carried(Index t, Index kind) const {
    return network.blocks[t].equivariant[kind].of_j ? tapes[t].path[kind].of_j
                                                    : tapes[t].in.px[kind];
  }

  // The share of atom i is the same for all its pairs: it takes the sum of their scales.
  void add_own_share(Index kind, const Tape<Real> &tape) const {
    const Index X = Shape::components(kind);
    const typename Tape<Real>::Path &path = tape.path[kind];
    for (Index row = 0; row < path.sum.rows; ++row)
      for (Index c = 0; c < C; c += lanes<Real>)
        at(path.sum.row(row) + c) +=
            at(path.of_i.row(row) + c) * at(tape.pp[0].row(row / X) + (kind + 1) * C + c);
  }

  // From the sums over pairs to the gates: PP, its equivariant sisters, dot products, PP'.
  void atoms_forward(Index t) const {
    const Block<Real> &block = network.blocks[t];
    const Tape<Real> &tape = tapes[t];
    const Index n = chunk.atoms();
    stack_forward(block.pp, tape.pp, 0, n);
    for (Index kind = 0; kind < shape.equivariant(); ++kind) {
      const Equivariant<Real> &layers = block.equivariant[kind];
      const typename Tape<Real>::Path &path = tape.path[kind];
      layers.mix->apply(path.sum, path.px);
      if (shape.weighted) {
        layers.left->apply(path.px, path.left);
        layers.right->apply(path.px, path.right);
      }
      dot(kind, path, tape.gate[0].slice((kind + 1) * C, C));
    }
    stack_forward(block.gate, tape.gate, 0, n);
  }

  bool has_metric(Index kind) const { return kind == 1 && !shape.compatible; }

  void dot(Index kind, const typename Tape<Real>::Path &path, const Matrix<Real> &out) const {
    const Index X = Shape::components(kind);
    const Matrix<Real> &left = shape.weighted ? path.left : path.px;
    const Matrix<Real> &right = shape.weighted ? path.right : path.px;
    for (Index i = 0; i < out.rows; ++i)
      for (Index c = 0; c < C; c += lanes<Real>) {
        Vector<Real> sum{};
        for (Index x = 0; x < X; ++x)
          sum += at(left.row(i * X + x) + c) *
                 with_metric<Real>(right.row(i * X) + c, right.stride, x, has_metric(kind));
        at(out.row(i) + c) = sum;
      }
  }

  // The new properties: into the outputs, and with the old ones into the next block.
  void leave(Index t) const {
    const Tape<Real> &tape = tapes[t];
    const bool last = t + 1 == shape.depth;
    const Matrix<Real> p1 = tape.gate.back().slice(0, C);
    add_output(t, 0, 1, p1, nullptr);
    if (!last) {
      const Linear<Real> *transform = t ? nullptr : network.blocks[0].transform;
      if (transform) transform->apply(tape.in.p1, tapes[t + 1].in.p1);
      add_update(transform ? tapes[t + 1].in.p1 : tape.in.p1, p1, nullptr, 1, tapes[t + 1].in.p1);
    }
    for (Index kind = 0; kind < shape.equivariant(); ++kind) {
      const Index X = Shape::components(kind);
      const Matrix<Real> &px = tape.path[kind].px, gate = tape.gate.back().slice((kind + 1) * C, C);
      add_output(t, kind + 1, X, px, &gate);
      if (!last) add_update(tape.in.px[kind], px, &gate, X, tapes[t + 1].in.px[kind]);
    }
  }

  // next = old + new gate, where old and gate are nothing for 0 and 1.
  void add_update(const Matrix<Real> &old, const Matrix<Real> &added, const Matrix<Real> *gate,
                  Index X, const Matrix<Real> &next) const {
    for (Index row = 0; row < next.rows; ++row)
      for (Index c = 0; c < C; c += lanes<Real>) {
        Vector<Real> value = at(added.row(row) + c);
        if (gate) value *= at(gate->row(row / X) + c);
        at(next.row(row) + c) = old.data ? at(old.row(row) + c) + value : value;
      }
  }

  void add_output(Index t, Index property, Index X, const Matrix<Real> &values,
                  const Matrix<Real> *gate) const {
    const Head<Real> *head = network.blocks[t].head[property];
    if (!head) return;
    Real *out = real(outputs_ + property) + chunk.first_atom * X;
    for (Index row = 0; row < values.rows; ++row) {
      Vector<Real> sum{};
      for (Index c = 0; c < C; c += lanes<Real>) {
        const Vector<Real> part = at(head->vector + c) * at(values.row(row) + c);
        sum += gate ? part * at(gate->row(row / X) + c) : part;
      }
      out[row] += sum_of<Real>(sum) + head->shift;
    }
  }

  // To the gradients of the gates, in slopes.of_atoms[0], and of the ungated vectors and matrices.
  void leave_backward(Index t, const Slopes<Real> &slopes, Real *gradients) const {
    const Tape<Real> &tape = tapes[t];
    const Index columns = network.sliced_columns(), n = chunk.atoms();
    const Matrix<Real> d_gates{slopes.of_atoms[0], n, columns, columns};
    const Matrix<Real> p1 = tape.gate.back().slice(0, C);
    for (Index i = 0; i < n; ++i) std::copy_n(slopes.after.p1.row(i), C, d_gates.row(i));
    add_output_backward(t, 0, 1, p1, nullptr, d_gates.slice(0, C), gradients);
    for (Index kind = 0; kind < shape.equivariant(); ++kind) {
      const Index X = Shape::components(kind);
      const Matrix<Real> &px = tape.path[kind].px, &d_px = slopes.path[kind].px;
      const Matrix<Real> gate = tape.gate.back().slice((kind + 1) * C, C);
      std::copy_n(slopes.after.px[kind].data, d_px.rows * C, d_px.data);
      add_output_backward(t, kind + 1, X, px, &gate, d_px, gradients);
      for (Index i = 0; i < n; ++i)
        for (Index c = 0; c < C; c += lanes<Real>) {
          Vector<Real> sum{};
          for (Index row = i * X; row < (i + 1) * X; ++row) {
            sum += at(d_px.row(row) + c) * at(px.row(row) + c);
            at(d_px.row(row) + c) *= at(gate.row(i) + c);
          }
          at(d_gates.row(i) + (kind + 1) * C + c) = sum;
        }
    }
  }

  // Adds the gradients of add_output to those of the head and of the gated values.
  void add_output_backward(Index t, Index property, Index X, const Matrix<Real> &values,
                           const Matrix<Real> *gate, const Matrix<Real> &d_values,
                           Real *gradients) const {
    const Head<Real> *head = network.blocks[t].head[property];
    const Real *upstream = real(outputs_ + property);
    if (!head || !upstream) return;
    upstream += chunk.first_atom * X;
    Real *d_vector = gradients + head->gradient, *d_shift = d_vector + C;
    for (Index row = 0; row < values.rows; ++row) {
      const Real g = upstream[row];
      for (Index c = 0; c < C; c += lanes<Real>) {
        Vector<Real> value = at(values.row(row) + c);
        if (gate) value *= at(gate->row(row / X) + c);
        at(d_vector + c) += g * value;
        at(d_values.row(row) + c) += g * at(head->vector + c);
      }
      *d_shift += g;
    }
  }

  // Gradients of atoms_forward; returns that of the sums over pairs.
  Matrix<Real> atoms_backward(Index t, const Slopes<Real> &slopes, Real *gradients) const {
    const Block<Real> &block = network.blocks[t];
    const Tape<Real> &tape = tapes[t];
    const Index n = chunk.atoms();
    const Matrix<Real> d_scalars = stack_backward(block.gate, tape.gate, 0, n, slopes.of_atoms[0],
                                                  slopes.of_atoms[1], gradients);
    for (Index kind = 0; kind < shape.equivariant(); ++kind) {
      const Linear<Real> *mix = block.equivariant[kind].mix;
      const typename Slopes<Real>::Path &path = slopes.path[kind];
      dot_backward(t, kind, d_scalars.slice((kind + 1) * C, C), path, gradients);
      mix->add_gradient(path.px, tape.path[kind].sum, gradients);
      multiply<Left::plain>(path.px, mix->backward, path.sum);
    }
    const Index columns = tape.pp.back().columns;
    for (Index i = 0; i < n; ++i)
      std::copy_n(d_scalars.row(i), columns, slopes.of_atoms[2] + i * columns);
    return stack_backward(block.pp, tape.pp, 0, n, slopes.of_atoms[2], slopes.of_atoms[0],
                          gradients);
  }

  // Adds the gradient of the dot product to that of the vectors or matrices.
  void dot_backward(Index t, Index kind, const Matrix<Real> &upstream,
                    const typename Slopes<Real>::Path &slopes, Real *gradients) const {
    const Index X = Shape::components(kind);
    const typename Tape<Real>::Path &path = tapes[t].path[kind];
    const Matrix<Real> &left = shape.weighted ? path.left : path.px;
    const Matrix<Real> &right = shape.weighted ? path.right : path.px;
    for (Index i = 0; i < upstream.rows; ++i)
      for (Index x = 0; x < X; ++x)
        for (Index c = 0; c < C; c += lanes<Real>) {
          const Index row = i * X + x;
          const Vector<Real> g = at(upstream.row(i) + c);
          const auto slope_of = [&](const Matrix<Real> &other) {
            return g * with_metric<Real>(other.row(i * X) + c, other.stride, x, has_metric(kind));
          };
          if (shape.weighted) {
            at(slopes.left.row(row) + c) = slope_of(right);
            at(slopes.right.row(row) + c) = slope_of(left);
          } else {
            at(slopes.px.row(row) + c) += 2 * slope_of(path.px);
          }
        }
    if (!shape.weighted) return;
    const Equivariant<Real> &layers = network.blocks[t].equivariant[kind];
    pass_back(layers.left, slopes.left, path.px, slopes.px, gradients);
    pass_back(layers.right, slopes.right, path.px, slopes.px, gradients);
  }

  // Gradients of y = W x for dy: that of the weight, and dx += dy W.
  void pass_back(const Linear<Real> *layer, const Matrix<Real> &dy, const Matrix<Real> &x,
                 const Matrix<Real> &dx, Real *gradients) const {
    layer->add_gradient(dy, x, gradients);
    multiply_add<Left::plain>(dy, layer->backward, dx);
  }

  // Gradients of interactions_forward, and of the old properties in the residual: slopes.after,
  // which is their gradient, gets what comes through the pairs.
  void interactions_backward(Index t, const Slopes<Real> &slopes, const Matrix<Real> &d_total,
                             Real *gradients, const Matrix<Real> &d_first) const {
    const Block<Real> &block = network.blocks[t];
    const Tape<Real> &tape = tapes[t];
    for (Index kind = 0; kind < shape.equivariant(); ++kind) {
      if (block.equivariant[kind].of_i) own_share_backward(t, kind, slopes, d_total, gradients);
      clear(slopes.path[kind].of_j);
    }
    clear(slopes.centre);
    clear(slopes.neighbour);
    for_pairs([&](const PairRange<Real> &pairs, Index row) {
      const Index count = pairs.count();
      const Matrix<Real> i1 = tape.ii.back().part(row, count);
      const Matrix<Real> d_i1{slopes.of_pairs[0], count, i1.columns, i1.columns};
      add_pairs_backward(pairs, d_total, d_i1);
      for (Index kind = 0; kind < shape.equivariant(); ++kind) {
        const bool mapped = block.equivariant[kind].of_j;
        carry_backward(pairs, Shape::components(kind), slopes.path[kind].sum,
                       real(direction_ + kind), carried(t, kind), i1.slice((kind + 1) * C, C),
                       real(d_direction_ + kind),
                       mapped ? slopes.path[kind].of_j : slopes.after.px[kind],
                       d_i1.slice((kind + 1) * C, C));
      }
      const Matrix<Real> upstream =
          stack_backward(block.ii, tape.ii, row, count, slopes.of_pairs[0], slopes.of_pairs[1],
                         gradients, first_of_ii(t));
      if (t) {
        interact_backward(pairs, shape.basis, upstream, tape.centre, tape.neighbour, slopes.centre,
                          slopes.neighbour, real(d_basis_));
      } else {
        pass_tanh_back(tape.ii[first_of_ii(t)].part(row, count), upstream);
        interact_kinds_backward(pairs, shape.basis, first_layer.kinds, upstream,
                                first_layer.table(), d_first, real(d_basis_));
      }
    });
    for (Index kind = 0; kind < shape.equivariant(); ++kind)
      if (const Linear<Real> *map = block.equivariant[kind].of_j)
        pass_back(map, slopes.path[kind].of_j, tape.in.px[kind], slopes.after.px[kind], gradients);
    // The first p1 is the elements' code, which needs no gradient.
    if (t) {
      pass_back(block.centre, slopes.centre, tape.in.p1, slopes.after.p1, gradients);
      pass_back(block.neighbour, slopes.neighbour, tape.in.p1, slopes.after.p1, gradients);
    } else if (block.transform) {
      block.transform->add_gradient(slopes.after.p1, tape.in.p1, gradients);
    }
  }

  void own_share_backward(Index t, Index kind, const Slopes<Real> &slopes,
                          const Matrix<Real> &d_total, Real *gradients) const {
    const Index X = Shape::components(kind);
    const Tape<Real> &tape = tapes[t];
    const typename Slopes<Real>::Path &path = slopes.path[kind];
    for (Index row = 0; row < path.sum.rows; ++row)
      for (Index c = 0; c < C; c += lanes<Real>) {
        const Index slice = (kind + 1) * C + c;
        const Vector<Real> g = at(path.sum.row(row) + c);
        at(path.of_i.row(row) + c) = g * at(tape.pp[0].row(row / X) + slice);
        at(d_total.row(row / X) + slice) += g * at(tape.path[kind].of_i.row(row) + c);
      }
    pass_back(network.blocks[t].equivariant[kind].of_i, path.of_i, tape.in.px[kind],
              slopes.after.px[kind], gradients);
  }
};
