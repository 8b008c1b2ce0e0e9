#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "kith/core/array.h"

namespace kith {

/// How labelled nodes are divided into train, valid and test. As a user writes it:
/// `public` (what the data brings), `random:0.6/0.2/0.2[:seed]`, `per-class:20/30[:seed]` (train and valid
/// nodes of every class, the rest tests), `mask:3` (one of several splits that the data brings).
struct SplitSpec {
  enum class Kind { given, random, per_class, mask };
  Kind kind = Kind::given;
  std::array<double, 3> fractions = {0, 0, 0};
  std::int64_t train_per_class = 0;
  std::int64_t valid_per_class = 0;
  int mask = 0;
  std::uint64_t seed = 0;
};

/// Throws InputError on anything but the four forms above; `fallback_seed` serves where none is written.
SplitSpec parse_split(std::string_view text, std::uint64_t fallback_seed = 0);
std::string text_of(const SplitSpec& spec);

/// Store ids of each split, ascending.
struct SplitIds {
  Array<std::int64_t> train, valid, test;
};

/// Divides the nodes with has_label[i] ≠ 0: the first ⌊fraction · labelled⌉ of an order keyed by (seed,
/// Stream::split, node). Deterministic; O(n).
SplitIds random_split(std::span<const std::uint8_t> has_label, const SplitSpec& spec);
/// The first `train_per_class` nodes of every class in that order train, the next `valid_per_class` validate
/// and the others test. Throws InputError when a class has fewer nodes than both together.
SplitIds per_class_split(std::span<const std::int64_t> classes, std::int64_t count, const SplitSpec& spec);

}  // namespace kith
