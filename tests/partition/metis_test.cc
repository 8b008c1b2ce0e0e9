#include "partition/graphs.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/partition/constraints.h"
#include "kith/partition/empty_parts.h"
#include "kith/partition/partitioners.h"
#include "kith/partition/quality.h"

namespace kith {
namespace {

using namespace test;
using testing::Each;
using testing::Ge;

PartitionRequest request_of(const Csr32& graph, int k) { return {.graph = any(graph), .k = k, .seed = 1}; }

std::int64_t cut_of(const Csr32& graph, const Partitioning& parts) {
  return quality_of(any(graph), parts, {}).cut_edges;
}

TEST(Metis, FindsTwoCommunitiesThatRandomPartsCut) {
  const Csr32 graph = two_communities(500, 40, 41);
  for (const CutObjective objective : {CutObjective::cut, CutObjective::volume}) {
    PartitionRequest request = request_of(graph, 2);
    request.objective = objective;
    const PartitionResult result = metis_partition(request);
    EXPECT_LE(cut_of(graph, result.partitioning), 80);
    EXPECT_GT(cut_of(graph, random_partition(request)), 10 * 80);
    EXPECT_GT(result.report.peak_memory_bytes, 0);
  }
}

TEST(Metis, GivesTheSamePartsForTheSameSeedAndAnyThreadCount) {
  const Csr32 graph = random_graph(3000, 20000, 42);
  PartitionRequest request = request_of(graph, 6);
  const auto first = parts_of(metis_partition(request).partitioning);
  {
    const ThreadLimit one(1);
    EXPECT_EQ(first, parts_of(metis_partition(request).partitioning));
  }
  request.seed = 2;
  EXPECT_NE(first, parts_of(metis_partition(request).partitioning));
}

TEST(Metis, GivesTheSamePartsForBothIndexWidths) {
  const Csr32 graph = random_graph(1000, 6000, 43);
  const Csr64 wide = widened(graph);
  PartitionRequest request = request_of(graph, 4);
  const auto narrow = parts_of(metis_partition(request).partitioning);
  request.graph = any(wide);
  EXPECT_EQ(narrow, parts_of(metis_partition(request).partitioning));
}

TEST(Metis, CleansLoopsDuplicatesAndDirectionsAndSaysSo) {
  // 0 → 1 twice, 1 → 2 both ways, loops on 3 (twice) and 0.
  const Csr32 graph = graph_of(4, {{0, 1}, {0, 1}, {1, 2}, {2, 1}, {3, 3}, {3, 3}, {0, 0}});
  const PartitionResult result = metis_partition(request_of(graph, 2));
  EXPECT_EQ(result.report.loops_dropped, 3);
  EXPECT_EQ(result.report.duplicates_merged, 1);
  EXPECT_EQ(result.report.arcs_added, 1);
  EXPECT_THAT(sizes_of(result.partitioning), Each(Ge(1)));
}

TEST(Metis, HoldsSeveralBalanceConstraints) {
  const Csr32 graph = two_communities(2000, 300, 44);
  std::vector<std::int64_t> train;
  for (std::int64_t v = 0; v < 1200; ++v) train.push_back(v);
  PartitionRequest request = request_of(graph, 4);
  request.constraints = balance_constraints("nodes,edges,train", any(graph), {.train = train});
  const Quality quality = quality_of(any(graph), metis_partition(request).partitioning, request.constraints);
  for (const Balance& balance : quality.balances) EXPECT_LT(balance.imbalance(), 1.1) << balance.name;
}

TEST(Metis, ScalesWeightsWhoseSumExceedsItsNumbers) {
  const Csr32 graph = two_communities(300, 20, 45);
  PartitionRequest request = request_of(graph, 3);
  request.constraints.push_back({"heavy", Array<std::int32_t>(600, 2'000'000'000)});
  const Quality quality = quality_of(any(graph), metis_partition(request).partitioning, request.constraints);
  EXPECT_LT(quality.balances.back().imbalance(), 1.1);
}

TEST(Metis, IgnoresAConstraintThatWeighsNothing) {
  const Csr32 graph = two_communities(100, 5, 46);
  PartitionRequest request = request_of(graph, 2);
  request.constraints = balance_constraints("train", any(graph), {});
  EXPECT_LE(cut_of(graph, metis_partition(request).partitioning), 10);
}

TEST(Metis, NeedsNoProgramForOnePart) {
  const Csr32 graph = random_graph(10, 30, 47);
  EXPECT_THAT(parts_of(metis_partition(request_of(graph, 1)).partitioning), Each(Part(0)));
}

TEST(Metis, LeavesNoPartEmptyUpToOnePartPerNode) {
  for (const std::int64_t n : {2, 5, 40, 300})
    for (const std::int64_t k : {n, n - 1, n / 2}) {
      if (k < 1) continue;
      const Csr32 graph = random_graph(n, 3 * n, 48);
      EXPECT_THAT(sizes_of(metis_partition(request_of(graph, static_cast<int>(k))).partitioning), Each(Ge(1)))
          << n << " nodes, " << k << " parts";
    }
}

TEST(Metis, RefusesMorePartsThanNodes) {
  EXPECT_THROW(metis_partition(request_of(graph_of(3, {{0, 1}}), 4)), InputError);
  EXPECT_THROW(metis_partition(request_of(graph_of(0, {}), 2)), InputError);
}

TEST(Metis, TakesIsolatedNodesAndDisconnectedGraphs) {
  const Csr32 isolated = graph_of(100, {});
  EXPECT_THAT(sizes_of(metis_partition(request_of(isolated, 4)).partitioning), Each(Ge(20)));
  Edges triangles;
  for (std::int32_t t = 0; t < 90; t += 3)
    for (const auto& [u, v] : Edges{{0, 1}, {1, 2}, {2, 0}}) triangles.emplace_back(t + u, t + v);
  const Csr32 disconnected = graph_of(150, triangles);
  const Partitioning parts = metis_partition(request_of(disconnected, 3)).partitioning;
  EXPECT_THAT(sizes_of(parts), Each(Ge(40)));
}

TEST(Metis, RefusesMoreNodesThanItsNumbersHoldBeforeAnyWork) {
  // 16 GiB of addresses, of which only the last page is ever touched.
  constexpr std::size_t kOffsets = (std::size_t{1} << 31) + 1, kBytes = kOffsets * sizeof(std::int64_t);
  void* memory = mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) GTEST_SKIP() << "16 GiB of addresses cannot be had here";
  const std::span<const std::int64_t> indptr{static_cast<const std::int64_t*>(memory), kOffsets};
  try {
    metis_partition({.graph = {indptr, IndexView(std::span<const std::int64_t>{})}, .k = 2});
    ADD_FAILURE() << "accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("32-bit"));
    EXPECT_THAT(error.what(), testing::HasSubstr("--method random"));
  }
  munmap(memory, kBytes);
}

TEST(EmptyParts, AreFilledWithTheLoosestNodesOfTheLargestPart) {
  // A triangle 0 1 2 with the tail 3, all in part 0 of 3.
  const Csr32 graph = graph_of(4, {{0, 1}, {1, 0}, {1, 2}, {2, 1}, {0, 2}, {2, 0}, {2, 3}, {3, 2}});
  Partitioning parts{3, Array<Part>(4, Part(0))};
  EXPECT_EQ(fill_empty_parts(graph.view(), parts), 2);
  EXPECT_THAT(sizes_of(parts), testing::ElementsAre(2, 1, 1));
  EXPECT_EQ(parts.assignment[3], Part(1)) << "the tail has one neighbour there, the others two or more";
}

}  // namespace
}  // namespace kith
