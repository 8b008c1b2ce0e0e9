#pragma once
#include <cstdint>
#include <span>

#include "kith/core/philox.h"
#include "kith/core/tensor.h"
#include "kith/kernels/backend.h"

namespace kith {

enum class Trans { no, yes };

/// c = op(a) · op(b) + beta · c, fp32, by a BLAS called single-threaded inside row blocks: the same bits for
/// any number of threads (blocks do not depend on it; with a transposed `a`, partial products of fixed row
/// blocks are added in order).
void matmul(const Backend& on, Trans trans_a, ConstTensor a, Trans trans_b, ConstTensor b, float beta,
            Tensor c);

/// y = x Wᵀ + bias + beta · y. x [n, in], W [out, in], bias [out] or empty, y [n, out].
void affine(const Backend& on, ConstTensor x, ConstTensor w, std::span<const float> bias, float beta,
            Tensor y);

/// y[i] += bias. bias [d]
void add_bias(const Backend& on, std::span<const float> bias, Tensor y);
/// dbias = Σ_i dy[i] + beta · dbias, in fixed chunks.
void bias_backward(const Backend& on, ConstTensor dy, float beta, std::span<float> dbias);

/// Element-wise, y and x may be the same memory: max(x, 0); x > 0 ? x : exp(x) − 1.
void relu(const Backend& on, ConstTensor x, Tensor y);
void elu(const Backend& on, ConstTensor x, Tensor y);
/// dx = dy · f'(x) + beta · dx, from the *output* y of the activation; relu's times `scale`.
void relu_backward(const Backend& on, ConstTensor y, ConstTensor dy, float beta, Tensor dx, float scale = 1);
void elu_backward(const Backend& on, ConstTensor y, ConstTensor dy, float beta, Tensor dx);

/// y[i, j] = value.
void fill(const Backend& on, float value, Tensor y);
/// y = max(a, b), element-wise; the gradient of one side: where they are equal, the first has it.
enum class Side { first, second };
void maximum(const Backend& on, ConstTensor a, ConstTensor b, Tensor y);
void maximum_backward(const Backend& on, ConstTensor a, ConstTensor b, Side side, ConstTensor dy, float beta,
                      Tensor dx);
/// blocks [heads, heads · d]: row h holds head h's part of a [heads · d], so that a product with it takes
/// every head's ⟨a, ·⟩; and its adjoint, a[j] = blocks[head of j, j] + beta · a[j].
void spread_heads(const Backend& on, std::span<const float> a, Tensor blocks);
void gather_heads(const Backend& on, ConstTensor blocks, float beta, std::span<float> a);

/// y = alpha · x + beta · y.
void axpby(const Backend& on, float alpha, ConstTensor x, float beta, Tensor y);

/// y[i, j] = x[i, j] · mask/(1 − p) + beta · y[i, j]; mask of element (i, j) is drawn from
/// (store id of row i, step, j / 4)[j % 4], kept when the word ≥ p · 2³². The backward pass is the same call
/// on dy.
struct RowDropout {
  float p = 0;
  PhiloxKey key;
  std::uint32_t step = 0;
  std::span<const StoreId> rows;  ///< [n] the store id of every row
};
void dropout(const Backend& on, const RowDropout& dropout, ConstTensor x, float beta, Tensor y);
/// relu, then dropout, in one pass. Its backward pass is relu_backward with scale 1/(1 − p): what was dropped
/// is 0 in y.
void relu_dropout(const Backend& on, const RowDropout& dropout, ConstTensor x, Tensor y);

}  // namespace kith
