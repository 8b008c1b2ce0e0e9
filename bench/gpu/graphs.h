#pragma once
#include <string>
#include <vector>

#include "kith/graph/csr.h"

namespace kith::bench {

struct NamedGraph {
  std::string name;
  Csr32 csr;
};

/// n × n graphs of about m entries, rows ascending: uniform columns, and R-MAT (Chakrabarti et al. 2004) of
/// three skews. Functions of their arguments alone.
std::vector<NamedGraph> bench_graphs(std::int64_t n, std::int64_t m);

}  // namespace kith::bench
