#include "kith/partition/memory_file.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kith/core/error.h"

namespace kith {
namespace {

MemoryError no_memory(std::size_t bytes, int error) {
  return MemoryError(std::string("a memory file of ") + std::to_string(bytes) +
                     " bytes for METIS cannot be had: " + std::strerror(error));
}

}  // namespace

MemoryFile::MemoryFile(std::size_t bytes)
    : descriptor_(memfd_create("kith-metis", MFD_CLOEXEC)), bytes_(bytes) {
  if (descriptor_ < 0) throw no_memory(bytes, errno);
  if (bytes == 0) return;
  // Allocated at once: a page that cannot be had later would be a bus error, here it is an answer.
  int error = posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
  if (error == 0) {
    data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (data_ != MAP_FAILED) return;
    error = errno;
  }
  close(descriptor_);
  throw no_memory(bytes, error);
}

MemoryFile::~MemoryFile() {
  if (data_ != nullptr) munmap(data_, bytes_);
  if (descriptor_ >= 0) close(descriptor_);
}

void MemoryFile::leave_pages() const {
  // A hint, and of a shared mapping it drops no content.
  if (data_ != nullptr) madvise(data_, bytes_, MADV_DONTNEED);
}

std::string MemoryFile::tail(std::size_t bytes) const {
  struct stat file {};
  if (fstat(descriptor_, &file) != 0) return {};
  std::string text(std::min(bytes, static_cast<std::size_t>(file.st_size)), '\0');
  const auto got =
      pread(descriptor_, text.data(), text.size(), file.st_size - static_cast<off_t>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

}  // namespace kith
