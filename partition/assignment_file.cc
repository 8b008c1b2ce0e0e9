// Two forms of one part number per node: text, a number a line, as every partitioner writes it; and a
// one-dimensional little-endian `.npy` of int32 or int64 (NumPy's format 1.0 to 3.0), whose header is
// compared with the size of the file before anything is allocated.
#include <charconv>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "kith/core/error.h"
#include "kith/partition/partitioners.h"

namespace kith {
namespace {

using std::filesystem::path;

std::string content_of(const path& file) {
  std::ifstream in(file, std::ios::binary);
  std::error_code failed;
  const auto bytes = std::filesystem::file_size(file, failed);
  if (!in || failed) throw InputError(file.string() + ": cannot be read as an assignment");
  std::string content(bytes, '\0');
  if (!in.read(content.data(), static_cast<std::streamsize>(bytes)))
    throw InputError(file.string() + ": ends while being read");
  return content;
}

// Where a part number stands, as in "parts.txt:17" and "parts.npy: row 16".
Part checked(std::int64_t part, int k, const std::string& where) {
  if (part < 0 || part >= k)
    throw InputError(where + ": part " + std::to_string(part) + " is outside [0, " + std::to_string(k) + ")");
  return Part(static_cast<Part::rep>(part));
}

void check_count(std::int64_t count, std::int64_t nodes, const path& file) {
  if (count != nodes)
    throw InputError(file.string() + ": holds " + std::to_string(count) + " part numbers, the graph has " +
                     std::to_string(nodes) + " nodes");
}

std::string_view trimmed(std::string_view line) {
  const auto begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

std::int64_t number_in(std::string_view line, const std::string& where) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (failed != std::errc() || end != line.data() + line.size())
    throw InputError(where + ": \"" + std::string(line.substr(0, 40)) + "\" is not a part number");
  return value;
}

Array<Part> from_text(std::string_view content, std::int64_t nodes, int k, const path& file) {
  content = content.substr(0, content.find_last_not_of(" \t\r\n") + 1);
  Array<Part> assignment(static_cast<std::size_t>(nodes));
  std::int64_t lines = 0;
  while (!content.empty()) {
    const auto end = std::min(content.find('\n'), content.size());
    const std::string where = file.string() + ":" + std::to_string(lines + 1);
    const Part part = checked(number_in(trimmed(content.substr(0, end)), where), k, where);
    if (lines < nodes) assignment[lines] = part;
    ++lines;
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  check_count(lines, nodes, file);
  return assignment;
}

struct NpyHeader {
  std::size_t width = 0;  ///< bytes of one number
  std::int64_t count = 0;
  std::size_t payload = 0;  ///< where the numbers begin
};

// The text behind `key` in the header's dictionary, up to the next ',' or ')'.
std::string_view value_of(std::string_view header, std::string_view key, const path& file) {
  const auto at = header.find(key);
  if (at == std::string_view::npos)
    throw InputError(file.string() + ": the .npy header has no " + std::string(key));
  header.remove_prefix(at + key.size());
  return header;
}

NpyHeader npy_header(std::string_view content, const path& file) {
  const auto fail = [&](const char* what) -> InputError { return InputError(file.string() + ": " + what); };
  const std::size_t prefix = content.size() > 6 && content[6] == 1 ? 10 : 12;
  if (content.size() < prefix) throw fail("the .npy header is cut off");
  std::size_t length = 0;
  for (std::size_t i = prefix; i > 8; --i) length = length << 8 | static_cast<unsigned char>(content[i - 1]);
  if (length > content.size() - prefix) throw fail("the .npy header is cut off");
  const std::string_view header = content.substr(prefix, length);

  NpyHeader found{.payload = prefix + length};
  const std::string_view type = value_of(header, "'descr': '", file).substr(0, 3);
  if (type == "<i4") found.width = 4;
  if (type == "<i8") found.width = 8;
  if (found.width == 0) throw fail("part numbers must be little-endian int32 or int64");
  const std::string_view shape = value_of(header, "'shape': (", file);
  const auto [end, failed] = std::from_chars(shape.data(), shape.data() + shape.size(), found.count);
  const std::string_view rest = shape.substr(static_cast<std::size_t>(end - shape.data()));
  if (failed != std::errc() || !rest.starts_with(",)")) throw fail("an assignment has one dimension");
  const std::size_t bytes = content.size() - found.payload;
  if (found.count < 0 || bytes % found.width != 0 ||
      bytes / found.width != static_cast<std::uint64_t>(found.count))
    throw fail("the .npy header and the size of the file disagree");
  return found;
}

template <class Number>
void copy_numbers(std::string_view payload, int k, const path& file, Array<Part>& assignment) {
  for (std::int64_t v = 0; v < assignment.ssize(); ++v) {
    Number part;
    std::memcpy(&part, payload.data() + static_cast<std::size_t>(v) * sizeof part, sizeof part);
    if (part < 0 || part >= k) checked(part, k, file.string() + ": row " + std::to_string(v));
    assignment[v] = Part(static_cast<Part::rep>(part));
  }
}

Array<Part> from_npy(std::string_view content, std::int64_t nodes, int k, const path& file) {
  const NpyHeader header = npy_header(content, file);
  check_count(header.count, nodes, file);
  Array<Part> assignment(static_cast<std::size_t>(nodes));
  content.remove_prefix(header.payload);
  if (header.width == 4)
    copy_numbers<std::int32_t>(content, k, file, assignment);
  else
    copy_numbers<std::int64_t>(content, k, file, assignment);
  return assignment;
}

}  // namespace

Partitioning read_assignment(const path& file, std::int64_t nodes, int k) {
  const std::string content = content_of(file);
  const bool npy = std::string_view(content).starts_with("\x93NUMPY");
  return {k, npy ? from_npy(content, nodes, k, file) : from_text(content, nodes, k, file)};
}

}  // namespace kith
