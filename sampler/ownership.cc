#include "kith/sampler/ownership.h"

#include <fmt/format.h>

#include "kith/core/error.h"

namespace kith {

Ownership::Ownership(const PartitionedStore& parts, int ranks) {
  const std::int64_t k = parts.k();
  require(ranks >= 1, "a job has at least one rank", {{"ranks", ranks}});
  if (ranks > k)
    throw InputError(
        fmt::format("{}: {} parts cannot be shared by {} ranks; make more: kith partition STORE -o PARTS -k "
                    "{} --method {}",
                    parts.folder().string(), k, ranks, ranks,
                    parts.meta().method.empty() ? "metis" : parts.meta().method));
  const std::span<const std::int64_t> first = parts.first();
  for (std::int64_t rank = 0; rank <= ranks; ++rank) {
    const std::int64_t part = rank * k / ranks;
    first_part_.push_back(static_cast<std::int32_t>(part));
    first_.push_back(first[part]);
  }
  lookup_ = RangeLookup(first_);
}

}  // namespace kith
