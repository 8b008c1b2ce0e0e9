// A fetch decides for every node where its stored bytes are (an owned row in the mapped part, a cached row,
// or a row about to arrive), moves the remote ones, and then decodes all in one pass over the output. Both
// the ids and the rows go in owner order, so the reply needs no ids. Rows that are stored as fp32 are copied
// straight to their places, those further on asked for meanwhile.
#include "kith/sampler/feature_store.h"

#include <algorithm>
#include <cstring>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/kernels/rows.h"
#include "kith/sampler/ranked_bits.h"

namespace kith {
namespace {

constexpr std::int64_t kRowsAtOnce = 64;
constexpr ExchangeLabel kIdLabel{.what = "feature id lists", .counter = "features.wire"};
constexpr ExchangeLabel kRowLabel{.what = "feature rows", .counter = "features.wire"};

std::vector<std::int64_t> offsets_of(const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> offsets(counts.size() + 1, 0);
  for (std::size_t i = 0; i < counts.size(); ++i) offsets[i + 1] = offsets[i] + counts[i];
  return offsets;
}

template <class T>
std::span<const std::byte> bytes_of(const Array<T>& values) {
  return std::as_bytes(values.span());
}
template <class T>
std::span<std::byte> bytes_of(Array<T>& values) {
  return std::as_writable_bytes(values.span());
}

}  // namespace

struct FeatureStore::State {
  Ledger* ledger;
  const OwnedData* owned;
  const Ownership* ownership;
  RowExchange exchange;
  DType dtype = owned->feature_dtype();
  std::int64_t row_bytes = owned->feature_row_bytes();
  /// int8 rows travel and are cached with their scale behind them.
  std::int64_t packed_bytes = row_bytes + (dtype == DType::i8 ? 4 : 0);
  RankedBits cached{};             ///< over global ids
  Array<std::byte> cached_rows{};  ///< packed, by rank in `cached`

  bool owns(GlobalId node) const {
    return node.value() >= owned->first && node.value() < owned->first + owned->nodes;
  }
  void pack(std::int64_t row, std::byte* out) const;
  /// Remote rows under way: `rows` are theirs once `flight` has been waited for.
  struct Arriving {
    Array<std::byte> rows, sent;
    std::vector<std::int64_t> place;      ///< of each row asked for, in `rows`
    std::vector<std::int64_t> per_owner;  ///< how many were asked for
    RowExchange::InFlight flight;
  };
  void start_rows(const Array<std::int32_t>& asked, const RowCounts& counts, Arriving& arriving);
  Arriving ask_for(std::span<const GlobalId> remote);
  void fill(const Array<GlobalId>& nodes);
  void count(std::int64_t local, std::int64_t from_cache, const std::vector<std::int64_t>& per_owner);
};

void FeatureStore::State::pack(std::int64_t row, std::byte* out) const {
  std::memcpy(out, owned->feature_row(row), static_cast<std::size_t>(row_bytes));
  if (dtype != DType::i8) return;
  const float scale = owned->feature_scale(row);
  std::memcpy(out + row_bytes, &scale, sizeof scale);
}

/// Answers the id lists of the others: `asked` are own rows, in the order of the askers.
void FeatureStore::State::start_rows(const Array<std::int32_t>& asked, const RowCounts& counts,
                                     Arriving& arriving) {
  const bool owned_rows = std::all_of(asked.begin(), asked.end(),
                                      [&](std::int32_t row) { return row >= 0 && row < owned->nodes; });
  require(owned_rows, "a rank is asked for rows it owns");
  arriving.sent = Array<std::byte>(static_cast<std::size_t>(asked.ssize() * packed_bytes));
  parallel_for(0, asked.ssize(), kRowsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (i + 8 < end) __builtin_prefetch(owned->feature_row(asked[i + 8]));
      pack(asked[i], arriving.sent.data() + i * packed_bytes);
    }
  });
  arriving.flight = exchange.start(bytes_of(std::as_const(arriving.sent)), arriving.rows.span(), counts,
                                   packed_bytes, kRowLabel);
}

