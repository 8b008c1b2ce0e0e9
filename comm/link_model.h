#pragma once
#include <cstdint>
#include <map>

namespace kith {

/// A network in a few numbers (the α-β model, Hockney 1994): a message takes alpha seconds, and its bytes
/// pass at `bytes_per_second` in each direction. `ranks_per_host` consecutive ranks share a host and reach
/// each other at once, or at `host_bytes_per_second` where that is not 0. Messages from and to `slow_rank`
/// (−1: none) take `slow_factor` times as long.
struct NetModel {
  double alpha_seconds = 0;
  double bytes_per_second = 0;
  int ranks_per_host = 1;
  double host_bytes_per_second = 0;
  int slow_rank = -1;
  double slow_factor = 1;
};

/// What messages between two ranks take: `alpha` seconds each, and `wire` seconds of the sender's and of the
/// receiver's link. Inside a host neither link is taken.
struct Passage {
  double alpha = 0;
  double wire = 0;
  bool takes_links = false;
};
Passage passage(const NetModel& net, int from, int to, double bytes);

/// One end's wire, which passes one message after another. Times are nanoseconds of any one clock.
class Link {
 public:
  /// Takes the link for `wire` nanoseconds, from `from` or, where it is taken, later; returns the begin.
  /// Nobody need tell it of messages in the order of their times: one that is told of late has the time that
  /// was free then.
  std::int64_t take(std::int64_t from, std::int64_t wire);

 private:
  std::map<std::int64_t, std::int64_t> taken_;  ///< begin and end, apart from each other
  std::int64_t forgotten_ = 0;                  ///< before this all counts as taken
};

}  // namespace kith
