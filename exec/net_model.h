#pragma once
#include <map>
#include <span>
#include <string>
#include <utility>

#include "kith/comm/link_model.h"
#include "kith/core/ledger.h"

namespace kith {

/// "alpha_us=20,gbps=10", "alpha_us=20,gbps=10,intra=4", "…,intra=4:100" (ranks of a host, and gigabits per
/// second between them), "…,slow=3:5" (what rank 3 sends and receives takes 5 times as long). Throws
/// InputError.
NetModel net_model(const std::string& text);

/// α and β of seconds = α + bytes / β by least squares of the relative error over measured (bytes, seconds),
/// of which there are two different sizes at least.
NetModel fitted_net_model(std::span<const std::pair<double, double>> points);

/// What the training's halo exchanges that the ranks' ledgers count would take on this network: the exchanges
/// of a layer and direction follow one another, and each lasts as long as the rank that sends or receives
/// most.
double modelled_seconds(const NetModel& net, std::span<const std::map<LedgerKey, double>> ledgers);

}  // namespace kith
