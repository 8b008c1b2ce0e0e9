#include "kith/kernels/spmm.h"

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/graph_parts.h"

namespace kith {
namespace {

void require_shapes(CsrView<std::int32_t> a, const SpmmScales& s, const StoredRows& x, Tensor y) {
  const auto fits = [](std::size_t size, std::int64_t least) {
    return size == 0 || static_cast<std::int64_t>(size) >= least;
  };
  require(x.cols == y.cols, "spmm: x and y are equally wide", {{"x.cols", x.cols}, {"y.cols", y.cols}});
  require(y.rows >= a.n(), "spmm: y has a row for every row of the matrix",
          {{"y.rows", y.rows}, {"n", a.n()}});
  require(fits(s.row_scale.size(), a.n()), "spmm: row_scale holds [n]", {{"size", s.row_scale.size()}});
  require(fits(s.col_scale.size(), x.rows), "spmm: col_scale holds [columns]",
          {{"size", s.col_scale.size()}});
  require(static_cast<std::int64_t>(s.self_scale.size()) <= x.rows, "spmm: self_scale is not longer than x",
          {{"size", s.self_scale.size()}, {"x.rows", x.rows}});
  require(s.heads >= 1 && x.cols % s.heads == 0, "spmm: heads divide the width",
          {{"heads", s.heads}, {"x.cols", x.cols}});
  require(fits(s.edge.size(), a.m()), "spmm: edge holds [m]", {{"size", s.edge.size()}, {"m", a.m()}});
  require(!s.edge.empty() || fits(s.weights.size(), a.m() * s.heads), "spmm: weights hold [m, heads]",
          {{"size", s.weights.size()}, {"m", a.m()}, {"heads", s.heads}});
}

}  // namespace

void spmm(const Backend& on, CsrView<std::int32_t> a, const SpmmScales& scales, ConstTensor x, Tensor y) {
  require_shapes(a, scales, x, y);
  if (!scales.weights.empty()) {
    dispatch([&](auto backend) { spmm(backend, a, {}, scales, x, y); }, on);
    return;
  }
  const GraphOperands operands{.csr = a, .rows = {writes(y, scales.beta)}, .sources = {x}};
  over_graph(on, operands, [&](const GraphPart& part) {
    const Array<float> col_scale = part.whole() ? Array<float>() : part.sources(scales.col_scale);
    SpmmScales here = scales;
    here.row_scale = part.rows(scales.row_scale);
    here.self_scale = part.rows(scales.self_scale);
    if (!part.whole()) here.col_scale = col_scale.span();
    dispatch([&](auto backend) { spmm(backend, part.csr(), {}, here, part.sources(x), part.rows(y)); }, on);
  });
}

void spmm_stored(const Backend& on, CsrView<std::int32_t> a, const SpmmScales& scales, const StoredRows& x,
                 Tensor y) {
  require_shapes(a, scales, x, y);
  require(x.type == DType::f32 || x.type == DType::bf16 || x.type == DType::f16 || x.type == DType::i8,
          "spmm_stored: rows are fp32, bf16, fp16 or int8", {{"type", name_of(x.type)}});
  require(scales.weights.empty(), "spmm_stored: without edge weights");
  require(x.scales.empty() == (x.type != DType::i8) && (x.scales.empty() || std::ssize(x.scales) >= x.rows),
          "spmm_stored: int8 rows have a scale each", {{"scales", x.scales.size()}, {"rows", x.rows}});
  dispatch([&](auto backend) { spmm(backend, a, {}, scales, x, y); }, on);
}

void spmm_rows(const Backend& on, CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
               const SpmmScales& scales, ConstTensor x, Tensor y) {
  require_shapes(a, scales, x, y);
  if (rows.empty()) return;
  dispatch([&](auto backend) { spmm(backend, a, rows, scales, x, y); }, on);
}

}  // namespace kith
