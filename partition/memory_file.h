#pragma once
#include <cstddef>
#include <string>

namespace kith {

/// A file that lives in memory, has no name and can be handed to another process; empty or mapped as a whole.
class MemoryFile {
 public:
  /// Throws MemoryError when the bytes cannot be had.
  explicit MemoryFile(std::size_t bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }
  void* data() const { return data_; }
  /// The last `bytes` of what was written through the descriptor.
  std::string tail(std::size_t bytes) const;

 private:
  int descriptor_ = -1;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace kith
