// The terminal's report: every second and every byte of the run in one screen, and what to change first.
#include <algorithm>

#include <fmt/format.h>

#include "kith/core/progress.h"
#include "kith/exec/report.h"

namespace kith {
namespace {

/// Phases of the training thread, in the order of a step. The background thread's are shown apart.
constexpr const char* kPhases[] = {"load",     "batch_wait", "forward",  "backward",  "reduce",
                                   "optimise", "measure",    "evaluate", "checkpoint"};
constexpr const char* kBackground[] = {"sample", "fetch"};

double seconds(const RunSummary& s, const char* phase) {
  return s.phase_seconds(std::string("seconds.") + phase);
}

std::string percent(double value) { return value < 0 ? "-" : fmt::format("{:.2f}%", 100 * value); }

std::string phase_lines(const RunSummary& s) {
  std::string text;
  for (const char* phase : kPhases) {
    const double value = seconds(s, phase);
    if (value > 0)
      text +=
          fmt::format("    {:<14}{:>10}  {:>5.1f}%\n", phase, human_seconds(value), 100 * value / s.seconds);
  }
  for (const char* phase : kBackground) {
    if (seconds(s, phase) > 0)
      text += fmt::format("    {:<14}{:>10}  behind training\n", phase, human_seconds(seconds(s, phase)));
  }
  return text;
}

std::string approximated(double covers) {
  return covers > 0 ? fmt::format(", {} of them too large for the least cost", human_count(covers)) : "";
}

/// How old the halo rows were that steps computed with, where the protocol keeps some.
std::string age_line(const RunSummary& s) {
  double rows = 0, steps = 0, oldest = 0;
  for (const auto& ledger : s.ledgers) {
    for (const auto& [key, count] : ledger) {
      if (!key.name.starts_with("halo.age.")) continue;
      const double age = std::stod(key.name.substr(key.name.rfind('.') + 1));
      rows += count;
      steps += age * count;
      oldest = std::max(oldest, age);
    }
  }
  return rows > 0
             ? fmt::format("  halo age        {:.2f} steps in the mean, {} at most\n", steps / rows, oldest)
             : "";
}

std::string row_lines(const RunSummary& s) {
  const double local = s.total("features.local_rows"), cached = s.total("features.cached_rows"),
               remote = s.total("features.remote_rows");
  std::string text;
  if (local + cached + remote > 0) {
    text += fmt::format("  feature rows    {} local, {} cached, {} remote", human_count(local),
                        human_count(cached), human_count(remote));
    if (cached + remote > 0) text += fmt::format(" (cache hits {:.1f}%)", 100 * cached / (cached + remote));
    text += fmt::format(", {} fetched\n", human_bytes(s.total("features.remote_bytes")));
  }
  if (s.total("halo.rows") > 0)
    text += fmt::format("  halo exchange   {} rows, {} in {} messages; waited {}, hidden {}\n",
                        human_count(s.total("halo.rows")), human_bytes(s.total("halo.bytes")),
                        human_count(s.total("halo.messages")), human_seconds(s.phase_seconds("halo.wait")),
                        human_seconds(s.phase_seconds("halo.hidden")));
  text += age_line(s);
  if (!s.measurements.empty())
    text += fmt::format("  halo error      {}; {} sent to measure\n", measured_text(s.measurements),
                        human_bytes(s.total("probe.bytes")));
  if (s.modelled_seconds_per_epoch)
    text += fmt::format("  on that network {} of halo exchanges per epoch (modelled)\n",
                        human_seconds(*s.modelled_seconds_per_epoch));
  if (s.total("plan.pairs") > 0)
    text += fmt::format("  halo plan       {} rows in a pass of all layers, {} of them sums; {} covers{}\n",
                        human_count(s.total("plan.rows")), human_count(s.total("plan.sums")),
                        human_count(s.total("plan.pairs")), approximated(s.total("plan.approximate_pairs")));
  if (s.total("gradients.bytes") > 0)
    text += fmt::format("  gradients       {} summed over {} ranks\n",
                        human_bytes(s.total("gradients.bytes")), s.ranks);
  return text;
}

}  // namespace

std::string verdict(const RunSummary& s) {
  const double waiting = seconds(s, "batch_wait"), halo = s.phase_seconds("halo.wait"),
               reduce = seconds(s, "reduce");
  const double evaluate = seconds(s, "evaluate");
  const double training =
      waiting + seconds(s, "forward") + seconds(s, "backward") + reduce + seconds(s, "optimise");
  const auto share = [&](double part) {
    return fmt::format("{:.0f}%", training > 0 ? 100 * part / training : 0.0);
  };
  if (waiting > 0.15 * training)
    return fmt::format(
        "{} of training waits for batches: try a larger --cache, a deeper --prefetch, or a smaller "
        "--fanout",
        share(waiting));
  if (halo > 0.15 * training)
    return fmt::format(
        "{} of training waits for halo rows: try partition --objective volume, --schedule overlap, or "
        "fewer ranks",
        share(halo));
  if (reduce > 0.15 * training)
    return fmt::format(
        "{} of training waits in the gradient sum: ranks are uneven (partition --balance nodes,edges) "
        "or the batch is small (--batch-size)",
        share(reduce));
  if (evaluate > training) return "evaluation takes longer than training: raise --eval-every";
  return fmt::format("compute-bound: {} of training is forward and backward; more ranks or threads will help",
                     share(seconds(s, "forward") + seconds(s, "backward")));
}

std::string report_table(const RunSummary& s) {
  const Evaluation& best = s.best;
  std::string text = fmt::format("  {:<16}train {}, valid {}, test {} (best epoch {} of {})\n",
                                 json_name(best.metric), percent(best.score[0]), percent(best.score[1]),
                                 percent(best.score[2]), s.best_epoch, s.epochs);
  text +=
      fmt::format("  time            {} per epoch (median), {} in all; {} ranks, {} parts, {} parameters\n",
                  human_seconds(s.seconds_per_epoch), human_seconds(s.seconds), s.ranks, s.parts,
                  human_count(static_cast<double>(s.parameters)));
  text += "  where it went   (mean over ranks)\n" + phase_lines(s) + row_lines(s);
  if (!s.peak_memory_bytes.empty()) {
    const auto largest = std::max_element(s.peak_memory_bytes.begin(), s.peak_memory_bytes.end());
    const auto rank = static_cast<std::size_t>(largest - s.peak_memory_bytes.begin());
    const auto text_of = [](std::int64_t bytes) { return human_bytes(static_cast<double>(bytes)); };
    text += fmt::format(
        "  peak memory     {} on the largest rank{}\n", text_of(*largest),
        rank < s.estimated_memory.size() ? ", estimated " + text_of(s.estimated_memory[rank].total()) : "");
  }
  return text + "  verdict         " + verdict(s) + '\n';
}

}  // namespace kith
