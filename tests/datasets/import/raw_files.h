#pragma once
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/temporary_folder.h"
#include <zlib.h>

#include "kith/core/error.h"
#include "kith/datasets/import/registry.h"
#include "kith/datasets/npy_file.h"
#include "kith/datasets/prepare.h"

// What the tests of the importers share: small raw files, written without the code under test.
namespace kith::test {

namespace fs = std::filesystem;
using ::kith::testing::TemporaryFolder;

inline std::string file_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}
inline fs::path put(const fs::path& path, const std::string& bytes) {
  fs::remove(path);  // truncating a file makes some file systems flush it when it is closed
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

template <class T>
std::string npy_bytes(const std::vector<T>& values, std::vector<std::int64_t> shape,
                      DType dtype = dtype_of<T>) {
  std::string bytes = npy_header(dtype, shape);
  return bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}
template <class T>
void put_npy(const fs::path& path, const std::vector<T>& values, std::vector<std::int64_t> shape) {
  put(path, npy_bytes(values, std::move(shape)));
}

inline void append_number(std::string& bytes, std::uint64_t value, int width) {
  for (int i = 0; i < width; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
}

/// zlib's output in the window asked for: −15 raw deflate, 31 gzip.
inline std::string deflated(const std::string& bytes, int window) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

enum class ZipStyle { stored, deflated, zip64 };

/// A zip archive of (name, content), by PKWARE's note.
inline std::string zip_bytes(const std::vector<std::pair<std::string, std::string>>& files, ZipStyle style) {
  const bool wide = style == ZipStyle::zip64;
  const std::uint64_t see64 = 0xffffffff;
  std::string archive, directory;
  for (const auto& [name, content] : files) {
    const std::string packed = style == ZipStyle::deflated ? deflated(content, -15) : content;
    const auto crc =
        crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
    auto common = [&](std::string& to, std::uint64_t extra) {
      append_number(to, 20, 2);
      append_number(to, 0, 2);
      append_number(to, style == ZipStyle::deflated ? 8 : 0, 2);
      append_number(to, 0, 4);
      append_number(to, crc, 4);
      append_number(to, wide ? see64 : packed.size(), 4);
      append_number(to, wide ? see64 : content.size(), 4);
      append_number(to, name.size(), 2);
      append_number(to, extra, 2);
    };
    const std::size_t offset = archive.size();
    append_number(archive, 0x04034b50, 4);
    common(archive, 0);
    archive += name + packed;
    append_number(directory, 0x02014b50, 4);
    append_number(directory, 20, 2);
    common(directory, wide ? 28 : 0);
    append_number(directory, 0, 10);
    append_number(directory, wide ? see64 : offset, 4);
    directory += name;
    if (!wide) continue;
    append_number(directory, 1, 2);
    append_number(directory, 24, 2);
    for (const std::uint64_t value :
         {std::uint64_t{content.size()}, std::uint64_t{packed.size()}, std::uint64_t{offset}})
      append_number(directory, value, 8);
  }
  const std::size_t begin = archive.size();
  archive += directory;
  if (wide) {
    const std::size_t record = archive.size();
    append_number(archive, 0x06064b50, 4);
    append_number(archive, 44, 8);
    append_number(archive, 45, 2);
    append_number(archive, 45, 2);
    append_number(archive, 0, 8);
    append_number(archive, files.size(), 8);
    append_number(archive, files.size(), 8);
    append_number(archive, directory.size(), 8);
    append_number(archive, begin, 8);
    append_number(archive, 0x07064b50, 4);
    append_number(archive, 0, 4);
    append_number(archive, record, 8);
    append_number(archive, 1, 4);
  }
  append_number(archive, 0x06054b50, 4);
  append_number(archive, 0, 4);
  append_number(archive, wide ? 0xffff : files.size(), 2);
  append_number(archive, wide ? 0xffff : files.size(), 2);
  append_number(archive, wide ? see64 : directory.size(), 4);
  append_number(archive, wide ? see64 : begin, 4);
  append_number(archive, 0, 2);
  return archive;
}

/// What an InputError says, or "" when none was thrown. Any other exception passes.
template <class Action>
std::string refusal(Action&& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// Imports and checks, without a store.
inline RawDataset imported(const fs::path& raw, const ImportRequest& request = {}) {
  RawDataset data = import_dataset(raw, request);
  validate(data);
  return data;
}

/// The folder of real graphs, or nothing.
inline const char* real_data() { return std::getenv("KITH_DATA_DIR"); }

}  // namespace kith::test
