#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "kith/core/error.h"

// One shard's ids: open addressing over a tag of the hash and the number of the entry; numbers are given in
// the order of `find_or_add`.

namespace kith {

/// Slots of (tag, entry number + 1); an empty one is 0.
class TagSlots {
 public:
  struct Slot {
    std::uint32_t tag = 0, entry = 0;
  };

  void prefetch(std::uint32_t tag) const { __builtin_prefetch(slots_.data() + (tag & mask_)); }
  /// The entry with this tag for which same(entry) holds; else `add`, which becomes an entry, when it is not
  /// kNone. Returns its number, or kNone.
  template <class Same>
  std::uint32_t find(std::uint32_t tag, Same&& same) const {
    for (std::uint32_t at = tag & mask_;; at = (at + 1) & mask_) {
      const Slot slot = slots_[at];
      if (slot.entry == 0) return kNone;
      if (slot.tag == tag && same(slot.entry - 1)) return slot.entry - 1;
    }
  }
  void add(std::uint32_t tag, std::uint32_t entry) {
    if (2 * (static_cast<std::size_t>(entry) + 1) > slots_.size()) grow();
    place(tag, entry);
  }
  std::size_t bytes() const { return slots_.capacity() * sizeof(Slot); }

  static constexpr std::uint32_t kNone = 0xffffffff;

 private:
  void place(std::uint32_t tag, std::uint32_t entry) {
    std::uint32_t at = tag & mask_;
    while (slots_[at].entry != 0) at = (at + 1) & mask_;
    slots_[at] = {tag, entry + 1};
  }
  void grow() {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    mask_ = static_cast<std::uint32_t>(slots_.size() - 1);
    for (const Slot slot : old)
      if (slot.entry != 0) place(slot.tag, slot.entry - 1);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(256);
  std::uint32_t mask_ = 255;
};

/// Entries of one shard must stay below this, so that entry · shards + shard fits in 32 bits.
inline constexpr std::uint32_t kMostEntries = std::uint32_t{1} << 26;

/// Texts of one shard, each with the place where it was first seen.
class NameTable {
 public:
  std::uint32_t find(std::uint32_t tag, std::string_view name) const {
    return slots_.find(tag, [&](std::uint32_t entry) { return this->name(entry) == name; });
  }
  std::uint32_t find_or_add(std::uint32_t tag, std::string_view name, std::uint64_t place) {
    const std::uint32_t found = find(tag, name);
    if (found != TagSlots::kNone) return found;
    require(places_.size() < kMostEntries, "at most 2^32 names are mapped");
    const auto entry = static_cast<std::uint32_t>(places_.size());
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    ends_.push_back(bytes_.size());
    places_.push_back(place);
    slots_.add(tag, entry);
    return entry;
  }
  void prefetch(std::uint32_t tag) const { slots_.prefetch(tag); }
  std::string_view name(std::uint32_t entry) const {
    const std::size_t begin = ends_[entry];
    return {bytes_.data() + begin, ends_[entry + 1] - begin};
  }
  std::uint64_t place(std::uint32_t entry) const { return places_[entry]; }
  std::size_t size() const { return places_.size(); }
  std::size_t bytes() const {
    return slots_.bytes() + bytes_.capacity() + 8 * (ends_.capacity() + places_.capacity());
  }

 private:
  TagSlots slots_;
  std::vector<char> bytes_;
  std::vector<std::size_t> ends_ = {0};
  std::vector<std::uint64_t> places_;
};

/// Numbers of one shard. The place of a number is the number itself, in the order of signed integers: entries
/// sorted by place are sorted by value.
class NumberTable {
 public:
  std::uint32_t find(std::uint32_t tag, std::int64_t id) const {
    return slots_.find(tag, [&](std::uint32_t entry) { return ids_[entry] == id; });
  }
  std::uint32_t find_or_add(std::uint32_t tag, std::int64_t id) {
    const std::uint32_t found = find(tag, id);
    if (found != TagSlots::kNone) return found;
    require(ids_.size() < kMostEntries, "at most 2^32 ids are mapped");
    ids_.push_back(id);
    slots_.add(tag, static_cast<std::uint32_t>(ids_.size() - 1));
    return static_cast<std::uint32_t>(ids_.size() - 1);
  }
  void prefetch(std::uint32_t tag) const { slots_.prefetch(tag); }
  std::int64_t id(std::uint32_t entry) const { return ids_[entry]; }
  std::uint64_t place(std::uint32_t entry) const {
    return static_cast<std::uint64_t>(ids_[entry]) ^ (std::uint64_t{1} << 63);
  }
  std::size_t size() const { return ids_.size(); }
  std::size_t bytes() const { return slots_.bytes() + 8 * ids_.capacity(); }

 private:
  TagSlots slots_;
  std::vector<std::int64_t> ids_;
};

}  // namespace kith
