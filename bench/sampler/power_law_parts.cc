#include "kith/bench/sampler/power_law_parts.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include <unistd.h>

#include "kith/core/philox.h"

namespace kith::bench {
namespace {

constexpr std::int64_t kDegree = 25;

/// A row's degree is (1 − x)^(−1/2) · mean / 2 for a uniform x, its sources are uniform.
struct Rows {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;

  Rows() {
    const PhiloxKey key = philox_key(1, Stream::generate);
    for (std::int64_t v = 0; v < kNodes; ++v) {
      const double x = unit_double(word64(draw_words(key, StoreId{v}, 0, 0), 0));
      const auto degree = static_cast<std::int64_t>(std::min(5000.0, kDegree / (2 * std::sqrt(1 - x))));
      const auto begin = static_cast<std::ptrdiff_t>(indices.size());
      for (std::int64_t i = 0; i < degree; ++i) {
        const std::uint64_t bits = word64(draw_words(key, StoreId{v}, 1, static_cast<std::uint32_t>(i)), 0);
        indices.push_back(static_cast<std::int32_t>(bounded(bits, kNodes)));
      }
      std::sort(indices.begin() + begin, indices.end());
      indices.erase(std::unique(indices.begin() + begin, indices.end()), indices.end());
      indptr.push_back(static_cast<std::int64_t>(indices.size()));
    }
  }
};

/// The graph as four parts on disk, for the life of the program.
class Data {
 public:
  Data() {
    const Rows rows;
    std::vector<std::int64_t> train(kNodes / 5);
    for (std::size_t i = 0; i < train.size(); ++i) train[i] = static_cast<std::int64_t>(i) * 5;
    const std::vector<std::int64_t> labels(kNodes, 0);
    const std::vector<float> features(kNodes, 0);
    StoreArrays arrays;
    arrays.graph = {rows.indptr, std::span<const std::int32_t>(rows.indices)};
    arrays.features = {reinterpret_cast<const std::byte*>(features.data()), DType::f32, kNodes, 1, {}};
    arrays.labels = {labels, {}, 1};
    arrays.train = train;
    StoreMeta meta;
    meta.name = "bench";
    meta.directed = true;
    PartitionMeta partition;
    partition.method = "range";
    write_store(folder_ / "store", arrays, meta);
    Partitioning partitioning{.k = 4, .assignment = Array<Part>(kNodes)};
    for (std::int64_t v = 0; v < kNodes; ++v)
      partitioning.assignment[v] = Part{static_cast<std::int32_t>(v * 4 / kNodes)};
    write_partitioned_store(folder_ / "parts", Store::open(folder_ / "store"), partitioning, partition);
    parts_.emplace(PartitionedStore::open(folder_ / "parts"));
  }
  ~Data() {
    parts_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  const PartitionedStore& parts() const { return *parts_; }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("kith-sampler-bench-" + std::to_string(::getpid()));
  std::optional<PartitionedStore> parts_;
};

}  // namespace

const PartitionedStore& power_law_parts() {
  static const Data data;
  return data.parts();
}

}  // namespace kith::bench
