#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "kith/datasets/store.h"

namespace kith {

/// What a file of predictions holds of each node.
struct PredictionShape {
  std::int64_t nodes = 0;
  std::int64_t classes = 0;  ///< columns of probabilities; 0: one class a node
};

/// A file of predictions that grows by consecutive rows and appears when it is finished.
class PredictionFile {
 public:
  virtual ~PredictionFile() = default;
  /// The rows from store id `first` on: int64 classes, or fp32 probabilities.
  virtual void add(std::int64_t first, std::span<const std::byte> rows) = 0;
  virtual void finish() = 0;
};

/// By the path's ending: `.npy` (with the user's ids beside it) or `.csv`. Throws InputError for another one,
/// and when the file cannot be made. `ids` must outlive it.
std::unique_ptr<PredictionFile> prediction_file(const std::filesystem::path& path,
                                                const PredictionShape& shape, const UserIdView& ids);
/// Throws InputError unless it ends in `.npy` or `.csv`.
void require_prediction_path(const std::filesystem::path& path);

}  // namespace kith
