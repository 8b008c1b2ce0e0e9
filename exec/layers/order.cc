#include "kith/exec/layers/order.h"

#include "kith/exec/halo/halo_exchange.h"

// (A x) Wᵀ aggregates rows as wide as the input, and backward only if x wants a gradient; the product has a
// row for every destination. A (x Wᵀ) aggregates rows as wide as the output, and backward too; the product
// has a row for every source that is at hand. An aggregate that is kept costs nothing, but its memory.
namespace kith {
namespace {

// A number gathered from memory takes about as long as this many multiplications and additions.
constexpr double kGathered = 10;
constexpr std::int64_t kWidestKept = 4;  ///< times the output

}  // namespace

bool keeps_sum(std::int64_t in, std::int64_t out) { return in <= kWidestKept * out; }

bool aggregates_first(const Tape& tape, const LayerGraph& graph, const Var& x, std::int64_t out) {
  if (graph.keeps_aggregates_of(x.value())) return keeps_sum(x.cols(), out);
  const bool training = tape.training(), wanted = training && x.needs_gradient();
  const auto in = static_cast<double>(x.cols()), width = static_cast<double>(out);
  const double first = in * (wanted ? 2 : 1), last = width * (training ? 2 : 1);
  // Of equals, evaluation takes the sum first, to which the other product of a layer is added in place;
  // training would have to keep the sum for its backward pass.
  const auto less = [training](double a, double b) { return training ? a < b : a <= b; };
  // Ranks differ in edges and rows, and what they exchange must not.
  if (graph.halo() != nullptr)
    return less(first * (tape.zeros_of(x) ? graph.halo()->share_of_sparse_rows() : 1), last);
  const double products = in * width * (1 + (training ? 1 : 0) + (wanted ? 1 : 0));
  const auto edges = kGathered * static_cast<double>(graph.csr().m());
  return less(edges * first + static_cast<double>(graph.destinations()) * products,
              edges * last + static_cast<double>(x.rows()) * products);
}

}  // namespace kith
