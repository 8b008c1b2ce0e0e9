#include "kith/datasets/text/decompressor.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "kith/core/error.h"

namespace kith {
namespace {

constexpr std::size_t kPackedPiece = std::size_t{1} << 20;

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
  throw InputError(fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
}

}  // namespace

Packing packing_of(const std::filesystem::path& path) {
  const auto extension = path.extension();
  if (extension == ".gz") return Packing::gzip;
  return extension == ".zst" ? Packing::zstd : Packing::none;
}

std::filesystem::path without_packing(std::filesystem::path path) {
  return packing_of(path) == Packing::none ? path : path.replace_extension();
}

PlainFile::PlainFile(const std::filesystem::path& path) : path_(path) {
  // A pipe must not be waited for: it is told to be no file.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail("open", path);
  struct stat status {};
  const bool seen = ::fstat(descriptor_, &status) == 0;
  bytes_ = static_cast<std::int64_t>(status.st_size);
  if (seen && S_ISREG(status.st_mode)) return;
  ::close(std::exchange(descriptor_, -1));
  throw InputError("not a file: " + path.string());
}

PlainFile::PlainFile(PlainFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(other.bytes_) {}

PlainFile::~PlainFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::size_t PlainFile::read_at(std::int64_t offset, std::span<char> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::pread(descriptor_, out.data() + done, out.size() - done,
                                  static_cast<off_t>(offset) + static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read", path_);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

/// One packing: `unpack` moves bytes from `input` to `out` and says whether a member ended.
struct ByteStream::Unpacker {
  explicit Unpacker(const std::filesystem::path& from) : path(from), file(from), packed(kPackedPiece) {}
  virtual ~Unpacker() = default;
  virtual std::size_t unpack(std::span<char> out) = 0;
  virtual bool between_members() const = 0;

  /// False at the end of the file.
  bool refill() {
    if (begin < end) return true;
    begin = 0;
    end = file.read_at(next, {packed.data(), packed.size()});
    next += static_cast<std::int64_t>(end);
    return end > 0;
  }
  [[noreturn]] void damaged(const char* why) const {
    throw InputError(fmt::format("{}: byte {} of the compressed data: {}", path.string(),
                                 next - static_cast<std::int64_t>(end - begin), why));
  }

  std::filesystem::path path;
  PlainFile file;
  Array<char> packed;
  std::size_t begin = 0, end = 0;
  std::int64_t next = 0;
};

namespace {

struct Gzip : ByteStream::Unpacker {
  explicit Gzip(const std::filesystem::path& from) : Unpacker(from) {
    require(inflateInit2(&stream, 15 + 16) == Z_OK, "zlib starts");
  }
  ~Gzip() override { inflateEnd(&stream); }
  bool between_members() const override { return ended; }
  std::size_t unpack(std::span<char> out) override {
    if (std::exchange(ended, false)) inflateReset(&stream);
    stream.next_in = reinterpret_cast<Bytef*>(packed.data() + begin);
    stream.avail_in = static_cast<uInt>(end - begin);
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(out.size(), std::size_t{1} << 30));
    const uInt room = stream.avail_out;
    const int state = inflate(&stream, Z_NO_FLUSH);
    begin = end - stream.avail_in;
    ended = state == Z_STREAM_END;
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
      damaged("the compressed data are damaged");
    return room - stream.avail_out;
  }
  z_stream stream{};
  bool ended = false;
};

struct Zstd : ByteStream::Unpacker {
  explicit Zstd(const std::filesystem::path& from) : Unpacker(from), stream(ZSTD_createDStream()) {
    require(stream != nullptr, "zstd starts");
    // A window that needs more than this is taken for damage: no allocation from an unchecked size.
    ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, 27);
  }
  ~Zstd() override { ZSTD_freeDStream(stream); }
  bool between_members() const override { return ended; }
  std::size_t unpack(std::span<char> out) override {
    ZSTD_inBuffer in{packed.data() + begin, end - begin, 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t state = ZSTD_decompressStream(stream, &to, &in);
    begin += in.pos;
    if (ZSTD_isError(state) != 0) damaged(ZSTD_getErrorName(state));
    ended = state == 0;
    return to.pos;
  }
  ZSTD_DStream* stream;
  bool ended = false;
};

struct Plain : ByteStream::Unpacker {
  using Unpacker::Unpacker;
  bool between_members() const override { return true; }
  std::size_t unpack(std::span<char> out) override {
    const std::size_t count = std::min(out.size(), end - begin);
    std::memcpy(out.data(), packed.data() + begin, count);
    begin += count;
    return count;
  }
};

std::unique_ptr<ByteStream::Unpacker> unpacker_of(const std::filesystem::path& path) {
  switch (packing_of(path)) {
    case Packing::gzip: return std::make_unique<Gzip>(path);
    case Packing::zstd: return std::make_unique<Zstd>(path);
    case Packing::none: break;
  }
  return std::make_unique<Plain>(path);
}

}  // namespace

ByteStream::ByteStream(const std::filesystem::path& path) : unpacker_(unpacker_of(path)) {}
ByteStream::~ByteStream() = default;
ByteStream::ByteStream(ByteStream&&) noexcept = default;
ByteStream& ByteStream::operator=(ByteStream&&) noexcept = default;

std::size_t ByteStream::read(std::span<char> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const bool more = unpacker_->refill();
    const std::size_t count =
        more || !unpacker_->between_members() ? unpacker_->unpack(out.subspan(done)) : 0;
    done += count;
    if (more || count > 0) continue;
    if (!unpacker_->between_members()) unpacker_->damaged("the compressed data are cut off");
    break;
  }
  return done;
}

Array<std::byte> unzstd(const std::filesystem::path& path) {
  ByteStream stream(path);
  Array<std::byte> out(std::size_t{1} << 20);
  std::size_t size = 0;
  while (true) {
    size += stream.read({reinterpret_cast<char*>(out.data()) + size, out.size() - size});
    if (size < out.size()) break;
    Array<std::byte> larger(2 * out.size());
    std::copy_n(out.begin(), size, larger.begin());
    out = std::move(larger);
  }
  out.shrink(size);
  return out;
}

}  // namespace kith
