// The adapter between a stored graph and METIS. METIS needs an undirected graph without loops and duplicates,
// in 32-bit numbers, k between 2 and n, and it may leave parts empty when k is near n; all of that is dealt
// with here, for METIS alone: the stored graph keeps its edges.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kith/core/buffer.h"
#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/graph/builders.h"
#include "kith/partition/empty_parts.h"
#include "kith/partition/metis_message.h"
#include "kith/partition/metis_process.h"
#include "kith/partition/partitioners.h"

namespace kith {
namespace {

constexpr std::int64_t kGrain = 1 << 12;
constexpr std::int64_t kMostNumbers = std::numeric_limits<std::int32_t>::max();

struct RowCounts {
  std::int64_t loops = 0, duplicates = 0, distinct = 0;
};

template <class Index>
RowCounts counts_of(CsrView<Index> graph) {
  const auto count_rows = [&](std::int64_t begin, std::int64_t end) {
    RowCounts counts;
    for (std::int64_t v = begin; v < end; ++v) {
      const auto row = graph.row(v);
      for (std::size_t i = 0; i < row.size(); ++i) {
        const bool loop = row[i] == v, duplicate = i > 0 && row[i] == row[i - 1];
        counts.loops += loop;
        counts.duplicates += duplicate && !loop;
        counts.distinct += !loop && !duplicate;
      }
    }
    return counts;
  };
  return parallel_reduce(0, graph.n(), kGrain, RowCounts{}, count_rows, [](RowCounts a, const RowCounts& b) {
    return RowCounts{a.loops + b.loops, a.duplicates + b.duplicates, a.distinct + b.distinct};
  });
}

// `arcs` counts each undirected edge twice.
void check_width(std::int64_t nodes, std::int64_t arcs) {
  if (nodes < kMostNumbers && arcs <= kMostNumbers) return;
  throw InputError(with_facts(
      "the distribution's METIS has 32-bit numbers, which cannot hold this graph; use "
      "--method ldg, --method random, --method range, or --assignment FILE, which have no such limit",
      {{"nodes", nodes}, {"twice the undirected edges", arcs}, {"limit", kMostNumbers}}));
}

std::int64_t total_of(const BalanceConstraint& constraint) {
  const auto& weight = constraint.weight;
  return parallel_reduce(
      0, weight.ssize(), kGrain, std::int64_t{0},
      [&](std::int64_t begin, std::int64_t end) {
        std::int64_t sum = 0;
        for (std::int64_t v = begin; v < end; ++v) sum += weight[v];
        return sum;
      },
      std::plus<>());
}

// METIS sums weights in 32 bits: those of a constraint are divided until their sum fits; a constraint that
// weighs nothing asks for nothing.
struct ScaledConstraint {
  const BalanceConstraint* constraint;
  std::int64_t divisor;
  std::int32_t weight(std::int64_t v) const {
    return static_cast<std::int32_t>((constraint->weight[v] + divisor - 1) / divisor);
  }
};

std::vector<ScaledConstraint> scaled(const std::vector<BalanceConstraint>& constraints, std::int64_t nodes) {
  std::vector<ScaledConstraint> result;
  for (const BalanceConstraint& constraint : constraints) {
    require(constraint.weight.ssize() == nodes, "a constraint has a weight per node",
            {{"nodes", nodes}, {"weights", constraint.weight.size()}});
    const std::int64_t total = total_of(constraint),
                       room = std::max<std::int64_t>(kMostNumbers / 2 - nodes, 1);
    if (total > 0) result.push_back({&constraint, 1 + total / room});
  }
  return result;
}

template <class Index>
void fill_graph(CsrView<Index> graph, MetisMessage& message) {
  std::copy(graph.indptr.begin(), graph.indptr.end(), message.xadj());
  std::int32_t* adjncy = message.adjncy();
  parallel_for(0, graph.m(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t e = begin; e < end; ++e) adjncy[e] = static_cast<std::int32_t>(graph.indices[e]);
  });
}

void fill_weights(const std::vector<ScaledConstraint>& constraints, MetisMessage& message) {
  const auto count = static_cast<std::int64_t>(constraints.size());
  parallel_for(0, message.nodes, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t v = begin; v < end; ++v)
      for (std::int64_t c = 0; c < count; ++c) message.vwgt()[v * count + c] = constraints[c].weight(v);
  });
}

