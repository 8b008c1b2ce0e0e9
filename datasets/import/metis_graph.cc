#include <algorithm>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/import/sparse_matrix.h"
#include "kith/datasets/import/text_lines.h"

// The graph file of METIS 5 (manual, 4.1.1): "n m [fmt [ncon]]", then a line per node: its size (fmt 1xx),
// its ncon weights (x1x), its neighbours, numbered from 1, each followed by the edge's weight (xx1). Every
// edge stands in both nodes' lines, so 2m neighbours follow; an isolated node has an empty line.

namespace kith {
namespace {

constexpr std::int64_t kMostConstraints = 1 << 10;
constexpr std::int64_t kMostWeight = std::int64_t{1} << 53;

struct Header {
  std::int64_t nodes = 0, edges = 0;
  bool sizes = false, edge_weights = false;
  std::int64_t weights = 0;  ///< of a node
};

/// The neighbours in the lines of one piece, one line behind the other.
struct Piece {
  std::vector<std::int64_t> neighbours;
  std::vector<float> weights;
};

struct Adjacency {
  Array<std::int64_t> indptr, neighbours;
  Array<float> weights;  ///< empty without
};

bool is_comment(std::string_view line) { return line.starts_with('%'); }

Header parse_header(std::string_view line, std::int64_t bytes) {
  LineNumbers numbers(line);
  Header header;
  header.nodes = numbers.whole("number of nodes", 1, bytes);
  header.edges = numbers.whole("number of edges", 0, bytes);
  const char* at = numbers.at();
  const std::string_view flags = numbers.word();
  if (flags.size() > 3 || flags.find_first_not_of("01") != std::string_view::npos)
    throw LineFault{at, fmt::format("fmt \"{}\" is not three digits of 0 and 1", flags.substr(0, 40))};
  auto flag = [&](std::size_t from_right) {
    return flags.size() >= from_right && flags[flags.size() - from_right] == '1';
  };
  header.sizes = flag(3);
  header.edge_weights = flag(1);
  header.weights = flag(2) ? 1 : 0;
  if (!numbers.done()) {
    at = numbers.at();
    header.weights = numbers.whole("ncon", 0, kMostConstraints);
    if ((header.weights > 0) != flag(2))
      throw LineFault{at, fmt::format("ncon is {}, but fmt \"{}\" says that nodes have {} weights",
                                      header.weights, flags, flag(2) ? "some" : "no")};
  }
  numbers.expect_end("n, m, fmt and ncon");
  return header;
}

/// One node's line, behind those of its piece.
void parse_node(std::string_view line, std::int64_t node, const Header& header, Piece& piece) {
  LineNumbers numbers(line);
  if (header.sizes) numbers.whole("node size", 0, kMostWeight);
  for (std::int64_t c = 0; c < header.weights; ++c) numbers.whole("node weight", 0, kMostWeight);
  while (!numbers.done()) {
    const char* at = numbers.at();
    const std::int64_t neighbour = numbers.whole("neighbour", 1, header.nodes) - 1;
    if (neighbour == node)
      throw LineFault{at,
                      fmt::format("node {} is its own neighbour; METIS graphs have no self-loops", node + 1)};
    piece.neighbours.push_back(neighbour);
    if (header.edge_weights)
      piece.weights.push_back(static_cast<float>(numbers.whole("edge weight", 1, kMostWeight)));
  }
}

template <class T>
Array<T> joined(const std::vector<Piece>& pieces, std::vector<T> Piece::*part) {
  std::size_t count = 0;
  for (const Piece& piece : pieces) count += (piece.*part).size();
  Array<T> out(count);
  T* at = out.data();
  for (const Piece& piece : pieces) at = std::copy((piece.*part).begin(), (piece.*part).end(), at);
  return out;
}

Adjacency parse_nodes(const TextLines& lines, const Header& header) {
  Adjacency adjacency;
  adjacency.indptr = Array<std::int64_t>(static_cast<std::size_t>(header.nodes) + 1, std::int64_t{0});
  std::vector<Piece> pieces(static_cast<std::size_t>(lines.pieces()));
  lines.parse([&](std::int64_t p, std::int64_t node, std::string_view line) {
    if (node >= header.nodes) {
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;  // an empty last line
      throw LineFault{line.data(), fmt::format("a line for node {}, but the header says {} nodes", node + 1,
                                               header.nodes)};
    }
    const std::size_t before = pieces[p].neighbours.size();
    parse_node(line, node, header, pieces[p]);
    adjacency.indptr[node] = static_cast<std::int64_t>(pieces[p].neighbours.size() - before);
  });
  exclusive_prefix_sum(adjacency.indptr.data(), adjacency.indptr.ssize());
  adjacency.neighbours = joined(pieces, &Piece::neighbours);
  adjacency.weights = joined(pieces, &Piece::weights);
  return adjacency;
}

/// A neighbour with the weight of the edge to it.
struct Half {
  std::int64_t node;
  float weight;
  bool operator<(const Half& other) const { return node < other.node; }
};

/// Every row sorted, so that an edge's other half is found by binary search.
std::vector<Half> sorted_rows(const Adjacency& adjacency) {
  std::vector<Half> halves(adjacency.neighbours.size());
  parallel_for(0, adjacency.indptr.ssize() - 1, 1 << 10, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t v = begin; v < end; ++v) {
      for (std::int64_t e = adjacency.indptr[v]; e < adjacency.indptr[v + 1]; ++e)
        halves[e] = {adjacency.neighbours[e], adjacency.weights.empty() ? 1 : adjacency.weights[e]};
      std::sort(halves.begin() + adjacency.indptr[v], halves.begin() + adjacency.indptr[v + 1]);
    }
  });
  return halves;
}

