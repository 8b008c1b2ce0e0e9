// A file that lies in memory and has no name: others reach it through the maker's open files in /proc, which
// the system allows to processes of the same user. Where it does not (containers of their own), there is no
// shared memory, and callers send messages.
#include "kith/comm/shared_memory.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kith/core/host.h"

namespace kith {
namespace {

std::byte* mapped(int file, std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

/// Reserved, not only sized: memory that is short must be a failure here, not a SIGBUS later. The system
/// would reserve until it kills somebody, so it is asked first.
bool reserve(int file, std::size_t bytes) {
  if (static_cast<std::int64_t>(bytes) > memory_available_bytes()) return false;
  int error = EINTR;
  while (error == EINTR) error = posix_fallocate(file, 0, static_cast<off_t>(bytes));
  return error == 0;
}

bool holds(int file, std::int64_t bytes) {
  struct stat status {};
  return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= bytes;
}

}  // namespace

std::unique_ptr<SharedMemory> SharedMemory::make(std::size_t bytes) {
  const int file = memfd_create("kith", MFD_CLOEXEC);
  if (file < 0) return nullptr;
  std::byte* data = reserve(file, bytes) ? mapped(file, bytes) : nullptr;
  if (data == nullptr) {
    close(file);
    return nullptr;
  }
  const Name name{process_id(), file, static_cast<std::int64_t>(bytes)};
  std::unique_ptr<SharedMemory> memory(new SharedMemory(data, name));
  memory->made_ = true;
  return memory;
}

std::unique_ptr<SharedMemory> SharedMemory::open(const Name& name) {
  if (name.file < 0 || name.bytes <= 0) return nullptr;
  const std::string path = fmt::format("/proc/{}/fd/{}", name.process, name.file);
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return nullptr;
  std::byte* data = holds(file, name.bytes) ? mapped(file, static_cast<std::size_t>(name.bytes)) : nullptr;
  close(file);
  return data == nullptr ? nullptr : std::unique_ptr<SharedMemory>(new SharedMemory(data, name));
}

void SharedMemory::hide() {
  if (made_) close(static_cast<int>(name_.file));
  made_ = false;
}

SharedMemory::~SharedMemory() {
  hide();
  munmap(data_, bytes());
}

}  // namespace kith
