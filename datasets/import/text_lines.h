#pragma once
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/parallel.h"
#include "kith/datasets/import/text_table.h"

namespace kith {

/// What is wrong with a line, thrown while it is parsed; `at` lies in the text of the file.
struct LineFault {
  const char* at;
  std::string why;
};
/// Throws InputError "file:line: why".
[[noreturn]] void tell(const TextFile& file, const LineFault& fault);

/// Numbers of one line, separated by blanks, one after the other. Throws LineFault.
class LineNumbers {
 public:
  explicit LineNumbers(std::string_view line) : at_(line.data()), end_(line.data() + line.size()) { skip(); }
  bool done() const { return at_ == end_; }
  const char* at() const { return at_; }
  /// The next number, which must lie in [low, high]; `what` names it in messages.
  std::int64_t whole(std::string_view what, std::int64_t low, std::int64_t high);
  /// The next number, which must be finite as a float.
  float real(std::string_view what);
  /// The next word as it stands; empty at the end.
  std::string_view word();
  /// Throws when something is left.
  void expect_end(std::string_view expected) const;

 private:
  void skip() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }
  std::string_view token() const;

  const char* at_;
  const char* end_;
};

/// The lines of a text from `begin` on, cut into pieces at newlines so that they are parsed in parallel; what
/// is parsed and which fault is told do not depend on the number of threads.
class TextLines {
 public:
  /// Lines for which `passed_over` is true are not counted. The file must outlive this.
  TextLines(const TextFile& file, const char* begin, bool (*passed_over)(std::string_view line));
  std::int64_t count() const { return first_.back(); }
  std::int64_t pieces() const { return static_cast<std::int64_t>(bounds_.size()) - 1; }
  /// Calls use(piece, i, line) for line i of count(), from front to back within a piece, pieces in parallel.
  /// The first LineFault of the file becomes an InputError.
  template <class Use>
  void parse(Use&& use) const {
    std::vector<LineFault> faults(static_cast<std::size_t>(pieces()), LineFault{nullptr, ""});
    parallel_for(0, pieces(), 1, [&](std::int64_t piece, std::int64_t) {
      std::int64_t i = first_[piece];
      try {
        walk(piece, [&](std::string_view line) { use(piece, i++, line); });
      } catch (LineFault& fault) {
        faults[piece] = std::move(fault);
      }
    });
    for (const LineFault& fault : faults)
      if (fault.at != nullptr) tell(*file_, fault);
  }
  /// Where line i begins: for messages found after parsing. O(bytes).
  const char* begin_of(std::int64_t i) const;
  /// "file:17" of line i.
  std::string where(std::int64_t i) const;

 private:
  template <class Use>
  void walk(std::int64_t piece, Use&& use) const {
    std::string_view rest(bounds_[piece], static_cast<std::size_t>(bounds_[piece + 1] - bounds_[piece]));
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      if (!passed_over_(line)) use(line);
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
  }

  const TextFile* file_;
  bool (*passed_over_)(std::string_view);
  std::vector<const char*> bounds_;
  std::vector<std::int64_t> first_;  ///< [pieces + 1] number of the first line of each
};

/// The line behind `begin`, without its end; moves `begin` behind it.
std::string_view next_line(const char*& begin, const char* end);

/// The path without `.gz`.
std::filesystem::path without_gz(std::filesystem::path path);

}  // namespace kith
