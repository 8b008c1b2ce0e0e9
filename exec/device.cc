#include "kith/exec/device.h"

#include <map>

#include <fmt/format.h>

namespace kith {
namespace {

/// This rank's number among those of its host.
int number_on_host(const Communicator& comm) {
  int number = 0;
  for (Rank other{0}; other < comm.rank(); ++other)
    number += comm.host_of(other) == comm.host_of(comm.rank()) ? 1 : 0;
  return number;
}

/// What is wrong with this rank's device; empty: nothing. `uuids` by rank.
std::string problem_of(const Communicator& comm, const std::vector<std::string>& uuids) {
  std::map<std::string, Rank> owner;
  for (Rank rank{0}; rank.value() < comm.size(); ++rank) {
    const std::string& uuid = uuids[static_cast<std::size_t>(rank.value())];
    if (uuid.empty()) continue;
    const auto [first, added] = owner.try_emplace(comm.host_of(rank) + ' ' + uuid, rank);
    if (!added)
      return fmt::format(
          "ranks {} and {} on host {} would share GPU {}: start as many ranks as the host has GPUs, "
          "or say --allow-shared-gpu",
          first->second.value(), rank.value(), comm.host_of(rank), uuid);
  }
  return {};
}

}  // namespace

Backend device_for(Communicator& comm, const std::string& device, SharedGpu shared) {
  if (device == "cpu") return Cpu{};
  Backend on = Cpu{};
  std::string uuid, problem;
  try {
    on = open_cuda(number_on_host(comm));
    uuid = facts_of(on).uuid;
  } catch (const InputError& error) {
    problem = error.what();
  }
  const auto problems = all_gather(comm, problem, "open the GPUs");
  for (Rank rank{0}; rank.value() < comm.size(); ++rank)
    if (const std::string& text = problems[static_cast<std::size_t>(rank.value())]; !text.empty())
      throw InputError(fmt::format("rank {} on host {}: {}", rank.value(), comm.host_of(rank), text));
  const std::string sharing = problem_of(comm, all_gather(comm, uuid, "compare the GPUs"));
  if (shared == SharedGpu::refused && !sharing.empty()) throw InputError(sharing);
  return on;
}

std::vector<std::string> device_names(Communicator& comm, const Backend& on) {
  const std::string mine =
      fmt::format("rank {} host {}: {}", comm.rank().value(), comm.host_of(comm.rank()), facts_of(on).name);
  return all_gather(comm, mine, "gather the devices");
}

void count_device(const Backend& on, Ledger& ledger) {
  if (memory_of(on) == nullptr) return;
  const BackendUse use = use_of(on);
  ledger.add("device.peak_bytes", static_cast<double>(use.peak_bytes));
  ledger.add("device.to_device_bytes", static_cast<double>(use.to_device_bytes));
  ledger.add("device.to_host_bytes", static_cast<double>(use.to_host_bytes));
}

}  // namespace kith