/// The packed rows of remote nodes, in owner order. Collective.
FeatureStore::State::Arriving FeatureStore::State::ask_for(std::span<const GlobalId> remote) {
  Arriving arriving;
  auto& [rows, sent, place, per_owner, flight] = arriving;
  per_owner.assign(static_cast<std::size_t>(ownership->ranks()), 0);
  for (const GlobalId node : remote) ++per_owner[ownership->rank_of(node).value()];
  std::vector<std::int64_t> next = offsets_of(per_owner);
  Array<std::int32_t> ids(remote.size());
  place.resize(remote.size());
  for (std::size_t i = 0; i < remote.size(); ++i) {
    const Rank owner = ownership->rank_of(remote[i]);
    place[i] = next[owner.value()]++;
    ids[place[i]] = static_cast<std::int32_t>(remote[i].value() - ownership->first(owner));
  }
  const RowCounts lists{per_owner, exchange.exchange_counts(per_owner, kIdLabel)};
  Array<std::int32_t> asked(static_cast<std::size_t>(lists.total_receive()));
  exchange.exchange(bytes_of(std::as_const(ids)), bytes_of(asked), lists, sizeof(std::int32_t), kIdLabel);
  rows = Array<std::byte>(remote.size() * static_cast<std::size_t>(packed_bytes));
  start_rows(asked, {lists.receive, lists.send}, arriving);
  return arriving;
}

void FeatureStore::State::fill(const Array<GlobalId>& nodes) {
  std::vector<std::int64_t> members;
  for (const GlobalId node : nodes) {
    if (node.value() < 0 || node.value() >= ownership->nodes() || owns(node))
      throw Error(with_facts("a cache holds remote nodes", {{"global id", node.value()}}));
    members.push_back(node.value());
  }
  cached = RankedBits(ownership->nodes(), members);
  Arriving arriving = ask_for(nodes);
  arriving.flight.wait();
  cached_rows = Array<std::byte>(arriving.rows.size());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    std::memcpy(cached_rows.data() + cached.rank_of(members[i]) * packed_bytes,
                arriving.rows.data() + arriving.place[i] * packed_bytes,
                static_cast<std::size_t>(packed_bytes));
  ledger->add("features.cache_rows", static_cast<double>(nodes.size()));
  ledger->add("features.cache_fill_bytes", static_cast<double>(arriving.rows.size()));
}

void FeatureStore::State::count(std::int64_t local, std::int64_t from_cache,
                                const std::vector<std::int64_t>& per_owner) {
  ledger->add("features.local_rows", static_cast<double>(local));
  ledger->add("features.cached_rows", static_cast<double>(from_cache));
  for (std::size_t peer = 0; peer < per_owner.size(); ++peer) {
    if (per_owner[peer] == 0) continue;
    const auto rows = static_cast<double>(per_owner[peer]);
    const int p = static_cast<int>(peer);
    ledger->add({"features.remote_rows", -1, p}, rows);
    ledger->add({"features.remote_bytes", -1, p}, rows * static_cast<double>(packed_bytes));
    ledger->add({"features.id_bytes", -1, p}, rows * static_cast<double>(sizeof(std::int32_t)));
  }
}

FeatureStore::FeatureStore(Communicator& comm, Ledger& ledger, const OwnedData& owned,
                           const Ownership& ownership, const Array<GlobalId>& cached)
    : state_(new State{&ledger, &owned, &ownership, RowExchange(comm, ledger)}) {
  state_->fill(cached);
}

FeatureStore::~FeatureStore() = default;

std::int64_t FeatureStore::cols() const { return state_->owned->feature_cols(); }

namespace {

/// Where one node's packed row lies, and its scale.
struct Source {
  const std::byte* row = nullptr;
  float scale = 1;
};

void prefetch_row(const std::byte* row, std::int64_t bytes) {
  for (std::int64_t line = 0; line < bytes; line += 64) __builtin_prefetch(row + line, 0, 2);
  __builtin_prefetch(row + bytes - 1, 0, 2);
}

/// Copies row_of(i) to place_of(i) for i in [0, count).
template <class RowOf, class PlaceOf>
void copy_rows(std::int64_t count, std::int64_t row_bytes, RowOf&& row_of, PlaceOf&& place_of) {
  if (row_bytes == 0) return;
  // About 16 KiB under way.
  const std::int64_t ahead = std::clamp<std::int64_t>(16384 / row_bytes, 2, 64);
  parallel_for(0, count, kRowsAtOnce * 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < std::min(begin + ahead, end); ++i) prefetch_row(row_of(i), row_bytes);
    for (std::int64_t i = begin; i < end; ++i) {
      if (i + ahead < end) prefetch_row(row_of(i + ahead), row_bytes);
      std::memcpy(place_of(i), row_of(i), static_cast<std::size_t>(row_bytes));
    }
  });
}

