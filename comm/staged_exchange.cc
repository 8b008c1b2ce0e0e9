#include "kith/comm/staged_exchange.h"

#include <algorithm>

#include "kith/comm/internal_messages.h"
#include "kith/core/buffer.h"
#include "kith/core/device_memory.h"

namespace kith {
namespace {

class Staged final : public Collective {
 public:
  Staged(Communicator& comm, std::span<const ExchangeStage> stages, std::span<std::byte> store,
         std::int64_t row_bytes, const char* what)
      : Collective(what),
        comm_(comm),
        stages_(stages),
        store_(store),
        row_bytes_(row_bytes),
        tag_(InternalMessages::next_collective_tag(comm)) {}
  ~Staged() override { retire(); }
  std::string describe() const override { return "stage of an exchange over other ranks"; }
  std::vector<Rank> waiting_for() const override {
    std::vector<Rank> ranks;
    for (const Message& message : open_) ranks.push_back(message.peer);
    return ranks;
  }
  std::int64_t steps_done() const override { return done_; }

 private:
  struct Message {
    Rank peer{0};
    Pending operation;
  };

  bool advance() override {
    for (;;) {
      done_ += static_cast<std::int64_t>(
          std::erase_if(open_, [](const Message& message) { return message.operation->test(); }));
      if (!open_.empty()) return false;
      if (next_ == stages_.size()) return true;
      start(stages_[next_++]);
    }
  }

  std::span<std::byte> rows(std::int64_t first, std::int64_t count) const {
    return store_.subspan(static_cast<std::size_t>(first * row_bytes_),
                          static_cast<std::size_t>(count * row_bytes_));
  }

  void start(const ExchangeStage& stage) {
    for (const ExchangeStage::Coming& coming : stage.coming)
      open_.push_back({coming.from, InternalMessages::receive(comm_, rows(coming.first, coming.rows),
                                                              coming.from, tag_, what().c_str())});
    std::int64_t total = 0;
    for (const ExchangeStage::Leaving& leaving : stage.leaving) total += std::ssize(leaving.rows);
    // Whatever the thread that waits is at.
    const UseMemory host(nullptr);
    sent_ = Buffer(static_cast<std::size_t>(total * row_bytes_));
    std::byte* out = sent_.data();
    for (const ExchangeStage::Leaving& leaving : stage.leaving) {
      const std::byte* begin = out;
      for (const std::int64_t row : leaving.rows) {
        const std::span<const std::byte> bytes = rows(row, 1);
        out = std::copy(bytes.begin(), bytes.end(), out);
      }
      open_.push_back(
          {leaving.to, InternalMessages::send(comm_, {begin, static_cast<std::size_t>(out - begin)},
                                              leaving.to, tag_, what().c_str())});
    }
  }

  Communicator& comm_;
  std::span<const ExchangeStage> stages_;
  std::span<std::byte> store_;
  std::int64_t row_bytes_;
  int tag_;
  std::size_t next_ = 0;
  std::int64_t done_ = 0;
  Buffer sent_;  ///< by the stage that is under way; messages go before it
  std::vector<Message> open_;
};

}  // namespace

Pending start_stages(Communicator& comm, std::span<const ExchangeStage> stages, std::span<std::byte> store,
                     std::int64_t row_bytes, const char* what) {
  return InternalMessages::logged(comm, std::make_unique<Staged>(comm, stages, store, row_bytes, what),
                                  "stages", std::ssize(store), -1);
}

}  // namespace kith
