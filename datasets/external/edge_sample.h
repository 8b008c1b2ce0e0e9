#pragma once
#include <filesystem>

#include "kith/datasets/text/edge_format.h"

namespace kith {

/// What samples of text files of edges tell of the whole.
struct EdgeSample {
  std::int64_t text_bytes = 0;  ///< unpacked; of packed files a guess
  std::int64_t edges = 0;
  std::int64_t nodes = 0;
  std::int64_t name_bytes = 0;  ///< of all ids that are texts
  bool names = false, mapped = false, weighted = false;
  double seconds_per_byte = 0;  ///< to parse, on one thread
};
EdgeSample sample_edges(const std::filesystem::path& raw, const EdgeTextOptions& options);

}  // namespace kith
