#include "kith/kernels/dense.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {
namespace {

void require_same_shape(std::string_view sentence, ConstTensor a, ConstTensor b) {
  require(a.rows == b.rows && a.cols == b.cols, sentence,
          {{"rows", a.rows}, {"cols", a.cols}, {"other rows", b.rows}, {"other cols", b.cols}});
}

}  // namespace

void matmul(const Backend& on, Trans trans_a, ConstTensor a, Trans trans_b, ConstTensor b, float beta,
            Tensor c) {
  const bool ta = trans_a == Trans::yes, tb = trans_b == Trans::yes;
  const std::int64_t m = ta ? a.cols : a.rows, k = ta ? a.rows : a.cols;
  const std::int64_t bk = tb ? b.cols : b.rows, n = tb ? b.rows : b.cols;
  require(k == bk && c.rows == m && c.cols == n, "matmul: c [m, n] = op(a) [m, k] · op(b) [k, n]",
          {{"m", m}, {"k", k}, {"b's k", bk}, {"n", n}, {"c.rows", c.rows}, {"c.cols", c.cols}});
  if (rehearsing() && ta) const Array<float> partial_products(matmul_partial_floats(a.rows, c.size()));
  dispatch([&](auto backend) { matmul(backend, trans_a, a, trans_b, b, beta, c); }, on);
}

void affine(const Backend& on, ConstTensor x, ConstTensor w, std::span<const float> bias, float beta,
            Tensor y) {
  require(x.cols == w.cols && y.rows == x.rows && y.cols == w.rows,
          "affine: y [n, out] = x [n, in] · W [out, in]ᵀ",
          {{"n", x.rows},
           {"in", x.cols},
           {"w.rows", w.rows},
           {"w.cols", w.cols},
           {"y.rows", y.rows},
           {"y.cols", y.cols}});
  require(bias.empty() || static_cast<std::int64_t>(bias.size()) == y.cols,
          "affine: the bias is as long as a row", {{"bias", bias.size()}, {"y.cols", y.cols}});
  dispatch([&](auto backend) { affine(backend, x, w, bias, beta, y); }, on);
}

void add_bias(const Backend& on, std::span<const float> bias, Tensor y) {
  require(static_cast<std::int64_t>(bias.size()) == y.cols, "add_bias: bias is as long as a row",
          {{"bias", bias.size()}, {"y.cols", y.cols}});
  dispatch([&](auto backend) { add_bias(backend, bias, y); }, on);
}

void bias_backward(const Backend& on, ConstTensor dy, float beta, std::span<float> dbias) {
  require(static_cast<std::int64_t>(dbias.size()) == dy.cols, "bias_backward: dbias is as long as a row",
          {{"dbias", dbias.size()}, {"dy.cols", dy.cols}});
  dispatch([&](auto backend) { bias_backward(backend, dy, beta, dbias); }, on);
}

void relu(const Backend& on, ConstTensor x, Tensor y) {
  require_same_shape("relu: x and y have the same shape", x, y);
  dispatch([&](auto backend) { relu(backend, x, y); }, on);
}

void elu(const Backend& on, ConstTensor x, Tensor y) {
  require_same_shape("elu: x and y have the same shape", x, y);
  dispatch([&](auto backend) { elu(backend, x, y); }, on);
}

void relu_backward(const Backend& on, ConstTensor y, ConstTensor dy, float beta, Tensor dx, float scale) {
  require_same_shape("relu_backward: y and dy have the same shape", y, dy);
  require_same_shape("relu_backward: y and dx have the same shape", y, dx);
  dispatch([&](auto backend) { relu_backward(backend, y, dy, beta, dx, scale); }, on);
}

void elu_backward(const Backend& on, ConstTensor y, ConstTensor dy, float beta, Tensor dx) {
  require_same_shape("elu_backward: y and dy have the same shape", y, dy);
  require_same_shape("elu_backward: y and dx have the same shape", y, dx);
  dispatch([&](auto backend) { elu_backward(backend, y, dy, beta, dx); }, on);
}

void axpby(const Backend& on, float alpha, ConstTensor x, float beta, Tensor y) {
  require_same_shape("axpby: x and y have the same shape", x, y);
  dispatch([&](auto backend) { axpby(backend, alpha, x, beta, y); }, on);
}

void fill(const Backend& on, float value, Tensor y) {
  dispatch([&](auto backend) { fill(backend, value, y); }, on);
}

void maximum(const Backend& on, ConstTensor a, ConstTensor b, Tensor y) {
  require_same_shape("maximum: a and b have the same shape", a, b);
  require_same_shape("maximum: a and y have the same shape", a, y);
  dispatch([&](auto backend) { maximum(backend, a, b, y); }, on);
}

void maximum_backward(const Backend& on, ConstTensor a, ConstTensor b, Side side, ConstTensor dy, float beta,
                      Tensor dx) {
  require_same_shape("maximum_backward: a and b have the same shape", a, b);
  require_same_shape("maximum_backward: a and dy have the same shape", a, dy);
  require_same_shape("maximum_backward: dy and dx have the same shape", dy, dx);
  dispatch([&](auto backend) { maximum_backward(backend, a, b, side, dy, beta, dx); }, on);
}

void spread_heads(const Backend& on, std::span<const float> a, Tensor blocks) {
  require(std::ssize(a) == blocks.cols && blocks.rows >= 1 && blocks.cols % blocks.rows == 0,
          "spread_heads: blocks hold [heads, heads · d]",
          {{"a", a.size()}, {"rows", blocks.rows}, {"cols", blocks.cols}});
  dispatch([&](auto backend) { spread_heads(backend, a, blocks); }, on);
}

void gather_heads(const Backend& on, ConstTensor blocks, float beta, std::span<float> a) {
  require(std::ssize(a) == blocks.cols && blocks.rows >= 1 && blocks.cols % blocks.rows == 0,
          "gather_heads: blocks hold [heads, heads · d]",
          {{"a", a.size()}, {"rows", blocks.rows}, {"cols", blocks.cols}});
  dispatch([&](auto backend) { gather_heads(backend, blocks, beta, a); }, on);
}

namespace {

void require_droppable(const RowDropout& dropout, ConstTensor x, ConstTensor y) {
  require_same_shape("dropout: x and y have the same shape", x, y);
  require(dropout.p >= 0 && dropout.p <= 1, "dropout: p lies in [0, 1]", {{"p", dropout.p}});
  require(dropout.p == 0 || static_cast<std::int64_t>(dropout.rows.size()) >= x.rows,
          "dropout: every row has its store id", {{"ids", dropout.rows.size()}, {"rows", x.rows}});
}

}  // namespace

void dropout(const Backend& on, const RowDropout& dropout, ConstTensor x, float beta, Tensor y) {
  require_droppable(dropout, x, y);
  if (dropout.p == 0) return axpby(on, 1, x, beta, y);
  dispatch([&](auto backend) { kith::dropout(backend, dropout, x, beta, y); }, on);
}

void relu_dropout(const Backend& on, const RowDropout& dropout, ConstTensor x, Tensor y) {
  require_droppable(dropout, x, y);
  if (dropout.p == 0) return relu(on, x, y);
  dispatch([&](auto backend) { relu_dropout(backend, dropout, x, y); }, on);
}

}  // namespace kith
