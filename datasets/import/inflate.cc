#include "kith/datasets/import/inflate.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include "kith/core/error.h"
#include "kith/core/host.h"

namespace kith {
namespace {

/// Deflate cannot shrink more than 1032 : 1.
constexpr std::uint64_t kMostShrinkage = 1032;
constexpr int kRawWindow = -15;
constexpr int kGzipWindow = 15 + 16;

/// Owns zlib's state.
class Inflater {
 public:
  Inflater(std::span<const std::byte> input, int window, std::string_view where)
      : input_(input), where_(where) {
    require(inflateInit2(&stream_, window) == Z_OK, "zlib starts");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Fills `out` as far as the stream reaches; returns the bytes written.
  std::size_t fill(std::span<std::byte> out) {
    std::size_t written = 0;
    while (written < out.size() && !ended_) {
      feed();
      const auto room = static_cast<uInt>(std::min<std::size_t>(out.size() - written, kPiece));
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + written);
      stream_.avail_out = room;
      const uInt fed = stream_.avail_in;
      const int state = inflate(&stream_, Z_NO_FLUSH);
      written += room - stream_.avail_out;
      next_ += fed - stream_.avail_in;
      if (state == Z_STREAM_END) {
        ended_ = true;
      } else if (state != Z_OK) {
        fail(next_ == input_.size() ? "the compressed data are cut off" : "the compressed data are damaged");
      }
    }
    return written;
  }
  bool ended() const { return ended_; }
  std::size_t consumed() const { return next_; }
  /// Goes on with the next gzip member.
  void restart() {
    inflateReset(&stream_);
    ended_ = false;
  }
  [[noreturn]] void fail(std::string_view why) const {
    throw InputError(fmt::format("{}: byte {} of the compressed data: {}", where_, next_, why));
  }

 private:
  static constexpr std::size_t kPiece = std::size_t{1} << 30;  // zlib counts with 32 bits
  void feed() {
    const auto count = static_cast<uInt>(std::min(input_.size() - next_, kPiece));
    // zlib's interface lacks const; it does not write here.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input_.data() + next_));
    stream_.avail_in = count;
  }

  z_stream stream_{};
  std::span<const std::byte> input_;
  std::string_view where_;
  std::size_t next_ = 0;
  bool ended_ = false;
};

}  // namespace

Array<std::byte> inflated(std::span<const std::byte> stream, std::uint64_t size, std::string_view where) {
  if (size > kMostShrinkage * (stream.size() + 1))
    throw InputError(
        fmt::format("{}: {} bytes cannot come from {} compressed ones", where, size, stream.size()));
  Array<std::byte> out(size);
  Inflater inflater(stream, kRawWindow, where);
  std::byte extra{};
  if (inflater.fill(out) != size) inflater.fail(fmt::format("they end before {} bytes", size));
  if (!inflater.ended() && (inflater.fill({&extra, 1}) != 0 || !inflater.ended()))
    inflater.fail(fmt::format("they go on after {} bytes", size));
  return out;
}

Array<std::byte> gunzipped(std::span<const std::byte> file, std::string_view where) {
  Array<std::byte> out(std::max<std::size_t>(4 * file.size(), 4096));
  Inflater inflater(file, kGzipWindow, where);
  std::size_t size = 0;
  while (true) {
    size += inflater.fill(out.span().subspan(size));
    if (inflater.ended()) {
      if (inflater.consumed() == file.size()) break;
      inflater.restart();
    }
    if (size < out.size()) continue;
    if (const auto left = memory_available_bytes(); std::cmp_greater(2 * out.size(), left))
      throw MemoryError(fmt::format(
          "{}: more than {} bytes come from {} compressed ones, and {} are free; unpack it to a file", where,
          size, file.size(), left));
    Array<std::byte> larger(2 * out.size());
    std::copy_n(out.begin(), size, larger.begin());
    out = std::move(larger);
  }
  out.shrink(size);
  return out;
}

}  // namespace kith
