#include "kith/datasets/import/text_lines.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/text/real_number.h"

namespace kith {
namespace {

constexpr std::int64_t kPieceBytes = std::int64_t{1} << 21;
constexpr std::size_t kShown = 40;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace

void tell(const TextFile& file, const LineFault& fault) {
  const std::string_view text = file.text();
  const auto line = 1 + std::count(text.data(), std::min(fault.at, text.data() + text.size()), '\n');
  throw InputError(fmt::format("{}:{}: {}", file.where(), line, fault.why));
}

std::string_view LineNumbers::token() const {
  const char* stop = at_;
  while (stop < end_ && !is_blank(*stop)) ++stop;
  return {at_, static_cast<std::size_t>(stop - at_)};
}

std::int64_t LineNumbers::whole(std::string_view what, std::int64_t low, std::int64_t high) {
  const std::string_view text = token();
  if (text.empty()) throw LineFault{at_, fmt::format("the line ends where {} is expected", what)};
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool large = error == std::errc::result_out_of_range;
  if (!large && (error != std::errc{} || stop != text.data() + text.size()))
    throw LineFault{at_, fmt::format("{} \"{}\" is not a whole number", what, text.substr(0, kShown))};
  if (large || value < low || value > high)
    throw LineFault{at_, fmt::format("{} {} is outside [{}, {}]", what, text.substr(0, kShown), low, high)};
  at_ = stop;
  skip();
  return value;
}

float LineNumbers::real(std::string_view what) {
  const std::string_view text = token();
  if (text.empty()) throw LineFault{at_, fmt::format("the line ends where {} is expected", what)};
  const std::optional<double> value = real_number(text);
  if (!value) throw LineFault{at_, fmt::format("{} \"{}\" is not a number", what, text.substr(0, kShown))};
  const auto narrow = static_cast<float>(*value);
  if (!std::isfinite(narrow))
    throw LineFault{at_, fmt::format("{} {} is not finite in fp32", what, text.substr(0, kShown))};
  at_ += text.size();
  skip();
  return narrow;
}

std::string_view LineNumbers::word() {
  const std::string_view text = token();
  at_ += text.size();
  skip();
  return text;
}

void LineNumbers::expect_end(std::string_view expected) const {
  if (!done())
    throw LineFault{at_,
                    fmt::format("\"{}\" is left over; a line holds {}", token().substr(0, kShown), expected)};
}

TextLines::TextLines(const TextFile& file, const char* begin, bool (*passed_over)(std::string_view))
    : file_(&file), passed_over_(passed_over), bounds_{begin} {
  const char* end = file.text().data() + file.text().size();
  while (end - bounds_.back() > kPieceBytes) {
    const char* at = bounds_.back() + kPieceBytes;
    const void* newline = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
    if (newline == nullptr) break;
    bounds_.push_back(static_cast<const char*>(newline) + 1);
  }
  if (bounds_.back() != end || bounds_.size() == 1) bounds_.push_back(end);
  first_.assign(bounds_.size(), 0);
  parallel_for(0, pieces(), 1, [&](std::int64_t piece, std::int64_t) {
    std::int64_t lines = 0;
    walk(piece, [&](std::string_view) { ++lines; });
    first_[piece] = lines;
  });
  exclusive_prefix_sum(first_.data(), static_cast<std::int64_t>(first_.size()));
}

const char* TextLines::begin_of(std::int64_t i) const {
  const auto above = std::upper_bound(first_.begin(), first_.end() - 1, i);
  const auto piece = above - first_.begin() - 1;
  std::int64_t line = first_[piece];
  const char* found = bounds_.back();
  walk(piece, [&](std::string_view text) {
    if (line++ == i) found = text.data();
  });
  return found;
}

std::string TextLines::where(std::int64_t i) const {
  const std::string_view text = file_->text();
  return fmt::format("{}:{}", file_->where(), 1 + std::count(text.data(), begin_of(i), '\n'));
}

std::string_view next_line(const char*& begin, const char* end) {
  std::string_view line(begin, static_cast<std::size_t>(end - begin));
  line = line.substr(0, line.find('\n'));
  begin += std::min(static_cast<std::size_t>(end - begin), line.size() + 1);
  return line;
}

std::filesystem::path without_gz(std::filesystem::path path) {
  return path.extension() == ".gz" ? path.replace_extension() : path;
}

}  // namespace kith
