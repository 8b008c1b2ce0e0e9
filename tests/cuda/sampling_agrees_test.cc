// Batches that a device makes are the host's, bit for bit; what they are made by.
#include <algorithm>
#include <vector>

#include "on_cuda.h"
#include "sampler/random_store.h"

#include "kith/core/error.h"
#include "kith/kernels/cuda/scan.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith::test {
namespace {

class DeviceScan : public OnCuda {
 protected:
  template <class T, class Sum>
  void expect_prefix_sums(std::int64_t count) const {
    std::vector<T> values(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i)
      values[static_cast<std::size_t>(i)] = static_cast<T>(i % 7 == 0 ? i % 251 : 0);
    std::vector<Sum> expected{0}, got(values.size() + 1, -1);
    for (const T value : values) expected.push_back(expected.back() + static_cast<Sum>(value));
    cuda::Staging call(Cuda{&device()}, "exclusive_sum");
    cuda::exclusive_sum(call, call.read(std::span<const T>(values)), count, call.write(std::span<Sum>(got)));
    call.finish();
    EXPECT_TRUE(got == expected) << count << " values";
  }
};

TEST_F(DeviceScan, SumsWhatStandsBefore) {
  for (const std::int64_t count : {0, 1, 7, 8, 9, 255, 2047, 2048, 2049, 5000})
    expect_prefix_sums<std::uint32_t, std::int64_t>(count);
  // More tiles than one block sums up at once.
  expect_prefix_sums<std::uint8_t, std::int32_t>(2048 * 257 + 3);
}

template <class T>
bool same(std::span<const T> a, std::span<const T> b) {
  return std::ranges::equal(a, b);
}

class SamplingAgrees : public OnCuda {
 protected:
  Backend cuda() const { return Cuda{&device()}; }

