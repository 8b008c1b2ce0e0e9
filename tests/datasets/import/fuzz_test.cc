// Random damage to small raw files: the outcome is a data set or an error with a message, never a crash.
#include "datasets/import/raw_files.h"
#include <gtest/gtest.h>

#include "kith/core/philox.h"
#include "kith/datasets/import/node_table.h"
#include "kith/datasets/import/pickle.h"

namespace kith {
namespace {

using test::fs::path;

constexpr int kRounds = 2000;

/// Replaces, flips, removes or repeats a few bytes.
std::string damaged(std::string bytes, std::uint64_t round) {
  const PhiloxKey key = philox_key(round, Stream::generate, 77);
  const PhiloxWords plan = draw_words(key, StoreId(0), 0, 0);
  for (std::uint32_t i = 0; i <= plan[0] % 3 && !bytes.empty(); ++i) {
    const PhiloxWords words = draw_words(key, StoreId(1), 0, i);
    const std::size_t at = words[0] % bytes.size();
    switch (words[1] % 5) {
      case 0: bytes[at] = static_cast<char>(words[2]); break;
      case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << (words[2] % 8))); break;
      case 2: bytes.erase(at, 1 + words[2] % 16); break;
      case 3: bytes.insert(at, bytes.substr(words[2] % bytes.size(), 1 + words[3] % 16)); break;
      default: bytes[at] = words[2] % 2 == 0 ? '\xff' : '\x7f'; break;
    }
  }
  return bytes;
}

struct Outcome {
  int read = 0;
  int refused = 0;
};

/// Damages `file` `rounds` times and imports `raw` after each.
Outcome fuzz(const path& raw, const path& file, const ImportRequest& request, int rounds) {
  const std::string whole = test::file_bytes(file);
  Outcome outcome;
  for (int round = 0; round < rounds; ++round) {
    test::put(file, damaged(whole, static_cast<std::uint64_t>(round)));
    try {
      test::imported(raw, request);
      ++outcome.read;
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ExitCode::bad_input || error.code() == ExitCode::corrupt ||
                  error.code() == ExitCode::out_of_memory)
          << file << " round " << round << ": " << error.what();
      ++outcome.refused;
    }
  }
  test::put(file, whole);
  return outcome;
}

void write_npy_folder(const path& folder) {
  test::put_npy<std::int64_t>(folder / "indptr.npy", {0, 1, 3, 4, 4}, {5});
  test::put_npy<std::int32_t>(folder / "indices.npy", {1, 0, 2, 1}, {4});
  test::put_npy<float>(folder / "features.npy", {1, 2, 3, 4, 5, 6, 7, 8}, {4, 2});
  test::put_npy<std::int64_t>(folder / "labels.npy", {0, 1, -1, 1}, {4});
  test::put_npy<std::int64_t>(folder / "train.npy", {0, 1}, {2});
}

TEST(Fuzz, NpyFolders) {
  const test::TemporaryFolder folder;
  write_npy_folder(folder.path());
  for (const char* name : {"indptr", "indices", "features", "labels", "train"}) {
    const Outcome outcome =
        fuzz(folder.path(), folder.path() / (std::string(name) + ".npy"), {.format = "npy"}, kRounds / 5);
    EXPECT_GT(outcome.refused, 0) << name;
  }
}

TEST(Fuzz, EdgeLists) {
  const test::TemporaryFolder folder;
  std::string text = "# from to\n";
  for (int i = 0; i < 30; ++i) text += std::to_string(i * 7 % 31) + " " + std::to_string(i * 5 % 29) + "\n";
  const path file = test::put(folder.path() / "e.txt", text);
  const Outcome outcome = fuzz(file, file, {.format = "edge-list"}, kRounds);
  EXPECT_GT(outcome.refused, 0);
  EXPECT_GT(outcome.read, 0);
}

TEST(Fuzz, CompressedEdgeLists) {
  const test::TemporaryFolder folder;
  const path file = test::put(folder.path() / "e.txt.gz", test::deflated("0 1\n1 2\n2 3\n3 4\n4 5\n", 31));
  EXPECT_GT(fuzz(file, file, {.format = "edge-list"}, kRounds).refused, 0);
}

TEST(Fuzz, Archives) {
  const test::TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> members = {
      {"indptr.npy", test::npy_bytes<std::int32_t>({0, 1, 2}, {3})},
      {"indices.npy", test::npy_bytes<std::int32_t>({1, 0}, {2})}};
  for (const auto style : {test::ZipStyle::stored, test::ZipStyle::deflated, test::ZipStyle::zip64}) {
    const path file = test::put(folder.path() / "x.npz", test::zip_bytes(members, style));
    EXPECT_GT(fuzz(file, file, {.format = "npz"}, kRounds / 2).refused, 0);
  }
}

