// GATv2. Only the sources' side crosses ranks. With s the scores, α their softmax and α' = mask α / (1 − p):
//   dα' = ⟨dy_i, right_c⟩, ds by dropout and softmax backward, dleft and dright by the scores' two sides, the
//   latter over the transpose, and dright += A(α')ᵀ dy.
#include "kith/exec/halo/source_rows.h"
#include "kith/exec/ops.h"
#include "kith/kernels/additive_attention.h"
#include "kith/kernels/attention.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

struct AdditiveAttention {
  const LayerGraph* graph;
  AttentionOptions options;
  EdgeDropout mask;  ///< p = 0 in inference
  bool exchanged = false;
  int layer = 0;
  std::uint32_t step = 0;
  Array<float> alpha;  ///< [m, heads], before dropout
  Matrix sources;      ///< all source rows, when they were exchanged

  AdditiveScores scores(ConstTensor left, ConstTensor right, std::span<const float> att) const {
    return {left, right, att, options.heads, options.slope};
  }
  /// The weights of all rows, dropped.
  Array<float> dropped(const Backend& on) const {
    Array<float> weights = copy_of(alpha);
    if (mask.p > 0) edge_dropout(on, graph->csr(), {}, options.heads, mask, weights.span());
    return weights;
  }
  void weigh(const Backend& on, std::span<const std::int32_t> rows, const AdditiveScores& all) {
    additive_scores(on, graph->csr(), rows, all, alpha.span());
    row_softmax(on, graph->csr(), rows, options.heads, alpha.span());
  }
  void forward(const Backend& on, ConstTensor left, ConstTensor right, std::span<const float> att, Tensor y);
  void backward(const Backend& on, const Var& left, const Var& right, const Var& att, ConstTensor dy,
                Gradients& gradients) const;
  void send_home(const Backend& on, ConstTensor all, GradientSlot target) const;
};

void AdditiveAttention::forward(const Backend& on, ConstTensor left, ConstTensor right,
                                std::span<const float> att, Tensor y) {
  alpha = Array<float>(static_cast<std::size_t>(graph->csr().m() * options.heads));
  if (exchanged) {
    SourceRows rows(on, *graph, right, layer, step);
    rows.cover([&](std::span<const std::int32_t> some) { weigh(on, some, scores(left, rows.all(), att)); },
               [] {});
    sources = std::move(rows).take();
  } else {
    weigh(on, {}, scores(left, right, att));
  }
  const Array<float> weights = dropped(on);
  spmm(on, graph->csr(), {.weights = weights.span(), .heads = options.heads},
       exchanged ? sources.view() : right, y);
}

void AdditiveAttention::send_home(const Backend& on, ConstTensor all, GradientSlot target) const {
  if (!exchanged) return axpby(on, 1, all, target.beta, target.tensor);
  const std::int64_t owned = graph->destinations();
  auto flight = graph->halo()->start_return(on, all.row_range(owned, graph->sources()), layer, step);
  axpby(on, 1, all.row_range(0, owned), target.beta, target.tensor);
  graph->halo()->finish_return(on, flight, target.tensor);
}

void AdditiveAttention::backward(const Backend& on, const Var& left, const Var& right, const Var& att,
                                 ConstTensor dy, Gradients& gradients) const {
  const ConstTensor all = exchanged ? sources.view() : right.value();
  const std::span<const float> vector(att.value().data, static_cast<std::size_t>(att.value().size()));
  const auto csr = graph->csr();
  const TransposedCsr& transpose = graph->transpose();
  Array<float> ds(alpha.size());
  sddmm_dot(on, csr, {}, options.heads, dy, all, ds.span());
  if (mask.p > 0) edge_dropout(on, csr, {}, options.heads, mask, ds.span());
  row_softmax_backward(on, csr, options.heads, alpha.span(), ds.span());
  if (auto datt = gradients.slot(att)) {
    std::vector<double> sums(vector.size());
    attention_vector_backward(on, csr, scores(left.value(), all, vector), ds.span(), sums);
    for (std::size_t j = 0; j < sums.size(); ++j)
      datt.tensor.data[j] = static_cast<float>(sums[j]) + (datt.beta == 0 ? 0 : datt.tensor.data[j]);
  }
  if (auto dleft = gradients.slot(left)) {
    Matrix own(graph->destinations(), left.cols());
    additive_scores_backward(on, csr, {}, scores(left.value(), all, vector), ds.span(), own);
    axpby(on, 1, own, dleft.beta, dleft.tensor);
  }
  if (auto dright = gradients.slot(right)) {
    Matrix gradient(graph->sources(), right.cols());
    additive_scores_backward(on, transpose.csr, transpose.edge.span(), scores(all, left.value(), vector),
                             ds.span(), gradient);
    const Array<float> weights = dropped(on);
    spmm(on, transpose.csr,
         {.weights = weights.span(), .edge = transpose.edge.span(), .heads = options.heads, .beta = 1}, dy,
         gradient);
    send_home(on, gradient, dright);
  }
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
