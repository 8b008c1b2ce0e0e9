#include "kith/core/trace.h"

#include <algorithm>
#include <atomic>
#include <tuple>

namespace kith {
namespace {
thread_local TracePlace here;

/// A std::thread::id is given again when its thread has ended.
std::atomic<std::uint64_t> threads_so_far = 0;
thread_local const std::uint64_t this_thread = ++threads_so_far;
}  // namespace

int Trace::thread_here() {
  const auto [found, added] = numbers_.try_emplace(this_thread, static_cast<int>(threads_.size()));
  if (added) threads_.push_back("thread " + std::to_string(threads_.size() + 1));
  return found->second;
}

void Trace::name_thread(const std::string& name) {
  std::lock_guard lock(mutex_);
  threads_[static_cast<std::size_t>(thread_here())] = name;
}

void Trace::add(TraceEvent event) {
  std::lock_guard lock(mutex_);
  if (events_.size() == most_events_) {
    ++dropped_;
    return;
  }
  event.thread = thread_here();
  event.place = here;
  events_.push_back(std::move(event));
}

// Events are added when they end, so of two with the same times the later one is the outer one.
std::vector<TraceEvent> Trace::events() const {
  std::vector<TraceEvent> sorted;
  {
    std::lock_guard lock(mutex_);
    sorted.assign(events_.rbegin(), events_.rend());
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const TraceEvent& a, const TraceEvent& b) {
    return std::tie(a.thread, a.begin, b.end) < std::tie(b.thread, b.begin, a.end);
  });
  return sorted;
}

std::vector<std::string> Trace::threads() const {
  std::lock_guard lock(mutex_);
  return threads_;
}

std::int64_t Trace::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

TraceSpan::TraceSpan(Trace* trace, const char* name, TracePlace place)
    : trace_(trace), name_(name), outer_(here) {
  if (trace_ == nullptr) return;
  here = place;
  begin_ = std::chrono::steady_clock::now();
}

TraceSpan::~TraceSpan() {
  if (trace_ == nullptr) return;
  trace_->add({.name = name_, .begin = begin_, .end = std::chrono::steady_clock::now()});
  here = outer_;
}

}  // namespace kith
