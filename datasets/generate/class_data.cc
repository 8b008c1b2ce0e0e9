#include "kith/datasets/generate/class_data.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/core/tensor.h"
#include "kith/datasets/generate/gaussian.h"

namespace kith {
namespace {

constexpr std::int64_t kNodeGrain = 1 << 12;

Array<std::int64_t> noisy_labels(const ClassData& data, std::span<const std::int64_t> classes) {
  const PhiloxKey key = philox_key(data.seed, Stream::generate, label_draws);
  Array<std::int64_t> labels = copy_of(classes);
  if (data.classes == 1) return labels;
  parallel_for(0, labels.ssize(), kNodeGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const PhiloxWords words = draw_words(key, StoreId(i), 0, 0);
      if (unit_double(word64(words, 0)) >= data.label_noise) continue;
      const auto step = 1 + bounded(word64(words, 1), static_cast<std::uint64_t>(data.classes - 1));
      labels[i] = (classes[i] + static_cast<std::int64_t>(step)) % data.classes;
    }
  });
  return labels;
}

void add_gaussians(float* row, std::int64_t count, StoreId node, PhiloxKey key, float deviation) {
  for (std::int64_t j = 0; j < count; j += 4) {
    const auto four = gaussians(draw_words(key, node, 0, static_cast<std::uint32_t>(j / 4)));
    for (std::int64_t k = 0; k < std::min<std::int64_t>(4, count - j); ++k) row[j + k] += deviation * four[k];
  }
}

/// A random unit vector for every class.
Matrix class_means(const ClassData& data) {
  const PhiloxKey key = philox_key(data.seed, Stream::generate, mean_draws);
  Matrix means(data.classes, data.features, 0.0F);
  for (std::int64_t c = 0; c < data.classes; ++c) {
    float* row = means.view().row(c);
    add_gaussians(row, data.features, StoreId(c), key, 1);
    double squares = 0;
    for (std::int64_t j = 0; j < data.features; ++j) squares += static_cast<double>(row[j]) * row[j];
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (std::int64_t j = 0; j < data.features; ++j) row[j] *= scale;
  }
  return means;
}

RawFeatures drawn_features(const ClassData& data, Array<std::int64_t> classes) {
  struct Source {
    Matrix means;
    Array<std::int64_t> classes;
  };
  auto source = std::make_shared<const Source>(Source{class_means(data), std::move(classes)});
  const PhiloxKey key = philox_key(data.seed, Stream::generate, noise_draws);
  const auto noise = static_cast<float>(data.feature_noise);
  RawFeatures features;
  features.rows = source->classes.ssize();
  features.cols = data.features;
  features.fill = [=](std::int64_t begin, std::int64_t end, std::byte* out) {
    const std::int64_t cols = source->means.cols();
    auto* row = reinterpret_cast<float*>(out);
    for (std::int64_t i = begin; i < end; ++i, row += cols) {
      std::copy_n(source->means.data() + source->classes[i] * cols, cols, row);
      add_gaussians(row, cols, StoreId(i), key, noise);
    }
  };
  return features;
}

SplitIds drawn_split(const ClassData& data, std::span<const std::int64_t> labels) {
  if (data.split.kind == SplitSpec::Kind::per_class) return per_class_split(labels, data.classes, data.split);
  const Array<std::uint8_t> labelled(labels.size(), std::uint8_t{1});
  return random_split(labelled, data.split);
}

}  // namespace

void add_class_data(RawDataset& raw, const ClassData& data, Array<std::int64_t> true_classes) {
  raw.classes = noisy_labels(data, true_classes);
  raw.class_count = data.classes;
  raw.split = drawn_split(data, raw.classes);
  if (data.features > 0) raw.features = drawn_features(data, std::move(true_classes));
}

void check_option(std::string_view name, double value, double low, double high) {
  if (!(value >= low && value <= high))
    throw InputError(fmt::format("--{} {} is outside [{}, {}]", name, value, low, high));
}

void check_drawn_split(const SplitSpec& split) {
  if (split.kind != SplitSpec::Kind::random && split.kind != SplitSpec::Kind::per_class)
    throw InputError(fmt::format(
        "--split {}: a generated graph brings no split; write random:… or per-class:…", text_of(split)));
}

}  // namespace kith
