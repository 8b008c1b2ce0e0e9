#include "kith/comm/link_model.h"

#include <algorithm>

namespace kith {

Passage passage(const NetModel& net, int from, int to, double bytes) {
  const double factor = from == net.slow_rank || to == net.slow_rank ? net.slow_factor : 1;
  if (from / net.ranks_per_host != to / net.ranks_per_host)
    return {factor * net.alpha_seconds, factor * bytes / net.bytes_per_second, true};
  const double wire = net.host_bytes_per_second > 0 ? bytes / net.host_bytes_per_second : 0;
  return {0, factor * wire, false};
}

std::int64_t Link::take(std::int64_t from, std::int64_t wire) {
  const std::int64_t begin = std::max(from, free_);
  free_ = begin + wire;
  return begin;
}

}  // namespace kith
