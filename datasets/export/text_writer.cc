#include "kith/datasets/export/text_writer.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <zlib.h>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/parallel.h"

namespace kith {
namespace {

constexpr std::int64_t kPiecesAtOnce = 32;
constexpr int kGzipWindow = 15 + 16;  ///< zlib's sign for a gzip member
constexpr int kLevel = 6, kMemory = 8;

/// One gzip member. Its header carries no time, so equal texts give equal files.
std::string gzipped(const std::string& text) {
  z_stream stream{};
  require(deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) == Z_OK,
          "zlib: a compressor starts");
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int end = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  require(end == Z_STREAM_END, "zlib: a piece is compressed whole");
  return out;
}

}  // namespace

void write_rows(const std::filesystem::path& path, std::string_view head, std::int64_t rows,
                std::int64_t grain, const WriteRows& write) {
  const bool packed = path.extension() == ".gz";
  AtomicFile file(path);
  const auto add = [&](const std::string& text) {
    if (packed && !text.empty())
      file.write(gzipped(text));
    else
      file.write(text);
  };
  // An empty gzip file still needs a member.
  if (packed && head.empty() && rows == 0) file.write(gzipped(""));
  add(std::string(head));
  const std::int64_t pieces = (rows + grain - 1) / grain;
  std::vector<std::string> texts(static_cast<std::size_t>(std::min(pieces, kPiecesAtOnce)));
  for (std::int64_t first = 0; first < pieces; first += kPiecesAtOnce) {
    const std::int64_t last = std::min(pieces, first + kPiecesAtOnce);
    parallel_for(first, last, 1, [&](std::int64_t piece, std::int64_t) {
      std::string& text = texts[piece - first];
      text.clear();
      write(piece * grain, std::min(rows, (piece + 1) * grain), text);
      if (packed && !text.empty()) text = gzipped(text);
    });
    for (std::int64_t piece = first; piece < last; ++piece) file.write(texts[piece - first]);
  }
  file.commit();
}

void append_number(std::string& out, float value) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  require(error == std::errc{}, "a float has at most 32 letters");
  out.append(digits, end);
}

void append_number(std::string& out, std::int64_t value) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  require(error == std::errc{}, "an integer has at most 24 letters");
  out.append(digits, end);
}

}  // namespace kith
