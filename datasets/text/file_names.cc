#include <algorithm>

#include <fmt/format.h>
#include <fnmatch.h>

#include "kith/core/error.h"
#include "kith/datasets/text/text_source.h"

namespace kith {

namespace fs = std::filesystem;

bool is_pattern(const fs::path& raw) {
  std::error_code ignored;
  return raw.filename().string().find_first_of("*?[") != std::string::npos && !fs::exists(raw, ignored);
}

std::vector<fs::path> files_named(const fs::path& raw) {
  if (!is_pattern(raw)) return {raw};
  const fs::path folder = raw.has_parent_path() ? raw.parent_path() : fs::path(".");
  const std::string pattern = raw.filename().string();
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    // What matches and is no file (a link that leads nowhere) is told when it is opened: no file may go
    // missing.
    if (!entry.is_directory(error) &&
        ::fnmatch(pattern.c_str(), entry.path().filename().c_str(), FNM_PERIOD) == 0)
      files.push_back(raw.has_parent_path() ? entry.path() : entry.path().filename());
  if (files.empty()) throw InputError(fmt::format("{}: no file matches", raw.string()));
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return natural_less(a.filename().string(), b.filename().string());
  });
  return files;
}

}  // namespace kith
