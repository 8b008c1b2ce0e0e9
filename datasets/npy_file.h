#pragma once
#include <initializer_list>

#include "kith/core/checksum.h"
#include "kith/core/file.h"
#include "kith/core/mapped_file.h"
#include "kith/datasets/npy.h"

namespace kith {

/// A mapped `.npy` file. Opening reads the header only. Throws InputError (missing file, damaged header, more
/// or fewer bytes than the header says).
class NpyFile {
 public:
  NpyFile() = default;
  explicit NpyFile(const std::filesystem::path& path);
  /// The view stays valid as long as the file lives, also when it is moved.
  const NpyView& view() const { return view_; }
  const MappedFile& file() const { return file_; }

 private:
  MappedFile file_;
  NpyView view_;
};

/// A view that keeps its file mapped.
NpyView view_of_file(const std::filesystem::path& path);

/// What a folder's JSON notes of each of its files.
struct FileRecord {
  std::int64_t bytes = 0;
  std::uint64_t checksum = 0;  ///< of the whole file, header included
};

/// Writes an `.npy` file of a known shape in consecutive pieces, whole or not at all. It lasts through a
/// power cut once the AtomicFolder it lies in is committed: one sync of a file is enough.
class NpyWriter {
 public:
  NpyWriter(const std::filesystem::path& path, DType dtype, std::vector<std::int64_t> shape);
  /// The next elements, as bytes.
  void write(std::span<const std::byte> bytes);
  template <class T>
  void write_values(std::span<const T> values) {
    write(std::as_bytes(values));
  }
  /// Makes the file appear. The elements written must be exactly those of the shape.
  FileRecord finish();

 private:
  AtomicFile file_;
  Checksum checksum_;
  std::int64_t written_ = 0;
  std::size_t missing_;  ///< bytes of elements still to come
};

/// A whole array at once.
FileRecord write_npy(const std::filesystem::path& path, DType dtype, std::vector<std::int64_t> shape,
                     std::span<const std::byte> bytes);
template <class T>
FileRecord write_npy(const std::filesystem::path& path, std::span<const T> values) {
  return write_npy(path, dtype_of<T>, {static_cast<std::int64_t>(values.size())}, std::as_bytes(values));
}

}  // namespace kith
