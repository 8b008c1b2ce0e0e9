#include "kith/datasets/import/sparse_matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/host.h"
#include "kith/core/parallel.h"
#include "kith/core/progress.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 16;
constexpr std::int64_t kRowGrain = 512;

template <class Index>
OwnedColumns<Index> columns_of(const SparseMatrix& matrix, RowsAre rows_are) {
  const std::int64_t m = matrix.indices.ssize();
  OwnedColumns<Index> edges{Array<Index>(m), Array<Index>(m)};
  Index* of_row = rows_are == RowsAre::sources ? edges.source.data() : edges.destination.data();
  Index* of_column = rows_are == RowsAre::sources ? edges.destination.data() : edges.source.data();
  parallel_for(0, matrix.rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t e = matrix.indptr[row]; e < matrix.indptr[row + 1]; ++e) {
        of_row[e] = static_cast<Index>(row);
        of_column[e] = static_cast<Index>(matrix.indices[e]);
      }
  });
  return edges;
}

bool fits_narrow(std::int64_t n) { return n <= std::numeric_limits<std::int32_t>::max(); }

Array<std::int32_t> narrowed(const Array<std::int64_t>& ids) {
  Array<std::int32_t> out(ids.size());
  parallel_for(0, ids.ssize(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out[i] = static_cast<std::int32_t>(ids[i]);
  });
  return out;
}

template <class T>
Array<std::byte> as_byte_array(const Array<T>& values) {
  return copy_of(std::as_bytes(values.span()));
}

/// The elements of a 2-D array in row order.
template <class T>
Array<T> row_ordered(Array<T> values, const NpyHeader& header) {
  if (!header.fortran_order) return values;
  const std::int64_t rows = header.shape[0], cols = header.shape[1];
  Array<T> turned(values.size());
  parallel_for(0, rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = 0; j < cols; ++j)
      for (std::int64_t i = begin; i < end; ++i) turned[i * cols + j] = values[j * rows + i];
  });
  return turned;
}

/// The elements of an array in column order, in row order.
template <class T>
Array<std::byte> turned_elements(const NpyView& view) {
  Array<T> words(static_cast<std::size_t>(view.header.count()));
  std::copy_n(view.data.data(), view.data.size(), reinterpret_cast<std::byte*>(words.data()));
  return as_byte_array(row_ordered(std::move(words), view.header));
}

/// Rows of a type that stays: where they are mapped, they are left there.
void keep_rows(RawFeatures& features, const NpyView& view) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(view.data.data()) % size_of(features.dtype) == 0;
  if (!view.header.fortran_order && view.file && aligned) {
    features.mapped = view.data;
    features.file = view.file;
    return;
  }
  expect_room(view.where, 2.0 * static_cast<double>(view.data.size()));
  if (!view.header.fortran_order) return features.hold(copy_of(view.data));
  switch (size_of(features.dtype)) {
    case 1: return features.hold(turned_elements<std::uint8_t>(view));
    case 2: return features.hold(turned_elements<std::uint16_t>(view));
    default: return features.hold(turned_elements<std::uint32_t>(view));
  }
}

bool is_floating(DType type) { return type == DType::f16 || type == DType::f32 || type == DType::f64; }

/// −1 for NaN; throws on a fraction.
Array<std::int64_t> classes_of(const NpyView& view) {
  if (!is_floating(view.header.dtype)) return view.copied<std::int64_t>();
  const Array<double> values = view.copied<double>();
  Array<std::int64_t> classes(values.size());
  for (std::int64_t i = 0; i < values.ssize(); ++i) {
    const double value = values[i];
    const bool whole = value == std::floor(value) && std::abs(value) <= static_cast<double>(kMostClasses);
    if (!std::isnan(value) && !whole)
      throw InputError(
          fmt::format("{}: node {}: label {} is no class in [-1, {})", view.where, i, value, kMostClasses));
    classes[i] = std::isnan(value) ? -1 : static_cast<std::int64_t>(value);
  }
  return classes;
}

void set_classes(RawDataset& raw, const NpyView& view) {
  raw.classes = classes_of(view);
  std::int64_t most = -1;
  for (std::int64_t i = 0; i < raw.classes.ssize(); ++i) {
    const std::int64_t label = raw.classes[i];
    if (label < -1 || label >= kMostClasses)
      throw InputError(
          fmt::format("{}: node {}: label {} is outside [-1, {})", view.where, i, label, kMostClasses));
    most = std::max(most, label);
  }
  raw.class_count = most + 1;
}

}  // namespace

void check(const SparseMatrix& matrix) {
  auto fail = [&](std::string why) { throw InputError(matrix.where + ": " + why); };
  if (matrix.rows < 0 || matrix.cols < 0)
    fail(fmt::format("shape [{}, {}] is negative", matrix.rows, matrix.cols));
  if (matrix.indptr.ssize() != matrix.rows + 1)
    fail(fmt::format("indptr has {} entries, but {} rows need {}", matrix.indptr.ssize(), matrix.rows,
                     matrix.rows + 1));
  if (matrix.indptr[0] != 0) fail(fmt::format("indptr begins with {}, not 0", matrix.indptr[0]));
  for (std::int64_t i = 0; i < matrix.rows; ++i)
    if (matrix.indptr[i + 1] < matrix.indptr[i])
      fail(fmt::format("indptr falls from {} to {} at row {}", matrix.indptr[i], matrix.indptr[i + 1], i));
  if (matrix.indptr.back() != matrix.indices.ssize())
    fail(fmt::format("indptr ends with {}, but there are {} indices", matrix.indptr.back(),
                     matrix.indices.ssize()));
  for (std::int64_t e = 0; e < matrix.indices.ssize(); ++e)
    if (matrix.indices[e] < 0 || matrix.indices[e] >= matrix.cols)
      fail(fmt::format("indices: entry {}: {} is outside [0, {})", e, matrix.indices[e], matrix.cols));
  if (!matrix.values.empty() && matrix.values.size() != matrix.indices.size())
    fail(fmt::format("{} values, but {} indices", matrix.values.size(), matrix.indices.size()));
}

