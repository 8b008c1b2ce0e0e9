// Sending and receiving overlap, messages of one rank do not.
#include "kith/exec/net_model.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "kith/core/error.h"

namespace kith {
namespace {

constexpr double kBytesPerGigabit = 1e9 / 8;

[[noreturn]] void refuse(const std::string& text) {
  throw InputError(
      fmt::format("--net {}: write alpha_us=MICROSECONDS,gbps=GIGABITS[,intra=RANKS[:GIGABITS]][,slow=RANK:"
                  "FACTOR], as in alpha_us=20,gbps=10,intra=4",
                  text));
}

double number(const std::string& word, double least, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || !(value >= least) || !(value <= 1e12))
    refuse(text);
  return value;
}

/// Seconds to send and to receive, of each rank, in one exchange.
struct Load {
  std::vector<double> send, receive;
};

double seconds_between(const NetModel& net, int a, int b, double messages, double bytes) {
  const Passage way = passage(net, a, b, bytes);
  return messages * way.alpha + way.wire;
}

/// "RANKS[:GIGABITS]"
void read_hosts(NetModel& net, const std::string& value, const std::string& text) {
  const std::size_t colon = value.find(':');
  net.ranks_per_host = static_cast<int>(std::min(number(value.substr(0, colon), 1, text), 1e6));
  if (colon != value.npos)
    net.host_bytes_per_second = number(value.substr(colon + 1), 1e-6, text) * kBytesPerGigabit;
}

/// "RANK:FACTOR"
void read_straggler(NetModel& net, const std::string& value, const std::string& text) {
  const std::size_t colon = value.find(':');
  if (colon == value.npos) refuse(text);
  net.slow_rank = static_cast<int>(std::min(number(value.substr(0, colon), 0, text), 1e6));
  net.slow_factor = number(value.substr(colon + 1), 1, text);
}

}  // namespace

NetModel net_model(const std::string& text) {
  NetModel net{.alpha_seconds = -1};
  std::istringstream entries(text);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const std::size_t equals = entry.find('=');
    if (equals == entry.npos) refuse(text);
    const std::string name = entry.substr(0, equals), value = entry.substr(equals + 1);
    if (name == "alpha_us") {
      net.alpha_seconds = number(value, 0, text) * 1e-6;
    } else if (name == "gbps") {
      net.bytes_per_second = number(value, 1e-6, text) * kBytesPerGigabit;
    } else if (name == "intra") {
      read_hosts(net, value, text);
    } else if (name == "slow") {
      read_straggler(net, value, text);
    } else {
      refuse(text);
    }
  }
  if (net.alpha_seconds < 0 || net.bytes_per_second == 0) refuse(text);
  return net;
}

// With weights w = 1 / seconds², the normal equations of two unknowns.
NetModel fitted_net_model(std::span<const std::pair<double, double>> points) {
  double w = 0, wx = 0, wxx = 0, wy = 0, wxy = 0;
  for (const auto& [bytes, seconds] : points) {
    const double weight = 1 / (seconds * seconds);
    w += weight;
    wx += weight * bytes;
    wxx += weight * bytes * bytes;
    wy += weight * seconds;
    wxy += weight * bytes * seconds;
  }
  const double determinant = w * wxx - wx * wx;
  require(determinant > 0, "a network is fitted to messages of two sizes at least",
          {{"points", points.size()}});
  const double slope = (w * wxy - wx * wy) / determinant;
  return {.alpha_seconds = std::max(0.0, (wxx * wy - wx * wxy) / determinant),
          .bytes_per_second = slope > 0 ? 1 / slope : 0};
}

double modelled_seconds(const NetModel& net, std::span<const std::map<LedgerKey, double>> ledgers) {
  std::map<std::pair<std::string, int>, Load> exchanges;
  for (std::size_t rank = 0; rank < ledgers.size(); ++rank) {
    for (const auto& [key, amount] : ledgers[rank]) {
      const std::size_t dot = key.name.rfind('.');
      const std::string direction = key.name.substr(0, dot), what = key.name.substr(dot + 1);
      if ((direction != "halo.forward" && direction != "halo.backward") || key.peer < 0) continue;
      const bool messages = what == "messages";
      if (!messages && what != "payload_bytes" && what != "header_bytes") continue;
      Load& load = exchanges[{direction, key.layer}];
      load.send.resize(ledgers.size());
      load.receive.resize(ledgers.size());
      const double seconds = seconds_between(net, static_cast<int>(rank), key.peer, messages ? amount : 0,
                                             messages ? 0 : amount);
      load.send[rank] += seconds;
      load.receive[static_cast<std::size_t>(key.peer)] += seconds;
    }
  }
  double sum = 0;
  for (const auto& [exchange, load] : exchanges)
    sum += std::max(*std::max_element(load.send.begin(), load.send.end()),
                    *std::max_element(load.receive.begin(), load.receive.end()));
  return sum;
}

}  // namespace kith
