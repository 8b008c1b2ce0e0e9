#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "kith/core/array.h"

namespace kith {

/// How the bytes of a text file are packed, told by the end of its name.
enum class Packing { none, gzip, zstd };
Packing packing_of(const std::filesystem::path& path);
/// The name without `.gz` or `.zst`.
std::filesystem::path without_packing(std::filesystem::path path);

/// The bytes of a file from front to back, unpacked as they are read: memory is a few MiB whatever the file's
/// size. Throws InputError with the path on a file that cannot be read, damage, or a cut-off end.
class ByteStream {
 public:
  explicit ByteStream(const std::filesystem::path& path);
  ~ByteStream();
  ByteStream(ByteStream&&) noexcept;
  ByteStream& operator=(ByteStream&&) noexcept;

  /// Fills `out` unless the end comes first; returns the bytes written, fewer only at the end.
  std::size_t read(std::span<char> out);

  struct Unpacker;

 private:
  std::unique_ptr<Unpacker> unpacker_;
};

/// A file that is read in pieces at any offset. Thread-safe. Throws InputError with the path.
class PlainFile {
 public:
  explicit PlainFile(const std::filesystem::path& path);
  ~PlainFile();
  PlainFile(PlainFile&& other) noexcept;
  PlainFile& operator=(PlainFile&&) = delete;

  std::int64_t bytes() const { return bytes_; }
  /// Fills `out` from `offset` on unless the end comes first; returns the bytes read.
  std::size_t read_at(std::int64_t offset, std::span<char> out) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::int64_t bytes_ = 0;
};

/// The whole of a zstd file. Throws InputError on damage.
Array<std::byte> unzstd(const std::filesystem::path& path);

}  // namespace kith
