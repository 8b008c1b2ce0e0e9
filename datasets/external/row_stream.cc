#include "kith/datasets/external/row_stream.h"

#include "kith/datasets/mapped_rows.h"
#include "kith/datasets/text/decompressor.h"

namespace kith {
namespace {

std::string header_of(DType dtype, std::int64_t count) {
  const std::int64_t shape[] = {count};
  return npy_header(dtype, shape);
}

constexpr std::size_t kPiece = std::size_t{1} << 18;

std::uint64_t checksum_by_reading(const std::filesystem::path& path) {
  // Not mapped: a limit of the address space counts maps.
  const PlainFile file(path);
  Array<char> piece(std::size_t{1} << 20);
  Checksum checksum;
  for (std::int64_t at = 0; at < file.bytes();) {
    const std::size_t count = file.read_at(at, piece.span());
    if (count == 0) break;
    checksum.add(std::as_bytes(std::span(piece.data(), count)));
    at += static_cast<std::int64_t>(count);
  }
  return checksum.value();
}

}  // namespace

GrowingNpy::GrowingNpy(const std::filesystem::path& path, DType dtype)
    : path_(path), dtype_(dtype), file_(path) {
  const std::string header = header_of(dtype, 0);
  file_.write(header);
  bytes_ = static_cast<std::int64_t>(header.size());
}

void GrowingNpy::write(std::span<const std::byte> bytes) {
  file_.write(bytes);
  bytes_ += static_cast<std::int64_t>(bytes.size());
}

FileRecord GrowingNpy::finish() {
  const auto begin = static_cast<std::int64_t>(header_of(dtype_, 0).size());
  const std::string header = header_of(dtype_, (bytes_ - begin) / static_cast<std::int64_t>(size_of(dtype_)));
  require(static_cast<std::int64_t>(header.size()) == begin, "headers of one dimension are equally long");
  file_.write_at(0, bytes_of(header));
  file_.commit(Durable::with_folder);
  return {bytes_, checksum_by_reading(path_)};
}

RowStream::RowStream(const std::filesystem::path& folder, std::int64_t nodes, SelfLoops self_loops,
                     bool weighted)
    : self_loops_(self_loops),
      narrow_(index_dtype(nodes) == DType::i32),
      indices_(folder / array_name::kIndices, index_dtype(nodes)),
      indptr_(static_cast<std::size_t>(nodes) + 1),
      weight_piece_(kPiece) {
  if (weighted) weights_.emplace(folder / array_name::kEdgeWeights, DType::f32);
  if (narrow_)
    narrow_piece_ = Array<std::int32_t>(kPiece);
  else
    wide_piece_ = Array<std::int64_t>(kPiece);
}

void RowStream::begin_row(std::int64_t row) {
  if (row_ >= 0) pay_loop();
  while (row_ < row) {
    indptr_[++row_] = edges_;
    last_ = -1;
    if (row_ < row) pay_loop();
  }
}

void RowStream::pay_loop() {
  if (self_loops_ != SelfLoops::add || put_loop_ == row_) return;
  put(row_, 1);
}

void RowStream::put(std::int64_t source, float weight) {
  if (narrow_)
    narrow_piece_[filled_] = static_cast<std::int32_t>(source);
  else
    wide_piece_[filled_] = source;
  weight_piece_[filled_] = weight;
  if (source == row_) {
    ++loops_;
    put_loop_ = row_;
  } else {
    sum_.add(static_cast<std::uint64_t>(row_), static_cast<std::uint64_t>(source));
  }
  last_ = source;
  ++edges_;
  if (++filled_ == kPiece) flush();
}

void RowStream::flush() {
  indices_.write(narrow_ ? std::as_bytes(std::span(narrow_piece_.data(), filled_))
                         : std::as_bytes(std::span(wide_piece_.data(), filled_)));
  if (weights_) weights_->write(std::as_bytes(std::span(weight_piece_.data(), filled_)));
  filled_ = 0;
}

RowStream::Files RowStream::finish() {
  const std::int64_t nodes = indptr_.ssize() - 1;
  begin_row(nodes - 1);
  pay_loop();
  indptr_[nodes] = edges_;
  flush();
  return {indices_.finish(), weights_ ? std::optional(weights_->finish()) : std::nullopt};
}

}  // namespace kith
