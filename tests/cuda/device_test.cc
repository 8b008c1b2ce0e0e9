#include "kith/core/cuda/device.h"

#include <numeric>

#include "on_cuda.h"
#include <gtest/gtest.h>

#include "kith/core/array.h"
#include "kith/core/error.h"

namespace kith {
namespace {

using OnCudaDevice = test::OnCuda;
using OnCudaMirror = test::OnCuda;

TEST(NoCudaDevice, ThatIsNotThereIsRefusedWithWhatIs) {
  EXPECT_THROW(CudaDevice::open(CudaDevice::count()), InputError);
  EXPECT_THROW(CudaDevice::open(-1), InputError);
}

TEST_F(OnCudaDevice, CountsWhatIsTakenAndGiven) {
  const CudaMemoryUse before = device().memory_use();
  {
    const UseMemory use(&device());
    const Array<float> values(1000);
    EXPECT_FALSE(values.on_host());
    EXPECT_TRUE(device().holds(values.data()));
    EXPECT_TRUE(device().holds(&values.data()[999]));
    EXPECT_FALSE(device().holds(values.data() + 1000));
    EXPECT_EQ(device().memory_use().live_bytes, before.live_bytes + 4000);
  }
  EXPECT_EQ(device().memory_use().live_bytes, before.live_bytes);
  EXPECT_GE(device().memory_use().peak_bytes, before.live_bytes + 4000);
}

TEST_F(OnCudaDevice, ArraysComeBackAsTheyWent) {
  Array<std::int64_t> values(777);
  std::iota(values.begin(), values.end(), 5);
  Array<std::int64_t> there, zeros, sevens;
  {
    const UseMemory use(&device());
    there = copy_of(values);
    zeros = Array<std::int64_t>(777, 0);
    sevens = Array<std::int64_t>(777, 7);
  }
  EXPECT_TRUE(std::ranges::equal(host_copy_of(std::as_const(there).span()), values));
  EXPECT_TRUE(std::ranges::all_of(host_copy_of(std::as_const(zeros).span()), [](auto v) { return v == 0; }));
  EXPECT_TRUE(std::ranges::all_of(host_copy_of(std::as_const(sevens).span()), [](auto v) { return v == 7; }));
}

TEST_F(OnCudaDevice, MoreMemoryThanThereIsIsAMemoryError) {
  const UseMemory use(&device());
  EXPECT_THROW(Buffer(static_cast<std::size_t>(device().facts().memory_bytes) * 2), MemoryError);
}

TEST_F(OnCudaMirror, AnswersForEveryPartOfAnArrayWhileItLives) {
  const Array<std::int32_t> values(100, 3);
  EXPECT_EQ(device().mirror_of(values.data(), 400), nullptr);
  {
    const CudaMirror mirror(device(), values.data(), 400);
    const auto* copy = static_cast<const std::int32_t*>(device().mirror_of(values.data(), 400));
    ASSERT_NE(copy, nullptr);
    EXPECT_TRUE(device().holds(copy));
    EXPECT_EQ(device().mirror_of(values.data() + 10, 360), copy + 10);
    EXPECT_EQ(device().mirror_of(values.data() + 10, 364), nullptr);
    const CudaMirror again(device(), values.data(), 400);
    EXPECT_EQ(device().mirror_of(values.data(), 400), copy);
  }
  EXPECT_EQ(device().mirror_of(values.data(), 400), nullptr);
}

TEST_F(OnCudaMirror, WhatIsAttachedIsMadeOnce) {
  const Array<std::int32_t> values(10, 3);
  int made = 0;
  const auto make = [&]() -> CudaDevice::Attachment { return std::make_shared<const int>(++made); };
  {
    const CudaMirror mirror(device(), values.data(), 40);
    EXPECT_EQ(device().attached(values.data(), 1, make), device().attached(values.data(), 1, make));
    EXPECT_EQ(made, 1);
    EXPECT_NE(device().attached(values.data(), 2, make), device().attached(values.data(), 1, make));
  }
  device().attached(values.data(), 1, make);
  EXPECT_EQ(made, 3);
}

}  // namespace
}  // namespace kith
