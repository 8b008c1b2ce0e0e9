// Ids that are texts: the ends of a line's fields are found a word at a time, every id is hashed, and a
// chunk's ids are laid out by shard of the hash, so that each shard's table is filled by one thread at a time
// and fits in a cache.
#include <bit>

#include "kith/datasets/text/digits.h"
#include "kith/datasets/text/edge_lines.h"
#include "kith/datasets/text/edge_parser.h"

namespace kith {
namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::uint64_t kMix1 = 0x9E3779B97F4A7C15ull, kMix2 = 0xD6E8FEB86659FD93ull;
constexpr std::size_t kLongestName = 65'535;

std::uint64_t folded(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// The bytes of a word that equal those of `repeated`, as a mask of their high bits; exact up to the first.
std::uint64_t equal_bytes(std::uint64_t word, std::uint64_t repeated) {
  const std::uint64_t x = word ^ repeated;
  return (x - 0x0101010101010101ull) & ~x & 0x8080808080808080ull;
}
constexpr std::uint64_t repeated(char c) { return 0x0101010101010101ull * static_cast<unsigned char>(c); }

/// The first separator or newline at or behind `at`, or the end.
class FieldEnd {
 public:
  explicit FieldEnd(char separator)
      : first_(repeated(separator)), second_(repeated(separator == ' ' ? '\t' : separator)) {}
  const char* operator()(const char* at, const char* end) const {
    for (; at < end; at += 8) {
      const std::uint64_t word = detail::eight_bytes(at);
      const std::uint64_t found =
          equal_bytes(word, first_) | equal_bytes(word, second_) | equal_bytes(word, repeated('\n'));
      if (found != 0) return std::min(end, at + std::countr_zero(found) / 8);
    }
    return end;
  }

 private:
  std::uint64_t first_, second_;
};

struct HashedToken {
  NameToken token;
  std::uint32_t shard;
};

class NameParser {
 public:
  NameParser(const TextChunk& chunk, const EdgeFormat& format, detail::ChunkFaults& faults)
      : chunk_(chunk), format_(format), faults_(faults), field_end_(format.separator) {}

  void parse(std::vector<HashedToken>& tokens, std::vector<float>& weights) {
    const char* at = chunk_.text.data();
    const char* const end = at + chunk_.text.size();
    const bool fast = format_.columns == 2;
    while (at < end) {
      if (fast && fast_line(at, end, tokens)) continue;
      const char* stop = detail::line_end(at, end);
      slow_line({at, static_cast<std::size_t>(stop - at)}, tokens, weights);
      at = stop + 1;
    }
  }

 private:
  static bool plain(std::string_view field) {
    const auto odd = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '"'; };
    return !field.empty() && field.size() <= kLongestName && !odd(field.front()) && !odd(field.back());
  }

  bool fast_line(const char*& at, const char* end, std::vector<HashedToken>& tokens) {
    const char* middle = field_end_(at, end);
    if (middle == end || *middle == '\n' || *at == '#' || *at == '%') return false;
    const char* stop = field_end_(middle + 1, end);
    if (stop != end && *stop != '\n') return false;
    const char* last = stop > middle + 1 && stop[-1] == '\r' ? stop - 1 : stop;
    std::string_view first(at, static_cast<std::size_t>(middle - at));
    std::string_view second(middle + 1, static_cast<std::size_t>(last - middle - 1));
    if (!plain(first) || !plain(second)) return false;
    at = stop + 1;
    if (format_.source == 1) std::swap(first, second);
    put(first, tokens);
    put(second, tokens);
    return true;
  }

  void slow_line(std::string_view line, std::vector<HashedToken>& tokens, std::vector<float>& weights) {
    if (!is_edge_line(line)) return;
    detail::LineEnds ends = detail::ends_of(line, format_);
    if (ends.why.empty() && std::max(ends.source.size(), ends.destination.size()) > kLongestName)
      ends.why = "an id is longer than 65535 bytes";
    if (!ends.why.empty()) return faults_.add(line.data(), std::move(ends.why));
    put(ends.source, tokens);
    put(ends.destination, tokens);
    if (format_.weight >= 0) weights.push_back(ends.weight);
  }

  void put(std::string_view name, std::vector<HashedToken>& tokens) {
    const std::uint64_t hash = hash_of_name(name.data(), name.size());
    tokens.push_back(
        {{static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(name.data() - chunk_.text.data()),
          static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(tokens.size())},
         static_cast<std::uint32_t>(shard_of(hash))});
  }

  const TextChunk& chunk_;
  const EdgeFormat& format_;
  detail::ChunkFaults& faults_;
  FieldEnd field_end_;
};

}  // namespace

std::uint64_t hash_of_name(const char* at, std::size_t length) {
  std::uint64_t hash = kMix1 ^ length;
  for (; length > 8; at += 8, length -= 8) hash = folded(hash ^ detail::eight_bytes(at), kMix2);
  const std::uint64_t last =
      length == 0 ? 0 : detail::eight_bytes(at) << (64 - 8 * length) >> (64 - 8 * length);
  return folded(folded(hash ^ last, kMix1), kMix2);
}

NameChunk parse_names(const TextChunk& text, const EdgeFormat& format, BadLines& bad) {
  static thread_local std::vector<HashedToken> tokens;
  static thread_local std::vector<float> weights;
  tokens.clear();
  weights.clear();
  detail::ChunkFaults faults(text, bad.most());
  NameParser(text, format, faults).parse(tokens, weights);
  faults.hand_to(bad);
  NameChunk chunk;
  chunk.edges = static_cast<std::int64_t>(tokens.size() / 2);
  for (const HashedToken& one : tokens) ++chunk.begin[one.shard + 1];
  for (std::size_t s = 0; s < kIdShards; ++s) chunk.begin[s + 1] += chunk.begin[s];
  std::uint32_t next[kIdShards];
  std::copy_n(chunk.begin, kIdShards, next);
  chunk.tokens = Array<NameToken>(tokens.size());
  for (const HashedToken& one : tokens) chunk.tokens[next[one.shard]++] = one.token;
  chunk.weights = copy_of(std::span<const float>(weights));
  return chunk;
}

}  // namespace kith
