#include "kith/exec/safetensors.h"

#include <cstring>
#include <fstream>
#include <numeric>

#include "core/temporary_folder.h"
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/file.h"

namespace kith::test {
namespace {

using kith::testing::TemporaryFolder;

void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

/// A file made of a header and data, as another program might write it.
std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

const std::string kOneTensor = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
const std::string kEightBytes = std::string("\0\0\x80\x3f\0\0\0\x40", 8);  // 1.0f, 2.0f

TEST(Safetensors, WhatIsWrittenIsRead) {
  const TemporaryFolder folder;
  std::vector<float> a(24), b(5);
  std::iota(a.begin(), a.end(), -7.5f);
  std::iota(b.begin(), b.end(), 0.25f);
  write_safetensors(folder / "w.safetensors", {{"a.weight", {2, 3, 4}, a}, {"b", {5}, b}, {"none", {0}, {}}},
                    {{"kind", "a \"quoted\" text"}});
  const Safetensors read = Safetensors::read(folder / "w.safetensors");
  EXPECT_EQ(read.names(), std::vector<std::string>({"a.weight", "b", "none"}));
  EXPECT_TRUE(std::ranges::equal(read.tensor("a.weight", 24), a));
  EXPECT_TRUE(std::ranges::equal(read.tensor("b", 5), b));
  EXPECT_TRUE(read.tensor("none", 0).empty());
  EXPECT_EQ(read.metadata().at("kind"), "a \"quoted\" text");
  EXPECT_THROW(read.tensor("c", 1), CorruptError);
  EXPECT_THROW(read.tensor("b", 4), CorruptError);
  EXPECT_THROW(Safetensors::read(folder / "absent"), InputError);
}

TEST(Safetensors, TheDataBeginsOnAMultipleOfEightBytes) {
  const TemporaryFolder folder;
  const std::vector<float> one{1};
  for (const std::string name : {"a", "ab", "abc", "abcdefgh"}) {
    write_safetensors(folder / name, {{name, {1}, one}}, {});
    EXPECT_EQ(std::filesystem::file_size(folder / name) % 8, 4u);
  }
}

TEST(Safetensors, AFileOfAnotherProgramIsRead) {
  const TemporaryFolder folder;
  write_bytes(folder / "w", file_of(kOneTensor + "  ", kEightBytes));
  const Safetensors read = Safetensors::read(folder / "w");
  EXPECT_EQ(read.tensor("a", 2)[0], 1.0f);
  EXPECT_EQ(read.tensor("a", 2)[1], 2.0f);
}

TEST(Safetensors, EveryFlippedBitIsFoundOrHarmless) {
  const TemporaryFolder folder;
  const std::vector<float> values{1, 2, 3};
  write_safetensors(folder / "w", {{"a", {3}, values}}, {{"epoch", "12"}});
  const std::string whole = read_text_file(folder / "w");
  int found = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << i % 8));
    write_bytes(folder / "damaged", damaged);
    try {
      const Safetensors read = Safetensors::read(folder / "damaged");
      // Left over: blanks, and the checksum's own name.
      EXPECT_TRUE(std::ranges::equal(read.tensor("a", 3), values)) << "byte " << i;
      EXPECT_EQ(read.metadata().at("epoch"), "12") << "byte " << i;
    } catch (const CorruptError&) {
      ++found;
    }
  }
  EXPECT_GT(found, static_cast<int>(whole.size()) - 24);
}

TEST(Safetensors, EveryCutFileIsFound) {
  const TemporaryFolder folder;
  const std::vector<float> values{1, 2, 3};
  write_safetensors(folder / "w", {{"a", {3}, values}}, {});
  const std::string whole = read_text_file(folder / "w");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_bytes(folder / "cut", whole.substr(0, length));
    EXPECT_THROW(Safetensors::read(folder / "cut"), CorruptError) << length;
  }
}

TEST(Safetensors, MalformedHeadersAreRefused) {
  const TemporaryFolder folder;
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  const std::string files[] = {
      "",
      "short",
      std::string(8, '\xff') + "{}",
      file_of("", ""),
      file_of("no json", kEightBytes),
      file_of("[1]", kEightBytes),
      file_of("3", kEightBytes),
      file_of(R"({"a":1})", kEightBytes),
      file_of(R"({"a":{"dtype":"F32","shape":[2]}})", kEightBytes),
      file_of(R"({"__metadata__":{"checksum":3}})", ""),
      file_of(R"({"__metadata__":{"checksum":"zz"}})", ""),
      file_of(entry("F64", "[1]", "[0,8]"), kEightBytes),
      file_of(entry("F32", "[3]", "[0,8]"), kEightBytes),
      file_of(entry("F32", "[2]", "[0,12]"), kEightBytes),
      file_of(entry("F32", "[2]", "[8,0]"), kEightBytes),
      file_of(entry("F32", "[1]", "[2,6]"), kEightBytes),
      file_of(entry("F32", "[-1,-2]", "[0,8]"), kEightBytes),
      file_of(entry("F32", "[4611686018427387904,4]", "[0,0]"), kEightBytes),
      file_of(entry("F32", "[2]", "[0,8,9]"), kEightBytes).substr(0, 20),
      file_of(entry("F32", "[2]", "[-8,0]"), kEightBytes),
      file_of(entry("F32", "[2]", "[\"0\",\"8\"]"), kEightBytes),
      file_of(
          R"({"__metadata__":{"checksum":"00"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"b":)" +
              std::string(100000, '[') + std::string(100000, ']') + "}}",
          kEightBytes),
  };
  for (const std::string& bytes : files) {
    write_bytes(folder / "w", bytes);
    EXPECT_THROW(Safetensors::read(folder / "w"), CorruptError) << bytes.substr(0, 100);
  }
}

}  // namespace
}  // namespace kith::test
