// There is no thread that draws: `add` draws when the last drawing is old enough, which costs one clock
// reading per call, so callers add per chunk and not per element.
#include "kith/core/progress.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kith/core/host.h"

namespace kith {
namespace {

using Clock = std::chrono::steady_clock;
enum class Style { live, plain, none };

Style choose_style() {
  const char* chosen = std::getenv("KITH_PROGRESS");
  const std::string_view text = chosen == nullptr ? "" : chosen;
  if (text == "live") return Style::live;
  if (text == "plain") return Style::plain;
  if (text == "none") return Style::none;
  return ::isatty(STDERR_FILENO) != 0 ? Style::live : Style::plain;
}

std::chrono::milliseconds interval_of(Style style) {
  return std::chrono::milliseconds(style == Style::live ? 100 : 5000);
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The first `columns` characters of UTF-8 text.
std::string_view cut_to(std::string_view text, std::size_t columns) {
  std::size_t end = 0;
  while (end < text.size()) {
    const bool begins_character = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (begins_character && columns-- == 0) break;
    ++end;
  }
  return text.substr(0, end);
}

/// A line as wide as the terminal would wrap, and then could not be redrawn in place.
std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 119u;
}

std::string scaled(double value, const char* const* units, int count) {
  int unit = 0;
  while (value >= 999.5 && unit + 1 < count) {
    value /= 1000;
    ++unit;
  }
  const int digits = (unit == 0 && value == std::floor(value)) || value >= 99.95 ? 0 : 1;
  return fmt::format("{:.{}f}{}", value, digits, units[unit]);
}

}  // namespace

struct Progress::State {
  std::string step, unit, note;
  std::int64_t total = 0;
  Style style = choose_style();
  Clock::time_point begin = Clock::now();
  std::atomic<std::int64_t> done = 0;
  std::atomic<Clock::rep> next_draw = (Clock::now() + interval_of(style)).time_since_epoch().count();
  std::mutex drawing;
  bool finished = false;

  std::string line(bool last) const;
  void draw(bool last);
};

std::string Progress::State::line(bool last) const {
  const double count = static_cast<double>(done.load());
  const double seconds = seconds_since(begin);
  std::string text = step + ": ";
  if (total > 0 && !last)
    text += fmt::format("{:.0f}% · ", std::floor(100.0 * count / static_cast<double>(total)));
  text += human_count(count);
  if (total > 0 && !last) text += " of " + human_count(static_cast<double>(total));
  text += " " + unit;
  if (seconds > 0 && count > 0) text += " · " + human_count(count / seconds) + "/s";
  if (last) text += " · " + human_seconds(seconds);
  if (!last && total > 0 && count > 0)
    text +=
        " · " + human_seconds(seconds * std::max(0.0, static_cast<double>(total) - count) / count) + " left";
  text += " · " + human_bytes(static_cast<double>(resident_bytes()));
  return note.empty() ? text : text + " · " + note;
}

void Progress::State::draw(bool last) {
  std::string text = line(last);
  if (style == Style::live) text = "\r" + std::string(cut_to(text, terminal_columns())) + "\x1b[K";
  if (style == Style::plain || last) text += '\n';
  // One write, so that lines of several processes do not mix.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

Progress::Progress(std::string step, std::int64_t total, std::string unit) : state_(new State) {
  state_->step = std::move(step);
  state_->unit = std::move(unit);
  state_->total = total;
}

Progress::~Progress() {
  finish();
  delete state_;
}

void Progress::add(std::int64_t done) {
  state_->done += done;
  const auto now = Clock::now();
  if (state_->style == Style::none || now.time_since_epoch().count() < state_->next_draw.load()) return;
  const std::unique_lock lock(state_->drawing, std::try_to_lock);
  if (!lock.owns_lock() || state_->finished) return;
  state_->next_draw = (now + interval_of(state_->style)).time_since_epoch().count();
  state_->draw(false);
}

void Progress::note(std::string_view text) {
  const std::lock_guard lock(state_->drawing);
  state_->note = text;
}

void Progress::finish() {
  const std::lock_guard lock(state_->drawing);
  if (std::exchange(state_->finished, true) || state_->style == Style::none) return;
  state_->draw(true);
}

std::string human_bytes(double bytes) {
  static constexpr const char* kUnits[] = {" B", " kB", " MB", " GB", " TB", " PB"};
  return scaled(bytes, kUnits, 6);
}

std::string human_count(double count) {
  static constexpr const char* kUnits[] = {"", " k", " M", " G", " T"};
  return scaled(count, kUnits, 5);
}

std::string human_seconds(double seconds) {
  if (!(seconds < 359'999'999)) return "very long";
  if (seconds < 0.0000005) return "0 s";
  if (seconds < 0.0009995) return fmt::format("{:.0f} µs", 1e6 * seconds);
  if (seconds < 0.0995) return fmt::format("{:.3g} ms", 1e3 * seconds);
  if (seconds < 9.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} m {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} m", whole / 3600, whole % 3600 / 60);
}

}  // namespace kith
