// The values of every axis by name: adding one is its file, its line in values.h and its line here.
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "kith/core/settings.h"
#include "kith/exec/halo/values.h"

namespace kith {
namespace {

/// The number behind the colon.
struct Parameter {
  const char* meaning;
  double minimum, maximum;
  bool whole = false;
};

template <class Maker>
struct Value {
  const char* name;
  Maker* make;
  std::optional<Parameter> parameter = {};
};

constexpr Value<std::unique_ptr<HaloPlanner>(double)> kPlans[] = {
    {"halo-rows", [](double) { return halo::halo_rows(); }},
    {"needed-rows", [](double) { return halo::needed_rows(); }},
    {"partial-aggregates", [](double) { return halo::partial_aggregates(); }},
    {"cover", [](double) { return halo::minimum_cover(); }}};

constexpr Value<std::unique_ptr<HaloRoute>(double, RowExchange&)> kRoutes[] = {
    {"point-to-point", [](double, RowExchange& rows) { return halo::point_to_point(rows); }}};

const Value<std::unique_ptr<HaloSelect>(double)> kSelects[] = {
    {"all", [](double) { return halo::select_all(); }},
    {"boundary", [](double p) { return halo::select_boundary(p); }, Parameter{"a probability", 0, 1}},
    {"bins", [](double r) { return halo::select_bins(r); }, Parameter{"how many bins", 1, 1000, true}}};

constexpr Value<std::unique_ptr<HaloEncode>(double)> kEncodes[] = {
    {"fp32", [](double) { return halo::encode_fp32(); }},
    {"fp16", [](double) { return halo::encode_half(DType::f16); }},
    {"bf16", [](double) { return halo::encode_half(DType::bf16); }},
    {"int8", [](double) { return halo::encode_quantised(8); }},
    {"int4", [](double) { return halo::encode_quantised(4); }},
    {"int2", [](double) { return halo::encode_quantised(2); }},
    {"int1", [](double) { return halo::encode_quantised(1); }}};

constexpr Value<std::unique_ptr<HaloSchedule>(double)> kSchedules[] = {
    {"sync", [](double) { return halo::schedule_sync(); }},
    {"overlap", [](double) { return halo::schedule_overlap(); }},
    {"stale", [](double) { return halo::schedule_stale(); }}};

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

template <class Values, class... Arguments>
auto made(const char* axis, const Values& values, const std::string& text, Arguments&... arguments) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  for (const auto& value : values) {
    if (name != value.name) continue;
    const std::string where = fmt::format("{} {}", axis, name);
    if (!value.parameter && colon != std::string::npos)
      throw InputError(where + " takes no parameter: " + text);
    const std::string number = colon == std::string::npos ? "" : text.substr(colon + 1);
    return value.make(value.parameter ? number_of(number, *value.parameter, where) : 0, arguments...);
  }
  throw InputError(std::string(axis) + ": unknown value \"" + name + '"' + did_you_mean(name, names(values)));
}

}  // namespace

std::unique_ptr<HaloPlanner> make_plan(const std::string& name) { return made("plan", kPlans, name); }
std::unique_ptr<HaloRoute> make_route(const std::string& name, RowExchange& rows) {
  return made("route", kRoutes, name, rows);
}
std::unique_ptr<HaloSelect> make_select(const std::string& name) { return made("select", kSelects, name); }
std::unique_ptr<HaloEncode> make_encode(const std::string& name) { return made("encode", kEncodes, name); }
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
