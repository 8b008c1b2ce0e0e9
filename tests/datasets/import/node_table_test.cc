// Features, labels and splits that come in files beside the edges, and the types features are kept in.
#include "kith/datasets/import/node_table.h"

#include <cmath>
#include <limits>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/datasets/import/feature_dtype.h"
#include "kith/datasets/store.h"

namespace kith {
namespace {

using test::put;
using test::refusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Edges 10→20, 20→30, 30→10 and what is said of the nodes.
class NodeTable : public ::testing::Test {
 protected:
  NodeTable() { put(folder_ / "edges.csv", "source,destination\n10,20\n20,30\n30,10\n"); }

  Store prepared(NodeTableOptions nodes, const char* edges = "edges.csv", std::optional<DType> dtype = {}) {
    PrepareOptions options;
    nodes.file = folder_ / nodes.file.string();
    options.nodes = std::move(nodes);
    options.feature_dtype = dtype;
    test::fs::remove_all(folder_ / "store");
    prepare(folder_ / edges, folder_ / "store", options);
    return Store::open(folder_ / "store", Verify::checksums);
  }
  std::string said(const char* name, const std::string& text, NodeTableOptions nodes = {}) {
    put(folder_ / name, text);
    nodes.file = name;
    const std::string message = refusal([&] { prepared(nodes); });
    EXPECT_FALSE(test::fs::exists(folder_ / "store"));
    return message;
  }
  static std::vector<float> features_of_store(const Store& store) {
    const FeatureView view = store.features();
    const auto* values = reinterpret_cast<const float*>(view.data);
    return {values, values + view.rows * view.cols};
  }
  test::TemporaryFolder folder_;
};

TEST_F(NodeTable, RowsOfTheTableAreTheRowsOfTheStore) {
  put(folder_ / "nodes.csv",
      "id,age,label,split,height\n30,1,2,train,0.5\n20,2,,valid,-1e2\n40,3,0,,7\n10,4,1,test,8\n");
  const Store store = prepared({.file = "nodes.csv"});
  EXPECT_EQ(store.meta().nodes, 4);  // 40 has no edge
  EXPECT_THAT(store.user_ids().numbers, ElementsAre(30, 20, 40, 10));
  EXPECT_THAT(store.labels().classes, ElementsAre(2, -1, 0, 1));
  EXPECT_THAT(store.split(Split::train), ElementsAre(0));
  EXPECT_THAT(store.split(Split::valid), ElementsAre(1));
  EXPECT_THAT(store.split(Split::test), ElementsAre(3));
  EXPECT_THAT(features_of_store(store), ElementsAre(1, 0.5F, 2, -100, 3, 7, 4, 8));
  const CsrAny graph = store.graph();  // row 20's source is 10, row 30's is 20, row 10's is 30
  EXPECT_THAT(graph.indptr, ElementsAre(0, 1, 2, 2, 3));
  EXPECT_EQ(graph.indices[0], 1);
  EXPECT_EQ(graph.indices[1], 3);
  EXPECT_EQ(graph.indices[2], 0);
}

TEST_F(NodeTable, ColumnsAreChosenByNameAndPattern) {
  put(folder_ / "nodes.tsv",
      "name\ty0\ty1\tf1\tf2\tx\n10\t1\t0\t1\t2\tred\n20\t\tnan\t3\t4\tgreen\n30\t0\t1\t5\t6\t\n");
  const Store store = prepared({.file = "nodes.tsv", .id = "name", .label = "y*", .features = "f*"});
  EXPECT_EQ(store.meta().features, 2);
  EXPECT_TRUE(store.meta().multi_label);
  EXPECT_EQ(store.labels().multi[0], 1);
  EXPECT_TRUE(std::isnan(store.labels().multi[2]));
  EXPECT_THAT(features_of_store(store), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(NodeTable, QuotedNamesAndTextLabelsAreNumberedInAlphabeticalOrder) {
  put(folder_ / "edges.csv", "source,destination\n\"a, b\",c\nc,d\n");
  put(folder_ / "nodes.csv", "id,label\nd,dog\n\"a, b\",cat\nc,\n");
  const Store store = prepared({.file = "nodes.csv"});
  EXPECT_EQ(store.user_id(StoreId(1)), "a, b");
  EXPECT_THAT(store.labels().classes, ElementsAre(1, 0, -1));
}

TEST_F(NodeTable, ATableWithoutIdsCountsRows) {
  put(folder_ / "edges.txt", "0 1\n1 3\n");
  put(folder_ / "nodes.csv", "f,label\n1,0\n2,1\n3,0\n4,1\n5,1\n");
  const Store store = prepared({.file = "nodes.csv"}, "edges.txt");
  EXPECT_EQ(store.meta().nodes, 5);
  EXPECT_FALSE(store.has_user_ids());
}

TEST_F(NodeTable, ArraysBesideTheEdgesKeepTheirTypes) {
  put(folder_ / "edges.txt", "0 1\n1 2\n");
  const std::vector<std::uint16_t> halves{0x3c00, 0x4000, 0x4200};  // 1, 2, 3
  put(folder_ / "nodes.npz",
      test::zip_bytes({{"feat.npy", test::npy_bytes(halves, {3, 1}, DType::f16)},
                       {"label.npy", test::npy_bytes<float>({1, kNan, 0}, {3})},
                       {"train_mask.npy", test::npy_bytes<std::uint8_t>({1, 0, 1}, {3}, DType::boolean)}},
                      test::ZipStyle::stored));
  const Store store = prepared({.file = "nodes.npz"}, "edges.txt");
  EXPECT_EQ(store.meta().feature_dtype, DType::f16);
  EXPECT_THAT(store.labels().classes, ElementsAre(1, -1, 0));
  EXPECT_THAT(store.split(Split::train), ElementsAre(0, 2));

  test::put_npy<std::int8_t>(folder_ / "feat.npy", {1, -2, 3, 127, 0, 5}, {3, 2});
  const Store bytes = prepared({.file = "feat.npy"}, "edges.txt");
  EXPECT_EQ(bytes.meta().feature_dtype, DType::i8);
  EXPECT_THAT(bytes.features().scales, ElementsAre(1, 1, 1));
  const Store floats = prepared({.file = "feat.npy"}, "edges.txt", DType::f32);
  EXPECT_THAT(features_of_store(floats), ElementsAre(1, -2, 3, 127, 0, 5));
}

TEST_F(NodeTable, FaultsNameLineValueAndRemedy) {
  EXPECT_THAT(said("n.csv", "id,f\n10,1\n20,x\n30,1\n"),
              HasSubstr("n.csv:3: column \"f\": \"x\" is not a number; --features"));
  EXPECT_THAT(said("n.csv", "id,f\n10,1\n20,inf\n30,1\n"),
              HasSubstr("n.csv:3: column \"f\": inf is not finite"));
  EXPECT_THAT(said("n.csv", "id,f\n10,1\n20\n30,1\n"), HasSubstr("n.csv:3: 1 columns, the header has 2"));
  EXPECT_THAT(said("n.csv", "id,f\n10,1\n20,1\n"), HasSubstr("node 30 of the edges"));
  EXPECT_THAT(said("n.csv", "id,f\n10,1\n20,1\n10,1\n30,1\n"), HasSubstr("n.csv:4: id 10 stands in "));
  EXPECT_THAT(said("n.csv", "id,f,f\n10,1,1\n"), HasSubstr("column \"f\" stands twice"));
  EXPECT_THAT(said("n.csv", "id,split\n10,train\n20,tset\n30,\n"), HasSubstr("n.csv:3: split \"tset\""));
  EXPECT_THAT(said("n.csv", "id,label\n10,1\n20,0.5\n30,\n"), HasSubstr("n.csv:3: label 0.5 is no class"));
  EXPECT_THAT(said("n.csv", "id,label\n10,1\n20,dog\n30,\n"),
              HasSubstr("n.csv:3: label \"dog\" is no number"));
  EXPECT_THAT(said("n.csv", "id,y0,y1\n10,1,0\n20,1,2\n30,,\n", {.label = "y*"}),
              HasSubstr("n.csv:3: column \"y1\": label \"2\""));
  EXPECT_THAT(said("n.csv", "id,f\n10,1\n", {.features = "g*"}), HasSubstr("--features g*: no such column"));
  EXPECT_THAT(said("n.csv", "id,f\n10,1\n", {.id = "key"}), HasSubstr("--node-id key: no such column"));
  EXPECT_THAT(said("n.csv", "id,f\na,1\nb,2\n"), HasSubstr("n.csv:2: id \"a\" is a text"));
  EXPECT_THAT(said("n.csv", "\n"), HasSubstr("n.csv: empty"));
  EXPECT_THAT(said("n.csv", "id,\"f\n10,1\n"), HasSubstr("n.csv:1: a quote is not closed"));
}

TEST(FeatureType, HalvesRoundToNearestEven) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {  // every half is its own nearest half
    const float value = float_of_f16(static_cast<std::uint16_t>(bits));
    if (!std::isnan(value)) {
      EXPECT_EQ(f16_of_float(value), bits);
    }
  }
  EXPECT_EQ(f16_of_float(65519.996F), 0x7bff);
  EXPECT_EQ(f16_of_float(65520.0F), 0x7c00);
  EXPECT_EQ(f16_of_float(1 + 0x1p-11F), 0x3c00);      // halfway: to the even
  EXPECT_EQ(f16_of_float(1 + 3 * 0x1p-11F), 0x3c02);  // halfway: to the even
  EXPECT_EQ(f16_of_float(1 + 0x1p-11F + 0x1p-20F), 0x3c01);
  EXPECT_EQ(f16_of_float(0x1p-25F), 0);
  EXPECT_EQ(f16_of_float(-0x1.8p-25F), 0x8001);
}

RawFeatures features_from(const std::vector<float>& values, std::int64_t cols) {
  RawFeatures features;
  features.rows = static_cast<std::int64_t>(values.size()) / cols;
  features.cols = cols;
  features.bytes = copy_of(std::as_bytes(std::span(values)));
  return features;
}

TEST(FeatureType, Int8IsWithinHalfAStepOfTheRowsLargest) {
  const std::vector<float> values{1, -3, 0.02F, 0, 0, 0, 1e-6F, 5e-7F, -1e-6F};
  RawFeatures features = features_from(values, 3);
  convert_features(features, DType::i8, "");
  for (std::int64_t i = 0; i < 9; ++i)
    EXPECT_NEAR(feature_value(features, i), values[i], 0.501F * features.scales[i / 3]);
}

TEST(FeatureType, WhatHalvesCannotHoldIsRefusedByItsPlace) {
  RawFeatures features = features_from({1, 2, 3, 70000}, 2);
  EXPECT_THAT(refusal([&] { convert_features(features, DType::f16, "a.npy"); }),
              HasSubstr("a.npy: row 1, column 1: 70000 is outside fp16's"));
}

TEST(Matches, StarsStandForAnyLetters) {
  EXPECT_TRUE(matches("f*", "f12"));
  EXPECT_TRUE(matches("*a*b", "xaabb"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_FALSE(matches("f*", "g"));
  EXPECT_FALSE(matches("f", "f1"));
  EXPECT_FALSE(matches("*ab", "aba"));
}

}  // namespace
}  // namespace kith
