// When a late parcel is let in.
#include "kith/comm/thread_mailbox.h"

#include <array>

#include <gtest/gtest.h>

namespace kith::test {
namespace {

constexpr int kYield = 32;

/// A byte that yields, and the slot that waits for it.
struct Meeting {
  ThreadMailbox::Stream stream;
  std::array<std::byte, 1> sent{std::byte{7}}, received{};
  std::shared_ptr<Parcel> parcel = std::make_shared<Parcel>();
  std::shared_ptr<Slot> slot = std::make_shared<Slot>();

  Meeting(ThreadMailbox& mailbox, int from, int yield) : stream{0, from, 0} {
    parcel->bytes = sent;
    parcel->yield = yield;
    slot->into = received;
    mailbox.offer(stream, parcel);
    mailbox.await(stream, slot);
  }
};

}  // namespace

TEST(ThreadMailbox, AParcelThatNothingCanOvertakeIsNotHeld) {
  ThreadMailbox mailbox;
  const Meeting meeting(mailbox, 1, kYield);
  EXPECT_TRUE(mailbox.filled(meeting.stream, *meeting.slot));
  EXPECT_EQ(meeting.received[0], std::byte{7});
}

TEST(ThreadMailbox, AParcelYieldsToAnotherThatIsWaitedFor) {
  ThreadMailbox mailbox;
  const Meeting late(mailbox, 1, kYield), early(mailbox, 2, 0);
  EXPECT_FALSE(mailbox.taken(late.stream, *late.parcel));
  EXPECT_TRUE(mailbox.filled(early.stream, *early.slot));
  EXPECT_TRUE(mailbox.taken(late.stream, *late.parcel));
}

TEST(ThreadMailbox, AParcelYieldsNoLongerThanItsLooks) {
  ThreadMailbox mailbox;
  const Meeting late(mailbox, 1, kYield);
  const auto other = std::make_shared<Slot>();
  mailbox.await({0, 2, 0}, other);
  for (int look = 0; look < kYield; ++look) ASSERT_FALSE(mailbox.filled(late.stream, *late.slot)) << look;
  EXPECT_TRUE(mailbox.filled(late.stream, *late.slot));
}

TEST(ThreadMailbox, AWithdrawnSlotIsNotWaitedFor) {
  ThreadMailbox mailbox;
  const Meeting late(mailbox, 1, kYield);
  const auto other = std::make_shared<Slot>();
  mailbox.await({0, 2, 0}, other);
  mailbox.withdraw({0, 2, 0}, other);
  EXPECT_TRUE(mailbox.filled(late.stream, *late.slot));
}

}  // namespace kith::test
