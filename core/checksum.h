#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace kith {

/// XXH64 (Collet, seed 0): a 64-bit checksum that finds damage, about as fast as memory is read. No
/// protection against an adversary. The result does not depend on how the bytes are split over calls of
/// `add`.
class Checksum {
 public:
  Checksum();
  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const;

 private:
  static constexpr std::size_t kStripe = 32;
  void mix_stripe(const std::byte* stripe);

  std::array<std::uint64_t, 4> lanes_;
  std::array<std::byte, kStripe> rest_{};
  std::uint64_t total_ = 0;
};

std::uint64_t checksum_of(std::span<const std::byte> bytes);
/// Throws InputError when the file cannot be read.
std::uint64_t checksum_of_file(const std::filesystem::path& path);

/// 16 hexadecimal digits, and back; `hash_of_hex` throws CorruptError on anything else.
std::string hex_of_hash(std::uint64_t hash);
std::uint64_t hash_of_hex(std::string_view text);

}  // namespace kith
