#pragma once
#include <bit>
#include <cstdint>
#include <cstring>

// Numbers eight digits at a time: a word of text is one 64-bit number, and its digits are summed by three
// multiplications (Lemire, "Quickly parsing eight digits", 2018). Eight bytes behind the text must be
// readable.

namespace kith::detail {

inline std::uint64_t eight_bytes(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

/// How many of the word's leading bytes are digits; `values` are the bytes less '0'.
inline int leading_digits(std::uint64_t values) {
  const std::uint64_t others =
      (((values & 0x7f7f7f7f7f7f7f7full) + 0x7676767676767676ull) | values) & 0x8080808080808080ull;
  return others == 0 ? 8 : std::countr_zero(others) / 8;
}

/// The number of eight digits, given as bytes 0 … 9, the first the most significant.
inline std::uint64_t number_of_eight(std::uint64_t values) {
  values = (values * 2561) >> 8;
  values = ((values & 0x00ff00ff00ff00ffull) * 6553601) >> 16;
  return ((values & 0x0000ffff0000ffffull) * 42949672960001ull) >> 32;
}

/// The whole number that begins at `at`, which moves behind its digits. Returns how many there were: 0, or
/// more than 18, which may not fit, leave `number` without meaning.
inline int read_digits(const char*& at, std::uint64_t& number) {
  std::uint64_t values = eight_bytes(at) ^ 0x3030303030303030ull;
  int digits = leading_digits(values);
  if (digits == 0) return 0;
  number = number_of_eight(values << (64 - 8 * digits));
  at += digits;
  if (digits < 8) return digits;
  while (*at >= '0' && *at <= '9' && digits <= 18) {
    number = number * 10 + static_cast<std::uint64_t>(*at++ - '0');
    ++digits;
  }
  return digits;
}

}  // namespace kith::detail
