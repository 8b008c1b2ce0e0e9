#include "partition/graphs.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

using namespace test;

TEST(PartLayout, IsABijectionThatKeepsStoreOrderInsideEachPart) {
  for (const int k : {1, 2, 7, 40}) {
    const Partitioning parts = random_parts(1000, k, 11);
    const PartLayout layout = layout_of(parts);
    ASSERT_EQ(layout.k(), k);
    ASSERT_EQ(layout.first.back(), 1000);
    for (std::int64_t v = 0; v < 1000; ++v)
      ASSERT_EQ(layout.store_of_global[layout.global_of_store[v].value()], StoreId(v));
    for (int p = 0; p < k; ++p)
      for (std::int64_t g = layout.first[p]; g < layout.first[p + 1]; ++g) {
        ASSERT_EQ(parts.assignment[layout.store_of_global[g].value()], Part(p));
        ASSERT_TRUE(g == layout.first[p] || layout.store_of_global[g - 1] < layout.store_of_global[g]);
      }
  }
}

TEST(PartLayout, PartOfAgreesWithTheAssignmentAcrossEmptyParts) {
  Partitioning parts = random_parts(300, 4, 3);
  parts.k = 9;
  for (Part& part : parts.assignment) part = Part(2 * part.value() + 1);
  const PartLayout layout = layout_of(parts);
  for (std::int64_t v = 0; v < 300; ++v)
    ASSERT_EQ(layout.part_of(layout.global_of_store[v]), parts.assignment[v]) << v;
}

TEST(PartLayout, IsTheSameForAnyThreadCountOverSeveralChunks) {
  const Partitioning parts = random_parts(200000, 5, 17);
  const PartLayout many = layout_of(parts);
  const ThreadLimit one(1);
  const PartLayout single = layout_of(parts);
  EXPECT_TRUE(std::equal(many.first.begin(), many.first.end(), single.first.begin()));
  EXPECT_TRUE(
      std::equal(many.store_of_global.begin(), many.store_of_global.end(), single.store_of_global.begin()));
  EXPECT_TRUE(std::is_sorted(many.store_of_global.begin(), many.store_of_global.begin() + many.first[1]));
}

TEST(PartLayout, OfNoNodesHasOnlyEmptyParts) {
  const PartLayout layout = layout_of(Partitioning{3, {}});
  EXPECT_EQ(layout.k(), 3);
  EXPECT_EQ(layout.first.back(), 0);
}

TEST(PartLayout, RefusesAPartOutsideTheRange) {
  EXPECT_THROW(layout_of(Partitioning{2, {Part(0), Part(2)}}), Error);
  EXPECT_THROW(layout_of(Partitioning{2, {Part(0), Part(-1)}}), Error);
  EXPECT_THROW(layout_of(Partitioning{0, {}}), Error);
}

}  // namespace
}  // namespace kith
