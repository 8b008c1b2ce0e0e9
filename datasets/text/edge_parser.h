#pragma once
#include <cstdint>
#include <vector>

#include "kith/core/array.h"
#include "kith/datasets/text/bad_lines.h"
#include "kith/datasets/text/edge_format.h"

namespace kith {

/// The edges of one chunk of numbers: ends[2 e] is the source of edge e, ends[2 e + 1] its destination.
struct NumberChunk {
  Array<std::int32_t> narrow;  ///< when all of them fit
  Array<std::int64_t> wide;    ///< else
  Array<float> weights;        ///< one per edge, or empty
  std::int64_t edges = 0;
  std::int64_t lowest = 0;  ///< at most 0: the smallest id that is negative
  std::int64_t largest = -1;
};

/// Negative numbers are ids like any other, or bad lines.
enum class Negative { refuse, allow };

/// Parses a chunk whose ids are whole numbers. Lines that are no edge go to `bad`.
NumberChunk parse_numbers(const TextChunk& chunk, const EdgeFormat& format, Negative negative, BadLines& bad);

/// An id that is a text: where in the chunk, and which end of which edge (2 e: source, 2 e + 1: destination).
struct NameToken {
  std::uint32_t tag;  ///< of its hash
  std::uint32_t offset;
  std::uint32_t length;
  std::uint32_t at;
};
inline constexpr std::size_t kIdShards = 64;
std::uint64_t hash_of_name(const char* at, std::size_t length);
inline std::size_t shard_of(std::uint64_t hash) { return static_cast<std::size_t>(hash >> 58); }

/// The ids of one chunk of texts, by shard of their hash, within a shard in the order of the text.
struct NameChunk {
  Array<NameToken> tokens;
  std::uint32_t begin[kIdShards + 1] = {};
  Array<float> weights;
  std::int64_t edges = 0;
};
NameChunk parse_names(const TextChunk& chunk, const EdgeFormat& format, BadLines& bad);

}  // namespace kith