  static void expect_same(const Batch& got, const Batch& expected) {
    EXPECT_TRUE(same(got.nodes.span(), expected.nodes.span()));
    EXPECT_TRUE(same(got.store_ids.span(), expected.store_ids.span()));
    EXPECT_TRUE(same(got.degrees.span(), expected.degrees.span()));
    ASSERT_EQ(got.blocks.size(), expected.blocks.size());
    for (std::size_t b = 0; b < got.blocks.size(); ++b) {
      EXPECT_EQ(got.blocks[b].sources, expected.blocks[b].sources);
      EXPECT_TRUE(same(got.blocks[b].csr.indptr.span(), expected.blocks[b].csr.indptr.span()));
      EXPECT_TRUE(same(got.blocks[b].csr.indices.span(), expected.blocks[b].csr.indices.span()));
    }
  }
};

/// `count` distinct nodes of `of`, which 7 does not divide.
std::vector<GlobalId> some_nodes(std::int64_t count, std::int64_t of, std::int64_t first) {
  std::vector<GlobalId> nodes;
  for (std::int64_t i = 0; i < count; ++i) nodes.emplace_back((first + 7 * i) % of);
  return nodes;
}

constexpr std::int64_t kNodes = 300;

const RandomStore& graph() {
  static const RandomStore store({.nodes = kNodes, .degree = 40, .self_loops = true, .parts = 3});
  return store;
}

struct Case {
  std::vector<std::int64_t> fanouts;
  bool replace = false, exclude_self = false;
};
const Case kCases[] = {{{5, 3, 2}},
                       {{1, 1}},
                       {{4, 7}, true, true},
                       {{15, 10}, false, true},
                       {{-1, 2}},
                       {{3, -1}, true},
                       {{31}},
                       {{32}, false, true},
                       {{33, 2}},
                       {{64}, false, true},
                       {{100}, true},
                       {{100}},
                       {{8, 16}, false, true}};

TEST_F(SamplingAgrees, OnEveryFanout) {
  const PartitionedStore parts = graph().open();
  const auto topology = replicated_topology(parts, RowStorage::packed);
  for (const Case& c : kCases) {
    SCOPED_TRACE(testing::PrintToString(c.fanouts) + (c.replace ? " with replacement" : ""));
    SamplerOptions options{
        .fanouts = c.fanouts, .replace = c.replace, .exclude_self = c.exclude_self, .seed = 9};
    NeighbourSampler host(*topology, options, kNodes);
    options.on = cuda();
    NeighbourSampler there(*topology, options, kNodes);
    // Batches one behind the other: the marks of one must not be found by the next.
    for (std::int64_t step = 0; step < 3; ++step) {
      const std::vector<GlobalId> seeds = some_nodes(40, kNodes, 5 * step);
      expect_same(there.sample(seeds, 0, step), host.sample(seeds, 0, step));
    }
  }
}

// All lanes of a group draw from little more than they take, so that most of them find theirs taken.
TEST_F(SamplingAgrees, WhereDrawsMeetAllTheTime) {
  const PartitionedStore parts = graph().open();
  const auto topology = replicated_topology(parts, RowStorage::packed);
  const std::vector<GlobalId> seeds = some_nodes(kNodes, kNodes, 0);
  for (std::int64_t fanout = 2; fanout < 70; fanout += fanout < 34 ? 1 : 7) {
    SCOPED_TRACE(fanout);
    SamplerOptions options{.fanouts = {fanout}, .seed = 3};
    NeighbourSampler host(*topology, options, kNodes);
    options.on = cuda();
    NeighbourSampler there(*topology, options, kNodes);
    expect_same(there.sample(seeds, 0, 1), host.sample(seeds, 0, 1));
  }
}

TEST_F(SamplingAgrees, OnRowsThatStayOnTheHost) {
  const PartitionedStore parts = graph().open();
  const PackedRows rows(parts, false);
  const std::vector<HopRequest> hops{{.fanout = 6, .key = {1, 2}, .step = 4},
                                     {.fanout = 3, .key = {3, 4}, .step = 4}};
  const std::vector<GlobalId> seeds = some_nodes(20, kNodes, 2);
  const auto near = device_sampler(cuda(), rows, RowPlace::device);
  const auto far = device_sampler(cuda(), rows, RowPlace::host);
  expect_same(far->sample(seeds, hops, true), near->sample(seeds, hops, true));
}

TEST_F(SamplingAgrees, OnNoSeeds) {
  const PartitionedStore parts = graph().open();
  const auto topology = replicated_topology(parts, RowStorage::packed);
  NeighbourSampler there(*topology, {.fanouts = {5, -1}, .on = cuda()}, kNodes);
  const Batch batch = there.sample({}, 0, 0);
  EXPECT_EQ(batch.blocks.size(), 2u);
  EXPECT_EQ(batch.seeds(), 0);
  EXPECT_TRUE(batch.nodes.empty());
}

TEST_F(SamplingAgrees, AfterABatchThatWasRefused) {
  const PartitionedStore parts = graph().open();
  const auto topology = replicated_topology(parts, RowStorage::packed);
  SamplerOptions options{.fanouts = {4}, .on = cuda()};
  NeighbourSampler there(*topology, options, kNodes);
  options.on = Cpu{};
  NeighbourSampler host(*topology, options, kNodes);
  const GlobalId twice[] = {GlobalId{3}, GlobalId{3}};
  EXPECT_THROW(there.sample(twice, 0, 0), Error);
  const GlobalId outside[] = {GlobalId{kNodes}};
  EXPECT_THROW(there.sample(outside, 0, 0), Error);
  const std::vector<GlobalId> seeds = some_nodes(10, kNodes, 3);
  expect_same(there.sample(seeds, 0, 1), host.sample(seeds, 0, 1));
}

TEST_F(SamplingAgrees, AndStaysOnTheDeviceAsLongAsTheBatch) {
  const PartitionedStore parts = graph().open();
  const auto topology = replicated_topology(parts, RowStorage::packed);
  NeighbourSampler there(*topology, {.fanouts = {5, 3}, .on = cuda()}, kNodes);
  const CudaMemoryUse before = device().memory_use();
  const std::int32_t* indices = nullptr;
  {
    const Batch batch = there.sample(some_nodes(20, kNodes, 2), 0, 0);
    const Array<std::int32_t>& host = batch.blocks[0].csr.indices;
    indices = host.data();
    const auto* copy = static_cast<const std::int32_t*>(device().mirror_of(indices, host.size() * 4));
    ASSERT_NE(copy, nullptr);
    const Array<std::int32_t> back = host_copy_of(std::span(copy, host.size()));
    EXPECT_TRUE(same(host.span(), back.span()));
    EXPECT_NE(device().mirror_of(batch.nodes.data(), batch.nodes.size() * 8), nullptr);
    EXPECT_GT(device().memory_use().live_bytes, before.live_bytes);
  }
  EXPECT_EQ(device().mirror_of(indices, 4), nullptr);
  EXPECT_EQ(device().memory_use().live_bytes, before.live_bytes);
}

TEST_F(SamplingAgrees, OnlyWithRowsAndFanoutsThatItTakes) {
  const PartitionedStore parts = graph().open();
  const auto mapped = replicated_topology(parts, RowStorage::mapped);
  const auto packed = replicated_topology(parts, RowStorage::packed);
  EXPECT_THROW(NeighbourSampler(*mapped, {.fanouts = {5}, .on = cuda()}, kNodes), InputError);
  EXPECT_THROW(NeighbourSampler(*packed, {.fanouts = {5000}, .on = cuda()}, kNodes), InputError);
}

}  // namespace
}  // namespace kith::test
