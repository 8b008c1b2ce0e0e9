#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "kith/graph/csr.h"

namespace kith::bench {

struct NamedGraph {
  std::string name;
  Csr32 csr;
};

/// Nodes of the graphs where nothing else is asked for: a table of 64 columns is 512 MB.
constexpr std::int64_t kBenchNodes = 1 << 21;

/// n × n graphs of about m entries, rows ascending, each made when it is asked for: planted (a thousand
/// communities, four of five entries inside of one), uniform columns, and R-MAT (Chakrabarti et al. 2004) of
/// three skews. Functions of their arguments alone.
using GraphMaker = std::function<NamedGraph()>;
std::vector<GraphMaker> bench_graphs(std::int64_t n, std::int64_t m);

/// The graph of a store, by its folder's name.
NamedGraph stored_graph(const std::filesystem::path& store);

}  // namespace kith::bench
