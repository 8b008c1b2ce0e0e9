// A plain file is cut at every multiple of the chunk's size; a chunk begins behind the first newline at or
// behind its cut, and reaches to the first newline at or behind the next. A packed file is unpacked into
// buffers of the same size; what stands behind the last newline of one moves to the front of the next.
#include "kith/datasets/text/text_source.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

constexpr std::size_t kLongestLine = std::size_t{16} << 20;
constexpr std::size_t kTailPiece = std::size_t{64} << 10;

[[noreturn]] void tell_long_line(const std::filesystem::path& path, std::int64_t offset) {
  throw InputError(fmt::format("{}: the line at byte {} is longer than {} MiB: this is no list of edges",
                               path.string(), offset, kLongestLine >> 20));
}

/// A buffer that grows and keeps its content; slack behind it is part of the deal.
struct Growing {
  Array<char> bytes;
  void reserve(std::size_t size, std::size_t keep = 0) {
    if (bytes.size() >= size + TextChunk::kSlack) return;
    Array<char> larger(size + size / 4 + TextChunk::kSlack);
    std::copy_n(bytes.data(), keep, larger.data());
    bytes = std::move(larger);
  }
};

std::size_t find_newline(const char* text, std::size_t size) {
  const void* found = std::memchr(text, '\n', size);
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text);
}

/// Where the first line at or behind `cut` begins; the end of the file when there is none.
std::int64_t line_begin(const PlainFile& file, const std::filesystem::path& path, std::int64_t cut,
                        std::int64_t begin) {
  if (cut <= begin) return begin;
  Array<char> piece(kTailPiece);
  for (std::int64_t at = cut - 1; at < file.bytes();) {
    const std::size_t count = file.read_at(at, piece.span());
    const std::size_t newline = find_newline(piece.data(), count);
    if (newline != std::string_view::npos) return at + static_cast<std::int64_t>(newline) + 1;
    at += static_cast<std::int64_t>(count);
    if (at - cut > static_cast<std::int64_t>(kLongestLine)) tell_long_line(path, cut);
    if (count == 0) break;
  }
  return file.bytes();
}

/// A chunk to be read, or one that is there.
struct Request {
  std::size_t file = 0;
  const PlainFile* plain = nullptr;
  std::int64_t begin = 0, end = 0;  ///< cuts of a plain file; offsets of a text that is there
  std::size_t slot = 0;             ///< of the batch's buffers
};

/// A batch: requests and the buffers of those that are kept.
struct Batch {
  std::vector<Request> requests;
  std::vector<Growing> buffers;
};

TextChunk loaded(const Request& request, const TextFileBegin& file, Growing& buffer) {
  if (request.plain == nullptr)
    return {request.file,
            request.begin,
            {buffer.bytes.data(), static_cast<std::size_t>(request.end - request.begin)}};
  const std::int64_t begin = line_begin(*request.plain, file.path, request.begin, file.begin);
  const std::int64_t end = line_begin(*request.plain, file.path, request.end, file.begin);
  const auto size = static_cast<std::size_t>(std::max<std::int64_t>(0, end - begin));
  buffer.reserve(size);
  const std::size_t count = request.plain->read_at(begin, {buffer.bytes.data(), size});
  std::memset(buffer.bytes.data() + count, 0, TextChunk::kSlack);
  return {request.file, begin, {buffer.bytes.data(), count}};
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      while (i < a.size() && a[i] == '0') ++i;
      while (j < b.size() && b[j] == '0') ++j;
      std::size_t p = i, q = j;
      while (p < a.size() && is_digit(a[p])) ++p;
      while (q < b.size() && is_digit(b[q])) ++q;
      if (p - i != q - j) return p - i < q - j;
      const int order = a.substr(i, p - i).compare(b.substr(j, q - j));
      if (order != 0) return order < 0;
      i = p;
      j = q;
    } else if (a[i] != b[j]) {
      return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    } else {
      ++i;
      ++j;
    }
  }
  // "a1" and "a01" are the same number: the text decides, so that the order is total.
  const bool a_ended = i == a.size(), b_ended = j == b.size();
  return a_ended && b_ended ? a < b : a_ended;
}

/// The next batch of chunks is made here, in order, by one thread.
struct TextSource::Walk {
  const std::vector<TextFileBegin>& files;
  ChunkOptions options;
  std::vector<std::unique_ptr<PlainFile>> plain;  ///< opened as they come, kept open until the end
  std::unique_ptr<ByteStream> stream;
  std::size_t file = 0;
  bool begun = false;
  std::int64_t at = 0;  ///< the next cut, or the offset of the next unpacked byte
  Growing carried;      ///< the line that the last unpacked chunk did not finish
  std::size_t carried_bytes = 0;

  Walk(const std::vector<TextFileBegin>& all, ChunkOptions given) : files(all), options(given) {}

