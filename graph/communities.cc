// The local moving of Blondel et al., "Fast unfolding of communities in large networks" (2008), made parallel
// and exact: a round has kTurns turns; in each, a random part of the nodes chooses its best community from
// what the last turn left, and then all of them move. Volumes are integers, so the order of adding does not
// matter. Two nodes on their own that choose each other would only swap: of such, the one of the larger
// number moves.
#include "kith/graph/communities.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "kith/core/parallel.h"
#include "kith/core/philox.h"
#include "kith/graph/buckets.h"

namespace kith::detail {
namespace {

constexpr std::int64_t kGrain = 1024;
constexpr int kRounds = 10;
constexpr std::uint64_t kTurns = 4;

using Link = std::pair<std::int64_t, std::int64_t>;  ///< community, weight

/// Adds up the weights of equal communities, ascending.
void merge_links(std::vector<Link>& links) {
  std::sort(links.begin(), links.end());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (kept > 0 && links[kept - 1].first == links[i].first)
      links[kept - 1].second += links[i].second;
    else
      links[kept++] = links[i];
  }
  links.resize(kept);
}

template <class Index>
class LocalMoving {
 public:
  explicit LocalMoving(const WeightedGraph<Index>& graph)
      : graph_(graph), strength_(graph.n()), label_(graph.n()), next_(graph.n()), size_(graph.n(), 1) {
    parallel_for(0, graph.n(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t v = begin; v < end; ++v) {
        strength_[v] = graph.inside.empty() ? 0 : graph.inside[v];
        for (std::int64_t e = graph.csr.indptr[v]; e < graph.csr.indptr[v + 1]; ++e)
          strength_[v] += graph.weight(e);
        label_[v] = next_[v] = v;
      }
    });
    volume_ = copy_of(strength_);
    for (const std::int64_t s : strength_) total_ += static_cast<double>(s);
  }

  /// The number of nodes that moved.
  std::int64_t round(int number) {
    std::int64_t moved = 0;
    for (std::uint64_t turn = 0; turn < kTurns; ++turn) {
      const auto salt = static_cast<std::uint64_t>(number) * kTurns;
      parallel_for(0, graph_.n(), kGrain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t v = begin; v < end; ++v)
          if (mix64(static_cast<std::uint64_t>(v) ^ mix64(salt + 1)) % kTurns == turn) next_[v] = best(v);
      });
      moved += move();
    }
    return moved;
  }

  const Array<std::int64_t>& labels() const { return label_; }

 private:
  /// The community whose modularity gains most by the node; its own unless another is better.
  std::int64_t best(std::int64_t v) const {
    static thread_local std::vector<Link> links;
    links.clear();
    for (std::int64_t e = graph_.csr.indptr[v]; e < graph_.csr.indptr[v + 1]; ++e)
      links.emplace_back(label_[graph_.csr.indices[e]], graph_.weight(e));
    const std::int64_t own = label_[v];
    links.emplace_back(own, 0);
    merge_links(links);
    const auto strength = static_cast<double>(strength_[v]);
    auto gain = [&](const Link& link) {
      const std::int64_t others = volume_[link.first] - (link.first == own ? strength_[v] : 0);
      return static_cast<double>(link.second) * total_ - strength * static_cast<double>(others);
    };
    std::int64_t chosen = own;
    double most = gain(*std::lower_bound(links.begin(), links.end(), Link{own, 0}));
    for (const Link& link : links) {
      const bool would_swap = size_[own] == 1 && size_[link.first] == 1 && link.first > own;
      if (would_swap || gain(link) <= most) continue;
      most = gain(link);
      chosen = link.first;
    }
    return chosen;
  }

  std::int64_t move() {
    auto add = [](std::int64_t& to, std::int64_t value) {
      std::atomic_ref(to).fetch_add(value, std::memory_order_relaxed);
    };
    return parallel_reduce(
        0, graph_.n(), kGrain, std::int64_t{0},
        [&](std::int64_t begin, std::int64_t end) {
          std::int64_t moved = 0;
          for (std::int64_t v = begin; v < end; ++v) {
            if (next_[v] == label_[v]) continue;
            add(volume_[label_[v]], -strength_[v]);
            add(volume_[next_[v]], strength_[v]);
            add(size_[label_[v]], -1);
            add(size_[next_[v]], 1);
            label_[v] = next_[v];
            ++moved;
          }
          return moved;
        },
        [](std::int64_t a, std::int64_t b) { return a + b; });
  }

  const WeightedGraph<Index>& graph_;
  Array<std::int64_t> strength_, label_, next_, size_, volume_;
  double total_ = 0;
};

