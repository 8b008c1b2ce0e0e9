// LSD radix sort with digits of 11 bits: three counting passes for any 32-bit number, fewer when the numbers
// are small. Its histogram costs more than comparing until a row has some hundred entries.
#include "kith/graph/row_sort.h"

#include <algorithm>
#include <array>
#include <bit>

namespace kith::detail {
namespace {

constexpr std::size_t kRadixFrom = 1024;
constexpr int kDigitBits = 11;
constexpr std::uint64_t kDigitMask = (1u << kDigitBits) - 1;

template <class Index>
void sort_by_digit(std::span<const Index> from, std::span<Index> to, int shift) {
  const auto digit_of = [shift](Index value) {
    return (static_cast<std::uint64_t>(value) >> shift) & kDigitMask;
  };
  std::array<std::size_t, kDigitMask + 2> next{};
  for (const Index value : from) ++next[digit_of(value) + 1];
  for (std::size_t d = 1; d < next.size(); ++d) next[d] += next[d - 1];
  for (const Index value : from) to[next[digit_of(value)]++] = value;
}

}  // namespace

template <class Index>
void sort_row(std::span<Index> row, std::int64_t bound, std::vector<Index>& scratch) {
  if (row.size() < kRadixFrom) {
    std::sort(row.begin(), row.end());
    return;
  }
  if (std::is_sorted(row.begin(), row.end())) return;
  scratch.resize(std::max(scratch.size(), row.size()));
  std::span<Index> from = row, to = std::span(scratch).first(row.size());
  const int bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(bound)));
  for (int shift = 0; shift < bits; shift += kDigitBits) {
    sort_by_digit<Index>(from, to, shift);
    std::swap(from, to);
  }
  if (from.data() != row.data()) std::copy(from.begin(), from.end(), row.begin());
}

template void sort_row(std::span<std::int32_t>, std::int64_t, std::vector<std::int32_t>&);
template void sort_row(std::span<std::int64_t>, std::int64_t, std::vector<std::int64_t>&);

}  // namespace kith::detail
