// The values of every axis by name: adding one is its file, its line in values.h and its line here.
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "kith/core/settings.h"
#include "kith/exec/halo/values.h"

namespace kith {
namespace {

/// A number behind a colon.
struct Parameter {
  const char* meaning;
  double minimum, maximum;
  bool whole = false;
  bool may_miss = false;      ///< it is 0 then
  const char* key = nullptr;  ///< the first number may be another one behind "key=": then it is the second
};

template <class Maker>
struct Value {
  const char* name;
  Maker* make;
  std::optional<Parameter> parameter = {};
  /// Behind a second colon; without it the fallback.
  std::optional<Parameter> second = {};
  double fallback = 0;
};

/// The numbers of a value; 0 where it takes none.
struct Numbers {
  double first = 0, second = 0;
};
constexpr double kAsFirst = -1, kNone = -1;

constexpr double kMostEdges = 8;

const Value<std::unique_ptr<HaloPlanner>(Numbers)> kPlans[] = {
    {"halo-rows", [](Numbers) { return halo::halo_rows(); }},
    {"needed-rows", [](Numbers) { return halo::needed_rows(); }},
    {"partial-aggregates", [](Numbers) { return halo::partial_aggregates(); }},
    {"cover", [](Numbers) { return halo::minimum_cover(); }},
    {"recompute", [](Numbers n) { return halo::recompute(n.first == 0 ? kMostEdges : n.first); },
     Parameter{"the most in-edges of a row that is computed more than once", 1, 1e9, true, true}},
    {"tensor", [](Numbers) { return halo::tensor(); }}};

const Value<std::unique_ptr<HaloRoute>(Numbers, RowExchange&, FrameCheck)> kRoutes[] = {
    {"point-to-point",
     [](Numbers, RowExchange& rows, FrameCheck check) { return halo::point_to_point(rows, check); }},
    {"shared-memory",
     [](Numbers, RowExchange& rows, FrameCheck check) { return halo::shared_memory(rows, check); }},
    {"two-level", [](Numbers, RowExchange& rows, FrameCheck check) { return halo::two_level(rows, check); }},
    {"broadcast", [](Numbers, RowExchange& rows, FrameCheck) { return halo::broadcast(rows); }},
    {"multicast", [](Numbers n, RowExchange& rows, FrameCheck) { return halo::multicast(rows, n.first); },
     Parameter{"how many times faster than others links inside of a host are", 1, 1e6, false, true}},
    {"replicated", [](Numbers n, RowExchange& rows, FrameCheck) { return halo::replicated(rows, n.first); },
     Parameter{"how many ranks a group has", 2, 1000, true}},
    {"ring", [](Numbers, RowExchange& rows, FrameCheck) { return halo::ring(rows); }}};

const Value<std::unique_ptr<HaloSelect>(Numbers)> kSelects[] = {
    {"all", [](Numbers) { return halo::select_all(); }},
    {"boundary", [](Numbers n) { return halo::select_boundary(n.first); }, Parameter{"a probability", 0, 1}},
    {"bins", [](Numbers n) { return halo::select_bins(n.first); }, Parameter{"how many bins", 1, 1000, true}},
    {"aged", [](Numbers n) { return halo::select_aged(n.first); },
     Parameter{"the most steps that a row may be old", 0, 999, true}},
    {"moved", [](Numbers n) { return halo::select_moved(n.first, n.second); },
     Parameter{"a share of a row's length", 0, 1e6},
     Parameter{"the most steps between two sendings", 1, 1e6, true}, 20}};

std::unique_ptr<HaloEncode> quantised(int bits, double group) {
  if (group == 0) return halo::encode_quantised(bits);
  return halo::encode_grouped(bits, group);
}
constexpr Parameter kCentroids{"the share of the rows that cross as means", 0, 1};
constexpr Parameter kGroup{"how many columns share a scale", 8, 65536, true, true};

const Value<std::unique_ptr<HaloEncode>(Numbers, std::int64_t)> kEncodes[] = {
    {"fp32", [](Numbers, std::int64_t) { return halo::encode_fp32(); }},
    {"fp16", [](Numbers, std::int64_t) { return halo::encode_half(DType::f16); }},
    {"bf16", [](Numbers, std::int64_t) { return halo::encode_half(DType::bf16); }},
    {"int8", [](Numbers n, std::int64_t) { return quantised(8, n.first); }, kGroup},
    {"int4", [](Numbers n, std::int64_t) { return quantised(4, n.first); }, kGroup},
    {"int2", [](Numbers n, std::int64_t) { return quantised(2, n.first); }, kGroup},
    {"int1", [](Numbers n, std::int64_t) { return quantised(1, n.first); }, kGroup},
    {"support", [](Numbers, std::int64_t) { return halo::encode_support(32); }},
    {"support-bf16", [](Numbers, std::int64_t) { return halo::encode_support(16); }},
    {"support-int8", [](Numbers, std::int64_t) { return halo::encode_support(8); }},
    {"support-int4", [](Numbers, std::int64_t) { return halo::encode_support(4); }},
    {"support-int2", [](Numbers, std::int64_t) { return halo::encode_support(2); }},
    {"ladder", [](Numbers, std::int64_t) { return halo::encode_ladder(false); }},
    {"support-ladder", [](Numbers, std::int64_t) { return halo::encode_ladder(true); }},
    {"centroids", [](Numbers n, std::int64_t) { return halo::encode_centroids(n.first, false); }, kCentroids},
    {"delta", [](Numbers n, std::int64_t) { return halo::encode_delta(static_cast<int>(n.first)); },
     Parameter{"bits an element, 1, 2, 4 or 8,", 1, 8, true}},
    {"adaptive", [](Numbers n, std::int64_t) { return halo::encode_adaptive(n.first, n.second); },
     Parameter{.meaning = "the mean bits of an element", .minimum = 0.01, .maximum = 8, .key = "error"},
     Parameter{"the share of the rows' length that may be lost", 0, 1}, kNone},
    {"falling", [](Numbers n, std::int64_t steps) { return halo::encode_falling(n.first, steps); },
     Parameter{"how many times fewer columns cross at first", 1, 1e6}}};

constexpr Parameter kSmoothing{"the weight of what was before in a moving average", 0, 0.9999, false, true};

const Value<std::unique_ptr<HaloSchedule>(Numbers)> kSchedules[] = {
    {"sync", [](Numbers) { return halo::schedule_sync(); }},
    {"overlap", [](Numbers) { return halo::schedule_overlap(); }},
    {"stale",
     [](Numbers n) { return halo::schedule_stale(n.first, n.second == kAsFirst ? n.first : n.second); },
     kSmoothing, kSmoothing, kAsFirst}};

/// With error feedback.
const Value<std::unique_ptr<HaloEncode>(Numbers)> kFeedbacks[] = {
    {"int8", [](Numbers) { return halo::encode_feedback(8); }},
    {"int4", [](Numbers) { return halo::encode_feedback(4); }},
    {"int2", [](Numbers) { return halo::encode_feedback(2); }},
    {"int1", [](Numbers) { return halo::encode_feedback(1); }},
    {"centroids", [](Numbers n) { return halo::encode_centroids(n.first, true); }, kCentroids}};

[[noreturn]] void refuse_feedback(const std::string& encode) {
  throw InputError("--feedback goes with encode int8, int4, int2, int1 or centroids, not with " + encode);
}

template <class Values>
std::vector<std::string> names(const Values& values) {
  std::vector<std::string> known;
  for (const auto& value : values) known.emplace_back(value.name);
  return known;
}

double number_of(const std::string& text, const Parameter& parameter, const std::string& where) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const bool whole = !parameter.whole || number == static_cast<double>(static_cast<std::int64_t>(number));
  if (error != std::errc{} || stop != end || !whole ||
      !(number >= parameter.minimum && number <= parameter.maximum))
    throw InputError(fmt::format("{} takes {} from {} to {} behind a colon, not \"{}\"", where,
                                 parameter.meaning, parameter.minimum, parameter.maximum, text));
  return number;
}

/// A value of an axis by its name, and its numbers.
template <class Values>
auto parsed(const char* axis, const Values& values, const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  for (const auto& value : values) {
    if (name != value.name) continue;
    const std::string where = fmt::format("{} {}", axis, name);
    if (!value.parameter && colon != std::string::npos)
      throw InputError(where + " takes no parameter: " + text);
    Numbers numbers{0, value.fallback};
    if (value.parameter && (colon != std::string::npos || !value.parameter->may_miss)) {
      const std::string behind = colon == std::string::npos ? "" : text.substr(colon + 1);
      if (const std::string key = std::string(value.parameter->key ? value.parameter->key : "") + '=';
          key.size() > 1 && behind.starts_with(key)) {
        numbers.second = number_of(behind.substr(key.size()), *value.second, where + ':' + key);
        return std::pair(&value, numbers);
      }
      const std::size_t next =
          value.second && value.parameter->key == nullptr ? behind.find(':') : std::string::npos;
      numbers.first = number_of(behind.substr(0, next), *value.parameter, where);
      if (next != std::string::npos)
        numbers.second = number_of(behind.substr(next + 1), *value.second, where);
    }
    return std::pair(&value, numbers);
  }
  throw InputError(std::string(axis) + ": unknown value \"" + name + '"' + did_you_mean(name, names(values)));
}

template <class Values, class... Arguments>
auto made(const char* axis, const Values& values, const std::string& text, Arguments&... arguments) {
  const auto [value, numbers] = parsed(axis, values, text);
  return value->make(numbers, arguments...);
}

}  // namespace

