// A measured step is computed from the same weights and draws several times: once with nothing lost, for the
// gradient that there should be, and then as the protocol has it, while its rows cross a second time as they
// are. The last of these passes is the step's, and counted as such.
#include "kith/exec/error_watch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "kith/core/log.h"
#include "kith/core/progress.h"
#include "kith/exec/error_budget.h"
#include "kith/exec/halo/forecast.h"

namespace kith {
namespace {

using Entries = std::map<LedgerKey, double>;

/// Where what an extra pass counted belongs; empty: where it is.
std::string place_of_extra(const std::string& counter) {
  if (counter.starts_with("halo.")) return "probe." + counter.substr(5);
  if (counter.starts_with("gradients.")) return "probe." + counter;
  return counter.starts_with("seconds.") ? "seconds.measure" : "";
}

/// Moves what was counted since `before` to where extra passes are counted.
void move_extra(Ledger& ledger, const Entries& before) {
  for (const auto& [key, amount] : ledger.entries()) {
    const auto old = before.find(key);
    const double extra = amount - (old == before.end() ? 0 : old->second);
    const std::string place = place_of_extra(key.name);
    if (extra == 0 || place.empty() || key.name == "halo.most_rows_alive") continue;
    ledger.add(key, -extra);
    const bool seconds = place.starts_with("seconds.");
    ledger.add({place, seconds ? -1 : key.layer, seconds ? -1 : key.peer}, extra);
  }
}

std::vector<char> trained_elements(const Parameters& parameters, const ParameterGradients& gradients) {
  std::vector<char> trained(static_cast<std::size_t>(parameters.elements()), 1);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i].running)
      std::fill_n(trained.begin() + gradients.offset(i), parameters[i].value.size(), char{0});
  return trained;
}

double relative(const HaloErrors::Squares& squares) {
  if (squares.whole == 0) return squares.lost == 0 ? 0 : 1;
  return std::sqrt(squares.lost / squares.whole);
}

}  // namespace

ErrorWatch::ErrorWatch(const TrainingContext& context, HaloExchange& exchange,
                       std::vector<StepExchange> exchanges)
    : context_(context), exchange_(exchange), ladder_(exchange.ladder()) {
  for (const StepExchange& each : exchanges) layers_ = std::max(layers_, each.layer);
  if (!watches() || ladder_ == nullptr) return;
  // A budget of nothing needs no walk.
  if (context.options.error_budget == 0)
    put_rungs(std::vector<int>(static_cast<std::size_t>(layers_), ladder_->top()));
  count_bytes(exchanges);
}

void ErrorWatch::count_bytes(const std::vector<StepExchange>& exchanges) {
  const auto rungs = ladder_->rungs().size();
  std::vector<double> bytes(static_cast<std::size_t>(layers_) * rungs, 0.0);
  exchange_.lose_nothing(true);
  for (const StepExchange& each : exchanges) {
    Ledger counted;
    forecast(exchange_, {each}, 1, counted);
    const double whole =
        counted.total(each.backward ? "probe.backward.payload_bytes" : "probe.forward.payload_bytes");
    const bool sparse = each.sparse && exchange_.sums(each.layer) == nullptr;
    for (std::size_t r = 0; r < rungs; ++r)
      bytes[static_cast<std::size_t>(each.layer - 1) * rungs + r] +=
          whole * ladder_->row_bytes(static_cast<int>(r), each.cols, sparse) /
          static_cast<double>(4 * each.cols);
  }
  exchange_.lose_nothing(false);
  all_reduce_sum(context_.comm, std::span<double>(bytes), "count what encodings would send");
  for (std::size_t layer = 0; layer < static_cast<std::size_t>(layers_); ++layer)
    bytes_.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(layer * rungs),
                        bytes.begin() + static_cast<std::ptrdiff_t>((layer + 1) * rungs));
}

bool ErrorWatch::adjusts() const {
  return ladder_ != nullptr && !follows() && (is_due(context_.options.error_every) || !ladder_->settled());
}

double ErrorWatch::step(const std::function<double()>& pass, ParameterGradients& gradients) {
  measured_.reset();
  if (!watches()) return pass();
  if (follows()) settle_rungs();
  const bool measures = adjusts() || is_due(context_.options.measure_error);
  const double result = measures ? measured_step(pass, gradients) : pass();
  if (!follows()) settle_rungs();
  return result;
}

double ErrorWatch::measured_step(const std::function<double()>& pass, ParameterGradients& gradients) {
  Ledger& ledger = context_.ledger;
  if (trained_.empty()) trained_ = trained_elements(context_.parameters, gradients);
  Entries before = ledger.entries();
  exchange_.lose_nothing(true);
  pass();
  exchange_.lose_nothing(false);
  move_extra(ledger, before);
  const Array<float> exact = host_copy_of(std::span<const float>(gradients.flat()));

  std::vector<double> usual;
  if (ladder_ != nullptr)
    for (const HaloRung& rung : ladder_->rungs()) usual.push_back(rung.error);
  std::optional<BudgetWalk> walk;
  if (adjusts())
    walk.emplace(ErrorBounds{context_.options.error_budget, context_.options.least_cosine}, usual);
  const std::vector<int> first = rungs();
  for (int passes = 1;; ++passes) {
    before = ledger.entries();
    HaloErrors errors;
    exchange_.measure(&errors);
    const double result = pass();
    exchange_.measure(nullptr);
    const Array<float> lossy = host_copy_of(std::span<const float>(gradients.flat()));
    measured_ = measurement(errors, exact.span(), lossy.span());
    measured_->passes = passes;
    BudgetWalk::Measured said{.errors = {}, .cosine = measured_->gradient_cosine};
    for (const HaloMeasurement::Layer& layer : measured_->layers) said.errors.push_back(layer.largest());
    std::vector<int> next = rungs();
    if (!walk || !walk->goes_on(said, next)) {
      if (walk) put_rungs(next);
      tell(first);
      return result;
    }
    move_extra(ledger, before);
    put_rungs(next);
  }
}

