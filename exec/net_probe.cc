#include "kith/exec/net_probe.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace kith {
namespace {

constexpr int kTag = 7002;
constexpr int kTimes = 9;
constexpr std::int64_t kSizes[] = {8, 4096, 65536, 1 << 20};

/// Median seconds of one way, by sending to and fro; `speaks` begins.
double one_way_seconds(Communicator& comm, Rank peer, std::int64_t bytes, bool speaks) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::byte> buffer(static_cast<std::size_t>(bytes));
  const auto send = [&] { comm.wait(comm.start_send(buffer, peer, kTag, "measure the network")); };
  const auto receive = [&] { comm.wait(comm.start_receive(buffer, peer, kTag, "measure the network")); };
  std::vector<double> seconds;
  for (int i = 0; i <= kTimes; ++i) {
    const auto begin = Clock::now();
    speaks ? send() : receive();
    speaks ? receive() : send();
    if (i > 0) seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count() / 2);
  }
  std::nth_element(seconds.begin(), seconds.begin() + kTimes / 2, seconds.end());
  return std::max(seconds[kTimes / 2], 1e-9);
}

}  // namespace

NetModel measured_net(Communicator& comm) {
  require(comm.size() > 1, "a network lies between two ranks", {{"ranks", comm.size()}});
  const Rank first{0}, last{comm.size() - 1};
  double figures[2] = {};
  if (comm.rank() == first || comm.rank() == last) {
    std::vector<std::pair<double, double>> points;
    for (const std::int64_t bytes : kSizes)
      points.emplace_back(
          static_cast<double>(bytes),
          one_way_seconds(comm, comm.rank() == first ? last : first, bytes, comm.rank() == first));
    const NetModel fitted = fitted_net_model(points);
    figures[0] = fitted.alpha_seconds;
    figures[1] = fitted.bytes_per_second;
  }
  broadcast(comm, std::as_writable_bytes(std::span(figures)), first, "measure the network");
  // A fit of noise may find no slope.
  return {.alpha_seconds = figures[0], .bytes_per_second = figures[1] > 0 ? figures[1] : 1e12};
}

}  // namespace kith
