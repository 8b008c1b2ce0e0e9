#include "kith/exec/halo/kept_rows.h"

#include <array>
#include <bit>
#include <utility>

#include "kith/core/rehearsal.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/rows.h"

namespace kith {
namespace {

constexpr std::uint64_t kSingleAges = 64;

}  // namespace

void KeptRows::take(const Backend& on, Arrival arrival) {
  const float gamma = std::exchange(started_, true) ? arrival.smoothing : 0;
  const auto blend = [&](ConstTensor from) { axpby(on, 1 - gamma, from, gamma, rows_); };
  if (arrival.all) {
    blend(arrival.rows);
  } else if (!arrival.keeps_others) {
    Matrix now(rows_.rows(), rows_.cols(), 0.0f);
    if (!rehearsing()) put_rows(on, arrival.rows, arrival.places, now);
    blend(now);
  } else if (!rehearsing()) {
    if (gamma > 0) {
      Matrix before(arrival.rows.rows(), arrival.rows.cols());
      gather_rows(on, rows_, arrival.places, before);
      axpby(on, gamma, before, 1 - gamma, arrival.rows);
    }
    put_rows(on, arrival.rows, arrival.places, rows_);
  }
  if (!rehearsing()) note_steps(arrival);
}

void KeptRows::note_steps(const Arrival& arrival) {
  sent_.resize(static_cast<std::size_t>(rows_.rows()), -1);
  if (!arrival.keeps_others && !arrival.all) sent_.assign(sent_.size(), -1);
  for (std::int64_t i = 0; i < arrival.rows.rows(); ++i) {
    if (!arrival.crossed.empty() && arrival.crossed[static_cast<std::size_t>(i)] == 0) continue;
    const std::int64_t place = arrival.all ? i : arrival.places[static_cast<std::size_t>(i)];
    sent_[static_cast<std::size_t>(place)] = arrival.step;
  }
}

void KeptRows::count_ages(std::uint32_t step, const std::string& counter, int layer, Ledger& ledger) const {
  std::array<std::int64_t, kSingleAges + 64> counts{};  // behind the single ages the powers of two
  for (const std::int64_t sent : sent_) {
    if (sent < 0) continue;
    const auto age = static_cast<std::uint64_t>(static_cast<std::int64_t>(step) - sent);
    ++counts[age < kSingleAges ? age : kSingleAges + static_cast<std::uint64_t>(std::bit_width(age)) - 1];
  }
  for (std::size_t place = 0; place < counts.size(); ++place) {
    if (counts[place] == 0) continue;
    const std::uint64_t age = place < kSingleAges ? place : std::uint64_t{1} << (place - kSingleAges);
    ledger.add({counter + '.' + std::to_string(age), layer, -1}, static_cast<double>(counts[place]));
  }
}

void KeptRows::save(HaloState& state, const std::string& name) const {
  const UseMemory host(nullptr);
  Matrix sent(std::ssize(sent_), kNumberColumns);
  for (std::int64_t i = 0; i < sent.rows(); ++i)
    write_number(sent_[static_cast<std::size_t>(i)], sent.view().row(i));
  state.put(name + ".rows", rows_);
  state.put(name + ".sent", sent);
}

KeptRows KeptRows::restored(const HaloState& state, const std::string& name, std::int64_t rows) {
  const Matrix& values = state.at(name + ".rows");
  const Matrix& sent = state.at(name + ".sent", kNumberColumns);
  if (values.rows() != rows || sent.rows() != rows)
    throw CorruptError("saved halo state: " + name + " has " + std::to_string(values.rows()) +
                       " rows, the exchange has " + std::to_string(rows));
  KeptRows kept;
  kept.rows_ = copy_of(values);
  kept.started_ = true;
  for (std::int64_t i = 0; i < rows; ++i) kept.sent_.push_back(read_number(sent.view().row(i)));
  return kept;
}

}  // namespace kith
