// Forward, per head: scores left_i = ⟨a_dst, h_i⟩ and right_j = ⟨a_src, h_j⟩, softmax over each row's edges,
// dropout, weighted sum. Only h crosses ranks; right is computed again for halo rows, which costs less than
// sending it. The weights before dropout are kept ([m, heads]); the mask is drawn again in the backward pass.
//
// Backward, with α the softmax, α' = mask α / (1 − p):
//   dα'_e = ⟨dy_i, h_c(e)⟩, dα = mask dα' / (1 − p), ds = softmax and rectifier backward of dα,
//   dleft_i = Σ_row ds, dright_j = Σ_column ds, dh = A(α')ᵀ dy + dright a_src + dleft a_dst (destinations).
#include "kith/core/parallel.h"
#include "kith/exec/halo/source_rows.h"
#include "kith/exec/ops.h"
#include "kith/kernels/attention.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

/// The [heads, heads · d] matrix that makes ⟨a, h⟩ per head a product: row h holds head h's part of a.
Matrix per_head(const Parameter& a, int heads) {
  const std::int64_t width = a.value.size(), d = width / heads;
  Matrix blocks(heads, width, 0.0f);
  for (std::int64_t j = 0; j < width; ++j) blocks(j / d, j) = a.value.span()[static_cast<std::size_t>(j)];
  return blocks;
}

/// da[j] += the (head of j, j) entries of scoreᵀ h: the adjoint of per_head.
void add_head_gradient(const Backend& on, ConstTensor dscore, ConstTensor h, GradientSlot da) {
  if (!da) return;
  Matrix product(dscore.cols, h.cols);
  matmul(on, Trans::yes, dscore, Trans::no, h, 0, product);
  const std::int64_t d = h.cols / dscore.cols;
  for (std::int64_t j = 0; j < h.cols; ++j) {
    float& target = da.tensor.data[j];
    target = product(j / d, j) + (da.beta == 0 ? 0 : target);
  }
}

struct Attention {
  const LayerGraph* graph;
  AttentionOptions options;
  EdgeDropout mask;  ///< p = 0 in inference
  bool exchanged = false;
  int layer = 0;
  std::uint32_t step = 0;

  Matrix left, right;  ///< [destinations, heads], [sources, heads]
  Array<float> alpha;  ///< [m, heads], before dropout
  Matrix sources;      ///< all source rows of h, when they were exchanged

  SpmmScales scales(std::span<const float> weights) const {
    return {.weights = weights, .heads = options.heads};
  }
  void attend_rows(const Backend& on, std::span<const std::int32_t> rows, ConstTensor h,
                   std::span<float> dropped, Tensor y);
  void forward(const Backend& on, ConstTensor h, const Matrix& src, const Matrix& dst, Matrix& y);
  Matrix backward_scores(const Backend& on, ConstTensor h, ConstTensor dy, Array<float>& ds,
                         Matrix& dleft) const;
  Array<float> dropped_alpha(const Backend& on) const;
};

void Attention::attend_rows(const Backend& on, std::span<const std::int32_t> rows, ConstTensor h,
                            std::span<float> dropped, Tensor y) {
  const auto csr = graph->csr();
  edge_softmax(on, csr, rows, left, right, options.slope, alpha);
  if (mask.p > 0) {
    parallel_for(0, static_cast<std::int64_t>(rows.size()), 1024, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        const auto begin = csr.indptr[rows[i]] * options.heads, end = csr.indptr[rows[i] + 1] * options.heads;
        std::copy(alpha.begin() + begin, alpha.begin() + end, dropped.begin() + begin);
      }
    });
    edge_dropout(on, csr, rows, options.heads, mask, dropped);
  }
  spmm_rows(on, csr, rows, scales(mask.p > 0 ? std::span<const float>(dropped) : alpha.span()), h, y);
}

Array<float> Attention::dropped_alpha(const Backend& on) const {
  Array<float> dropped = copy_of(alpha);
  if (mask.p > 0) edge_dropout(on, graph->csr(), {}, options.heads, mask, dropped);
  return dropped;
}

void Attention::forward(const Backend& on, ConstTensor h, const Matrix& src, const Matrix& dst, Matrix& y) {
  const std::int64_t owned = graph->destinations();
  left = Matrix(owned, options.heads);
  right = Matrix(graph->sources(), options.heads);
  alpha = Array<float>(static_cast<std::size_t>(graph->csr().m() * options.heads));
  Array<float> dropped(mask.p > 0 ? alpha.size() : 0);
  matmul(on, Trans::no, h.row_range(0, owned), Trans::yes, dst, 0, left);
  if (!exchanged) {
    matmul(on, Trans::no, h, Trans::yes, src, 0, right);
    if (owned > 0) attend_rows(on, graph->owned_sources(), h, dropped, y);
    return;
  }
  SourceRows rows(on, *graph, h, layer, step);
  matmul(on, Trans::no, h, Trans::yes, src, 0, right.view().row_range(0, owned));
  rows.cover([&](std::span<const std::int32_t> some) { attend_rows(on, some, rows.all(), dropped, y); },
             [&] {
               const auto halo = rows.all().row_range(owned, graph->sources());
               matmul(on, Trans::no, halo, Trans::yes, src, 0,
                      right.view().row_range(owned, graph->sources()));
             });
  sources = std::move(rows).take();
}

