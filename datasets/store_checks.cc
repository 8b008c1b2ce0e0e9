// Every check looks for the *first* offending position with a minimum over fixed chunks, so the message does
// not depend on the number of threads, and formats a message only for that one.
#include "kith/datasets/store_checks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "kith/core/error.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kGrain = std::int64_t{1} << 14;

/// The smallest i in [0, count) that is bad, or kNone.
template <class Bad>
std::int64_t first_bad(std::int64_t count, std::int64_t grain, Bad&& bad) {
  return parallel_reduce(
      0, count, grain, kNone,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          if (bad(i)) return i;
        }
        return kNone;
      },
      [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
}

std::string text(std::int64_t value) { return std::to_string(value); }
std::string text(float value) { return std::isnan(value) ? "NaN" : std::to_string(value); }

void check_length(const char* name, std::int64_t length, std::int64_t expected) {
  if (length == expected) return;
  throw InputError(std::string(name) + ": " + text(length) + " entries where " + text(expected) +
                   " are expected");
}

void check_indptr(const CsrAny& graph) {
  if (graph.indptr.empty()) throw InputError("indptr: it needs n + 1 entries, it is empty");
  if (graph.indptr.front() != 0)
    throw InputError("indptr: begins with " + text(graph.indptr.front()) + ", not 0");
  check_length("indices", graph.indices.size(), graph.indptr.back());
  const std::int64_t i = first_bad(graph.n(), kGrain, [&](std::int64_t row) {
    return graph.indptr[row + 1] < graph.indptr[row] || graph.indptr[row + 1] > graph.indices.size();
  });
  if (i == kNone) return;
  throw InputError("indptr: entry " + text(i + 1) + " is " + text(graph.indptr[i + 1]) + ", below entry " +
                   text(i) + " or above " + text(graph.indices.size()));
}

void check_rows(const CsrAny& graph) {
  const std::int64_t n = graph.n();
  graph.visit([&](auto csr) {
    const std::int64_t outside = first_bad(csr.m(), kGrain, [&](std::int64_t e) {
      return csr.indices[e] < 0 || static_cast<std::int64_t>(csr.indices[e]) >= n;
    });
    if (outside != kNone) {
      throw InputError("indices: entry " + text(outside) + " is node " +
                       text(std::int64_t{csr.indices[outside]}) + ", outside [0, " + text(n) + ")");
    }
    const std::int64_t unsorted = first_bad(n, kGrain / 16, [&](std::int64_t row) {
      const auto sources = csr.row(row);
      return !std::is_sorted(sources.begin(), sources.end());
    });
    if (unsorted != kNone) throw InputError("indices: the row of node " + text(unsorted) + " is not sorted");
  });
}

float element(const FeatureView& view, std::int64_t row, std::int64_t column) {
  const std::byte* at = view.row(row) + column * static_cast<std::int64_t>(size_of(view.dtype));
  if (view.dtype == DType::f32) return *reinterpret_cast<const float*>(at);
  const std::uint16_t half = *reinterpret_cast<const std::uint16_t*>(at);
  return view.dtype == DType::f16 ? float_of_f16(half) : float_of_bf16(half);
}

/// A number is finite when its exponent is not all ones: one test of the bits for all three formats.
template <class Bits>
bool row_is_finite(const std::byte* row, std::int64_t columns, Bits exponent) {
  const auto* bits = reinterpret_cast<const Bits*>(row);
  bool finite = true;
  for (std::int64_t c = 0; c < columns; ++c) finite &= (bits[c] & exponent) != exponent;
  return finite;
}

bool row_is_finite(const FeatureView& view, std::int64_t row) {
  switch (view.dtype) {
    case DType::f32: return row_is_finite<std::uint32_t>(view.row(row), view.cols, 0x7f800000u);
    case DType::f16: return row_is_finite<std::uint16_t>(view.row(row), view.cols, 0x7c00u);
    case DType::bf16: return row_is_finite<std::uint16_t>(view.row(row), view.cols, 0x7f80u);
    default: return std::isfinite(view.scales[row]);
  }
}

