#include "kith/exec/svg_figures.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "kith/core/progress.h"

namespace kith {
namespace {

constexpr double kWidth = 560, kHeight = 260, kLeft = 62, kRight = 14, kTop = 12, kBottom = 44;

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", x, y, anchor, text);
}

std::string turned_text(double x, double y, const std::string& text) {
  return fmt::format(
      "<text x=\"{0:.1f}\" y=\"{1:.1f}\" text-anchor=\"middle\" transform=\"rotate(-90 {0:.1f} "
      "{1:.1f})\">{2}</text>",
      x, y, text);
}

/// Logarithms of [low, high] on [from, to].
struct LogAxis {
  double low, high, from, to;
  double operator()(double value) const {
    return from + (std::log10(value) - std::log10(low)) / (std::log10(high) - std::log10(low)) * (to - from);
  }
  /// Powers of ten, every second one where there are many.
  std::vector<double> ticks() const {
    std::vector<double> all;
    const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
    const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
    for (int power = first; power <= last; power += last - first > 7 ? 2 : 1)
      all.push_back(std::pow(10.0, power));
    return all;
  }
};

std::string frame(const LogAxis& x, const LogAxis& y) {
  std::string svg;
  for (const double tick : y.ticks())
    svg += fmt::format("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", kLeft,
                       kWidth - kRight, y(tick), y(tick)) +
           text_at(kLeft - 6, y(tick) + 4, "end", human_count(tick));
  for (const double tick : x.ticks())
    svg += fmt::format("<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>", x(tick),
                       kTop, kHeight - kBottom) +
           text_at(x(tick), kHeight - kBottom + 16, "middle", human_count(tick));
  return svg + text_at((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", "in-degree") +
         turned_text(14, (kTop + kHeight - kBottom) / 2, "nodes");
}

}  // namespace

std::string degree_chart(const std::vector<DegreeBin>& bins) {
  double most = 1, widest = 1, isolated = 0;
  for (const DegreeBin& bin : bins) {
    if (bin.from == 0) isolated = bin.nodes;
    if (bin.from == 0 || bin.nodes == 0) continue;
    most = std::max(most, bin.nodes);
    widest = std::max(widest, bin.to + 1);
  }
  if (widest <= 1) return "<p class=\"none\">no node has an edge</p>";
  const LogAxis x{1, widest, kLeft, kWidth - kRight};
  const LogAxis y{0.5, most * 1.5, kHeight - kBottom, kTop};
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\">", kWidth, kHeight) + frame(x, y);
  for (const DegreeBin& bin : bins) {
    if (bin.from == 0 || bin.nodes == 0) continue;
    const double left = x(bin.from), right = x(bin.to + 1), top = y(bin.nodes);
    svg += fmt::format(
        "<rect class=\"f0\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>{} nodes of "
        "in-degree {} to {}</title></rect>",
        left + 1, top, std::max(right - left - 2, 1.0), kHeight - kBottom - top, bin.nodes, bin.from, bin.to);
  }
  return svg + "</svg>" +
         (isolated > 0 ? fmt::format("<p>{} nodes of in-degree 0 are not shown</p>", human_count(isolated))
                       : "");
}

std::string heat_map(const std::vector<std::vector<double>>& values, const std::string& row_axis,
                     const std::string& column_axis) {
  constexpr std::size_t kMostWritten = 12, kMostTicks = 16;
  constexpr double kCorner = 46, kHead = 36;
  const std::size_t k = values.size();
  if (k == 0) return "<p class=\"none\">no parts</p>";
  const double cell = (kWidth - kCorner - kRight) / static_cast<double>(k), high = std::min(cell, 44.0);
  double most = 0;
  for (std::size_t r = 0; r < k; ++r)
    for (std::size_t c = 0; c < k; ++c) most = r == c ? most : std::max(most, values[r][c]);
  std::string svg = fmt::format("<svg class=\"map\" viewBox=\"0 0 {} {:.1f}\" role=\"img\">", kWidth,
                                kHead + high * static_cast<double>(k) + 4);
  svg += text_at(kCorner + cell * static_cast<double>(k) / 2, 12, "middle", column_axis) +
         turned_text(12, kHead + high * static_cast<double>(k) / 2, row_axis);
  const std::size_t step = (k + kMostTicks - 1) / kMostTicks;
  for (std::size_t r = 0; r < k; ++r) {
    const double y = kHead + high * static_cast<double>(r);
    if (r % step == 0) {
      svg += text_at(kCorner - 6, y + high / 2 + 4, "end", fmt::to_string(r));
      svg += text_at(kCorner + cell * (static_cast<double>(r) + 0.5), kHead - 6, "middle", fmt::to_string(r));
    }
    for (std::size_t c = 0; c < k; ++c) {
      const double x = kCorner + cell * static_cast<double>(c), value = values[r][c];
      const double share = r == c ? 0 : most > 0 ? value / most : 0;
      svg += fmt::format(
          "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
          "fill-opacity=\"{:.3f}\"><title>from part {} to part {}: {} edges</title></rect>",
          r == c ? "f3" : "f0", x + 0.5, y + 0.5, std::max(cell - 1, 0.5), std::max(high - 1, 0.5),
          r == c ? 0.15 : 0.06 + 0.84 * share, c, r, value);
      if (k <= kMostWritten)
        svg += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                           share > 0.55 ? "on" : "ink", x + cell / 2, y + high / 2 + 4, human_count(value));
    }
  }
  return svg + "</svg>";
}

}  // namespace kith
