#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "kith/core/array.h"
#include "kith/datasets/npy_file.h"
#include "kith/graph/builders.h"
#include "kith/graph/properties.h"

namespace kith {

/// An `.npy` array of one dimension whose length is known at the end. The header is written last, so the file
/// is read once more for its checksum.
class GrowingNpy {
 public:
  GrowingNpy(const std::filesystem::path& path, DType dtype);
  void write(std::span<const std::byte> bytes);
  FileRecord finish();

 private:
  std::filesystem::path path_;
  DType dtype_;
  AtomicFile file_;
  std::int64_t bytes_ = 0;
};

/// Takes edges row by row, sources ascending, and writes `indices.npy` (and `edge_weights.npy`): parallel
/// edges merged, self-loops as asked for. What it makes equals csr_from_edges of the same edges.
class RowStream {
 public:
  struct Files {
    FileRecord indices;
    std::optional<FileRecord> weights;
  };
  RowStream(const std::filesystem::path& folder, std::int64_t nodes, SelfLoops self_loops, bool weighted);

  void take(std::int64_t row, std::int64_t source, float weight) {
    if (row != row_) begin_row(row);
    if (source > row_) pay_loop();
    if (source == row_ && self_loops_ == SelfLoops::drop) return;
    if (source == last_) return;
    put(source, weight);
  }
  Files finish();

  std::span<const std::int64_t> indptr() const { return indptr_; }
  std::int64_t edges() const { return edges_; }
  std::int64_t self_loops() const { return loops_; }
  bool symmetric() const { return sum_.symmetric(); }

 private:
  void begin_row(std::int64_t row);
  void pay_loop();
  void put(std::int64_t source, float weight);
  void flush();

  SelfLoops self_loops_;
  bool narrow_;
  GrowingNpy indices_;
  std::optional<GrowingNpy> weights_;
  Array<std::int64_t> indptr_;
  Array<std::int32_t> narrow_piece_;
  Array<std::int64_t> wide_piece_;
  Array<float> weight_piece_;
  std::size_t filled_ = 0;
  std::int64_t row_ = -1, last_ = -1, edges_ = 0, loops_ = 0, put_loop_ = -1;
  DirectionSum sum_;
};

}  // namespace kith
