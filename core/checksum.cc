// XXH64 as its specification states it: four lanes take 8 bytes each of a 32-byte stripe; the lanes, the
// length and the bytes behind the last stripe are folded into one word.
#include "kith/core/checksum.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kith/core/error.h"
#include "kith/core/mapped_file.h"

namespace kith {
namespace {

static_assert(std::endian::native == std::endian::little, "stores are little-endian");

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87ull, kPrime2 = 0xC2B2AE3D27D4EB4Full,
                        kPrime3 = 0x165667B19E3779F9ull, kPrime4 = 0x85EBCA77C2B2AE63ull,
                        kPrime5 = 0x27D4EB2F165667C5ull;

template <class T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

std::uint64_t round_of(std::uint64_t lane, std::uint64_t input) {
  return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

std::uint64_t merge(std::uint64_t hash, std::uint64_t lane) {
  return (hash ^ round_of(0, lane)) * kPrime1 + kPrime4;
}

std::uint64_t fold_rest(std::uint64_t hash, const std::byte* rest, std::size_t size) {
  for (; size >= 8; rest += 8, size -= 8)
    hash = std::rotl(hash ^ round_of(0, load<std::uint64_t>(rest)), 27) * kPrime1 + kPrime4;
  for (; size >= 4; rest += 4, size -= 4)
    hash = std::rotl(hash ^ (load<std::uint32_t>(rest) * kPrime1), 23) * kPrime2 + kPrime3;
  for (; size > 0; ++rest, --size)
    hash = std::rotl(hash ^ (std::to_integer<std::uint64_t>(*rest) * kPrime5), 11) * kPrime1;
  return hash;
}

std::uint64_t avalanche(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace

Checksum::Checksum() : lanes_{kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1} {}

void Checksum::mix_stripe(const std::byte* stripe) {
  for (std::size_t lane = 0; lane < 4; ++lane)
    lanes_[lane] = round_of(lanes_[lane], load<std::uint64_t>(stripe + 8 * lane));
}

void Checksum::add(std::span<const std::byte> bytes) {
  const std::size_t waiting = total_ % kStripe;
  total_ += bytes.size();
  if (waiting > 0) {
    const std::size_t taken = std::min(kStripe - waiting, bytes.size());
    std::copy_n(bytes.begin(), taken, rest_.begin() + static_cast<std::ptrdiff_t>(waiting));
    bytes = bytes.subspan(taken);
    if (waiting + taken < kStripe) return;
    mix_stripe(rest_.data());
  }
  for (; bytes.size() >= kStripe; bytes = bytes.subspan(kStripe)) mix_stripe(bytes.data());
  std::copy(bytes.begin(), bytes.end(), rest_.begin());
}

std::uint64_t Checksum::value() const {
  std::uint64_t hash = kPrime5;
  if (total_ >= kStripe) {
    hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) +
           std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = merge(hash, lane);
  }
  return avalanche(fold_rest(hash + total_, rest_.data(), total_ % kStripe));
}

std::uint64_t checksum_of(std::span<const std::byte> bytes) {
  Checksum checksum;
  checksum.add(bytes);
  return checksum.value();
}

std::uint64_t checksum_of_file(const std::filesystem::path& path) {
  return checksum_of(MappedFile(path, MappedFile::Access::sequential).bytes());
}

std::string hex_of_hash(std::uint64_t hash) {
  std::string text(16, '0');
  for (std::size_t digit = 16; digit-- > 0; hash >>= 4) text[digit] = "0123456789abcdef"[hash & 15];
  return text;
}

std::uint64_t hash_of_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::uint64_t hash = 0;
  bool whole = text.size() == 16;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    whole = whole && digit != kDigits.npos;
    hash = hash << 4 | (digit & 15);
  }
  if (!whole) throw CorruptError(with_facts("a checksum is not 16 hexadecimal digits", {{"text", text}}));
  return hash;
}

}  // namespace kith
