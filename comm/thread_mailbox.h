#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace kith {

/// A message offered by a sender: it is copied straight into the receiver's memory when both have met.
struct Parcel {
  std::span<const std::byte> bytes;
  std::vector<std::byte> damaged;  ///< what `bytes` are of, where a fault changed them
  int hold = 0;                    ///< how many more looks it is invisible for
  int yield = 0;                   ///< and before them, how many it waits at most for another to overtake it
  std::int64_t seen_before = 0;    ///< parcels the mailbox had delivered when this one came
  bool taken = false;
};

/// A receive that was started.
struct Slot {
  std::span<std::byte> into;
  std::size_t arrived = 0;
  bool filled = false;
};

/// What arrives at one rank of a thread world. A stream is (communicator, sender, tag); within a stream
/// parcels and slots meet in the order in which they came, as MPI has it. Thread-safe.
class ThreadMailbox {
 public:
  struct Stream {
    int communicator = 0;
    int from = 0;
    int tag = 0;
    friend auto operator<=>(const Stream&, const Stream&) = default;
  };

  void offer(const Stream& stream, const std::shared_ptr<Parcel>& parcel);
  void await(const Stream& stream, const std::shared_ptr<Slot>& slot);
  /// Lets what can meet in this stream meet; true once the parcel was taken, or the slot filled.
  bool taken(const Stream& stream, const Parcel& parcel);
  bool filled(const Stream& stream, const Slot& slot);
  /// True when a parcel of the stream is on its way.
  bool expects(const Stream& stream);
  /// Forgets a parcel or slot whose memory is about to go.
  void withdraw(const Stream& stream, const std::shared_ptr<Parcel>& parcel);
  void withdraw(const Stream& stream, const std::shared_ptr<Slot>& slot);

 private:
  struct Lane {
    std::deque<std::shared_ptr<Parcel>> parcels;
    std::deque<std::shared_ptr<Slot>> slots;
  };
  bool visible(Parcel& parcel, const Lane& lane) const;
  void meet(Lane& lane);

  std::mutex mutex_;
  std::map<Stream, Lane> lanes_;
  std::int64_t delivered_ = 0;
  std::int64_t open_slots_ = 0;  ///< of all lanes
};

}  // namespace kith