void check_features(const FeatureView& features, std::int64_t n) {
  if (features.cols == 0) return;
  const DType type = features.dtype;
  if (type != DType::f32 && type != DType::f16 && type != DType::bf16 && type != DType::i8) {
    throw InputError("features: element type " + std::string(name_of(type)) +
                     "; fp32, fp16, bf16 and int8 are stored");
  }
  check_length("features", features.rows, n);
  if (type == DType::i8) check_length("feature scales", static_cast<std::int64_t>(features.scales.size()), n);
  const std::int64_t grain = std::max<std::int64_t>(1, kGrain / features.cols);
  const std::int64_t row = first_bad(n, grain, [&](std::int64_t i) { return !row_is_finite(features, i); });
  if (row == kNone) return;
  if (type == DType::i8)
    throw InputError("feature scales: node " + text(row) + " has " + text(features.scales[row]));
  std::int64_t column = 0;
  while (std::isfinite(element(features, row, column))) ++column;
  throw InputError("features: node " + text(row) + ", column " + text(column) + " is " +
                   text(element(features, row, column)) + "; features must be finite");
}

void check_labels(const LabelView& labels, std::int64_t n) {
  const auto count = labels.count;
  if (labels.classes.empty() && labels.multi.empty()) return;
  if (count < 1) throw InputError("labels: the number of classes is " + text(count));
  if (labels.multi_label()) {
    check_length("labels", static_cast<std::int64_t>(labels.multi.size()), n * count);
    const std::int64_t i = first_bad(n * count, kGrain, [&](std::int64_t at) {
      const float value = labels.multi[at];
      return value != 0 && value != 1 && !std::isnan(value);
    });
    if (i == kNone) return;
    throw InputError("labels: node " + text(i / count) + ", class " + text(i % count) + " is " +
                     text(labels.multi[i]) + "; 0, 1 or NaN (none) is expected");
  }
  check_length("labels", static_cast<std::int64_t>(labels.classes.size()), n);
  const std::int64_t i = first_bad(
      n, kGrain, [&](std::int64_t at) { return labels.classes[at] < -1 || labels.classes[at] >= count; });
  if (i == kNone) return;
  throw InputError("labels: node " + text(i) + " has class " + text(labels.classes[i]) + ", outside [0, " +
                   text(count) + ") and not -1 (none)");
}

void check_splits(const StoreArrays& arrays, std::int64_t n) {
  std::vector<std::uint8_t> member(static_cast<std::size_t>(n), 0);
  const std::span<const std::int64_t> splits[] = {arrays.train, arrays.valid, arrays.test};
  for (const Split split : kSplits) {
    const auto number = static_cast<std::uint8_t>(static_cast<int>(split) + 1);
    for (const std::int64_t node : splits[static_cast<int>(split)]) {
      const std::string_view name = name_of(split);
      if (node < 0 || node >= n)
        throw InputError(std::string(name) + ": node " + text(node) + " is outside [0, " + text(n) + ")");
      const int other = member[static_cast<std::size_t>(node)];
      if (other == number) throw InputError(std::string(name) + ": node " + text(node) + " stands twice");
      if (other != 0) {
        throw InputError("the splits overlap: node " + text(node) + " is in " +
                         std::string(name_of(static_cast<Split>(other - 1))) + " and in " +
                         std::string(name));
      }
      member[static_cast<std::size_t>(node)] = number;
    }
  }
}

void check_weights(std::span<const float> weights, std::int64_t m) {
  if (weights.empty()) return;
  check_length("edge_weights", static_cast<std::int64_t>(weights.size()), m);
  const std::int64_t i = first_bad(m, kGrain, [&](std::int64_t at) { return !std::isfinite(weights[at]); });
  if (i != kNone)
    throw InputError("edge_weights: edge " + text(i) + " has " + text(weights[i]) + ", not finite");
}

