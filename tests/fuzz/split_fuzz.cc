#include "fuzz/input_file.h"

#include "kith/datasets/external/memory_budget.h"
#include "kith/datasets/import/split_spec.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  fuzz::answered([&] { bytes_of_text(text, "memory-limit"); });
  return fuzz::answered([&] { parse_split(text, 0); });
}
