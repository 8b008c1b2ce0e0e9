// Each bucket has a buffer; a full one is appended to the bucket's file. What is added is first laid out by
// bucket on its own thread, so that a bucket's lock is held for one copy.
#include "kith/datasets/external/edge_buckets.h"

#include <algorithm>
#include <mutex>
#include <string>

#include "kith/core/error.h"
#include "kith/datasets/external/disk_file.h"
#include "kith/graph/radix_sort.h"

namespace kith {
namespace {

constexpr int kMostBucketBits = 9;
constexpr std::int64_t kLeastBuffer = std::int64_t{16} << 10;

/// Sorting takes the entries and as much scratch, on every thread.
template <class Entry>
std::int64_t entries_at_once(std::int64_t sort_bytes) {
  return std::max<std::int64_t>(1024,
                                sort_bytes / (2 * static_cast<std::int64_t>(sizeof(Entry)) * thread_count()));
}

void sort_entries(std::span<EdgeKey> entries, std::span<EdgeKey> scratch, int bits) {
  detail::radix_sort(entries, scratch, bits);
}
void sort_entries(std::span<WeightedEdgeKey> entries, std::span<WeightedEdgeKey>, int) {
  std::sort(entries.begin(), entries.end(), [](const WeightedEdgeKey& a, const WeightedEdgeKey& b) {
    return a.key != b.key ? a.key < b.key : a.place < b.place;
  });
}

}  // namespace

template <class Entry>
struct EdgeBuckets<Entry>::Bucket {
  explicit Bucket(std::filesystem::path at) : path(std::move(at)) {}
  std::int64_t entries() const {
    return (file ? file->bytes() / static_cast<std::int64_t>(sizeof(Entry)) : 0) +
           static_cast<std::int64_t>(filled);
  }
  std::mutex mutex;
  std::filesystem::path path;
  std::unique_ptr<DiskFile> file;  ///< made when first needed
  Array<Entry> buffer;
  std::size_t filled = 0;
};

template <class Entry>
EdgeBuckets<Entry>::EdgeBuckets(const std::filesystem::path& folder, const Options& options)
    : folder_(folder), options_(options) {
  // Twice as many as evenly filled buckets would need: real ones are not.
  const std::int64_t wanted = 1 + 2 * options.entries / entries_at_once<Entry>(options.sort_bytes);
  const std::int64_t most = std::max<std::int64_t>(2, options.buffer_bytes / kLeastBuffer);
  bucket_bits_ = 1;
  while ((std::int64_t{1} << bucket_bits_) < std::min(wanted, most) &&
         bucket_bits_ < std::min(kMostBucketBits, options.key_bits))
    ++bucket_bits_;
  shift_ = options.key_bits - bucket_bits_;
  const std::int64_t buffer =
      std::clamp(options.buffer_bytes >> bucket_bits_, kLeastBuffer, std::int64_t{1} << 20);
  for (std::size_t b = 0; b < std::size_t{1} << bucket_bits_; ++b) {
    buckets_.push_back(std::make_unique<Bucket>(folder / ("bucket-" + std::to_string(b))));
    buckets_.back()->buffer = Array<Entry>(static_cast<std::size_t>(buffer) / sizeof(Entry));
  }
}

template <class Entry>
EdgeBuckets<Entry>::~EdgeBuckets() = default;

template <class Entry>
void EdgeBuckets<Entry>::flush(Bucket& bucket) {
  if (!bucket.file) bucket.file = std::make_unique<DiskFile>(bucket.path);
  bucket.file->append(std::as_bytes(std::span(bucket.buffer.data(), bucket.filled)));
  bucket.filled = 0;
}

template <class Entry>
void EdgeBuckets<Entry>::add(std::span<const Entry> entries) {
  std::vector<std::size_t> begin(buckets_.size() + 1, 0);
  for (const Entry& entry : entries) ++begin[bucket_of(entry) + 1];
  for (std::size_t b = 0; b < buckets_.size(); ++b) begin[b + 1] += begin[b];
  Array<Entry> laid_out(entries.size());
  std::vector<std::size_t> next(begin.begin(), begin.end() - 1);
  for (const Entry& entry : entries) laid_out[next[bucket_of(entry)]++] = entry;
  for (std::size_t b = 0; b < buckets_.size(); ++b) {
    std::span<const Entry> mine = laid_out.span().subspan(begin[b], begin[b + 1] - begin[b]);
    Bucket& bucket = *buckets_[b];
    const std::lock_guard lock(bucket.mutex);
    while (!mine.empty()) {
      const std::size_t count = std::min(mine.size(), bucket.buffer.size() - bucket.filled);
      std::copy_n(mine.begin(), count, bucket.buffer.begin() + bucket.filled);
      bucket.filled += count;
      mine = mine.subspan(count);
      if (bucket.filled == bucket.buffer.size()) flush(bucket);
    }
  }
}

template <class Entry>
bool EdgeBuckets<Entry>::fits(std::size_t b) const {
  return shift_ == 0 || buckets_[b]->entries() <= entries_at_once<Entry>(options_.sort_bytes);
}

template <class Entry>
Array<Entry> EdgeBuckets<Entry>::sorted(std::size_t b) {
  Bucket& bucket = *buckets_[b];
  Array<Entry> entries(static_cast<std::size_t>(bucket.entries()));
  const std::size_t on_disk = entries.size() - bucket.filled;
  if (on_disk > 0) bucket.file->read(0, std::as_writable_bytes(std::span(entries.data(), on_disk)));
  std::copy_n(bucket.buffer.begin(), bucket.filled, entries.begin() + on_disk);
  bucket.file.reset();
  bucket.buffer = {};
  bucket.filled = 0;
  Array<Entry> scratch(entries.size());
  sort_entries(entries.span(), scratch.span(), shift_);
  if (prefix_ != 0)
    for (Entry& entry : entries) entry.key |= prefix_;
  return entries;
}

template <class Entry>
std::unique_ptr<EdgeBuckets<Entry>> EdgeBuckets<Entry>::cut_again(std::size_t b) {
  Bucket& bucket = *buckets_[b];
  const std::filesystem::path folder = folder_ / ("cut-" + std::to_string(b));
  std::filesystem::create_directory(folder);
  Options options = options_;
  options.key_bits = shift_;
  options.entries = bucket.entries();
  auto finer = std::make_unique<EdgeBuckets>(folder, options);
  const std::uint64_t prefix = std::uint64_t{b} << shift_;
  finer->prefix_ = prefix_ | prefix;
  const auto hand_over = [&](std::span<Entry> entries) {
    for (Entry& entry : entries) entry.key &= (std::uint64_t{1} << shift_) - 1;
    finer->add(entries);
  };
  Array<Entry> piece(std::size_t{1} << 16);
  const std::int64_t on_disk =
      bucket.file ? bucket.file->bytes() / static_cast<std::int64_t>(sizeof(Entry)) : 0;
  for (std::int64_t at = 0; at < on_disk; at += piece.ssize()) {
    const auto part = piece.span().first(static_cast<std::size_t>(std::min(piece.ssize(), on_disk - at)));
    bucket.file->read(at * static_cast<std::int64_t>(sizeof(Entry)), std::as_writable_bytes(part));
    hand_over(part);
  }
  hand_over(bucket.buffer.span().first(bucket.filled));
  bucket.file.reset();
  bucket.buffer = {};
  bucket.filled = 0;
  return finer;
}

template class EdgeBuckets<EdgeKey>;
template class EdgeBuckets<WeightedEdgeKey>;

}  // namespace kith
