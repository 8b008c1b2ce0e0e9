#include "kith/core/ledger.h"

#include <sys/resource.h>

namespace kith {

void Ledger::add(const LedgerKey& key, double amount) {
  std::lock_guard lock(mutex_);
  entries_[key] += amount;
}

void Ledger::set(const char* name, double value) {
  std::lock_guard lock(mutex_);
  entries_[{name, -1, -1}] = value;
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
  const std::chrono::duration<double> seconds = Clock::now() - begin_;
  ledger_->add({std::string("seconds.") + phase_, -1, -1}, seconds.count());
  ledger_ = nullptr;
}

std::int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace kith
