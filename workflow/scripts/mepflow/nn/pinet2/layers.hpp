// Dense layers on padded rows, the memory that they take, and their gradients.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "products.hpp"

// Hands out pieces of a room; without one, it only counts what is asked for.
class Arena {
 public:
  explicit Arena(void *room) : base(static_cast<char *>(room)) {}

  template <typename Real> Real *take(Index count) {
    const Index begin = used;
    used += (count * Index(sizeof(Real)) + 63) / 64 * 64;
    return base ? reinterpret_cast<Real *>(base + begin) : nullptr;
  }

  template <typename Real> Matrix<Real> matrix(Index rows, Index columns) {
    return {take<Real>(rows * columns), rows, columns, columns};
  }

  Index bytes() const { return used; }

 private:
  char *base;
  Index used = 0;
};

// Features in groups of one width, each group padded with zeros to whole vectors.
template <typename Real> struct Layout {
  Index groups, width;

  Index features() const { return groups * width; }
  Index columns() const { return groups * padded<Real>(width); }
  Index column(Index feature) const {
    return feature / width * padded<Real>(width) + feature % width;
  }
};

// A dense layer: PyTorch's weight (out, in), its rows `stride` apart, and perhaps a bias; and both
// with padded rows, there over the unit of Tanh if that is what follows, but not where it is for
// gradients. Its gradient is summed by every thread for itself, padded too.
template <typename Real> struct Linear {
  Layout<Real> in, out;
  const Real *weight, *bias;
  Real *d_weight, *d_bias;
  Index stride;
  Then then;
  Matrix<Real> forward, backward;  // (in, out) and (out, in)
  Real *shift = nullptr;
  Index gradient = 0;  // where its weight's begins in a thread's gradients; its bias's follows

  void lay_out(Arena &room, Index &gradients) {
    forward = room.matrix<Real>(in.columns(), out.columns());
    backward = room.matrix<Real>(out.columns(), in.columns());
    if (bias) shift = room.take<Real>(out.columns());
    gradient = gradients;
    gradients += out.columns() * (in.columns() + (bias ? 1 : 0));
  }

  // `backward` is only filled if there will be gradients.
  void pack(bool backwards) const {
    const Real scale = then == Then::tanh ? 1 / Tanh<Real>::unit : 1;
    clear(forward);
    if (backwards) clear(backward);
    if (bias) std::fill_n(shift, out.columns(), Real(0));
    for (Index n = 0; n < out.features(); ++n) {
      const Index row = out.column(n);
      if (bias) shift[row] = scale * bias[n];
      for (Index group = 0; group < in.groups; ++group) {
        const Real *numbers = weight + n * stride + group * in.width;
        const Index column = in.column(group * in.width);
        for (Index k = 0; k < in.width; ++k) forward.row(column + k)[row] = scale * numbers[k];
        if (backwards) std::copy_n(numbers, in.width, backward.row(row) + column);
      }
    }
  }

  // y = W x + b of each row, over the unit of Tanh if that is what follows, or its tanh.
  template <Then also = Then::nothing>
  void apply(const Matrix<Real> &x, const Matrix<Real> &y) const {
    multiply<Left::plain, also>(x, forward, y, Start<Real>{shift, 0});
  }

  // Adds the gradients of the weight and bias, of dy and x, to a thread's.
  void add_gradient(const Matrix<Real> &dy, const Matrix<Real> &x, Real *gradients) const {
    const Index rows = out.columns(), columns = in.columns();
    Real *of_weight = gradients + gradient, *of_bias = of_weight + rows * columns;
    multiply_add<Left::transposed>(dy, x, Matrix<Real>{of_weight, rows, columns, columns});
    if (bias)
      for (Index k = 0; k < dy.rows; ++k)
        for (Index c = 0; c < rows; c += lanes<Real>) at(of_bias + c) += at(dy.row(k) + c);
  }

  // Puts the sums of the threads' gradients where PyTorch wants them.
  void collect(const std::vector<Real *> &gradients) const {
    const Index columns = in.columns();
    for (Index n = 0; n < out.features(); ++n)
      for (Index group = 0; group < in.groups; ++group) {
        const Index first = gradient + out.column(n) * columns + in.column(group * in.width);
        add_up(gradients, first, in.width, d_weight + n * stride + group * in.width);
      }
    if (bias)
      for (Index group = 0; group < out.groups; ++group) {
        const Index first = gradient + out.columns() * columns + out.column(group * out.width);
        add_up(gradients, first, out.width, d_bias + group * out.width);
      }
  }

  // sums (count) of the threads' numbers from `first` on, in the order of the threads.
  static void add_up(const std::vector<Real *> &gradients, Index first, Index count, Real *sums) {
    std::copy_n(gradients.front() + first, count, sums);
    for (std::size_t thread = 1; thread < gradients.size(); ++thread)
      for (Index k = 0; k < count; ++k) sums[k] += gradients[thread][first + k];
  }
};

