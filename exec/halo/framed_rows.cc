#include "kith/exec/halo/framed_rows.h"

#include <algorithm>

#include "kith/kernels/rows.h"

namespace kith {
namespace {

std::int64_t bitmap_bytes(std::int64_t rows) { return (rows + 7) / 8; }

/// The rows that cross, of a frame.
struct Chosen {
  std::vector<std::int32_t> rows;
  std::vector<StoreId> ids;
};

Chosen chosen_of(const HaloFrame& frame, std::span<const std::uint8_t> crosses) {
  Chosen crossing;
  for (std::int64_t i = 0; i < frame.rows(); ++i) {
    if (crosses[static_cast<std::size_t>(i)] == 0) continue;
    crossing.rows.push_back(static_cast<std::int32_t>(i));
    crossing.ids.push_back(frame.ids[static_cast<std::size_t>(i)]);
  }
  return crossing;
}

}  // namespace

std::vector<HaloLink> links_of(std::span<const std::int64_t> counts, std::span<const std::int32_t> places,
                               std::span<const StoreId> ids) {
  std::vector<HaloLink> links;
  std::int64_t begin = 0;
  for (std::size_t peer = 0; peer < counts.size(); ++peer) {
    if (counts[peer] == 0) continue;
    HaloLink link{.peer = Rank(static_cast<int>(peer)), .begin = begin};
    for (std::int64_t r = begin; r < begin + counts[peer]; ++r)
      link.ids.push_back(ids[places.empty() ? r : places[r]]);
    begin += counts[peer];
    links.push_back(std::move(link));
  }
  return links;
}

RoundingDraws rounding_draws(const HaloPass& pass, std::uint64_t seed, Rank sender) {
  const auto channel = static_cast<std::uint64_t>(2 * pass.layer + (pass.backward ? 1 : 0));
  const auto part = static_cast<std::uint64_t>(pass.part);
  const bool by_sender = pass.backward || pass.part == HaloPart::partials || pass.part == HaloPart::columns;
  const auto apart = static_cast<std::uint64_t>(by_sender ? sender.value() + 1 : 0);
  return {philox_key(seed, Stream::rounding, apart << 32 | part << 24 | channel), pass.step};
}

FramedRows::FramedRows(HaloEncode& encode, HaloSelect& select, FrameCheck check)
    : select_(&select),
      check_(check),
      rows_(encode),
      frames_(encode.frames() != nullptr ? encode.frames() : &rows_) {}

double FramedRows::share_left(const HaloProtocol& protocol) {
  const auto encode = make_encode(protocol.encode, protocol.steps);
  return encode->frames() == nullptr ? 1 : encode->frames()->share_of_sparse_rows();
}

HaloFrame FramedRows::frame_of(const Exchange& exchange, const HaloLink& link, Rank sender) {
  return {.pass = exchange.pass,
          .peer = link.peer,
          .cols = exchange.cols,
          .ids = link.ids,
          .sums = link.sums,
          .seed = exchange.seed,
          .draws = rounding_draws(exchange.pass, exchange.seed, sender),
          .decisions = exchange.decisions};
}

FrameCounts FramedRows::counts_of(const HaloFrame& frame, std::int64_t crossing,
                                  const FrameBytes& bytes) const {
  const std::int64_t bitmap = select_->decides() ? bitmap_bytes(frame.rows()) : 0;
  FrameCounts counts{.rows = crossing, .skipped = frame.rows() - crossing, .bytes = bytes};
  counts.messages = 1 + (bitmap + bytes.payload + bytes.header > 0 ? 1 : 0);
  counts.bytes.header += bitmap + FrameExchange::preamble_bytes(check_);
  return counts;
}

FrameCounts FramedRows::known_counts(const Exchange& exchange, const HaloLink& link) const {
  const HaloFrame frame = frame_of(exchange, link, exchange.self);
  const auto refuse = [] {
    throw InputError(
        "what this protocol sends depends on the data: train a few epochs to count it, without --plan-only");
  };
  Chosen crossing{.rows = {}, .ids = link.ids};
  if (select_->decides()) {
    const auto codes = followed(frame, Decided::crossing);
    if (!codes) refuse();
    crossing = chosen_of(frame, *codes);
  }
  HaloFrame some = frame;
  some.ids = crossing.ids;
  const std::optional<FrameBytes> bytes = crossing.ids.empty() ? FrameBytes{} : frames_->known_bytes(some);
  if (!bytes) refuse();
  return counts_of(frame, std::ssize(crossing.ids), *bytes);
}

std::int64_t FramedRows::most_bytes(const Exchange& exchange, const HaloLink& link) const {
  const HaloFrame frame = frame_of(exchange, link, link.peer);
  return frames_->most_bytes(frame) + (select_->decides() ? bitmap_bytes(frame.rows()) : 0);
}

FrameCounts FramedRows::pack(const Backend& on, const Exchange& exchange, const HaloLink& link, ConstTensor x,
                             std::vector<std::byte>& out) {
  HaloFrame frame = frame_of(exchange, link, exchange.self);
  if (!select_->decides()) return counts_of(frame, frame.rows(), frames_->pack(on, frame, x, out));
  const HaloDecisions::Codes decided =
      settled(frame, Decided::crossing, [&] { return select_->decided(frame, x); });
  select_->note(frame, x, decided);
  std::byte* bits = appended(out, bitmap_bytes(frame.rows()));
  std::fill_n(bits, bitmap_bytes(frame.rows()), std::byte{0});
  for (std::size_t i = 0; i < decided.size(); ++i)
    if (decided[i] != 0) bits[i / 8] |= static_cast<std::byte>(1u << (i % 8));
  const Chosen crossing = chosen_of(frame, decided);
  Matrix rows(std::ssize(crossing.rows), x.cols);
  gather_rows(on, x, crossing.rows, rows);
  HaloFrame some = frame;
  some.ids = crossing.ids;
  some.sums = {};  // support coding alone looks at them, which goes with no selection of the sender's
  const FrameBytes bytes = crossing.rows.empty() ? FrameBytes{} : frames_->pack(on, some, rows, out);
  return counts_of(frame, std::ssize(crossing.rows), bytes);
}

std::vector<char> FramedRows::unpack(const Backend& on, const Exchange& exchange, const HaloLink& link,
                                     std::span<const std::byte> bytes, Tensor y) {
  HaloFrame frame = frame_of(exchange, link, link.peer);
  if (!select_->decides()) {
    frames_->unpack(on, frame, bytes, y);
    return {};
  }
  const auto bits = taken(bytes, bitmap_bytes(frame.rows()));
  std::vector<std::uint8_t> crosses(static_cast<std::size_t>(frame.rows()));
  for (std::size_t i = 0; i < crosses.size(); ++i)
    crosses[i] = static_cast<std::uint8_t>(static_cast<unsigned>(bits[i / 8]) >> (i % 8) & 1u);
  const Chosen crossing = chosen_of(frame, crosses);
  std::vector<char> crossed(crosses.begin(), crosses.end());
  if (crossing.rows.empty()) return crossed;
  HaloFrame some = frame;
  some.ids = crossing.ids;
  some.sums = {};  // support coding alone looks at them, which goes with no selection of the sender's
  Matrix rows(std::ssize(crossing.rows), y.cols);
  frames_->unpack(on, some, bytes, rows);
  for (std::size_t k = 0; k < crossing.rows.size(); ++k)
    std::copy_n(rows.view().row(static_cast<std::int64_t>(k)), y.cols, y.row(crossing.rows[k]));
  return crossed;
}

}  // namespace kith
