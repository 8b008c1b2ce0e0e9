#pragma once
#include <cstdint>
#include <span>

#include "kith/core/array.h"
#include "kith/core/ids.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/graph/csr.h"
#include "kith/sampler/sampling_row.h"

namespace kith {

/// The rows of all parts copied for sampling: what a draw needs of a node is 16 bytes, columns are 32 bits
/// wide, and both lie in huge pages, so that a random access costs one line and no page walk. Self-loops are
/// left out when they are excluded: every position of a row is a candidate.
class PackedRows {
 public:
  using Row = SamplingRow;  ///< begins in columns()

  /// Whether the graph fits the layout, and the copy in a sixteenth of the memory that is free now.
  static bool affordable(const PartitionedStore& parts);
  static bool affordable(std::int64_t nodes, std::int64_t edges);
  static std::int64_t bytes(std::int64_t nodes, std::int64_t edges);
  /// Throws CorruptError on a row or a column that cannot be, InputError on 2³¹ nodes or more.
  PackedRows(const PartitionedStore& parts, bool exclude_self);
  /// Of a graph in memory whose rows are its store ids.
  explicit PackedRows(CsrView<std::int32_t> graph);

  const Row* rows() const { return rows_.data(); }  ///< by global id
  const std::int32_t* columns() const { return columns_.data(); }
  std::span<const Row> all_rows() const { return rows_.span(); }
  std::span<const std::int32_t> all_columns() const { return columns_.span(); }
  void describe(std::span<const GlobalId> nodes, std::span<StoreId> store_ids,
                std::span<std::int64_t> degrees) const;

 private:
  Array<Row> rows_;
  Array<std::int32_t> columns_;
};

}  // namespace kith
