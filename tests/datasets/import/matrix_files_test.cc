// Matrix Market, METIS and SciPy files: the published examples and small made ones, counts and weights
// checked; what is refused names the line, the value and the bound.
#include <algorithm>

#include "datasets/import/raw_files.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kith {
namespace {

using test::put;
using test::refusal;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Edge = std::pair<std::int64_t, std::int64_t>;

std::vector<Edge> edges_of_raw(const RawDataset& raw) {
  std::vector<Edge> edges;
  std::visit(
      [&](const auto& columns) {
        for (std::int64_t e = 0; e < columns.source.ssize(); ++e)
          edges.emplace_back(columns.source[e], columns.destination[e]);
      },
      raw.edges);
  return edges;
}

std::string refused(const test::fs::path& file) {
  return refusal([&] { test::imported(file); });
}

constexpr const char* kGeneral =
    "%%MatrixMarket matrix coordinate integer general\n"
    "% three nodes\n\n"
    "3 3 4\n"
    "1 2 5\n2 3 1\n\n3 1 -7\n3 3 2\n";

TEST(MatrixMarket, RowsAreSourcesAndValuesAreWeights) {
  const TemporaryFolder folder;
  const RawDataset raw = test::imported(put(folder.path() / "a.mtx", kGeneral));
  EXPECT_EQ(raw.format, "matrix-market");
  EXPECT_EQ(raw.name, "a");
  EXPECT_EQ(raw.nodes, 3);
  EXPECT_THAT(edges_of_raw(raw), ElementsAre(Edge{0, 1}, Edge{1, 2}, Edge{2, 0}, Edge{2, 2}));
  EXPECT_THAT(raw.edge_weights, ElementsAre(5, 1, -7, 2));
}

TEST(MatrixMarket, MatrixRowsTurnsTheEdges) {
  const TemporaryFolder folder;
  const RawDataset raw =
      test::imported(put(folder.path() / "a.mtx", kGeneral), {.matrix_rows = RowsAre::destinations});
  EXPECT_THAT(edges_of_raw(raw), ElementsAre(Edge{1, 0}, Edge{2, 1}, Edge{0, 2}, Edge{2, 2}));
}

TEST(MatrixMarket, ASymmetricEntryIsTwoEdgesAndTheDiagonalIsOne) {
  const TemporaryFolder folder;
  const std::string text =
      "%%MatrixMarket MATRIX Coordinate Real Symmetric\r\n3 3 3\r\n2 1 0.5\r\n3 3 +1e-1\r\n3 2 2\r\n";
  const RawDataset raw = test::imported(put(folder.path() / "a.mtx.gz", test::deflated(text, 31)));
  EXPECT_THAT(edges_of_raw(raw), ElementsAre(Edge{1, 0}, Edge{2, 2}, Edge{2, 1}, Edge{0, 1}, Edge{1, 2}));
  EXPECT_THAT(raw.edge_weights, ElementsAre(0.5F, 0.1F, 2, 0.5F, 2));
}

TEST(MatrixMarket, APatternHasNoWeights) {
  const TemporaryFolder folder;
  const auto file =
      put(folder.path() / "a.mtx", "%%MatrixMarket matrix coordinate pattern general\n2 2 2\n1 2\n2 1");
  EXPECT_THAT(test::imported(file).edge_weights, IsEmpty());
  EXPECT_EQ(edge_count(test::imported(file).edges), 2);
}

TEST(MatrixMarket, FaultsNameLineValueAndBound) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "a.mtx";
  auto said = [&](const std::string& text) { return refused(put(file, text)); };
  const std::string pattern = "%%MatrixMarket matrix coordinate pattern general\n";
  EXPECT_THAT(said("1 2 3\n"), HasSubstr("a.mtx:1: no %%MatrixMarket banner"));
  EXPECT_THAT(said(""), HasSubstr("a.mtx:1: no %%MatrixMarket banner"));
  EXPECT_THAT(said("%%MatrixMarket matrix array real general\n2 2\n1\n"), HasSubstr("layout \"array\""));
  EXPECT_THAT(said("%%MatrixMarket matrix coordinate complex general\n"), HasSubstr("field \"complex\""));
  EXPECT_THAT(said("%%MatrixMarket matrix coordinate real hermitian\n"), HasSubstr("symmetry \"hermitian\""));
  EXPECT_THAT(said(pattern + "2 3 1\n1 2\n"), HasSubstr("a.mtx:2: a matrix of 2 × 3 is not square"));
  EXPECT_THAT(said(pattern + "2 2 2\n1 2\n"), HasSubstr("a.mtx:2: 2 entries are announced, 1 follow"));
  EXPECT_THAT(said(pattern + "2 2 1\n1 3\n"), HasSubstr("a.mtx:3: column 3 is outside [1, 2]"));
  EXPECT_THAT(said(pattern + "2 2 1\n0 1\n"), HasSubstr("a.mtx:3: row 0 is outside [1, 2]"));
  EXPECT_THAT(said(pattern + "2 2 1\n1 x\n"), HasSubstr("a.mtx:3: column \"x\" is not a whole number"));
  EXPECT_THAT(said(pattern + "2 2 1\n1 2 3\n"), HasSubstr("a.mtx:3: \"3\" is left over"));
  EXPECT_THAT(said(pattern + "99999999999 99999999999 1\n1 2\n"), HasSubstr("a.mtx:2: 99999999999 rows"));
  EXPECT_THAT(said(pattern + "2 2 99999999999\n1 2\n"),
              HasSubstr("number of entries 99999999999 is outside"));
  EXPECT_THAT(said("%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n1 2 1\n"),
              HasSubstr("a.mtx:3: entry (1, 2) is above the diagonal"));
  EXPECT_THAT(said("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 2 1e99\n"),
              HasSubstr("a.mtx:3: value 1e99 is not finite"));
  EXPECT_THAT(said("%%MatrixMarket matrix coordinate real general\n2 2 1\n1 2 nan\n"),
              HasSubstr("not finite"));
}

