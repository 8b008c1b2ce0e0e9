// Whole or absent: POSIX renames atomically within one file system, and what was synced before the rename is
// what a reader finds behind it, also after a power cut. The folder itself is synced last, so that the name
// lasts.
#include "kith/core/file.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kith/core/error.h"
#include "kith/core/host.h"
#include "kith/core/write_failure.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const char* what, const fs::path& path) {
  throw InputError(std::string("cannot ") + what + " " + path.string() + ": " + std::strerror(errno));
}

fs::path parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

/// Unique among the threads of this process and the processes of this host.
fs::path temporary_beside(const fs::path& path) {
  static std::atomic<int> count = 0;
  return parent_of(path) / ("." + path.filename().string() + ".tmp-" + host_name() + "-" +
                            std::to_string(::getpid()) + "-" + std::to_string(count++));
}

/// What runs on this host that were killed have left beside `path`: temporaries whose process is gone.
void remove_abandoned(const fs::path& path) {
  const std::string prefix = "." + path.filename().string() + ".tmp-" + host_name() + "-";
  std::error_code error;
  std::vector<fs::path> abandoned;
  for (const auto& entry : fs::directory_iterator(parent_of(path), error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const long process = std::strtol(name.c_str() + prefix.size(), nullptr, 10);
    if (process > 0 && ::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH)
      abandoned.push_back(entry.path());
  }
  for (const fs::path& one : abandoned) fs::remove_all(one, error);
}

void sync_path(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail("open", path);
  const bool synced = ::fsync(descriptor) == 0;
  ::close(descriptor);
  // Some file systems refuse to sync a folder; then its name is as durable as they make it.
  if (!synced && errno != EINVAL) fail("sync", path);
}

/// Exchanges two names at once, so that a reader or a crash finds the old or the new and never none.
bool exchanged(const fs::path& a, const fs::path& b) {
#ifdef RENAME_EXCHANGE
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  return false;
#endif
}

fs::path without_trailing_slash(fs::path path) {
  path = path.lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), temporary_(temporary_beside(path_)) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("create", path_);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw write_failure(path_, static_cast<std::int64_t>(bytes.size()), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write(std::string_view text) { write(bytes_of(text)); }

void AtomicFile::write_at(std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw write_failure(path_, static_cast<std::int64_t>(bytes.size()), errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += written;
  }
}

void AtomicFile::commit(Durable durable) {
  require(descriptor_ >= 0, "an atomic file is committed once", {{"path", path_.string()}});
  if (durable == Durable::now && ::fsync(descriptor_) != 0) fail("sync", path_);
  // Network file systems report a full disk only here.
  if (::close(std::exchange(descriptor_, -1)) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    errno = error;
    fail("write", path_);
  }
  if (durable == Durable::now) sync_path(parent_of(path_));
}

AtomicFolder::AtomicFolder(fs::path final_path, Existing existing)
    : final_path_(without_trailing_slash(std::move(final_path))),
      temporary_(temporary_beside(final_path_)),
      existing_(existing) {
  if (existing_ == Existing::refuse && fs::exists(final_path_))
    throw InputError(final_path_.string() +
                     " exists already; remove it, choose another name or pass --overwrite");
  std::error_code error;
  fs::create_directories(parent_of(final_path_), error);
  remove_abandoned(final_path_);
  if (::mkdir(temporary_.c_str(), 0777) != 0) fail("create", final_path_);
}

AtomicFolder::~AtomicFolder() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  require(!committed_, "an atomic folder is committed once", {{"path", final_path_.string()}});
  for (const auto& entry : fs::recursive_directory_iterator(temporary_)) sync_path(entry.path());
  sync_path(temporary_);
  if (existing_ == Existing::replace && exchanged(temporary_, final_path_)) {
    committed_ = true;
    sync_path(parent_of(final_path_));
    std::error_code ignored;
    fs::remove_all(temporary_, ignored);
    return;
  }
  // Where the file system cannot exchange two names: a folder with entries cannot be renamed over, so an old
  // one steps aside for the moment between two renames.
  fs::path old;
  if (existing_ == Existing::replace && fs::exists(final_path_)) {
    old = temporary_beside(final_path_);
    if (::rename(final_path_.c_str(), old.c_str()) != 0) fail("replace", final_path_);
  }
  if (::rename(temporary_.c_str(), final_path_.c_str()) != 0) {
    const int error = errno;
    if (!old.empty()) ::rename(old.c_str(), final_path_.c_str());
    errno = error;
    fail("write", final_path_);
  }
  committed_ = true;
  sync_path(parent_of(final_path_));
  std::error_code ignored;
  if (!old.empty()) fs::remove_all(old, ignored);
}

InputError write_failure(const fs::path& path, std::int64_t bytes, int error) {
  std::string text = "cannot write " + path.string() + ": " + std::strerror(error);
  if (error == EFBIG)
    text +=
        ": " + std::to_string(bytes) + " more bytes pass this process's limit of a file's size (ulimit -f)";
  if (error == ENOSPC || error == EDQUOT) {
    std::error_code ignored;
    const fs::space_info space = fs::space(parent_of(path), ignored);
    text += ": " + std::to_string(bytes) + " more bytes are needed, " + std::to_string(space.available) +
            " are free; make room or write elsewhere";
  }
  return InputError(text);
}

void write_text_file(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

bool has_name(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

std::string read_text_file(const fs::path& path, std::int64_t limit) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail("open", path);
  std::string text;
  char block[1 << 16];
  ssize_t count = 0;
  while ((count = ::read(descriptor, block, sizeof block)) > 0 &&
         static_cast<std::int64_t>(text.size()) <= limit)
    text.append(block, static_cast<std::size_t>(count));
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (count < 0) fail("read", path);
  if (static_cast<std::int64_t>(text.size()) > limit)
    throw InputError(with_facts("the file is too large: " + path.string(), {{"limit in bytes", limit}}));
  return text;
}

}  // namespace kith
