#include "kith/core/host.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "kith/core/buffer.h"
#include "kith/core/ledger.h"

namespace kith {
namespace {

TEST(Host, FactsArePlausible) {
  EXPECT_FALSE(host_name().empty());
  EXPECT_FALSE(cpu_model().empty());
  EXPECT_GE(affinity_cores(), 1);
  EXPECT_GT(process_id(), 0);
}

TEST(Host, TheLastCacheIsOfAPlausibleSizeOrUnknown) {
  const std::int64_t bytes = last_level_cache_bytes();
  if (bytes != 0) {
    EXPECT_GE(bytes, std::int64_t{128} << 10);
    EXPECT_LE(bytes, std::int64_t{4} << 30);
  }
}

TEST(Host, WhatIsAvailableIsWithinTheLimit) {
  EXPECT_GT(memory_limit_bytes(), 100'000'000);
  EXPECT_GT(memory_available_bytes(), 0);
  EXPECT_LE(memory_available_bytes(), memory_limit_bytes());
}

TEST(Host, TheResidentSetGrowsWithTouchedMemory) {
  const std::int64_t before = resident_bytes();
  std::vector<char> touched(std::size_t{64} << 20, 1);
  EXPECT_GE(resident_bytes() - before, std::int64_t{60} << 20);
  EXPECT_GE(peak_memory_bytes(), std::int64_t{60} << 20);
  EXPECT_EQ(touched.back(), 1);
}

}  // namespace
}  // namespace kith
