#pragma once
#include <functional>
#include <vector>

#include "kith/graph/csr.h"

namespace kith::test {

/// Hopcroft & Karp 1973: phases of shortest augmenting paths; the size of the largest matching.
inline std::int64_t largest_matching(CsrView<std::int32_t> edges, std::int64_t columns) {
  std::vector<std::int64_t> row_of(static_cast<std::size_t>(columns), -1),
      column_of(static_cast<std::size_t>(edges.n()), -1), level;
  std::int64_t matched = 0;
  for (bool grown = true; grown;) {
    level.assign(column_of.size(), -1);
    std::vector<std::int64_t> queue;
    for (std::int64_t row = 0; row < edges.n(); ++row)
      if (column_of[row] < 0) {
        level[row] = 0;
        queue.push_back(row);
      }
    for (std::size_t i = 0; i < queue.size(); ++i)
      for (const std::int32_t column : edges.row(queue[i])) {
        const std::int64_t next = row_of[column];
        if (next < 0 || level[next] >= 0) continue;
        level[next] = level[queue[i]] + 1;
        queue.push_back(next);
      }
    const std::function<bool(std::int64_t)> augment = [&](std::int64_t row) {
      for (const std::int32_t column : edges.row(row)) {
        const std::int64_t next = row_of[column];
        if (next >= 0 && (level[next] != level[row] + 1 || !augment(next))) continue;
        row_of[column] = row;
        column_of[row] = column;
        return true;
      }
      level[row] = -1;
      return false;
    };
    grown = false;
    for (std::int64_t row = 0; row < edges.n(); ++row)
      if (column_of[row] < 0 && augment(row)) {
        ++matched;
        grown = true;
      }
  }
  return matched;
}

}  // namespace kith::test
