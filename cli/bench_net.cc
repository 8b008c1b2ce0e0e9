// Messages of growing size go to and fro between rank 0 and every other rank. One way takes half of that, and
// seconds = α + bytes / β is fitted to the medians by least squares of the relative error, so that short
// messages count as much as long ones. Links inside a host and between hosts are fitted apart.
#include <algorithm>
#include <array>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "kith/cli/bench.h"
#include "kith/cli/rank_work.h"
#include "kith/comm/world.h"
#include "kith/core/error.h"
#include "kith/exec/net_model.h"

namespace kith::cli {
namespace {

constexpr int kTag = 1;
constexpr std::int64_t kSizes[] = {8, 64, 512, 4096, 32768, 262144, 1 << 20, 4 << 20, 16 << 20};
using Points = std::vector<std::pair<double, double>>;  ///< bytes, seconds

/// Median seconds of one way between this rank and `peer`; `first` speaks first.
double one_way_seconds(Communicator& comm, Rank peer, std::int64_t bytes, std::int64_t repetitions) {
  using Clock = std::chrono::steady_clock;
  const bool first = comm.rank() == Rank{0};
  std::vector<std::byte> buffer(static_cast<std::size_t>(bytes));
  const auto send = [&] { comm.wait(comm.start_send(buffer, peer, kTag, "bench net")); };
  const auto receive = [&] { comm.wait(comm.start_receive(buffer, peer, kTag, "bench net")); };
  std::vector<double> seconds;
  for (std::int64_t i = 0; i <= repetitions; ++i) {
    const auto begin = Clock::now();
    first ? send() : receive();
    first ? receive() : send();
    if (i > 0) seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count() / 2);
  }
  std::sort(seconds.begin(), seconds.end());
  return median(seconds);
}

Measured fitted(Communicator& comm, const std::map<bool, Points>& points) {
  Figures figures;
  figures.add("ranks", std::int64_t{comm.size()});
  for (const auto& [same_host, measured] : points) {
    const NetModel net = fitted_net_model(measured);
    const std::string where = same_host ? "inside_a_host_" : "between_hosts_";
    figures.add(where + "alpha_us", net.alpha_seconds * 1e6);
    figures.add(where + "gbps", net.bytes_per_second * 8e-9);
    figures.add(where + "net", fmt::format("alpha_us={:.3g},gbps={:.3g}", net.alpha_seconds * 1e6,
                                           net.bytes_per_second * 8e-9));
    for (const std::int64_t size : kSizes)
      for (const auto& [bytes, seconds] : measured)
        if (bytes == static_cast<double>(size))
          figures.add(fmt::format("{}{}_bytes_us", where, size), seconds * 1e6);
  }
  return figures;
}

/// On rank 0 the medians of every size, by whether the link is inside a host.
std::map<bool, Points> measured_links(Communicator& comm, std::int64_t repetitions) {
  std::map<bool, std::map<std::int64_t, std::vector<double>>> seconds;
  for (int other = 1; other < comm.size(); ++other) {
    const bool same_host = comm.host_of(Rank{0}) == comm.host_of(Rank{other});
    for (const std::int64_t bytes : kSizes) {
      barrier(comm, "bench net");
      if (comm.rank() == Rank{0})
        seconds[same_host][bytes].push_back(one_way_seconds(comm, Rank{other}, bytes, repetitions));
      if (comm.rank() == Rank{other}) one_way_seconds(comm, Rank{0}, bytes, repetitions);
    }
  }
  std::map<bool, Points> points;
  for (auto& [same_host, sizes] : seconds)
    for (auto& [bytes, each] : sizes) {
      std::sort(each.begin(), each.end());
      points[same_host].emplace_back(static_cast<double>(bytes), median(each));
    }
  return points;
}

}  // namespace

Measured measure_net(const Settings& settings) {
  {
    int argc = 0;
    char** argv = nullptr;
    MpiEnvironment mpi(argc, argv);
    const std::unique_ptr<Communicator> world = mpi.world();
    const std::unique_ptr<Communicator> emulated = emulated_network(*world, settings);
    Communicator& comm = emulated != nullptr ? *emulated : *world;
    if (comm.size() > 1) {
      const auto points = measured_links(comm, settings.integer("repetitions"));
      return comm.rank() == Rank{0} ? fitted(comm, points) : Measured("", "");
    }
  }
  // An exception must not leave the scope of MPI, which would end the job with a code of its own.
  throw InputError("kith bench net measures messages between ranks: mpiexec -n 2 kith bench net");
}

}  // namespace kith::cli
