// The run on one page. Everything comes from the files that scripts read too, so that the page can be made
// again at any time, and shows nothing that they do not say.
#include "kith/exec/html_report.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/progress.h"
#include "kith/exec/html_style.h"
#include "kith/exec/report.h"
#include "kith/exec/svg_chart.h"

namespace kith {
namespace {

using Json = nlohmann::json;
constexpr const char* kPhases[] = {"load",     "batch_wait", "forward",    "backward", "reduce",
                                   "optimise", "evaluate",   "checkpoint", "measure"};
constexpr const char* kBackground[] = {"sample", "fetch"};

std::vector<Json> read_metrics(const std::filesystem::path& file) {
  std::vector<Json> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    Json json = Json::parse(line, nullptr, false);
    if (json.is_object()) lines.push_back(std::move(json));
  }
  return lines;
}

/// `wanted` of every epoch that has it.
Series series_of(const std::vector<Json>& metrics, const std::string& wanted, std::string name, int colour) {
  Series series{std::move(name), colour, {}};
  for (const Json& line : metrics)
    if (line.contains(wanted) && line[wanted].is_number())
      series.points.emplace_back(line.value("epoch", 0.0), line[wanted].get<double>());
  return series;
}

std::string card(const std::string& title, const std::string& content) {
  return "<section><h2>" + title + "</h2>" + content + "</section>\n";
}

/// "roc_auc" as a heading.
std::string title_of(std::string metric) {
  if (metric == "roc_auc") return "ROC AUC";
  std::replace(metric.begin(), metric.end(), '_', ' ');
  if (!metric.empty() && metric[0] >= 'a' && metric[0] <= 'z')
    metric[0] = static_cast<char>(metric[0] - 'a' + 'A');
  return metric;
}

std::string curves(const Json& summary, const std::vector<Json>& metrics) {
  const std::string metric = summary.value("metric", "accuracy");
  const double best = summary.value("best_epoch", -1.0);
  const std::string mark = fmt::format("best epoch {:g}", best);
  LineChart loss{{series_of(metrics, "loss", "training steps", 3)}, best, mark};
  LineChart score{{}, best, mark, true};
  int colour = 0;
  for (const char* split : {"train", "valid", "test"}) {
    loss.series.push_back(series_of(metrics, std::string(split) + "_loss", split, colour));
    score.series.push_back(series_of(metrics, std::string(split) + '_' + metric, split, colour++));
  }
  std::string cards = card("Loss by epoch", line_chart(loss)) +
                      card(escaped(title_of(metric)) + " by epoch", line_chart(score));
  LineChart lost{{series_of(metrics, "halo_error", "largest relative error of a layer's halo", 1),
                  series_of(metrics, "gradient_cosine", "gradient's cosine to the exact one", 2)},
                 best,
                 mark};
  if (!lost.series.front().points.empty()) cards += card("What the halo protocol loses", line_chart(lost));
  return cards;
}

/// A counter's values by rank; `seconds.forward` is found under /ledger/seconds/forward/by_rank.
std::vector<double> by_rank(const Json& summary, const std::string& group, const std::string& counter) {
  return summary.at("ledger").value(Json::json_pointer('/' + group + '/' + counter + "/by_rank"),
                                    std::vector<double>{});
}

template <std::size_t N>
std::string phases(const Json& summary, const char* const (&names)[N]) {
  StackedBars bars{.text = [](double value) { return human_seconds(value); }};
  const auto ranks = summary.value("ranks", std::size_t{1});
  for (std::size_t r = 0; r < ranks; ++r) bars.rows.push_back(fmt::format("rank {}", r));
  bars.values.resize(ranks);
  // A phase keeps its colour when another one is missing.
  int colour = -1;
  for (const char* name : names) {
    ++colour;
    std::vector<double> values = by_rank(summary, "seconds", name);
    if (values.empty()) continue;
    values.resize(ranks);
    bars.parts.emplace_back(name, colour);
    for (std::size_t r = 0; r < ranks; ++r) bars.values[r].push_back(values[r]);
  }
  return stacked_bars(bars);
}

/// What `verdict` judges by, out of the file.
RunSummary judged(const Json& summary) {
  RunSummary run;
  run.ledgers.resize(summary.value("ranks", std::size_t{1}));
  for (const char* group : {"seconds", "halo"}) {
    const Json counters = summary.at("ledger").value(group, Json::object());
    for (const auto& [counter, value] : counters.items()) {
      const std::vector<double> ranks = by_rank(summary, group, counter);
      for (std::size_t r = 0; r < std::min(ranks.size(), run.ledgers.size()); ++r)
        run.ledgers[r][{std::string(group) + '.' + counter}] = ranks[r];
    }
  }
  return run;
}

/// Bytes sent from row to column, every kind of message together.
std::string traffic(const Json& summary) {
  const auto ranks = summary.value("ranks", std::size_t{1});
  std::vector<double> cells(ranks * ranks, 0.0);
  std::string kinds;
  const Json counted = summary.at("ledger").value("by_peer", Json::object());
  for (const auto& [counter, pairs] : counted.items()) {
    if (!counter.ends_with(".bytes")) continue;
    double sum = 0;
    for (const auto& [pair, value] : pairs.items()) {
      const std::size_t from = std::stoul(pair), to = std::stoul(pair.substr(pair.find('-') + 1));
      if (from < ranks && to < ranks) cells[from * ranks + to] += value.get<double>();
      sum += value.get<double>();
    }
    kinds += fmt::format("<tr><td>{}</td><td>{}</td></tr>", escaped(counter), human_bytes(sum));
  }
  const double gradients = summary.at("ledger").value(Json::json_pointer("/gradients/bytes"), 0.0);
  if (gradients > 0)
    kinds += fmt::format("<tr><td>gradients, summed over all</td><td>{}</td></tr>", human_bytes(gradients));
  const double most = *std::max_element(cells.begin(), cells.end());
  if (!(most > 0)) return "<p class=\"none\">nothing was sent</p>";
  std::string table = "<table class=\"heat\"><tr><th>from, to</th>";
  for (std::size_t r = 0; r < ranks; ++r) table += fmt::format("<th>rank {}</th>", r);
  for (std::size_t from = 0; from < ranks; ++from) {
    table += fmt::format("</tr><tr><th>rank {}</th>", from);
    for (std::size_t to = 0; to < ranks; ++to) {
      const double value = cells[from * ranks + to];
      table += fmt::format("<td style=\"--share:{:.0f}%\">{}</td>", 10 + 60 * value / most,
                           from == to ? "" : human_bytes(value));
    }
  }
  return table + "</tr></table><table>" + kinds + "</table>";
}

std::string feature_rows(const Json& summary) {
  const Json features = summary.at("ledger").value("features", Json::object());
  const double local = features.value("local_rows", 0.0), cached = features.value("cached_rows", 0.0),
               remote = features.value("remote_rows", 0.0);
  if (local + cached + remote == 0) return "<p class=\"none\">no batch asked for feature rows</p>";
  const std::string hits =
      cached + remote > 0
          ? fmt::format("{:.1f}% of the rows of other ranks were cached; ", 100 * cached / (cached + remote))
          : "";
  return stacked_bars({.rows = {"rows"},
                       .parts = {{"local", 0}, {"cached", 2}, {"remote", 1}},
                       .values = {{local, cached, remote}},
                       .text = [](double value) { return human_count(value); }}) +
         "<p>" + hits + human_bytes(features.value("remote_bytes", 0.0)) + " were fetched</p>";
}

std::string memory(const Json& summary) {
  StackedBars bars{.parts = {{"peak memory", 0}}, .text = [](double value) { return human_bytes(value); }};
  for (const double bytes : summary.value("peak_memory_bytes", std::vector<double>{})) {
    bars.rows.push_back(fmt::format("rank {}", bars.rows.size()));
    bars.values.push_back({bytes});
  }
  const std::vector<double> estimated =
      summary.value(Json::json_pointer("/estimated_memory_bytes/total"), std::vector<double>{});
  if (estimated.size() != bars.rows.size()) return stacked_bars(bars);
  const auto most = *std::max_element(estimated.begin(), estimated.end());
  return stacked_bars(bars) + "<p>before training the largest rank was estimated to need " +
         human_bytes(most) + "</p>";
}

std::string settings(const Json& summary) {
  std::string rows;
  const Json all = summary.value("settings", Json::object());
  for (const auto& [name, value] : all.items())
    rows += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", escaped(name),
                        escaped(value.is_string() ? value.get<std::string>() : value.dump()));
  return "<dl>" + rows + "</dl>";
}

