#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace kith::halo {

/// Links of two kinds: between ranks of a host, one for each pair and direction; and a host's to all others,
/// one out and one in, for all its ranks. A row takes a unit of time on the latter.
struct TreeLinks {
  std::vector<int> host;    ///< [ranks] the host's number
  double within_host = .1;  ///< time of a row on a link inside of a host
};

/// Rows of one rank that the same ranks need.
struct MulticastGroup {
  int owner = 0;
  std::int64_t rows = 0;
  std::vector<int> needed_by;  ///< ascending
};

/// An edge of a group's tree, which is used in a stage, 0, 1, …; rows come in an earlier stage than they
/// leave.
struct TreeEdge {
  int from = 0, to = 0, stage = 0;
  bool operator==(const TreeEdge&) const = default;
};

/// A tree for every group, from its owner over the ranks that need its rows: grown by the edge that adds the
/// least to the time of its stage, which is that of its busiest link (DGCL's SPST, Cai et al., EuroSys 2021).
/// Where these trees take longer than messages from the owners alone, it is those. The same on all ranks. O(Σ
/// |needed_by|³) with a small factor.
std::vector<std::vector<TreeEdge>> multicast_trees(const TreeLinks& links,
                                                   std::span<const MulticastGroup> groups);

/// Σ over stages of the time of the busiest link.
double time_of(const TreeLinks& links, std::span<const MulticastGroup> groups,
               std::span<const std::vector<TreeEdge>> trees);

}  // namespace kith::halo