MetisMessage header_of(const PartitionRequest& request, std::int64_t arcs, std::size_t constraints) {
  MetisMessage message;
  message.arcs = arcs;
  message.nodes = static_cast<std::int32_t>(request.graph.n());
  message.constraints = static_cast<std::int32_t>(constraints);
  message.parts = request.k;
  message.seed = static_cast<std::int32_t>(philox_key(request.seed, Stream::partition).lo >> 1);
  message.volume = request.objective == CutObjective::volume;
  message.imbalance_permille = std::max(1, static_cast<int>(std::lround(request.imbalance * 1000)));
  return message;
}

Array<Part> parts_in(MetisMessage& message) {
  Array<Part> assignment(static_cast<std::size_t>(message.nodes));
  for (std::int64_t v = 0; v < message.nodes; ++v) {
    const std::int32_t part = message.part()[v];
    require(0 <= part && part < message.parts, "METIS answered a part outside [0, k)",
            {{"node", v}, {"part", part}, {"k", message.parts}});
    assignment[v] = Part(part);
  }
  return assignment;
}

struct Message {
  MemoryFile file;
  RowCounts stored;
  std::int64_t arcs = 0;
  MetisMessage& content() const { return *static_cast<MetisMessage*>(file.data()); }
};

/// The whole question; the symmetric graph that it is written from is gone afterwards.
template <class Index>
Message message_of(CsrView<Index> stored, const PartitionRequest& request) {
  const RowCounts counts = counts_of(stored);
  check_width(stored.n(), counts.distinct);
  const Csr<Index> clean = symmetrised(stored, SelfLoops::drop);
  check_width(stored.n(), clean.m());
  const std::vector<ScaledConstraint> constraints = scaled(request.constraints, stored.n());
  const MetisMessage header = header_of(request, clean.m(), constraints.size());
  Message message{MemoryFile(header.bytes()), counts, clean.m()};
  message.content() = header;
  fill_graph(clean.view(), message.content());
  fill_weights(constraints, message.content());
  return message;
}

/// METIS needs more memory than the graph: while it works, nothing here is held that can be made again.
template <class Index>
PartitionResult partition_by_program(CsrView<Index> stored, const PartitionRequest& request) {
  const Message message = message_of(stored, request);
  Buffer::release_cached();
  message.file.leave_pages();
  PartitionResult result;
  result.report.peak_memory_bytes = run_metis_program(metis_program(), message.file);
  result.report.loops_dropped = message.stored.loops;
  result.report.duplicates_merged = message.stored.duplicates;
  result.report.arcs_added = message.arcs - message.stored.distinct;
  result.partitioning = {request.k, parts_in(message.content())};
  if (has_empty_part(result.partitioning))
    result.report.empty_repaired =
        fill_empty_parts(symmetrised(stored, SelfLoops::drop).view(), result.partitioning);
  return result;
}

}  // namespace

PartitionResult metis_partition(const PartitionRequest& request) {
  const std::int64_t n = request.graph.n();
  require(request.k >= 1, "a partitioning has at least one part", {{"k", request.k}});
  if (request.k == 1) return {range_partition(request), {}};
  if (request.k > n)
    throw InputError(
        with_facts("METIS cannot make more parts than there are nodes; use fewer parts, or --method "
                   "random or range, which leave parts empty",
                   {{"k", request.k}, {"nodes", n}}));
  check_width(n, 0);
  return request.graph.visit([&](auto stored) { return partition_by_program(stored, request); });
}

}  // namespace kith
