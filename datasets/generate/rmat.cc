// An edge falls into one of four quadrants of the adjacency matrix, then into one of that quadrant's four,
// and so on until a cell is left (Chakrabarti, Zhan and Faloutsos, "R-MAT: a recursive model for graph
// mining", 2004). With the same quadrants on every level, degrees pile up on a few values; each level
// therefore has its own, slightly different ones (Seshadhri, Pinar and Kolda, "An in-depth analysis of
// stochastic Kronecker graphs", 2013). The latent number of a node tells its region and its degree, so a
// keyed permutation turns latent numbers into store ids. Every edge is a pure function of its number.
#include "kith/datasets/generate/rmat.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/datasets/generate/class_data.h"
#include "kith/datasets/generate/shuffle.h"

namespace kith {
namespace {

constexpr std::int64_t kEdgeGrain = 1 << 12;
constexpr std::uint32_t kAttempts = 64;

/// The bounds of a 32-bit draw below which an edge falls into the first one, two, three quadrants.
struct Level {
  double first = 0, second = 0, third = 0;
};

std::vector<Level> levels_of(const RmatOptions& options) {
  const PhiloxKey key = philox_key(options.seed, Stream::generate, level_draws);
  const auto count = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(options.nodes - 1)));
  const double d = 1 - options.a - options.b - options.c, diagonal = options.a + d;
  std::vector<Level> levels(static_cast<std::size_t>(count));
  for (int l = 0; l < count; ++l) {
    const double u = unit_double(word64(draw_words(key, StoreId(l), 0, 0), 0));
    const double most = std::min({options.noise, diagonal / 2, options.b, options.c});
    const double shift = (2 * u - 1) * most;
    const double a = options.a - 2 * shift * options.a / diagonal;
    const double b = options.b + shift, c = options.c + shift;
    levels[l] = {a * 0x1p32, (a + b) * 0x1p32, (a + b + c) * 0x1p32};
  }
  return levels;
}

class RmatEdges {
 public:
  explicit RmatEdges(const RmatOptions& options)
      : nodes_(options.nodes),
        levels_(levels_of(options)),
        key_(philox_key(options.seed, Stream::generate, rmat_draws)) {}

  /// The latent ends of an edge: drawn again while they are equal or behind the last node.
  std::pair<std::int64_t, std::int64_t> operator()(std::int64_t edge) const {
    for (std::uint32_t attempt = 0; attempt < kAttempts; ++attempt) {
      const auto [source, destination] = drawn(edge, attempt);
      if (source != destination && source < nodes_ && destination < nodes_) return {source, destination};
    }
    return {0, nodes_ - 1};  // with the default quadrants, less than once in 10¹⁰ edges
  }

 private:
  std::pair<std::int64_t, std::int64_t> drawn(std::int64_t edge, std::uint32_t attempt) const {
    std::int64_t source = 0, destination = 0;
    PhiloxWords words{};
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      if (l % 4 == 0) words = draw_words(key_, StoreId(edge), attempt, static_cast<std::uint32_t>(l / 4));
      const double x = words[l % 4];
      const Level& level = levels_[l];
      source = 2 * source + (x >= level.second ? 1 : 0);
      destination = 2 * destination + ((x >= level.first && x < level.second) || x >= level.third ? 1 : 0);
    }
    return {source, destination};
  }

  std::int64_t nodes_;
  std::vector<Level> levels_;
  PhiloxKey key_;
};

template <class Index>
OwnedColumns<Index> draw_edges(const RmatOptions& options, const Shuffle& shuffle) {
  const RmatEdges drawn(options);
  const double wanted = options.nodes == 1 ? 0 : static_cast<double>(options.nodes) * options.degree / 2;
  const std::int64_t m = std::llround(wanted);
  OwnedColumns<Index> edges{Array<Index>(m), Array<Index>(m)};
  parallel_for(0, m, kEdgeGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e) {
      const auto [source, destination] = drawn(e);
      edges.source[e] = static_cast<Index>(shuffle(source));
      edges.destination[e] = static_cast<Index>(shuffle(destination));
    }
  });
  return edges;
}

/// Consecutive latent numbers share a class, a region of the recursion.
Array<std::int64_t> true_classes(const RmatOptions& options, const Shuffle& shuffle) {
  Array<std::int64_t> classes(options.nodes);
  const double share = static_cast<double>(options.classes) / static_cast<double>(options.nodes);
  parallel_for(0, options.nodes, kEdgeGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t latent = begin; latent < end; ++latent)
      classes[shuffle(latent)] = static_cast<std::int64_t>((static_cast<double>(latent) + 0.5) * share);
  });
  return classes;
}

void check(const RmatOptions& options) {
  const auto n = static_cast<double>(options.nodes);
  check_option("nodes", n, 1, 1e12);
  check_option("degree", options.degree, 0.1, 1e5);
  check_option("a", options.a, 0.01, 0.97);
  check_option("b", options.b, 0.01, 0.97);
  check_option("c", options.c, 0.01, 0.97);
  check_option("d", 1 - options.a - options.b - options.c, 0.01, 0.97);
  check_option("noise", options.noise, 0, 1);
  check_option("features", static_cast<double>(options.features), 0, 1e6);
  check_option("classes", static_cast<double>(options.classes), 1, n);
  check_option("feature-noise", options.feature_noise, 0, 1e6);
  check_option("label-noise", options.label_noise, 0, 1);
  check_drawn_split(options.split);
}

}  // namespace

RawDataset rmat(const RmatOptions& options) {
  check(options);
  const Shuffle shuffle(options.nodes, philox_key(options.seed, Stream::generate, order_draws));
  RawDataset raw;
  raw.name = "rmat";
  raw.format = "generated";
  raw.nodes = options.nodes;
  raw.meant_undirected = true;
  raw.self_loops = SelfLoops::drop;
  if (options.nodes > std::numeric_limits<std::int32_t>::max())
    raw.edges = draw_edges<std::int64_t>(options, shuffle);
  else
    raw.edges = draw_edges<std::int32_t>(options, shuffle);
  add_class_data(raw,
                 {.classes = options.classes,
                  .features = options.features,
                  .feature_noise = options.feature_noise,
                  .label_noise = options.label_noise,
                  .split = options.split,
                  .seed = options.seed},
                 true_classes(options, shuffle));
  return raw;
}

}  // namespace kith
