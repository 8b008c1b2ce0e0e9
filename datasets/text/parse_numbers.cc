// The common line, two whole numbers and a newline, is read eight digits at a time without looking for its
// end first. Any other line (blanks, comments, signs, further columns, faults) is read again by the slow
// path, so that there is one place that decides what is wrong.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "kith/datasets/text/digits.h"
#include "kith/datasets/text/edge_lines.h"
#include "kith/datasets/text/edge_parser.h"

namespace kith {
namespace {

constexpr int kMostDigits = 18;

/// Writes the edges of a chunk one behind the other.
template <class Id>
struct EdgeSink {
  Id* out;
  float* weights;          ///< nullptr: none
  std::uint64_t seen = 0;  ///< all ids, or-ed: the sign bit tells of a negative one
  std::int64_t lowest = 0, largest = -1;

  void put(std::uint64_t source, std::uint64_t destination) {
    seen |= source | destination;
    *out++ = static_cast<Id>(source);
    *out++ = static_cast<Id>(destination);
  }
  void put_any(std::int64_t source, std::int64_t destination, float weight) {
    put(static_cast<std::uint64_t>(source), static_cast<std::uint64_t>(destination));
    if (weights != nullptr) *weights++ = weight;
  }
};

class NumberParser {
 public:
  NumberParser(const TextChunk& chunk, const EdgeFormat& format, Negative negative,
               detail::ChunkFaults& faults)
      : chunk_(chunk), format_(format), negative_(negative), faults_(faults) {
    // Source and destination first, or the other way round, and nothing else but perhaps a weight.
    weighted_ = format.columns == 3 && format.weight == 2;
    fast_ = (format.columns == 2 || weighted_) && std::max(format.source, format.destination) == 1;
    swapped_ = format.source == 1;
  }

  template <class Id>
  void parse(EdgeSink<Id>& sink) const {
    const char* at = chunk_.text.data();
    const char* const end = at + chunk_.text.size();
    while (at < end) {
      if (fast_ && fast_line(at, end, sink)) continue;
      const char* stop = detail::line_end(at, end);
      slow_line({at, static_cast<std::size_t>(stop - at)}, sink);
      at = stop + 1;
    }
  }

 private:
  /// Reads "digits separator digits newline" and moves behind it, or leaves `at` where it is.
  template <class Id>
  bool fast_line(const char*& at, const char* end, EdgeSink<Id>& sink) const {
    const char* next = at;
    std::uint64_t first = 0, second = 0;
    int digits = detail::read_digits(next, first);
    if (digits == 0 || digits > kMostDigits) return false;
    if (*next != format_.separator && !(format_.separator == ' ' && *next == '\t')) return false;
    digits = detail::read_digits(++next, second);
    if (digits == 0 || digits > kMostDigits) return false;
    if (weighted_ && !weight_behind(next, end, sink)) return false;
    if (*next == '\r') ++next;
    if (*next != '\n' && next != end) return false;
    at = next + 1;
    swapped_ ? sink.put(second, first) : sink.put(first, second);
    if (weighted_) ++sink.weights;
    return true;
  }

  /// Reads "separator weight" and moves behind it; the weight waits in the sink's next place.
  template <class Id>
  bool weight_behind(const char*& next, const char* end, EdgeSink<Id>& sink) const {
    if (next == end || (*next != format_.separator && !(format_.separator == ' ' && *next == '\t')))
      return false;
    const auto [stop, error] = std::from_chars(next + 1, end, *sink.weights);
    next = stop;
    return error == std::errc{} && std::isfinite(*sink.weights);
  }

  template <class Id>
  void slow_line(std::string_view line, EdgeSink<Id>& sink) const {
    if (!is_edge_line(line)) return;
    detail::LineEnds ends = detail::ends_of(line, format_);
    std::int64_t source = 0, destination = 0;
    const bool is_edge = ends.why.empty();
    if (is_edge) ends.why = detail::read_id(ends.source, source);
    if (ends.why.empty()) ends.why = detail::read_id(ends.destination, destination);
    if (is_edge && !ends.why.empty()) faults_.note_text_ids();
    if (ends.why.empty() && negative_ == Negative::refuse && std::min(source, destination) < 0)
      ends.why = fmt::format("id {} is negative, outside [0, 2^63)", source < 0 ? source : destination);
    if (!ends.why.empty()) return faults_.add(line.data(), std::move(ends.why));
    sink.put_any(source, destination, ends.weight);
  }

  const TextChunk& chunk_;
  const EdgeFormat& format_;
  Negative negative_;
  detail::ChunkFaults& faults_;
  bool fast_ = false, swapped_ = false, weighted_ = false;
};

template <class T>
Array<T>& scratch(std::size_t size) {
  static thread_local Array<T> values;
  if (values.size() < size) values = Array<T>(size + size / 4);
  return values;
}

/// Parses into scratch of the width of Id; the number of edges, and the or of all ids in `seen`.
template <class Id>
std::int64_t parse_into(const NumberParser& parser, std::size_t most, bool weighted, std::uint64_t& seen) {
  Array<Id>& ends = scratch<Id>(2 * most);
  EdgeSink<Id> sink{ends.data(), weighted ? scratch<float>(most).data() : nullptr};
  parser.parse(sink);
  seen = sink.seen;
  return (sink.out - ends.data()) / 2;
}

template <class Id>
Array<Id> kept(std::int64_t edges) {
  return copy_of(std::span<const Id>(scratch<Id>(0).data(), static_cast<std::size_t>(2 * edges)));
}

template <class Id>
void set_extremes(NumberChunk& chunk, std::span<const Id> ends) {
  if (ends.empty()) return;
  Id low = 0, high = 0;
  for (const Id id : ends) {
    low = std::min(low, id);
    high = std::max(high, id);
  }
  chunk.lowest = low;
  chunk.largest = high;
}

}  // namespace

NumberChunk parse_numbers(const TextChunk& text, const EdgeFormat& format, Negative negative, BadLines& bad) {
  detail::ChunkFaults faults(text, bad.most());
  const NumberParser parser(text, format, negative, faults);
  const std::size_t most = text.text.size() / 4 + 2;  // the shortest edge is "0 1" and a newline
  const bool weighted = format.weight >= 0;
  NumberChunk chunk;
  std::uint64_t seen = 0;
  chunk.edges = parse_into<std::int32_t>(parser, most, weighted, seen);
  if (seen <= static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) {
    chunk.narrow = kept<std::int32_t>(chunk.edges);
    set_extremes<std::int32_t>(chunk, chunk.narrow.span());
  } else {
    faults.clear();
    chunk.edges = parse_into<std::int64_t>(parser, most, weighted, seen);
    chunk.wide = kept<std::int64_t>(chunk.edges);
    set_extremes<std::int64_t>(chunk, chunk.wide.span());
  }
  if (weighted)
    chunk.weights =
        copy_of(std::span<const float>(scratch<float>(0).data(), static_cast<std::size_t>(chunk.edges)));
  faults.hand_to(bad);
  return chunk;
}

}  // namespace kith
