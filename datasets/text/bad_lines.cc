#include "kith/datasets/text/bad_lines.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "kith/core/error.h"

namespace kith {

void BadLines::add(std::vector<BadLine> lines, std::int64_t count) {
  if (count == 0) return;
  const std::lock_guard lock(mutex_);
  count_ += count;
  std::move(lines.begin(), lines.end(), std::back_inserter(lines_));
  if (skip_ && lines_.size() > 1) {
    sort();
    lines_.resize(1);
  }
}

void BadLines::sort() {
  std::sort(lines_.begin(), lines_.end(), [](const BadLine& a, const BadLine& b) {
    return std::tie(a.file, a.offset) < std::tie(b.file, b.offset);
  });
}

std::string BadLines::told(const BadLine& line) const {
  const std::filesystem::path& path = (*files_)[line.file].path;
  return fmt::format("{}:{}: {}", path.string(), line_number(path, line.offset), line.why);
}

void BadLines::check() {
  if (skip_ || lines_.empty()) return;
  sort();
  std::string text;
  const auto told_lines = std::min<std::size_t>(lines_.size(), static_cast<std::size_t>(most_));
  for (std::size_t i = 0; i < told_lines; ++i) text += (i == 0 ? "" : "\n") + told(lines_[i]);
  if (told_lines > 1 && count_ > most_) text += fmt::format("\n(at least {} bad lines in all)", count_);
  throw InputError(text);
}

std::string BadLines::note() {
  sort();
  return fmt::format("{} bad {} left out; the first: {}", count_, count_ == 1 ? "line was" : "lines were",
                     told(lines_.front()));
}

}  // namespace kith
