#include <algorithm>

#include "kith/comm/internal_messages.h"

namespace kith {

const std::shared_ptr<Collective::Registry>& Collective::of_this_thread() {
  thread_local const auto registry = std::make_shared<Registry>();
  return registry;
}

Collective::Collective(const char* what) : Operation(what), registry_(of_this_thread()) {
  std::lock_guard lock(registry_->mutex);
  registry_->running.push_back(this);
}

Collective::~Collective() { retire(); }

void Collective::retire() {
  std::lock_guard lock(registry_->mutex);
  std::erase(registry_->running, this);
}

bool Collective::poll() {
  std::lock_guard lock(registry_->mutex);
  if (!done_) done_ = advance();
  return done_;
}

void Collective::drive_all() {
  Registry& registry = *of_this_thread();
  std::lock_guard lock(registry.mutex);
  for (Collective* collective : registry.running)
    if (!collective->done_) collective->done_ = collective->advance();
  std::erase_if(registry.running, [](const Collective* collective) { return collective->done_; });
}

}  // namespace kith
