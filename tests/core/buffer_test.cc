#include "kith/core/buffer.h"

#include <cstdint>
#include <cstring>

#include <gtest/gtest.h>

#include "kith/core/array.h"
#include "kith/core/error.h"
#include "kith/core/tensor.h"

namespace kith {
namespace {

std::uintptr_t address_of(const Buffer& buffer) { return reinterpret_cast<std::uintptr_t>(buffer.data()); }

TEST(Buffer, IsAlignedForVectorsAndLargeOnesForPages) {
  for (const std::size_t bytes : {1, 63, 64, 65, 4096, 1'000'000})
    EXPECT_EQ(address_of(Buffer(bytes)) % 64, 0u);
  for (const std::size_t bytes : {1 << 20, (1 << 20) + 1, 3'000'000, 5 << 20})
    EXPECT_EQ(address_of(Buffer(bytes)) % (2 << 20), 0u) << bytes;
}

TEST(Buffer, EveryByteOfEverySizeClassCanBeWritten) {
  for (std::size_t bytes = 1; bytes < (std::size_t{1} << 23); bytes = bytes * 3 / 2 + 1) {
    const Buffer buffer(bytes);
    EXPECT_EQ(buffer.bytes(), bytes);
    std::memset(buffer.data(), 0x5a, bytes);
  }
}

TEST(Buffer, TwoLiveBuffersNeverShareABlock) {
  Buffer::release_cached();
  { const Buffer returned(3 << 20); }
  const Buffer first(3 << 20), second(3 << 20);
  EXPECT_NE(first.data(), second.data());
  std::memset(first.data(), 1, first.bytes());
  std::memset(second.data(), 2, second.bytes());
  EXPECT_EQ(first.data()[first.bytes() - 1], std::byte{1});
}

TEST(Buffer, EmptyAndMovedFromOnesHoldNothing) {
  Buffer full(100);
  const Buffer taken(std::move(full));
  EXPECT_EQ(full.data(), nullptr);
  EXPECT_EQ(taken.bytes(), 100u);
  EXPECT_EQ(Buffer(0).data(), nullptr);
}

TEST(Buffer, AnAbsurdSizeIsAMemoryError) {
  EXPECT_THROW(Buffer(std::size_t{1} << 60), MemoryError);
  EXPECT_THROW(Array<double>(std::size_t{1} << 57), MemoryError);
}

TEST(Array, HoldsWhatItWasGivenAndMoves) {
  Array<int> values{3, 1, 4};
  EXPECT_EQ(values.back(), 4);
  const Array<int> copy = copy_of(values);
  const Array<int> moved = std::move(values);
  EXPECT_EQ(values.size(), 0u);
  EXPECT_TRUE(std::equal(copy.begin(), copy.end(), moved.begin(), moved.end()));
  const Array<float> filled(5, 2.5f);
  for (const float value : filled) EXPECT_EQ(value, 2.5f);
}

TEST(Tensor, RowsOfAStridedViewAreItsRows) {
  Matrix matrix(4, 6, 0.0f);
  for (std::int64_t i = 0; i < 24; ++i) matrix.data()[i] = static_cast<float>(i);
  const Tensor left(matrix.data(), 4, 2, 6);
  EXPECT_EQ(left(3, 1), 19.0f);
  EXPECT_FALSE(left.contiguous());
  EXPECT_EQ(left.row_range(1, 3).row(1)[0], 12.0f);
  EXPECT_THROW(left.row_range(2, 5), Error);
}

}  // namespace
}  // namespace kith
