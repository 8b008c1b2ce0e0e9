#include "kith/partition/part_loads.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "kith/core/error.h"

namespace kith {

PartLoads::PartLoads(const PartitionRequest& request) : limit_(1 + request.imbalance) {
  for (const BalanceConstraint& constraint : request.constraints) {
    require(constraint.weight.ssize() == request.graph.n(), "a constraint has a weight per node",
            {{"nodes", request.graph.n()}, {"weights", constraint.weight.size()}});
    const auto total = std::accumulate(constraint.weight.begin(), constraint.weight.end(), std::int64_t{0});
    if (total == 0) continue;
    constraints_.push_back(&constraint);
    mean_.push_back(static_cast<double>(total) / request.k);
  }
  if (constraints_.empty()) {
    constraints_.push_back(nullptr);
    mean_.push_back(static_cast<double>(std::max<std::int64_t>(request.graph.n(), 1)) / request.k);
  }
  const auto k = static_cast<std::size_t>(request.k);
  weight_.resize(k * constraints_.size());
  load_.resize(k);
  winner_.resize(2 * std::bit_ceil(k));
  clear();
}

double PartLoads::share(std::int64_t node, std::size_t constraint) const {
  const BalanceConstraint* weights = constraints_[constraint];
  return (weights == nullptr ? 1.0 : weights->weight[node]) / mean_[constraint];
}

bool PartLoads::fits(std::int64_t node, int part) const {
  for (std::size_t c = 0; c < constraints_.size(); ++c) {
    const double added = share(node, c);
    if (added > 0 && weight_[part * constraints_.size() + c] + added > limit_) return false;
  }
  return true;
}

void PartLoads::add(std::int64_t node, int part) {
  for (std::size_t c = 0; c < constraints_.size(); ++c) {
    double& weight = weight_[part * constraints_.size() + c];
    weight += share(node, c);
    load_[part] = std::max(load_[part], weight);
  }
  for (std::size_t match = (winner_.size() / 2 + static_cast<std::size_t>(part)) / 2; match > 0; match /= 2)
    winner_[match] = lighter(winner_[2 * match], winner_[2 * match + 1]);
}

void PartLoads::clear() {
  std::fill(weight_.begin(), weight_.end(), 0.0);
  std::fill(load_.begin(), load_.end(), 0.0);
  const std::size_t leaves = winner_.size() / 2;
  for (std::size_t p = 0; p < leaves; ++p) winner_[leaves + p] = p < load_.size() ? static_cast<int>(p) : -1;
  for (std::size_t match = leaves - 1; match > 0; --match)
    winner_[match] = lighter(winner_[2 * match], winner_[2 * match + 1]);
}

}  // namespace kith
