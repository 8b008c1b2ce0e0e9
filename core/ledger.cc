#include "kith/core/ledger.h"

#include <string_view>

#include <sys/resource.h>

#include "kith/core/trace.h"

namespace kith {
namespace {
constexpr std::string_view kSecondsPrefix = "seconds.";
}  // namespace

void Ledger::add(const LedgerKey& key, double amount) {
  std::lock_guard lock(mutex_);
  entries_[key] += amount;
}

void Ledger::set(const char* name, double value) {
  std::lock_guard lock(mutex_);
  entries_[{name, -1, -1}] = value;
}

void Ledger::add_seconds(const LedgerKey& key, Time begin, Time end, std::int64_t bytes) {
  add(key, std::chrono::duration<double>(end - begin).count());
  if (trace_ == nullptr) return;
  std::string name = key.name;
  if (name.starts_with(kSecondsPrefix)) name.erase(0, kSecondsPrefix.size());
  trace_->add({.name = std::move(name), .begin = begin, .end = end, .layer = key.layer, .bytes = bytes});
}

double Ledger::total(const std::string& name) const {
  std::lock_guard lock(mutex_);
  double sum = 0;
  for (auto it = entries_.lower_bound({name, -1, -1}); it != entries_.end() && it->first.name == name; ++it)
    sum += it->second;
  return sum;
}

std::map<LedgerKey, double> Ledger::entries() const {
  std::lock_guard lock(mutex_);
  return entries_;
}

void Ledger::clear() {
  std::lock_guard lock(mutex_);
  entries_.clear();
}

void PhaseTimer::stop() {
  if (ledger_ == nullptr) return;
  ledger_->add_seconds({std::string(kSecondsPrefix) + phase_, -1, -1}, begin_, Clock::now(), bytes_);
  ledger_ = nullptr;
}

std::int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace kith
