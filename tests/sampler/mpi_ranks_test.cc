#include "mpi_test.h"
#include "sampler/pipeline_claims.h"
#include <gtest/gtest.h>

namespace kith::test {
namespace {

// Every rank writes the same random store for itself: nothing is shared but the messages.
TEST(MpiBatchPipeline, GivesTheReferenceBatches) {
  const RandomStore store({.nodes = 300, .self_loops = true, .parts = 5});
  for (const int depth : {0, 3}) expect_reference_batches(world(), store, depth);
}

TEST(MpiPartitionedTopology, GivesTheReferenceBatches) {
  const RandomStore store({.nodes = 300, .self_loops = true, .parts = 5});
  expect_reference_batches(world(), store, 2, Rows::partitioned);
}

TEST(MpiBatchPipeline, CanBeLeftInTheMiddle) {
  const RandomStore store({.nodes = 300, .parts = 4});
  for (const std::int64_t after : {0, 3}) leave_early(world(), store, 2, after);
}

}  // namespace
}  // namespace kith::test
