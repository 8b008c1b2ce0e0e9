#include "graph/random_graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/graph/builders.h"

namespace kith {
namespace {

using kith::testing::entries_of;
using kith::testing::numbers;
using kith::testing::random_edges;

/// A random [rows, columns] matrix with sorted rows.
Csr32 random_matrix(std::uint64_t seed, std::int64_t rows, std::int64_t columns, std::int64_t m) {
  testing::Draws draws(seed);
  std::multiset<std::pair<std::int64_t, std::int64_t>> entries;
  for (std::int64_t e = 0; e < m; ++e) {
    const std::int64_t row = e % 3 == 0 ? rows / 2 : draws.below(rows);
    entries.emplace(row, draws.below(columns));
  }
  Csr32 a{Array<std::int64_t>(static_cast<std::size_t>(rows) + 1, 0), Array<std::int32_t>(entries.size())};
  std::int64_t at = 0;
  for (const auto& [row, column] : entries) {
    ++a.indptr[row + 1];
    a.indices[at++] = static_cast<std::int32_t>(column);
  }
  for (std::int64_t i = 0; i < rows; ++i) a.indptr[i + 1] += a.indptr[i];
  return a;
}

TEST(Transpose, SwapsRowAndColumnOfEveryEntry) {
  for (const auto& [rows, columns, m] :
       {std::tuple{1, 1, 4}, {5, 90, 60}, {90, 5, 60}, {3000, 200, 150'000}}) {
    const Csr32 a = random_matrix(3, rows, columns, m);
    auto swapped = entries_of(a.view());
    for (auto& entry : swapped) std::swap(entry.first, entry.second);
    std::sort(swapped.begin(), swapped.end());
    const Csr32 t = transposed(a.view(), columns);
    EXPECT_NO_THROW(validate(t.view(), rows));
    EXPECT_EQ(t.n(), columns);
    EXPECT_EQ(entries_of(t.view()), swapped);
  }
}

TEST(Transpose, TwiceIsTheIdentity) {
  const Csr32 a = random_matrix(7, 2000, 700, 100'000);
  const Csr32 twice = transposed(transposed(a.view(), 700).view(), 2000);
  EXPECT_EQ(numbers(twice.indptr), numbers(a.indptr));
  EXPECT_EQ(numbers(twice.indices), numbers(a.indices));
}

TEST(Transpose, OfWideIndicesEqualsThatOfNarrowOnes) {
  const auto narrow = random_edges<std::int32_t>(9, 400, 3000);
  const auto wide = random_edges<std::int64_t>(9, 400, 3000);
  const Csr32 a = csr_from_edges<std::int32_t>({narrow.source, narrow.destination}, 400, {});
  const Csr64 b = csr_from_edges<std::int64_t>({wide.source, wide.destination}, 400, {});
  EXPECT_EQ(entries_of(transposed(a.view(), 400).view()), entries_of(transposed(b.view(), 400).view()));
}

TEST(Transpose, OfNothingHasEmptyRows) {
  const Csr32 none{Array<std::int64_t>{0}, {}};
  EXPECT_EQ(numbers(transposed(none.view(), 3).indptr), (std::vector<std::int64_t>{0, 0, 0, 0}));
  EXPECT_EQ(transposed(none.view(), 0).n(), 0);
}

TEST(TransposeWithEdges, KnowsWhereEveryEntryStood) {
  const Csr32 a = random_matrix(13, 800, 600, 90'000);
  const TransposedCsr t = transposed_with_edges(a.view(), 600);
  EXPECT_EQ(entries_of(t.csr.view()), entries_of(transposed(a.view(), 600).view()));
  const auto original = entries_of(a.view());
  std::set<std::int64_t> seen;
  std::int64_t e = 0;
  for (const auto& [column, row] : entries_of(t.csr.view())) {
    EXPECT_EQ(original[t.edge[e]], std::pair(row, column));
    seen.insert(t.edge[e++]);
  }
  EXPECT_EQ(std::ssize(seen), a.m());
}

TEST(TransposeWithEdges, TheNumberOfThreadsDoesNotChangeABit) {
  const Csr32 a = random_matrix(17, 5000, 5000, 300'000);
  const auto edges = [&](int threads) {
    const ThreadLimit limit(threads);
    return numbers(transposed_with_edges(a.view(), 5000).edge);
  };
  EXPECT_EQ(edges(1), edges(2));
}

TEST(Transpose, AnIndexOutOfRangeIsDamage) {
  const Csr32 a{Array<std::int64_t>{0, 2}, Array<std::int32_t>{0, 5}};
  EXPECT_THROW(transposed(a.view(), 5), CorruptError);
  EXPECT_THROW(transposed_with_edges(a.view(), 5), CorruptError);
}

}  // namespace
}  // namespace kith
