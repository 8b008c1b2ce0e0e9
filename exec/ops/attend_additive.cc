// GATv2, in one sweep as in attend.cc. Only the sources' side crosses ranks.
#include "kith/exec/halo/source_rows.h"
#include "kith/exec/ops.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/fused_attention.h"

namespace kith {
namespace {

struct AdditiveAttention {
  const LayerGraph* graph;
  AttentionOptions options;
  EdgeDropout mask;  ///< p = 0 in inference
  bool exchanged = false;
  int layer = 0;
  std::uint32_t step = 0;
  Matrix log_sums;  ///< [destinations, heads]
  Matrix sources;   ///< all source rows, when they were exchanged

  GatV2Attention over(ConstTensor left, ConstTensor right, std::span<const float> att) const {
    return {{left, right, att, options.heads, options.slope}, mask};
  }
  void forward(const Backend& on, ConstTensor left, ConstTensor right, std::span<const float> att, Tensor y);
  void backward(const Backend& on, const Var& left, const Var& right, const Var& att, ConstTensor dy,
                Gradients& gradients) const;
};

void AdditiveAttention::forward(const Backend& on, ConstTensor left, ConstTensor right,
                                std::span<const float> att, Tensor y) {
  log_sums = Matrix(graph->destinations(), options.heads);
  if (!exchanged) return attend(on, graph->csr(), {}, over(left, right, att), {y, log_sums});
  SourceRows rows(on, *graph, right, layer, step);
  rows.cover(
      [&](std::span<const std::int32_t> some) {
        attend(on, graph->csr(), some, over(left, rows.all(), att), {y, log_sums});
      },
      [] {});
  sources = std::move(rows).take();
}

void AdditiveAttention::backward(const Backend& on, const Var& left, const Var& right, const Var& att,
                                 ConstTensor dy, Gradients& gradients) const {
  const ConstTensor all = exchanged ? sources.view() : right.value();
  const std::span<const float> vector(att.value().data, static_cast<std::size_t>(att.value().size()));
  const auto datt = gradients.slot(att), dleft = gradients.slot(left), dright = gradients.slot(right);
  Matrix gradient(dright && exchanged ? graph->sources() : 0, right.cols());
  std::vector<double> sums(datt ? vector.size() : 0);
  const TransposedCsr& transpose = mask.p > 0 ? graph->transpose_with_edges() : graph->transpose();
  attend_backward(on, graph->csr(), transpose, over(left.value(), all, vector), {dy, log_sums},
                  {.d_own = dleft.tensor,
                   .d_other = exchanged && dright ? gradient.view() : dright.tensor,
                   .own_beta = dleft.beta,
                   .other_beta = exchanged ? 0 : dright.beta,
                   .d_att = sums});
  if (datt) {
    const std::vector<float> row(sums.begin(), sums.end());
    axpby(on, 1, {row.data(), 1, std::ssize(row)}, datt.beta, {datt.tensor.data, 1, std::ssize(row)});
  }
  if (dright && exchanged) return_gradients(on, *graph, gradient, layer, step, dright);
}

}  // namespace

Var attend_additive(Tape& tape, const LayerGraph& graph, const Var& left, const Var& right,
                    const Parameter& att, const AttentionOptions& options) {
  require(left.rows() == graph.destinations() && left.cols() == right.cols() &&
              att.value.size() == left.cols() && left.cols() % options.heads == 0,
          "attend_additive: left has a row for every destination; both sides and att are heads · d wide",
          {{"left.rows", left.rows()}, {"left.cols", left.cols()}, {"right.cols", right.cols()}});
  AdditiveAttention attention{.graph = &graph,
                              .options = options,
                              .exchanged = needs_exchange(graph, right.rows()),
                              .step = tape.step()};
  if (attention.exchanged) attention.layer = tape.next_exchange();
  const std::uint64_t number = tape.next_dropout();
  if (tape.training() && options.dropout > 0)
    attention.mask = {.p = static_cast<float>(options.dropout),
                      .key = philox_key(tape.seed(), Stream::dropout, number),
                      .step = tape.step(),
                      .destinations = graph.store_ids()};
  const Var vector = tape.parameter(att);
  Matrix y(graph.destinations(), left.cols());
  attention.forward(tape.on(), left.value(), right.value(), att.value.span(), y);
  return tape.record(std::move(y), {left, right, vector},
                     [left, right, vector, a = std::move(attention)](const Backend& on, ConstTensor dy,
                                                                     Gradients& gradients) {
                       a.backward(on, left, right, vector, dy, gradients);
                     });
}

}  // namespace kith
