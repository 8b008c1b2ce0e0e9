#include "kith/comm/row_exchange.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

#include "kith/comm/internal_messages.h"

namespace kith {

std::int64_t RowCounts::total_send() const {
  return std::accumulate(send.begin(), send.end(), std::int64_t{0});
}
std::int64_t RowCounts::total_receive() const {
  return std::accumulate(receive.begin(), receive.end(), std::int64_t{0});
}

namespace {

void require_fit(std::size_t buffer, std::int64_t rows, std::int64_t row_bytes, const char* sentence) {
  require(row_bytes >= 0 && static_cast<std::int64_t>(buffer) == rows * row_bytes, sentence,
          {{"bytes", buffer}, {"rows", rows}, {"row_bytes", row_bytes}});
}

/// Where each rank's rows begin, in bytes; one more entry than ranks.
std::vector<std::size_t> offsets(const std::vector<std::int64_t>& rows, std::int64_t row_bytes) {
  std::vector<std::size_t> begin(rows.size() + 1, 0);
  for (std::size_t r = 0; r < rows.size(); ++r)
    begin[r + 1] = begin[r] + static_cast<std::size_t>(rows[r] * row_bytes);
  return begin;
}

struct Counted {
  Ledger& ledger;
  const ExchangeLabel& label;
  void add(const char* what, int peer, double amount) const {
    ledger.add({std::string(label.counter) + what, label.layer, peer}, amount);
  }
  void add_seconds(const char* what, Ledger::Time begin, Ledger::Time end, std::int64_t bytes) const {
    ledger.add_seconds({std::string(label.counter) + what, label.layer, -1}, begin, end, bytes);
  }
};

}  // namespace

RowExchange::InFlight RowExchange::start(std::span<const std::byte> send, std::span<std::byte> receive,
                                         const RowCounts& counts, std::int64_t row_bytes,
                                         ExchangeLabel label) {
  const int ranks = comm_->size(), rank = comm_->rank().value();
  require(std::ssize(counts.send) == ranks && std::ssize(counts.receive) == ranks,
          "row exchange: one count per rank",
          {{"send", counts.send.size()}, {"receive", counts.receive.size()}});
  require_fit(send.size(), counts.total_send(), row_bytes,
              "row exchange: the rows to send fill their buffer");
  require_fit(receive.size(), counts.total_receive(), row_bytes,
              "row exchange: the rows to receive fill their buffer");
  require(counts.send[rank] == counts.receive[rank], "row exchange: a rank receives what it sends to itself",
          {{"send", counts.send[rank]}, {"receive", counts.receive[rank]}});
  const auto send_begin = offsets(counts.send, row_bytes), receive_begin = offsets(counts.receive, row_bytes);
  const auto to = [&](int r) { return send.subspan(send_begin[r], send_begin[r + 1] - send_begin[r]); };
  const auto from = [&](int r) {
    return receive.subspan(receive_begin[r], receive_begin[r + 1] - receive_begin[r]);
  };
  // Nearest ranks first, so that not all ranks send to rank 0 at once.
  std::vector<Leaving> leaving;
  std::vector<Coming> coming;
  for (int step = 1; step < ranks; ++step) {
    const int source = (rank - step + ranks) % ranks, target = (rank + step) % ranks;
    if (counts.receive[source] > 0) coming.push_back({Rank(source), from(source)});
    if (counts.send[target] > 0) leaving.push_back({Rank(target), to(target), counts.send[target]});
  }
  InFlight flight = start(leaving, coming, label);
  copy_bytes(from(rank).data(), to(rank).data(), to(rank).size());
  return flight;
}

RowExchange::InFlight RowExchange::start(std::span<const Leaving> leaving, std::span<const Coming> coming,
                                         ExchangeLabel label) {
  InFlight flight;
  flight.comm_ = comm_;
  flight.ledger_ = ledger_;
  flight.label_ = label;
  flight.begin_ = InFlight::Clock::now();
  const auto track = [&](Pending message, const char* kind, std::size_t bytes, int peer) {
    flight.operations_.push_back(
        InternalMessages::logged(*comm_, std::move(message), kind, static_cast<std::int64_t>(bytes), peer));
  };
  comm_->begin_group();
  // Receives first, so that no message meets a rank that is not ready for it.
  for (const Coming& rows : coming) {
    track(InternalMessages::receive(*comm_, rows.bytes, rows.from, InternalMessages::kRowTag, label.what),
          "receive", rows.bytes.size(), rows.from.value());
    flight.received_ += std::ssize(rows.bytes);
  }
  const Counted counted{*ledger_, label};
  std::int64_t sent = 0;
  for (const Leaving& rows : leaving) {
    const int peer = rows.to.value();
    track(InternalMessages::send(*comm_, rows.bytes, rows.to, InternalMessages::kRowTag, label.what), "send",
          rows.bytes.size(), peer);
    counted.add(".bytes", peer, static_cast<double>(rows.bytes.size()));
    counted.add(".rows", peer, static_cast<double>(rows.rows));
    counted.add(".messages", peer, 1);
    sent += std::ssize(rows.bytes);
  }
  comm_->end_group();
  counted.add_seconds(".start", flight.begin_, InFlight::Clock::now(), sent);
  return flight;
}

void RowExchange::InFlight::also_wait_for(Pending operation, std::int64_t bytes) {
  operations_.push_back(std::move(operation));
  received_ += bytes;
}

bool RowExchange::InFlight::progress() {
  if (comm_ == nullptr) return true;
  comm_->progress();
  for (int i = 0; i < InternalMessages::kTestsAtOnce && !operations_.empty(); ++i)
    std::erase_if(operations_, [](const Pending& operation) { return operation->test(); });
  if (operations_.empty()) account(Clock::now());
  return comm_ == nullptr;
}

void RowExchange::InFlight::wait() {
  if (comm_ == nullptr) return;
  const auto begin = Clock::now();
  comm_->wait_all(std::exchange(operations_, {}));
  account(begin);
}

/// Everything has arrived and left now.
void RowExchange::InFlight::account(Clock::time_point begin_waiting) {
  const auto now = Clock::now();
  const Counted counted{*ledger_, label_};
  counted.add_seconds(".wait", begin_waiting, now, received_);
  counted.add(".hidden", -1, std::chrono::duration<double>(begin_waiting - begin_).count());
  comm_ = nullptr;
}

void RowExchange::exchange(std::span<const std::byte> send, std::span<std::byte> receive,
                           const RowCounts& counts, std::int64_t row_bytes, ExchangeLabel label) {
  start(send, receive, counts, row_bytes, label).wait();
}

std::vector<std::int64_t> RowExchange::exchange_counts(const std::vector<std::int64_t>& send,
                                                       ExchangeLabel label) {
  const int ranks = comm_->size();
  require(std::ssize(send) == ranks, "exchange_counts: one count per rank",
          {{"counts", send.size()}, {"ranks", ranks}});
  // A count per pair is a row exchange itself; the ledger keeps it apart from the rows that are worth
  // counting.
  Ledger apart;
  apart.trace_into(ledger_->trace());
  RowCounts one;
  one.send.assign(static_cast<std::size_t>(ranks), 1);
  one.receive = one.send;
  std::vector<std::int64_t> receive(send.size());
  RowExchange(*comm_, apart)
      .exchange(std::as_bytes(std::span(send)), std::as_writable_bytes(std::span(receive)), one,
                sizeof(std::int64_t), {.what = label.what, .counter = "counts", .layer = -1});
  const Counted counted{*ledger_, label};
  counted.add(".count_bytes", -1, apart.total("counts.bytes"));
  counted.add(".wait", -1, apart.total("counts.wait"));
  return receive;
}

}  // namespace kith
