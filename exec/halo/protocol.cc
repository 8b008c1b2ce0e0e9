#include "kith/exec/halo/protocol.h"

#include <algorithm>

#include <fmt/format.h>

#include "kith/core/settings.h"
#include "kith/exec/halo/frames.h"

namespace kith {
namespace {

[[noreturn]] void refuse_preset(const std::string& name) {
  std::vector<std::string> known;
  for (const HaloPreset& preset : halo_presets()) known.emplace_back(preset.name);
  throw InputError(fmt::format("--protocol {}: no such protocol; {}", name, nearest_or_all(name, known)));
}

/// The value behind "key=".
std::string parameter_of(const HaloPreset& preset, const std::string& text) {
  const std::string key = preset.parameter == nullptr ? "" : std::string(preset.parameter) + '=';
  if (key.empty() || !text.starts_with(key) || text.size() == key.size())
    throw InputError(fmt::format(
        "--protocol {}:{}: {}", preset.name, text,
        key.empty() ? "it takes no parameter" : fmt::format("write {}:{}VALUE", preset.name, key)));
  return text.substr(key.size());
}

bool frames(const HaloProtocol& protocol) {
  return protocol.checksum || protocol.feedback || make_select(protocol.select)->decides() ||
         make_encode(protocol.encode)->frames() != nullptr;
}

bool keeps_rows(const HaloProtocol& protocol) {
  return make_schedule(protocol.schedule)->one_step_late() || make_select(protocol.select)->keeps_missing();
}

/// What a route does not go with.
struct RouteRefusal {
  const char* route;
  bool (*refuses)(const HaloProtocol& protocol);
  const char* why;
};
constexpr RouteRefusal kRouteRefusals[] = {
    {"broadcast", [](const HaloProtocol& p) { return p.plan != "halo-rows"; },
     "sends every row to every rank, so a plan has nothing to leave out or to sum: use plan halo-rows"},
    {"broadcast", [](const HaloProtocol& p) { return p.select != "all"; },
     "sends every row to every rank, so nothing is selected: use select all"},
    {"broadcast", frames,
     "sends rows of one length, the same to every rank: no support, adaptive, delta or falling rows, no "
     "--feedback and no --frame-checksum"},
    {"two-level", [](const HaloProtocol& p) { return p.select != "all"; },
     "agrees once which rows the ranks of a host share, and a selection changes with the step: use select "
     "all "
     "or route shared-memory"},
    {"two-level", frames,
     "shares rows of one length: no support, adaptive, delta or falling rows, no --feedback and no "
     "--frame-checksum; use route shared-memory"},
    {"two-level", [](const HaloProtocol& p) { return p.plan == "partial-aggregates"; },
     "shares what several ranks of a host need, and what owners make for a destination one rank needs: use "
     "route shared-memory, or plan cover, whose rows are shared"},
    {"multicast", [](const HaloProtocol& p) { return p.select != "all"; },
     "plans once over which ranks every row travels, and a selection changes with the step: use select all"},
    {"multicast", frames,
     "sends rows of one length on: no support, adaptive, delta or falling rows, no --feedback and no "
     "--frame-checksum"},
    {"multicast", [](const HaloProtocol& p) { return make_plan(p.plan)->cover() != nullptr; },
     "sends on what several ranks need, and what owners make for a destination one rank needs: use plan "
     "halo-rows or needed-rows"},
    {"replicated", [](const HaloProtocol& p) { return p.plan != "halo-rows"; },
     "sends every row to a rank of every group, so a plan has nothing to leave out or to sum: use plan "
     "halo-rows"},
    {"replicated", [](const HaloProtocol& p) { return p.select != "all" || keeps_rows(p); },
     "sends sums of this step's rows, so none is left out or kept: use select all and another schedule than "
     "stale"},
    {"replicated", frames,
     "sends rows of one length: no support, adaptive, delta or falling rows, no --feedback and no "
     "--frame-checksum"},
    {"ring", frames,
     "consumes rows of one length when they arrive: no support, adaptive, delta or falling rows, no select "
     "moved, no --feedback and no --frame-checksum"},
    {"ring", [](const HaloProtocol& p) { return make_plan(p.plan)->recomputes().has_value(); },
     "sums over the rows of owners, not over those that are computed here: use plan needed-rows"},
    {"ring", keeps_rows,
     "drops rows when they are consumed, and schedule stale and selects bins and aged keep them: use "
     "schedule overlap "
     "and another select"}};

void check_route(const HaloProtocol& protocol) {
  for (const RouteRefusal& refusal : kRouteRefusals)
    if (protocol.route.substr(0, protocol.route.find(':')) == refusal.route && refusal.refuses(protocol))
      throw InputError(fmt::format("route {} {}", refusal.route, refusal.why));
}

std::string filled(const std::string& value, const std::string& parameter) {
  const std::size_t place = value.find("{}");
  if (place == std::string::npos) return value;
  if (parameter.empty()) return value.substr(0, value.find(':'));
  return value.substr(0, place) + parameter + value.substr(place + 2);
}

}  // namespace

const std::vector<HaloPreset>& halo_presets() {
  static const std::vector<HaloPreset> presets{
      {"exact", nullptr, "", {.plan = "cover"}, "fewest rows, nothing lost"},
      {"exact-support",
       nullptr,
       "",
       {.plan = "needed-rows", .encode = "support"},
       "needed rows without their zeros, nothing lost"},
      {"lean",
       nullptr,
       "",
       {.plan = "needed-rows", .encode = "support-int4"},
       "the same, what is left in four bits"},
      {"quant", "bits", "4", {.encode = "int{}"}, "rows of few bits, rounded stochastically"},
      {"cagnet-1d", nullptr, "", {.route = "broadcast"}, "every row to every rank"},
      {"dgcl", nullptr, "", {.route = "multicast"}, "rows over trees of the ranks that need them"},
      {"cagnet-1.5d", "c", "2", {.route = "replicated:{}"}, "rows to a c-th of the ranks, and sums"},
      {"sar", nullptr, "", {.route = "ring"}, "a rank's rows at a time, summed and dropped"},
      {"deepgalois", nullptr, "", {.plan = "partial-aggregates"}, "neighbours are summed where they are"},
      {"neutronstar", "k", "", {.plan = "recompute:{}"}, "rows of few in-edges are computed again"},
      {"tensor", nullptr, "", {.plan = "tensor"}, "columns of all rows, with all edges"},
      {"supergcn", nullptr, "", {.plan = "cover", .encode = "int2"}, "the fewest rows, of two bits"},
      {"bns-gcn", "p", "0.1", {.select = "boundary:{}"}, "a random part of the boundary"},
      {"pipegcn", nullptr, "", {.schedule = "stale"}, "rows and gradients one step old"},
      {"pipegcn-f", "gamma", "0.95", {.schedule = "stale:{}:0"}, "the same, rows smoothed"},
      {"pipegcn-g", "gamma", "0.95", {.schedule = "stale:0:{}"}, "the same, gradients smoothed"},
      {"pipegcn-gf", "gamma", "0.95", {.schedule = "stale:{}"}, "the same, both smoothed"},
      {"dorylus", "s", "1", {.select = "aged:{}"}, "rows at most s steps old"},
      {"distgnn-0c", nullptr, "", {.select = "boundary:0"}, "no communication"},
      {"distgnn-cd0", nullptr, "", {}, "everything, in time"},
      {"distgnn-cdr",
       "r",
       "5",
       {.select = "bins:{}", .schedule = "stale"},
       "a bin of the rows at a time, late"},
      {"sylvie", nullptr, "", {.encode = "int1", .schedule = "stale"}, "one bit an element, one step old"},
      {"sancus", "eps", "0.05", {.select = "moved:{}"}, "rows that moved"},
      {"sancus-q", "eps", "0.05", {.select = "moved:{}", .encode = "int8"}, "rows that moved, in 8 bits"},
      {"adaqp", "bits", "4", {.encode = "adaptive:{}"}, "more bits for rows that would lose more"},
      {"ec-graph", "bits", "4", {.encode = "delta:{}"}, "differences from what the receiver has"},
      {"cagnet-sa", nullptr, "", {}, "the rows of a partitioning's cut edges, each once"},
      {"capgnn", nullptr, "", {}, "every halo row once, features kept"},
      {"condensegraph",
       "share",
       "0.1",
       {.encode = "centroids:{}", .feedback = true},
       "means of clusters of rows, what is lost fed back"},
      {"varco", "ratio", "128", {.encode = "falling:{}"}, "ever more columns"}};
  return presets;
}

HaloProtocol protocol_named(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto& presets = halo_presets();
  const auto found = std::find_if(presets.begin(), presets.end(),
                                  [&](const HaloPreset& p) { return text.substr(0, colon) == p.name; });
  if (found == presets.end()) refuse_preset(text.substr(0, colon));
  const std::string parameter =
      colon == std::string::npos ? found->fallback : parameter_of(*found, text.substr(colon + 1));
  HaloProtocol protocol = found->axes;
  for (const HaloAxis& axis : kHaloAxes) protocol.*axis.value = filled(protocol.*axis.value, parameter);
  check_values(protocol);
  return protocol;
}

std::string explained(const HaloProtocol& protocol) {
  std::string lines;
  for (const HaloAxis& axis : kHaloAxes) lines += fmt::format("--{} {}\n", axis.name, protocol.*axis.value);
  if (protocol.feedback) lines += "--feedback\n";
  return lines;
}

namespace {

/// Columns of all rows go to their ranks and come back made up.
void check_columns(const HaloProtocol& protocol) {
  if (!make_plan(protocol.plan)->splits_columns()) return;
  const bool whole = protocol.route == "point-to-point" && protocol.select == "all" &&
                     !make_schedule(protocol.schedule)->one_step_late() &&
                     make_encode(protocol.encode)->frames() == nullptr;
  if (!whole || protocol.feedback || protocol.checksum)
    throw InputError(
        fmt::format("plan {} sends columns of every row, of which no single row is kept, chosen or left out: "
                    "it goes with "
                    "route point-to-point, select all, encode fp32, fp16, bf16 or int8 to int1, schedule "
                    "sync or overlap, "
                    "and neither --feedback nor --frame-checksum",
                    protocol.plan));
}

/// Whether all that it makes of neighbours is their mean by attention, which counts a node as its own
/// neighbour.
bool attends(const Model& model) {
  return !model.sums_neighbours() && model.self_edges() == SelfEdges::explicit_edges;
}

}  // namespace

namespace {

/// An encoding by layer holds a bound on what is lost, which nothing else may lose then.
void check_ladder(const HaloProtocol& protocol) {
  if (make_encode(protocol.encode)->ladder() == nullptr) return;
  if (protocol.select != "all" || keeps_rows(protocol))
    throw InputError(fmt::format(
        "encode {} is held to an error budget, and no encoding makes up for what select {} and schedule {} "
        "lose: use select all and schedule sync or overlap",
        protocol.encode, protocol.select, protocol.schedule));
}

}  // namespace

bool data_decide(const HaloProtocol& protocol) {
  const auto encode = make_encode(protocol.encode);
  const HaloFrame frame{.cols = 1};
  return make_select(protocol.select)->decides() ||
         (encode->frames() != nullptr && !encode->frames()->known_bytes(frame));
}

void check_values(const HaloProtocol& protocol) {
  make_plan(protocol.plan);
  check_route_name(protocol.route);
  make_select(protocol.select);
  const bool sparse =
      make_encode(protocol.encode)->frames() != nullptr && protocol.encode.starts_with("support");
  if (protocol.feedback) make_feedback(protocol.encode);
  const bool keeps =
      make_select(protocol.select)->keeps_missing() || make_schedule(protocol.schedule)->one_step_late();
  if (sparse && keeps)
    throw InputError(fmt::format(
        "encode {} leaves out gradients where this step's rows are 0, which rows of other steps (select {}, "
        "schedule {}) need not be: use encode fp32 or int8 to int1",
        protocol.encode, protocol.select, protocol.schedule));
  make_schedule(protocol.schedule);
  check_ladder(protocol);
  check_columns(protocol);
  check_route(protocol);
}

void check_protocol(const HaloProtocol& protocol, const Model& model) {
  check_columns(protocol);
  const bool recomputes = make_plan(protocol.plan)->recomputes().has_value();
  if ((protocol.plan == "needed-rows" || recomputes) && !model.one_exchange_a_layer())
    throw InputError(fmt::format(
        "plan {} needs a model whose rows depend on their neighbourhoods alone: not one with batch "
        "norm, and a custom model must say so (Model::one_exchange_a_layer); use plan halo-rows",
        protocol.plan));
  const bool keeps =
      make_schedule(protocol.schedule)->one_step_late() || make_select(protocol.select)->keeps_missing();
  if (make_plan(protocol.plan)->cover() != nullptr && keeps)
    throw InputError(
        fmt::format("plan {} sends sums of what dropout left, and schedule {} with select {} keeps rows from "
                    "step to step "
                    "as they were before dropout; use plan halo-rows or needed-rows",
                    protocol.plan, protocol.schedule, protocol.select));
  if (protocol.route == "ring" && !model.sums_neighbours() && !attends(model))
    throw InputError(
        "route ring drops rows when they are summed or attended to, and maxima ask for them again in the "
        "backward pass: it is for gcn, sage, gin, gat and gatv2; use route point-to-point");
  if (protocol.route == "ring" && attends(model) && make_plan(protocol.plan)->cover() != nullptr)
    throw InputError(fmt::format(
        "plan {} has owners make parts of attention, whose rows route ring would not drop; use plan "
        "halo-rows or needed-rows",
        protocol.plan));
  if (protocol.route.starts_with("replicated") && !model.sums_neighbours())
    throw InputError(
        "route replicated has ranks sum for their groups, which attention and maxima do not do: it is for "
        "sums "
        "over neighbours (gcn, sage, gin); use route broadcast");
  if (make_select(protocol.select)->drops_rows() && !model.sums_neighbours())
    throw InputError(fmt::format(
        "select {} leaves out neighbours and scales up the others, which is right in the mean for sums over "
        "neighbours only (gcn, sage, gin), not for attention and maxima; use select all",
        protocol.select));
}

}  // namespace kith
