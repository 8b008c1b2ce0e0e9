#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace kith::detail {

/// Sorts entries stably by the low `bits` bits of `entry.key`, eleven at a time, with as much scratch; the
/// result is in `entries`. Fast while both fit in a cache.
template <class Entry>
void radix_sort(std::span<Entry> entries, std::span<Entry> scratch, int bits) {
  constexpr int kDigit = 11;
  constexpr std::size_t kValues = std::size_t{1} << kDigit;
  std::span<Entry> from = entries, to = scratch.first(entries.size());
  for (int shift = 0; shift < bits; shift += kDigit) {
    const auto digit = [shift](const Entry& entry) {
      return static_cast<std::size_t>(entry.key >> shift) & (kValues - 1);
    };
    std::size_t begin[kValues] = {};
    for (const Entry& entry : from) ++begin[digit(entry)];
    std::size_t position = 0;
    for (std::size_t& count : begin) position += std::exchange(count, position);
    for (const Entry& entry : from) to[begin[digit(entry)]++] = entry;
    std::swap(from, to);
  }
  if (from.data() != entries.data()) std::copy(from.begin(), from.end(), entries.begin());
}

}  // namespace kith::detail
