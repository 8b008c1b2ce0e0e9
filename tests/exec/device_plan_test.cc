#include "kith/exec/device_plan.h"

#include "exec/trained.h"
#include <gtest/gtest.h>

#include "kith/core/device_memory.h"
#include "kith/core/rehearsal.h"
#include "kith/exec/memory_estimate.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

using Phase = BufferTrace::Phase;

/// Of which only is known that buffers are to lie there.
class NoDevice final : public DeviceMemory {
 public:
  std::byte* take(std::size_t) override { return nullptr; }
  void give(std::byte*) noexcept override {}
  bool holds(const void*) const override { return false; }
  void copy(void*, const void*, std::size_t) override {}
  void set_zero(void*, std::size_t) override {}
};

constexpr std::int64_t kRows = 1000, kCols = 16, kBytes = kRows * kCols * 4;

/// A value that waits for the backward pass, one that is used at once, and an evaluation.
void epoch(BufferTrace& trace) {
  trace.enter(Phase::step);
  {
    Matrix waits(kRows, kCols);
    relu(Cpu{}, waits, waits);
    for (int i = 0; i < 4; ++i) {
      Matrix used(kRows, kCols);
      axpby(Cpu{}, 1, used, 1, used);
    }
    axpby(Cpu{}, 1, waits, 1, waits);
  }
  trace.enter(Phase::evaluation);
  Matrix value(kRows, kCols);
  relu(Cpu{}, value, value);
}

class DevicePlanOfATrace : public ::testing::Test {
 protected:
  DevicePlanOfATrace() {
    epoch(trace_);
    epoch(trace_);
  }
  DevicePlan plan(std::int64_t limit) const { return device_plan(trace_, 1000, limit, 1); }

  NoDevice device_;
  UseMemory there_{&device_};
  BufferTrace trace_;
  Rehearsal rehearsal_;
};

TEST_F(DevicePlanOfATrace, KeepsAllWhereThereIsRoom) {
  const DevicePlan all = plan(100 * kBytes);
  EXPECT_TRUE(all.fits());
  EXPECT_EQ(all.wanted_bytes, 2 * kBytes + 1000);
}

TEST_F(DevicePlanOfATrace, SendsAwayWhatWaitsBeforeWhatIsUsedAtOnce) {
  // Three quarters, and nine tenths of them, hold one buffer and not two.
  const DevicePlan some = plan(2 * kBytes);
  const auto& places = some.step.places();
  ASSERT_EQ(places.size(), 5U);
  EXPECT_FALSE(places[0].on_device);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_TRUE(places[i].on_device) << i;
  ASSERT_EQ(some.evaluation.places().size(), 1U);
  EXPECT_TRUE(some.evaluation.places()[0].on_device);
  double to_device = 0, to_host = 0;
  for (const DevicePlan::Line& line : some.lines) {
    to_device += line.to_device_bytes;
    to_host += line.to_host_bytes;
  }
  // relu reads and writes it, and so does axpby, which names it twice.
  EXPECT_EQ(to_device, 3 * kBytes);
  EXPECT_EQ(to_host, 2 * kBytes);
}

TEST_F(DevicePlanOfATrace, SendsAllAwayWhereNothingFits) {
  const DevicePlan none = plan(kBytes);
  for (const auto* placement : {&none.step, &none.evaluation})
    for (const auto& place : placement->places()) EXPECT_FALSE(place.on_device);
  EXPECT_NE(plan_table(none).find("host"), std::string::npos);
}

TEST_F(DevicePlanOfATrace, RefusesWithNumbersWhatOneRowDoesNotFit) {
  try {
    plan(1100);
    FAIL() << "100 bytes are not three rows";
  } catch (const MemoryError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("bytes missing"), std::string::npos) << text;
    EXPECT_NE(text.find("--device-memory-limit"), std::string::npos) << text;
  }
}

TEST(BufferPlacement, TellsBuffersByTheirOrderAndSize) {
  BufferPlacement placement({{8, true}, {8, false}, {16, true}, {8, true}}, {{32, false}});
  const UsePlacement use(&placement);
  EXPECT_EQ(placement.next(8), true);
  EXPECT_EQ(placement.next(8), false);
  EXPECT_EQ(placement.next(24), std::nullopt) << "was not foreseen";
  EXPECT_EQ(placement.next(8), true) << "one was left out";
  {
    const LastingBuffers lasting;
    EXPECT_EQ(placement.next(32), false);
    EXPECT_EQ(placement.next(8), std::nullopt);
  }
  {
    const UsePlacement again(&placement);
    EXPECT_EQ(placement.next(16), true);
  }
}

TEST(DeviceLimit, IsBytesWithAUnit) {
  EXPECT_EQ(device_limit("8GiB"), std::int64_t{8} << 30);
  EXPECT_EQ(device_limit("1.5KB"), 1500);
  for (const std::string text : {"8", "0B", "", "much", "-1GiB"})
    EXPECT_THROW(device_limit(text), InputError);
}

class MadeAgain : public ::testing::TestWithParam<std::string> {
 protected:
  static test::Training training(const std::vector<bool>& remade) {
    test::Training training = test::full_graph_training(GetParam());
    training.options.epochs = 3;
    training.options.remade = remade;
    training.model.input_dropout = 0.3;
    return training;
  }
  static PartitionedStore parts() { return test::cut(test::training_graph(), "range", 1); }
};

TEST_P(MadeAgain, ValuesAreTheSameBits) {
  const test::Trained kept = test::trained_on_threads(1, parts(), training({}));
  const test::Trained again = test::trained_on_threads(1, parts(), training(std::vector<bool>(8, true)));
  EXPECT_EQ(again.losses, kept.losses);
  EXPECT_EQ(again.first_gradient, kept.first_gradient);
}

TEST_P(MadeAgain, ValuesTakeNoMemoryBetweenThePasses) {
  const auto activations = [](const test::Training& training) {
    const ModelFactory make = factory_of(training.model);
    const RunShape shape = run_shape(parts(), 1, Rank{0}, training.options, SelfEdges::as_stored);
    return estimated_memory(shape, training.options, make)[MemoryKind::activations];
  };
  const std::int64_t kept = activations(training({})),
                     again = activations(training(std::vector<bool>(8, true)));
  // GIN's other factor keeps the dropped input in any case.
  if (GetParam() == "gin")
    EXPECT_LE(again, kept);
  else
    EXPECT_LT(again, kept);
}

INSTANTIATE_TEST_SUITE_P(OfModels, MadeAgain, ::testing::Values("gcn", "sage", "gat", "gin"));

}  // namespace
}  // namespace kith
