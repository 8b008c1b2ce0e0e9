#pragma once
#include "kith/exec/gradients.h"
#include "kith/exec/tape.h"
#include "kith/kernels/dense.h"

namespace kith {

inline std::span<const float> elements(const Var& v) {
  return {v.value().data, static_cast<std::size_t>(v.value().size())};
}

/// The [heads, heads · d] matrix that makes ⟨a, h⟩ per head a product: row h holds head h's part of a.
inline Matrix per_head(const Backend& on, const Var& a, int heads) {
  Matrix blocks(heads, a.value().size());
  spread_heads(on, elements(a), blocks);
  return blocks;
}

/// da[j] += the (head of j, j) entries of a product [heads, heads · d].
inline void add_product_gradient(const Backend& on, ConstTensor product, GradientSlot da) {
  if (da) gather_heads(on, product, da.beta, {da.tensor.data, static_cast<std::size_t>(da.tensor.size())});
}

/// The same of scoreᵀ h: the adjoint of per_head.
inline void add_head_gradient(const Backend& on, ConstTensor dscore, ConstTensor h, GradientSlot da) {
  if (!da) return;
  Matrix product(dscore.cols, h.cols);
  matmul(on, Trans::yes, dscore, Trans::no, h, 0, product);
  add_product_gradient(on, product, da);
}

/// The gradient of a vector.
inline void add_vector_gradient(const Backend& on, std::span<const double> sums, GradientSlot da) {
  if (!da) return;
  const std::vector<float> row(sums.begin(), sums.end());
  axpby(on, 1, {row.data(), 1, std::ssize(row)}, da.beta, {da.tensor.data, 1, std::ssize(row)});
}

}  // namespace kith
