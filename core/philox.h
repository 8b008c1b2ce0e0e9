#pragma once
#include <array>
#include <cstdint>

#include "kith/core/ids.h"

namespace kith {

/// Philox 4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2,
/// 3" (SC'11). A pure function: the same key and counter give the same four words everywhere.
using PhiloxWords = std::array<std::uint32_t, 4>;
struct PhiloxKey {
  std::uint32_t lo = 0;
  std::uint32_t hi = 0;
  friend bool operator==(PhiloxKey, PhiloxKey) = default;
};

constexpr PhiloxWords philox4x32_10(PhiloxWords counter, PhiloxKey key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = kMultiplier0 * counter[0];
    const std::uint64_t p1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key.lo, static_cast<std::uint32_t>(p1),
               static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key.hi, static_cast<std::uint32_t>(p0)};
    key.lo += kWeyl0;
    key.hi += kWeyl1;
  }
  return counter;
}

/// The named purposes of random numbers. The values are part of the checkpoint and oracle contract.
enum class Stream : std::uint32_t {
  batches = 1,
  sampling = 2,
  dropout = 3,
  boundary = 4,
  rounding = 5,
  init = 6,
  generate = 7,
  split = 8,
  partition = 9
};

/// splitmix64's finaliser.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

/// key = hash(seed, stream, layer): mix64 chained over the three, each increased by the golden ratio.
constexpr PhiloxKey philox_key(std::uint64_t seed, Stream stream, std::uint64_t layer = 0) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15ull;
  std::uint64_t h = mix64(seed + kGolden);
  h = mix64(h ^ (static_cast<std::uint64_t>(stream) + kGolden));
  h = mix64(h ^ (layer + kGolden));
  return {static_cast<std::uint32_t>(h), static_cast<std::uint32_t>(h >> 32)};
}

/// The four words of draw number `draw` of a node at a global step: counter = (store id, step, draw).
constexpr PhiloxWords draw_words(PhiloxKey key, StoreId node, std::uint32_t step, std::uint32_t draw) {
  const auto id = static_cast<std::uint64_t>(node.value());
  return philox4x32_10({static_cast<std::uint32_t>(id), static_cast<std::uint32_t>(id >> 32), step, draw},
                       key);
}

constexpr std::uint64_t word64(const PhiloxWords& words, int half) {
  return words[2 * half] | static_cast<std::uint64_t>(words[2 * half + 1]) << 32;
}

/// A number in [0, bound) from 64 random bits by multiply-shift; the bias is below bound / 2⁶⁴.
constexpr std::uint64_t bounded(std::uint64_t random, std::uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(random) * bound) >> 64);
}

/// A float in [0, 1) with 24 random bits.
constexpr float unit_float(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }
/// A double in [0, 1) with 53 random bits.
constexpr double unit_double(std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

}  // namespace kith
