#include "kith/datasets/npy_file.h"

#include <algorithm>

namespace kith {
namespace {

/// A piece is summed while it is still in the cache from being produced, then handed to the kernel.
constexpr std::size_t kPiece = std::size_t{1} << 20;

}  // namespace

NpyFile::NpyFile(const std::filesystem::path& path)
    : file_(path), view_(parse_npy(file_.bytes(), path.string())) {}

NpyView view_of_file(const std::filesystem::path& path) {
  auto file = std::make_shared<const MappedFile>(path);
  NpyView view = parse_npy(file->bytes(), path.string());
  view.file = std::move(file);
  return view;
}

NpyWriter::NpyWriter(const std::filesystem::path& path, DType dtype, std::vector<std::int64_t> shape)
    : file_(path), missing_(NpyHeader{dtype, false, shape, 0}.data_bytes()) {
  const std::string header = npy_header(dtype, shape);
  checksum_.add(bytes_of(header));
  file_.write(header);
  written_ = static_cast<std::int64_t>(header.size());
}

void NpyWriter::write(std::span<const std::byte> bytes) {
  require(bytes.size() <= missing_, "npy writer: no more elements than the shape has",
          {{"bytes", bytes.size()}, {"bytes left", missing_}});
  missing_ -= bytes.size();
  written_ += static_cast<std::int64_t>(bytes.size());
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(kPiece, bytes.size()))) {
    const auto piece = bytes.first(std::min(kPiece, bytes.size()));
    checksum_.add(piece);
    file_.write(piece);
  }
}

FileRecord NpyWriter::finish() {
  require(missing_ == 0, "npy writer: all elements are written", {{"bytes missing", missing_}});
  file_.commit(Durable::with_folder);
  return {written_, checksum_.value()};
}

FileRecord write_npy(const std::filesystem::path& path, DType dtype, std::vector<std::int64_t> shape,
                     std::span<const std::byte> bytes) {
  NpyWriter writer(path, dtype, std::move(shape));
  writer.write(bytes);
  return writer.finish();
}

}  // namespace kith
