#include "kith/kernels/dense.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/row_parts.h"

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
  if (rehearsing() && ta && memory_of(on) == nullptr)
    const Array<float> partial_products(matmul_partial_floats(a.rows, c.size()));
  if (ta && tb) {
    dispatch([&](auto backend) { matmul(backend, trans_a, a, trans_b, b, beta, c); }, on);
  } else if (ta) {
    over_rows(on, {reads(a), reads(b)}, [&](const RowPart& part) {
      dispatch([&](auto backend) { matmul(backend, trans_a, part(a), trans_b, part(b), part.beta(beta), c); },
               on);
    });
  } else {
    over_rows(on, {reads(a), writes(c, beta)}, [&](const RowPart& part) {
      dispatch([&](auto backend) { matmul(backend, trans_a, part(a), trans_b, b, beta, part(c)); }, on);
    });
  }
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
  over_rows(on, {reads(x), writes(y, beta)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { affine(backend, part(x), w, bias, beta, part(y)); }, on);
  });
}

void add_bias(const Backend& on, std::span<const float> bias, Tensor y) {
  require(static_cast<std::int64_t>(bias.size()) == y.cols, "add_bias: bias is as long as a row",
          {{"bias", bias.size()}, {"y.cols", y.cols}});
  over_rows(on, {updates(y)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { add_bias(backend, bias, part(y)); }, on);
  });
}

void bias_backward(const Backend& on, ConstTensor dy, float beta, std::span<float> dbias) {
  require(static_cast<std::int64_t>(dbias.size()) == dy.cols, "bias_backward: dbias is as long as a row",
          {{"dbias", dbias.size()}, {"dy.cols", dy.cols}});
  over_rows(on, {reads(dy)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { bias_backward(backend, part(dy), part.beta(beta), dbias); }, on);
  });
}

void relu(const Backend& on, ConstTensor x, Tensor y) {
  require_same_shape("relu: x and y have the same shape", x, y);
  over_rows(on, {reads(x), writes(y)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { relu(backend, part(x), part(y)); }, on);
  });
}

void elu(const Backend& on, ConstTensor x, Tensor y) {
  require_same_shape("elu: x and y have the same shape", x, y);
  over_rows(on, {reads(x), writes(y)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { elu(backend, part(x), part(y)); }, on);
  });
}

void relu_backward(const Backend& on, ConstTensor y, ConstTensor dy, float beta, Tensor dx, float scale) {
  require_same_shape("relu_backward: y and dy have the same shape", y, dy);
  require_same_shape("relu_backward: y and dx have the same shape", y, dx);
  over_rows(on, {reads(y), reads(dy), writes(dx, beta)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { relu_backward(backend, part(y), part(dy), beta, part(dx), scale); }, on);
  });
}

void elu_backward(const Backend& on, ConstTensor y, ConstTensor dy, float beta, Tensor dx) {
  require_same_shape("elu_backward: y and dy have the same shape", y, dy);
  require_same_shape("elu_backward: y and dx have the same shape", y, dx);
  over_rows(on, {reads(y), reads(dy), writes(dx, beta)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { elu_backward(backend, part(y), part(dy), beta, part(dx)); }, on);
  });
}

void axpby(const Backend& on, float alpha, ConstTensor x, float beta, Tensor y) {
  require_same_shape("axpby: x and y have the same shape", x, y);
  over_rows(on, {reads(x), writes(y, beta)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { axpby(backend, alpha, part(x), beta, part(y)); }, on);
  });
}

void fill(const Backend& on, float value, Tensor y) {
  over_rows(on, {writes(y)},
            [&](const RowPart& part) { dispatch([&](auto backend) { fill(backend, value, part(y)); }, on); });
}

void maximum(const Backend& on, ConstTensor a, ConstTensor b, Tensor y) {
  require_same_shape("maximum: a and b have the same shape", a, b);
  require_same_shape("maximum: a and y have the same shape", a, y);
  over_rows(on, {reads(a), reads(b), writes(y)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { maximum(backend, part(a), part(b), part(y)); }, on);
  });
}

void maximum_backward(const Backend& on, ConstTensor a, ConstTensor b, Side side, ConstTensor dy, float beta,
                      Tensor dx) {
  require_same_shape("maximum_backward: a and b have the same shape", a, b);
  require_same_shape("maximum_backward: a and dy have the same shape", a, dy);
  require_same_shape("maximum_backward: dy and dx have the same shape", dy, dx);
  over_rows(on, {reads(a), reads(b), reads(dy), writes(dx, beta)}, [&](const RowPart& part) {
    dispatch(
        [&](auto backend) { maximum_backward(backend, part(a), part(b), side, part(dy), beta, part(dx)); },
        on);
  });
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

/// Of the part's rows.
RowDropout of(const RowDropout& dropout, const RowPart& part) {
  RowDropout here = dropout;
  here.rows = part(dropout.rows);
  return here;
}

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
  over_rows(on, {reads(x), writes(y, beta)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { kith::dropout(backend, of(dropout, part), part(x), beta, part(y)); }, on);
  });
}

void relu_dropout(const Backend& on, const RowDropout& dropout, ConstTensor x, Tensor y) {
  require_droppable(dropout, x, y);
  if (dropout.p == 0) return relu(on, x, y);
  over_rows(on, {reads(x), writes(y)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { relu_dropout(backend, of(dropout, part), part(x), part(y)); }, on);
  });
}

}  // namespace kith