/// The graph of figure 2 of METIS's manual (7 nodes, 11 edges), as its lines of neighbours.
constexpr const char* kManual = "7 11\n5 3 2\n1 3 4\n5 4 2 1\n2 3 6 7\n1 3 6\n5 4 7\n6 4\n";
/// The same with edge weights, and with sizes, node weights and edge weights.
constexpr const char* kManualWeighted =
    "7 11 001\n5 1 3 2 2 1\n1 1 3 2 4 1\n5 3 4 2 2 2 1 2\n2 1 3 2 6 2 7 5\n1 1 3 3 6 2\n5 2 4 2 7 6\n6 6 4 "
    "5\n";
constexpr const char* kManualFull =
    "% all flags\n7 11 111 2\n9 4 1 5 1 3 2 2 1\n9 2 0 1 1 3 2 4 1\n% within\n9 5 3 5 3 4 2 2 2 1 2\n"
    "9 3 2 2 1 3 2 6 2 7 5\n9 1 1 1 1 3 3 6 2\n9 6 2 5 2 4 2 7 6\n9 1 2 6 6 4 5\n";

TEST(Metis, TheManualsGraphIsReadWithAnyFlags) {
  const TemporaryFolder folder;
  const RawDataset plain = test::imported(put(folder.path() / "a.graph", kManual));
  EXPECT_EQ(plain.format, "metis");
  EXPECT_EQ(plain.nodes, 7);
  EXPECT_EQ(edge_count(plain.edges), 22);
  EXPECT_THAT(plain.edge_weights, IsEmpty());
  const RawDataset weighted = test::imported(put(folder.path() / "b.graph", kManualWeighted));
  const RawDataset full = test::imported(put(folder.path() / "c.graph.gz", test::deflated(kManualFull, 31)));
  EXPECT_THAT(edges_of_raw(weighted), ElementsAreArray(edges_of_raw(plain)));
  EXPECT_THAT(edges_of_raw(full), ElementsAreArray(edges_of_raw(plain)));
  EXPECT_THAT(std::vector<float>(full.edge_weights.begin(), full.edge_weights.end()),
              ElementsAreArray(weighted.edge_weights));
  EXPECT_EQ(full.notes.size(), 2u);
  EXPECT_EQ(weighted.edge_weights[0], 1);
  EXPECT_EQ(weighted.edge_weights.back(), 5);
}

TEST(Metis, EveryCombinationOfFlagsHasTheSameEdges) {
  const TemporaryFolder folder;
  for (int flags = 0; flags < 8; ++flags) {
    const bool sizes = flags & 4, weights = flags & 2, edges = flags & 1;
    std::string text = "3 2 " + std::string(sizes ? "1" : "0") + (weights ? "1" : "0") + (edges ? "1" : "0");
    text += weights ? " 3\n" : "\n";
    const std::vector<std::vector<std::int64_t>> rows{{2}, {1, 3}, {2}};
    for (const auto& row : rows) {
      if (sizes) text += "4 ";
      if (weights) text += "1 0 2 ";
      for (const std::int64_t neighbour : row) text += std::to_string(neighbour) + (edges ? " 8 " : " ");
      text += "\n";
    }
    const RawDataset raw = test::imported(put(folder.path() / "a.graph", text));
    EXPECT_THAT(edges_of_raw(raw), ElementsAre(Edge{1, 0}, Edge{0, 1}, Edge{2, 1}, Edge{1, 2})) << text;
    EXPECT_EQ(raw.edge_weights.size(), edges ? 4u : 0u) << text;
  }
}

