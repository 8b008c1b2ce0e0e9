// NeutronStar (Wang et al. 2022) measures what an edge, a row and a byte cost, and computes again the rows
// that cost less so. Here an edge is one of a sum of random rows, a row one of a product, each forward and
// backward, both best of a few runs; bytes are the network's.
#include "kith/exec/recompute_cost.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "kith/core/philox.h"
#include "kith/exec/halo/forecast.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/spmm.h"

namespace kith {
namespace {

constexpr int kRuns = 3;

template <class Work>
double best_seconds(Work&& work) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

double seconds_an_edge(std::int64_t width) {
  constexpr std::int64_t kRows = 1 << 13, kDegree = 8;
  Csr32 csr{Array<std::int64_t>(kRows + 1), Array<std::int32_t>(kRows * kDegree)};
  for (std::int64_t i = 0; i <= kRows; ++i) csr.indptr[i] = i * kDegree;
  for (std::int64_t e = 0; e < csr.m(); ++e)
    csr.indices[e] = static_cast<std::int32_t>(mix64(static_cast<std::uint64_t>(e)) % kRows);
  const Matrix x(kRows, width, 1.0f);
  Matrix y(kRows, width);
  return best_seconds([&] { spmm(Cpu{}, csr, {}, x, y); }) / static_cast<double>(csr.m());
}

double seconds_a_row(std::int64_t features, std::int64_t width) {
  constexpr std::int64_t kRows = 512;
  const Matrix x(kRows, features, 1.0f), w(width, features, 1.0f);
  Matrix y(kRows, width);
  return best_seconds([&] { matmul(Cpu{}, Trans::no, x, Trans::yes, w, 0, y); }) / kRows;
}

}  // namespace

RecomputeCosts recompute_costs(std::int64_t features, std::int64_t width, double row_bytes,
                               const NetModel& net) {
  return {.edge = 2 * seconds_an_edge(std::min(features, width)),
          .row = 2 * seconds_a_row(features, width),
          .sent = 2 * row_bytes / net.bytes_per_second};
}

std::int64_t most_edges_worth(const RecomputeCosts& costs) {
  constexpr double kMost = 1e9;
  const double left = costs.sent - costs.row;
  return left <= 0 ? 0 : static_cast<std::int64_t>(std::floor(std::min(kMost, left / costs.edge)));
}

std::string recompute_plan(Communicator& comm, const StoreMeta& meta, const HaloProtocol& protocol,
                           const ModelFactory& make, const NetModel& net) {
  std::int64_t most = 0;
  for (const StepExchange& each : exchanges_of_a_step(meta, protocol, make)) {
    if (each.layer != 1 || each.backward) continue;
    const auto encode = make_encode(protocol.encode, protocol.steps);
    const double bytes = each.left * static_cast<double>(encode->row_bytes(each.cols));
    most = most_edges_worth(recompute_costs(meta.features, each.cols, bytes, net));
  }
  // One bound for all, the least: ranks may differ in speed.
  most = -all_reduce_max(comm, -most, "agree on what is computed again");
  return most == 0 ? "needed-rows" : "recompute:" + std::to_string(most);
}

}  // namespace kith
