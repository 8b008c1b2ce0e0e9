// A store written in another format and prepared again is the same store, checksum for checksum of every
// array that the format holds.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "core/temporary_folder.h"
#include "datasets/store_data.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "kith/datasets/export/export_store.h"
#include "kith/datasets/partition_store.h"
#include "kith/datasets/prepare.h"
#include "kith/partition/partitioners.h"

namespace kith {
namespace {

namespace fs = std::filesystem;
using test::StoreData;
using test::StoreDataOptions;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using Json = nlohmann::json;
using Names = std::vector<std::string>;

const Names kGraph{"indptr.npy", "indices.npy"};
const Names kRows{"features.npy", "labels.npy", "train.npy", "valid.npy", "test.npy"};

Json files_of(const fs::path& store) {
  std::ifstream in(store / "meta.json");
  return Json::parse(in).at("files");
}

Names operator+(Names a, const Names& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Stores of random graphs without parallel edges, as `prepare` writes them, and what is made of them.
class RoundTrip : public ::testing::Test {
 protected:
  RoundTrip() { folder_.emplace(); }

  /// A store prepared from random arrays: parallel edges are merged.
  Store made(const StoreDataOptions& options, bool undirected = false) {
    const StoreData data(options);
    write_store(folder_->path() / "first", data.arrays(), {.name = "first"});
    export_store(Store::open(folder_->path() / "first"), "npy", folder_->path() / "arrays");
    PrepareOptions how;
    how.name = "store";
    how.undirected = undirected;
    how.self_loops = undirected ? LoopPolicy::drop : LoopPolicy::keep;
    prepare(folder_->path() / "arrays", folder_->path() / "store", how);
    return Store::open(folder_->path() / "store");
  }
  /// Exports, prepares, and expects these arrays to have the same bytes.
  void expect_same(const Store& store, const std::string& format, const std::string& out,
                   const Names& names) {
    export_store(store, format, folder_->path() / out);
    fs::path raw = folder_->path() / out;
    if (fs::exists(raw / "edges.csv")) raw /= "edges.csv";
    prepare(raw, folder_->path() / ("again-" + out), PrepareOptions());
    const Json before = files_of(store.folder()), after = files_of(folder_->path() / ("again-" + out));
    for (const std::string& name : names) {
      ASSERT_TRUE(before.contains(name)) << format << ": " << name;
      ASSERT_TRUE(after.contains(name)) << format << ": " << name;
      EXPECT_EQ(before[name], after[name]) << format << ": " << name;
    }
  }
  std::optional<TemporaryFolder> folder_;
};

TEST_F(RoundTrip, NpyHoldsEverythingInEveryType) {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::i8})
    for (const auto ids :
         {StoreDataOptions::Ids::none, StoreDataOptions::Ids::numbers, StoreDataOptions::Ids::names}) {
      folder_.emplace();
      const Store store =
          made({.dtype = dtype, .multi_label = dtype == DType::f16, .weights = true, .ids = ids});
      Names names = kGraph + kRows + Names{"edge_weights.npy"};
      if (dtype == DType::i8) names.push_back("feature_scales.npy");
      if (ids == StoreDataOptions::Ids::numbers) names.push_back("node_ids.npy");
      if (ids == StoreDataOptions::Ids::names)
        names = names + Names{"node_names.npy", "node_name_offsets.npy"};
      expect_same(store, "npy", "out", names);
      EXPECT_EQ(files_of(store.folder()).size(), files_of(folder_->path() / "again-out").size());
    }
}

TEST_F(RoundTrip, MatrixMarketHoldsGraphAndWeights) {
  const Store store = made({.weights = true});
  expect_same(store, "mtx", "out.mtx", kGraph + Names{"edge_weights.npy"});
  expect_same(store, "mtx", "packed.mtx.gz", kGraph + Names{"edge_weights.npy"});
}

TEST_F(RoundTrip, MetisHoldsAnUndirectedGraphWithoutLoops) {
  expect_same(made({.nodes = 300, .edges = 500}, true), "metis", "out.graph", kGraph);
}

TEST_F(RoundTrip, OgbHoldsGraphFeaturesLabelsAndSplits) {
  expect_same(made({.weights = true}), "ogb", "out", kGraph + kRows + Names{"edge_weights.npy"});
}

TEST_F(RoundTrip, OgbHoldsSeveralLabelsANode) {
  expect_same(made({.multi_label = true}), "ogb", "out", kGraph + kRows);
}

TEST_F(RoundTrip, MetisRefusesADirectedGraphByItsFirstEdge) {
  const Store store = made({});
  const std::string said =
      test::message_of<InputError>([&] { export_store(store, "metis", folder_->path() / "a.graph"); });
  EXPECT_THAT(said, HasSubstr("METIS graphs are undirected"));
  EXPECT_FALSE(fs::exists(folder_->path() / "a.graph"));
}

TEST_F(RoundTrip, MetisLeavesOutWhatItCannotHoldAndSaysSo) {
  const Store store = made({.weights = true}, true);
  const ExportNotes notes = export_store(store, "metis", folder_->path() / "a.graph");
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr("edge weights were left out")));
}

