#include "kith/kernels/cpu/row_chunks.h"

#include <algorithm>
#include <numeric>

// Without a list the cost before row i is indptr[i] + kRowCost · i, which grows with i: the chunk borders are
// found by binary search. With a list the costs are summed up once.
namespace kith {
namespace {

std::vector<std::int64_t> bounds_of_all(CsrView<std::int32_t> a, std::int64_t target) {
  const auto cost_before = [&](std::int64_t i) { return a.indptr[i] + RowChunks::kRowCost * i; };
  const std::int64_t total = cost_before(a.n());
  const std::int64_t chunks = (total + target - 1) / target;
  std::vector<std::int64_t> bounds{0};
  for (std::int64_t c = 1; c < chunks; ++c) {
    std::int64_t low = bounds.back(), high = a.n();
    while (low < high) {
      const std::int64_t middle = std::midpoint(low, high);
      if (cost_before(middle) < c * target) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low > bounds.back() && low < a.n()) bounds.push_back(low);
  }
  if (a.n() > 0) bounds.push_back(a.n());
  return bounds;
}

std::vector<std::int64_t> bounds_of_list(CsrView<std::int32_t> a, std::span<const std::int32_t> rows,
                                         std::int64_t target) {
  std::vector<std::int64_t> bounds{0};
  std::int64_t cost = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (cost >= target) {
      bounds.push_back(static_cast<std::int64_t>(i));
      cost = 0;
    }
    cost += a.degree(rows[i]) + RowChunks::kRowCost;
  }
  bounds.push_back(static_cast<std::int64_t>(rows.size()));
  return bounds;
}

}  // namespace

RowChunks::RowChunks(CsrView<std::int32_t> a, std::span<const std::int32_t> rows, std::int64_t target_cost)
    : bounds_(rows.empty() ? bounds_of_all(a, target_cost) : bounds_of_list(a, rows, target_cost)) {}

}  // namespace kith
