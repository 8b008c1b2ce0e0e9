// Results live where training put the nodes; users want them in their own order. Rank 0 walks the store ids
// in pieces, and every owner sends what it has of a piece: whatever the graph's size, a piece is in memory.
#include "kith/exec/store_order.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kith/core/array.h"

namespace kith {
namespace {

constexpr int kTag = 7002;
constexpr const char* kWhat = "gather results";

/// One rank's rows, found by store id.
class SortedRows {
 public:
  SortedRows(std::span<const StoreId> ids, std::span<const std::byte> rows, std::size_t row_bytes)
      : ids_(ids), rows_(rows), row_bytes_(row_bytes), order_(ids.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    std::sort(order_.begin(), order_.end(), [&](std::int32_t a, std::int32_t b) { return ids[a] < ids[b]; });
  }

  /// The next rows with ids below `end`, each as its place behind `begin` and its bytes.
  Array<std::byte> next(std::int64_t begin, std::int64_t end) {
    const auto first = next_;
    while (next_ < order_.size() && ids_[order_[next_]].value() < end) ++next_;
    Array<std::byte> packed((next_ - first) * (sizeof(std::int64_t) + row_bytes_));
    std::byte* out = packed.data();
    for (std::size_t i = first; i < next_; ++i) {
      const std::int64_t place = ids_[order_[i]].value() - begin;
      std::memcpy(out, &place, sizeof place);
      std::memcpy(out + sizeof place, rows_.data() + order_[i] * row_bytes_, row_bytes_);
      out += sizeof place + row_bytes_;
    }
    return packed;
  }

 private:
  std::span<const StoreId> ids_;
  std::span<const std::byte> rows_;
  std::size_t row_bytes_;
  Array<std::int32_t> order_;
  std::size_t next_ = 0;
};

void place(const Array<std::byte>& packed, std::size_t row_bytes, Array<std::byte>& piece) {
  const std::size_t step = sizeof(std::int64_t) + row_bytes;
  for (std::size_t at = 0; at < packed.size(); at += step) {
    std::int64_t row = 0;
    std::memcpy(&row, packed.data() + at, sizeof row);
    const std::size_t target = static_cast<std::size_t>(row) * row_bytes;
    require(row >= 0 && target + row_bytes <= piece.size(), "a gathered row lies in its piece",
            {{"row", row}});
    std::memcpy(piece.data() + target, packed.data() + at + sizeof row, row_bytes);
  }
}

/// This rank's share of a piece becomes rank 0's whole piece.
void bring_to_root(Communicator& comm, Array<std::byte> mine, std::size_t row_bytes,
                   Array<std::byte>& piece) {
  const std::vector<std::int64_t> sizes = all_gather(comm, mine.ssize(), kWhat);
  if (comm.rank() != Rank{0}) {
    if (!mine.empty()) comm.wait(comm.start_send(mine.span(), Rank{0}, kTag, kWhat));
    return;
  }
  place(mine, row_bytes, piece);
  for (int r = 1; r < comm.size(); ++r) {
    Array<std::byte> theirs(static_cast<std::size_t>(sizes[r]));
    if (theirs.empty()) continue;
    comm.wait(comm.start_receive(theirs.span(), Rank{r}, kTag, kWhat));
    place(theirs, row_bytes, piece);
  }
}

}  // namespace

void gather_in_store_order(Communicator& comm, std::span<const StoreId> store_ids,
                           std::span<const std::byte> rows, std::int64_t nodes, const TakeRows& take,
                           std::int64_t piece_bytes) {
  // A rank without nodes does not know the row's size by itself.
  const std::int64_t own = store_ids.empty() ? 0 : static_cast<std::int64_t>(rows.size() / store_ids.size());
  const auto row_bytes = static_cast<std::size_t>(all_reduce_max(comm, own, kWhat));
  const std::int64_t step = std::max<std::int64_t>(1, piece_bytes / static_cast<std::int64_t>(row_bytes + 8));
  SortedRows sorted(store_ids, rows, row_bytes);
  const bool root = comm.rank() == Rank{0};
  for (std::int64_t begin = 0; begin < nodes; begin += step) {
    const std::int64_t end = std::min(nodes, begin + step);
    Array<std::byte> piece(root ? static_cast<std::size_t>(end - begin) * row_bytes : 0);
    bring_to_root(comm, sorted.next(begin, end), row_bytes, piece);
    if (root) take(begin, piece.span());
  }
}

}  // namespace kith
