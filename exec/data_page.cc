// The same figures as in the terminal, drawn: everything is read from the JSON that `kith inspect --json`
// prints, so that the page says nothing else.
#include "kith/exec/data_page.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/progress.h"
#include "kith/exec/html_style.h"
#include "kith/exec/memory_estimate.h"
#include "kith/exec/svg_chart.h"
#include "kith/exec/svg_figures.h"

namespace kith {
namespace {

using Json = nlohmann::json;

std::string card(const std::string& title, const std::string& content) {
  return "<section><h2>" + title + "</h2>" + content + "</section>\n";
}

std::string tile(const std::string& name, const std::string& value) {
  return "<div class=\"tile\"><b>" + value + "</b>" + name + "</div>";
}

std::string percent(double share) { return fmt::format("{:.1f}%", 100 * share); }

std::string count_text(double value) { return human_count(value); }

std::string tiles(const Json& data) {
  const double nodes = data.value("nodes", 0.0);
  std::string all =
      tile("nodes", human_count(nodes)) + tile("edges, stored", human_count(data.value("edges", 0.0)));
  if (data.contains("in_degree")) {
    all += tile("mean in-degree", fmt::format("{:.2f}", data["in_degree"].value("mean", 0.0)));
    all +=
        tile("of the nodes in the largest of " + human_count(data.value("components", 0.0)) + " components",
             nodes > 0 ? percent(data.value("largest_component", 0.0) / nodes) : "-");
  }
  if (data.contains("edge_homophily"))
    all += tile("edge homophily", fmt::format("{:.3f}", data["edge_homophily"].get<double>()));
  if (data.contains("cut_fraction")) {
    all += tile("parts, by " + escaped(data.value("method", "")), fmt::format("{}", data.value("parts", 0)));
    all += tile("of the edges are cut", percent(data["cut_fraction"].get<double>()));
    all += tile("rows that parts receive", human_count(data.value("communication_volume", 0.0)));
  }
  all += tile("features, " + escaped(data["features"].value("dtype", "")),
              fmt::format("{}", data["features"].value("columns", 0)));
  return all + tile("classes", fmt::format("{}", data.value("classes", 0)));
}

std::string line(const std::string& name, const std::string& value) {
  return "<div><dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd></div>";
}

std::string value_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  return value.dump();
}

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

/// Every figure that is no chart, by its JSON name.
std::string facts(const Json& data) {
  std::string rows;
  for (const auto& [name, value] : data.items()) {
    const std::string title = spaced(name);
    if (value.is_object()) {
      for (const auto& [inner, part] : value.items())
        rows += line(title + ", " + spaced(inner), value_text(part));
    } else if (!value.is_array()) {
      rows += line(title, value_text(value));
    }
  }
  return "<dl>" + rows + "</dl>";
}

std::string degrees(const Json& data) {
  std::vector<DegreeBin> bins;
  for (const Json& bin : data["degree_histogram"])
    bins.push_back({bin.at("from").get<double>(), bin.at("to").get<double>(), bin.at("nodes").get<double>()});
  return degree_chart(bins);
}

/// The largest classes by size.
std::string classes(const Json& data) {
  constexpr std::size_t kMost = 24;
  const auto sizes = data["class_sizes"].get<std::vector<double>>();
  std::vector<std::size_t> order(sizes.size());
  for (std::size_t c = 0; c < order.size(); ++c) order[c] = c;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return sizes[a] > sizes[b]; });
  StackedBars bars{.parts = {{"nodes", 2}}, .text = count_text};
  for (const std::size_t c : order) {
    if (bars.rows.size() == kMost) break;
    bars.rows.push_back(fmt::format("class {}", c));
    bars.values.push_back({sizes[c]});
  }
  const std::string note =
      sizes.size() > kMost ? fmt::format("<p>the largest {} of {} classes</p>", kMost, sizes.size()) : "";
  return stacked_bars(bars) + note;
}

std::string splits(const Json& data) {
  const double nodes = data.value("nodes", 0.0);
  StackedBars bars{.rows = {"nodes"}, .parts = {}, .values = {{}}, .text = count_text};
  double rest = nodes;
  int colour = 0;
  for (const char* split : {"train", "valid", "test"}) {
    const double size = data.value(split, 0.0);
    bars.parts.emplace_back(fmt::format("{} {}", split, human_count(size)), colour++);
    bars.values[0].push_back(size);
    rest -= size;
  }
  bars.parts.emplace_back("in none", 3);
  bars.values[0].push_back(std::max(rest, 0.0));
  return stacked_bars(bars);
}

