// Damaged parts are named before anything walks them: opening looks at headers only.
#include "kith/datasets/sound.h"

#include <fstream>

#include "sampler/random_store.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/sampler/neighbour_sampler.h"
#include "kith/sampler/owned_data.h"
#include "kith/sampler/topology.h"

namespace kith::test {
namespace {

/// The message with which the parts of a small store are refused once `bytes` overwrite the end of a file.
std::string refusal_of(const std::string& file, std::vector<unsigned char> bytes) {
  const RandomStore store({.nodes = 60, .degree = 4, .cols = 3, .parts = 2});
  const auto parts = store.folder.path() / "parts";
  {
    std::fstream damaged(parts / file, std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp(-static_cast<std::streamoff>(bytes.size()), std::ios::end);
    damaged.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  const PartitionedStore opened = PartitionedStore::open(parts);
  try {
    OwnedData(opened, Ownership(opened, 1), Rank(0));
  } catch (const CorruptError& error) {
    EXPECT_THROW(replicated_topology(opened), CorruptError) << file;
    return error.what();
  }
  return "";
}

TEST(DamagedParts, AreRefusedWithTheFileAndTheEntry) {
  const std::vector<unsigned char> huge{0xff, 0xff, 0xff, 0x7f};
  EXPECT_NE(refusal_of("part-00001/indices.npy", huge).find("part-00001/indices.npy: entry"),
            std::string::npos);
  const std::vector<unsigned char> id{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x6f};
  for (const char* file : {"part-00000/store_ids.npy", "part-00001/halo.npy", "part-00000/labels.npy"})
    EXPECT_NE(refusal_of(file, id).find(std::string(file) + ": entry"), std::string::npos) << file;
}

TEST(DamagedParts, HoldOnlyTheirOwnNodesInSplits) {
  const std::vector<unsigned char> above{0, 0, 0, 0, 0, 0, 0, 0x7f}, below{0, 0, 0, 0, 0, 0, 0, 0x80};
  const std::vector<unsigned char> of_the_other_part{0, 0, 0, 0, 0, 0, 0, 0};
  const std::string file = "part-00001/train.npy";
  for (const auto& bytes : {above, below, of_the_other_part})
    EXPECT_NE(refusal_of(file, bytes).find(file + ": entry"), std::string::npos);
}

TEST(DamagedParts, AreRefusedByTheScheduleOfAllPartsToo) {
  const RandomStore store({.nodes = 60, .degree = 4, .cols = 3, .parts = 2});
  const auto parts = store.folder.path() / "parts";
  const SamplerOptions options{.fanouts = {2}, .batch_size = 4, .seed = 1};
  BatchSchedule(PartitionedStore::open(parts), options);
  std::fstream(parts / "part-00001/train.npy", std::ios::in | std::ios::out | std::ios::binary)
      .seekp(-1, std::ios::end)
      .put('\x80');
  EXPECT_THROW(BatchSchedule(PartitionedStore::open(parts), options), CorruptError);
}

}  // namespace
}  // namespace kith::test