std::unique_ptr<HaloPlanner> make_plan(const std::string& name) { return made("plan", kPlans, name); }
std::unique_ptr<HaloRoute> make_route(const std::string& name, RowExchange& rows, FrameCheck check) {
  if (name != HaloProtocol().route && rows.comm().device_memory() != nullptr)
    throw InputError(
        "route " + name +
        " moves rows that lie on the host, and here they stay on GPUs: use --gpu-wire host or route "
        "point-to-point");
  return made("route", kRoutes, name, rows, check);
}
void check_route_name(const std::string& name) { parsed("route", kRoutes, name); }
std::unique_ptr<HaloSelect> make_select(const std::string& name) { return made("select", kSelects, name); }
std::unique_ptr<HaloEncode> make_encode(const std::string& name, std::int64_t steps) {
  return made("encode", kEncodes, name, steps);
}
std::unique_ptr<HaloEncode> make_feedback(const std::string& encode) {
  const std::string name = encode.substr(0, encode.find(':'));
  if (encode.find(':') != std::string::npos && name != "centroids") refuse_feedback(encode);
  for (const auto& value : kFeedbacks)
    if (name == value.name) return made("encode", kFeedbacks, encode);
  refuse_feedback(encode);
}
std::unique_ptr<HaloSchedule> make_schedule(const std::string& name) {
  return made("schedule", kSchedules, name);
}

std::vector<std::string> halo_choices(const std::string& axis) {
  if (axis == "plan") return names(kPlans);
  if (axis == "route") return names(kRoutes);
  if (axis == "select") return names(kSelects);
  if (axis == "encode") return names(kEncodes);
  require(axis == "schedule", "a halo protocol has this axis", {{"axis", std::string_view(axis)}});
  return names(kSchedules);
}

}  // namespace kith