RawEdges edges_of(const SparseMatrix& matrix, RowsAre rows_are) {
  if (fits_narrow(std::max(matrix.rows, matrix.cols))) return columns_of<std::int32_t>(matrix, rows_are);
  return columns_of<std::int64_t>(matrix, rows_are);
}

RawEdges edges_of(Array<std::int64_t> source, Array<std::int64_t> destination, std::int64_t n) {
  // Ids outside [0, n) must survive to be reported, so their width decides too.
  auto narrow = [](const Array<std::int64_t>& ids) {
    return std::all_of(ids.begin(), ids.end(),
                       [](std::int64_t id) { return id == static_cast<std::int32_t>(id); });
  };
  if (fits_narrow(n) && narrow(source) && narrow(destination))
    return OwnedColumns<std::int32_t>{narrowed(source), narrowed(destination)};
  return OwnedColumns<std::int64_t>{std::move(source), std::move(destination)};
}

void set_weights(RawDataset& raw, Array<float> weights) {
  const bool plain = std::all_of(weights.begin(), weights.end(), [](float weight) { return weight == 1; });
  if (!plain) raw.edge_weights = std::move(weights);
}

RawFeatures dense_of(const SparseMatrix& matrix) {
  if (matrix.cols > kMostFeatures)
    throw InputError(
        fmt::format("{}: {} columns are more than {}", matrix.where, matrix.cols, kMostFeatures));
  expect_room(matrix.where,
              static_cast<double>(matrix.rows) * static_cast<double>(matrix.cols) * sizeof(float));
  RawFeatures features;
  features.rows = matrix.rows;
  features.cols = matrix.cols;
  features.bytes = Array<std::byte>(matrix.rows * matrix.cols * sizeof(float));
  auto* dense = reinterpret_cast<float*>(features.bytes.data());
  parallel_for(0, matrix.rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
    std::fill(dense + begin * matrix.cols, dense + end * matrix.cols, 0.0F);
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t e = matrix.indptr[row]; e < matrix.indptr[row + 1]; ++e)
        dense[row * matrix.cols + matrix.indices[e]] += matrix.values.empty() ? 1.0F : matrix.values[e];
  });
  return features;
}

RawFeatures features_of(const NpyView& view) {
  const NpyHeader& header = view.header;
  if (header.shape.size() != 2)
    throw InputError(fmt::format("{}: {} is not [nodes, features]", view.where, describe(header)));
  RawFeatures features;
  features.rows = header.shape[0];
  features.cols = header.shape[1];
  switch (header.dtype) {
    case DType::i8:
      features.scales = Array<float>(static_cast<std::size_t>(features.rows), 1.0F);
      [[fallthrough]];
    case DType::f16:
    case DType::bf16:
    case DType::f32:
      features.dtype = header.dtype;
      keep_rows(features, view);
      return features;
    default: break;
  }
  expect_room(view.where, 2.0 * sizeof(float) * static_cast<double>(header.count()));
  features.bytes = as_byte_array(row_ordered(view.copied<float>(), header));
  return features;
}

void set_labels(RawDataset& raw, const NpyView& view) {
  const auto& shape = view.header.shape;
  if (shape.empty() || shape.size() > 2)
    throw InputError(
        fmt::format("{}: {} is neither [nodes] nor [nodes, classes]", view.where, describe(view.header)));
  raw.from.labels = view.where;
  if (shape.size() == 1 || shape[1] == 1) return set_classes(raw, view);
  if (shape[1] > kMostClasses)
    throw InputError(fmt::format("{}: {} classes are more than {}", view.where, shape[1], kMostClasses));
  raw.multi_labels = row_ordered(view.copied<float>(), view.header);
  raw.class_count = shape[1];
}

Array<std::int64_t> ids_of(const NpyView& view) {
  const auto& shape = view.header.shape;
  if (shape.size() != 1 && !(shape.size() == 2 && shape[1] == 1))
    throw InputError(fmt::format("{}: {} is no list of ids", view.where, describe(view.header)));
  Array<std::int64_t> values = view.copied<std::int64_t>();
  if (view.header.dtype != DType::boolean) return values;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < values.ssize(); ++i)
    if (values[i] != 0) values[count++] = i;
  values.shrink(static_cast<std::size_t>(count));
  return values;
}

void expect_room(const std::string& where, double bytes) {
  const auto limit = static_cast<double>(memory_limit_bytes());
  if (bytes > limit)
    throw MemoryError(fmt::format("{}: needs {} of memory, this process may use {}", where,
                                  human_bytes(bytes), human_bytes(limit)));
}

}  // namespace kith
