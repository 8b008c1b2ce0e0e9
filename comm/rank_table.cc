#include <algorithm>

#include <fmt/format.h>
#include <sched.h>

#include "kith/comm/world.h"
#include "kith/core/host.h"

namespace kith {

namespace {

/// The cores of this process's affinity mask as a string of 0 and 1; empty when the system does not say.
std::string affinity_mask() {
  constexpr int kMostCores = 8192;
  cpu_set_t* set = CPU_ALLOC(kMostCores);
  if (set == nullptr) return {};
  const std::size_t bytes = CPU_ALLOC_SIZE(kMostCores);
  std::string mask;
  if (sched_getaffinity(0, bytes, set) == 0)
    for (std::size_t core = 0; core < kMostCores; ++core) mask += CPU_ISSET_S(core, bytes, set) ? '1' : '0';
  CPU_FREE(set);
  mask.erase(mask.find_last_of('1') + 1);
  return mask;
}

bool share_a_core(const std::string& a, const std::string& b) {
  const std::size_t cores = std::min(a.size(), b.size());
  for (std::size_t core = 0; core < cores; ++core)
    if (a[core] == '1' && b[core] == '1') return true;
  return false;
}

}  // namespace

int default_threads(Communicator& comm) {
  const std::string mine = affinity_mask();
  const std::string& host = comm.host_of(comm.rank());
  const auto masks = all_gather(comm, mine, "affinity masks");
  int sharing = 0;
  for (int r = 0; r < comm.size(); ++r)
    sharing +=
        comm.host_of(Rank(r)) == host && share_a_core(mine, masks[static_cast<std::size_t>(r)]) ? 1 : 0;
  return std::max(1, affinity_cores() / std::max(1, sharing));
}

std::string rank_table(Communicator& comm, int threads) {
  const std::string mine = fmt::format("{:>5}  {:<24} {:>9} {:>6} {:>8}\n", comm.rank().value(),
                                       comm.host_of(comm.rank()), process_id(), affinity_cores(), threads);
  std::string table =
      fmt::format("{:>5}  {:<24} {:>9} {:>6} {:>8}\n", "rank", "host", "process", "cores", "threads");
  for (const std::string& line : all_gather(comm, mine, "rank table")) table += line;
  return table;
}

}  // namespace kith
