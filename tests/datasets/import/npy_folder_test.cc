#include <limits>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/datasets/import/clean.h"

namespace kith {
namespace {

using test::put_npy;
using test::refusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<std::int64_t>;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Four nodes: 0→1, 1→2, 2→3, 3→0.
class NpyFolder : public ::testing::Test {
 protected:
  NpyFolder() {
    put_npy<std::int64_t>(folder_.path() / "edges.npy", {0, 1, 2, 3, 1, 2, 3, 0}, {2, 4});
    put_npy<float>(folder_.path() / "features.npy", {1, 2, 3, 4, 5, 6, 7, 8}, {4, 2});
    put_npy<std::int64_t>(folder_.path() / "labels.npy", {0, 1, -1, 1}, {4});
    put_npy<std::int64_t>(folder_.path() / "train.npy", {0}, {1});
    put_npy<std::int64_t>(folder_.path() / "valid.npy", {1}, {1});
    put_npy<std::int64_t>(folder_.path() / "test.npy", {3}, {1});
  }
  test::fs::path file(const char* name) { return folder_.path() / (std::string(name) + ".npy"); }
  RawDataset read() { return test::imported(folder_.path()); }
  std::string said() {
    return refusal([&] { read(); });
  }
  test::TemporaryFolder folder_;
};

TEST_F(NpyFolder, IsReadWhole) {
  const RawDataset raw = read();
  EXPECT_EQ(raw.format, "npy");
  EXPECT_EQ(raw.nodes, 4);
  EXPECT_EQ(raw.class_count, 2);
  EXPECT_EQ(raw.features.cols, 2);
  EXPECT_THAT(raw.split.test, ElementsAre(3));
  const auto& edges = std::get<OwnedColumns<std::int32_t>>(raw.edges);
  EXPECT_THAT(edges.source, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(edges.destination, ElementsAre(1, 2, 3, 0));
}

TEST_F(NpyFolder, EdgesInRowsInColumnsAndAsCsrAreTheSameGraph) {
  auto indices = [&] { return copy_of(std::get<Csr32>(clean_graph(read(), {}).csr).indices); };
  const Array<std::int32_t> want = indices();
  put_npy<std::int32_t>(file("edges"), {0, 1, 1, 2, 2, 3, 3, 0}, {4, 2});
  EXPECT_TRUE(std::ranges::equal(indices(), want));
  test::fs::remove(file("edges"));
  put_npy<std::int64_t>(file("indptr"), {0, 1, 2, 3, 4}, {5});
  put_npy<std::int32_t>(file("indices"), {3, 0, 1, 2}, {4});
  EXPECT_TRUE(std::ranges::equal(indices(), want));
}

TEST_F(NpyFolder, EdgesMayBeOfAnyIntegerTypeAndInColumnOrder) {
  const auto both = [&] {
    const RawDataset raw = read();
    const auto& edges = std::get<OwnedColumns<std::int32_t>>(raw.edges);
    EXPECT_THAT(edges.source, ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(edges.destination, ElementsAre(1, 2, 3, 0));
  };
  put_npy<std::int32_t>(file("edges"), {0, 1, 2, 3, 1, 2, 3, 0}, {2, 4});
  both();
  put_npy<std::uint8_t>(file("edges"), {0, 1, 2, 3, 1, 2, 3, 0}, {2, 4});
  both();
  std::string turned = test::npy_bytes<std::int64_t>({0, 1, 1, 2, 2, 3, 3, 0}, {2, 4});
  turned.replace(turned.find("'fortran_order': False"), 22, "'fortran_order': True ");
  test::put(file("edges"), turned);
  both();
}

TEST_F(NpyFolder, AnIdThatNeedsMoreThan32BitsIsReportedAsItIs) {
  put_npy<std::int64_t>(file("edges"), {0, 1, 2, 3, 1, 2, (std::int64_t{1} << 32) + 1, 0}, {2, 4});
  EXPECT_THAT(said(), HasSubstr("edges.npy: edge 2: destination 4294967297 is outside [0, 4)"));
}

TEST_F(NpyFolder, FeaturesStayInTheirFile) {
  const RawDataset raw = read();
  EXPECT_TRUE(raw.features.bytes.empty());
  test::fs::remove(file("features"));
  for (std::int64_t i = 0; i < 8; ++i)
    EXPECT_EQ(reinterpret_cast<const float*>(raw.features.data())[i], i + 1);
}

TEST_F(NpyFolder, FeaturesInColumnOrderOrOfAnotherTypeAreHeldTurned) {
  std::string turned = test::npy_bytes<float>({1, 3, 5, 7, 2, 4, 6, 8}, {4, 2});
  turned.replace(turned.find("'fortran_order': False"), 22, "'fortran_order': True ");
  test::put(file("features"), turned);
  const RawDataset columns = read();
  put_npy<double>(file("features"), {1, 2, 3, 4, 5, 6, 7, 8}, {4, 2});
  const RawDataset doubles = read();
  for (const RawDataset* raw : {&columns, &doubles}) {
    EXPECT_EQ(raw->features.bytes.size(), 8 * sizeof(float));
    for (std::int64_t i = 0; i < 8; ++i)
      EXPECT_EQ(reinterpret_cast<const float*>(raw->features.data())[i], i + 1);
  }
}

TEST_F(NpyFolder, SplitsMayBeBooleanMasks) {
  test::put(file("train"), test::npy_bytes<std::uint8_t>({1, 0, 1, 0}, {4}, DType::boolean));
  EXPECT_THAT(read().split.train, ElementsAre(0, 2));
}

TEST_F(NpyFolder, FloatLabelsMayBeNanAndOfSeveralColumnsAreMultiLabel) {
  put_npy<float>(file("labels"), {0, kNan, 2, 1}, {4, 1});
  EXPECT_THAT(read().classes, ElementsAre(0, -1, 2, 1));
  put_npy<float>(file("labels"), {0, 1, kNan, 1, 0, 0, 1, 1}, {4, 2});
  const RawDataset raw = read();
  EXPECT_EQ(raw.class_count, 2);
  EXPECT_EQ(raw.multi_labels.size(), 8u);
  put_npy<float>(file("labels"), {0, 1, 0.5F, 1}, {4});
  EXPECT_THAT(said(), HasSubstr("labels.npy: node 2: label 0.5"));
}

TEST_F(NpyFolder, EveryFaultNamesFilePlaceValueAndBound) {
  put_npy<std::int64_t>(file("edges"), {0, 1, 2, 3, 1, 2, 4, 0}, {2, 4});
  EXPECT_THAT(said(), HasSubstr("edges.npy: edge 2: destination 4 is outside [0, 4)"));
  put_npy<std::int64_t>(file("edges"), {0, -1, 2, 3, 1, 2, 3, 0}, {2, 4});
  EXPECT_THAT(said(), HasSubstr("edges.npy: edge 1: source -1 is outside [0, 4)"));
  put_npy<std::int64_t>(file("edges"), {0, 1, 2, 3}, {4});
  EXPECT_THAT(said(), HasSubstr("neither [2, E] nor [E, 2]"));
}

TEST_F(NpyFolder, BadFeaturesAreRefused) {
  put_npy<float>(file("features"), {1, 2, 3, kNan, 5, 6, 7, 8}, {4, 2});
  EXPECT_THAT(said(), HasSubstr("features.npy: row 1, column 1: nan is not finite"));
  put_npy<float>(file("features"), {1, 2, 3, 4, 5, 6, -std::numeric_limits<float>::infinity(), 8}, {4, 2});
  EXPECT_THAT(said(), HasSubstr("features.npy: row 3, column 0: -inf is not finite"));
  put_npy<float>(file("features"), {1, 2, 3, 4, 5, 6}, {3, 2});
  EXPECT_THAT(said(),
              HasSubstr("destination 3 is outside [0, 3)"));  // features tell the nodes of plain edges
  put_npy<std::int64_t>(file("indptr"), {0, 1, 2, 3, 4}, {5});
  put_npy<std::int32_t>(file("indices"), {3, 0, 1, 2}, {4});
  EXPECT_THAT(said(), HasSubstr("features.npy: 3 feature rows, but 4 nodes"));
}

TEST_F(NpyFolder, BadLabelsAndSplitsAreRefused) {
  put_npy<std::int64_t>(file("labels"), {0, 1, -2, 1}, {4});
  EXPECT_THAT(said(), HasSubstr("labels.npy: node 2: label -2 is outside [-1, "));
  put_npy<std::int64_t>(file("labels"), {0, std::int64_t{1} << 40, 0, 1}, {4});
  EXPECT_THAT(said(), HasSubstr("labels.npy: node 1: label 1099511627776 is outside"));
  put_npy<std::int64_t>(file("labels"), {0, 1, 0}, {3});
  EXPECT_THAT(said(), HasSubstr("labels.npy: 3 labels, but 4 nodes"));
  put_npy<std::int64_t>(file("labels"), {0, 1, 0, 0}, {4});
  put_npy<std::int64_t>(file("test"), {2, 0}, {2});
  EXPECT_THAT(said(), HasSubstr("test.npy: entry 1: node 0 is in train already"));
  put_npy<std::int64_t>(file("test"), {4}, {1});
  EXPECT_THAT(said(), HasSubstr("test.npy: entry 0: id 4 is outside [0, 4)"));
}

TEST_F(NpyFolder, BadRowPointersAreRefused) {
  test::fs::remove(file("edges"));
  put_npy<std::int32_t>(file("indices"), {3, 0, 1, 2}, {4});
  auto with = [&](const Ids& indptr) {
    put_npy<std::int64_t>(file("indptr"), indptr, {static_cast<std::int64_t>(indptr.size())});
    return said();
  };
  EXPECT_THAT(with({1, 1, 2, 3, 4}), HasSubstr("begins with 1, not 0"));
  EXPECT_THAT(with({0, 3, 2, 3, 4}), HasSubstr("falls from 3 to 2 at row 1"));
  EXPECT_THAT(with({0, 1, 2, 3, 5}), HasSubstr("ends with 5, but there are 4 indices"));
  EXPECT_NE(with({}), "");
  put_npy<std::int32_t>(file("indices"), {3, 0, 9, 2}, {4});
  EXPECT_THAT(with({0, 1, 2, 3, 4}), HasSubstr("entry 2: 9 is outside [0, 4)"));
}

TEST_F(NpyFolder, DamagedFilesAreRefused) {
  const std::string whole = test::file_bytes(file("features"));
  test::put(file("features"), whole.substr(0, whole.size() - 3));
  EXPECT_THAT(said(), HasSubstr("features.npy"));
  test::put(file("features"), "PK" + whole.substr(2));
  EXPECT_THAT(said(), HasSubstr("features.npy"));
  test::put(file("features"), "");
  EXPECT_THAT(said(), HasSubstr("features.npy"));
  for (const std::vector<std::int64_t>& shape :
       {Ids{-4, 2}, Ids{std::int64_t{1} << 60, 1 << 10}, Ids{1 << 30, 2}}) {
    test::put(file("features"), npy_header(DType::f32, shape) + "12345678");
    EXPECT_THAT(said(), HasSubstr("features.npy")) << shape[0];
  }
}

TEST_F(NpyFolder, AnIdFarAboveTheNumberOfEdgesSizesNothing) {
  for (const char* name : {"features", "labels", "train", "valid", "test"}) test::fs::remove(file(name));
  put_npy<std::int64_t>(file("edges"), {0, std::int64_t{1} << 50, 1, 2}, {2, 2});
  EXPECT_THAT(said(), HasSubstr("edges.npy: edge 1: id 1125899906842624 is outside [0, "));
}

TEST_F(NpyFolder, NothingIsLeftHalfWritten) {
  put_npy<float>(file("features"), {1, 2, 3, kNan, 5, 6, 7, 8}, {4, 2});
  const test::TemporaryFolder out;
  EXPECT_NE(refusal([&] { prepare(folder_.path(), out.path() / "store", {}); }), "");
  EXPECT_TRUE(test::fs::is_empty(out.path()));
}

}  // namespace
}  // namespace kith
