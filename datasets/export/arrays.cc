#include <algorithm>

#include <fmt/format.h>

#include "kith/datasets/export/writers.h"
#include "kith/datasets/mapped_rows.h"
#include "kith/datasets/npy_file.h"

namespace kith {
namespace {

constexpr std::int64_t kBlock = 1 << 20;

}  // namespace

float feature_at(const FeatureView& features, std::int64_t i) {
  switch (features.dtype) {
    case DType::f32: return reinterpret_cast<const float*>(features.data)[i];
    case DType::i8:
      return features.scales[i / features.cols] * reinterpret_cast<const std::int8_t*>(features.data)[i];
    default: break;
  }
  const std::uint16_t bits = reinterpret_cast<const std::uint16_t*>(features.data)[i];
  return features.dtype == DType::f16 ? float_of_f16(bits) : float_of_bf16(bits);
}

void write_sources(const Store& store, NpyWriter& file) {
  const IndexView indices = store.graph().indices;
  std::vector<std::int64_t> block;
  for (std::int64_t begin = 0; begin < indices.size(); begin += kBlock) {
    const IndexView part = indices.subview(begin, std::min(kBlock, indices.size() - begin));
    part.visit([&](auto values) { block.assign(values.begin(), values.end()); });
    file.write_values(std::span<const std::int64_t>(block));
  }
}

void write_destinations(const Store& store, NpyWriter& file) {
  const CsrAny graph = store.graph();
  std::vector<std::int64_t> block;
  for (std::int64_t v = 0; v < graph.n(); ++v) {
    block.insert(block.end(), static_cast<std::size_t>(graph.indptr[v + 1] - graph.indptr[v]), v);
    if (static_cast<std::int64_t>(block.size()) < kBlock && v + 1 < graph.n()) continue;
    file.write_values(std::span<const std::int64_t>(block));
    block.clear();
  }
}

void write_plain_features(const Store& store, const std::filesystem::path& path, ExportNotes& notes) {
  const FeatureView features = store.features();
  const bool as_is = features.dtype == DType::f32 || features.dtype == DType::f16;
  NpyWriter file(path, as_is ? features.dtype : DType::f32, {features.rows, features.cols});
  if (as_is) {
    file.write({features.data, static_cast<std::size_t>(features.rows * features.row_bytes())});
  } else {
    const std::int64_t count = features.rows * features.cols;
    std::vector<float> block;
    for (std::int64_t begin = 0; begin < count; begin += kBlock) {
      block.resize(static_cast<std::size_t>(std::min(kBlock, count - begin)));
      for (std::size_t i = 0; i < block.size(); ++i)
        block[i] = feature_at(features, begin + static_cast<std::int64_t>(i));
      file.write_values(std::span<const float>(block));
    }
    notes.push_back(fmt::format("features were written as fp32; --feature-dtype {} makes them {} again",
                                name_of(features.dtype), name_of(features.dtype)));
  }
  file.finish();
}

void write_npy_folder(const Store& store, const std::filesystem::path& out, ExportNotes&) {
  const auto put = [&](const char* name, auto values) { write_npy(out / name, values); };
  const CsrAny graph = store.graph();
  put(array_name::kIndptr, graph.indptr);
  graph.indices.visit([&](auto values) { put(array_name::kIndices, values); });
  if (!store.edge_weights().empty()) put(array_name::kEdgeWeights, store.edge_weights());
  const FeatureView features = store.features();
  if (features.cols > 0)
    // NumPy has no bf16: the name says what the numbers are.
    write_npy(out / (features.dtype == DType::bf16 ? "features_bf16.npy" : array_name::kFeatures),
              features.dtype, {features.rows, features.cols},
              {features.data, static_cast<std::size_t>(features.rows * features.row_bytes())});
  if (!features.scales.empty()) put(array_name::kFeatureScales, features.scales);
  const LabelView labels = store.labels();
  if (!labels.classes.empty()) put(array_name::kLabels, labels.classes);
  if (labels.multi_label())
    write_npy(out / array_name::kLabels, DType::f32, {graph.n(), labels.count}, std::as_bytes(labels.multi));
  for (const Split split : kSplits) put(array_name::of(split).c_str(), store.split(split));
  const UserIdView ids = store.user_ids();
  if (!ids.numbers.empty()) put(array_name::kNodeIds, ids.numbers);
  if (!ids.name_offsets.empty()) {
    put(array_name::kNodeNameOffsets, ids.name_offsets);
    put(array_name::kNodeNames, ids.names);
  }
}

}  // namespace kith
