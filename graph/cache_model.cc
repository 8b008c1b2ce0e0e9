// The cached rows are a ring of links, the last read in front; a read moves its row there.
#include "kith/graph/cache_model.h"

#include "kith/core/error.h"

namespace kith {
namespace {

class LeastRecentlyUsed {
 public:
  LeastRecentlyUsed(std::int64_t keys, std::int64_t capacity)
      : links_(static_cast<std::size_t>(keys) + 1, {kNone, kNone}), end_(keys), free_(capacity) {
    links_[end_] = {end_, end_};
  }

  /// Whether `key` is there; it is afterwards.
  bool read(std::int64_t key) {
    const bool found = links_[key].next != kNone;
    if (found) {
      take_out(key);
    } else if (free_ > 0) {
      --free_;
    } else {
      const std::int64_t last = links_[end_].previous;
      take_out(last);
      links_[last].next = kNone;
    }
    const std::int64_t first = links_[end_].next;
    links_[key] = {end_, first};
    links_[first].previous = key;
    links_[end_].next = key;
    return found;
  }

 private:
  static constexpr std::int64_t kNone = -1;
  struct Link {
    std::int64_t previous, next;  ///< kNone: not cached
  };

  void take_out(std::int64_t key) {
    links_[links_[key].previous].next = links_[key].next;
    links_[links_[key].next].previous = links_[key].previous;
  }

  Array<Link> links_;
  std::int64_t end_;  ///< before the first and behind the last
  std::int64_t free_;
};

}  // namespace

double cached_share(const CsrAny& graph, std::int64_t rows, std::span<const std::int64_t> order) {
  require(rows >= 1, "a cache holds a row", {{"rows", rows}});
  require(order.empty() || std::ssize(order) == graph.n(), "an order has every node once",
          {{"order", order.size()}, {"nodes", graph.n()}});
  if (graph.m() == 0) return 0;
  LeastRecentlyUsed cache(graph.n(), rows);
  std::int64_t found = 0;
  graph.visit([&](auto a) {
    for (std::int64_t i = 0; i < a.n(); ++i)
      for (const std::int64_t source : a.row(order.empty() ? i : order[i]))
        found += cache.read(source) ? 1 : 0;
  });
  return static_cast<double>(found) / static_cast<double>(graph.m());
}

}  // namespace kith
