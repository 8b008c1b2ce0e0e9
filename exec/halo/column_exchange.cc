// The messages of a column split: a row's columns on their way to the ranks whose they are, and what these
// made of them on the way back. Rows of one exchange have one length, so that shorter shares end with zeros.
// What a rank sends to itself stays as it is, whatever the encoding.
#include <algorithm>
#include <numeric>

#include "kith/core/memory_kind.h"
#include "kith/exec/halo/halo_exchange.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

template <class T>
BasicTensor<T> columns_of(const BasicTensor<T>& x, std::int64_t first, std::int64_t count) {
  return {x.data + first, x.rows, count, x.stride};
}

void copy(const Backend& on, ConstTensor from, Tensor to) { axpby(on, 1, from, 0, to); }

Buffer wire_for(const std::vector<std::int64_t>& rows, std::int64_t row_bytes) {
  const std::int64_t all = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
  return Buffer(static_cast<std::size_t>(all * row_bytes));
}

std::span<std::byte> bytes_of(const Buffer& buffer) { return {buffer.data(), buffer.bytes()}; }

HaloPass message(HaloPass pass, HaloPart part) {
  pass.part = part;
  return pass;
}

}  // namespace

void HaloExchange::count_columns(const HaloPass& pass, std::int64_t cols, Ledger& into) const {
  const std::int64_t width = columns_->width(cols), header = encode_->header_bytes(width),
                     payload = encode_->row_bytes(width) - header;
  const RowCounts there = columns_->to_columns(cols);
  for (int peer = 0; peer < columns_->ranks(); ++peer) {
    const auto place = static_cast<std::size_t>(peer);
    for (const std::int64_t rows : {there.send[place], there.receive[place]})
      add_counts(pass, Rank(peer),
                 {.rows = rows, .messages = rows > 0 ? 1 : 0, .bytes = {rows * payload, rows * header}},
                 into);
  }
}

Matrix HaloExchange::columns_of_all(const Backend& on, ConstTensor x, const HaloPass& pass) {
  if (observer_) observer_(pass, x.cols);
  const MemoryUse use(MemoryKind::halo);
  const ColumnPlan& plan = *columns_;
  count_columns(pass, x.cols, *ledger_);
  const std::int64_t width = plan.width(x.cols), row_bytes = encode_->row_bytes(width);
  const RowCounts counts = plan.to_columns(x.cols);
  const Buffer sent = wire_for(counts.send, row_bytes), arrived = wire_for(counts.receive, row_bytes);
  Matrix share(x.rows, width, 0.0f);  // of a rank with fewer columns
  std::byte* out = sent.data();
  for (int peer = 0; peer < plan.ranks(); ++peer) {
    const std::int64_t columns = plan.columns(peer, x.cols);
    if (counts.send[static_cast<std::size_t>(peer)] == 0) continue;
    ConstTensor part = columns_of(x, plan.first_column(peer, x.cols), columns);
    if (columns < width) {
      copy(on, part, columns_of(share.view(), 0, columns));
      part = share;
    }
    encode_->encode(on,
                    {.x = part,
                     .rows = {},
                     .ids = nodes_.ids.first(static_cast<std::size_t>(lists_.owned)),
                     .draws = rounding_draws(message(pass, HaloPart::columns), nodes_.seed, Rank(peer))},
                    out);
    out += x.rows * row_bytes;
  }
  route_->start(bytes_of(sent), bytes_of(arrived), counts, row_bytes, label(pass)).wait();

  const std::int64_t own = plan.columns(plan.self(), x.cols);
  Matrix all(own > 0 ? plan.nodes() : 0, width, 0.0f);
  if (own == 0) return all;
  const std::byte* in = arrived.data();
  for (int peer = 0; peer < plan.ranks(); ++peer) {
    const Tensor rows = all.view().row_range(plan.first(peer), plan.first(peer + 1));
    if (peer == plan.self()) {
      copy(on, columns_of(x, plan.first_column(peer, x.cols), own), columns_of(rows, 0, own));
    } else if (rows.rows > 0) {
      encode_->decode(on, in, rows);
      in += rows.rows * row_bytes;
    }
  }
  return all;
}

void HaloExchange::rows_of_columns(const Backend& on, ConstTensor all, const HaloPass& pass, Tensor y) {
  const MemoryUse use(MemoryKind::halo);
  const ColumnPlan& plan = *columns_;
  const std::int64_t width = plan.width(y.cols), row_bytes = encode_->row_bytes(width);
  const RowCounts there = plan.to_columns(y.cols), counts{.send = there.receive, .receive = there.send};
  const Buffer sent = wire_for(counts.send, row_bytes), arrived = wire_for(counts.receive, row_bytes);
  const std::span<const StoreId> ids = plan.whole().ids.span();
  std::byte* out = sent.data();
  for (int peer = 0; peer < plan.ranks(); ++peer) {
    if (counts.send[static_cast<std::size_t>(peer)] == 0) continue;
    const auto first = static_cast<std::size_t>(plan.first(peer));
    encode_->encode(on,
                    {.x = all.row_range(plan.first(peer), plan.first(peer + 1)),
                     .rows = {},
                     .ids = ids.subspan(first, static_cast<std::size_t>(plan.owned(peer))),
                     .draws = rounding_draws(message(pass, HaloPart::partials), nodes_.seed, nodes_.self)},
                    out);
    out += plan.owned(peer) * row_bytes;
  }
  route_->start(bytes_of(sent), bytes_of(arrived), counts, row_bytes, label(pass)).wait();

  Matrix share(y.rows, width);
  const std::byte* in = arrived.data();
  for (int peer = 0; peer < plan.ranks(); ++peer) {
    const std::int64_t columns = plan.columns(peer, y.cols);
    if (columns == 0 || y.rows == 0) continue;
    const Tensor to = columns_of(y, plan.first_column(peer, y.cols), columns);
    if (peer == plan.self()) {
      copy(on, columns_of(all.row_range(plan.first(peer), plan.first(peer + 1)), 0, columns), to);
      continue;
    }
    encode_->decode(on, in, columns < width ? share.view() : to);
    if (columns < width) copy(on, columns_of(std::as_const(share).view(), 0, columns), to);
    in += y.rows * row_bytes;
  }
}

}  // namespace kith
