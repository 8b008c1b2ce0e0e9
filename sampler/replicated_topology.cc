#include <optional>

#include "kith/datasets/sound.h"
#include "kith/sampler/part_rows.h"

namespace kith {
namespace {

class ReplicatedTopology final : public Topology {
 public:
  ReplicatedTopology(const PartitionedStore& parts, RowStorage storage)
      : parts_(&parts),
        packs_(storage == RowStorage::packed ||
               (storage == RowStorage::automatic && PackedRows::affordable(parts))),
        has_self_loops_(parts.meta().store.self_loops > 0),
        rows_(parts, Part{0}, Part{parts.k()}) {
    for (Part part{0}; part.value() < parts.k(); ++part) expect_sound(parts, part);
  }

  const PackedRows* packed_rows(bool exclude_self) override {
    if (!packs_) return nullptr;
    const bool excludes = exclude_self && has_self_loops_;
    std::optional<PackedRows>& packed = packed_[excludes ? 1 : 0];
    if (!packed) packed.emplace(*parts_, excludes);
    return &*packed;
  }
  HopResult sample(std::span<const GlobalId> frontier, const HopRequest& request) override {
    return rows_.sample(frontier, request);
  }
  void describe(std::span<const GlobalId> nodes, bool exclude_self, std::span<StoreId> store_ids,
                std::span<std::int64_t> degrees) override {
    rows_.describe(nodes, exclude_self, store_ids, degrees);
  }

 private:
  const PartitionedStore* parts_;
  bool packs_, has_self_loops_;
  PartRows rows_;
  std::optional<PackedRows> packed_[2];  ///< with self-loops, without
};

}  // namespace

std::unique_ptr<Topology> replicated_topology(const PartitionedStore& parts, RowStorage storage) {
  return std::make_unique<ReplicatedTopology>(parts, storage);
}

}  // namespace kith
