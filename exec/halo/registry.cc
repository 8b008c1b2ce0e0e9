// The values of every axis by name: adding one is its file, its line in values.h and its line here.
#include "kith/core/settings.h"
#include "kith/exec/halo/values.h"

namespace kith {
namespace {

template <class Maker>
struct Value {
  const char* name;
  Maker* make;
};

constexpr Value<std::unique_ptr<HaloPlanner>()> kPlans[] = {{"halo-rows", halo::halo_rows}};
constexpr Value<std::unique_ptr<HaloRoute>(RowExchange&)> kRoutes[] = {
    {"point-to-point", halo::point_to_point}};
constexpr Value<std::unique_ptr<HaloSelect>()> kSelects[] = {{"all", halo::select_all}};
constexpr Value<std::unique_ptr<HaloEncode>()> kEncodes[] = {{"fp32", halo::encode_fp32}};
constexpr Value<std::unique_ptr<HaloSchedule>()> kSchedules[] = {{"sync", halo::schedule_sync},
                                                                 {"overlap", halo::schedule_overlap}};

template <class Values>
std::vector<std::string> names(const Values& values) {
  std::vector<std::string> known;
  for (const auto& value : values) known.emplace_back(value.name);
  return known;
}

template <class Values>
auto maker(const char* axis, const Values& values, const std::string& name) {
  for (const auto& value : values)
    if (name == value.name) return value.make;
  const auto near = nearest_name(name, names(values));
  throw InputError(std::string(axis) + ": unknown value \"" + name + '"' +
                   (near ? "; did you mean \"" + *near + "\"?" : ""));
}

}  // namespace

std::unique_ptr<HaloPlanner> make_plan(const std::string& name) { return maker("plan", kPlans, name)(); }
std::unique_ptr<HaloRoute> make_route(const std::string& name, RowExchange& rows) {
  return maker("route", kRoutes, name)(rows);
}
std::unique_ptr<HaloSelect> make_select(const std::string& name) { return maker("select", kSelects, name)(); }
std::unique_ptr<HaloEncode> make_encode(const std::string& name) { return maker("encode", kEncodes, name)(); }
std::unique_ptr<HaloSchedule> make_schedule(const std::string& name) {
  return maker("schedule", kSchedules, name)();
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
