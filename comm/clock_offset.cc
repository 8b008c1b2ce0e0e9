// Cristian's algorithm (1989): an answer was written between a question's leaving and the answer's arrival,
// so the middle of the two is off by at most half of what they lie apart. The quickest of several rounds says
// the most.
#include "kith/comm/clock_offset.h"

#include <cstdint>
#include <span>

namespace kith {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr int kRounds = 16;
constexpr int kTag = 7003;
constexpr const char* kWhat = "compare clocks";

std::int64_t now() {
  return std::chrono::duration_cast<nanoseconds>(Clock::now().time_since_epoch()).count();
}

void answer(Communicator& comm, Rank rank) {
  for (int round = 0; round < kRounds; ++round) {
    std::int64_t time = 0;
    comm.wait(start_receive_values(comm, std::span(&time, 1), rank, kTag, kWhat));
    time = now();
    comm.wait(start_send_values(comm, std::span<const std::int64_t>(&time, 1), rank, kTag, kWhat));
  }
}

/// One question and its answer.
ClockOffset asked(Communicator& comm) {
  const std::int64_t left = now();
  std::int64_t time = left;
  comm.wait(start_send_values(comm, std::span<const std::int64_t>(&time, 1), Rank{0}, kTag, kWhat));
  comm.wait(start_receive_values(comm, std::span(&time, 1), Rank{0}, kTag, kWhat));
  const std::int64_t apart = now() - left;
  return {nanoseconds(time - left - apart / 2), nanoseconds(apart / 2 + 1)};
}

}  // namespace

ClockOffset clock_offset(Communicator& comm) {
  ClockOffset best;
  if (comm.rank() == Rank{0}) {
    for (int rank = 1; rank < comm.size(); ++rank) answer(comm, Rank{rank});
    return best;
  }
  for (int round = 0; round < kRounds; ++round)
    if (const ClockOffset one = asked(comm); round == 0 || one.error < best.error) best = one;
  return best;
}

}  // namespace kith
