#include "kith/kernels/max.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/graph_parts.h"

namespace kith {

void row_maximum(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                 ConstTensor x, Tensor y, std::span<std::int32_t> slots) {
  require(
      y.rows >= a.n() && y.cols == x.cols && static_cast<std::int64_t>(slots.size()) >= a.n() * y.cols,
      "row_maximum: y and slots hold [n, d]",
      {{"y.rows", y.rows}, {"n", a.n()}, {"y.cols", y.cols}, {"x.cols", x.cols}, {"slots", slots.size()}});
  if (!rows.empty()) {
    dispatch([&](auto backend) { row_maximum(backend, a, rows, x, y, slots); }, on);
    return;
  }
  const GraphOperands operands{.csr = a, .rows = {writes(y)}, .sources = {x}};
  over_graph(on, operands, [&](const GraphPart& part) {
    const auto chosen = part.rows(slots, y.cols);
    dispatch(
        [&](auto backend) { row_maximum(backend, part.csr(), {}, part.sources(x), part.rows(y), chosen); },
        on);
  });
}

void row_maximum_backward(const Backend& on, CsrView<std::int32_t> a, const TransposedCsr& t,
                          std::span<const std::int32_t> slots, ConstTensor dy, float beta, Tensor dx) {
  require(dx.rows == t.csr.n() && dx.cols == dy.cols && t.edge.ssize() == a.m(),
          "row_maximum_backward: dx holds [columns, d], the transpose knows its entries' places",
          {{"dx.rows", dx.rows}, {"columns", t.csr.n()}, {"edges", t.edge.size()}, {"m", a.m()}});
  const GraphOperands operands{.csr = a, .transpose = &t, .rows = {reads(dy)}, .sums = {{dx, beta}}};
  over_graph(on, operands, [&](const GraphPart& part) {
    const auto chosen = part.rows(slots, dy.cols);
    dispatch(
        [&](auto backend) {
          row_maximum_backward(backend, part.csr(), part.transpose(), chosen, part.rows(dy), part.beta(beta),
                               part.sum(dx));
        },
        on);
  });
}

}  // namespace kith
