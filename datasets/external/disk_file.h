#pragma once
#include <cstdint>
#include <filesystem>
#include <span>

namespace kith {

/// A file of our own that is only needed for a while: written at its end, read at any offset, removed with
/// the object. Throws InputError with the path, and on a full disk with the bytes that were needed and are
/// free.
class DiskFile {
 public:
  explicit DiskFile(std::filesystem::path path);
  ~DiskFile();
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  void append(std::span<const std::byte> bytes);
  void read(std::int64_t offset, std::span<std::byte> out) const;
  std::int64_t bytes() const { return bytes_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::int64_t bytes_ = 0;
};

}  // namespace kith
