// The messages of a halo exchange that carry partials: per peer the tails of all of its partials, then their
// numbers in the protocol's encoding.
#include <algorithm>

#include "kith/core/rehearsal.h"
#include "kith/exec/halo/halo_exchange.h"

namespace kith {
namespace {

std::size_t size_of(std::int64_t count) { return static_cast<std::size_t>(count); }

}  // namespace

void HaloExchange::count_all(const HaloPass& pass, std::int64_t cols, Ledger& into) {
  if (columns() != nullptr && pass.what != Crossing::rows) return count_columns(pass, cols, into);
  if (replicated_of(pass) != nullptr) {
    for (const HaloPart part : {HaloPart::rows, HaloPart::partials}) {
      HaloPass message = pass;
      message.part = part;
      count(message, cols, into);
    }
    return;
  }
  const bool attends = pass.what == Crossing::attention || pass.what == Crossing::additive_attention;
  if (pass.backward && attends && route_->in_rounds() && partials_of(pass) == nullptr) {
    HaloPass again = pass;
    again.backward = false;
    count(again, cols, into);
  }
  if (partials_of(pass) == nullptr) return count(pass, cols, into);
  for (const halo::PartialMessage& message : halo::messages_of(pass, cols))
    count(message.pass, message.cols, into);
}

void HaloExchange::encode_with_tails(const Backend& on, ConstTensor x, std::span<const std::byte> tails,
                                     const Flight& flight, std::byte* wire) {
  const HaloPass& pass = flight.pass_;
  const HaloLists& lists = *flight.lists_;
  const std::span<const StoreId> all = nodes(pass).ids;
  const auto ids = pass.backward ? all.subspan(size_of(lists.owned)) : all.first(size_of(lists.owned));
  const std::int64_t tail = tail_bytes(pass, x.cols), row_bytes = encode(pass).row_bytes(x.cols);
  std::int64_t begin = 0;
  for (const std::int64_t count : pass.backward ? lists.counts.receive : lists.counts.send) {
    if (count == 0) continue;
    wire = std::copy_n(tails.begin() + begin * tail, count * tail, wire);
    encode(pass).encode(on,
                        {.x = x.row_range(begin, begin + count),
                         .rows = {},
                         .ids = ids.subspan(size_of(begin), size_of(count)),
                         .draws = rounding_draws(pass, nodes_.seed, nodes_.self)},
                        wire);
    wire += count * row_bytes;
    begin += count;
  }
}

HaloExchange::Flight HaloExchange::start_partials(const Backend& on, ConstTensor x,
                                                  std::span<const std::byte> tails, HaloPass pass) {
  pass.part = HaloPart::partials;
  pass.zeros = {};
  require(std::ssize(tails) == x.rows * tail_bytes(pass, x.cols), "every partial has its tail",
          {{"bytes", tails.size()}, {"rows", x.rows}});
  return start(on, x, pass, tails);
}

void HaloExchange::finish_partials(const Backend& on, Flight& flight, Tensor x, std::span<std::byte> tails) {
  const std::unique_ptr<Flight> probe = std::move(flight.probe_);
  take_partials(on, flight, x, tails);
  if (probe == nullptr) return;
  Matrix exact(x.rows, x.cols);
  std::vector<std::byte> same(tails.size());
  take_partials(on, *probe, exact, same);
  errors_->add(probe->pass_.layer, probe->pass_.backward, x, exact);
}

void HaloExchange::take_partials(const Backend& on, Flight& flight, Tensor x, std::span<std::byte> tails) {
  wait_for(flight);
  const HaloPass& pass = flight.pass_;
  const std::int64_t tail = tail_bytes(pass, x.cols);
  require(std::ssize(tails) == x.rows * tail, "every partial that arrives has room for its tail",
          {{"bytes", tails.size()}, {"rows", x.rows}});
  const std::vector<std::span<const std::byte>> arrived = flight.transfer_->arrived();
  if (in_frames(pass)) {
    for (std::size_t i = 0; i < flight.arriving_.size(); ++i) {
      const HaloLink& link = flight.arriving_[i];
      std::span<const std::byte> frame = arrived[i];
      const auto front = taken(frame, link.rows() * tail);
      std::copy(front.begin(), front.end(), tails.begin() + link.begin * tail);
      framed(pass).unpack(Cpu{}, exchange_of(pass, x.cols), link, frame,
                          x.row_range(link.begin, link.begin + link.rows()));
    }
    return flight.transfer_.reset();
  }
  // A run holds what one or several ranks sent, whole.
  const HaloLists& lists = *flight.lists_;
  auto run = arrived.begin();
  std::span<const std::byte> wire;
  std::int64_t begin = 0;
  for (const std::int64_t count : pass.backward ? lists.counts.send : lists.counts.receive) {
    if (count == 0) continue;
    while (wire.empty()) wire = *run++;
    const auto front = taken(wire, count * tail);
    std::copy(front.begin(), front.end(), tails.begin() + begin * tail);
    const auto numbers = taken(wire, count * encode(pass).row_bytes(x.cols));
    encode(pass).decode(on, numbers.data(), x.row_range(begin, begin + count));
    begin += count;
  }
  flight.transfer_.reset();
}

}  // namespace kith
