#include "kith/core/trace.h"

#include <thread>

#include <gtest/gtest.h>

#include "kith/core/ledger.h"

namespace kith {
namespace {

double seconds_of(const TraceEvent& event) {
  return std::chrono::duration<double>(event.end - event.begin).count();
}

TEST(Trace, SaysWhatTheLedgerSays) {
  Trace trace(100);
  Ledger ledger;
  ledger.trace_into(&trace);
  for (int i = 0; i < 5; ++i) {
    PhaseTimer timer(ledger, "forward", 40 + i);
  }
  ledger.add("halo.bytes", 7);
  const auto events = trace.events();
  ASSERT_EQ(events.size(), 5u);
  double sum = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].name, "forward");
    EXPECT_EQ(events[i].bytes, 40 + static_cast<std::int64_t>(i));
    sum += seconds_of(events[i]);
  }
  EXPECT_DOUBLE_EQ(sum, ledger.total("seconds.forward"));
}

TEST(Trace, ASpanHoldsWhatHappensInItAndItsPlace) {
  Trace trace(100);
  Ledger ledger;
  ledger.trace_into(&trace);
  {
    const TraceSpan epoch(&trace, "epoch", {.epoch = 3});
    {
      const TraceSpan step(&trace, "step", {.epoch = 3, .step = 17});
      ledger.add_seconds({"halo.wait", 2, -1}, Ledger::Time::clock::now(), Ledger::Time::clock::now(), 64);
    }
    const PhaseTimer evaluate(ledger, "evaluate");
  }
  const auto events = trace.events();
  ASSERT_EQ(events.size(), 4u);
  const char* names[] = {"epoch", "step", "halo.wait", "evaluate"};
  const std::int64_t steps[] = {0, 17, 17, 0};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(events[i].name, names[i]);
    EXPECT_EQ(events[i].place.epoch, 3);
    EXPECT_EQ(events[i].place.step, steps[i]);
  }
  EXPECT_EQ(events[2].layer, 2);
  EXPECT_EQ(events[2].bytes, 64);
  EXPECT_LE(events[0].begin, events[1].begin);
  EXPECT_LE(events[1].end, events[3].begin);
  EXPECT_LE(events[3].end, events[0].end);
}

TEST(Trace, WhatDoesNotFitIsCounted) {
  Trace trace(3);
  for (int i = 0; i < 10; ++i) trace.add({.name = std::to_string(i), .begin = {}, .end = {}});
  EXPECT_EQ(trace.events().size(), 3u);
  EXPECT_EQ(trace.dropped(), 7);
}

TEST(Trace, ThreadsAreApartAndNamed) {
  Trace trace(100);
  trace.name_thread("training thread");
  std::thread([&] {
    trace.name_thread("prefetch thread");
    const TraceSpan batch(&trace, "batch", {.epoch = 1, .step = 9});
  }).join();
  std::thread([&] { const TraceSpan other(&trace, "other", {}); }).join();
  const TraceSpan none(nullptr, "nothing", {.epoch = 8});
  trace.add({.name = "here", .begin = {}, .end = {}});
  EXPECT_EQ(trace.threads(), std::vector<std::string>({"training thread", "prefetch thread", "thread 3"}));
  const auto events = trace.events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].name, "here");
  EXPECT_EQ(events[0].place.epoch, 0) << "another thread's place";
  EXPECT_EQ(events[1].thread, 1);
  EXPECT_EQ(events[2].thread, 2);
}

TEST(Trace, OffItLeavesTheLedgerAsItIs) {
  Ledger ledger;
  { PhaseTimer timer(ledger, "forward"); }
  EXPECT_EQ(ledger.entries().size(), 1u);
  EXPECT_EQ(ledger.trace(), nullptr);
}

}  // namespace
}  // namespace kith
