// Nodes come one by one and go to the part with the best score of (neighbours already there, fullness):
//   LDG     |N(v) ∩ P| · (1 − load / limit)                     Stanton & Kliot, KDD'12
//   Fennel  |N(v) ∩ P| − α γ |P|^(γ−1), γ = 3/2                 Tsourakakis et al., WSDM'14
// With α = √k m / n^(3/2) Fennel's second term is 3/2 · m/n · √load, where load = |P| k / n. Every pass sees
// where the earlier one put a node until it moves it, while the parts start empty (Nishimura & Ugander,
// "Restreaming graph partitioning", KDD'13). The first pass follows the range partitioning: an order with
// locality is kept, any other is a balanced random start. Only parts that hold a neighbour and the least full
// one can win, so a pass costs O(m + n log k); memory is O(n + k) beside the graph. Neighbours are the stored
// in-neighbours.
#include <cmath>

#include "kith/core/error.h"
#include "kith/partition/empty_parts.h"
#include "kith/partition/part_loads.h"
#include "kith/partition/partitioners.h"

namespace kith {
namespace {

struct Ldg {
  double limit;
  double operator()(std::int64_t neighbours, double load) const {
    return static_cast<double>(neighbours) * (1 - load / limit);
  }
};

struct Fennel {
  double edges_per_node;
  double operator()(std::int64_t neighbours, double load) const {
    return static_cast<double>(neighbours) - 1.5 * edges_per_node * std::sqrt(load);
  }
};

template <class Index, class Score>
class Stream {
 public:
  Stream(CsrView<Index> graph, const PartitionRequest& request, Score score)
      : graph_(graph), score_(score), loads_(request), parts_(range_partition(request)) {}

  Partitioning run(int passes) && {
    for (int pass = 0; pass < passes; ++pass) {
      loads_.clear();
      for (std::int64_t v = 0; v < graph_.n(); ++v) place(v);
    }
    fill_empty_parts(graph_, parts_.partitioning);
    return std::move(parts_.partitioning);
  }

 private:
  struct Parts {
    explicit Parts(Partitioning start)
        : partitioning(std::move(start)), neighbours(static_cast<std::size_t>(partitioning.k), 0) {}
    Partitioning partitioning;
    std::vector<std::int64_t> neighbours;  ///< of the present node in each part; all 0 between nodes
    std::vector<int> reached;              ///< the parts where it is not 0
  };

  void count_neighbours(std::int64_t v) {
    const auto row = graph_.row(v);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Part part = parts_.partitioning.assignment[row[i]];
      if (row[i] == v || (i > 0 && row[i] == row[i - 1])) continue;
      if (parts_.neighbours[part.value()]++ == 0) parts_.reached.push_back(part.value());
    }
  }

  int best_part(std::int64_t v) const {
    int best = loads_.least();
    double highest = score_(parts_.neighbours[best], loads_.load(best));
    for (const int part : parts_.reached) {
      const double score = score_(parts_.neighbours[part], loads_.load(part));
      if (score > highest && loads_.fits(v, part)) highest = score, best = part;
    }
    return best;
  }

  void place(std::int64_t v) {
    count_neighbours(v);
    const int best = best_part(v);
    parts_.partitioning.assignment[v] = Part(best);
    loads_.add(v, best);
    for (const int part : parts_.reached) parts_.neighbours[part] = 0;
    parts_.reached.clear();
  }

  CsrView<Index> graph_;
  Score score_;
  PartLoads loads_;
  Parts parts_;
};

template <class Score>
Partitioning streamed(const PartitionRequest& request, Score score) {
  require(request.k >= 1, "a partitioning has at least one part", {{"k", request.k}});
  require(request.passes >= 1, "a stream passes at least once", {{"passes", request.passes}});
  return request.graph.visit([&]<class Index>(CsrView<Index> graph) {
    return Stream<Index, Score>(graph, request, score).run(request.passes);
  });
}

}  // namespace

Partitioning ldg_partition(const PartitionRequest& request) {
  return streamed(request, Ldg{1 + request.imbalance});
}

Partitioning fennel_partition(const PartitionRequest& request) {
  const auto nodes = static_cast<double>(std::max<std::int64_t>(request.graph.n(), 1));
  // Each undirected edge is stored twice.
  return streamed(request, Fennel{static_cast<double>(request.graph.m()) / 2 / nodes});
}

}  // namespace kith
