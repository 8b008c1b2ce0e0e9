#pragma once
// A halo exchange by itself: three ranks with random parts of the common graph, rows that every rank can say
// of every node.
#include <cmath>

#include "exec/trained.h"

#include "kith/exec/local_graph.h"

namespace kith::test {

inline constexpr std::int64_t kWidth = 40;

/// x of a node at a step.
inline float value_of(StoreId node, std::int64_t column, std::uint32_t step) {
  return std::sin(static_cast<float>(node.value() * 31 + column * 7)) + static_cast<float>(step);
}

/// A rank's end of an exchange under test.
struct ExchangeEnd {
  LocalGraph& graph;
  Ledger& ledger;
  std::int64_t owned, halo;
  std::span<const StoreId> ids;

  /// [count, kWidth] of the nodes from `first` on.
  template <class Value>
  Matrix rows(std::int64_t count, std::int64_t first, Value&& value) const {
    Matrix x(count, kWidth);
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < kWidth; ++j) x(i, j) = value(ids[first + i], j);
    return x;
  }
  /// Of the owned nodes.
  Matrix rows(std::uint32_t step) const {
    return rows(owned, 0, [&](StoreId id, std::int64_t j) { return value_of(id, j, step); });
  }
  Matrix fetched(ConstTensor x, const HaloPass& pass) const {
    auto flight = graph.exchange().start_fetch(Cpu{}, x, pass);
    Matrix arrived(halo, x.cols);
    graph.exchange().finish_fetch(Cpu{}, flight, arrived);
    return arrived;
  }
  Matrix fetched(ConstTensor x, std::uint32_t step) const { return fetched(x, {.layer = 1, .step = step}); }
  Matrix fetched(std::uint32_t step) const { return fetched(rows(step), step); }
  Matrix returned(ConstTensor dhalo, std::uint32_t step) const {
    auto flight = graph.exchange().start_return(Cpu{}, dhalo, 1, step);
    graph.exchange().wait(flight);
    Matrix dx(owned, dhalo.cols, 0.0f);
    graph.exchange().finish_return(Cpu{}, flight, dx);
    return dx;
  }
};

/// work(end, communicator) on every rank.
template <class Work>
void on_three_ranks(HaloProtocol protocol, Work&& work, const Faults& faults = {}) {
  const PartitionedStore parts = cut(training_graph(), "random", 3);
  if (protocol.seed == 0) protocol.seed = 3;
  const auto body = [&](Communicator& comm) {
    Ledger ledger;
    const Ownership ownership(parts, 3);
    const OwnedData owned(parts, ownership, comm.rank());
    LocalGraph local({comm, ledger, ownership, owned}, SelfEdges::as_stored, protocol);
    work(ExchangeEnd{local, ledger, local.owned(), local.halo(), local.store_ids()}, comm);
  };
  run_thread_ranks(3, body, faults);
}

inline double dot(ConstTensor a, ConstTensor b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.cols; ++j) sum += static_cast<double>(a(i, j)) * b(i, j);
  return sum;
}

}  // namespace kith::test
