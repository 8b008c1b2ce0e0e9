#include "kith/comm/thread_mailbox.h"

#include <algorithm>
#include <cstring>

namespace kith {

void ThreadMailbox::offer(const Stream& stream, const std::shared_ptr<Parcel>& parcel) {
  std::lock_guard lock(mutex_);
  parcel->seen_before = delivered_;
  lanes_[stream].parcels.push_back(parcel);
}

void ThreadMailbox::await(const Stream& stream, const std::shared_ptr<Slot>& slot) {
  std::lock_guard lock(mutex_);
  lanes_[stream].slots.push_back(slot);
  ++open_slots_;
}

bool ThreadMailbox::taken(const Stream& stream, const Parcel& parcel) {
  std::lock_guard lock(mutex_);
  if (!parcel.taken) meet(lanes_[stream]);
  return parcel.taken;
}

bool ThreadMailbox::filled(const Stream& stream, const Slot& slot) {
  std::lock_guard lock(mutex_);
  if (!slot.filled) meet(lanes_[stream]);
  return slot.filled;
}

bool ThreadMailbox::expects(const Stream& stream) {
  std::lock_guard lock(mutex_);
  return !lanes_[stream].parcels.empty();
}

void ThreadMailbox::withdraw(const Stream& stream, const std::shared_ptr<Parcel>& parcel) {
  std::lock_guard lock(mutex_);
  std::erase(lanes_[stream].parcels, parcel);
}

void ThreadMailbox::withdraw(const Stream& stream, const std::shared_ptr<Slot>& slot) {
  std::lock_guard lock(mutex_);
  open_slots_ -= static_cast<std::int64_t>(std::erase(lanes_[stream].slots, slot));
}

bool ThreadMailbox::visible(Parcel& parcel, const Lane& lane) const {
  // On a busy host every look of a waiting rank may cost a slice of the scheduler: none is spent in vain, as
  // where the receiver waits for nothing else.
  const bool overtaken = delivered_ > parcel.seen_before;
  const bool alone = open_slots_ == static_cast<std::int64_t>(lane.slots.size());
  int& looks = parcel.yield > 0 && !overtaken && !alone ? parcel.yield : parcel.hold;
  if (looks == 0) return true;
  --looks;
  return false;
}

void ThreadMailbox::meet(Lane& lane) {
  while (!lane.parcels.empty() && !lane.slots.empty() && visible(*lane.parcels.front(), lane)) {
    Parcel& parcel = *lane.parcels.front();
    Slot& slot = *lane.slots.front();
    slot.arrived = parcel.bytes.size();
    // A parcel of the wrong size is not delivered; the receiver reports it.
    if (slot.arrived == slot.into.size() && slot.arrived > 0)
      std::memcpy(slot.into.data(), parcel.bytes.data(), slot.arrived);
    parcel.taken = slot.filled = true;
    ++delivered_;
    --open_slots_;
    lane.parcels.pop_front();
    lane.slots.pop_front();
  }
}

}  // namespace kith
