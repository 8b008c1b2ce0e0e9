#include "kith/core/mapped_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kith {
namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
  throw InputError(std::string("cannot ") + what + " " + path.string() + ": " + std::strerror(errno));
}

struct Descriptor {
  int value;
  ~Descriptor() { ::close(value); }
};

int advice_of(MappedFile::Access access) {
  switch (access) {
    case MappedFile::Access::normal: return MADV_NORMAL;
    case MappedFile::Access::sequential: return MADV_SEQUENTIAL;
    case MappedFile::Access::random: return MADV_RANDOM;
    case MappedFile::Access::will_need: return MADV_WILLNEED;
  }
  return MADV_NORMAL;
}

}  // namespace

MappedFile::MappedFile(std::filesystem::path path, Access access) : path_(std::move(path)) {
  // A pipe must not be waited for: it is told to be no file.
  const Descriptor file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0) fail("open", path_);
  struct stat status {};
  if (::fstat(file.value, &status) != 0) fail("look at", path_);
  if (!S_ISREG(status.st_mode)) throw InputError("not a file: " + path_.string());
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.value, 0);
  if (mapped == MAP_FAILED) fail("map", path_);
  data_ = static_cast<const std::byte*>(mapped);
  if (access != Access::normal) advise(access);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::advise(Access access) const {
  // A hint: a kernel that does not take it still serves the bytes.
  if (data_ != nullptr) ::madvise(const_cast<std::byte*>(data_), size_, advice_of(access));
}

void MappedFile::leave_pages() const {
  if (data_ != nullptr) ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

void MappedFile::check_elements(std::size_t offset, std::size_t count, std::size_t size) const {
  require(offset % size == 0, "elements of a mapped file are aligned", {{"offset", offset}, {"size", size}});
  if (offset > size_ || count > (size_ - offset) / size)
    throw CorruptError(
        with_facts("the file is too short: " + path_.string(),
                   {{"bytes", size_}, {"elements from", offset}, {"count", count}, {"size", size}}));
}

}  // namespace kith
