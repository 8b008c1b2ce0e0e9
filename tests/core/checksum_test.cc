#include "kith/core/checksum.h"

#include <numeric>
#include <vector>

#include "core/temporary_folder.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/file.h"

namespace kith {
namespace {

std::uint64_t of_text(std::string_view text) { return checksum_of(bytes_of(text)); }

// Known answers of the reference implementation with seed 0.
TEST(Checksum, GivesTheKnownAnswersOfXxh64) {
  EXPECT_EQ(of_text(""), 0xef46db3751d8e999ull);
  EXPECT_EQ(of_text("a"), 0xd24ec4f1a98c6e5bull);
  EXPECT_EQ(of_text("abc"), 0x44bc2cf5ad770999ull);
  EXPECT_EQ(of_text("Nobody inspects the spammish repetition"), 0xfbcea83c8a378bf1ull);
}

TEST(Checksum, DoesNotDependOnHowTheBytesAreSplit) {
  std::vector<std::uint8_t> values(1000);
  std::iota(values.begin(), values.end(), std::uint8_t{0});
  const std::span<const std::byte> bytes = bytes_of(values);
  for (std::size_t piece = 1; piece < 100; ++piece) {
    Checksum checksum;
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      checksum.add(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    EXPECT_EQ(checksum.value(), checksum_of(bytes)) << piece;
  }
}

TEST(Checksum, ChangesWithEveryBit) {
  std::vector<std::uint8_t> values(77, 0);
  const std::uint64_t before = checksum_of(bytes_of(values));
  for (std::size_t bit = 0; bit < 8 * values.size(); ++bit) {
    values[bit / 8] = static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_NE(checksum_of(bytes_of(values)), before);
    values[bit / 8] = 0;
  }
}

TEST(Checksum, OfAFileIsThatOfItsBytes) {
  const testing::TemporaryFolder folder;
  write_text_file(folder / "file", "abc");
  EXPECT_EQ(checksum_of_file(folder / "file"), of_text("abc"));
  write_text_file(folder / "empty", "");
  EXPECT_EQ(checksum_of_file(folder / "empty"), of_text(""));
  EXPECT_THROW(checksum_of_file(folder / "absent"), InputError);
}

TEST(Checksum, HexadecimalThereAndBack) {
  EXPECT_EQ(hex_of_hash(0x00ab00000000cdefull), "00ab00000000cdef");
  EXPECT_EQ(hash_of_hex("00ab00000000cdef"), 0x00ab00000000cdefull);
  for (const char* bad : {"", "12", "00ab00000000cdeg", "00AB00000000CDEF", "00ab00000000cdef0"})
    EXPECT_THROW(hash_of_hex(bad), CorruptError);
}

}  // namespace
}  // namespace kith
