// The order of messages is the same on every rank: terms, rows, partials; backward partials, rows, terms.
// They are waited for in this order, too, as frames must be (comm/frame_exchange.cc). Parts are merged the
// own one first, then by rank, so schedules give the same bits.
#include "kith/exec/halo/partial_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kith/core/memory_kind.h"
#include "kith/core/parallel.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 64;  ///< rows

std::span<std::byte> bytes_of(Matrix& values) {
  return std::as_writable_bytes(std::span(values.data(), static_cast<std::size_t>(values.size())));
}

/// f(i) for all of them, in parallel.
template <class F>
void each_row(std::int64_t count, F&& f) {
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

}  // namespace

PartialAttention::PartialAttention(const LayerGraph& graph, const HaloPass& pass)
    : graph_(&graph), plan_(graph.halo()->partials(pass.layer)), pass_(pass) {
  require(plan_ != nullptr, "an exchange of partial results has a plan", {{"exchange", pass.layer}});
}

AttentionEdges PartialAttention::own() const { return {*plan_->graph, graph_->store_ids(), plan_->slots}; }

AttentionEdges PartialAttention::made_here() const {
  return {*plan_->sent_graph, plan_->ids(HaloPart::partials).first(static_cast<std::size_t>(plan_->made())),
          plan_->sent_slots};
}

HaloPass PartialAttention::message(HaloPart part) const {
  HaloPass pass = pass_;
  pass.part = part;
  return pass;
}

Matrix PartialAttention::forward(const Backend& on, ConstTensor left, ConstTensor x, const Forward& kernels,
                                 const Attended& whole) {
  HaloExchange& halo = *graph_->halo();
  const std::int64_t made = plan_->made(), arriving = plan_->partials.halo, heads = whole.log_sums.cols;
  auto terms = halo.start_fetch(on, left, message(HaloPart::terms));
  auto rows = halo.start_fetch(on, x, message(HaloPart::rows));
  terms_ = Matrix(made, left.cols);
  halo.finish_fetch(on, terms, terms_);
  HaloExchange::Flight partials;
  {
    const MemoryUse use(MemoryKind::halo);
    Matrix y(made, x.cols);
    made_ = Matrix(made, heads);
    kernels.attend(made_here(), {}, terms_, x, {y, made_});
    partials = halo.start_partials(on, y, bytes_of(made_), pass_);
  }
  SourceRows sources(on, *plan_->graph, x, std::move(rows));
  sources.cover(
      [&](std::span<const std::int32_t> some) { kernels.attend(own(), some, left, sources.all(), whole); },
      [&] { kernels.arrived(sources.all().row_range(graph_->destinations(), plan_->graph->sources())); });
  const MemoryUse use(MemoryKind::halo);
  Matrix y(arriving, x.cols);
  arrived_ = Matrix(arriving, heads);
  halo.finish_partials(on, partials, y, bytes_of(arrived_));
  merge(y, whole);
  return std::move(sources).take();
}

void PartialAttention::merge(ConstTensor y, const Attended& whole) const {
  const std::int64_t heads = whole.log_sums.cols, width = y.cols / heads;
  each_row(graph_->destinations(), [&](std::int64_t i) {
    const auto parts = plan_->arriving.view().row(i);
    if (parts.empty()) return;
    const bool own = plan_->csr.view().degree(i) > 0;
    for (std::int64_t h = 0; h < heads; ++h) {
      float& log_sum = whole.log_sums(i, h);
      if (!own) log_sum = -std::numeric_limits<float>::infinity();
      float largest = log_sum;
      for (const std::int32_t k : parts) largest = std::max(largest, arrived_(k, h));
      double sum = std::exp(static_cast<double>(log_sum) - largest);
      for (const std::int32_t k : parts) sum += std::exp(static_cast<double>(arrived_(k, h)) - largest);
      const auto all = static_cast<float>(largest + std::log(sum));
      const float share = std::exp(log_sum - all);
      float* out = whole.y.row(i) + h * width;
      for (std::int64_t j = 0; j < width; ++j) out[j] *= share;
      for (const std::int32_t k : parts) {
        const float part_share = std::exp(arrived_(k, h) - all);
        const float* from = y.row(k) + h * width;
        for (std::int64_t j = 0; j < width; ++j) out[j] += part_share * from[j];
      }
      log_sum = all;
    }
  });
}

PartialAttention::Shares PartialAttention::shares(const Passed& passed, ConstTensor dy) const {
  const std::int64_t heads = passed.log_sums.cols, width = dy.cols / heads;
  Shares shares{Matrix(plan_->partials.halo, dy.cols), Matrix(plan_->partials.halo, heads),
                Matrix(graph_->destinations(), heads)};
  each_row(graph_->destinations(), [&](std::int64_t i) {
    for (std::int64_t h = 0; h < heads; ++h) {
      double sum = 0;
      for (std::int64_t j = h * width; j < (h + 1) * width; ++j)
        sum += static_cast<double>(dy(i, j)) * passed.y(i, j);
      shares.whole_inner(i, h) = static_cast<float>(sum);
    }
  });
  each_row(plan_->partials.halo, [&](std::int64_t k) {
    const std::int32_t i = plan_->into()[static_cast<std::size_t>(k)];
    for (std::int64_t h = 0; h < heads; ++h) {
      const float share = std::exp(arrived_(k, h) - passed.log_sums(i, h));
      shares.inner(k, h) = share * shares.whole_inner(i, h);
      for (std::int64_t j = h * width; j < (h + 1) * width; ++j) shares.dy(k, j) = share * dy(i, j);
    }
  });
  return shares;
}

void PartialAttention::backward(const Backend& on, const Passed& passed, ConstTensor dy, GradientSlot dleft,
                                GradientSlot dx, const Backward& kernel) const {
  HaloExchange& halo = *graph_->halo();
  const std::int64_t owned = graph_->destinations(), all = plan_->graph->sources(), made = plan_->made();
  Shares shares = this->shares(passed, dy);
  HaloPass back = pass_;
  back.backward = true;
  auto partials = halo.start_partials(on, shares.dy, bytes_of(shares.inner), back);
  Matrix gradient(dx ? all : 0, dy.cols);
  kernel(own(), passed.left, passed.sources, {dy, passed.log_sums, shares.whole_inner},
         {.dleft = dleft.tensor, .left_beta = dleft.beta, .dx = dx ? gradient.view() : Tensor()});
  HaloExchange::Flight rows;
  if (dx) rows = halo.start_return(on, gradient.view().row_range(owned, all), message(HaloPart::rows));

  Matrix dy_made(made, dy.cols), inner_made(made, made_.cols()), dterms(made, passed.left.cols);
  halo.finish_partials(on, partials, dy_made, bytes_of(inner_made));
  kernel(made_here(), terms_, passed.sources.row_range(0, owned), {dy_made, made_, inner_made},
         {.dleft = dterms, .dx = dx ? gradient.view().row_range(0, owned) : Tensor(), .x_beta = 1});
  auto terms = halo.start_return(on, dterms, message(HaloPart::terms));
  if (dx) {
    axpby(on, 1, gradient.view().row_range(0, owned), dx.beta, dx.tensor);
    halo.finish_return(on, rows, dx.tensor);
  }
  halo.finish_return(on, terms, dleft.tensor);
}

}  // namespace kith