/// Numbers the labels from 0 by their first node.
Communities numbered(const Array<std::int64_t>& labels) {
  Communities communities{Array<std::int64_t>(labels.size()), 0};
  Array<std::int64_t> number(labels.size(), std::int64_t{-1});
  for (std::int64_t v = 0; v < labels.ssize(); ++v) {
    std::int64_t& mine = number[labels[v]];
    if (mine < 0) mine = communities.count++;
    communities.of[v] = mine;
  }
  return communities;
}

/// The links of one community to all, its own among them.
template <class Index>
void links_of(const WeightedGraph<Index>& graph, std::span<const std::int64_t> members,
              const Communities& communities, std::vector<Link>& links) {
  links.clear();
  for (const std::int64_t v : members) {
    if (!graph.inside.empty()) links.emplace_back(communities.of[v], graph.inside[v]);
    for (std::int64_t e = graph.csr.indptr[v]; e < graph.csr.indptr[v + 1]; ++e)
      links.emplace_back(communities.of[graph.csr.indices[e]], graph.weight(e));
  }
  merge_links(links);
}

}  // namespace

Groups grouped(std::span<const std::int64_t> nodes, std::span<const std::int64_t> key, std::int64_t keys) {
  struct Entry {
    std::int64_t key;
    std::int64_t node;
  };
  const auto buckets =
      bucketed<Entry>(keys, std::ssize(nodes), [&](std::int64_t begin, std::int64_t end, auto&& sink) {
        for (std::int64_t i = begin; i < end; ++i) sink(Entry{key[nodes[i]], nodes[i]});
      });
  Groups groups{Array<std::int64_t>(nodes.size()), {}};
  groups.begins =
      place_all(buckets, [&](std::int64_t at, const Entry& entry) { groups.nodes[at] = entry.node; });
  return groups;
}

template <class Index>
Communities communities_of(const WeightedGraph<Index>& graph) {
  LocalMoving<Index> moving(graph);
  for (int round = 0; round < kRounds; ++round)
    if (moving.round(round) <= graph.n() / 100) break;
  return numbered(moving.labels());
}

template <class Index>
WeightedGraph<Index> contracted(const WeightedGraph<Index>& graph, const Communities& communities) {
  const std::int64_t k = communities.count;
  Array<std::int64_t> all(graph.n());
  for (std::int64_t v = 0; v < graph.n(); ++v) all[v] = v;
  const Groups groups = grouped(all.span(), communities.of.span(), k);
  WeightedGraph<Index> coarse{{Array<std::int64_t>(k + 1), {}}, {}, Array<std::int64_t>(k, 0)};
  Array<std::int64_t>& indptr = coarse.csr.indptr;
  // The links are added up twice, to count and to write: half the memory of keeping them.
  auto for_each_community = [&](auto&& visit) {
    parallel_for(0, k, 16, [&](std::int64_t begin, std::int64_t end) {
      std::vector<Link> links;
      for (std::int64_t c = begin; c < end; ++c) {
        const std::int64_t first = groups.begins[c];
        links_of(graph, groups.nodes.span().subspan(first, groups.begins[c + 1] - first), communities, links);
        std::erase_if(links, [&](const Link& link) {
          if (link.first == c) coarse.inside[c] = link.second;
          return link.first == c;
        });
        visit(c, links);
      }
    });
  };
  for_each_community([&](std::int64_t c, const std::vector<Link>& links) { indptr[c] = std::ssize(links); });
  indptr[k] = 0;
  const std::int64_t m = exclusive_prefix_sum(indptr.data(), k + 1);
  coarse.csr.indices = Array<Index>(m);
  coarse.weights = Array<std::int64_t>(m);
  for_each_community([&](std::int64_t c, const std::vector<Link>& links) {
    for (std::int64_t i = 0; i < std::ssize(links); ++i) {
      coarse.csr.indices[indptr[c] + i] = static_cast<Index>(links[i].first);
      coarse.weights[indptr[c] + i] = links[i].second;
    }
  });
  return coarse;
}

template Communities communities_of(const WeightedGraph<std::int32_t>&);
template Communities communities_of(const WeightedGraph<std::int64_t>&);
template WeightedGraph<std::int32_t> contracted(const WeightedGraph<std::int32_t>&, const Communities&);
template WeightedGraph<std::int64_t> contracted(const WeightedGraph<std::int64_t>&, const Communities&);

}  // namespace kith::detail
