#include "kith/partition/partitioners.h"

#include <chrono>

#include "kith/core/error.h"
#include "kith/core/ledger.h"
#include "kith/core/settings.h"

namespace kith {
namespace {

struct Method {
  const char* name;
  PartitionResult (*run)(const PartitionRequest& request);
};

template <auto partitioner>
PartitionResult plain(const PartitionRequest& request) {
  return {partitioner(request), {}};
}

constexpr Method kMethods[] = {
    {"metis", metis_partition},          {"ldg", plain<ldg_partition>},
    {"fennel", plain<fennel_partition>}, {"random", plain<random_partition>},
    {"range", plain<range_partition>},
};

const Method& method_named(const std::string& name) {
  for (const Method& method : kMethods)
    if (name == method.name) return method;
  throw InputError("unknown partitioner \"" + name + "\"" + did_you_mean(name, partition_methods()));
}

}  // namespace

PartitionResult partition(const std::string& method, const PartitionRequest& request) {
  using Clock = std::chrono::steady_clock;
  const Method& chosen = method_named(method);
  if (request.k < 1) throw InputError("k must be at least 1, not " + std::to_string(request.k));
  const auto begin = Clock::now();
  PartitionResult result = chosen.run(request);
  result.report.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  result.report.peak_memory_bytes = std::max(result.report.peak_memory_bytes, peak_memory_bytes());
  return result;
}

std::vector<std::string> partition_methods() {
  std::vector<std::string> names;
  for (const Method& method : kMethods) names.emplace_back(method.name);
  return names;
}

}  // namespace kith
