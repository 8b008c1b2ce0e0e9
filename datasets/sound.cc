#include "kith/datasets/sound.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/mapped_rows.h"
#include "kith/datasets/part_files.h"

namespace kith {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kGrain = std::int64_t{1} << 16;

/// Throws for the first entry outside [low, bound): the smallest position, whatever the number of threads.
template <class T>
void expect_within(std::span<const T> values, std::int64_t low, std::int64_t bound,
                   const std::filesystem::path& file) {
  const std::int64_t at = parallel_reduce(
      0, static_cast<std::int64_t>(values.size()), kGrain, kNone,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          if (values[i] < low || values[i] >= bound) return i;
        return kNone;
      },
      [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
  if (at == kNone) return;
  throw CorruptError(
      fmt::format("{}: entry {} is {}, outside [{}, {})", file.string(), at, values[at], low, bound));
}

/// Offsets rise; their ends were checked at opening.
void expect_rising(std::span<const std::int64_t> offsets, const std::filesystem::path& file) {
  const std::int64_t at = parallel_reduce(
      1, static_cast<std::int64_t>(offsets.size()), kGrain, kNone,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          if (offsets[i] < offsets[i - 1]) return i;
        return kNone;
      },
      [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
  if (at == kNone) return;
  throw CorruptError(fmt::format("{}: entry {} is {}, below the one before it ({})", file.string(), at,
                                 offsets[at], offsets[at - 1]));
}

/// The folder that has the arrays of a part: its own, or that of a store which is its own single part.
std::filesystem::path folder_of(const PartitionedStore& parts, Part part) {
  const std::filesystem::path own = parts.folder() / part_prefix(part.value());
  return std::filesystem::is_directory(own) ? own : parts.folder();
}

}  // namespace

void expect_sound(const Store& store) {
  const std::int64_t n = store.meta().nodes;
  const auto file = [&](std::string_view name) { return store.folder() / name; };
  const CsrAny graph = store.graph();
  expect_rising(graph.indptr, file(array_name::kIndptr));
  graph.visit([&](auto csr) { expect_within(csr.indices, 0, n, file(array_name::kIndices)); });
  for (const Split split : kSplits) expect_within(store.split(split), 0, n, file(array_name::of(split)));
  expect_within(store.labels().classes, -1, store.meta().classes, file(array_name::kLabels));
  if (const auto offsets = store.user_ids().name_offsets; !offsets.empty())
    expect_rising(offsets, file(array_name::kNodeNameOffsets));
}

void expect_sound(const PartitionedStore& parts, Part part) {
  const PartView view = parts.part(part);
  const std::filesystem::path folder = folder_of(parts, part);
  const auto file = [&](std::string_view name) { return folder / name; };
  const StoreMeta& meta = parts.meta().store;
  expect_rising(view.indptr, file(array_name::kIndptr));
  view.indices.visit(
      [&](auto indices) { expect_within(indices, 0, meta.nodes, file(array_name::kIndices)); });
  expect_within(view.labels.classes, -1, meta.classes, file(array_name::kLabels));
  expect_within(view.store_ids, 0, meta.nodes, file(array_name::kStoreIds));
  expect_within(view.halo, 0, meta.nodes, file(array_name::kHalo));
  expect_rising(view.halo, file(array_name::kHalo));
  expect_sound_splits(parts, part);
}

void expect_sound_splits(const PartitionedStore& parts, Part part) {
  const PartView view = parts.part(part);
  const std::filesystem::path folder = folder_of(parts, part);
  for (const Split split : kSplits)
    expect_within(view.split[static_cast<int>(split)], view.first, view.first + view.nodes,
                  folder / array_name::of(split));
}

void expect_sound_ids(const PartitionedStore& parts) {
  for (int p = 0; p < parts.k(); ++p)
    expect_within(parts.part(Part(static_cast<Part::rep>(p))).store_ids, 0, parts.meta().store.nodes,
                  parts.folder() / (part_prefix(p) + "store_ids.npy"));
}

}  // namespace kith
