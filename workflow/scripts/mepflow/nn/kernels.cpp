// PiNet2 on the CPU in one go, forward and backward: see fused.py, which calls it.
//
// Molecules do not see each other. Every thread takes its share of them in chunks that fit into its
// cache, each through the whole network, and within a block a few pairs at a time through all their
// layers. So no thread waits for another, nothing races, and a molecule's outputs do not depend on
// the others of the batch; only the sums of the weights' gradients depend on the number of threads.
//
// N atoms and P pairs in all, n atoms in a chunk, C channels. Rows of features are padded with zeros
// to whole vectors, here and in layers.hpp; zeros stay zero through every layer.

#include <cstddef>

#include "network.hpp"
#include "pairs.hpp"

namespace {

constexpr Index pairs_at_once = 96;

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

template <typename Real> void clear(const Matrix<Real> &values) {
  if (values.data) std::fill_n(values.data, values.rows * values.stride, Real(0));
}

// Component x of metric * values of one atom, whose components are `stride` apart: with it the
// product of two matrices of five components each is Frobenius'; see DotProduct in layers.py.
template <typename Real>
Vector<Real> with_metric(const Real *values, Index stride, Index x, bool matrices) {
  const Vector<Real> own = at(values + x * stride);
  if (!matrices) return own;
  return x < 2 ? 2 * own + at(values + (1 - x) * stride) : 2 * own;
}

// The tapes of all blocks for n atoms. Where nothing is kept they share all but what enters the
// block, of which every second does, and `pair_rows` is the number of pairs at once.
template <typename Real>
std::vector<Tape<Real>> tapes_of(const Network<Real> &network, Index n, Index pair_rows, bool keeps,
                                 Arena &room) {
  const Shape &shape = network.shape;
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

// The PI layer of the first block for all couples of kinds of atoms, which is all that it depends on
// but the basis.
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
      const Real *of_i = centre.row(couple / kinds.count), *of_j = neighbour.row(couple % kinds.count);
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
        tapes(tapes_of(network, chunk.atoms(), keeps ? chunk.pairs() : pairs_at_once, keeps, room)) {}

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
      const Matrix<Real> pi = tape.ii[0].part(row, count);
      if (t)
        interact(pairs, shape.basis, tape.centre, tape.neighbour, pi);
      else
        interact_kinds(pairs, shape.basis, first_layer.kinds, first_layer.table, pi);
      stack_forward(block.ii, tape.ii, row, count);
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
      const Matrix<Real> d_pi = stack_backward(block.ii, tape.ii, row, count, slopes.of_pairs[0],
                                               slopes.of_pairs[1], gradients);
      if (t)
        interact_backward(pairs, shape.basis, d_pi, tape.centre, tape.neighbour, slopes.centre,
                          slopes.neighbour, real(d_basis_));
      else
        interact_kinds_backward(pairs, shape.basis, first_layer.kinds, d_pi, first_layer.table,
                                d_first, real(d_basis_));
    });
    for (Index kind = 0; kind < shape.equivariant(); ++kind)
      if (const Linear<Real> *map = block.equivariant[kind].of_j)
        pass_back(map, slopes.path[kind].of_j, tape.in.px[kind], slopes.after.px[kind], gradients);
    // Nobody asks for the gradient of the first p1.
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

