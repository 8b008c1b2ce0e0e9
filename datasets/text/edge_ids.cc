#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/text/edge_text.h"

namespace kith {

void EdgeIds::number_numbers() {
  const Array<std::uint64_t> order = numbers.number_all();
  nodes = order.ssize();
  mapped = true;
  node_ids = Array<std::int64_t>(order.size());
  parallel_for(0, order.ssize(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      node_ids[i] = numbers.shard(order[i] % kIdShards).id(static_cast<std::uint32_t>(order[i] / kIdShards));
  });
}

void EdgeIds::number_texts() {
  const Array<std::uint64_t> order = texts.number_all();
  const auto name = [&](std::int64_t i) {
    return texts.shard(order[i] % kIdShards).name(static_cast<std::uint32_t>(order[i] / kIdShards));
  };
  nodes = order.ssize();
  mapped = true;
  names.offsets = Array<std::int64_t>(order.size() + 1);
  parallel_for(0, order.ssize(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) names.offsets[i] = static_cast<std::int64_t>(name(i).size());
  });
  names.offsets[order.size()] = 0;
  names.bytes = Array<std::uint8_t>(
      static_cast<std::size_t>(exclusive_prefix_sum(names.offsets.data(), names.offsets.ssize())));
  parallel_for(0, order.ssize(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      std::copy_n(name(i).data(), name(i).size(), names.bytes.data() + names.offsets[i]);
  });
}

std::int64_t EdgeIds::node_of(std::int64_t id, const std::filesystem::path& file) const {
  if (!mapped && id >= 0 && id < nodes) return id;
  if (mapped) {
    const std::uint64_t hash = hash_of_number(id);
    const std::uint32_t entry = numbers.shard(shard_of(hash)).find(static_cast<std::uint32_t>(hash), id);
    if (entry != TagSlots::kNone) return numbers.rank(shard_of(hash), entry);
  }
  throw InputError(fmt::format("{}: changed while it was read", file.string()));
}

}  // namespace kith