std::string tile(const std::string& name, const std::string& value) {
  return "<div class=\"tile\"><b>" + value + "</b>" + name + "</div>";
}

std::string tiles(const Json& summary) {
  const std::string metric = summary.value("metric", "accuracy");
  std::string all;
  for (const char* split : {"test", "valid"}) {
    const Json values = summary.value(split, Json::object());
    if (values.contains(metric))
      all += tile(std::string(split) + ' ' + escaped(metric),
                  fmt::format("{:.2f}%", 100 * values[metric].get<double>()));
  }
  all += tile("epochs, the best " + fmt::format("{}", summary.value("best_epoch", 0)),
              fmt::format("{}", summary.value("epochs", 0)));
  all += tile("per epoch (median)", human_seconds(summary.value("seconds_per_epoch", 0.0)));
  all += tile("in all", human_seconds(summary.value("seconds", 0.0)));
  all += tile(fmt::format("ranks, {} parts", summary.value("parts", 1)),
              fmt::format("{}", summary.value("ranks", 1)));
  return all + tile("parameters", human_count(summary.value("parameters", 0.0)));
}

std::string page(const std::filesystem::path& run, const Json& summary, const std::vector<Json>& metrics) {
  const std::string name = escaped(std::filesystem::absolute(run).lexically_normal().filename().string());
  std::string body = "<header><h1>" + name + " · " + escaped(summary.value("model", "")) +
                     "</h1><p class=\"verdict\">" + escaped(verdict(judged(summary))) +
                     "</p><div class=\"tiles\">" + tiles(summary) + "</div></header>\n<main>" +
                     curves(summary, metrics);
  std::string seconds = phases(summary, kPhases);
  if (!by_rank(summary, "seconds", kBackground[0]).empty())
    seconds += "<h3>Behind training</h3>" + phases(summary, kBackground);
  body += card("Seconds by phase", seconds) + card("Bytes sent, by peer", traffic(summary)) +
          card("Feature rows", feature_rows(summary)) + card("Peak memory", memory(summary));
  body += "</main>\n" + card("Settings", settings(summary));
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\"><title>" +
         name + "</title>\n<style>" + kReportStyle + "</style></head>\n<body>" + body + "</body></html>\n";
}

}  // namespace

std::string html_report(const std::filesystem::path& run) {
  const auto file = run / "summary.json";
  if (!std::filesystem::exists(file))
    throw InputError(run.string() + ": no summary.json; a report is of a finished run of kith train");
  try {
    return page(run, Json::parse(read_text_file(file)), read_metrics(run / "metrics.jsonl"));
  } catch (const Json::exception& problem) {
    throw CorruptError(file.string() + ": " + problem.what());
  }
}

std::filesystem::path write_html_report(const std::filesystem::path& run) {
  write_text_file(run / "report.html", html_report(run));
  return run / "report.html";
}

}  // namespace kith
