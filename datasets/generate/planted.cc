#include "kith/datasets/generate/planted.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/core/tensor.h"
#include "kith/datasets/generate/gaussian.h"
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

/// The `layer` of Stream::generate that each kind of draw has to itself.
enum Draws : std::uint64_t { order_draws, edge_draws, noise_draws, label_draws, mean_draws };

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

Array<std::int64_t> noisy_labels(const PlantedOptions& options, std::span<const std::int64_t> classes) {
  const PhiloxKey key = philox_key(options.seed, Stream::generate, label_draws);
  Array<std::int64_t> labels = copy_of(classes);
  if (options.classes == 1) return labels;
  parallel_for(0, options.nodes, kNodeGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const PhiloxWords words = draw_words(key, StoreId(i), 0, 0);
      if (unit_double(word64(words, 0)) >= options.label_noise) continue;
      const auto step = 1 + bounded(word64(words, 1), static_cast<std::uint64_t>(options.classes - 1));
      labels[i] = (classes[i] + static_cast<std::int64_t>(step)) % options.classes;
    }
  });
  return labels;
}

void add_gaussians(float* row, std::int64_t count, StoreId node, PhiloxKey key, float deviation) {
  for (std::int64_t j = 0; j < count; j += 4) {
    const auto four = gaussians(draw_words(key, node, 0, static_cast<std::uint32_t>(j / 4)));
    for (std::int64_t k = 0; k < std::min<std::int64_t>(4, count - j); ++k) row[j + k] += deviation * four[k];
  }
}

/// A random unit vector for every class.
Matrix class_means(const PlantedOptions& options) {
  const PhiloxKey key = philox_key(options.seed, Stream::generate, mean_draws);
  Matrix means(options.classes, options.features, 0.0F);
  for (std::int64_t c = 0; c < options.classes; ++c) {
    float* row = means.view().row(c);
    add_gaussians(row, options.features, StoreId(c), key, 1);
    double squares = 0;
    for (std::int64_t j = 0; j < options.features; ++j) squares += static_cast<double>(row[j]) * row[j];
    const auto scale = static_cast<float>(1 / std::sqrt(squares));
    for (std::int64_t j = 0; j < options.features; ++j) row[j] *= scale;
  }
  return means;
}

RawFeatures drawn_features(const PlantedOptions& options, Array<std::int64_t> classes) {
  struct Source {
    Matrix means;
    Array<std::int64_t> classes;
  };
  auto source = std::make_shared<const Source>(Source{class_means(options), std::move(classes)});
  const PhiloxKey key = philox_key(options.seed, Stream::generate, noise_draws);
  const auto noise = static_cast<float>(options.feature_noise);
  RawFeatures features;
  features.rows = options.nodes;
  features.cols = options.features;
  features.fill = [=](std::int64_t begin, std::int64_t end, std::byte* out) {
    const std::int64_t cols = source->means.cols();
    auto* row = reinterpret_cast<float*>(out);
    for (std::int64_t i = begin; i < end; ++i, row += cols) {
      std::copy_n(source->means.data() + source->classes[i] * cols, cols, row);
      add_gaussians(row, cols, StoreId(i), key, noise);
    }
  };
  return features;
}

SplitIds drawn_split(const PlantedOptions& options, std::span<const std::int64_t> labels) {
  if (options.split.kind == SplitSpec::Kind::per_class)
    return per_class_split(labels, options.classes, options.split);
  const Array<std::uint8_t> labelled(labels.size(), std::uint8_t{1});
  return random_split(labelled, options.split);
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
  Array<std::int64_t> classes = true_classes(options, ids);
  raw.classes = noisy_labels(options, classes);
  raw.class_count = options.classes;
  raw.split = drawn_split(options, raw.classes);
  raw.features = drawn_features(options, std::move(classes));
  return raw;
}

void check(std::string_view name, double value, double low, double high) {
  if (!(value >= low && value <= high))
    throw InputError(fmt::format("--{} {} is outside [{}, {}]", name, value, low, high));
}

void check(const PlantedOptions& options) {
  const auto n = static_cast<double>(options.nodes);
  check("nodes", n, 1, 1e12);
  check("degree", options.degree, 0.1, 1e5);
  check("communities", static_cast<double>(options.communities), 1, n);
  check("features", static_cast<double>(options.features), 1, 1e6);
  check("classes", static_cast<double>(options.classes), 1, static_cast<double>(options.communities));
  check("mixing", options.mixing, 0, 1);
  check("feature-noise", options.feature_noise, 0, 1e6);
  check("label-noise", options.label_noise, 0, 1);
  const auto kind = options.split.kind;
  if (kind != SplitSpec::Kind::random && kind != SplitSpec::Kind::per_class)
    throw InputError(
        fmt::format("--split {}: a generated graph brings no split; write random:… or per-class:…",
                    text_of(options.split)));
}

}  // namespace

RawDataset planted(const PlantedOptions& options) {
  check(options);
  if (options.nodes > std::numeric_limits<std::int32_t>::max()) return generated<std::int64_t>(options);
  return generated<std::int32_t>(options);
}

}  // namespace kith