TEST(Fuzz, MatrixFiles) {
  const test::TemporaryFolder folder;
  const std::pair<const char*, const char*> files[] = {
      {"a.mtx",
       "%%MatrixMarket matrix coordinate real symmetric\n% c\n4 4 4\n1 1 1.5\n2 1 -2e1\n4 2 3\n4 3 1\n"},
      {"a.graph", "4 3 111 2\n1 2 3 2 7 3 1\n1 2 3 1 7\n1 0 0 1 1 4 2\n9 9 9 3 2\n"}};
  for (const auto& [name, text] : files) {
    const path file = test::put(folder.path() / name, text);
    const Outcome outcome = fuzz(file, file, {}, kRounds);
    EXPECT_GT(outcome.refused, 0) << name;
    EXPECT_GT(outcome.read, 0) << name;
  }
}

TEST(Fuzz, MetadataOfChunksAndGraphBolt) {
  const test::TemporaryFolder folder;
  test::put(folder.path() / "e.csv", "0,1\n1,2\n2,0\n");
  test::put_npy<std::int64_t>(folder.path() / "l.npy", {0, 1, 1}, {3});
  const path json = test::put(
      folder.path() / "metadata.json",
      R"({"node_type": ["n"], "edge_type": ["n:e:n"], "num_nodes_per_chunk": [[3]], "num_edges_per_chunk": [[3]],
 "edges": {"n:e:n": {"format": {"name": "csv", "delimiter": ","}, "data": ["e.csv"]}},
 "node_data": {"n": {"label": {"format": {"name": "numpy"}, "data": ["l.npy"]}}}})");
  EXPECT_GT(fuzz(folder.path(), json, {.format = "dgl-chunked"}, kRounds).refused, 0);
  const path yaml = test::put(
      folder.path() / "metadata.yaml",
      "dataset_name: 'x'\ngraph:\n  nodes:\n  - num: 3\n  edges:\n  - format: csv\n    path: e.csv\n"
      "tasks:\n- name: \"t\"\n  train_set:\n  - data:\n    - name: seeds\n      path: l.npy\n");
  EXPECT_GT(fuzz(folder.path(), yaml, {.format = "graphbolt"}, kRounds).refused, 0);
}

TEST(Fuzz, NodeTables) {
  const test::TemporaryFolder folder;
  const path edges = test::put(folder.path() / "e.csv", "1,2\n2,3\n");
  const std::string text = "id,label,split,\"f, 1\",f2\n1,0,train,1.5,-2\n2,,val,3,4\n3,1,,0,1e-3\n";
  int refused = 0;
  for (int round = 0; round < kRounds; ++round) {
    const path nodes = test::put(folder.path() / "n.csv", damaged(text, static_cast<std::uint64_t>(round)));
    RawDataset raw = import_dataset(edges, ImportRequest());
    NodeTableOptions options;
    options.file = nodes;
    refused += test::refusal([&] {
                 attach_nodes(raw, options);
                 validate(raw);
               }).empty()
                   ? 0
                   : 1;
  }
  EXPECT_GT(refused, kRounds / 4);
  EXPECT_LT(refused, kRounds);
}

/// The smallest of real files, with copies of their neighbours beside them.
TEST(Fuzz, PlanetoidFiles) {
  if (test::real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const test::TemporaryFolder folder;
  for (const auto& entry : test::fs::directory_iterator(path(test::real_data()) / "planetoid"))
    if (entry.path().filename().string().starts_with("ind.cora."))
      test::put(folder.path() / entry.path().filename(), test::file_bytes(entry.path()));
  for (const char* part : {"y", "x", "graph", "test.index"})
    EXPECT_GT(
        fuzz(folder.path(), folder.path() / ("ind.cora." + std::string(part)), {.format = "planetoid"}, 25)
            .refused,
        0);
}

/// Damage near the beginning of a pickle, where its structure is.
TEST(Fuzz, PickleHeads) {
  if (test::real_data() == nullptr) GTEST_SKIP() << "KITH_DATA_DIR names no folder of real graphs";
  const test::TemporaryFolder folder;
  const path planetoid = path(test::real_data()) / "planetoid";
  using Read = void (*)(const MappedFile&);
  const std::pair<const char*, Read> parts[] = {
      {"ind.cora.y", [](const MappedFile& file) { read_pickled_array(file); }},
      {"ind.cora.x", [](const MappedFile& file) { read_pickled_csr(file); }},
      {"ind.cora.graph", [](const MappedFile& file) { read_pickled_graph(file); }}};
  for (const auto& [name, read] : parts) {
    const std::string whole = test::file_bytes(planetoid / name);
    int refused = 0;
    for (int round = 0; round < kRounds; ++round) {
      const std::string head = damaged(whole.substr(0, 250), static_cast<std::uint64_t>(round));
      const path file = test::put(folder.path() / "p", head + whole.substr(250));
      refused += test::refusal([&] { read(MappedFile(file)); }).empty() ? 0 : 1;
    }
    EXPECT_GT(refused, kRounds / 2) << name;
  }
}

}  // namespace
}  // namespace kith