/// Copies the sources of the listed rows of out.
void copy_listed(std::span<const std::int64_t> rows, std::span<const Source> sources, std::int64_t row_bytes,
                 Tensor out) {
  copy_rows(
      static_cast<std::int64_t>(rows.size()), row_bytes, [&](std::int64_t i) { return sources[rows[i]].row; },
      [&](std::int64_t i) { return out.row(rows[i]); });
}

/// Copies the rows that are at hand, those whose address is known, in pieces with calls in between.
template <class Between>
void copy_present(std::span<const Source> sources, std::int64_t row_bytes, Tensor out, Between&& between) {
  std::vector<std::int64_t> present;
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (sources[i].row != nullptr) present.push_back(static_cast<std::int64_t>(i));
  constexpr std::size_t kPieces = 8;
  const std::size_t size = present.size() / kPieces + 1;
  for (std::size_t begin = 0; begin < present.size(); begin += size) {
    copy_listed(std::span(present).subspan(begin, std::min(size, present.size() - begin)), sources, row_bytes,
                out);
    between();
  }
}

void decode(std::span<const Source> sources, DType dtype, std::int64_t row_bytes, Tensor out) {
  const auto count = static_cast<std::int64_t>(sources.size());
  parallel_for(0, count, kRowsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::byte> packed(static_cast<std::size_t>((end - begin) * row_bytes));
    std::vector<float> scales;
    for (std::int64_t i = begin; i < end; ++i) {
      if (i + 8 < count)
        for (std::int64_t line = 0; line < std::min<std::int64_t>(row_bytes, 512); line += 64)
          __builtin_prefetch(sources[i + 8].row + line);
      std::memcpy(packed.data() + (i - begin) * row_bytes, sources[i].row,
                  static_cast<std::size_t>(row_bytes));
      if (dtype == DType::i8) scales.push_back(sources[i].scale);
    }
    decode_rows(Cpu{}, packed.data(), dtype, scales, out.row_range(begin, end));
  });
}

}  // namespace

void FeatureStore::fetch(std::span<const GlobalId> nodes, Tensor out) {
  State& s = *state_;
  require(out.rows == static_cast<std::int64_t>(nodes.size()) && out.cols == cols(),
          "fetch: out is [nodes, F]",
          {{"nodes", nodes.size()}, {"out.rows", out.rows}, {"out.cols", out.cols}});
  if (s.dtype == DType::f32 && s.ownership->ranks() == 1) {
    copy_rows(
        out.rows, s.row_bytes,
        [&](std::int64_t i) { return s.owned->feature_row(nodes[i].value() - s.owned->first); },
        [&](std::int64_t i) { return out.row(i); });
    s.count(static_cast<std::int64_t>(nodes.size()), 0, {});
    return;
  }
  const auto scale_of = [&](const std::byte* row) {
    Source source{row, 1};
    if (s.dtype == DType::i8) std::memcpy(&source.scale, row + s.row_bytes, sizeof source.scale);
    return source;
  };
  std::vector<Source> sources(nodes.size());
  std::vector<GlobalId> remote;
  std::vector<std::int64_t> remote_at;
  std::int64_t local = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (s.owns(nodes[i])) {
      const std::int64_t row = nodes[i].value() - s.owned->first;
      sources[i] = {s.owned->feature_row(row), s.owned->feature_scale(row)};
      ++local;
    } else if (s.cached.contains(nodes[i].value())) {
      sources[i] = scale_of(s.cached_rows.data() + s.cached.rank_of(nodes[i].value()) * s.packed_bytes);
    } else {
      remote.push_back(nodes[i]);
      remote_at.push_back(static_cast<std::int64_t>(i));
    }
  }
  State::Arriving arriving = s.ask_for(remote);
  s.count(local, static_cast<std::int64_t>(nodes.size() - remote.size()) - local, arriving.per_owner);
  const bool copies = s.dtype == DType::f32;
  if (copies) copy_present(sources, s.row_bytes, out, [&] { arriving.flight.progress(); });
  arriving.flight.wait();
  for (std::size_t i = 0; i < remote.size(); ++i)
    sources[remote_at[i]] = scale_of(arriving.rows.data() + arriving.place[i] * s.packed_bytes);
  if (copies)
    copy_listed(remote_at, sources, s.row_bytes, out);
  else
    decode(sources, s.dtype, s.row_bytes, out);
}

}  // namespace kith
