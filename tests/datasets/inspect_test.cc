#include "kith/datasets/inspect.h"

#include <algorithm>
#include <cstring>

#include "datasets/partitioned_data.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace kith {
namespace {

using Json = nlohmann::json;

TEST(Inspect, AStoreIsDescribedByItsOwnCounts) {
  const test::PartitionedData made({}, 2);
  const test::StoreData& data = made.data;
  const Description description = description_of_folder(made.folder / "store");
  const Json json = Json::parse(description.json);
  EXPECT_EQ(json.at("kind"), "store");
  EXPECT_EQ(json.at("nodes"), 40);
  EXPECT_EQ(json.at("edges"), 200);
  EXPECT_EQ(json.at("features").at("columns"), 3);
  EXPECT_EQ(json.at("features").at("dtype"), "fp32");
  EXPECT_EQ(json.at("train"), data.train.size());
  EXPECT_EQ(json.at("unlabelled_nodes"), std::count(data.labels.begin(), data.labels.end(), -1));
  for (int c = 0; c < 4; ++c) {
    EXPECT_EQ(json.at("class_sizes").at(c), std::count(data.labels.begin(), data.labels.end(), c));
  }
  std::vector<std::int64_t> degrees;
  for (std::int64_t v = 0; v < 40; ++v) degrees.push_back(data.graph.view().degree(v));
  std::sort(degrees.begin(), degrees.end());
  EXPECT_EQ(json.at("in_degree").at("median"), degrees[19]);
  EXPECT_EQ(json.at("in_degree").at("maximum"), degrees.back());
  EXPECT_EQ(json.at("in_degree").at("mean"), 5.0);
  std::int64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(made.folder / "store")) {
    if (entry.path().extension() == ".npy") bytes += static_cast<std::int64_t>(entry.file_size());
  }
  EXPECT_EQ(json.at("bytes_on_disk"), bytes);
}

TEST(Inspect, APartitionedStoreIsDescribedByPartAndQuality) {
  const test::PartitionedData made({}, 3);
  const PartitionedStore parts = PartitionedStore::open(made.folder / "parts");
  const Description description = description_of_folder(made.folder / "parts");
  const Json json = Json::parse(description.json);
  EXPECT_EQ(json.at("kind"), "partitioned store");
  EXPECT_EQ(json.at("parts"), 3);
  std::int64_t cut = 0;
  for (std::int64_t v = 0; v < 40; ++v) {
    for (const std::int32_t u : made.data.graph.view().row(v)) {
      cut += made.partitioning.assignment[u] != made.partitioning.assignment[v] ? 1 : 0;
    }
  }
  EXPECT_EQ(json.at("cut_edges"), cut);
  std::int64_t nodes = 0;
  for (int p = 0; p < 3; ++p) {
    EXPECT_EQ(json.at("part_sizes").at(p).at("halo_rows"), parts.part(Part(p)).halo.size());
    nodes += json.at("part_sizes").at(p).at("nodes").get<std::int64_t>();
  }
  EXPECT_EQ(nodes, 40);
  for (const DescribedTable& table : description.tables) {
    EXPECT_FALSE(table.rows.empty());
    for (const auto& row : table.rows) EXPECT_EQ(row.size(), table.columns.size()) << table.title;
  }
}

// The parts' own rows, one entry at a time, against the store's rows and the assignment.
TEST(Inspect, EdgesBetweenPartsAreThoseOfTheAssignment) {
  const test::PartitionedData made({}, 3);
  const Json json = Json::parse(description_of_folder(made.folder / "parts").json);
  std::vector<std::vector<std::int64_t>> between(3, std::vector<std::int64_t>(3, 0));
  for (std::int64_t v = 0; v < 40; ++v)
    for (const std::int32_t u : made.data.graph.view().row(v))
      ++between[static_cast<std::size_t>(made.partitioning.assignment[v].value())]
               [static_cast<std::size_t>(made.partitioning.assignment[u].value())];
  EXPECT_EQ(json.at("edges_between_parts"), between);
  const PartitionedStore parts = PartitionedStore::open(made.folder / "parts");
  for (int p = 0; p < 3; ++p) EXPECT_EQ(json.at("halo_rows").at(p), parts.part(Part(p)).halo.size());
}

TEST(Inspect, HomophilyAndFeatureValuesAreCountedOneByOne) {
  const test::PartitionedData made({}, 2);
  const Json json = Json::parse(description_of_folder(made.folder / "store").json);
  double all = 0, same = 0;
  for (std::int64_t v = 0; v < 40; ++v)
    for (const std::int32_t u : made.data.graph.view().row(v)) {
      if (u == v || made.data.labels[v] < 0 || made.data.labels[u] < 0) continue;
      ++all;
      same += made.data.labels[v] == made.data.labels[u] ? 1 : 0;
    }
  EXPECT_NEAR(json.at("edge_homophily").get<double>(), same / all, 1e-12);
  const Store store = Store::open(made.folder / "store");
  const FeatureView features = store.features();
  std::vector<float> values(static_cast<std::size_t>(features.rows * features.cols));
  std::memcpy(values.data(), features.data, values.size() * sizeof(float));
  std::sort(values.begin(), values.end());
  EXPECT_EQ(json.at("feature_values").at("minimum"), static_cast<double>(values.front()));
  EXPECT_EQ(json.at("feature_values").at("maximum"), static_cast<double>(values.back()));
  EXPECT_EQ(json.at("feature_values").at("zero_share"),
            static_cast<double>(std::count(values.begin(), values.end(), 0.0f)) /
                static_cast<double>(values.size()));
  std::int64_t nodes = 0;
  for (const Json& bin : json.at("degree_histogram")) nodes += bin.at("nodes").get<std::int64_t>();
  EXPECT_EQ(nodes, 40);
}

TEST(Inspect, EmptyGraphsAndOtherFolders) {
  const testing::TemporaryFolder folder;
  const Csr32 nothing = test::graph_of(0, {});
  write_store(folder / "s", {.graph = test::any(nothing)}, {});
  EXPECT_EQ(Json::parse(description_of_folder(folder / "s").json).at("nodes"), 0);
  EXPECT_THROW(description_of_folder(folder.path()), InputError);
}

}  // namespace
}  // namespace kith