TEST_F(RoundTrip, AnAssignmentIsReadBackFromTextAndNpy) {
  const Store store = made({});
  Partitioning cut{3, Array<Part>(static_cast<std::size_t>(store.meta().nodes))};
  for (std::int64_t v = 0; v < store.meta().nodes; ++v)
    cut.assignment[v] = Part(static_cast<Part::rep>(v * v % 3));
  write_partitioned_store(folder_->path() / "parts", store, cut, {.k = 3});
  const PartitionedStore parts = PartitionedStore::open(folder_->path() / "parts");
  for (const char* name : {"parts.npy", "parts.txt", "graph.part.3"}) {
    export_assignment(parts, folder_->path() / name);
    const Partitioning read = read_assignment(folder_->path() / name, store.meta().nodes, 3);
    EXPECT_TRUE(std::ranges::equal(read.assignment, cut.assignment)) << name;
  }
}

TEST_F(RoundTrip, ARealWebCrawlGoesThroughMatrixMarketAndMetis) {
  const char* data = std::getenv("KITH_DATA_DIR");
  if (data == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const fs::path raw = fs::path(data) / "cnr-2000/cnr-2000-csr.npz";
  prepare(raw, folder_->path() / "crawl", PrepareOptions());
  const Store crawl = Store::open(folder_->path() / "crawl");
  EXPECT_EQ(crawl.meta().edges, 3'216'152);
  expect_same(crawl, "mtx", "out.mtx", kGraph);
  PrepareOptions undirected;
  undirected.undirected = true;
  undirected.self_loops = LoopPolicy::drop;
  prepare(raw, folder_->path() / "both", undirected);
  const Store both = Store::open(folder_->path() / "both");
  EXPECT_EQ(both.meta().edges, 2 * 2'738'969);
  expect_same(both, "metis", "out.graph", kGraph);
}

TEST_F(RoundTrip, AnOutputThatExistsIsKept) {
  const Store store = made({});
  std::ofstream(folder_->path() / "a.mtx") << "precious";
  const auto said = [&](const char* format, const char* out) {
    return test::message_of<InputError>([&] { export_store(store, format, folder_->path() / out); });
  };
  EXPECT_THAT(said("mtx", "a.mtx"), HasSubstr("exists already"));
  EXPECT_THAT(said("npy", "store"), HasSubstr("exists already"));
  EXPECT_THAT(said("mxt", "b"), HasSubstr("did you mean mtx?"));
  export_store(store, "mtx", folder_->path() / "a.mtx", Existing::replace);
  EXPECT_THROW(export_store(store, "npy", folder_->path() / "store", Existing::replace), InputError);
}

}  // namespace
}  // namespace kith
