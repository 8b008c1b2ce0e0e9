#pragma once
#include <vector>

#include "kith/comm/row_exchange.h"
#include "kith/core/array.h"

namespace kith::halo {

/// What all ranks have of `values` for this one, in the order of the ranks: `counts` of them go to each rank,
/// `arriving` becomes how many came from each. Of 8 bytes. Collective.
template <class Value>
Array<Value> told(RowExchange& exchange, const std::vector<Value>& values,
                  const std::vector<std::int64_t>& counts, std::vector<std::int64_t>& arriving) {
  static_assert(sizeof(Value) == sizeof(std::int64_t));
  const ExchangeLabel label{.what = "telling owners which sums are needed", .counter = "setup"};
  arriving = exchange.exchange_counts(counts, label);
  const RowCounts both{.send = counts, .receive = arriving};
  Array<Value> received(static_cast<std::size_t>(both.total_receive()));
  exchange.exchange(std::as_bytes(std::span(values)), std::as_writable_bytes(received.span()), both,
                    sizeof(Value), label);
  return received;
}

}  // namespace kith::halo
