#include "kith/comm/link_model.h"

#include <algorithm>
#include <iterator>

namespace kith {

Passage passage(const NetModel& net, int from, int to, double bytes) {
  const double factor = from == net.slow_rank || to == net.slow_rank ? net.slow_factor : 1;
  if (from / net.ranks_per_host != to / net.ranks_per_host)
    return {factor * net.alpha_seconds, factor * bytes / net.bytes_per_second, true};
  const double wire = net.host_bytes_per_second > 0 ? bytes / net.host_bytes_per_second : 0;
  return {0, factor * wire, false};
}

std::int64_t Link::take(std::int64_t from, std::int64_t wire) {
  constexpr std::size_t kRemembered = 256;
  std::int64_t begin = std::max(from, forgotten_);
  if (wire <= 0) return begin;
  auto next = taken_.upper_bound(begin);
  if (next != taken_.begin()) begin = std::max(begin, std::prev(next)->second);
  for (; next != taken_.end() && next->first < begin + wire; ++next) begin = next->second;
  std::int64_t first = begin, end = begin + wire;
  if (next != taken_.end() && next->first == end) {
    end = next->second;
    next = taken_.erase(next);
  }
  if (next != taken_.begin() && std::prev(next)->second == first) {
    first = std::prev(next)->first;
    taken_.erase(std::prev(next));
  }
  taken_[first] = end;
  if (taken_.size() > kRemembered) {
    forgotten_ = taken_.begin()->second;
    taken_.erase(taken_.begin());
  }
  return begin;
}

}  // namespace kith
