#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>

#include "kith/core/error.h"

namespace kith {

/// A whole file mapped read-only. Opening is O(1); pages are shared with every process that maps the file.
/// Throws InputError with the path when it cannot be opened or mapped.
class MappedFile {
 public:
  /// How the bytes will be read: a hint to the kernel.
  enum class Access { normal, sequential, random, will_need };

  MappedFile() = default;
  explicit MappedFile(std::filesystem::path path, Access access = Access::normal);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept { swap(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    swap(other);
    return *this;
  }

  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  void advise(Access access) const;
  /// Leaves the pages read so far to the page cache: they count for this process again when it reads them.
  void leave_pages() const;

  /// `count` elements from byte `offset`, which must be aligned for T. Throws CorruptError when they reach
  /// past the end. The view must not outlive the file.
  template <class T>
  std::span<const T> elements(std::size_t offset, std::size_t count) const {
    check_elements(offset, count, sizeof(T));
    return {reinterpret_cast<const T*>(data_ + offset), count};
  }

 private:
  void check_elements(std::size_t offset, std::size_t count, std::size_t size) const;
  void swap(MappedFile& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace kith
