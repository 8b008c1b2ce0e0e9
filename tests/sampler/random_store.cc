#include "sampler/random_store.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <string>

#include <unistd.h>

namespace kith::test {
namespace {

/// 64 random bits of what is named by (purpose, i).
std::uint64_t random_bits(std::uint64_t seed, std::uint32_t purpose, std::int64_t i) {
  return word64(draw_words(philox_key(seed, Stream::generate, purpose), StoreId{i}, 0, 0), 0);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  static std::atomic<int> count{0};
  path_ = std::filesystem::temp_directory_path() /
          ("kith-sampler-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
  std::filesystem::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

RandomStore::RandomStore(const RandomStoreOptions& o) : options(o) {
  make_graph();
  make_contents();
  write();
}

void RandomStore::make_graph() {
  rows.resize(static_cast<std::size_t>(options.nodes));
  std::int64_t draw = 0;
  for (std::int64_t v = 0; v < options.nodes; ++v) {
    const double share = unit_double(random_bits(options.seed, 0, v));
    // Degrees from 0 (one node in ten) to about 20 times the mean.
    const auto degree = share < 0.1 ? 0
                                    : static_cast<std::int64_t>(0.5 * static_cast<double>(options.degree) /
                                                                std::sqrt(1.0025 - share));
    for (std::int64_t i = 0; i < degree; ++i) {
      const double x = unit_double(random_bits(options.seed, 1, draw++));
      const auto u = static_cast<std::int64_t>(x * x * static_cast<double>(options.nodes));
      if (u != v) rows[v].insert(u);
    }
    if (options.self_loops && v % 3 == 0) rows[v].insert(v);
  }
}

void RandomStore::make_contents() {
  partitioning.k = options.parts;
  partitioning.assignment = Array<Part>(static_cast<std::size_t>(options.nodes));
  for (std::int64_t v = 0; v < options.nodes; ++v) {
    const bool trains = v % options.train_stride == 0;
    if (trains) train.push_back(v);
    if (options.all_splits && v % options.train_stride == 1)
      (v / options.train_stride % 2 == 0 ? valid : test).push_back(v);
    const int choices = options.parts - (trains ? options.parts_without_train : 0);
    const auto choice = bounded(random_bits(options.seed, 2, v), static_cast<std::uint64_t>(choices));
    // Parts without train nodes are the first ones.
    partitioning.assignment[v] = Part{static_cast<std::int32_t>(choice) + options.parts - choices};
    labels.push_back(static_cast<std::int64_t>(random_bits(options.seed, 3, v) % options.classes));
    for (std::int64_t c = 0; c < options.classes; ++c)
      multi_labels.push_back(static_cast<float>(random_bits(options.seed, 4, v * options.classes + c) % 2));
    scales.push_back(0.01f * static_cast<float>(1 + v % 7));
  }
  features.resize(static_cast<std::size_t>(options.nodes * row_bytes()));
  for (std::int64_t i = 0; i < options.nodes * options.cols; ++i) {
    const std::uint64_t bits = random_bits(options.seed, 5, i);
    const float value = static_cast<float>(unit_double(bits)) - 0.5f;
    const std::uint16_t bf16 = bf16_of_float(value);
    const auto f16 = static_cast<std::uint16_t>(0x3000 | (bits & 0x83ff));  // ±[0.125, 0.25)
    const auto i8 = static_cast<std::int8_t>(bits);
    const void* source = options.dtype == DType::f32    ? static_cast<const void*>(&value)
                         : options.dtype == DType::bf16 ? static_cast<const void*>(&bf16)
                         : options.dtype == DType::f16  ? static_cast<const void*>(&f16)
                                                        : static_cast<const void*>(&i8);
    const std::size_t size = size_of(options.dtype);
    std::memcpy(features.data() + static_cast<std::size_t>(i) * size, source, size);
  }
}

void RandomStore::write() {
  std::vector<std::int64_t> indptr{0};
  std::vector<std::int32_t> indices;
  StoreMeta meta;
  meta.name = "random";
  meta.directed = true;
  for (std::int64_t v = 0; v < options.nodes; ++v) {
    for (const std::int64_t u : rows[v]) indices.push_back(static_cast<std::int32_t>(u));
    indptr.push_back(static_cast<std::int64_t>(indices.size()));
    meta.self_loops += rows[v].count(v) > 0 ? 1 : 0;
  }
  meta.nodes = options.nodes;
  meta.edges = indptr.back();
  meta.features = options.cols;
  meta.classes = options.classes;
  meta.multi_label = options.multi_label;
  StoreArrays arrays;
  arrays.graph = {indptr, std::span<const std::int32_t>(indices)};
  arrays.features = {features.data(), options.dtype, options.nodes, options.cols, {}};
  if (options.dtype == DType::i8) arrays.features.scales = scales;
  if (options.multi_label)
    arrays.labels.multi = multi_labels;
  else
    arrays.labels.classes = labels;
  arrays.labels.count = options.classes;
  arrays.train = train;
  arrays.valid = valid;
  arrays.test = test;
  write_store(folder.path() / "store", arrays, meta);
  const Store store = Store::open(folder.path() / "store");
  PartitionMeta partition;
  partition.k = options.parts;
  partition.method = "random";
  write_partitioned_store(folder.path() / "parts", store, partitioning, partition);
}

float RandomStore::feature(std::int64_t node, std::int64_t col) const {
  const std::byte* at =
      features.data() + node * row_bytes() + col * static_cast<std::int64_t>(size_of(options.dtype));
  std::uint16_t half = 0;
  float value = 0;
  switch (options.dtype) {
    case DType::f32: std::memcpy(&value, at, 4); return value;
    case DType::bf16: std::memcpy(&half, at, 2); return float_of_bf16(half);
    case DType::f16: std::memcpy(&half, at, 2); return float_of_f16(half);
    default: return static_cast<float>(static_cast<std::int8_t>(*at)) * scales[node];
  }
}

std::vector<std::int64_t> store_ids_of(const PartitionedStore& parts) {
  std::vector<std::int64_t> ids;
  for (Part part{0}; part.value() < parts.k(); ++part) {
    const PartView view = parts.part(part);
    ids.insert(ids.end(), view.store_ids.begin(), view.store_ids.end());
  }
  return ids;
}

}  // namespace kith::test
