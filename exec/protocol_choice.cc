// Every plan's lists are made once, and what each protocol sends by them is counted exchange by exchange.
// Rows without their zeros have no length before the training: they are taken at the share that ReLU and
// dropout usually leave. An overlapped exchange never waits longer than a synchronous one, so there is no
// choice of schedules.
#include "kith/exec/protocol_choice.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "kith/core/progress.h"
#include "kith/exec/halo/forecast.h"
#include "kith/exec/halo/protocol.h"
#include "kith/exec/report.h"

namespace kith {
namespace {

bool is_free(const TrainOptions& options, const char* axis) {
  const auto& axes = options.auto_axes;
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

bool allowed(const HaloProtocol& protocol, const Model& model) {
  try {
    check_values(protocol);
    check_protocol(protocol, model);
    return true;
  } catch (const InputError&) {
    return false;
  }
}

/// Whether owners, or ranks by columns, can make what the exchanges are for, where the plan has them do so.
bool reducible(const std::string& plan, const std::vector<StepExchange>& exchanges) {
  const auto planner = make_plan(plan);
  const auto is_for = [&](Crossing what) {
    return std::any_of(exchanges.begin(), exchanges.end(),
                       [&](const StepExchange& each) { return each.what == what; });
  };
  // What columns of GATv2 send depends on the edges, which a prediction would have to read.
  if (planner->splits_columns()) return !is_for(Crossing::rows) && !is_for(Crossing::additive_attention);
  return planner->cover() == nullptr || planner->weighs() || !is_for(Crossing::rows);
}

/// One rank's share of the data, with the lists of a plan.
struct Share {
  Share(Communicator& comm, const PartitionedStore& parts, const Model& model, const HaloProtocol& protocol,
        std::span<const StepExchange> exchanges)
      : ownership(parts, comm.size()),
        owned(parts, ownership, comm.rank()),
        graph({comm, ledger, ownership, owned}, model.self_edges(), protocol) {
    graph.train_only(owned.split[static_cast<int>(Split::train)],
                     model.one_exchange_a_layer() ? model.layers() : 0, exchanges);
  }
  Ledger ledger;
  Ownership ownership;
  OwnedData owned;
  LocalGraph graph;
};

/// Multiplies what is counted of a rank's payload, and of its messages.
std::map<LedgerKey, double> scaled(std::map<LedgerKey, double> entries, double payload, double messages) {
  for (auto& [key, amount] : entries) {
    if (key.name.ends_with(".payload_bytes")) amount *= payload;
    if (key.name.ends_with(".messages")) amount *= messages;
  }
  return entries;
}

/// Of the rows of an exchange without zeros, what is sent of them.
double share_of(HaloExchange& counted, const StepExchange& each, double share) {
  if (!each.sparse) return 1;
  const SumPlan* plan = each.what == Crossing::sums ? counted.sums(each.layer) : nullptr;
  return plan == nullptr || plan->all_rows == 0
             ? share
             : ((plan->all_rows - plan->all_sums) * share + plan->all_sums) / plan->all_rows;
}

std::vector<std::string> free_encodes(const TrainOptions& options) {
  if (!is_free(options, "encode")) return {options.protocol.encode};
  if (options.error_budget > 0) return {"ladder", "support-ladder"};
  return {"fp32", "support"};
}

std::string likely_encode(const std::string& encode, double budget) {
  const auto made = make_encode(encode);
  const HaloLadder* ladder = made->ladder();
  return ladder == nullptr ? encode : likely_rung(ladder->rungs(), budget).encode;
}

/// Of support coding, the encoding of the rows that it takes the zeros from.
std::string with_zeros(const std::string& encode) {
  const std::size_t dash = encode.find('-');
  return dash == std::string::npos ? "fp32" : encode.substr(dash + 1);
}

class Prediction {
 public:
  Prediction(Communicator& comm, const PartitionedStore& parts, const ModelFactory& make, const NetModel& net)
      : comm_(comm), parts_(parts), make_(make), net_(net) {}

  /// `sent`: what the share's rows are without those zeros that are left out.
  ProtocolCost cost(Share& share, const HaloProtocol& protocol, const HaloProtocol& sent) {
    ProtocolCost cost{.protocol = protocol};
    if (sent.encode != protocol.encode) cost.likely = sent.encode;
    const double left = FramedRows::share_left(sent);
    frames_ = make_encode(protocol.encode)->frames() != nullptr;
    cost.estimated = left < 1 || !cost.likely.empty();
    for (StepExchange each : exchanges_of_a_step(parts_.meta().store, protocol, make_)) {
      const SumPlan* plan = share.graph.exchange().sums(each.layer);
      if (left < 1 && each.sparse && plan != nullptr && !plan->pays(left)) each.what = Crossing::rows;
      cost.exchanges.push_back(exchange(share, each, left));
    }
    return cost;
  }

 private:
  ProtocolCost::Exchange exchange(Share& share, const StepExchange& each, double left) {
    Ledger counted;
    forecast(share.graph.exchange(), {each}, 1, counted);
    // Frames are two messages, their length and themselves.
    const double rows = left < 1 ? share_of(share.graph.exchange(), each, left) : 1;
    Ledger mine;
    for (const auto& [key, amount] : scaled(counted.entries(), rows, frames_ ? 2 : 1)) mine.add(key, amount);
    RunSummary all;
    gather_ledgers(comm_, mine, all);
    const std::string direction = each.backward ? "halo.backward." : "halo.forward.";
    return {.layer = each.layer,
            .backward = each.backward,
            .bytes = all.total(direction + "payload_bytes") + all.total(direction + "header_bytes"),
            .messages = all.total(direction + "messages"),
            .seconds = modelled_seconds(net_, all.ledgers)};
  }

  Communicator& comm_;
  const PartitionedStore& parts_;
  const ModelFactory& make_;
  NetModel net_;
  bool frames_ = false;
};

}  // namespace

double ProtocolCost::bytes() const {
  return std::accumulate(exchanges.begin(), exchanges.end(), 0.0,
                         [](double sum, const Exchange& each) { return sum + each.bytes; });
}

double ProtocolCost::seconds() const {
  return std::accumulate(exchanges.begin(), exchanges.end(), 0.0,
                         [](double sum, const Exchange& each) { return sum + each.seconds; });
}

std::vector<ProtocolCost> predicted_costs(Communicator& comm, const PartitionedStore& parts,
                                          const TrainOptions& options, const ModelFactory& make,
                                          const NetModel& net) {
  const StoreMeta& meta = parts.meta().store;
  Parameters parameters(0);
  const auto model = make(parameters, meta.features, meta.classes);
  std::vector<std::string> plans =
      is_free(options, "plan") ? halo_choices("plan") : std::vector<std::string>{options.protocol.plan};
  // What it saves costs time that is not in the prediction.
  if (plans.size() > 1)
    std::erase_if(plans, [](const std::string& plan) { return make_plan(plan)->recomputes(); });
  const std::vector<std::string> encodes = free_encodes(options);
  Prediction prediction(comm, parts, make, net);
  std::vector<ProtocolCost> costs;
  for (const std::string& plan : plans) {
    for (const std::string& encode : encodes) {
      HaloProtocol protocol = options.protocol;
      protocol.plan = plan;
      protocol.encode = encode;
      if (!allowed(protocol, *model)) continue;
      // Rows with their zeros can be counted.
      HaloProtocol sent = protocol;
      sent.encode = likely_encode(protocol.encode, options.error_budget);
      HaloProtocol counted = protocol;
      counted.encode = FramedRows::share_left(sent) < 1 ? with_zeros(sent.encode) : sent.encode;
      const auto exchanges = exchanges_of_a_step(meta, protocol, make);
      if (!reducible(plan, exchanges)) continue;
      Share share(comm, parts, *model, counted, exchanges);
      costs.push_back(prediction.cost(share, protocol, sent));
    }
  }
  if (costs.empty()) throw InputError("--protocol auto: no halo protocol goes with these settings");
  std::stable_sort(costs.begin(), costs.end(),
                   [](const ProtocolCost& a, const ProtocolCost& b) { return a.seconds() < b.seconds(); });
  return costs;
}

std::string cost_table(const std::vector<ProtocolCost>& costs, const NetModel& net) {
  std::string text = fmt::format("--protocol auto, a step's halo at {:.3g} us a message and {:.3g} Gb/s:\n",
                                 net.alpha_seconds * 1e6, net.bytes_per_second * 8e-9);
  for (const ProtocolCost& cost : costs) {
    text +=
        fmt::format("{} --plan {} --encode {}{} --schedule {}: {}{}, {}", &cost == &costs.front() ? "*" : " ",
                    cost.protocol.plan, cost.protocol.encode,
                    cost.likely.empty() ? "" : " (" + cost.likely + ")", cost.protocol.schedule,
                    cost.estimated ? "about " : "", human_bytes(cost.bytes()), human_seconds(cost.seconds()));
    for (const ProtocolCost::Exchange& each : cost.exchanges)
      text += fmt::format("{} layer {} {} {} {}", &each == &cost.exchanges.front() ? ";" : ",", each.layer,
                          each.backward ? "backward" : "forward", human_bytes(each.bytes),
                          human_seconds(each.seconds));
    text += '\n';
  }
  return text;
}

}  // namespace kith
