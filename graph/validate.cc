#include <algorithm>
#include <type_traits>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/graph/bounds.h"
#include "kith/graph/builders.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 18;

/// The first i with values[i] > values[i + 1], if any.
std::optional<std::int64_t> first_descent(std::span<const std::int64_t> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  const std::int64_t first = parallel_reduce(
      0, count - 1, kGrain, count,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          if (values[i] > values[i + 1]) return i;
        return count;
      },
      [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
  return first < count ? std::optional(first) : std::nullopt;
}

}  // namespace

template <class Index>
std::optional<std::int64_t> detail::first_outside(std::span<const Index> values, std::int64_t bound) {
  using Unsigned = std::make_unsigned_t<Index>;  // a negative number is a very large one
  const auto count = static_cast<std::int64_t>(values.size());
  const auto largest = parallel_reduce(
      0, count, kGrain, Unsigned{0},
      [&](std::int64_t begin, std::int64_t end) {
        Unsigned most = 0;
        for (std::int64_t i = begin; i < end; ++i) most = std::max(most, static_cast<Unsigned>(values[i]));
        return most;
      },
      [](Unsigned a, Unsigned b) { return std::max(a, b); });
  if (count == 0 || static_cast<std::uint64_t>(largest) < static_cast<std::uint64_t>(bound))
    return std::nullopt;
  return std::find_if(values.begin(), values.end(), [&](Index v) { return v < 0 || v >= bound; }) -
         values.begin();
}

template <class Index>
void validate(CsrView<Index> a, std::int64_t columns) {
  const auto stored = static_cast<std::int64_t>(a.indices.size());
  if (a.indptr.empty() || a.indptr.front() != 0)
    throw CorruptError(with_facts("indptr does not begin with 0", {{"entries", a.indptr.size()}}));
  if (const auto i = first_descent(a.indptr))
    throw CorruptError(
        with_facts("indptr falls", {{"row", *i}, {"begin", a.indptr[*i]}, {"end", a.indptr[*i + 1]}}));
  if (a.m() != stored)
    throw CorruptError(
        with_facts("indptr ends elsewhere than indices", {{"indptr", a.m()}, {"indices", stored}}));
  if (const auto e = detail::first_outside(a.indices, columns))
    throw CorruptError(
        with_facts("an index is out of range",
                   {{"position", *e}, {"index", std::int64_t{a.indices[*e]}}, {"columns", columns}}));
}

template <class Index>
bool has_sorted_rows(CsrView<Index> a) {
  return parallel_reduce(
      0, a.n(), 4096, true,
      [&](std::int64_t begin, std::int64_t end) {
        bool sorted = true;
        for (std::int64_t i = begin; i < end; ++i) {
          const auto row = a.row(i);
          sorted = sorted && std::is_sorted(row.begin(), row.end());
        }
        return sorted;
      },
      [](bool x, bool y) { return x && y; });
}

template std::optional<std::int64_t> detail::first_outside(std::span<const std::int32_t>, std::int64_t);
template std::optional<std::int64_t> detail::first_outside(std::span<const std::int64_t>, std::int64_t);
template void validate(CsrView<std::int32_t>, std::int64_t);
template void validate(CsrView<std::int64_t>, std::int64_t);
template bool has_sorted_rows(CsrView<std::int32_t>);
template bool has_sorted_rows(CsrView<std::int64_t>);

}  // namespace kith
