#pragma once
#include <vector>

#include "kith/sampler/range_lookup.h"
#include "kith/sampler/ranked_bits.h"
#include "kith/sampler/topology.h"

namespace kith {

/// The mapped rows of consecutive parts, and the drawing from them: what both topologies share. Global ids
/// given to it must lie in its parts. The store must outlive it. Not thread-safe; parallel inside.
class PartRows {
 public:
  PartRows(const PartitionedStore& parts, Part first, Part end);

  /// Deterministic. The first request that excludes self reads all rows once when the graph has stored
  /// self-loops.
  HopResult sample(std::span<const GlobalId> frontier, const HopRequest& request);
  void describe(std::span<const GlobalId> nodes, bool exclude_self, std::span<StoreId> store_ids,
                std::span<std::int64_t> degrees);

 private:
  /// A row's columns, 32 or 64 bits wide.
  struct Columns {
    const std::int32_t* narrow = nullptr;
    const std::int64_t* wide = nullptr;
    std::int64_t operator[](std::int64_t i) const { return narrow != nullptr ? narrow[i] : wide[i]; }
    const void* address(std::int64_t i) const {
      return narrow != nullptr ? static_cast<const void*>(narrow + i) : static_cast<const void*>(wide + i);
    }
    Columns from(std::int64_t i) const {
      return {narrow != nullptr ? narrow + i : nullptr, wide != nullptr ? wide + i : nullptr};
    }
  };
  /// One part's arrays; row i is global id first + i.
  struct Arrays {
    std::int64_t first = 0;
    std::int64_t nodes = 0;
    const std::int64_t* indptr = nullptr;
    const std::int64_t* store_ids = nullptr;
    Columns columns;
  };
  /// Where a row holds its own node: positions [begin, begin + size).
  struct SelfLoops {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  struct Row {
    Columns columns;
    StoreId node;
    std::uint32_t candidates = 0;
    SelfLoops hole;
    std::int64_t position_of(std::uint32_t candidate) const {
      return candidate < hole.begin ? candidate : std::int64_t{candidate} + hole.size;
    }
  };

  const Arrays& arrays_of(GlobalId node) const { return arrays_[lookup_.range_of(node.value())]; }
  void prefetch(GlobalId node, bool exclude_self) const;
  Row row_of(GlobalId node, bool exclude_self) const;
  void find_self_loops();
  void draw_rows(std::span<const Row> rows, const HopRequest& request, GlobalId* out) const;

  RangeLookup lookup_;
  std::vector<Arrays> arrays_;
  bool has_self_loops_ = false;
  bool self_loops_found_ = false;
  RankedBits looped_;             ///< of node − first node
  std::vector<SelfLoops> loops_;  ///< by rank in looped_
};

}  // namespace kith
