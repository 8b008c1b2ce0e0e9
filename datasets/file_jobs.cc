#include "kith/datasets/file_jobs.h"

#include <algorithm>
#include <cstring>

#include "kith/core/parallel.h"

namespace kith {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;

template <class To, class From>
FileRecord write_converted(const std::filesystem::path& path, std::span<const From> values) {
  NpyWriter writer(path, dtype_of<To>, {static_cast<std::int64_t>(values.size())});
  std::vector<To> piece;
  while (!values.empty()) {
    const auto head = values.first(std::min(kPiece / sizeof(To), values.size()));
    piece.assign(head.begin(), head.end());
    writer.write_values(std::span<const To>(piece));
    values = values.subspan(head.size());
  }
  return writer.finish();
}

}  // namespace

FileTable FileJobs::run(const std::filesystem::path& folder) const {
  std::vector<FileRecord> records(jobs_.size());
  parallel_for(0, static_cast<std::int64_t>(jobs_.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) records[i] = jobs_[i].write(folder / jobs_[i].name);
  });
  FileTable table;
  for (std::size_t i = 0; i < jobs_.size(); ++i) table[jobs_[i].name] = records[i];
  return table;
}

FileRecord write_indices(const std::filesystem::path& path, const IndexView& indices, DType dtype) {
  return indices.visit([&]<class Index>(std::span<const Index> values) {
    if (dtype == dtype_of<Index>) return write_npy(path, values);
    if constexpr (sizeof(Index) == 8) return write_converted<std::int32_t>(path, values);
    return write_converted<std::int64_t>(path, values);
  });
}

FileRecord write_gathered(const std::filesystem::path& path, DType dtype, std::vector<std::int64_t> shape,
                          std::span<const std::byte> table, std::span<const StoreId> ids) {
  NpyWriter writer(path, dtype, shape);
  std::size_t row_bytes = size_of(dtype);
  for (std::size_t d = 1; d < shape.size(); ++d) row_bytes *= static_cast<std::size_t>(shape[d]);
  const std::size_t rows_per_piece = std::max<std::size_t>(1, kPiece / std::max<std::size_t>(1, row_bytes));
  std::vector<std::byte> piece;
  while (!ids.empty()) {
    const auto head = ids.first(std::min(rows_per_piece, ids.size()));
    piece.resize(head.size() * row_bytes);
    for (std::size_t i = 0; i < head.size(); ++i) {
      const auto row = table.subspan(static_cast<std::size_t>(head[i].value()) * row_bytes, row_bytes);
      std::memcpy(piece.data() + i * row_bytes, row.data(), row_bytes);
    }
    writer.write(piece);
    ids = ids.subspan(head.size());
  }
  return writer.finish();
}

}  // namespace kith
