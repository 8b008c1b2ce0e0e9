// A receive needs the size of its message, so a length goes ahead. A receive of the frame itself is started
// when its length has come; several exchanges may be under way between two ranks, and a later one's length
// may be looked at first: tickets keep the receives of frames in the order of the sends.
#include "kith/comm/frame_exchange.h"

#include <utility>

#include "kith/comm/internal_messages.h"
#include "kith/core/checksum.h"
#include "kith/core/device_memory.h"

namespace kith {

struct FrameExchange::Order {
  std::int64_t issued = 0, started = 0;
};

struct FrameExchange::InFlight::Arrival {
  Rank peer{0};
  std::int64_t most_bytes = 0;
  std::array<std::uint64_t, 2> preamble{};
  Buffer frame;
};

/// The length, then the frame.
class FrameExchange::Receive final : public Collective {
 public:
  Receive(Communicator& comm, std::shared_ptr<InFlight::Arrival> arrival, std::shared_ptr<Order> order,
          FrameCheck check, const char* what)
      : Collective(what),
        comm_(comm),
        arrival_(std::move(arrival)),
        order_(std::move(order)),
        check_(check),
        what_(what),
        ticket_(order_->issued++) {
    const auto bytes = static_cast<std::size_t>(preamble_bytes(check));
    preamble_ =
        InternalMessages::receive(comm, std::as_writable_bytes(std::span(arrival_->preamble)).first(bytes),
                                  arrival_->peer, InternalMessages::kRowTag, what);
  }
  ~Receive() override { retire(); }

  std::string describe() const override { return "receive of a frame"; }
  std::vector<Rank> waiting_for() const override { return {arrival_->peer}; }
  std::int64_t steps_done() const override { return preamble_ == nullptr ? 1 : 0; }

 private:
  bool advance() override {
    if (preamble_ != nullptr) {
      if (!preamble_->test()) return false;
      preamble_.reset();
      require_expected();
    }
    if (!started_) {
      if (order_->started != ticket_) return false;
      start_frame();
    }
    if (frame_ != nullptr) {
      if (!frame_->test()) return false;
      frame_.reset();
      verify();
    }
    return true;
  }

  void require_expected() const {
    if (arrival_->preamble[0] > static_cast<std::uint64_t>(arrival_->most_bytes))
      throw CorruptError(with_facts(std::string(what_) + ": a frame is longer than its rows can be",
                                    {{"from rank", arrival_->peer.value()},
                                     {"bytes", arrival_->preamble[0]},
                                     {"at most", arrival_->most_bytes}}));
  }

  void start_frame() {
    started_ = true;
    ++order_->started;
    // Whatever the thread that waits is at.
    const UseMemory host(nullptr);
    arrival_->frame = Buffer(static_cast<std::size_t>(arrival_->preamble[0]));
    if (arrival_->frame.bytes() > 0)
      frame_ = InternalMessages::receive(comm_, {arrival_->frame.data(), arrival_->frame.bytes()},
                                         arrival_->peer, InternalMessages::kFrameTag, what_);
  }

  void verify() const {
    if (check_ == FrameCheck::none) return;
    const std::uint64_t sum = checksum_of({arrival_->frame.data(), arrival_->frame.bytes()});
    if (sum != arrival_->preamble[1])
      throw CorruptError(with_facts(std::string(what_) + ": a frame's checksum differs from what was sent",
                                    {{"from rank", arrival_->peer.value()},
                                     {"host", std::string_view(comm_.host_of(arrival_->peer))},
                                     {"bytes", arrival_->frame.bytes()}}));
  }

  Communicator& comm_;
  std::shared_ptr<InFlight::Arrival> arrival_;
  std::shared_ptr<Order> order_;
  FrameCheck check_;
  const char* what_;
  std::int64_t ticket_;
  bool started_ = false;
  Pending preamble_, frame_;
};

FrameExchange::FrameExchange(Communicator& comm, Ledger& ledger, FrameCheck check)
    : comm_(&comm), ledger_(&ledger), check_(check) {
  for (int rank = 0; rank < comm.size(); ++rank) orders_.push_back(std::make_shared<Order>());
}
FrameExchange::~FrameExchange() = default;

FrameExchange::InFlight FrameExchange::start(std::span<const Parcel> parcels,
                                             std::span<const Expected> expected, ExchangeLabel label) {
  InFlight flight;
  flight.comm_ = comm_;
  flight.ledger_ = ledger_;
  flight.label_ = label;
  flight.begin_ = std::chrono::steady_clock::now();
  for (const Expected& from : expected) {
    flight.arrivals_.push_back(std::make_shared<InFlight::Arrival>());
    flight.arrivals_.back()->peer = from.peer;
    flight.arrivals_.back()->most_bytes = from.most_bytes;
    flight.operations_.push_back(InternalMessages::logged(
        *comm_,
        std::make_unique<Receive>(*comm_, flight.arrivals_.back(),
                                  orders_[static_cast<std::size_t>(from.peer.value())], check_, label.what),
        "receive", from.most_bytes, from.peer.value()));
  }
  const std::string counter = label.counter;
  for (const Parcel& parcel : parcels) {
    const int peer = parcel.peer.value();
    auto preamble = std::make_shared<std::array<std::uint64_t, 2>>();
    *preamble = {parcel.bytes.size(), check_ == FrameCheck::checksum ? checksum_of(parcel.bytes) : 0};
    flight.preambles_.push_back(preamble);
    const auto send = [&](std::span<const std::byte> bytes, int tag) {
      if (bytes.empty()) return;
      flight.operations_.push_back(InternalMessages::logged(
          *comm_, InternalMessages::send(*comm_, bytes, parcel.peer, tag, label.what), "send",
          static_cast<std::int64_t>(bytes.size()), peer));
      ledger_->add({counter + ".bytes", label.layer, peer}, static_cast<double>(bytes.size()));
      ledger_->add({counter + ".messages", label.layer, peer}, 1);
    };
    send(std::as_bytes(std::span(*preamble)).first(static_cast<std::size_t>(preamble_bytes(check_))),
         InternalMessages::kRowTag);
    send(parcel.bytes, InternalMessages::kFrameTag);
  }
  ledger_->add_seconds({counter + ".start", label.layer, -1}, flight.begin_,
                       std::chrono::steady_clock::now());
  return flight;
}

bool FrameExchange::InFlight::progress() {
  if (comm_ == nullptr) return true;
  comm_->progress();
  for (int i = 0; i < InternalMessages::kTestsAtOnce && !operations_.empty(); ++i)
    std::erase_if(operations_, [](const Pending& operation) { return operation->test(); });
  if (operations_.empty()) account(std::chrono::steady_clock::now());
  return comm_ == nullptr;
}

void FrameExchange::InFlight::wait() {
  if (comm_ == nullptr) return;
  const auto begin = std::chrono::steady_clock::now();
  comm_->wait_all(std::exchange(operations_, {}));
  account(begin);
}

void FrameExchange::InFlight::account(std::chrono::steady_clock::time_point begin_waiting) {
  const std::string counter = label_.counter;
  ledger_->add_seconds({counter + ".wait", label_.layer, -1}, begin_waiting,
                       std::chrono::steady_clock::now());
  ledger_->add({counter + ".hidden", label_.layer, -1},
               std::chrono::duration<double>(begin_waiting - begin_).count());
  comm_ = nullptr;
}

std::span<const std::byte> FrameExchange::InFlight::frame(std::size_t i) const {
  return {arrivals_[i]->frame.data(), arrivals_[i]->frame.bytes()};
}

}  // namespace kith
