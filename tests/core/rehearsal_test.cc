#include "kith/core/rehearsal.h"

#include <gtest/gtest.h>

#include "kith/core/host.h"
#include "kith/core/tensor.h"

namespace kith {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(Rehearsal, TakesNoMemory) {
  const std::int64_t before = resident_bytes();
  Rehearsal rehearsal;
  const Matrix filled(1 << 14, 1 << 14, 1.0f);
  const Array<float> copied = copy_of(filled.span());
  EXPECT_GE(rehearsal.peak().total(), std::int64_t{2} << 30);
  EXPECT_LT(resident_bytes() - before, std::int64_t{64} << 20);
}

TEST(Rehearsal, CountsWhatLivesTogetherByItsPurpose) {
  Rehearsal rehearsal;
  {
    const MemoryUse outer(MemoryKind::graph);
    const Buffer rows(8 * kMiB);
    {
      const MemoryUse inner(MemoryKind::features);
      const Buffer values(16 * kMiB);
      EXPECT_EQ(MemoryUse::current(), MemoryKind::features);
    }
    const Buffer after(4 * kMiB);
  }
  const MemoryByKind peak = rehearsal.peak();
  EXPECT_EQ(peak[MemoryKind::graph], std::int64_t{8} << 20);
  EXPECT_EQ(peak[MemoryKind::features], std::int64_t{16} << 20);
  // The 16 MiB would wait to be used again, but with the fresh 4 MiB that is too much.
  EXPECT_EQ(peak.total(), std::int64_t{24} << 20);
}

TEST(Rehearsal, RecyclesABlockOfTheClassAndCountsTheMostThatWasTouchedOfIt) {
  Rehearsal rehearsal;
  for (const std::size_t mib : {13, 16, 14}) const Buffer buffer(mib * kMiB);
  EXPECT_EQ(rehearsal.peak().total(), std::int64_t{16} << 20);
}

TEST(Rehearsal, GivesBackWhatTheFreeListsDoNotKeep) {
  Rehearsal rehearsal;
  const std::size_t large = std::size_t{6} << 30;  // more than waits to be used again
  { const Buffer first(large); }
  { const Buffer second(large / 2 + large / 4 + 1); }
  EXPECT_EQ(rehearsal.peak().total(), static_cast<std::int64_t>(large));
}

TEST(Rehearsal, ReadsAsZerosAndEndsWithItsScope) {
  {
    Rehearsal rehearsal;
    EXPECT_TRUE(rehearsing());
    const Array<int> values(kMiB);
    EXPECT_EQ(values[kMiB - 1], 0);
  }
  EXPECT_FALSE(rehearsing());
  const Array<int> filled(kMiB, 7);
  EXPECT_EQ(filled[kMiB - 1], 7);
}

TEST(Rehearsal, LeavesBuffersOfBeforeAlone) {
  Array<int> kept(kMiB, 7);
  {
    Rehearsal rehearsal;
    const Array<int> moved = std::move(kept);
    EXPECT_EQ(rehearsal.peak().total(), 0);
  }
  EXPECT_EQ(kept.size(), 0u);
}

}  // namespace
}  // namespace kith
