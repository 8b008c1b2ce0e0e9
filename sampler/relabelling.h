#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>

#include "kith/core/array.h"
#include "kith/core/ids.h"
#include "kith/core/philox.h"

namespace kith {

/// Global id → position in the batch, by direct indexing: 32 bits a node of the graph, (batch number,
/// position) with as many bits for the position as batches turn out to need. A new batch number forgets
/// everything at once; when the numbers are used up the table is cleared. For graphs whose 4 n bytes are
/// affordable.
class DirectTable {
 public:
  explicit DirectTable(std::int64_t nodes) : slots_(static_cast<std::size_t>(nodes), 0) {}

  void begin_batch() {
    tag_ += std::uint64_t{1} << position_bits_;
    if (tag_ >> 32 == 0) return;
    std::fill(slots_.begin(), slots_.end(), 0);
    tag_ = std::uint64_t{1} << position_bits_;
  }
  /// Makes room for `nodes` members in all; `members` are those of this batch so far.
  void reserve(std::int64_t nodes, std::span<const GlobalId> members) {
    const auto wanted = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(nodes)));
    if (wanted <= position_bits_) return;
    position_bits_ = wanted;
    tag_ = std::uint64_t{1} << position_bits_;
    std::fill(slots_.begin(), slots_.end(), 0);
    std::int32_t position = 0;
    for (const GlobalId node : members) position_or(node, position++);
  }
  void prefetch(GlobalId node) const { __builtin_prefetch(&slots_[node.value()], 1); }
  /// The node's position; `next` if it has none yet, which then is its position.
  std::int32_t position_or(GlobalId node, std::int32_t next) {
    std::uint32_t& slot = slots_[node.value()];
    const auto tag = static_cast<std::uint32_t>(tag_), fresh = tag | static_cast<std::uint32_t>(next);
    // Both outcomes are frequent and random: a select instead of a branch, and the store is unconditional.
    const bool known = (slot ^ tag) >> position_bits_ == 0;
    const std::uint32_t value = known ? slot : fresh;
    slot = value;
    return static_cast<std::int32_t>(value ^ tag);
  }

 private:
  Array<std::uint32_t> slots_;
  int position_bits_ = 1;  ///< at most 31
  std::uint64_t tag_ = 0;  ///< the batch number, shifted
};

/// The same by open addressing with linear probing at load ≤ 1/2, sized by the largest batch so far.
class HashTable {
 public:
  void begin_batch() {
    if (++batch_ != 0) return;
    std::fill(slots_.begin(), slots_.end(), Slot{});
    batch_ = 1;
  }
  /// Makes room for `nodes` members in all. Those of this batch stay.
  void reserve(std::int64_t nodes, std::span<const GlobalId> /*members*/) {
    const std::size_t wanted = std::bit_ceil(static_cast<std::size_t>(nodes) * 2 + 2);
    if (wanted <= slots_.size()) return;
    Array<Slot> old(wanted, Slot{});
    std::swap(old, slots_);
    for (const Slot& slot : old)
      if (slot.batch == batch_) slots_[free_or_own(slot.node)] = slot;
  }
  void prefetch(GlobalId node) const { __builtin_prefetch(&slots_[home(node.value())], 1); }
  std::int32_t position_or(GlobalId node, std::int32_t next) {
    Slot& slot = slots_[free_or_own(node.value())];
    if (slot.batch != batch_) slot = {node.value(), batch_, next};
    return slot.position;
  }

 private:
  struct Slot {
    std::int64_t node = 0;
    std::uint32_t batch = 0;
    std::int32_t position = 0;
  };
  std::size_t home(std::int64_t node) const {
    return mix64(static_cast<std::uint64_t>(node)) & (slots_.size() - 1);
  }
  std::size_t free_or_own(std::int64_t node) const {
    std::size_t at = home(node);
    while (slots_[at].batch == batch_ && slots_[at].node != node) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  Array<Slot> slots_;
  std::uint32_t batch_ = 0;
};

/// Replaces nodes (GlobalId, or their numbers) by positions: known ones by theirs, new ones appended to
/// `nodes` in order of first appearance. `nodes` must have room for known + neighbours.size() + 1. Returns
/// how many nodes there are then.
template <class Table, class Node>
std::int64_t relabel(Table& table, std::span<const Node> neighbours, std::span<GlobalId> nodes,
                     std::int64_t known, std::int32_t* positions) {
  constexpr std::size_t kAhead = 64;
  if (neighbours.empty()) return known;
  const std::size_t last = neighbours.size() - 1;
  auto next = static_cast<std::int32_t>(known);
  for (std::size_t e = 0; e < neighbours.size(); ++e) {
    table.prefetch(GlobalId{neighbours[std::min(e + kAhead, last)]});
    const GlobalId node{neighbours[e]};
    nodes[next] = node;  // stands only if the node is new
    const std::int32_t position = table.position_or(node, next);
    positions[e] = position;
    next += position == next ? 1 : 0;
  }
  return next;
}

}  // namespace kith
