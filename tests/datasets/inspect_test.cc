#include "kith/datasets/inspect.h"

#include <algorithm>

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

TEST(Inspect, EmptyGraphsAndOtherFolders) {
  const testing::TemporaryFolder folder;
  const Csr32 nothing = test::graph_of(0, {});
  write_store(folder / "s", {.graph = test::any(nothing)}, {});
  EXPECT_EQ(Json::parse(description_of_folder(folder / "s").json).at("nodes"), 0);
  EXPECT_THROW(description_of_folder(folder.path()), InputError);
}

}  // namespace
}  // namespace kith
