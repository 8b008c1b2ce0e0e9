#include "kith/core/cuda/check.h"

#include <string>

namespace kith {

void check_cuda(cudaError_t code, std::string_view operation, std::initializer_list<Fact> facts) {
  if (code == cudaSuccess) return;
  // An error that is not sticky is told once.
  static_cast<void>(cudaGetLastError());
  const std::string text = with_facts(operation, facts) + ": " + cudaGetErrorString(code);
  if (code == cudaErrorMemoryAllocation) throw MemoryError(text);
  throw Error(text);
}

}  // namespace kith
