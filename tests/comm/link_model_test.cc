#include "kith/comm/link_model.h"

#include <algorithm>
#include <chrono>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/comm/delayed_communicator.h"
#include "kith/comm/world.h"

namespace kith::test {
namespace {

TEST(LinkModel, MessagesOfALinkPassOneAfterAnother) {
  Link link;
  EXPECT_EQ(link.take(100, 50), 100);
  EXPECT_EQ(link.take(110, 50), 150) << "taken until then";
  EXPECT_EQ(link.take(500, 50), 500) << "free again";
}

TEST(LinkModel, AMessageThatIsToldOfLateHasTheTimeThatWasFree) {
  Link link;
  EXPECT_EQ(link.take(500, 50), 500);
  EXPECT_EQ(link.take(100, 50), 100) << "nothing was there";
  EXPECT_EQ(link.take(100, 50), 150) << "behind that";
  EXPECT_EQ(link.take(460, 50), 550) << "no room for all of it before 500";
  EXPECT_EQ(link.take(200, 300), 200) << "just fits";
  EXPECT_EQ(link.take(100, 1), 600) << "all of it is taken by now";
}

TEST(LinkModel, AnyOrderTakesAsLongAsTheMessagesTogether) {
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::int64_t> lengths(400);
    for (std::int64_t& length : lengths) length = 1 + static_cast<std::int64_t>(random() % 9);
    Link link;
    std::vector<std::pair<std::int64_t, std::int64_t>> taken;
    for (const std::int64_t length : lengths) {
      const auto from = static_cast<std::int64_t>(random() % 1500);
      const std::int64_t begin = link.take(from, length);
      EXPECT_GE(begin, from);
      taken.emplace_back(begin, begin + length);
    }
    std::sort(taken.begin(), taken.end());
    for (std::size_t i = 1; i < taken.size(); ++i) EXPECT_GE(taken[i].first, taken[i - 1].second);
  }
}

TEST(LinkModel, HostsAndStragglersHaveTheirOwnTimes) {
  const NetModel net{.alpha_seconds = 1e-5,
                     .bytes_per_second = 1e9,
                     .ranks_per_host = 2,
                     .host_bytes_per_second = 1e10,
                     .slow_rank = 3,
                     .slow_factor = 4};
  const Passage between = passage(net, 0, 2, 1e6), inside = passage(net, 0, 1, 1e6);
  EXPECT_DOUBLE_EQ(between.alpha, 1e-5);
  EXPECT_DOUBLE_EQ(between.wire, 1e-3);
  EXPECT_TRUE(between.takes_links);
  EXPECT_DOUBLE_EQ(inside.alpha, 0);
  EXPECT_DOUBLE_EQ(inside.wire, 1e-4);
  EXPECT_FALSE(inside.takes_links);
  EXPECT_DOUBLE_EQ(passage(net, 3, 0, 1e6).wire, 4e-3);
  EXPECT_DOUBLE_EQ(passage(net, 2, 3, 1e6).wire, 4e-4);
}

/// Seconds until rank 1 has `messages` messages of `bytes` from each other rank.
double seconds_to_receive(int ranks, const NetModel& net, int messages, std::size_t bytes) {
  double seconds = 0;
  run_thread_ranks(ranks, [&](Communicator& world) {
    const auto comm = delayed_communicator(world, net);
    std::vector<std::vector<std::byte>> buffers;
    std::vector<Pending> pending;
    barrier(world, "start");
    const auto begin = std::chrono::steady_clock::now();
    for (int peer = 0; peer < ranks; ++peer)
      for (int i = 0; i < messages; ++i) {
        buffers.emplace_back(bytes);
        if (comm->rank() == Rank(1) && peer != 1)
          pending.push_back(comm->start_receive(buffers.back(), Rank(peer), 0, "delayed"));
        if (comm->rank() == Rank(peer) && peer != 1)
          pending.push_back(comm->start_send(buffers.back(), Rank(1), 0, "delayed"));
      }
    comm->wait_all(std::move(pending));
    if (comm->rank() == Rank(1))
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  });
  return seconds;
}

// A lower bound holds on any machine, however busy. A rank may begin a little after another has sent.
constexpr double kMost = 0.8;

TEST(DelayedCommunicator, MessagesTakeTheTimeOfTheirNetwork) {
  const NetModel net{.alpha_seconds = 0.02, .bytes_per_second = 1e6};
  EXPECT_GE(seconds_to_receive(2, net, 1, 1), kMost * 0.02);
  EXPECT_GE(seconds_to_receive(2, net, 1, 50000), kMost * 0.07);
}

TEST(DelayedCommunicator, MessagesOfOneSenderAndToOneReceiverShareALink) {
  const NetModel net{.alpha_seconds = 0, .bytes_per_second = 1e6};
  EXPECT_GE(seconds_to_receive(2, net, 4, 20000), kMost * 0.08);
  EXPECT_GE(seconds_to_receive(5, net, 1, 20000), kMost * 0.08);
}

}  // namespace
}  // namespace kith::test
