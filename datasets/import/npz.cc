#include "kith/datasets/import/npz.h"

#include <algorithm>

#include <fmt/format.h>

#include "kith/core/error.h"

namespace kith {

ZipBytes NpzFile::bytes(std::string_view name) const {
  const ZipMember* member = zip_.find(std::string(name) + ".npy");
  if (member == nullptr) {
    std::string names;
    for (const ZipMember& one : zip_.members()) names += " " + one.name;
    throw InputError(fmt::format("{}: no array \"{}\"; it holds{}", where(), name, names));
  }
  return zip_.read(*member);
}

NpzArray NpzFile::array(std::string_view name) const {
  NpzArray out;
  out.storage = bytes(name);
  out.view = parse_npy(out.storage.bytes, fmt::format("{}: {}", where(), name));
  return out;
}

bool is_npz_with(const std::filesystem::path& path, std::initializer_list<std::string_view> names) {
  if (path.extension() != ".npz" || !std::filesystem::is_regular_file(path)) return false;
  const NpzFile file(path);
  return std::all_of(names.begin(), names.end(), [&](std::string_view name) { return file.has(name); });
}

}  // namespace kith
