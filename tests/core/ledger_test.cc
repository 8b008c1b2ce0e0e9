#include "kith/core/ledger.h"

#include <thread>

#include <gtest/gtest.h>

namespace kith {
namespace {

TEST(Ledger, TotalsAddLayersAndPeersOfOneNameOnly) {
  Ledger ledger;
  ledger.add({"halo.bytes", 0, 1}, 10);
  ledger.add({"halo.bytes", 0, 1}, 5);
  ledger.add({"halo.bytes", 1, 2}, 100);
  ledger.add("halo.bytes", 1000);
  ledger.add("halo.bytes_hidden", 7);
  ledger.add("halo.byte", 9);
  EXPECT_EQ(ledger.total("halo.bytes"), 1115);
  EXPECT_EQ(ledger.entries().at({"halo.bytes", 0, 1}), 15);
  EXPECT_EQ(ledger.total("absent"), 0);
  ledger.set("halo.bytes", 1);
  EXPECT_EQ(ledger.total("halo.bytes"), 116);
  ledger.clear();
  EXPECT_TRUE(ledger.entries().empty());
}

TEST(Ledger, CountsOfSeveralThreadsAllArrive) {
  Ledger ledger;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) ledger.add("messages", 1);
      });
  }
  EXPECT_EQ(ledger.total("messages"), 4000);
}

TEST(PhaseTimer, AddsItsTimeOnce) {
  Ledger ledger;
  {
    PhaseTimer timer(ledger, "sample");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    timer.stop();
    const double first = ledger.total("seconds.sample");
    timer.stop();
    EXPECT_EQ(ledger.total("seconds.sample"), first);
  }
  EXPECT_GE(ledger.total("seconds.sample"), 0.002);
  EXPECT_EQ(ledger.entries().size(), 1u);
}

}  // namespace
}  // namespace kith
