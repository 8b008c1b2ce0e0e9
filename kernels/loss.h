#pragma once
#include <cstdint>
#include <span>

#include "kith/core/tensor.h"
#include "kith/kernels/backend.h"

namespace kith {

/// Softmax cross-entropy over `rows` of logits [n, C] (rows with labels in [0, C)): returns
/// scale · Σ_r (logsumexp(logits[r]) − logits[r, labels[r]]), summed in fp64 in fixed chunks, and writes
/// dlogits[r] = scale · (softmax(logits[r]) − onehot). Other rows of dlogits are set to 0.
double softmax_cross_entropy(const Backend& on, ConstTensor logits, std::span<const std::int64_t> labels,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits);

/// Binary cross-entropy with logits, for targets [n, C] of 0, 1 or NaN (none: counts nothing, its gradient is
/// 0): returns scale · Σ_r Σ_c (softplus(x) − t · x), summed in fp64 in fixed chunks, and writes dlogits[r,
/// c] = scale · (σ(x) − t). Other rows of dlogits are set to 0. O(rows · C).
double sigmoid_cross_entropy(const Backend& on, ConstTensor logits, ConstTensor targets,
                             std::span<const std::int32_t> rows, float scale, Tensor dlogits);

/// How many of `rows` have argmax(logits) = label (ties: the smaller class).
std::int64_t count_correct(const Backend& on, ConstTensor logits, std::span<const std::int64_t> labels,
                           std::span<const std::int32_t> rows);

}  // namespace kith
