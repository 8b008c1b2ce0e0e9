#pragma once
#include <cstddef>
#include <string>
#include <utility>

namespace kith {

/// A file that lives in memory, has no name and can be handed to another process; empty or mapped as a whole.
class MemoryFile {
 public:
  /// Throws MemoryError when the bytes cannot be had.
  explicit MemoryFile(std::size_t bytes);
  ~MemoryFile();
  MemoryFile(MemoryFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        data_(std::exchange(other.data_, nullptr)),
        bytes_(other.bytes_) {}
  MemoryFile& operator=(MemoryFile&&) = delete;

  int descriptor() const { return descriptor_; }
  void* data() const { return data_; }
  /// Leaves the pages to the file: they count for this process again when it touches them.
  void leave_pages() const;
  /// The last `bytes` of what was written through the descriptor.
  std::string tail(std::size_t bytes) const;

 private:
  int descriptor_ = -1;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace kith
