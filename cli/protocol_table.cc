#include "kith/cli/protocol_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "kith/core/progress.h"
#include "kith/exec/html_style.h"
#include "kith/exec/svg_chart.h"

namespace kith::cli {
namespace {

/// Over which a training spreads what crosses once.
constexpr double kEpochs = 200;

double all_bytes(const ProtocolRow& row) { return row.halo_bytes_per_epoch + row.one_time_bytes / kEpochs; }

std::string score_text(const ProtocolRow& row) {
  if (row.test_scores.empty()) return "";
  const std::string mean = fmt::format("{:.2f}%", 100 * row.mean_score());
  return row.test_scores.size() > 1 ? mean + fmt::format(" ± {:.2f}", 100 * row.score_deviation()) : mean;
}

constexpr const char* kHeads[] = {"protocol", "bytes/epoch", "headers", "rows/epoch", "skipped",
                                  "messages", "once",        "fewer",   "modelled",   "test"};

std::vector<std::string> cells(const ProtocolRow& row, const ProtocolRow& first) {
  return {row.protocol,
          human_bytes(row.halo_bytes_per_epoch),
          human_bytes(row.header_bytes_per_epoch),
          human_count(row.halo_rows_per_epoch),
          human_count(row.skipped_rows_per_epoch),
          human_count(row.messages_per_epoch),
          human_bytes(row.one_time_bytes),
          all_bytes(row) > 0 ? fmt::format("{:.2f}x", all_bytes(first) / all_bytes(row)) : "all",
          row.modelled_seconds ? human_seconds(*row.modelled_seconds) : "",
          score_text(row)};
}

/// Letters of UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string bars(const std::vector<ProtocolRow>& rows) {
  StackedBars chart{.parts = {{"payload", 0}, {"headers", 1}, {"once, over 200 epochs", 3}},
                    .text = [](double value) { return human_bytes(value); }};
  for (const ProtocolRow& row : rows) {
    chart.rows.push_back(row.protocol);
    chart.values.push_back({row.halo_bytes_per_epoch - row.header_bytes_per_epoch, row.header_bytes_per_epoch,
                            row.one_time_bytes / kEpochs});
  }
  return stacked_bars(chart);
}

}  // namespace

double ProtocolRow::mean_score() const {
  return test_scores.empty() ? 0
                             : std::accumulate(test_scores.begin(), test_scores.end(), 0.0) /
                                   static_cast<double>(test_scores.size());
}

double ProtocolRow::score_deviation() const {
  if (test_scores.size() < 2) return 0;
  double squares = 0;
  for (const double score : test_scores) squares += (score - mean_score()) * (score - mean_score());
  return std::sqrt(squares / static_cast<double>(test_scores.size() - 1));
}

std::string table_of(const std::vector<ProtocolRow>& rows) {
  std::vector<std::vector<std::string>> lines{{std::begin(kHeads), std::end(kHeads)}};
  for (const ProtocolRow& row : rows) lines.push_back(cells(row, rows.front()));
  std::vector<std::size_t> widths(lines.front().size());
  for (const auto& line : lines)
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], width_of(line[c]));
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t c = 0; c < line.size(); ++c) {
      const std::string room(widths[c] - width_of(line[c]), ' ');
      text += c == 0 ? line[c] + room : "  " + room + line[c];
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

std::string csv_of(const std::vector<ProtocolRow>& rows) {
  std::string text =
      "protocol,parts,halo_bytes_per_epoch,header_bytes_per_epoch,halo_rows_per_epoch,skipped_rows_per_epoch,"
      "messages_per_epoch,one_time_bytes,modelled_seconds,test_accuracy_mean,test_accuracy_sd\n";
  for (const ProtocolRow& row : rows) {
    text += fmt::format("\"{}\",{},{},{},{},{},{},{},{},", row.protocol, row.parts, row.halo_bytes_per_epoch,
                        row.header_bytes_per_epoch, row.halo_rows_per_epoch, row.skipped_rows_per_epoch,
                        row.messages_per_epoch, row.one_time_bytes,
                        row.modelled_seconds ? fmt::format("{}", *row.modelled_seconds) : "");
    text += row.test_scores.empty() ? ",\n" : fmt::format("{},{}\n", row.mean_score(), row.score_deviation());
  }
  return text;
}

std::string json_of(const std::vector<ProtocolRow>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ProtocolRow& row : rows) {
    nlohmann::ordered_json object{{"protocol", row.protocol},
                                  {"parts", row.parts},
                                  {"halo_bytes_per_epoch", row.halo_bytes_per_epoch},
                                  {"header_bytes_per_epoch", row.header_bytes_per_epoch},
                                  {"halo_rows_per_epoch", row.halo_rows_per_epoch},
                                  {"skipped_rows_per_epoch", row.skipped_rows_per_epoch},
                                  {"messages_per_epoch", row.messages_per_epoch},
                                  {"one_time_bytes", row.one_time_bytes},
                                  {"modelled_seconds", nullptr},
                                  {"test_accuracy_mean", nullptr},
                                  {"test_accuracy_sd", nullptr},
                                  {"test_accuracy", row.test_scores}};
    if (row.modelled_seconds) object["modelled_seconds"] = *row.modelled_seconds;
    if (!row.test_scores.empty()) {
      object["test_accuracy_mean"] = row.mean_score();
      object["test_accuracy_sd"] = row.score_deviation();
    }
    list.push_back(std::move(object));
  }
  return list.dump(2) + "\n";
}

std::string html_of(const std::vector<ProtocolRow>& rows, const std::string& graph) {
  std::string table = "<table><tr>";
  for (const char* head : kHeads) table += std::string("<th>") + head + "</th>";
  for (const ProtocolRow& row : rows) {
    table += "</tr><tr>";
    for (const std::string& cell : cells(row, rows.front())) table += "<td>" + escaped(cell) + "</td>";
  }
  const std::string title =
      fmt::format("Halo protocols on {}, {} parts", escaped(graph), rows.empty() ? 0 : rows.front().parts);
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width\"><title>" +
         title + "</title>\n<style>" + kReportStyle + "</style></head>\n<body><header><h1>" + title +
         "</h1></header>\n<section><h2>Bytes an epoch</h2>" + bars(rows) + "</section>\n<section>" + table +
         "</tr></table></section></body></html>\n";
}

}  // namespace kith::cli
