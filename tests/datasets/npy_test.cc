#include "kith/datasets/npy.h"

#include <cstring>

#include "core/temporary_folder.h"
#include "datasets/store_data.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/philox.h"
#include "kith/datasets/npy_file.h"

namespace kith {
namespace {

using ::testing::HasSubstr;

constexpr DType kAll[] = {DType::u8,   DType::i8,  DType::i16,    DType::u16, DType::i32,
                          DType::u32,  DType::i64, DType::u64,    DType::f16, DType::f32,
                          DType::bf16, DType::f64, DType::boolean};

std::string array_text(const std::string& dictionary, const std::string& data = "", int version = 1) {
  std::string text = "\x93NUMPY";
  text += {static_cast<char>(version), '\0'};
  text += {static_cast<char>(dictionary.size() & 0xff), static_cast<char>(dictionary.size() >> 8)};
  if (version > 1) text += std::string(2, '\0');
  return text + dictionary + data;
}

std::string complaint(const std::string& text) {
  return test::message_of<InputError>([&] { parse_npy(bytes_of(text), "x.npy"); });
}

TEST(Npy, WhatIsWrittenIsReadForEveryElementTypeAndShape) {
  const testing::TemporaryFolder folder;
  for (const DType dtype : kAll) {
    for (const std::vector<std::int64_t>& shape :
         {std::vector<std::int64_t>{}, {0}, {7}, {5, 3}, {0, 3}, {2, 3, 4}}) {
      const NpyHeader expected{dtype, false, shape, 0};
      SCOPED_TRACE(describe(expected));
      std::vector<std::byte> bytes(expected.data_bytes());
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 + 1);
      const FileRecord record = write_npy(folder / "a.npy", dtype, shape, bytes);
      const NpyFile file(folder / "a.npy");
      EXPECT_EQ(file.view().header.dtype, dtype == DType::bf16 ? DType::u16 : dtype);
      EXPECT_EQ(file.view().header.shape, shape);
      EXPECT_EQ(file.view().header.data_offset % 64, 0u);
      EXPECT_TRUE(test::same_bits(file.view().data, std::span<const std::byte>(bytes)));
      EXPECT_EQ(record.bytes, static_cast<std::int64_t>(file.file().size()));
      EXPECT_EQ(record.checksum, checksum_of_file(folder / "a.npy"));
    }
  }
}

TEST(Npy, ReadsWhatOtherWritersWrite) {
  const std::string data(24, 'x');
  for (const std::string dictionary : {"{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }      \n",
                                       "{'shape':(3L,),'fortran_order':False,'descr':'<i8'}",
                                       "{ \"descr\" : \"<i8\", 'shape': (3), 'fortran_order': False }\n"}) {
    for (const int version : {1, 2, 3}) {
      const std::string text = array_text(dictionary, data, version);
      const NpyView view = parse_npy(bytes_of(text), "x.npy");
      EXPECT_EQ(view.header.shape, std::vector<std::int64_t>{3}) << dictionary;
      EXPECT_EQ(view.header.dtype, DType::i64);
    }
  }
}

TEST(Npy, DamagedHeadersAreRefusedByWhatIsWrong) {
  const auto with_shape = [](const std::string& shape) {
    return array_text("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }\n");
  };
  EXPECT_THAT(complaint(""), HasSubstr("empty file"));
  EXPECT_THAT(complaint("PK\x03\x04 something else"), HasSubstr("wrong magic"));
  EXPECT_THAT(complaint(array_text("{}", "", 9)), HasSubstr("version 9.0"));
  EXPECT_THAT(complaint(with_shape("(-3,)")), HasSubstr("negative length -3"));
  EXPECT_THAT(complaint(with_shape("(9223372036854775807,)")), HasSubstr("absurd shape"));
  EXPECT_THAT(complaint(with_shape("(4294967296, 4294967296)")), HasSubstr("absurd shape"));
  EXPECT_THAT(complaint(with_shape("(0, 4294967296, 4294967296)")), HasSubstr("absurd shape"));
  EXPECT_THAT(complaint(with_shape("(99999999999999999999,)")), HasSubstr("exceeds 2^63"));
  EXPECT_THAT(complaint(with_shape("(1000000000000,)")), HasSubstr("cut off"));
  EXPECT_THAT(complaint(with_shape("(2.5,)")), HasSubstr("expected"));
  EXPECT_THAT(complaint(with_shape("(x,)")), HasSubstr("not a number"));
  EXPECT_THAT(complaint(array_text("{'descr': '>f4', 'fortran_order': False, 'shape': (0,)}")),
              HasSubstr("'>f4'"));
  EXPECT_THAT(complaint(array_text("{'descr': '|O', 'fortran_order': False, 'shape': (0,)}")),
              HasSubstr("'|O'"));
  EXPECT_THAT(complaint(array_text("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (0,)}")),
              HasSubstr("structured"));
  EXPECT_THAT(complaint(array_text("{'descr': '<f4', 'shape': (0,)}")), HasSubstr("it needs"));
  EXPECT_THAT(complaint(array_text("{'descr': '<f4', 'descr': '<f4', 'shape': (0,)}")), HasSubstr("twice"));
  EXPECT_THAT(complaint(array_text("{'descr': '<f4', 'fortran_order': False, 'shape': (0,)} import os")),
              HasSubstr("behind"));
  EXPECT_THAT(complaint(std::string("\x93NUMPY\x02\0\xff\xff\xff\xff{}", 14)),
              HasSubstr("absurd npy header length"));
}

TEST(Npy, EveryTruncationAndEveryExtraByteIsRefused) {
  const std::string whole = npy_header(DType::f32, std::vector<std::int64_t>{4, 3}) + std::string(48, 'x');
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(complaint(whole.substr(0, length)), ::testing::StartsWith("x.npy: ")) << length;
  }
  EXPECT_THAT(complaint(whole + "x"), HasSubstr("too long"));
  EXPECT_EQ(complaint(whole), "");
}