  bool begin_file() {
    if (file == files.size()) return false;
    if (std::exchange(begun, true)) return true;
    at = 0;
    carried_bytes = 0;
    if (packing_of(files[file].path) == Packing::none)
      plain.push_back(std::make_unique<PlainFile>(files[file].path));
    else
      stream = std::make_unique<ByteStream>(files[file].path);
    return true;
  }
  void end_file() {
    stream.reset();
    begun = false;
    ++file;
  }

  void fill(Batch& batch) {
    batch.requests.clear();
    while (static_cast<std::int64_t>(batch.requests.size()) < options.chunks_per_batch && begin_file()) {
      Request request{.file = file, .slot = batch.requests.size()};
      if (batch.buffers.size() <= request.slot) batch.buffers.resize(request.slot + 1);
      if (stream ? unpack(request, batch.buffers[request.slot]) : cut(request))
        batch.requests.push_back(request);
      else
        end_file();
    }
  }

  bool cut(Request& request) {
    request.plain = plain.back().get();
    if (at >= request.plain->bytes()) return false;
    request.begin = at;
    at += static_cast<std::int64_t>(options.chunk_bytes);
    request.end = at;
    return true;
  }

  bool unpack(Request& request, Growing& buffer) {
    std::size_t size = carried_bytes, newline = std::string_view::npos, wanted = options.chunk_bytes;
    buffer.reserve(wanted + size);
    std::copy_n(carried.bytes.data(), size, buffer.bytes.data());
    const std::int64_t begin = at - static_cast<std::int64_t>(carried_bytes);
    while (newline == std::string_view::npos) {
      buffer.reserve(size + wanted, size);
      const std::size_t count = stream->read({buffer.bytes.data() + size, wanted});
      at += static_cast<std::int64_t>(count);
      size += count;
      if (count < wanted) break;
      newline = std::string_view(buffer.bytes.data(), size).rfind('\n');
      if (size > kLongestLine && newline == std::string_view::npos) tell_long_line(files[file].path, begin);
    }
    carried_bytes = newline == std::string_view::npos ? 0 : size - newline - 1;
    carried.reserve(carried_bytes);
    std::copy_n(buffer.bytes.data() + size - carried_bytes, carried_bytes, carried.bytes.data());
    size -= carried_bytes;
    buffer.reserve(size, size);
    std::memset(buffer.bytes.data() + size, 0, TextChunk::kSlack);
    request.begin = begin;
    request.end = begin + static_cast<std::int64_t>(size);
    return size > 0;
  }
};

TextSource::TextSource(std::vector<TextFileBegin> files, ChunkOptions options)
    : files_(std::move(files)), options_(options) {
  for (const TextFileBegin& file : files_)
    packed_bytes_ += static_cast<std::int64_t>(std::filesystem::file_size(file.path));
}
TextSource::~TextSource() = default;

void TextSource::for_each(const Use& use, const After& after) {
  Walk walk(files_, options_);
  Batch now, next;
  std::int64_t first = 0;
  std::atomic<std::int64_t> bytes = 0;
  walk.fill(now);
  while (!now.requests.empty()) {
    const auto count = static_cast<std::int64_t>(now.requests.size());
    // Task 0 makes the next batch: the longest task comes first.
    parallel_for(0, count + 1, 1, [&](std::int64_t task, std::int64_t) {
      if (task == 0) return walk.fill(next);
      const Request& request = now.requests[task - 1];
      static thread_local Growing scratch;
      const bool own = request.plain != nullptr && !options_.keep_texts;
      TextChunk chunk = loaded(request, files_[request.file], own ? scratch : now.buffers[request.slot]);
      const std::int64_t skip = files_[request.file].begin - chunk.offset;
      if (skip > 0) {
        chunk.text.remove_prefix(std::min<std::size_t>(chunk.text.size(), static_cast<std::size_t>(skip)));
        chunk.offset += skip;
      }
      bytes += static_cast<std::int64_t>(chunk.text.size());
      use(first + task - 1, chunk);
    });
    if (after) after(first, first + count);
    first += count;
    std::swap(now, next);
  }
  text_bytes_ = bytes;
}

std::int64_t line_number(const std::filesystem::path& path, std::int64_t offset) {
  ByteStream stream(path);
  Array<char> piece(std::size_t{1} << 20);
  std::int64_t line = 1;
  while (offset > 0) {
    const auto wanted = std::min<std::int64_t>(offset, piece.ssize());
    const std::size_t count = stream.read({piece.data(), static_cast<std::size_t>(wanted)});
    line += std::count(piece.begin(), piece.begin() + count, '\n');
    offset -= static_cast<std::int64_t>(count);
    if (count == 0) break;
  }
  return line;
}

}  // namespace kith
