#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kith/graph/csr.h"

namespace kith {

/// The rows of a CSR, or a list of some of them, in chunks of about equal work: an entry costs 1 and a row
/// kRowCost. The chunks depend on the CSR and the list only, never on the number of threads.
class RowChunks {
 public:
  static constexpr std::int64_t kRowCost = 4;
  RowChunks(CsrView<std::int32_t> a, std::span<const std::int32_t> rows, std::int64_t target_cost);

  std::int64_t count() const { return static_cast<std::int64_t>(bounds_.size()) - 1; }
  /// Chunk c holds the positions [begin(c), end(c)) of the list (of the rows themselves without a list).
  std::int64_t begin(std::int64_t c) const { return bounds_[static_cast<std::size_t>(c)]; }
  std::int64_t end(std::int64_t c) const { return bounds_[static_cast<std::size_t>(c) + 1]; }

 private:
  std::vector<std::int64_t> bounds_;
};

/// The row at a position of a list; an empty list means every row.
inline std::int64_t row_at(std::span<const std::int32_t> rows, std::int64_t position) {
  return rows.empty() ? position : rows[static_cast<std::size_t>(position)];
}
/// How many positions there are.
inline std::int64_t positions(CsrView<std::int32_t> a, std::span<const std::int32_t> rows) {
  return rows.empty() ? a.n() : static_cast<std::int64_t>(rows.size());
}
/// The end of the longest run of positions from `begin` whose entries are stored one behind the other.
inline std::int64_t consecutive_end(std::span<const std::int32_t> rows, std::int64_t begin,
                                    std::int64_t end) {
  if (rows.empty()) return end;
  std::int64_t i = begin + 1;
  while (i < end && rows[i] == rows[i - 1] + 1) ++i;
  return i;
}

}  // namespace kith
