#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "kith/comm/communicator.h"

namespace kith {

/// The messages of collectives and row exchanges: tags that callers cannot use.
class InternalMessages {
 public:
  /// One tag for every row exchange: pairs start theirs in the same order, and order per tag does the
  /// matching.
  static constexpr int kRowTag = Communicator::kTags;
  /// Frames, whose lengths go ahead under kRowTag.
  static constexpr int kFrameTag = kRowTag + 1;
  /// Of ranks that are about to fail.
  static constexpr int kRollTag = kFrameTag + 1;

  /// A tag of its own for the next collective, so that several may be under way.
  static int next_collective_tag(Communicator& comm) {
    constexpr int kFirst = kRollTag + 1;
    constexpr int kPortableBound = 1 << 15;  // what every MPI grants
    return kFirst + static_cast<int>(comm.collectives_++ % (kPortableBound - kFirst));
  }
  /// How often a message under way is looked at when it is to progress: an MPI moves a megabyte of a long
  /// message in a test, and sees nothing of it between tests.
  static constexpr int kTestsAtOnce = 8;
  static Pending send(Communicator& comm, std::span<const std::byte> bytes, Rank to, int tag,
                      const char* what);
  static Pending receive(Communicator& comm, std::span<std::byte> bytes, Rank from, int tag,
                         const char* what);
  static bool crowded(const Communicator& comm) { return comm.crowded(); }
  static SharedScratch* scratch(Communicator& comm) { return comm.shared_scratch(); }
  static bool peer_ended(Communicator& comm, Rank peer) { return comm.peer_ended(peer); }
  static Pending logged(Communicator& comm, Pending operation, const char* kind, std::int64_t bytes,
                        int peer) {
    return comm.logged(std::move(operation), kind, bytes, peer);
  }
};

/// A collective made of several rounds of messages. Its rounds follow each other only when somebody tests it,
/// so a rank that waits for something else must move it too, or two ranks that wait in different orders would
/// wait for ever: every wait drives all that its thread has started.
class Collective : public Operation {
 public:
  explicit Collective(const char* what);
  ~Collective() override;

  /// Moves every collective that this thread has started and that is not complete.
  static void drive_all();

 protected:
  bool poll() final;
  /// Does what can be done now; true when complete. Never called by two threads at once.
  virtual bool advance() = 0;
  /// First thing in a final class's destructor: nobody drives it any more.
  void retire();

 private:
  struct Registry {
    std::mutex mutex;
    std::vector<Collective*> running;
  };
  static const std::shared_ptr<Registry>& of_this_thread();
  std::shared_ptr<Registry> registry_;
  bool done_ = false;
};

}  // namespace kith
