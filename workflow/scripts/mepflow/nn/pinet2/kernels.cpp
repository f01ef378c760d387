// PiNet2 on the CPU in one go, forward and backward: see fused.py, which calls it.
//
// Molecules do not see each other. Every thread takes its share of them in chunks that fit into its
// cache, each through the whole network, and within a block a few pairs at a time through all their
// layers. So no thread waits for another, nothing races, and a molecule's outputs do not depend on
// the others of the batch; only the sums of the weights' gradients depend on the number of threads.
// Rows of features are padded with zeros to whole vectors; zeros stay zero through every layer.
//
// vectors.hpp      vectors of numbers, tanh
// products.hpp     products of matrices
// layers.hpp       dense layers, stacks of them, heads, with their gradients
// network.hpp      the layers of a network, from PyTorch's parameters
// pairs.hpp        loops over pairs
// first_layer.hpp  the first loop over pairs, which is simpler
// tapes.hpp        what is computed and kept
// pass.hpp         the network on some molecules, forward and backward

#include "pass.hpp"

namespace {

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
    network.pack(threads, keeps);
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
    tapes_of(network, chunk, keeps, count);
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
    const auto cost = [](const Chunk &some) {
      return some.pairs() + pairs_per_atom * some.atoms();
    };
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
    some = tanh(some / Tanh<Real>::unit);
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
