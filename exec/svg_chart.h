#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kith {

/// Text as HTML and SVG take it.
std::string escaped(std::string_view text);

/// Charts are strings of HTML: an SVG with its legend under it. The page's style sheet gives the colours c0
/// to c9.
struct Series {
  std::string name;
  int colour = 0;
  std::vector<std::pair<double, double>> points;  ///< x ascending
};
struct LineChart {
  std::vector<Series> series;
  double mark = -1;  ///< a vertical line at this x; −1: none
  std::string mark_name;
  bool percent = false;  ///< y in [0, 1] is written as a percentage
};
std::string line_chart(const LineChart& chart);

/// One bar per row, cut into parts: values[row][part].
struct StackedBars {
  std::vector<std::string> rows;
  std::vector<std::pair<std::string, int>> parts;  ///< name and colour
  std::vector<std::vector<double>> values;
  std::string (*text)(double) = nullptr;  ///< a value as the reader sees it
};
std::string stacked_bars(const StackedBars& bars);

}  // namespace kith
