#include "kith/comm/roll_call.h"

#include <algorithm>
#include <array>
#include <thread>

#include "kith/comm/internal_messages.h"

namespace kith {
namespace {

/// The ranks that one rank waits for, −1 where there are fewer; of more, the lowest: enough to follow.
using Note = std::array<std::int32_t, 8>;

Note note_of(const std::set<Rank>& missing) {
  Note note;
  note.fill(-1);
  std::transform(missing.begin(), std::next(missing.begin(), std::min(missing.size(), note.size())),
                 note.begin(), [](Rank rank) { return rank.value(); });
  return note;
}

/// A message of the roll call; trouble with it says nothing but that the peer is silent.
class Letter {
 public:
  template <class Start>
  explicit Letter(const Start& start) {
    try {
      operation_ = start();
    } catch (const PeerError&) {  // no operation: never complete
    }
  }
  bool complete() {
    try {
      return operation_ != nullptr && operation_->test();
    } catch (const PeerError&) {
      operation_ = nullptr;
      return false;
    }
  }

 private:
  Pending operation_;
};

class Roll {
 public:
  Roll(Communicator& comm, const std::set<Rank>& missing)
      : mine_(note_of(missing)), notes_(static_cast<std::size_t>(comm.size())) {
    const auto mine = std::as_bytes(std::span(mine_));
    for (int peer = 0; peer < comm.size(); ++peer) {
      heard_.push_back(peer == comm.rank().value());
      const auto note = std::as_writable_bytes(std::span(notes_[static_cast<std::size_t>(peer)]));
      received_.emplace_back([&]() -> Pending {
        if (heard_.back()) return nullptr;
        return InternalMessages::receive(comm, note, Rank(peer), InternalMessages::kRollTag, "roll call");
      });
      sent_.emplace_back([&]() -> Pending {
        if (heard_.back()) return nullptr;
        return InternalMessages::send(comm, mine, Rank(peer), InternalMessages::kRollTag, "roll call");
      });
    }
    notes_[static_cast<std::size_t>(comm.rank().value())] = mine_;
  }

  /// Moves the messages; true when every rank was heard and has heard.
  bool everyone_answered() {
    bool all = true;
    for (std::size_t peer = 0; peer < notes_.size(); ++peer) {
      if (!heard_[peer]) heard_[peer] = received_[peer].complete();
      all = sent_[peer].complete() && heard_[peer] && all;
    }
    return all;
  }

  RollCall follow(const std::set<Rank>& missing) const {
    RollCall result;
    std::vector<Rank> open(missing.begin(), missing.end());
    while (!open.empty()) {
      const Rank rank = open.back();
      open.pop_back();
      const auto number = static_cast<std::size_t>(rank.value());
      if (!heard_[number]) {
        result.silent.insert(rank);
      } else if (result.waiting.insert(rank).second) {
        for (const std::int32_t next : notes_[number])
          if (next >= 0) open.push_back(Rank(next));
      }
    }
    return result;
  }

 private:
  Note mine_;
  std::vector<Note> notes_;
  std::vector<bool> heard_;
  std::vector<Letter> received_, sent_;
};

}  // namespace

RollCall call_the_roll(Communicator& comm, const std::set<Rank>& missing,
                       std::chrono::duration<double> patience) {
  using Clock = std::chrono::steady_clock;
  Roll roll(comm, missing);
  const auto end = Clock::now() + patience;
  while (!roll.everyone_answered() && Clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return roll.follow(missing);
}

}  // namespace kith