// Linear layers to one number, without activation: output = v x + c of one vector v and number c.
template <typename Real> struct Head {
  struct Layer {
    const Real *weight, *bias;
    Real *d_weight, *d_bias;
    Index in, out;
  };
  std::vector<Layer> layers;
  Real *vector = nullptr, shift = 0;
  Index gradient = 0;  // where those of v and then c begin in a thread's gradients

  Index columns() const { return padded<Real>(layers.front().in); }

  void lay_out(Arena &room, Index &gradients) {
    vector = room.take<Real>(columns());
    gradient = gradients;
    gradients += columns() + lanes<Real>;
  }

  // v of the layers from `first` on, unpadded; their c is added to `constant`.
  std::vector<Real> contracted(std::size_t first, Real &constant) const {
    std::vector<Real> v{Real(1)};
    for (std::size_t l = layers.size(); l-- > first;) {
      const Layer &layer = layers[l];
      std::vector<Real> below(layer.in);
      for (Index n = 0; n < layer.out; ++n) {
        if (layer.bias) constant += v[n] * layer.bias[n];
        for (Index k = 0; k < layer.in; ++k) below[k] += v[n] * layer.weight[n * layer.in + k];
      }
      v.swap(below);
    }
    return v;
  }

  void pack() {
    shift = 0;
    const std::vector<Real> v = contracted(0, shift);
    std::fill_n(vector, columns(), Real(0));
    std::copy(v.begin(), v.end(), vector);
  }

  void collect(const std::vector<Real *> &gradients) const {
    std::vector<Real> dv(layers.front().in);
    Real dc;
    Linear<Real>::add_up(gradients, gradient, layers.front().in, dv.data());
    Linear<Real>::add_up(gradients, gradient + columns(), 1, &dc);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const Layer &layer = layers[l];
      Real ignored = 0;
      const std::vector<Real> above = contracted(l + 1, ignored);
      std::vector<Real> next(layer.out);
      for (Index n = 0; n < layer.out; ++n) {
        for (Index k = 0; k < layer.in; ++k) {
          layer.d_weight[n * layer.in + k] = above[n] * dv[k];
          next[n] += layer.weight[n * layer.in + k] * dv[k];
        }
        if (!layer.bias) continue;
        layer.d_bias[n] = above[n] * dc;
        next[n] += layer.bias[n] * dc;
      }
      dv.swap(next);
    }
  }
};

template <typename Real> using Stack = std::vector<const Linear<Real> *>;

// Dense layers with tanh from number `bottom` on, on the rows [first, first + count) of its input
// outputs[bottom], into those that follow.
template <typename Real>
void stack_forward(const Stack<Real> &layers, const std::vector<Matrix<Real>> &outputs, Index first,
                   Index count, std::size_t bottom = 0) {
  for (std::size_t l = bottom; l < layers.size(); ++l)
    layers[l]->template apply<Then::tanh>(outputs[l].part(first, count),
                                          outputs[l + 1].part(first, count));
}

// The gradient of what y is the tanh of, in place of that of y.
template <typename Real> void pass_tanh_back(const Matrix<Real> &y, const Matrix<Real> &d) {
  for (Index k = 0; k < y.rows; ++k)
    for (Index c = 0; c < y.columns; c += lanes<Real>) {
      const Vector<Real> value = at(y.row(k) + c);
      at(d.row(k) + c) *= 1 - value * value;
    }
}

// From the gradient of the last output, which begins at `slope` and is lost, to that of
// outputs[bottom], which is returned; `room` has place for those between.
template <typename Real>
Matrix<Real> stack_backward(const Stack<Real> &layers, const std::vector<Matrix<Real>> &outputs,
                            Index first, Index count, Real *slope, Real *room, Real *gradients,
                            std::size_t bottom = 0) {
  for (std::size_t l = layers.size(); l-- > bottom;) {
    const Matrix<Real> x = outputs[l].part(first, count), y = outputs[l + 1].part(first, count);
    const Matrix<Real> d{slope, count, y.columns, y.columns};
    pass_tanh_back(y, d);
    layers[l]->add_gradient(d, x, gradients);
    const Matrix<Real> below{room, count, x.columns, x.columns};
    multiply<Left::plain>(d, layers[l]->backward, below);
    std::swap(slope, room);
  }
  const Index columns = outputs[bottom].columns;
  return {slope, count, columns, columns};
}
