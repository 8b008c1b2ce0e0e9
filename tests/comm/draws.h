#pragma once
#include <cstdint>
#include <vector>

#include "kith/core/philox.h"

namespace kith::test {

/// Random words that every rank can draw for every other: a pure function of (purpose, a, b, i).
inline std::uint32_t draw(std::uint64_t purpose, std::int64_t a, std::int64_t b, std::int64_t i) {
  return philox4x32_10({static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b),
                        static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32)},
                       philox_key(purpose, Stream::generate))[0];
}

/// Numbers of very different sizes, whose sum depends on the order of adding.
template <class T>
std::vector<T> awkward_numbers(std::int64_t rank, std::size_t count) {
  std::vector<T> numbers(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto word = draw(3, rank, 0, static_cast<std::int64_t>(i));
    const T scale = word % 3 == 0 ? T(1e6) : word % 3 == 1 ? T(1) : T(1e-6);
    numbers[i] = (static_cast<T>(unit_float(word)) - T(0.5)) * scale;
  }
  return numbers;
}

template <class T>
std::vector<T> folded(int ranks, std::size_t count) {
  auto sum = awkward_numbers<T>(0, count);
  for (int r = 1; r < ranks; ++r) {
    const auto x = awkward_numbers<T>(r, count);
    for (std::size_t i = 0; i < count; ++i) sum[i] += x[i];
  }
  return sum;
}

}  // namespace kith::test
