// CAGNET's 1-D algorithm (Tripathy, Yelick and Buluç, SC 2020): every rank sends all of its rows to every
// other, which picks those that its edges reach; backward every rank sends an owner a gradient for each of
// its rows, zeros where it has none, as in a reduce-scatter. No rank needs to know what another one needs,
// and (P − 1) n rows cross whatever the partitioning: the reference for everything that sends less.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "kith/core/buffer.h"
#include "kith/exec/halo/values.h"
#include "kith/kernels/rows.h"

namespace kith::halo {
namespace {

class BroadcastRows final : public HaloTransfer {
 public:
  explicit BroadcastRows(std::int64_t row_bytes) : row_bytes_(row_bytes) {}
  bool progress() override { return flight.progress(); }
  void wait() override {
    flight.wait();
    if (places.empty() || needed_.bytes() > 0) return;
    needed_ = Buffer(places.size() * static_cast<std::size_t>(row_bytes_));
    gather_bytes(Cpu{}, arriving.data(), row_bytes_, places, needed_.data());
    arriving = Buffer();
  }
  std::vector<std::span<const std::byte>> arrived() const override {
    return {{needed_.data(), needed_.bytes()}};
  }

  Buffer sent, arriving;
  std::vector<std::int64_t> places;  ///< of the rows that are needed, among those that arrive
  RowExchange::InFlight flight;

 private:
  std::int64_t row_bytes_;
  Buffer needed_;
};

/// Where each rank's rows begin.
std::vector<std::int64_t> begins(const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> begin(counts.size(), 0);
  std::exclusive_scan(counts.begin(), counts.end(), begin.begin(), std::int64_t{0});
  return begin;
}

/// f(place in the list, rank, row of the owner) for every row of a halo, or of those that others have in
/// theirs.
template <class F>
void for_rows(const std::vector<std::int64_t>& counts, std::span<const std::int32_t> owner_rows, F&& f) {
  std::size_t place = 0;
  for (std::size_t rank = 0; rank < counts.size(); ++rank)
    for (std::int64_t i = 0; i < counts[rank]; ++i, ++place) f(place, rank, owner_rows[place]);
}

class Broadcast final : public HaloRoute {
 public:
  explicit Broadcast(RowExchange& rows) : rows_(&rows), self_(rows.comm().rank().value()) {}
  std::span<const std::int32_t> written(const HaloLists&) override { return {}; }

  RowCounts counts(const HaloLists& lists, bool backward) override {
    RowCounts counts{.send = std::vector<std::int64_t>(lists.owned_of.size(), lists.owned),
                     .receive = lists.owned_of};
    counts.send[static_cast<std::size_t>(self_)] = counts.receive[static_cast<std::size_t>(self_)] = 0;
    if (backward) std::swap(counts.send, counts.receive);
    return counts;
  }

  std::unique_ptr<HaloTransfer> start(const Rows& rows, const Write& write) override {
    const RowCounts counts = this->counts(rows.lists, rows.backward);
    auto transfer = std::make_unique<BroadcastRows>(rows.row_bytes);
    transfer->sent = rows.backward ? gradients(rows, counts, write) : owned_rows(rows, write);
    transfer->arriving = Buffer(static_cast<std::size_t>(counts.total_receive() * rows.row_bytes));
    transfer->places = places(rows, counts);
    const auto part = [&](const Buffer& buffer, std::int64_t begin, std::int64_t count) {
      return std::span<std::byte>(buffer.data() + begin * rows.row_bytes,
                                  static_cast<std::size_t>(count * rows.row_bytes));
    };
    const auto send = begins(counts.send), receive = begins(counts.receive);
    const int ranks = static_cast<int>(counts.send.size());
    std::vector<RowExchange::Leaving> leaving;
    std::vector<RowExchange::Coming> coming;
    for (int step = 1; step < ranks; ++step) {
      const int from = (self_ - step + ranks) % ranks, to = (self_ + step) % ranks;
      if (counts.receive[from] > 0)
        coming.push_back({Rank(from), part(transfer->arriving, receive[from], counts.receive[from])});
      if (counts.send[to] > 0)
        leaving.push_back(
            {Rank(to), part(transfer->sent, rows.backward ? send[to] : 0, counts.send[to]), counts.send[to]});
    }
    transfer->flight = rows_->start(leaving, coming, rows.label);
    return transfer;
  }

 private:
  static Buffer owned_rows(const Rows& rows, const Write& write) {
    Buffer sent(static_cast<std::size_t>(rows.lists.owned * rows.row_bytes));
    if (sent.bytes() > 0) write(sent.data());
    return sent;
  }

  /// Rank by rank a row for each of its rows.
  static Buffer gradients(const Rows& rows, const RowCounts& counts, const Write& write) {
    const auto bytes = static_cast<std::size_t>(rows.row_bytes);
    const Buffer own(static_cast<std::size_t>(rows.leaving()) * bytes);
    if (own.bytes() > 0) write(own.data());
    Buffer sent(static_cast<std::size_t>(counts.total_send()) * bytes);
    std::fill_n(sent.data(), sent.bytes(), std::byte{0});
    const auto begin = begins(counts.send);
    for_rows(rows.lists.counts.receive, rows.lists.owner_rows.span(),
             [&](std::size_t place, std::size_t rank, std::int32_t row) {
               std::memcpy(sent.data() + static_cast<std::size_t>(begin[rank] + row) * bytes,
                           own.data() + place * bytes, bytes);
             });
    return sent;
  }

  static std::vector<std::int64_t> places(const Rows& rows, const RowCounts& counts) {
    const HaloLists& lists = rows.lists;
    const auto begin = begins(counts.receive);
    std::vector<std::int64_t> places(static_cast<std::size_t>(rows.coming()));
    for_rows(
        rows.backward ? lists.counts.send : lists.counts.receive,
        rows.backward ? lists.send_rows.span() : lists.owner_rows.span(),
        [&](std::size_t place, std::size_t rank, std::int32_t row) { places[place] = begin[rank] + row; });
    return places;
  }

  RowExchange* rows_;
  int self_;
};

}  // namespace

std::unique_ptr<HaloRoute> broadcast(RowExchange& rows) { return std::make_unique<Broadcast>(rows); }

}  // namespace kith::halo
