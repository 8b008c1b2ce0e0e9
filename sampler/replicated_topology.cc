#include "kith/sampler/part_rows.h"

namespace kith {
namespace {

class ReplicatedTopology final : public Topology {
 public:
  explicit ReplicatedTopology(const PartitionedStore& parts) : rows_(parts, Part{0}, Part{parts.k()}) {}

  HopResult sample(std::span<const GlobalId> frontier, const HopRequest& request) override {
    return rows_.sample(frontier, request);
  }
  void describe(std::span<const GlobalId> nodes, bool exclude_self, std::span<StoreId> store_ids,
                std::span<std::int64_t> degrees) override {
    rows_.describe(nodes, exclude_self, store_ids, degrees);
  }

 private:
  PartRows rows_;
};

}  // namespace

std::unique_ptr<Topology> replicated_topology(const PartitionedStore& parts) {
  return std::make_unique<ReplicatedTopology>(parts);
}

}  // namespace kith