/// Sums over ranks, so that all ranks see the same numbers, be the gradients' last bits what they may.
HaloMeasurement ErrorWatch::measurement(const HaloErrors& errors, std::span<const float> exact,
                                        std::span<const float> lossy) const {
  std::vector<double> sums(3 + 4 * static_cast<std::size_t>(layers_), 0.0);
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    if (trained_[i] == 0) continue;
    sums[0] += static_cast<double>(exact[i]) * lossy[i];
    sums[1] += static_cast<double>(exact[i]) * exact[i];
    sums[2] += static_cast<double>(lossy[i]) * lossy[i];
  }
  for (int layer = 1; layer <= layers_; ++layer) {
    for (const bool backward : {false, true}) {
      const HaloErrors::Squares squares = errors.of(layer, backward);
      const std::size_t place = 3 + 4 * static_cast<std::size_t>(layer - 1) + (backward ? 2 : 0);
      sums[place] = squares.lost;
      sums[place + 1] = squares.whole;
    }
  }
  all_reduce_sum(context_.comm, std::span<double>(sums), "measure what the halo protocol loses");
  const double lengths = std::sqrt(sums[1]) * std::sqrt(sums[2]);
  HaloMeasurement measurement{
      .epoch = context_.state.epoch + 1,
      .gradient_cosine = lengths == 0 ? (sums[1] == sums[2] ? 1 : 0) : sums[0] / lengths};
  for (int layer = 1; layer <= layers_; ++layer) {
    const auto error = [&](std::size_t place) { return relative({sums[place], sums[place + 1]}); };
    const std::size_t place = 3 + 4 * static_cast<std::size_t>(layer - 1);
    // Routes in rounds and plans of columns compare nothing.
    if (ladder_ == nullptr && sums[place + 1] == 0 && sums[place + 3] == 0) continue;
    measurement.layers.push_back({.layer = layer, .forward = error(place), .backward = error(place + 2)});
    if (ladder_ != nullptr)
      measurement.layers.back().encode =
          ladder_->rungs()[static_cast<std::size_t>(ladder_->rung(layer))].encode;
  }
  return measurement;
}

std::vector<int> ErrorWatch::rungs() const {
  std::vector<int> rungs;
  for (int layer = 1; layer <= layers_ && ladder_ != nullptr; ++layer) rungs.push_back(ladder_->rung(layer));
  return rungs;
}

void ErrorWatch::put_rungs(const std::vector<int>& rungs) {
  for (std::size_t i = 0; i < rungs.size(); ++i) ladder_->put(static_cast<int>(i) + 1, rungs[i]);
}

void ErrorWatch::settle_rungs() {
  HaloDecisions* decisions = exchange_.decisions();
  if (ladder_ == nullptr || decisions == nullptr) return;
  for (int layer = 1; layer <= layers_; ++layer) {
    const auto own = [&] { return HaloDecisions::Codes{static_cast<std::uint8_t>(ladder_->rung(layer))}; };
    const DecisionKey key = ladder_key(static_cast<std::uint32_t>(context_.state.step), layer);
    ladder_->put(layer, decisions->settled(key, 1, own).front());
  }
}

/// What was chosen, beside what the others would send.
void ErrorWatch::tell(const std::vector<int>& before) const {
  const std::vector<int> now = rungs();
  if (context_.comm.rank() != Rank{0} || ladder_ == nullptr || (now == before && context_.state.epoch > 0))
    return;
  const auto& known = ladder_->rungs();
  std::string changes, others;
  double sent = 0;
  for (std::size_t i = 0; i < now.size(); ++i) {
    const std::string& from = known[static_cast<std::size_t>(before[i])].encode;
    const std::string& to = known[static_cast<std::size_t>(now[i])].encode;
    changes += fmt::format("{}layer {} {}", i == 0 ? "" : ", ", i + 1, from == to ? to : from + " -> " + to);
    sent += bytes_[i][static_cast<std::size_t>(now[i])];
  }
  for (std::size_t r = 0; r < known.size(); ++r) {
    const double all = std::accumulate(bytes_.begin(), bytes_.end(), 0.0,
                                       [&](double sum, const auto& layer) { return sum + layer[r]; });
    others += fmt::format("{}{} {}", r == 0 ? "" : ", ", known[r].encode, human_bytes(all));
  }
  log::info(
      fmt::format("error budget, epoch {}: {}; halo error {:.3g} of {:g}, gradient cosine {:.4f} of {:g}; a "
                  "step's halo about "
                  "{} (all layers in {})",
                  measured_->epoch, changes, largest_error(*measured_), context_.options.error_budget,
                  measured_->gradient_cosine, context_.options.least_cosine, human_bytes(sent), others));
}

}  // namespace kith
