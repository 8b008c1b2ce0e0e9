// Part p begins at the first node before which p / k of the total weight lies, moved where needed so that no
// part is empty while n ≥ k. Good for graphs whose order already has locality (web crawls, a community
// reordering).
#include <algorithm>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/partition/partitioners.h"

namespace kith {
namespace {

__extension__ using Wide = __int128;

// before[v]: the weight of the nodes before v; before[n]: the total.
Array<std::int64_t> weight_before(const PartitionRequest& request) {
  const std::int64_t n = request.graph.n();
  Array<std::int64_t> before(static_cast<std::size_t>(n) + 1, 1);
  before[n] = 0;
  if (!request.constraints.empty()) {
    const auto& weight = request.constraints.front().weight;
    require(weight.ssize() == n, "a constraint has a weight per node",
            {{"nodes", n}, {"weights", weight.size()}});
    std::copy(weight.begin(), weight.end(), before.begin());
  }
  exclusive_prefix_sum(before.data(), before.ssize());
  return before;
}

Array<std::int64_t> cuts_of(const Array<std::int64_t>& before, int k) {
  const std::int64_t n = before.ssize() - 1, total = before.back();
  Array<std::int64_t> cut(static_cast<std::size_t>(k) + 1, 0);
  cut[k] = n;
  for (int p = 1; p < k; ++p) {
    const auto target = static_cast<std::int64_t>(static_cast<Wide>(total) * p / k);
    const std::int64_t found = std::lower_bound(before.begin(), before.end(), target) - before.begin();
    const std::int64_t least = std::min(cut[p - 1] + 1, n), most = std::max<std::int64_t>(least, n - (k - p));
    cut[p] = std::clamp(found, least, most);
  }
  return cut;
}

}  // namespace

Partitioning range_partition(const PartitionRequest& request) {
  require(request.k >= 1, "a partitioning has at least one part", {{"k", request.k}});
  const Array<std::int64_t> cut = cuts_of(weight_before(request), request.k);
  Partitioning result{request.k, Array<Part>(static_cast<std::size_t>(request.graph.n()))};
  parallel_for(0, request.k, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p)
      std::fill(result.assignment.begin() + cut[p], result.assignment.begin() + cut[p + 1],
                Part(static_cast<Part::rep>(p)));
  });
  return result;
}

}  // namespace kith
