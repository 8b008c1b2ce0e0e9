#pragma once
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "kith/core/array.h"

namespace kith {

/// A directed edge to be sorted: destination and source side by side, so that ascending keys are rows in
/// order.
struct EdgeKey {
  std::uint64_t key;
};
/// With a weight. Of parallel edges the first as read counts; one that was added as a reverse only when there
/// is no other.
struct WeightedEdgeKey {
  std::uint64_t key;
  std::uint64_t place;  ///< the top bit: an added reverse; then the order of reading
  float weight;
};

/// Keys on disk, by ranges: an external sort by the leading digits (MSD). Ranges that are still larger than
/// the memory given are cut again by their next digits, so one destination with any number of edges fits too.
template <class Entry>
class EdgeBuckets {
 public:
  struct Options {
    int key_bits = 64;
    std::int64_t entries = 0;       ///< how many are expected
    std::int64_t sort_bytes = 0;    ///< memory for what is sorted at one time
    std::int64_t buffer_bytes = 0;  ///< memory for what waits to be written
  };
  /// Writes below `folder`, which must exist.
  EdgeBuckets(const std::filesystem::path& folder, const Options& options);
  ~EdgeBuckets();

  /// Adds entries in any order. Thread-safe. Throws InputError when the disk is full.
  void add(std::span<const Entry> entries);
  /// Hands out all entries ascending by key (weighted ones by key and place) in consecutive pieces, by one
  /// thread; pieces are sorted in parallel. Empties the buckets and removes their files.
  template <class Use>
  void drain(Use&& use);

  int count() const { return 1 << bucket_bits_; }

 private:
  struct Bucket;
  std::size_t bucket_of(const Entry& entry) const { return static_cast<std::size_t>(entry.key >> shift_); }
  void flush(Bucket& bucket);
  Array<Entry> sorted(std::size_t bucket);
  bool fits(std::size_t bucket) const;
  std::unique_ptr<EdgeBuckets> cut_again(std::size_t bucket);

  std::filesystem::path folder_;
  Options options_;
  int bucket_bits_ = 0, shift_ = 0;
  std::uint64_t prefix_ = 0;  ///< the digits that all keys here have before their own
  std::vector<std::unique_ptr<Bucket>> buckets_;
};

}  // namespace kith

#include "kith/datasets/external/edge_buckets_drain.h"