/// Refuses an edge that only one of its ends lists, or lists with another weight.
void check_symmetry(const Adjacency& adjacency, const TextLines& lines) {
  const std::vector<Half> halves = sorted_rows(adjacency);
  const std::int64_t n = adjacency.indptr.ssize() - 1;
  auto refuse = [&](std::int64_t v, std::int64_t u, const std::string& what) {
    throw InputError(fmt::format("{}: node {} lists node {}{}; an edge stands in both lines", lines.where(v),
                                 v + 1, u + 1, what));
  };
  for (std::int64_t v = 0; v < n; ++v)
    for (std::int64_t e = adjacency.indptr[v]; e < adjacency.indptr[v + 1]; ++e) {
      const Half& half = halves[e];
      if (e > adjacency.indptr[v] && halves[e - 1].node == half.node) refuse(v, half.node, " twice");
      const auto end = halves.begin() + adjacency.indptr[half.node + 1];
      const auto found = std::lower_bound(halves.begin() + adjacency.indptr[half.node], end, Half{v, 0});
      if (found == end || found->node != v) refuse(v, half.node, ", which does not list it");
      if (found->weight != half.weight)
        refuse(v, half.node,
               fmt::format(" with weight {}, but is listed with {}", half.weight, found->weight));
    }
}

void note_node_weights(RawDataset& data, const Header& header) {
  if (header.sizes) data.notes.push_back("the nodes' sizes were checked and left out: a store holds none");
  if (header.weights > 0)
    data.notes.push_back(
        fmt::format("{} weights a node were checked and left out: a store holds none", header.weights));
}

}  // namespace

bool recognises_metis(const std::filesystem::path& raw, const ImportRequest&) {
  const auto extension = without_gz(raw).extension();
  return std::filesystem::is_regular_file(raw) && (extension == ".graph" || extension == ".metis");
}

RawDataset read_metis(const std::filesystem::path& raw, const ImportRequest&) {
  const TextFile file(raw);
  const char* at = file.text().data();
  const char* end = at + file.text().size();
  RawDataset data;
  data.name = without_gz(raw).stem().string();
  data.from.edges = data.from.edge_weights = file.where();
  try {
    std::string_view line = next_line(at, end);
    while (at < end && is_comment(line)) line = next_line(at, end);
    const Header header = parse_header(line, static_cast<std::int64_t>(file.text().size()));
    const TextLines lines(file, at, is_comment);
    // The empty line of an isolated last node may lack its newline, so that nothing is left of it.
    if (lines.count() + (file.text().ends_with('\n') ? 1 : 0) < header.nodes)
      throw LineFault{line.data(), fmt::format("{} nodes are announced, {} lines follow: the file is cut off",
                                               header.nodes, lines.count())};
    Adjacency adjacency = parse_nodes(lines, header);
    if (adjacency.neighbours.ssize() != 2 * header.edges)
      throw LineFault{line.data(),
                      fmt::format("{} edges are announced, so {} neighbours must follow, but {} do (an edge "
                                  "counts once here and stands in both lines)",
                                  header.edges, 2 * header.edges, adjacency.neighbours.size())};
    check_symmetry(adjacency, lines);
    SparseMatrix matrix{file.where(),
                        header.nodes,
                        header.nodes,
                        std::move(adjacency.indptr),
                        std::move(adjacency.neighbours),
                        {}};
    data.nodes = header.nodes;
    data.edges = edges_of(matrix, RowsAre::destinations);
    data.edge_weights = std::move(adjacency.weights);
    note_node_weights(data, header);
  } catch (const LineFault& fault) {
    tell(file, fault);
  }
  return data;
}

}  // namespace kith
