#include "kith/exec/halo/attention_in_rounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kith/core/parallel.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 64;  ///< rows

/// f(i) for all of them, in parallel.
template <class F>
void each_row(std::int64_t count, F&& f) {
  parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

/// ⟨dy, y⟩ per head.
Matrix inner_products(ConstTensor dy, ConstTensor y, std::int64_t heads) {
  Matrix inner(dy.rows, heads);
  const std::int64_t width = dy.cols / heads;
  each_row(dy.rows, [&](std::int64_t i) {
    for (std::int64_t h = 0; h < heads; ++h) {
      double sum = 0;
      for (std::int64_t j = h * width; j < (h + 1) * width; ++j)
        sum += static_cast<double>(dy(i, j)) * y(i, j);
      inner(i, h) = static_cast<float>(sum);
    }
  });
  return inner;
}

}  // namespace

AttentionEdges AttentionInRounds::edges(std::size_t block) const {
  const OwnerBlocks& blocks = graph_->halo()->blocks(*graph_, pass_);
  return {*blocks.graphs[block], graph_->store_ids(), blocks.slots[block].span()};
}

void AttentionInRounds::merge(std::size_t block, const Attended& part, const Attended& whole,
                              std::vector<char>& any) const {
  const CsrView<std::int32_t> csr = edges(block).graph.csr();
  const std::int64_t heads = whole.log_sums.cols, width = whole.y.cols / heads;
  each_row(csr.n(), [&](std::int64_t i) {
    if (csr.degree(i) == 0) return;
    const bool first = std::exchange(any[static_cast<std::size_t>(i)], char{1}) == 0;
    for (std::int64_t h = 0; h < heads; ++h) {
      const float before = first ? -std::numeric_limits<float>::infinity() : whole.log_sums(i, h),
                  now = part.log_sums(i, h), largest = std::max(before, now);
      const auto all = static_cast<float>(largest + std::log(std::exp(static_cast<double>(before) - largest) +
                                                             std::exp(static_cast<double>(now) - largest)));
      const float share = std::exp(before - all), part_share = std::exp(now - all);
      float* out = whole.y.row(i) + h * width;
      const float* from = part.y.row(i) + h * width;
      for (std::int64_t j = 0; j < width; ++j) out[j] = share * out[j] + part_share * from[j];
      whole.log_sums(i, h) = all;
    }
  });
}

void AttentionInRounds::forward(const Backend& on, ConstTensor x, const Attend& attend,
                                const Attended& whole) const {
  HaloExchange& halo = *graph_->halo();
  const std::size_t own = halo.blocks(*graph_, pass_).graphs.size() - 1;
  attend(edges(own), x, whole);
  std::vector<char> any(static_cast<std::size_t>(graph_->destinations()));
  const CsrView<std::int32_t> own_edges = edges(own).graph.csr();
  for (std::int64_t i = 0; i < own_edges.n(); ++i) any[i] = own_edges.degree(i) > 0;
  halo.fetch_rounds(on, x, pass_, [&](const HaloExchange::Peer& peer, ConstTensor rows) {
    const auto block = static_cast<std::size_t>(peer.rank.value());
    Matrix y(whole.y.rows, whole.y.cols), log_sums(whole.log_sums.rows, whole.log_sums.cols);
    attend(edges(block), rows, {y, log_sums});
    merge(block, {y, log_sums}, whole, any);
  });
}

void AttentionInRounds::backward(const Backend& on, const Passed& passed, ConstTensor dy, GradientSlot dx,
                                 const Backward& kernel) const {
  HaloExchange& halo = *graph_->halo();
  const std::size_t own = halo.blocks(*graph_, pass_).graphs.size() - 1;
  const Matrix inner = inner_products(dy, passed.y, passed.log_sums.cols);
  const AttendedGradient of{dy, passed.log_sums, inner};
  const auto own_rows = [&] { kernel(edges(own), passed.x, of, dx.tensor, dx.beta); };
  const auto part = [&](const HaloExchange::Peer& peer, ConstTensor rows, Tensor drows) {
    kernel(edges(static_cast<std::size_t>(peer.rank.value())), rows, of, drows, 0);
  };
  if (!dx) {
    own_rows();
    return halo.fetch_rounds(on, passed.x, pass_,
                             [&](const HaloExchange::Peer& peer, ConstTensor rows) { part(peer, rows, {}); });
  }
  HaloPass back = pass_;
  back.backward = true;
  halo.return_rounds(on, back, {.make = part, .meanwhile = own_rows, .again = passed.x}, dx.tensor);
}

}  // namespace kith