TEST(Npy, RandomBytesInTheHeaderNeverBreakTheParser) {
  const std::string whole = npy_header(DType::i64, std::vector<std::int64_t>{2}) + std::string(16, 'x');
  test::Draws draws(5);
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = whole;
    for (int change = 0; change < 3; ++change) {
      text[static_cast<std::size_t>(draws.below(80))] = static_cast<char>(draws.below(256));
    }
    refused += complaint(text).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 15000);
}

TEST(Npy, ConvertsIntegersAndFloatsAndRefusesWhatDoesNotFit) {
  const std::uint64_t large[] = {1, std::uint64_t{1} << 63};
  const std::string header = npy_header(DType::u64, std::vector<std::int64_t>{2});
  std::string text = header + std::string(reinterpret_cast<const char*>(large), sizeof large);
  EXPECT_THAT(test::message_of<InputError>([&] { parse_npy(bytes_of(text), "x").copied<std::int64_t>(); }),
              HasSubstr("element 1 is 9223372036854775808"));
  EXPECT_EQ(parse_npy(bytes_of(text), "x").copied<double>()[1], 0x1p63);
  text = npy_header(DType::f16, std::vector<std::int64_t>{2}) + std::string("\x00\x3c\x00\xc0", 4);
  const Array<float> halves = parse_npy(bytes_of(text), "x").copied<float>();
  EXPECT_EQ(halves[0], 1.0f);
  EXPECT_EQ(halves[1], -2.0f);
  EXPECT_THROW(parse_npy(bytes_of(text), "x").copied<std::int64_t>(), InputError);
  EXPECT_THROW(parse_npy(bytes_of(text), "x").values<float>(), InputError);
}

TEST(Npy, AFortranOrderedMatrixHasNoCShape) {
  const std::string text =
      array_text("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n", std::string(6, 'x'));
  const NpyView view = parse_npy(bytes_of(text), "x.npy");
  EXPECT_THROW(view.expect_shape({2, 3}), InputError);
  EXPECT_THROW(view.expect_shape({6}), InputError);
}

TEST(NpyWriter, LeavesNothingWhenItIsNotFinished) {
  const testing::TemporaryFolder folder;
  {
    NpyWriter writer(folder / "a.npy", DType::f32, {100});
    writer.write_values(std::span<const float>(std::vector<float>(50)));
    EXPECT_THROW(writer.finish(), Error);
  }
  EXPECT_EQ(folder.entries(), 0);
}

}  // namespace
}  // namespace kith