/// ds [m, heads] and dleft; returns dright.
Matrix Attention::backward_scores(const Backend& on, ConstTensor h, ConstTensor dy, Array<float>& ds,
                                  Matrix& dleft) const {
  const auto csr = graph->csr();
  const TransposedCsr& transpose = graph->transpose();
  sddmm_dot(on, csr, {}, options.heads, dy, h, ds);
  if (mask.p > 0) edge_dropout(on, csr, {}, options.heads, mask, ds);
  edge_softmax_backward(on, csr, left, right, options.slope, alpha, ds, dleft, 0);
  Matrix dright(graph->sources(), options.heads);
  sum_edges(on, transpose.csr, transpose.edge, ds, dright, 0);
  return dright;
}

/// Everything that reaches h's gradient: over all sources, then the halo's part goes home.
void backward(const Backend& on, const Attention& a, const Var& h, const Var& src, const Var& dst,
              const Matrix& src_blocks, const Matrix& dst_blocks, ConstTensor dy, Gradients& gradients) {
  const LayerGraph& graph = *a.graph;
  const std::int64_t owned = graph.destinations();
  const ConstTensor all = a.exchanged ? a.sources.view() : h.value();
  Array<float> ds(a.alpha.size());
  Matrix dleft(owned, a.options.heads);
  const Matrix dright = a.backward_scores(on, all, dy, ds, dleft);
  add_head_gradient(on, dright, all, gradients.slot(src));
  add_head_gradient(on, dleft, all.row_range(0, owned), gradients.slot(dst));
  auto dh = gradients.slot(h);
  if (!dh) return;

  const Array<float> weights = a.dropped_alpha(on);
  const TransposedCsr& transpose = graph.transpose();
  SpmmScales adjoint = a.scales(weights);
  adjoint.edge = transpose.edge;
  Matrix gradient;
  Tensor target = dh.tensor;
  if (a.exchanged) {
    gradient = Matrix(graph.sources(), h.cols());
    target = gradient;
  } else {
    adjoint.beta = dh.beta;
  }
  spmm(on, transpose.csr, adjoint, dy, target);
  matmul(on, Trans::no, dright, Trans::no, src_blocks, 1, target);
  matmul(on, Trans::no, dleft, Trans::no, dst_blocks, 1, target.row_range(0, owned));
  if (!a.exchanged) return;
  auto flight = graph.halo()->start_return(on, target.row_range(owned, graph.sources()), a.layer, a.step);
  axpby(on, 1, target.row_range(0, owned), dh.beta, dh.tensor);
  graph.halo()->finish_return(on, flight, dh.tensor);
}

}  // namespace

Var attend(Tape& tape, const LayerGraph& graph, const Var& h, const Parameter& a_src, const Parameter& a_dst,
           const AttentionOptions& options) {
  require(h.cols() % options.heads == 0 && a_src.value.size() == h.cols() && a_dst.value.size() == h.cols(),
          "attend: h, a_src and a_dst are heads · d wide",
          {{"h.cols", h.cols()}, {"heads", options.heads}, {"a_src", a_src.value.size()}});
  Attention attention{.graph = &graph, .options = options, .step = tape.step()};
  attention.exchanged = needs_exchange(graph, h.rows());
  if (attention.exchanged) attention.layer = tape.next_exchange();
  const std::uint64_t number = tape.next_dropout();
  if (tape.training() && options.dropout > 0) {
    attention.mask = {.p = static_cast<float>(options.dropout),
                      .key = philox_key(tape.seed(), Stream::dropout, number),
                      .step = tape.step(),
                      .destinations = graph.store_ids()};
  }
  const Var src = tape.parameter(a_src), dst = tape.parameter(a_dst);
  Matrix src_blocks = per_head(a_src, options.heads), dst_blocks = per_head(a_dst, options.heads);
  Matrix y(graph.destinations(), h.cols());
  attention.forward(tape.on(), h.value(), src_blocks, dst_blocks, y);
  return tape.record(
      std::move(y), {h, src, dst},
      [h, src, dst, a = std::move(attention), src_blocks = std::move(src_blocks),
       dst_blocks = std::move(dst_blocks)](const Backend& on, ConstTensor dy, Gradients& gradients) {
        backward(on, a, h, src, dst, src_blocks, dst_blocks, dy, gradients);
      });
}

}  // namespace kith