TEST(Metis, AnEmptyLineIsAnIsolatedNode) {
  const TemporaryFolder folder;
  for (const char* text : {"4 1\n3\n\n1\n\n", "4 1\n3\n\n1\n", "4 1\r\n3\r\n\r\n1\r\n\r\n\r\n"}) {
    const RawDataset raw = test::imported(put(folder.path() / "a.graph", text));
    EXPECT_EQ(raw.nodes, 4);
    EXPECT_THAT(edges_of_raw(raw), ElementsAre(Edge{2, 0}, Edge{0, 2}));
  }
}

TEST(Metis, FaultsNameLineValueAndBound) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "a.graph";
  auto said = [&](const std::string& text) { return refused(put(file, text)); };
  EXPECT_THAT(said(""), HasSubstr("a.graph:1: the line ends where number of nodes"));
  EXPECT_THAT(said("2 1 012\n2\n1\n"), HasSubstr("a.graph:1: fmt \"012\""));
  EXPECT_THAT(said("2 1 001 2\n2 1\n1 1\n"), HasSubstr("a.graph:1: ncon is 2, but fmt \"001\""));
}

TEST(Metis, CountsAndSymmetryAreChecked) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "a.graph";
  auto said = [&](const std::string& text) { return refused(put(file, text)); };
  EXPECT_THAT(said("3 1\n2\n"), HasSubstr("a.graph:1: 3 nodes are announced, 1 lines follow"));
  EXPECT_THAT(said("2 1\n2\n1\n1\n"), HasSubstr("a.graph:4: a line for node 3"));
  EXPECT_THAT(said("% c\n2 2\n2\n1\n"), HasSubstr("a.graph:2: 2 edges are announced, so 4 neighbours"));
  EXPECT_THAT(said("3 1\n2\n3\n\n"), HasSubstr("a.graph:2: node 1 lists node 2, which does not list it"));
  EXPECT_THAT(said("2 2\n2 2\n1 1\n"), HasSubstr("a.graph:2: node 1 lists node 2 twice"));
  EXPECT_THAT(said("2 1 1\n2 3\n1 4\n"),
              HasSubstr("a.graph:2: node 1 lists node 2 with weight 3, but is listed with 4"));
  EXPECT_THAT(said("2 1\n1\n2\n"), HasSubstr("a.graph:2: node 1 is its own neighbour"));
  EXPECT_THAT(said("2 1\n2\n5\n"), HasSubstr("a.graph:3: neighbour 5 is outside [1, 2]"));
  EXPECT_THAT(said("2 1 1\n2 0\n1 0\n"), HasSubstr("a.graph:2: edge weight 0 is outside [1, "));
  EXPECT_THAT(said("2 1 10\n-1 2\n1 1\n"), HasSubstr("a.graph:2: node weight -1 is outside [0, "));
  EXPECT_THAT(said("9999999999 1\n2\n1\n"), HasSubstr("number of nodes 9999999999 is outside"));
}

/// NumPy's array of one byte string: np.save of 'csr' as save_npz writes it.
std::string format_member(const std::string& name, bool wide) {
  std::string text = "{'descr': '" + std::string(wide ? "<U" : "|S") + std::to_string(name.size()) +
                     "', 'fortran_order': False, 'shape': (), }";
  text.append((64 - (10 + text.size() + 1) % 64) % 64, ' ');
  std::string bytes("\x93NUMPY\x01\x00", 8);
  test::append_number(bytes, text.size() + 1, 2);
  bytes += text + "\n";
  for (const char c : name) bytes += std::string(1, c) + std::string(wide ? 3 : 0, '\0');
  return bytes;
}

using Members = std::vector<std::pair<std::string, std::string>>;
template <class T>
std::string array(const std::vector<T>& values) {
  return test::npy_bytes<T>(values, {static_cast<std::int64_t>(values.size())});
}

/// Entries (0, 1) = 2, (2, 0) = 3, (2, 1) = 4 of a 3 × 3 matrix in each of SciPy's layouts.
Members csr(bool wide = false) {
  return {{"indices.npy", array<std::int32_t>({1, 0, 1})},
          {"indptr.npy", array<std::int32_t>({0, 1, 1, 3})},
          {"format.npy", format_member("csr", wide)},
          {"shape.npy", array<std::int64_t>({3, 3})},
          {"data.npy", array<double>({2, 3, 4})}};
}
Members csc() {
  return {{"indices.npy", array<std::int64_t>({2, 0, 2})},
          {"indptr.npy", array<std::int64_t>({0, 1, 3, 3})},
          {"format.npy", format_member("csc", false)},
          {"shape.npy", array<std::int64_t>({3, 3})},
          {"data.npy", array<std::int8_t>({3, 2, 4})}};
}
Members coo() {
  return {{"row.npy", array<std::int32_t>({0, 2, 2})},
          {"col.npy", array<std::int32_t>({1, 0, 1})},
          {"format.npy", format_member("coo", false)},
          {"shape.npy", array<std::int64_t>({3, 3})},
          {"data.npy", array<float>({2, 3, 4})}};
}

