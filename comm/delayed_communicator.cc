// A message goes ahead of itself: 8 bytes with the time at which it leaves, by the clock that all processes
// of a host share. The receiver's operation is complete when both are there and the time of arrival has come.
#include "kith/comm/delayed_communicator.h"

#include <chrono>
#include <cstdlib>
#include <mutex>

#include <fmt/format.h>

#include "kith/comm/internal_messages.h"

namespace kith {
namespace {

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

/// This rank's two wires, which the duplicates of a communicator share.
class Port {
 public:
  explicit Port(const NetModel& net) : net_(net) {}
  /// When a message leaves that is sent now.
  std::int64_t departure(Rank from, Rank to, std::size_t bytes) {
    const Passage way = passage_of(from, to, bytes);
    std::lock_guard lock(mutex_);
    return way.takes_links ? out_.take(now(), nanoseconds(way.wire)) : now();
  }
  /// When it has arrived.
  std::int64_t arrival(std::int64_t left, Rank from, Rank to, std::size_t bytes) {
    const Passage way = passage_of(from, to, bytes);
    const std::int64_t wire = nanoseconds(way.wire), first = left + nanoseconds(way.alpha);
    std::lock_guard lock(mutex_);
    return (way.takes_links ? in_.take(first, wire) : first) + wire;
  }

 private:
  Passage passage_of(Rank from, Rank to, std::size_t bytes) const {
    return passage(net_, from.value(), to.value(), static_cast<double>(bytes));
  }
  NetModel net_;
  std::mutex mutex_;
  Link out_, in_;
};

class DelayedSend final : public Operation {
 public:
  DelayedSend(Communicator& comm, std::int64_t departure, std::span<const std::byte> bytes, Rank to, int tag,
              const char* what)
      : Operation(what),
        departure_(departure),
        header_(InternalMessages::send(comm, std::as_bytes(std::span(&departure_, 1)), to, tag, what)),
        message_(InternalMessages::send(comm, bytes, to, tag, what)) {}
  std::string describe() const override { return message_->describe(); }
  std::vector<Rank> waiting_for() const override { return message_->waiting_for(); }

 protected:
  bool poll() override {
    const bool ahead = header_->test();
    return message_->test() && ahead;
  }

 private:
  std::int64_t departure_;
  Pending header_, message_;
};

class DelayedReceive final : public Operation {
 public:
  DelayedReceive(Communicator& comm, std::shared_ptr<Port> port, std::span<std::byte> bytes, Rank from,
                 int tag, const char* what)
      : Operation(what),
        port_(std::move(port)),
        from_(from),
        to_(comm.rank()),
        bytes_(bytes.size()),
        header_(InternalMessages::receive(comm, std::as_writable_bytes(std::span(&departure_, 1)), from, tag,
                                          what)),
        message_(InternalMessages::receive(comm, bytes, from, tag, what)) {}
  std::string describe() const override { return message_->describe(); }
  std::vector<Rank> waiting_for() const override { return message_->waiting_for(); }

 protected:
  bool poll() override {
    const bool here = message_->test();
    if (!timed_ && header_->test()) {
      arrival_ = port_->arrival(departure_, from_, to_, bytes_);
      timed_ = true;
    }
    return here && timed_ && now() >= arrival_;
  }

 private:
  std::shared_ptr<Port> port_;
  Rank from_, to_;
  std::size_t bytes_;
  std::int64_t departure_ = 0, arrival_ = 0;
  bool timed_ = false;
  Pending header_, message_;
};

class DelayedCommunicator final : public Communicator {
 public:
  DelayedCommunicator(std::unique_ptr<Communicator> inner, std::shared_ptr<Port> port)
      : inner_(std::move(inner)), port_(std::move(port)) {
    set_no_progress_limit(inner_->no_progress_limit());
  }
  Rank rank() const override { return inner_->rank(); }
  int size() const override { return inner_->size(); }
  const std::string& host_of(Rank rank) const override { return inner_->host_of(rank); }
  std::unique_ptr<Communicator> duplicate() override {
    auto duplicate = std::make_unique<DelayedCommunicator>(inner_->duplicate(), port_);
    duplicate->set_no_progress_limit(no_progress_limit());
    return duplicate;
  }
  [[noreturn]] void abort(ExitCode code) override {
    inner_->abort(code);
    std::_Exit(static_cast<int>(code));
  }

 protected:
  Pending send(std::span<const std::byte> bytes, Rank to, int tag, const char* what) override {
    if (to == rank()) return InternalMessages::send(*inner_, bytes, to, tag, what);
    return std::make_unique<DelayedSend>(*inner_, port_->departure(rank(), to, bytes.size()), bytes, to, tag,
                                         what);
  }
  Pending receive(std::span<std::byte> bytes, Rank from, int tag, const char* what) override {
    if (from == rank()) return InternalMessages::receive(*inner_, bytes, from, tag, what);
    return std::make_unique<DelayedReceive>(*inner_, port_, bytes, from, tag, what);
  }
  bool crowded() const override { return InternalMessages::crowded(*inner_); }

 private:
  std::unique_ptr<Communicator> inner_;
  std::shared_ptr<Port> port_;
};

}  // namespace

std::unique_ptr<Communicator> delayed_communicator(Communicator& comm, const NetModel& net) {
  for (int rank = 0; rank < comm.size(); ++rank)
    if (comm.host_of(Rank(rank)) != comm.host_of(Rank(0)))
      throw InputError(fmt::format(
          "a network is emulated between ranks of one host: rank 0 is on {}, rank {} on {}, which have a "
          "network of their own",
          comm.host_of(Rank(0)), rank, comm.host_of(Rank(rank))));
  return std::make_unique<DelayedCommunicator>(comm.duplicate(), std::make_shared<Port>(net));
}

}  // namespace kith