std::string bars_by_part(const Json& data, const char* key, int colour) {
  StackedBars bars{.parts = {{key, colour}}, .text = count_text};
  for (const Json& part : data["part_sizes"]) {
    bars.rows.push_back(fmt::format("part {}", part.at("part").get<int>()));
    bars.values.push_back({part.at(key).get<double>()});
  }
  return stacked_bars(bars);
}

std::string balance_table(const Json& data) {
  std::string table =
      "<table><tr><th>constraint</th><th>minimum</th><th>mean</th><th>maximum</th><th>maximum / "
      "mean</th></tr>";
  for (const Json& b : data["balance"])
    table += fmt::format("<tr><td>{}</td><td>{:.0f}</td><td>{:.1f}</td><td>{:.0f}</td><td>{:.3f}</td></tr>",
                         escaped(b.at("name").get<std::string>()), b.at("minimum").get<double>(),
                         b.at("mean").get<double>(), b.at("maximum").get<double>(),
                         b.at("imbalance").get<double>());
  return table + "</table>";
}

std::string part_cards(const Json& data) {
  const auto between = data["edges_between_parts"].get<std::vector<std::vector<double>>>();
  return card("Edges between parts",
              heat_map(between, "to part", "from part") +
                  "<p>the diagonal, edges inside a part, is not on the colour scale</p>") +
         card("Halo rows and edges by part", "<h3>Halo rows</h3>" + bars_by_part(data, "halo_rows", 1) +
                                                 "<h3>Edges</h3>" + bars_by_part(data, "edges", 0)) +
         card("Nodes by part", bars_by_part(data, "nodes", 2)) +
         card("Balance", balance_table(data) + "<h3>Splits</h3>" + splits(data));
}

std::string store_cards(const Json& data) {
  std::string cards;
  if (data.contains("degree_histogram")) cards += card("In-degrees", degrees(data));
  const std::string by_split = "<h3>Splits</h3>" + splits(data);
  if (data.contains("class_sizes")) return cards + card("Classes by size", classes(data) + by_split);
  return cards + card("Nodes", by_split);
}

std::string memory_card(const std::vector<ModelMemory>& memory, Regime regime, int ranks) {
  StackedBars bars{.parts = {{"needed", regime == Regime::full_graph ? 0 : 2}, {"pages of the store", 3}},
                   .text = [](double value) { return human_bytes(value); }};
  for (const ModelMemory& one : memory) {
    if (one.regime != regime) continue;
    bars.rows.push_back(one.model);
    bars.values.push_back(
        {static_cast<double>(needed_bytes(one.memory)), static_cast<double>(one.memory[MemoryKind::mapped])});
  }
  const std::string whom = ranks == 1 ? "one rank" : fmt::format("the fullest of {} ranks", ranks);
  return card(fmt::format("Memory to train {}, {}",
                          regime == Regime::full_graph ? "in full graph" : "in mini-batches", whom),
              stacked_bars(bars) + "<p>estimated, with the default settings of kith train</p>");
}

}  // namespace

std::string data_page(const std::string& description, const std::vector<ModelMemory>& memory, int ranks) {
  const Json data = Json::parse(description);
  const std::string name = escaped(data.value("name", ""));
  std::string body = "<header><h1>" + name + "</h1><p class=\"verdict\">" + escaped(data.value("kind", "")) +
                     " " + escaped(data.value("folder", "")) + "</p><div class=\"tiles\">" + tiles(data) +
                     "</div></header>\n<main>";
  body += data.contains("edges_between_parts") ? part_cards(data) : store_cards(data);
  for (const Regime regime : {Regime::full_graph, Regime::mini_batch})
    if (!memory.empty()) body += memory_card(memory, regime, ranks);
  body += "</main>\n" + card("All figures", facts(data));
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\"><title>" +
         name + "</title>\n<style>" + kReportStyle + "</style></head>\n<body>" + body + "</body></html>\n";
}

}  // namespace kith
