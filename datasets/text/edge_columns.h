#pragma once
#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "kith/core/parallel.h"
#include "kith/datasets/import/raw_dataset.h"

// Chunks that were read in any order, laid one behind the other.
namespace kith {

/// Lays chunks one behind the other as two columns.
template <class Index, class EndsOf>
OwnedColumns<Index> columns_of(std::span<const std::int64_t> first_edge, const EndsOf& ends_of) {
  const auto edges = static_cast<std::size_t>(first_edge.back());
  OwnedColumns<Index> columns{Array<Index>(edges), Array<Index>(edges)};
  parallel_for(0, static_cast<std::int64_t>(first_edge.size()) - 1, 1, [&](std::int64_t c, std::int64_t) {
    Index* source = columns.source.data() + first_edge[c];
    Index* destination = columns.destination.data() + first_edge[c];
    ends_of(c, first_edge[c + 1] - first_edge[c], [&](std::int64_t from, std::int64_t to) {
      *source++ = static_cast<Index>(from);
      *destination++ = static_cast<Index>(to);
    });
  });
  return columns;
}

template <class EndsOf>
RawEdges edges_of_chunks(std::int64_t nodes, std::span<const std::int64_t> first_edge,
                         const EndsOf& ends_of) {
  if (nodes <= std::numeric_limits<std::int32_t>::max()) return columns_of<std::int32_t>(first_edge, ends_of);
  return columns_of<std::int64_t>(first_edge, ends_of);
}

template <class Chunks, class Count>
std::vector<std::int64_t> first_edges(const Chunks& chunks, const Count& count) {
  std::vector<std::int64_t> first{0};
  for (const auto& chunk : chunks) first.push_back(first.back() + count(chunk));
  return first;
}

inline Array<float> joined(std::span<const Array<float>> parts) {
  std::vector<std::int64_t> first = first_edges(parts, [](const auto& part) { return part.ssize(); });
  Array<float> all(static_cast<std::size_t>(first.back()));
  parallel_for(0, static_cast<std::int64_t>(parts.size()), 1, [&](std::int64_t c, std::int64_t) {
    std::copy(parts[c].begin(), parts[c].end(), all.begin() + first[c]);
  });
  return all;
}

}  // namespace kith