TEST(Scipy, EveryLayoutIsTheSameGraph) {
  const TemporaryFolder folder;
  const std::vector<Members> layouts{csr(), csr(true), csc(), coo()};
  for (const Members& members : layouts) {
    const auto file = put(folder.path() / "a.npz", test::zip_bytes(members, test::ZipStyle::deflated));
    const RawDataset raw = test::imported(file);
    EXPECT_EQ(raw.format, "scipy");
    EXPECT_EQ(raw.nodes, 3);
    std::vector<std::pair<Edge, float>> found;
    const auto edges = edges_of_raw(raw);
    for (std::size_t e = 0; e < edges.size(); ++e) found.emplace_back(edges[e], raw.edge_weights[e]);
    std::sort(found.begin(), found.end());
    EXPECT_THAT(found, ElementsAre(std::pair(Edge{0, 1}, 2.0F), std::pair(Edge{2, 0}, 3.0F),
                                   std::pair(Edge{2, 1}, 4.0F)));
  }
}

TEST(Scipy, NewCooArraysHaveCoordsAndOnesAreNoWeights) {
  const TemporaryFolder folder;
  const Members members{{"coords.npy", test::npy_bytes<std::int64_t>({0, 2, 2, 1, 0, 1}, {2, 3})},
                        {"format.npy", format_member("coo", false)},
                        {"shape.npy", array<std::int64_t>({3, 3})},
                        {"data.npy", array<std::int64_t>({1, 1, 1})}};
  const RawDataset raw =
      test::imported(put(folder.path() / "a.npz", test::zip_bytes(members, test::ZipStyle::stored)));
  EXPECT_THAT(edges_of_raw(raw), ElementsAre(Edge{0, 1}, Edge{2, 0}, Edge{2, 1}));
  EXPECT_THAT(raw.edge_weights, IsEmpty());
}

TEST(Scipy, FaultsNameArrayPlaceAndValue) {
  const TemporaryFolder folder;
  auto said = [&](Members members, const std::string& name, const std::string& bytes) {
    for (auto& member : members)
      if (member.first == name + ".npy") member.second = bytes;
    return refused(put(folder.path() / "a.npz", test::zip_bytes(members, test::ZipStyle::stored)));
  };
  EXPECT_THAT(said(csr(), "shape", array<std::int64_t>({3, 4})),
              HasSubstr("a.npz: shape: a matrix of 3 × 4"));
  EXPECT_THAT(said(csr(), "format", format_member("bsr", false)),
              HasSubstr("\"bsr\" is none of csr, csc, coo"));
  EXPECT_THAT(said(csr(), "indices", array<std::int32_t>({1, 0, 3})),
              HasSubstr("indices: entry 2: 3 is outside [0, 3)"));
  EXPECT_THAT(said(csr(), "data", array<double>({2, 3})), HasSubstr("2 values, but 3 indices"));
  EXPECT_THAT(said(coo(), "row", array<std::int32_t>({0, 2, -1})),
              HasSubstr("edge 2: source -1 is outside [0, 3)"));
  EXPECT_THAT(said(coo(), "row", array<std::int32_t>({0, 2})), HasSubstr("row: 2 entries, but col has 3"));
  EXPECT_THAT(said(coo(), "data", array<float>({0, 2})), HasSubstr("data: 2 edge weights, but 3 edges"));
  EXPECT_THAT(said(coo(), "shape", array<std::int64_t>({1 << 30, 1 << 30})), HasSubstr("rows for 3 entries"));
}

TEST(MatrixMarket, AValueTooLargeIsRefusedAndOneTooSmallIsZero) {
  const TemporaryFolder folder;
  const std::string head = "%%MatrixMarket matrix coordinate real general\n2 2 2\n1 2 3\n2 1 ";
  EXPECT_THAT(refused(put(folder.path() / "a.mtx", head + "1e999\n")), HasSubstr("a.mtx:4: value 1e999"));
  EXPECT_THAT(test::imported(put(folder.path() / "b.mtx", head + "1e-999\n")).edge_weights,
              ElementsAre(3, 0));
}

}  // namespace
}  // namespace kith
