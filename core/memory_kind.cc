#include "kith/core/memory_kind.h"

#include <utility>

namespace kith {
namespace {
thread_local MemoryKind current_kind = MemoryKind::workspace;
}  // namespace

std::string_view name_of(MemoryKind kind) {
  constexpr std::array<std::string_view, kMemoryKinds> kNames{
      "program",     "mapped",    "graph", "features", "cache",      "parameters",
      "activations", "gradients", "halo",  "batches",  "evaluation", "workspace"};
  return kNames[static_cast<std::size_t>(kind)];
}

MemoryUse::MemoryUse(MemoryKind kind) : outer_(std::exchange(current_kind, kind)) {}
MemoryUse::~MemoryUse() { current_kind = outer_; }
MemoryKind MemoryUse::current() { return current_kind; }

}  // namespace kith
