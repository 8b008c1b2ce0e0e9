#include "kith/datasets/content_summary.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "kith/core/error.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

template <class T>
T stored_at(const std::byte* data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

double value_at(const FeatureView& features, std::int64_t row, std::int64_t column) {
  const std::byte* at = features.row(row) + column * static_cast<std::int64_t>(size_of(features.dtype));
  switch (features.dtype) {
    case DType::f32: return stored_at<float>(at);
    case DType::f16: return float_of_f16(stored_at<std::uint16_t>(at));
    case DType::bf16: return float_of_bf16(stored_at<std::uint16_t>(at));
    case DType::i8: return static_cast<float>(stored_at<std::int8_t>(at)) * features.scales[row];
    default: throw CorruptError("features are fp32, fp16, bf16 or int8");
  }
}

struct Sums {
  double minimum = std::numeric_limits<double>::infinity(), maximum = -minimum, sum = 0;
  std::int64_t zeros = 0;
};

Sums combined(const Sums& a, const Sums& b) {
  return {std::min(a.minimum, b.minimum), std::max(a.maximum, b.maximum), a.sum + b.sum, a.zeros + b.zeros};
}

}  // namespace

FeatureSummary feature_summary(const FeatureView& features) {
  if (features.rows == 0 || features.cols == 0) return {};
  const Sums sums = parallel_reduce(
      0, features.rows, 512, Sums{},
      [&](std::int64_t begin, std::int64_t end) {
        Sums here;
        for (std::int64_t i = begin; i < end; ++i) {
          for (std::int64_t j = 0; j < features.cols; ++j) {
            const double value = value_at(features, i, j);
            here = combined(here, {value, value, value, value == 0 ? 1 : 0});
          }
        }
        return here;
      },
      combined);
  const std::int64_t values = features.rows * features.cols;
  return {sums.minimum, sums.maximum, sums.sum / static_cast<double>(values), values, sums.zeros};
}

std::vector<std::int64_t> edges_between_parts(const PartitionedStore& parts) {
  const auto k = static_cast<std::size_t>(parts.k());
  std::vector<std::int64_t> between(k * k, 0);
  const auto first = parts.first();
  const auto add = [&](std::vector<std::int64_t> sum, const std::vector<std::int64_t>& more) {
    sum.resize(k);
    for (std::size_t q = 0; q < more.size(); ++q) sum[q] += more[q];
    return sum;
  };
  for (std::size_t p = 0; p < k; ++p) {
    const PartView part = parts.part(Part(static_cast<int>(p)));
    const auto row = part.indices.visit([&](auto columns) {
      return parallel_reduce(
          0, std::ssize(columns), 1 << 16, std::vector<std::int64_t>(k),
          [&](std::int64_t begin, std::int64_t end) {
            std::vector<std::int64_t> counts(k);
            for (std::int64_t e = begin; e < end; ++e) {
              const std::int64_t source = columns[e];
              if (source < 0 || source >= first.back())
                throw CorruptError(with_facts("a row names a node that is not there", {{"node", source}}));
              const auto owner = std::upper_bound(first.begin(), first.end(), source);
              ++counts[static_cast<std::size_t>(owner - first.begin() - 1)];
            }
            return counts;
          },
          add);
    });
    std::copy(row.begin(), row.end(), between.begin() + static_cast<std::ptrdiff_t>(p * k));
  }
  return between;
}

}  // namespace kith
