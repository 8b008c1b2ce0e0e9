#include "kith/datasets/import/feature_dtype.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

constexpr std::int64_t kRowGrain = 256;
constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

/// Calls row(i) for every row, in parallel.
template <class Row>
void for_rows(const RawFeatures& features, Row&& row) {
  parallel_for(0, features.rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) row(i);
  });
}

template <class T, class Make>
Array<std::byte> converted(const RawFeatures& features, Make&& make) {
  Array<std::byte> bytes(static_cast<std::size_t>(features.rows * features.cols) * sizeof(T));
  auto* out = reinterpret_cast<T*>(bytes.data());
  for_rows(features, [&](std::int64_t i) {
    for (std::int64_t e = i * features.cols; e < (i + 1) * features.cols; ++e)
      out[e] = make(feature_value(features, e));
  });
  return bytes;
}

void expect_halves(const RawFeatures& features, const std::string& where) {
  constexpr float kLargest = 65504;
  const std::int64_t count = features.rows * features.cols;
  const std::int64_t bad = parallel_reduce(
      0, count, 1 << 16, kNone,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          if (std::abs(feature_value(features, i)) > kLargest) return i;
        return kNone;
      },
      [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
  if (bad != kNone)
    throw InputError(
        fmt::format("{}: row {}, column {}: {} is outside fp16's [-65504, 65504]; use --feature-dtype bf16",
                    where.empty() ? "features" : where, bad / features.cols, bad % features.cols,
                    feature_value(features, bad)));
}

/// value = scale · stored, with the row's largest |value| at ±127.
void quantise(RawFeatures& features) {
  Array<float> scales(static_cast<std::size_t>(features.rows));
  Array<std::byte> bytes(static_cast<std::size_t>(features.rows * features.cols));
  auto* out = reinterpret_cast<std::int8_t*>(bytes.data());
  for_rows(features, [&](std::int64_t i) {
    const std::int64_t begin = i * features.cols, end = begin + features.cols;
    float largest = 0;
    for (std::int64_t e = begin; e < end; ++e)
      largest = std::max(largest, std::abs(feature_value(features, e)));
    scales[i] = largest == 0 ? 1 : largest / 127;
    for (std::int64_t e = begin; e < end; ++e)
      out[e] = static_cast<std::int8_t>(
          std::clamp(std::nearbyint(feature_value(features, e) / scales[i]), -127.0F, 127.0F));
  });
  features.hold(std::move(bytes));
  features.scales = std::move(scales);
}

}  // namespace

void convert_features(RawFeatures& features, DType type, const std::string& where) {
  if (features.cols == 0 || features.dtype == type) return;
  if (type == DType::i8) {
    quantise(features);
    features.dtype = type;
    return;
  }
  if (type == DType::f16) expect_halves(features, where);
  Array<std::byte> bytes = type == DType::f32 ? converted<float>(features, [](float value) { return value; })
                           : type == DType::f16 ? converted<std::uint16_t>(features, f16_of_float)
                                                : converted<std::uint16_t>(features, bf16_of_float);
  features.hold(std::move(bytes));
  features.scales = {};
  features.dtype = type;
}

}  // namespace kith
