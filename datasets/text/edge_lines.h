#pragma once
#include <cstring>
#include <string>
#include <string_view>

#include "kith/datasets/text/bad_lines.h"
#include "kith/datasets/text/edge_format.h"

namespace kith::detail {

/// What the fields of a line say; `why` is empty when it is an edge.
struct LineEnds {
  std::string_view source, destination;
  float weight = 1;
  std::string why;
};

/// Splits a line (without its newline) and reads its weight. The slow path: any layout, any fault.
LineEnds ends_of(std::string_view line, const EdgeFormat& format);

/// Reads a weight; returns why it is none, or an empty text.
std::string read_weight(std::string_view field, float& weight);
/// A whole number of 64 bits; returns why it is none, or an empty text.
std::string read_id(std::string_view field, std::int64_t& id);

/// Gathers a chunk's bad lines, as many as are wanted.
class ChunkFaults {
 public:
  ChunkFaults(const TextChunk& chunk, std::size_t most) : chunk_(chunk), most_(most) {}
  void add(const char* at, std::string why) {
    if (lines_.size() < most_)
      lines_.push_back({chunk_.file, chunk_.offset + (at - chunk_.text.data()), std::move(why)});
    ++count_;
  }
  /// The line would be an edge if its ids were texts.
  void note_text_ids() { text_ids_ = true; }
  void hand_to(BadLines& bad) {
    if (text_ids_) bad.note_text_ids();
    bad.add(std::move(lines_), count_);
  }
  void clear() {
    lines_.clear();
    count_ = 0;
    text_ids_ = false;
  }

 private:
  const TextChunk& chunk_;
  std::size_t most_;
  std::vector<BadLine> lines_;
  std::int64_t count_ = 0;
  bool text_ids_ = false;
};

/// The end of the line that begins at `at`.
inline const char* line_end(const char* at, const char* end) {
  const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
  return found == nullptr ? end : static_cast<const char*>(found);
}

}  // namespace kith::detail
