#pragma once
#include <cstdint>

#include "kith/datasets/import/raw_dataset.h"

namespace kith {

/// A degree-corrected planted partition: communities of equal size, power-law degrees within each.
struct PlantedOptions {
  std::int64_t nodes = 10'000;
  double degree = 25;  ///< mean, of the stored (both-way) graph
  std::int64_t communities = 16;
  std::int64_t features = 64;
  std::int64_t classes = 16;   ///< a community's class is its number modulo this
  double mixing = 0.2;         ///< fraction of edges that leave their community
  double feature_noise = 1.0;  ///< standard deviation per feature; the class means are unit vectors
  double label_noise = 0.05;   ///< fraction of nodes that carry a random other class
  SplitSpec split;             ///< `random` or `per_class`
  std::uint64_t seed = 0;
};

/// The graph, labels, split and (made on demand) features of the options. A pure function of the options: the
/// same for any number of threads. O(n · degree). Parallel edges merge, so hubs fall a little short of their
/// weight. Throws InputError when an option is out of range.
RawDataset planted(const PlantedOptions& options);

}  // namespace kith
