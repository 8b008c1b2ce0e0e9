#include "kith/exec/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace kith {
namespace {

constexpr double kWidth = 560, kHeight = 240, kLeft = 52, kRight = 12, kTop = 10, kBottom = 28;
constexpr std::size_t kMostDots = 150;

std::string number(double value, bool percent) {
  if (percent) return fmt::format("{:.4g}%", 100 * value);
  return fmt::format("{:.4g}", std::abs(value) < 1e-12 ? 0 : value);
}

std::string legend_entry(const std::string& name, int colour) {
  return fmt::format("<span><i class=\"b{}\"></i>{}</span>", colour, escaped(name));
}

/// A range of values on an axis, with ticks at 1, 2 or 5 times a power of ten.
class Axis {
 public:
  Axis(double low, double high, double from, double to, int ticks) : from_(from), to_(to) {
    if (!(high > low)) {
      low -= 0.5;
      high = low + 1;
    }
    const double raw = (high - low) / ticks, power = std::pow(10, std::floor(std::log10(raw)));
    const double head = raw / power;
    step_ = power * (head < 1.5 ? 1 : head < 3.5 ? 2 : head < 7.5 ? 5 : 10);
    low_ = low;
    high_ = high;
  }
  /// From the tick below to the tick above.
  Axis& widened() {
    low_ = std::floor(low_ / step_ + 1e-9) * step_;
    high_ = std::ceil(high_ / step_ - 1e-9) * step_;
    return *this;
  }
  double operator()(double value) const { return from_ + (value - low_) / (high_ - low_) * (to_ - from_); }
  std::vector<double> ticks() const {
    std::vector<double> all;
    for (double at = std::ceil(low_ / step_ - 1e-9); at * step_ <= high_ + step_ * 1e-6; ++at)
      all.push_back(at * step_);
    return all;
  }

 private:
  double low_ = 0, high_ = 1, from_, to_, step_ = 1;
};

struct Bounds {
  double left = std::numeric_limits<double>::infinity(), right = -left, low = left, high = -left;
};

Bounds bounds_of(const LineChart& chart) {
  Bounds bounds;
  for (const Series& series : chart.series) {
    for (const auto& [x, y] : series.points) {
      bounds.left = std::min(bounds.left, x);
      bounds.right = std::max(bounds.right, x);
      bounds.low = std::min(bounds.low, y);
      bounds.high = std::max(bounds.high, y);
    }
  }
  return bounds;
}

std::string grid(const Axis& x, const Axis& y, bool percent) {
  std::string svg;
  for (const double tick : y.ticks())
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
        "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>",
        kLeft, kWidth - kRight, y(tick), kLeft - 6, y(tick) + 4, number(tick, percent));
  for (const double tick : x.ticks())
    if (tick == std::floor(tick))
      svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>", x(tick), kHeight - 8,
                         number(tick, false));
  return svg;
}

std::string curve(const Series& series, const Axis& x, const Axis& y, bool percent) {
  std::string line, dots;
  const std::size_t each = series.points.size() / kMostDots + 1;
  for (std::size_t i = 0; i < series.points.size(); ++i) {
    const auto [at, value] = series.points[i];
    line += fmt::format("{:.1f},{:.1f} ", x(at), y(value));
    if (i % each == 0 || i + 1 == series.points.size())
      dots += fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"><title>{}, epoch {:g}: {}</title></circle>", x(at),
          y(value), escaped(series.name), at, number(value, percent));
  }
  return fmt::format("<polyline class=\"s{}\" points=\"{}\"/>{}", series.colour, line, dots);
}

std::string bar(const StackedBars& bars, std::size_t row, double y, double left, double per_unit) {
  constexpr double kThick = 18;
  std::string svg;
  double x = left, sum = 0;
  for (std::size_t p = 0; p < bars.parts.size(); ++p) {
    const double value = bars.values[row][p], width = value * per_unit;
    sum += value;
    if (width < 0.05) continue;
    svg += fmt::format(
        "<rect class=\"f{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\"><title>{}, {}: "
        "{}</title></rect>",
        bars.parts[p].second, x, y, std::max(0.5, width - 1), kThick, escaped(bars.rows[row]),
        escaped(bars.parts[p].first), bars.text(value));
    x += width;
  }
  return svg + fmt::format(
                   "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text><text x=\"{:.1f}\" "
                   "y=\"{:.1f}\">{}</text>",
                   left - 8, y + 13, escaped(bars.rows[row]), x + 6, y + 13, bars.text(sum));
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string line_chart(const LineChart& chart) {
  const Bounds bounds = bounds_of(chart);
  if (!(bounds.left <= bounds.right)) return "<p class=\"none\">nothing was measured</p>";
  const Axis x(bounds.left, bounds.right, kLeft, kWidth - kRight, 8);
  const Axis y = Axis(bounds.low, bounds.high, kHeight - kBottom, kTop, 5).widened();
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">", kWidth, kHeight);
  svg += grid(x, y, chart.percent);
  if (chart.mark >= bounds.left && chart.mark <= bounds.right)
    svg += fmt::format("<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>",
                       x(chart.mark), kTop, kHeight - kBottom);
  std::string legend;
  for (const Series& series : chart.series) {
    if (series.points.empty()) continue;
    svg += curve(series, x, y, chart.percent);
    legend +=
        legend_entry(series.name + ' ' + number(series.points.back().second, chart.percent), series.colour);
  }
  if (chart.mark >= 0) legend += "<span><i class=\"dash\"></i>" + escaped(chart.mark_name) + "</span>";
  return svg + "</svg><div class=\"legend\">" + legend + "</div>";
}

std::string stacked_bars(const StackedBars& bars) {
  constexpr double kRoom = 80, kStep = 26, kLetter = 6.6;
  double longest = 0, label = 60;
  for (const std::string& row : bars.rows)
    label = std::max(label, 12 + kLetter * static_cast<double>(row.size()));
  for (const auto& values : bars.values) {
    double sum = 0;
    for (const double value : values) sum += value;
    longest = std::max(longest, sum);
  }
  if (!(longest > 0)) return "<p class=\"none\">nothing was measured</p>";
  const double height = kStep * static_cast<double>(bars.rows.size()) + 4;
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">", kWidth, height);
  for (std::size_t r = 0; r < bars.rows.size(); ++r)
    svg += bar(bars, r, 4 + kStep * static_cast<double>(r), label, (kWidth - label - kRoom) / longest);
  std::string legend;
  for (const auto& [name, colour] : bars.parts) legend += legend_entry(name, colour);
  return svg + "</svg>" + (bars.parts.size() > 1 ? "<div class=\"legend\">" + legend + "</div>" : "");
}

}  // namespace kith
