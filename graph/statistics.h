#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kith/graph/csr.h"

namespace kith {

/// In-degrees, stored self-loops counted.
struct DegreeSummary {
  double mean = 0;
  std::int64_t median = 0, p99 = 0, maximum = 0;  ///< lower quantiles
  /// histogram[0]: nodes of degree 0; histogram[b]: of degree in [2^(b−1), 2^b). Ends at the maximum's.
  std::vector<std::int64_t> histogram;
};
/// O(n).
DegreeSummary degree_summary(std::span<const std::int64_t> indptr);

/// Of the edges that are no self-loops, the share whose reverse is stored too; 1 without such edges. Needs
/// sorted rows. O(m log degree).
double reciprocity(const CsrAny& graph);

struct ComponentSummary {
  std::int64_t count = 0, largest = 0;  ///< weakly connected; nodes of the largest
};
/// O(n + m), almost.
ComponentSummary component_summary(const CsrAny& graph);

/// The edges that are no self-loops and whose ends both have a label, and those of them that join equal ones.
struct LabelledEdges {
  std::int64_t all = 0, same = 0;
  double homophily() const { return all == 0 ? 0 : static_cast<double>(same) / static_cast<double>(all); }
};
/// `labels` [n], −1: none. O(m).
LabelledEdges labelled_edges(const CsrAny& graph, std::span<const std::int64_t> labels);

}  // namespace kith
