// The messages of a column split: a row's columns on their way to the ranks whose they are, and what these
// made of them on the way back. Rows of one exchange have one length, so that shorter shares end with zeros.
// What a rank sends to itself stays as it is, whatever the encoding.
#include <memory>
#include <utility>

#include "kith/core/memory_kind.h"
#include "kith/exec/halo/column_heads.h"
#include "kith/exec/halo/halo_exchange.h"
#include "kith/kernels/dense.h"

namespace kith {
namespace {

void copy(const Backend& on, ConstTensor from, Tensor to) { axpby(on, 1, from, 0, to); }

/// As many rows, whichever they are.
HaloLists lists_for(const RowCounts& counts) {
  HaloLists lists{.owned = counts.total_send(), .halo = counts.total_receive(), .counts = counts};
  lists.send_rows = Array<std::int32_t>(static_cast<std::size_t>(counts.total_send()));
  return lists;
}

HaloPass message(HaloPass pass, HaloPart part) {
  pass.part = part;
  return pass;
}

/// A pass of rows of `cols` columns, on the wire `width` of them.
struct ColumnWire {
  const ColumnPlan& plan;
  HaloEncode& encode;
  HaloNodes nodes;
  HaloPass pass;
  std::int64_t cols;

  std::int64_t width() const { return plan.width(cols); }
  std::int64_t row_bytes() const { return encode.row_bytes(width()); }
  /// The rank's columns of x.
  template <class T>
  BasicTensor<T> share(const BasicTensor<T>& x, int rank) const {
    return columns_of(x, plan.first_column(rank, cols), plan.columns(rank, cols));
  }
  void pack_columns(const Backend& on, ConstTensor x, const RowCounts& counts, std::byte* out) const;
  void place_columns(const Backend& on, const std::byte* in, ConstTensor x, Tensor all) const;
  void pack_rows(const Backend& on, ConstTensor all, const RowCounts& counts, std::byte* out) const;
  void place_rows(const Backend& on, const std::byte* in, ConstTensor all, Tensor y) const;
};

void ColumnWire::pack_columns(const Backend& on, ConstTensor x, const RowCounts& counts,
                              std::byte* out) const {
  Matrix padded(x.rows, width(), 0.0f);  // for a rank with fewer columns
  for (int peer = 0; peer < plan.ranks(); ++peer) {
    if (counts.send[static_cast<std::size_t>(peer)] == 0) continue;
    ConstTensor part = share(x, peer);
    if (part.cols < width()) {
      copy(on, part, columns_of(padded.view(), 0, part.cols));
      part = padded;
    }
    const RoundingDraws draws = rounding_draws(message(pass, HaloPart::columns), nodes.seed, Rank(peer));
    encode.encode(on, {.x = part, .rows = {}, .ids = nodes.ids, .draws = draws}, out);
    out += x.rows * row_bytes();
  }
}

void ColumnWire::place_columns(const Backend& on, const std::byte* in, ConstTensor x, Tensor all) const {
  for (int peer = 0; peer < plan.ranks(); ++peer) {
    const Tensor rows = all.row_range(plan.first(peer), plan.first(peer + 1));
    const ConstTensor own = share(x, plan.self());
    if (peer == plan.self()) {
      copy(on, own, columns_of(rows, 0, own.cols));
    } else if (rows.rows > 0) {
      encode.decode(on, in, rows);
      in += rows.rows * row_bytes();
    }
  }
}

void ColumnWire::pack_rows(const Backend& on, ConstTensor all, const RowCounts& counts,
                           std::byte* out) const {
  const std::span<const StoreId> ids = plan.whole().ids.span();
  const RoundingDraws draws = rounding_draws(message(pass, HaloPart::partials), nodes.seed, nodes.self);
  for (int peer = 0; peer < plan.ranks(); ++peer) {
    if (counts.send[static_cast<std::size_t>(peer)] == 0) continue;
    const auto first = static_cast<std::size_t>(plan.first(peer));
    encode.encode(on,
                  {.x = all.row_range(plan.first(peer), plan.first(peer + 1)),
                   .rows = {},
                   .ids = ids.subspan(first, static_cast<std::size_t>(plan.owned(peer))),
                   .draws = draws},
                  out);
    out += plan.owned(peer) * row_bytes();
  }
}

void ColumnWire::place_rows(const Backend& on, const std::byte* in, ConstTensor all, Tensor y) const {
  Matrix padded(y.rows, width());
  for (int peer = 0; peer < plan.ranks(); ++peer) {
    const Tensor to = share(y, peer);
    if (to.size() == 0) continue;
    if (peer == plan.self()) {
      copy(on, columns_of(all.row_range(plan.first(peer), plan.first(peer + 1)), 0, to.cols), to);
      continue;
    }
    const bool whole = to.cols == width();
    encode.decode(on, in, whole ? to : padded.view());
    if (!whole) copy(on, columns_of(std::as_const(padded).view(), 0, to.cols), to);
    in += y.rows * row_bytes();
  }
}

}  // namespace

void HaloExchange::count_columns(const HaloPass& pass, std::int64_t cols, Ledger& into) const {
  const ColumnWidths widths = column_widths(pass, cols, columns_->ranks());
  const auto add = [&](int peer, std::int64_t rows, const HaloEncode& encode, std::int64_t width) {
    const std::int64_t header = encode.header_bytes(width), payload = encode.row_bytes(width) - header;
    add_counts(pass, Rank(peer),
               {.rows = rows, .messages = rows > 0 ? 1 : 0, .bytes = {rows * payload, rows * header}}, into);
  };
  const RowCounts there = columns_->to_columns(widths.there), back = columns_->to_columns(widths.back);
  for (int peer = 0; peer < columns_->ranks(); ++peer) {
    const auto place = static_cast<std::size_t>(peer);
    add(peer, there.send[place], encode(pass), columns_->width(widths.there));
    add(peer, back.receive[place], encode(pass), columns_->width(widths.back));
    if (!widths.sums_edges || peer == columns_->self()) continue;
    for (const int rank : {peer, columns_->self()})
      add(peer, columns_->edges(rank).count(), *exact_encode_, pass.heads);
  }
}

void HaloExchange::begin_columns(const HaloPass& pass, std::int64_t cols) {
  if (observer_) observer_(pass, cols);
  count_columns(pass, cols, *ledger_);
}

/// Waits; what came lies in one run.
std::unique_ptr<HaloTransfer> HaloExchange::transferred(const HaloLists& lists, std::int64_t row_bytes,
                                                        const HaloPass& pass, const HaloRoute::Write& write) {
  auto transfer =
      route_->start({.lists = lists, .row_bytes = row_bytes, .label = label(pass), .in_pieces = true}, write);
  transfer->wait();
  return transfer;
}

Matrix HaloExchange::columns_of_all(const Backend& on, ConstTensor x, const HaloPass& pass) {
  const MemoryUse use(MemoryKind::halo);
  HaloNodes own = nodes_;
  own.ids = nodes_.ids.first(static_cast<std::size_t>(lists_.owned));
  const ColumnWire wire{*columns_, encode(pass), own, pass, x.cols};
  const HaloLists lists = lists_for(columns_->to_columns(x.cols));
  const auto columns = transferred(lists, wire.row_bytes(), pass,
                                   [&](std::byte* out) { wire.pack_columns(on, x, lists.counts, out); });
  const bool any = columns_->columns(columns_->self(), x.cols) > 0;
  Matrix all(any ? columns_->nodes() : 0, wire.width(), 0.0f);
  if (any) wire.place_columns(on, columns->arrived().front().data(), x, all);
  return all;
}

void HaloExchange::rows_of_columns(const Backend& on, ConstTensor all, const HaloPass& pass, Tensor y) {
  const MemoryUse use(MemoryKind::halo);
  const ColumnWire wire{*columns_, encode(pass), nodes_, pass, y.cols};
  const RowCounts there = columns_->to_columns(y.cols);
  const HaloLists lists = lists_for({.send = there.receive, .receive = there.send});
  const auto rows = transferred(lists, wire.row_bytes(), pass,
                                [&](std::byte* out) { wire.pack_rows(on, all, lists.counts, out); });
  wire.place_rows(on, rows->arrived().front().data(), all, y);
}

void HaloExchange::sum_edges_over_ranks(const Backend& on, Tensor values, const HaloPass& pass) {
  const MemoryUse use(MemoryKind::halo);
  HaloEncode& encode = *exact_encode_;
  const std::int64_t row_bytes = encode.row_bytes(values.cols);
  const int self = columns_->self();
  const auto share = [&](int rank) {
    const ColumnPlan::Edges edges = columns_->edges(rank);
    return values.row_range(edges.begin, edges.end);
  };
  const auto each_peer = [&](auto&& f) {
    for (int peer = 0; peer < columns_->ranks(); ++peer)
      if (peer != self) f(peer);
  };
  RowCounts counts{std::vector<std::int64_t>(static_cast<std::size_t>(columns_->ranks()), 0), {}};
  counts.receive = counts.send;
  each_peer([&](int peer) {
    counts.send[static_cast<std::size_t>(peer)] = share(peer).rows;
    counts.receive[static_cast<std::size_t>(peer)] = share(self).rows;
  });
  const auto write = [&](std::byte* out, ConstTensor rows) {
    if (rows.rows > 0) encode.encode(on, {.x = rows, .rows = {}, .ids = {}, .draws = {}}, out);
    return out + rows.rows * row_bytes;
  };
  const Tensor own = share(self);
  {
    const auto summands = transferred(lists_for(counts), row_bytes, pass, [&](std::byte* out) {
      each_peer([&](int peer) { out = write(out, share(peer)); });
    });
    Matrix sum(own.rows, own.cols, 0.0f), part(own.rows, own.cols);
    const std::byte* in = summands->arrived().front().data();
    for (int peer = 0; peer < columns_->ranks() && own.rows > 0; ++peer) {
      if (peer != self) {
        encode.decode(on, in, part);
        in += own.rows * row_bytes;
      }
      axpby(on, 1, peer == self ? ConstTensor(own) : part.view(), 1, sum);
    }
    copy(on, sum, own);
  }
  std::swap(counts.send, counts.receive);
  const auto sums = transferred(lists_for(counts), row_bytes, pass,
                                [&](std::byte* out) { each_peer([&](int) { out = write(out, own); }); });
  const std::byte* in = sums->arrived().front().data();
  each_peer([&](int peer) {
    if (share(peer).rows > 0) encode.decode(on, in, share(peer));
    in += share(peer).rows * row_bytes;
  });
}

}  // namespace kith
