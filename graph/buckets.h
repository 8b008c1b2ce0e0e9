#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "kith/core/array.h"
#include "kith/core/parallel.h"

namespace kith::detail {

/// Entries gathered by ranges of 2^shift keys; within a range they keep the order in which they were emitted.
/// A range is small enough to be sorted out in the cache, and ranges are independent of each other.
template <class Entry>
struct Buckets {
  Array<Entry> entries;
  std::vector<std::int64_t> begin;  ///< [buckets + 1], positions in `entries`
  std::int64_t keys = 0;
  int shift = 0;

  struct Bucket {
    std::int64_t first_key;
    std::int64_t last_key;  ///< one behind
    std::int64_t begin;     ///< the position of its first entry among all
    std::span<const Entry> entries;
  };

  std::int64_t count() const { return static_cast<std::int64_t>(begin.size()) - 1; }
  Bucket bucket(std::int64_t b) const {
    return {b << shift, std::min(keys, (b + 1) << shift), begin[b],
            entries.span().subspan(begin[b], begin[b + 1] - begin[b])};
  }
  /// Calls visit(bucket) for every bucket, in parallel.
  template <class Visit>
  void for_each(Visit&& visit) const {
    parallel_for(0, count(), 1, [&](std::int64_t b, std::int64_t) { visit(bucket(b)); });
  }
};

/// About 4096 entries a bucket, but few enough buckets that writing to all of them at once stays in the
/// caches.
inline int bucket_shift(std::int64_t keys, std::int64_t items) {
  const std::int64_t most = items < (std::int64_t{1} << 28) ? 1024 : 4096;
  const std::int64_t wanted = std::clamp<std::int64_t>(items / 4096, 1, most);
  const std::int64_t width = std::max<std::int64_t>(1, (keys + wanted - 1) / wanted);
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(width - 1)));
}

/// Turns counts[chunk][bucket] into the position of each chunk's first entry of each bucket; returns the
/// buckets' begins. Chunks are in order within a bucket, which is what makes the gathering stable.
inline std::vector<std::int64_t> positions_of(Array<std::int64_t>& counts, std::int64_t buckets) {
  const std::int64_t chunks = counts.ssize() / buckets;
  std::vector<std::int64_t> begin(static_cast<std::size_t>(buckets) + 1);
  std::int64_t position = 0;
  for (std::int64_t b = 0; b < buckets; ++b) {
    begin[b] = position;
    for (std::int64_t c = 0; c < chunks; ++c) position += std::exchange(counts[c * buckets + b], position);
  }
  begin[buckets] = position;
  return begin;
}

/// Gathers what emit(begin, end, sink) hands to sink(Entry) for the items [0, items). `emit` is called twice
/// for every chunk and must emit the same; `entry.key` is in [0, keys). The chunks, and so the result, do not
/// depend on the number of threads.
template <class Entry, class Emit>
Buckets<Entry> bucketed(std::int64_t keys, std::int64_t items, const Emit& emit) {
  if (keys == 0) return {{}, {0}, 0, 0};
  Buckets<Entry> result;
  result.keys = keys;
  result.shift = bucket_shift(keys, items);
  const int shift = result.shift;
  const std::int64_t buckets = ((keys - 1) >> shift) + 1;
  const std::int64_t grain = std::max<std::int64_t>(1 << 16, (items + 255) / 256);
  Array<std::int64_t> counts(static_cast<std::size_t>((items + grain - 1) / grain * buckets), 0);
  parallel_for(0, items, grain, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t* mine = counts.data() + begin / grain * buckets;
    emit(begin, end, [&](const Entry& entry) { ++mine[entry.key >> shift]; });
  });
  result.begin = positions_of(counts, buckets);
  result.entries = Array<Entry>(static_cast<std::size_t>(result.begin.back()));
  Entry* out = result.entries.data();
  parallel_for(0, items, grain, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t* next = counts.data() + begin / grain * buckets;
    emit(begin, end, [&](const Entry& entry) { out[next[entry.key >> shift]++] = entry; });
  });
  return result;
}

/// Stable counting sort of one bucket: place(position, entry) is called once per entry, and offsets[key −
/// first_key] becomes the begin of the key's group (one more: the end of the last), both counted from 0.
template <class Bucket, class Place>
void place_by_key(const Bucket& bucket, std::vector<std::int64_t>& offsets, Place&& place) {
  const std::int64_t width = bucket.last_key - bucket.first_key;
  // Counts stand two behind their key: after the sum, offsets[k + 1] is where k begins, and after placing,
  // where it ends, which is where k + 1 begins.
  offsets.assign(static_cast<std::size_t>(width) + 2, 0);
  for (const auto& entry : bucket.entries) ++offsets[entry.key - bucket.first_key + 2];
  for (std::int64_t k = 1; k <= width; ++k) offsets[k] += offsets[k - 1];
  for (const auto& entry : bucket.entries) place(offsets[entry.key - bucket.first_key + 1]++, entry);
  offsets.pop_back();
}

/// Sorts out all buckets by key: place(position, entry) is called once per entry, in parallel; returns where
/// each key's group begins [keys + 1].
template <class Entry, class Place>
Array<std::int64_t> place_all(const Buckets<Entry>& buckets, const Place& place) {
  Array<std::int64_t> begins(static_cast<std::size_t>(buckets.keys) + 1);
  buckets.for_each([&](const auto& bucket) {
    static thread_local std::vector<std::int64_t> offsets;
    place_by_key(bucket, offsets,
                 [&](std::int64_t at, const Entry& entry) { place(bucket.begin + at, entry); });
    for (std::int64_t key = bucket.first_key; key < bucket.last_key; ++key)
      begins[key] = bucket.begin + offsets[key - bucket.first_key];
  });
  begins[buckets.keys] = buckets.begin.back();
  return begins;
}

}  // namespace kith::detail
