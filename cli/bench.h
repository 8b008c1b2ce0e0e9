#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kith/core/settings.h"

namespace kith::cli {

/// What a measurement came to, in the order it is printed. Names carry the unit: "milliseconds".
class Figures {
 public:
  using Value = std::variant<double, std::int64_t, std::string>;
  void add(std::string name, Value value) { values_.emplace_back(std::move(name), std::move(value)); }
  std::string text() const;
  std::string json() const;

 private:
  std::vector<std::pair<std::string, Value>> values_;
};

/// As it is printed, and as --json writes it.
struct Measured {
  Measured(const Figures& figures) : text(figures.text()), json(figures.json()) {}
  Measured(std::string table, std::string list) : text(std::move(table)), json(std::move(list)) {}
  std::string text, json;
};

/// One thing that `kith bench` measures: a file of its name and its line in kMeasurements.
struct Measurement {
  const char* name;
  bool of_store;  ///< needs STORE or PARTS
  Measured (*run)(const Settings& settings);
  void (*add_settings)(Schema& schema);  ///< its own; null: none
};

/// The settings of all measurements.
void add_bench_settings(Schema& schema);

/// The schema entry of a setting of `kith bench`.
Setting bench_setting(const char* name, Setting::Type type, const char* fallback, const char* help);

Measured measure_spmm(const Settings& settings);
void add_spmm_bench_settings(Schema& schema);
Measured measure_sample(const Settings& settings);
Measured measure_machine(const Settings& settings);
Measured measure_protocols(const Settings& settings);
void add_protocols_bench_settings(Schema& schema);
Measured measure_net(const Settings& settings);

/// The seconds of each of `repetitions` calls, after one that warms up; ascending.
std::vector<double> sorted_seconds(std::int64_t repetitions, const std::function<void()>& work);
inline double median(const std::vector<double>& ascending) { return ascending[ascending.size() / 2]; }

}  // namespace kith::cli
