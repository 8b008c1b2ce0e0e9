#include "kith/datasets/generate/planted.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/datasets/generate/class_data.h"
#include "kith/datasets/generate/power_law.h"
#include "kith/datasets/generate/shuffle.h"

// The nodes stand in a latent order, from the largest expected degree to the smallest. Position p belongs to
// community p mod C, so community c is c, c + C, c + 2C, … with the same degree law in each, and an end drawn
// in proportion to expected degree is one evaluation of PowerLaw::quantile, in the graph or in one community.
// A keyed permutation turns positions into store ids, so that neither order nor range gives a community away.
//
// Every node draws half of its expected degree as edges and receives the other half from others' draws:
// Karrer and Newman, "Stochastic blockmodels and community structure in networks" (2011), with two rates
// (inside, outside).

namespace kith {
namespace {

struct Communities {
  std::int64_t nodes = 0;
  std::int64_t count = 0;
  std::int64_t of(std::int64_t position) const { return position % count; }
  std::int64_t size(std::int64_t community) const { return (nodes - community + count - 1) / count; }
  std::int64_t position(std::int64_t community, std::int64_t rank) const { return rank * count + community; }
};

/// The largest expected degree: √n-like as in real graphs (1,200 at a million nodes), and never so large that
/// a hub would need most of its community.
double largest_degree(const PlantedOptions& options) {
  const auto n = static_cast<double>(options.nodes);
  const double wanted = std::max(2 * options.degree, 1.2 * std::sqrt(n));
  const double community = n / static_cast<double>(options.communities);
  return std::max(1.05 * options.degree, std::min(wanted, community / 4));
}

class EdgeDraws {
 public:
  EdgeDraws(const PlantedOptions& options)
      : communities_{options.nodes, options.communities},
        law_(largest_degree(options) / options.degree),
        half_degree_(options.degree / 2),
        mixing_(options.communities == 1 ? 0 : options.mixing),
        key_(philox_key(options.seed, Stream::generate, edge_draws)) {}

  /// Half the expected degree, rounded at random so that the mean is right.
  std::int64_t count(StoreId node, std::int64_t position) const {
    const double x = (static_cast<double>(position) + 0.5) / static_cast<double>(communities_.nodes);
    const double u = unit_double(word64(draw_words(key_, node, kCountStep, 0), 0));
    return static_cast<std::int64_t>(half_degree_ * law_.share(x) + u);
  }

  /// The position of the other end of the node's edge number `edge`.
  std::int64_t target(StoreId node, std::int64_t position, std::uint32_t edge) const {
    const std::int64_t own = communities_.of(position);
    std::int64_t other = position;
    bool leaves = false;
    for (std::uint32_t attempt = 0; attempt < kAttempts; ++attempt) {
      const PhiloxWords words = draw_words(key_, node, attempt, edge);
      if (attempt == 0) leaves = unit_double(word64(words, 1)) < mixing_;
      other = leaves ? anywhere(words) : inside(own, words);
      if (other != position && !(leaves && communities_.of(other) == own)) return other;
    }
    return other;
  }

 private:
  static constexpr std::uint32_t kAttempts = 32;
  static constexpr std::uint32_t kCountStep = kAttempts;

  std::int64_t anywhere(const PhiloxWords& words) const { return scaled(words, communities_.nodes); }
  std::int64_t inside(std::int64_t community, const PhiloxWords& words) const {
    return communities_.position(community, scaled(words, communities_.size(community)));
  }
  std::int64_t scaled(const PhiloxWords& words, std::int64_t count) const {
    const double x = law_.quantile(unit_double(word64(words, 0)));
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(x * static_cast<double>(count)), 0, count - 1);
  }

  Communities communities_;
  PowerLaw law_;
  double half_degree_;
  double mixing_;
  PhiloxKey key_;
};

constexpr std::int64_t kNodeGrain = 1 << 12;

template <class Index>
Array<Index> shuffled_ids(const PlantedOptions& options) {
  const Shuffle shuffle(options.nodes, philox_key(options.seed, Stream::generate, order_draws));
  Array<Index> ids(options.nodes);
  parallel_for(0, options.nodes, kNodeGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) ids[p] = static_cast<Index>(shuffle(p));
  });
  return ids;
}

template <class Index>
OwnedColumns<Index> draw_edges(const PlantedOptions& options, const Array<Index>& ids) {
  const EdgeDraws draws(options);
  Array<std::int64_t> offset(options.nodes + 1);
  parallel_for(0, options.nodes, kNodeGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) offset[p] = draws.count(StoreId(ids[p]), p);
  });
  offset[options.nodes] = 0;
  const std::int64_t total = exclusive_prefix_sum(offset.data(), offset.ssize());
  OwnedColumns<Index> edges{Array<Index>(total), Array<Index>(total)};
  parallel_for(0, options.nodes, kNodeGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p)
      for (std::int64_t e = offset[p]; e < offset[p + 1]; ++e) {
        const auto number = static_cast<std::uint32_t>(e - offset[p]);
        edges.source[e] = ids[p];
        edges.destination[e] = ids[draws.target(StoreId(ids[p]), p, number)];
      }
  });
  return edges;
}

/// The class of every store id before label noise.
template <class Index>
Array<std::int64_t> true_classes(const PlantedOptions& options, const Array<Index>& ids) {
  Array<std::int64_t> classes(options.nodes);
  parallel_for(0, options.nodes, kNodeGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) classes[ids[p]] = p % options.communities % options.classes;
  });
  return classes;
}

template <class Index>
RawDataset generated(const PlantedOptions& options) {
  RawDataset raw;
  raw.name = "planted";
  raw.format = "generated";
  raw.nodes = options.nodes;
  raw.meant_undirected = true;
  raw.self_loops = SelfLoops::drop;
  const Array<Index> ids = shuffled_ids<Index>(options);
  raw.edges = draw_edges(options, ids);
  add_class_data(raw,
                 {.classes = options.classes,
                  .features = options.features,
                  .feature_noise = options.feature_noise,
                  .label_noise = options.label_noise,
                  .split = options.split,
                  .seed = options.seed},
                 true_classes(options, ids));
  return raw;
}

void check(const PlantedOptions& options) {
  const auto n = static_cast<double>(options.nodes);
  check_option("nodes", n, 1, 1e12);
  check_option("degree", options.degree, 0.1, 1e5);
  check_option("communities", static_cast<double>(options.communities), 1, n);
  check_option("features", static_cast<double>(options.features), 1, 1e6);
  check_option("classes", static_cast<double>(options.classes), 1, static_cast<double>(options.communities));
  check_option("mixing", options.mixing, 0, 1);
  check_option("feature-noise", options.feature_noise, 0, 1e6);
  check_option("label-noise", options.label_noise, 0, 1);
  check_drawn_split(options.split);
}

}  // namespace

RawDataset planted(const PlantedOptions& options) {
  check(options);
  if (options.nodes > std::numeric_limits<std::int32_t>::max()) return generated<std::int64_t>(options);
  return generated<std::int32_t>(options);
}

}  // namespace kith
