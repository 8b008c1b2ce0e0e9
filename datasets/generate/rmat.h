#pragma once
#include <cstdint>

#include "kith/datasets/import/raw_dataset.h"

namespace kith {

/// A recursive matrix graph (R-MAT) of skewed degrees. With the usual quadrants (a ≈ (a + b)²) neighbours say
/// next to nothing about a class, features do: a graph for measuring cost, not accuracy.
struct RmatOptions {
  std::int64_t nodes = 1 << 14;
  double degree = 16;  ///< nodes · degree / 2 edges are drawn; equal ones merge, most at small sizes
  double a = 0.57, b = 0.19, c = 0.19;  ///< of the four quadrants; d = 1 − a − b − c
  double noise = 0.1;                   ///< how far b and c of a level may lie from their value
  std::int64_t features = 64;           ///< 0: none
  std::int64_t classes = 16;            ///< of consecutive latent numbers, the regions of the recursion
  double feature_noise = 1.0;           ///< standard deviation about the class's mean, a unit vector
  double label_noise = 0.05;            ///< fraction of nodes that carry a random other class
  SplitSpec split;                      ///< `random` or `per_class`
  std::uint64_t seed = 0;
};

/// The graph, labels, split and (made on demand) features of the options; no self-loops. A pure function of
/// the options: the same for any number of threads. O(n · degree · log n). Throws InputError when an option
/// is out of range.
RawDataset rmat(const RmatOptions& options);

}  // namespace kith
