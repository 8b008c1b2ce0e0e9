#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/graph/builders.h"

namespace kith {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

void expect_damage(std::vector<std::int64_t> indptr, std::vector<std::int32_t> indices, const char* message) {
  EXPECT_THAT(
      [&] {
        validate(CsrView<std::int32_t>{indptr, indices}, 3);
      },
      ThrowsMessage<CorruptError>(HasSubstr(message)));
}

TEST(Validate, AcceptsAGraph) {
  const std::vector<std::int64_t> indptr = {0, 2, 2, 3};
  const std::vector<std::int32_t> indices = {0, 2, 1};
  EXPECT_NO_THROW(validate(CsrView<std::int32_t>{indptr, indices}, 3));
}

TEST(Validate, NamesTheFirstDamage) {
  expect_damage({}, {}, "does not begin with 0");
  expect_damage({1, 2}, {0, 1}, "does not begin with 0");
  expect_damage({0, 2, 1, 3}, {0, 1, 2}, "indptr falls (row = 1, begin = 2, end = 1)");
  expect_damage({0, 2}, {0, 1, 2}, "indptr = 2, indices = 3");
  expect_damage({0, 3}, {0, 3, 1}, "position = 1, index = 3, columns = 3");
  expect_damage({0, 3}, {0, 1, -1}, "position = 2, index = -1");
}

TEST(Validate, SortedRowsMayRepeatButNotFall) {
  const std::vector<std::int64_t> indptr = {0, 2, 4};
  const std::vector<std::int32_t> sorted = {1, 1, 0, 2}, falling = {1, 1, 2, 0};
  EXPECT_TRUE(has_sorted_rows(CsrView<std::int32_t>{indptr, sorted}));
  EXPECT_FALSE(has_sorted_rows(CsrView<std::int32_t>{indptr, falling}));
}

}  // namespace
}  // namespace kith
