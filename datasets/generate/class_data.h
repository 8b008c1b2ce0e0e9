#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "kith/datasets/import/raw_dataset.h"

namespace kith {

/// The `layer` of Stream::generate that each kind of draw has to itself.
enum Draws : std::uint64_t {
  order_draws,
  edge_draws,
  noise_draws,
  label_draws,
  mean_draws,
  rmat_draws,
  level_draws
};

/// What is made of the true classes of a generated graph's nodes.
struct ClassData {
  std::int64_t classes = 1;
  std::int64_t features = 0;
  double feature_noise = 1;
  double label_noise = 0;
  SplitSpec split{};
  std::uint64_t seed = 0;
};

/// Fills in labels (of which `label_noise` are another class), split, and features: a random unit vector for
/// every class plus Gaussian noise, made on demand.
void add_class_data(RawDataset& raw, const ClassData& data, Array<std::int64_t> true_classes);

/// Throws InputError unless low ≤ value ≤ high.
void check_option(std::string_view name, double value, double low, double high);
/// Throws InputError on a split that a generated graph does not bring.
void check_drawn_split(const SplitSpec& split);

}  // namespace kith