// The network, its molecules, and the share of each thread.
template <typename Real> class Job {
 public:
  // `gradients` of the parameters are null for the forward pass.
  Job(const Index *numbers, void *const *pointers, void *const *gradients, bool backwards)
      : threads(int(numbers[threads_])),
        keeps(numbers[keeps_]),
        pointers(pointers),
        kept(pointers[kept_]),
        work(pointers[work_]),
        network(numbers + shape_, Parameters<Real>(pointers + parameters_, gradients), kept),
        first_layer(network, pointers[species_], kept),
        begin(work.take<std::int32_t>(numbers[pairs_])),
        end(work.take<std::int32_t>(numbers[pairs_])),
        shares(divided(numbers, pointers)),
        rooms(shares.size()) {
    for (std::vector<Placed> &share : shares)
      for (Placed &placed : share)
        if (keeps) placed.room = kept.take<char>(bytes_of_tapes(placed.chunk));
    for (std::size_t thread = 0; thread < shares.size(); ++thread) {
      if (backwards) {
        of_threads.push_back(work.take<Real>(network.gradients));
        of_first.push_back(work.take<Real>(first_layer.gradients()));
      }
      Index largest = 0;
      for (const Placed &placed : shares[thread])
        largest = std::max(largest, backwards ? bytes_of_slopes(placed.chunk)
                                              : keeps ? 0 : bytes_of_tapes(placed.chunk));
      rooms[thread] = work.take<char>(largest);
    }
  }

  Index kept_bytes() const { return kept.bytes(); }
  Index work_bytes() const { return work.bytes(); }

  void forward() {
    network.pack(threads);
    first_layer.forward();
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (std::size_t thread = 0; thread < shares.size(); ++thread)
      for (const Placed &placed : shares[thread]) {
        Arena room(keeps ? placed.room : rooms[thread]);
        pass(placed.chunk, room).forward();
      }
  }

  void backward() {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (std::size_t thread = 0; thread < shares.size(); ++thread) {
      std::fill_n(of_threads[thread], network.gradients, Real(0));
      std::fill_n(of_first[thread], first_layer.gradients(), Real(0));
      const Matrix<Real> d_first = first_layer.gradient_of_table(of_first[thread]);
      for (const Placed &placed : shares[thread]) {
        Arena tapes(placed.room), room(rooms[thread]);
        const Slopes<Real> slopes(network, placed.chunk.atoms(), room);
        pass(placed.chunk, tapes).backward(slopes, of_threads[thread], d_first);
      }
      first_layer.backward(of_first[thread], of_threads[thread]);
    }
    network.collect(of_threads, threads);
  }

 private:
  struct Placed {
    Chunk chunk;
    char *room;
  };

  const int threads;
  const bool keeps;
  void *const *pointers;
  Arena kept, work;
  Network<Real> network;
  FirstLayer<Real> first_layer;
  std::int32_t *begin, *end;
  std::vector<std::vector<Placed>> shares;
  std::vector<char *> rooms;
  std::vector<Real *> of_threads, of_first;  // the threads' gradients: all, the first layer's

  Pass<Real> pass(const Chunk &chunk, Arena &room) const {
    find_significant(static_cast<const Real *>(pointers[basis_]), network.shape.basis,
                     chunk.first_pair, chunk.last_pair, begin, end);
    return {network, first_layer, pointers, chunk, keeps, begin, end, room};
  }

  Index bytes_of_tapes(const Chunk &chunk) const {
    Arena count(nullptr);
    tapes_of(network, chunk.atoms(), keeps ? chunk.pairs() : pairs_at_once, keeps, count);
    return count.bytes();
  }

  Index bytes_of_slopes(const Chunk &chunk) const {
    Arena count(nullptr);
    Slopes<Real>(network, chunk.atoms(), count);
    return count.bytes();
  }

  // Consecutive molecules for each thread, about the same work for all, cut into chunks.
  static std::vector<std::vector<Placed>> divided(const Index *numbers, void *const *pointers) {
    constexpr Index pairs_per_atom = 8;  // pairs that take as long as what an atom takes alone
    const std::vector<Chunk> molecules = molecules_of(numbers, pointers);
    const auto cost = [](const Chunk &some) { return some.pairs() + pairs_per_atom * some.atoms(); };
    const Index threads = numbers[threads_], full = numbers[chunk_cost_];
    const Index total = numbers[pairs_] + pairs_per_atom * numbers[atoms_];
    std::vector<std::vector<Placed>> shares(threads);
    Index done = 0;
    for (const Chunk &molecule : molecules) {
      const Index middle = done + cost(molecule) / 2;
      std::vector<Placed> &share = shares[std::min(middle * threads / std::max(total, Index(1)),
                                                   threads - 1)];
      if (share.empty() || cost(share.back().chunk) + cost(molecule) > full) {
        share.push_back({molecule, nullptr});
      } else {
        share.back().chunk.last_atom = molecule.last_atom;
        share.back().chunk.last_pair = molecule.last_pair;
      }
      done += cost(molecule);
    }
    return shares;
  }

  // Atoms are sorted by molecule and pairs by atom.
  static std::vector<Chunk> molecules_of(const Index *numbers, void *const *pointers) {
    const Index *molecule = static_cast<const Index *>(pointers[molecule_]);
    const Index *pair_i = static_cast<const Index *>(pointers[pair_i_]);
    std::vector<Chunk> molecules;
    Index atom = 0, pair = 0;
    while (atom < numbers[atoms_]) {
      Chunk one{atom, atom, pair, pair};
      while (one.last_atom < numbers[atoms_] && molecule[one.last_atom] == molecule[atom])
        ++one.last_atom;
      while (one.last_pair < numbers[pairs_] && pair_i[one.last_pair] < one.last_atom)
        ++one.last_pair;
      molecules.push_back(one);
      atom = one.last_atom;
      pair = one.last_pair;
    }
    return molecules;
  }
};

// values (n) -> their tanh, in place.
template <typename Real> void tanh_in_place(Real *values, Index n) {
  const Tanh<Real> tanh;
  for (Index k = 0; k < n; k += lanes<Real>) {
    Vector<Real> some{};
    const std::size_t bytes = std::min(n - k, lanes<Real>) * sizeof(Real);
    std::memcpy(&some, values + k, bytes);
    some = tanh(some);
    std::memcpy(values + k, &some, bytes);
  }
}

// Bytes of the rooms kept_ and work_ that a pass needs.
template <typename Real>
void room(const Index *numbers, void *const *pointers, Index backwards, Index *bytes) {
  const Job<Real> job(numbers, pointers, nullptr, backwards);
  bytes[0] = job.kept_bytes();
  bytes[1] = job.work_bytes();
}

// Adds to the outputs (N,), (N, 3), (N, 5), and leaves in kept_, if asked, what backward takes.
template <typename Real> void forward(const Index *numbers, void *const *pointers) {
  Job<Real>(numbers, pointers, nullptr, false).forward();
}

// Puts the gradients of the parameters into `gradients`, adds those of basis and directions.
template <typename Real>
void backward(const Index *numbers, void *const *pointers, void *const *gradients) {
  Job<Real>(numbers, pointers, gradients, true).backward();
}

}  // namespace

#define EXPORT(FUNCTION)                      \
  auto FUNCTION##_float32 = &FUNCTION<float>; \
  auto FUNCTION##_float64 = &FUNCTION<double>;

extern "C" {
EXPORT(tanh_in_place)
EXPORT(room)
EXPORT(forward)
EXPORT(backward)
}
