#include "kith/datasets/external/disk_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "kith/core/error.h"
#include "kith/core/write_failure.h"

namespace kith {

DiskFile::DiskFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor_ < 0) throw InputError("cannot create " + path_.string() + ": " + std::strerror(errno));
}

DiskFile::~DiskFile() {
  ::close(descriptor_);
  ::unlink(path_.c_str());
}

void DiskFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), bytes_);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw write_failure(path_, static_cast<std::int64_t>(bytes.size()), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    bytes_ += count;
  }
}

void DiskFile::read(std::int64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor_, out.data(), out.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      throw InputError("cannot read " + path_.string() + ": " + std::strerror(count < 0 ? errno : EIO));
    out = out.subspan(static_cast<std::size_t>(count));
    offset += count;
  }
}

}  // namespace kith