void check_numbers(std::span<const std::int64_t> ids, std::int64_t n) {
  check_length("node_ids", static_cast<std::int64_t>(ids.size()), n);
  const auto descends = [&](std::int64_t i) { return i > 0 && ids[i - 1] >= ids[i]; };
  if (first_bad(n, kGrain, descends) == kNone) return;
  std::vector<std::int64_t> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twin = std::adjacent_find(sorted.begin(), sorted.end());
  if (twin != sorted.end()) throw InputError("node_ids: " + text(*twin) + " stands twice");
}

void check_names(const std::vector<std::string>& names, std::int64_t n) {
  check_length("node_names", static_cast<std::int64_t>(names.size()), n);
  std::unordered_map<std::string_view, std::int64_t> first;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto [at, is_new] = first.try_emplace(names[static_cast<std::size_t>(i)], i);
    if (is_new) continue;
    throw InputError("node_names: nodes " + text(at->second) + " and " + text(i) + " are both '" +
                     std::string(at->first) + "'");
  }
}

/// Equal names have equal hashes: sorted by hash, only neighbours need comparing.
void check_names(std::span<const std::int64_t> offsets, std::span<const std::uint8_t> bytes, std::int64_t n) {
  check_length("node_name_offsets", static_cast<std::int64_t>(offsets.size()), n + 1);
  const auto size = static_cast<std::int64_t>(bytes.size());
  const auto wrong = [&](std::int64_t i) { return offsets[i + 1] < offsets[i] || offsets[i + 1] > size; };
  if (offsets.front() != 0 || offsets.back() != size || first_bad(n, kGrain, wrong) != kNone)
    throw InputError("node_name_offsets: they do not ascend from 0 to " + text(size));
  const auto name = [&](std::int64_t i) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()) + offsets[i],
                            static_cast<std::size_t>(offsets[i + 1] - offsets[i]));
  };
  constexpr std::int64_t kGroups = 256;
  std::vector<std::vector<std::pair<std::uint64_t, std::int64_t>>> groups(kGroups);
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(n));
  parallel_for(0, n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) hashes[i] = std::hash<std::string_view>()(name(i));
  });
  for (std::int64_t i = 0; i < n; ++i) groups[hashes[i] >> 56].emplace_back(hashes[i], i);
  const std::int64_t twin = parallel_reduce(
      0, kGroups, 1, kNone,
      [&](std::int64_t g, std::int64_t) {
        auto& group = groups[g];
        std::sort(group.begin(), group.end());
        std::int64_t first = kNone;
        for (std::size_t i = 1; i < group.size(); ++i)
          for (std::size_t j = i; j-- > 0 && group[j].first == group[i].first;)
            if (name(group[i].second) == name(group[j].second)) first = std::min(first, group[i].second);
        return first;
      },
      [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
  if (twin == kNone) return;
  std::int64_t other = 0;
  while (name(other) != name(twin)) ++other;
  throw InputError("node_names: nodes " + text(other) + " and " + text(twin) + " are both '" +
                   std::string(name(twin)) + "'");
}

}  // namespace

void check_arrays(const StoreArrays& arrays) {
  check_indptr(arrays.graph);
  check_rows(arrays.graph);
  const std::int64_t n = arrays.graph.n();
  check_features(arrays.features, n);
  check_labels(arrays.labels, n);
  check_splits(arrays, n);
  check_weights(arrays.edge_weights, arrays.graph.m());
  if (arrays.node_ids.empty() + arrays.node_names.empty() + arrays.name_offsets.empty() < 2) {
    throw InputError("node_ids and node_names: only one of them names the nodes");
  }
  if (!arrays.node_ids.empty()) check_numbers(arrays.node_ids, n);
  if (!arrays.node_names.empty()) check_names(arrays.node_names, n);
  if (!arrays.name_offsets.empty()) check_names(arrays.name_offsets, arrays.names, n);
}

}  // namespace kith
