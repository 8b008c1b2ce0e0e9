// DGL's chunked metadata.json and GraphBolt's metadata.yaml, made as their documentation shows them.
#include <limits>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/datasets/import/yaml.h"

namespace kith {
namespace {

using test::put;
using test::put_npy;
using test::refusal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Folder : public ::testing::Test {
 protected:
  Folder() {
    for (const char* name : {"edges", "node_data", "set"}) test::fs::create_directories(folder_ / name);
  }
  RawDataset read(const ImportRequest& request = {}) { return test::imported(folder_.path(), request); }
  std::string said(const ImportRequest& request = {}) {
    return refusal([&] { read(request); });
  }
  std::vector<std::int64_t> sources(const RawDataset& raw) {
    std::vector<std::int64_t> ids;
    std::visit([&](const auto& edges) { ids.assign(edges.source.begin(), edges.source.end()); }, raw.edges);
    return ids;
  }
  test::TemporaryFolder folder_;
};

/// Five nodes, four edges in two chunks, features in two.
class Chunked : public Folder {
 protected:
  Chunked() {
    put(folder_ / "edges/1.csv", "0 1\n1 2\n2 3\n");
    put(folder_ / "edges/2.csv", "3 0\n");
    put_npy<float>(folder_ / "node_data/f1.npy", {1, 2, 3, 4, 5, 6}, {3, 2});
    put_npy<float>(folder_ / "node_data/f2.npy", {7, 8, 9, 10}, {2, 2});
    put_npy<std::int64_t>(folder_ / "node_data/l.npy", {0, 1, -1, 1, 2}, {5});
    put(folder_ / "node_data/m.npy", test::npy_bytes<std::uint8_t>({1, 0, 0, 1, 0}, {5}, DType::boolean));
    write("csv", "[\"paper\"]", "[\"paper:cites:paper\"]");
  }
  void write(const std::string& format, const std::string& nodes, const std::string& edges) {
    put(folder_ / "metadata.json",
        R"({"graph_name": "papers", "node_type": )" + nodes + R"(, "edge_type": )" + edges +
            R"(, "num_nodes_per_chunk": [[3, 2], [9]], "num_edges_per_chunk": [[3, 1], [7]],
        "edges": {"paper:cites:paper": {"format": {"name": ")" +
            format + R"(", "delimiter": " "}, "data": ["edges/1.csv", "edges/2.csv"]}},
        "node_data": {"paper": {
          "feat": {"format": {"name": "numpy"}, "data": ["node_data/f1.npy", "node_data/f2.npy"]},
          "label": {"format": {"name": "numpy"}, "data": ["node_data/l.npy"]},
          "train_mask": {"format": {"name": "numpy"}, "data": ["node_data/m.npy"]}}}, "edge_data": {}})");
  }
};

TEST_F(Chunked, ChunksAreJoinedAndCountsChecked) {
  const RawDataset raw = read();
  EXPECT_EQ(raw.format, "dgl-chunked");
  EXPECT_EQ(raw.name, "papers");
  EXPECT_EQ(raw.nodes, 5);
  EXPECT_THAT(sources(raw), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(raw.features.rows, 5);
  EXPECT_EQ(reinterpret_cast<const float*>(raw.features.data())[9], 10);
  EXPECT_THAT(raw.classes, ElementsAre(0, 1, -1, 1, 2));
  EXPECT_THAT(raw.split.train, ElementsAre(0, 3));
}

TEST_F(Chunked, AGraphOfSeveralTypesNamesThemAndOneMayBeChosen) {
  write("csv", R"(["paper", "author"])", R"(["paper:cites:paper", "author:writes:paper"])");
  EXPECT_THAT(
      said(),
      HasSubstr("2 types of nodes (paper, author) and 2 of edges (paper:cites:paper, author:writes:paper)"));
  EXPECT_EQ(edge_count(read({.edge_type = "paper:cites:paper"}).edges), 4);
  EXPECT_THAT(said({.edge_type = "author:writes:paper"}), HasSubstr("two types (author and paper)"));
  EXPECT_THAT(said({.edge_type = "a:b:a"}), HasSubstr("--edge-type a:b:a: no such type"));
}

TEST_F(Chunked, FaultsNameFileAndPlace) {
  write("parquet", "[\"paper\"]", "[\"paper:cites:paper\"]");
  EXPECT_THAT(said(), HasSubstr("kith_convert"));
  write("csv", "[\"paper\"]", "[\"paper:cites:paper\"]");
  put(folder_ / "edges/2.csv", "3 0\n1 1\n");
  EXPECT_THAT(said(), HasSubstr("5 edges in 2 files, but the counts say 4"));
  put(folder_ / "edges/2.csv", "3 x\n");
  EXPECT_THAT(said(), HasSubstr("edges/2.csv:1: id \"x\" is not a whole number"));
  put(folder_ / "edges/2.csv", "3 9\n");
  EXPECT_THAT(said(), HasSubstr("edge 3: destination 9 is outside [0, 5)"));
  put(folder_ / "edges/2.csv", "3 0\n");
  put_npy<float>(folder_ / "node_data/f2.npy", {7, 8, 9, 10}, {4, 1});
  EXPECT_THAT(said(), HasSubstr("f2.npy: fp32 [4, 1] does not continue fp32 [3, 2]"));
  test::fs::remove(folder_ / "node_data/f2.npy");
  EXPECT_THAT(said(), HasSubstr("f2.npy is not there"));
  put(folder_ / "metadata.json", "{\"node_type\": [");
  EXPECT_THAT(said(), HasSubstr("metadata.json"));
  put(folder_ / "metadata.json",
      R"({"node_type": ["a"], "edge_type": ["a:b:a"], "num_nodes_per_chunk": [[1e99]]})");
  EXPECT_THAT(said(), HasSubstr("num_nodes_per_chunk"));
}

TEST_F(Chunked, APathThatLeavesTheFolderIsRefused) {
  std::string text = test::file_bytes(folder_ / "metadata.json");
  text.replace(text.find("edges/1.csv"), 11, "../1.csv");
  put(folder_ / "metadata.json", text);
  EXPECT_THAT(said(), HasSubstr("path \"../1.csv\" does not lie inside"));
}

class GraphBolt : public Folder {
 protected:
  GraphBolt() {
    put(folder_ / "edges/edges.csv", "0,1\n1,2\n2,3\n3,0\n");
    put_npy<float>(folder_ / "node_data/feat.npy", {1, 2, 3, 4}, {4, 1});
    put_npy<std::int64_t>(folder_ / "set/train.npy", {0, 2}, {2});
    put_npy<std::int64_t>(folder_ / "set/train_labels.npy", {3, 1}, {2});
    put_npy<std::int64_t>(folder_ / "set/test.npy", {3}, {1});
    put_npy<std::int64_t>(folder_ / "set/test_labels.npy", {0}, {1});
    put(folder_ / "metadata.yaml", kYaml);
  }
  void change(const std::string& from, const std::string& to) {
    std::string text = kYaml;
    text.replace(text.find(from), from.size(), to);
    put(folder_ / "metadata.yaml", text);
  }
  static constexpr const char* kYaml =
      "dataset_name: 'bolt # 1'   # a comment\n"
      "graph: # Graph structure and required attributes.\n"
      "  nodes:\n"
      "    - num: 4\n"
      "  edges:\n"
      "    - format: csv\n"
      "      path: edges/edges.csv\n"
      "feature_data:\n"
      "- domain: node\n"
      "  type: null\n"
      "  name: feat\n"
      "  format: numpy\n"
      "  in_memory: false\n"
      "  path: node_data/feat.npy\n"
      "tasks:\n"
      "  - name: \"link_prediction\"\n"
      "  -\n"
      "    name: node_classification\n"
      "    num_classes: 4\n"
      "    train_set:\n"
      "      - data:\n"
      "          - name: seeds\n"
      "            format: numpy\n"
      "            in_memory: true\n"
      "            path: set/train.npy\n"
      "          - name: labels\n"
      "            path: set/train_labels.npy\n"
      "    validation_set:\n"
      "    test_set:\n"
      "      - type:\n"
      "        data:\n"
      "          - {seeds}\n";
};

TEST_F(GraphBolt, TheDocumentedLayoutIsRead) {
  change("          - {seeds}\n",
         "          - name: seed_nodes\n            path: set/test.npy\n          - name: labels\n           "
         " path: set/test_labels.npy\n");
  const RawDataset raw = read();
  EXPECT_EQ(raw.format, "graphbolt");
  EXPECT_EQ(raw.name, "bolt # 1");
  EXPECT_EQ(raw.nodes, 4);
  EXPECT_THAT(sources(raw), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(raw.classes, ElementsAre(3, -1, 1, 0));
  EXPECT_THAT(raw.split.train, ElementsAre(0, 2));
  EXPECT_THAT(raw.split.test, ElementsAre(3));
  EXPECT_EQ(raw.features.rows, 4);
}

TEST_F(GraphBolt, WhatTheSubsetOfYamlLacksIsRefusedByLine) {
  EXPECT_THAT(said(), HasSubstr("metadata.yaml:32: \"{seeds}\": flow collections"));
  change("graph:", "\tgraph:");
  EXPECT_THAT(said(), HasSubstr("metadata.yaml:2: a tab"));
  change("  nodes:\n", "  nodes: &a\n");
  EXPECT_THAT(said(), HasSubstr("metadata.yaml:3: \"&a\""));
  change("feature_data:\n", "graph:\n");
  EXPECT_THAT(said(), HasSubstr("metadata.yaml:8: the key \"graph\" stands twice"));
  change("feature_data:\n", ": 3\n");
  EXPECT_THAT(said(), HasSubstr("metadata.yaml:8: \": 3\" is no key: value"));
  change("  edges:\n", "   edges:\n");
  EXPECT_THAT(said(), HasSubstr("metadata.yaml:5: the indentation fits nothing above"));
}

TEST_F(GraphBolt, AnIdOrCountThatIsWrongIsNamed) {
  change("          - {seeds}\n", "          - name: seeds\n            path: set/test.npy\n");
  std::string text = test::file_bytes(folder_ / "metadata.yaml");
  put_npy<std::int64_t>(folder_ / "set/train.npy", {0, 7}, {2});
  EXPECT_THAT(said(), HasSubstr("train.npy: entry 1: id 7 is outside [0, 4)"));
  put_npy<std::int64_t>(folder_ / "set/train.npy", {0}, {1});
  EXPECT_THAT(said(), HasSubstr("1 seeds, but 2 × 1 labels"));
  text.replace(text.find("num: 4"), 6, "num: x");
  put(folder_ / "metadata.yaml", text);
  EXPECT_THAT(said(), HasSubstr("metadata.yaml:4: \"x\" is no count"));
}

TEST_F(GraphBolt, SeveralEdgeTypesAreNamed) {
  change("    - format: csv\n      path: edges/edges.csv\n",
         "    - type: \"user:likes:item\"\n      path: edges/edges.csv\n    - type: \"user:knows:user\"\n    "
         "  format: csv\n      path: edges/edges.csv\n");
  std::string text = test::file_bytes(folder_ / "metadata.yaml");
  text.replace(text.find("          - {seeds}\n"), 20, "");
  put(folder_ / "metadata.yaml", text);
  EXPECT_THAT(said(), HasSubstr("2 types of edges (user:likes:item, user:knows:user)"));
  EXPECT_THAT(said({.edge_type = "user:likes:item"}), HasSubstr("two types (user and item)"));
}

TEST(Yaml, NestsListsAndMaps) {
  const Yaml yaml = parse_yaml("a:\n- - 1\n  - 2\n- b: 'it''s'\n  c: ~\nd: []\n", "x");
  ASSERT_NE(yaml.find("a"), nullptr);
  const Yaml& list = *yaml.find("a");
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[0].items[1].text, "2");
  EXPECT_EQ(list.items[1].find("b")->text, "it's");
  EXPECT_EQ(list.items[1].find("c")->kind, Yaml::Kind::nothing);
  EXPECT_EQ(yaml.find("d")->kind, Yaml::Kind::list);
}

TEST(Yaml, DeepNestingAndAnyCutEndsInAMessage) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "- ";
  EXPECT_THAT(refusal([&] { parse_yaml(deep + "x", "x"); }), HasSubstr("nested deeper"));
  const std::string text = "a: \"b\"\nc:\n  - d: 'e'\n    f: null\n  -\n    - g\n";
  for (std::size_t length = 0; length <= text.size(); ++length)
    refusal([&] { parse_yaml(text.substr(0, length), "x"); });  // an answer or an InputError, nothing else
}

}  // namespace
}  // namespace kith
