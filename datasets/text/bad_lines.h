#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "kith/datasets/text/edge_format.h"

namespace kith {

/// A line that is no edge: where it stands, and why.
struct BadLine {
  std::size_t file = 0;
  std::int64_t offset = 0;  ///< a byte of the line, in the unpacked file
  std::string why;
};

/// What is wrong in the files of a list of edges. Lines are counted only when there is something to tell.
class BadLines {
 public:
  BadLines(const EdgeTextOptions& options, const std::vector<TextFileBegin>& files)
      : most_(options.max_errors), skip_(options.skip_bad_lines), files_(&files) {}

  /// The most lines that one chunk needs to keep.
  std::size_t most() const { return static_cast<std::size_t>(skip_ ? 1 : most_); }
  /// Of one chunk: its first bad lines, and how many there were. Thread-safe.
  void add(std::vector<BadLine> lines, std::int64_t count);
  /// Some line would be an edge if its ids were taken for texts. Thread-safe.
  void note_text_ids() { text_ids_ = true; }
  bool text_ids() const { return text_ids_; }
  /// Throws InputError with the first bad lines in the order of the files, one "file:line: why" each, unless
  /// they are to be skipped. Called when no other thread adds.
  void check();
  std::int64_t count() const { return count_; }
  /// "3 bad lines were left out; the first: e.txt:7: …".
  std::string note();

 private:
  std::string told(const BadLine& line) const;
  void sort();

  std::int64_t most_;
  bool skip_;
  const std::vector<TextFileBegin>* files_;
  std::mutex mutex_;
  std::vector<BadLine> lines_;
  std::int64_t count_ = 0;
  std::atomic<bool> text_ids_ = false;
};

}  // namespace kith
