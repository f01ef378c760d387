// What the processor's units for products and sums can do at most: see network.py.

#include <cstdint>

// Does `rounds` times SUMS fused products and sums of 16 numbers each, none waiting for another.
constexpr int SUMS = 12;
typedef float Vector __attribute__((vector_size(64)));

extern "C" float products_and_sums(std::int64_t rounds) {
  Vector sums[SUMS];
  const Vector factor = Vector{} + 0.999999f, summand = Vector{} + 1e-6f;
  for (int k = 0; k < SUMS; ++k) sums[k] = Vector{} + float(k);
  for (std::int64_t n = 0; n < rounds; ++n)
    for (int k = 0; k < SUMS; ++k) sums[k] = sums[k] * factor + summand;
  for (int k = 1; k < SUMS; ++k) sums[0] += sums[k];
  return sums[0][0];
}
