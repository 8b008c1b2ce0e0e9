#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/datasets/text/edge_parser.h"
#include "kith/datasets/text/id_table.h"

namespace kith {

/// All ids by shard of their hash. After `number_all`, entry e of shard s is node rank(s, e): entries by
/// place, which does not depend on the number of threads.
template <class Table>
class IdShards {
 public:
  Table& shard(std::size_t s) { return tables_[s]; }
  const Table& shard(std::size_t s) const { return tables_[s]; }
  std::int64_t rank(std::size_t s, std::uint32_t entry) const { return ranks_[s][entry]; }
  std::int64_t size() const {
    std::int64_t all = 0;
    for (const Table& table : tables_) all += static_cast<std::int64_t>(table.size());
    return all;
  }
  std::size_t bytes() const {
    std::size_t all = 0;
    for (const Table& table : tables_) all += table.bytes() + 8 * table.size();
    return all;
  }

  /// Numbers the entries; returns them in their order as entry · shards + shard.
  Array<std::uint64_t> number_all();

 private:
  std::array<Table, kIdShards> tables_;
  std::array<std::vector<std::int64_t>, kIdShards> ranks_;
};

/// Entries are cut into ranges of places by a sample, and each range is sorted on its own.
template <class Table>
Array<std::uint64_t> IdShards<Table>::number_all() {
  constexpr std::int64_t kRanges = 256;
  struct Entry {
    std::uint64_t place, id;
    bool operator<(const Entry& other) const { return place < other.place; }
  };
  std::vector<std::uint64_t> sample;
  for (std::size_t s = 0; s < kIdShards; ++s)
    for (std::size_t e = 0; e < tables_[s].size(); e += 1 + tables_[s].size() / 256)
      sample.push_back(tables_[s].place(static_cast<std::uint32_t>(e)));
  std::sort(sample.begin(), sample.end());
  std::vector<std::uint64_t> cuts;  // range r holds the places in [cuts[r - 1], cuts[r])
  for (std::int64_t r = 1; r < kRanges && !sample.empty(); ++r)
    cuts.push_back(sample[sample.size() * static_cast<std::size_t>(r) / kRanges]);
  const auto range_of = [&](std::uint64_t place) {
    return std::upper_bound(cuts.begin(), cuts.end(), place) - cuts.begin();
  };
  // counts[range][shard], then the position of that shard's first entry of the range.
  std::vector<std::int64_t> counts(kRanges * kIdShards, 0);
  parallel_for(0, kIdShards, 1, [&](std::int64_t s, std::int64_t) {
    for (std::uint32_t e = 0; e < tables_[s].size(); ++e)
      ++counts[range_of(tables_[s].place(e)) * kIdShards + s];
  });
  std::vector<std::int64_t> begin(kRanges + 1);
  std::int64_t total = 0;
  for (std::int64_t r = 0; r < kRanges; ++r) {
    begin[r] = total;
    for (std::size_t s = 0; s < kIdShards; ++s) total += std::exchange(counts[r * kIdShards + s], total);
  }
  begin[kRanges] = total;
  Array<Entry> entries(static_cast<std::size_t>(total));
  parallel_for(0, kIdShards, 1, [&](std::int64_t s, std::int64_t) {
    ranks_[s].resize(tables_[s].size());
    for (std::uint32_t e = 0; e < tables_[s].size(); ++e) {
      const std::uint64_t place = tables_[s].place(e);
      entries[counts[range_of(place) * kIdShards + s]++] = {place, e * std::uint64_t{kIdShards} + s};
    }
  });
  Array<std::uint64_t> order(static_cast<std::size_t>(total));
  parallel_for(0, kRanges, 1, [&](std::int64_t r, std::int64_t) {
    std::sort(entries.begin() + begin[r], entries.begin() + begin[r + 1]);
    for (std::int64_t i = begin[r]; i < begin[r + 1]; ++i) {
      order[i] = entries[i].id;
      ranks_[entries[i].id % kIdShards][entries[i].id / kIdShards] = i;
    }
  });
  return order;
}

/// A number of the user's, hashed: where it stands among a chunk's ids.
struct NumberToken {
  std::int64_t id;
  std::uint32_t tag;
  std::uint32_t at;
};

/// The ids of one chunk by shard, as parse_names lays out texts.
struct NumberTokens {
  Array<NumberToken> tokens;
  std::uint32_t begin[kIdShards + 1] = {};
};

inline std::uint64_t hash_of_number(std::int64_t id) {
  return mix64(static_cast<std::uint64_t>(id) + 0x9E3779B97F4A7C15ull);
}

template <class Id>
NumberTokens tokens_of(std::span<const Id> ids) {
  NumberTokens out;
  for (const Id id : ids) ++out.begin[shard_of(hash_of_number(id)) + 1];
  for (std::size_t s = 0; s < kIdShards; ++s) out.begin[s + 1] += out.begin[s];
  std::uint32_t next[kIdShards];
  std::copy_n(out.begin, kIdShards, next);
  out.tokens = Array<NumberToken>(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::uint64_t hash = hash_of_number(ids[i]);
    out.tokens[next[shard_of(hash)]++] = {ids[i], static_cast<std::uint32_t>(hash),
                                          static_cast<std::uint32_t>(i)};
  }
  return out;
}

}  // namespace kith
