#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "kith/partition/quality.h"

namespace kith {
namespace {

Balance halo_balance(const std::vector<std::int64_t>& rows) {
  Balance halo{.name = "halo rows"};
  if (rows.empty()) return halo;
  const auto [least, most] = std::minmax_element(rows.begin(), rows.end());
  halo.minimum = static_cast<double>(*least);
  halo.maximum = static_cast<double>(*most);
  halo.mean = static_cast<double>(std::accumulate(rows.begin(), rows.end(), std::int64_t{0})) /
              static_cast<double>(rows.size());
  return halo;
}

std::string line_of(const Balance& balance) {
  return fmt::format("  {:<12}{:>14.0f}{:>16.1f}{:>14.0f}{:>12.3f}\n", balance.name, balance.minimum,
                     balance.mean, balance.maximum, balance.imbalance());
}

}  // namespace

std::string table_of(const Quality& quality) {
  std::string table = fmt::format("  cut edges   {:>14}   ({:.2f}% of the stored edges)\n", quality.cut_edges,
                                  100 * quality.cut_fraction);
  table += fmt::format("  volume      {:>14}   rows that parts receive, once each\n",
                       quality.communication_volume);
  table += fmt::format("  empty parts {:>14}\n", quality.empty_parts);
  table +=
      fmt::format("  {:<12}{:>14}{:>16}{:>14}{:>12}\n", "per part", "minimum", "mean", "maximum", "max/mean");
  table += line_of(halo_balance(quality.halo_rows));
  for (const Balance& balance : quality.balances) table += line_of(balance);
  return table;
}

}  // namespace kith
