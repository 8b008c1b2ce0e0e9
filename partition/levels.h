#pragma once
#include <string>
#include <vector>

#include "kith/partition/partitioners.h"
#include "kith/partition/quality.h"

namespace kith {

/// A level of a machine, "hosts" or "gpus": everything of the level above it is `count` of these.
struct PartitionLevel {
  std::string name;
  int count = 1;
};

/// "hosts=2,gpus=4", coarsest first. Throws InputError.
std::vector<PartitionLevel> partition_levels(const std::string& text);
/// Their product: the parts that the finest level is.
int parts_of(const std::vector<PartitionLevel>& levels);

/// Cuts the graph for the first level, then each of its parts for the next, and so on, so that what crosses
/// the slowest links is cut first. Parts of one host (of one switch, …) are numbered consecutively, as ranks
/// are placed. Every level may exceed its mean by as much as comes to the request's imbalance for all of
/// them. Throws what the method throws.
PartitionResult partition_by_levels(const std::string& method, const PartitionRequest& whole,
                                    const std::vector<PartitionLevel>& levels);

/// What crosses between the groups of a level: of hosts=2,gpus=4 between 2 hosts, then between 8 GPUs.
struct LevelQuality {
  std::string name;
  int groups = 1;
  std::int64_t cut_edges = 0;
  /// Σ over groups of the distinct rows that it receives from others.
  std::int64_t communication_volume = 0;
};
std::vector<LevelQuality> qualities_of(const CsrAny& graph, const Partitioning& partitioning,
                                       const std::vector<PartitionLevel>& levels);

/// For the terminal, a line a level.
std::string table_of(const std::vector<LevelQuality>& levels);

}  // namespace kith
