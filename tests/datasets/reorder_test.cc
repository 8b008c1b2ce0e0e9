#include <cstring>
#include <map>
#include <set>
#include <tuple>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/philox.h"
#include "kith/datasets/store.h"

namespace kith {
namespace {

constexpr std::int64_t kNodes = 400;
constexpr std::int64_t kWidth = 5;
enum class Ids { none, numbers, names };

/// A random directed graph with everything a store can hold.
RawDataset random_raw(Ids ids) {
  const PhiloxKey key = philox_key(41, Stream::generate);
  RawDataset raw;
  raw.nodes = kNodes;
  OwnedColumns<std::int32_t> edges{Array<std::int32_t>(1500), Array<std::int32_t>(1500)};
  raw.edge_weights = Array<float>(1500);
  for (std::int64_t e = 0; e < 1500; ++e) {
    const PhiloxWords words = draw_words(key, StoreId(e), 0, 0);
    edges.source[e] = static_cast<std::int32_t>(words[0] % kNodes);
    edges.destination[e] = static_cast<std::int32_t>(words[1] % (1 + words[2] % kNodes));
    raw.edge_weights[e] = unit_float(words[3]);
  }
  raw.edges = std::move(edges);
  raw.classes = Array<std::int64_t>(kNodes);
  raw.class_count = 7;
  raw.features.rows = kNodes;
  raw.features.cols = kWidth;
  raw.features.fill = [](std::int64_t begin, std::int64_t end, std::byte* out) {
    for (std::int64_t i = begin * kWidth; i < end * kWidth; ++i, out += sizeof(float)) {
      const auto value = static_cast<float>(i);
      std::memcpy(out, &value, sizeof(float));
    }
  };
  for (std::int64_t i = 0; i < kNodes; ++i) raw.classes[i] = i * 5 % 8 - 1;
  if (ids == Ids::numbers) raw.node_ids = Array<std::int64_t>(kNodes);
  for (std::int64_t i = 0; i < kNodes; ++i) {
    if (ids == Ids::numbers) raw.node_ids[i] = 7000 - 3 * i;
    if (ids == Ids::names) raw.node_names.push_back("node " + std::to_string(i * i));
  }
  return raw;
}

/// All that a store says, by the user's ids only.
struct Said {
  std::map<std::string, std::vector<float>> features;
  std::map<std::string, std::int64_t> labels;
  std::map<std::pair<std::string, std::string>, float> edges;
  std::set<std::string> split[3];
  friend bool operator==(const Said&, const Said&) = default;
};

Said said_by(const Store& store) {
  Said said;
  const auto csr = store.graph();
  const FeatureView features = store.features();
  for (std::int64_t i = 0; i < store.meta().nodes; ++i) {
    const std::string id = store.user_id(StoreId(i));
    std::vector<float> row(kWidth);
    std::memcpy(row.data(), features.row(i), kWidth * sizeof(float));
    said.features[id] = row;
    said.labels[id] = store.labels().classes[i];
    for (std::int64_t e = csr.indptr[i]; e < csr.indptr[i + 1]; ++e)
      said.edges[{id, store.user_id(StoreId(csr.indices[e]))}] = store.edge_weights()[e];
  }
  for (const Split split : kSplits)
    for (const std::int64_t node : store.split(split))
      said.split[static_cast<int>(split)].insert(store.user_id(StoreId(node)));
  return said;
}

std::vector<std::int64_t> indices_of(const Store& store) {
  std::vector<std::int64_t> all;
  store.graph().visit([&](auto csr) { all.assign(csr.indices.begin(), csr.indices.end()); });
  return all;
}

TEST(PrepareReorder, TheUserSeesTheSameGraphInEveryOrder) {
  const test::TemporaryFolder folder;
  for (const Ids ids : {Ids::none, Ids::numbers, Ids::names})
    for (const bool largest : {false, true}) {
      PrepareOptions options;
      options.undirected = options.largest_component = largest;
      options.split = "random:0.3/0.2/0.5";
      options.existing = Existing::replace;
      auto written = [&](Order order, const std::string& name) {
        options.reorder = order;
        write_dataset(random_raw(ids), folder.path() / name, options);
        return Store::open(folder.path() / name, Verify::checksums);
      };
      const Store plain = written(Order::none, "plain");
      const Said want = said_by(plain);
      for (const Order order : {Order::degree, Order::bfs, Order::community}) {
        const Store store = written(order, "ordered");
        EXPECT_EQ(said_by(store), want) << static_cast<int>(order);
        EXPECT_NE(indices_of(store), indices_of(plain)) << "nothing was reordered";
        EXPECT_TRUE(store.has_user_ids());
      }
    }
}

TEST(PrepareReorder, MultiLabelsFollowTheirNodes) {
  const test::TemporaryFolder folder;
  auto written = [&](Order order, const std::string& name) {
    RawDataset raw = random_raw(Ids::none);
    raw.classes = {};
    raw.multi_labels = Array<float>(kNodes * raw.class_count);
    for (std::int64_t i = 0; i < raw.multi_labels.ssize(); ++i)
      raw.multi_labels[i] = static_cast<float>(i / raw.class_count >> i % raw.class_count & 1);
    write_dataset(std::move(raw), folder.path() / name, {.reorder = order});
    return Store::open(folder.path() / name);
  };
  const Store plain = written(Order::none, "plain"), store = written(Order::degree, "ordered");
  for (std::int64_t i = 0; i < kNodes; ++i) {
    const std::int64_t was = std::stoll(store.user_id(StoreId(i)));
    for (std::int64_t c = 0; c < 7; ++c)
      EXPECT_EQ(store.labels().multi[i * 7 + c], plain.labels().multi[was * 7 + c]);
  }
}

/// Nodes in groups of 100 with edges inside of them, numbered by group or in turns over the groups.
RawDataset groups(std::int64_t nodes, bool shuffled) {
  const PhiloxKey key = philox_key(43, Stream::generate);
  const std::int64_t each = 8, size = 100, count = nodes / size;
  RawDataset raw;
  raw.nodes = nodes;
  OwnedColumns<std::int32_t> edges{Array<std::int32_t>(each * nodes), Array<std::int32_t>(each * nodes)};
  const auto number = [&](std::int64_t node) {
    return static_cast<std::int32_t>(shuffled ? node % size * count + node / size : node);
  };
  for (std::int64_t e = 0; e < each * nodes; ++e) {
    const std::int64_t node = e / each;
    const std::uint32_t word = draw_words(key, StoreId(e), 0, 0)[0];
    edges.source[e] = number(node);
    edges.destination[e] = number(node / size * size + word % size);
  }
  raw.edges = std::move(edges);
  return raw;
}

TEST(PrepareReorder, AutoTakesCommunitiesWhereReadsThenMeetTheCacheAndElseKeepsTheOrder) {
  const test::TemporaryFolder folder;
  auto written = [&](std::int64_t nodes, bool shuffled, std::optional<Order> order) {
    write_dataset(groups(nodes, shuffled), folder.path() / "store",
                  {.undirected = true, .reorder = order, .existing = Existing::replace});
    return indices_of(Store::open(folder.path() / "store"));
  };
  EXPECT_EQ(written(90'000, true, {}), written(90'000, true, Order::community));
  EXPECT_EQ(written(90'000, false, {}), written(90'000, false, Order::none)) << "in order as it is";
  EXPECT_EQ(written(20'000, true, {}), written(20'000, true, Order::none)) << "smaller than the cache";
}

}  // namespace
}  // namespace kith
