#include "fuzz/input_file.h"

#include "kith/datasets/import/registry.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz::folder().put("x.mtx", data, size);
  return fuzz::answered([&] { validate(import_dataset(path, {.format = "matrix-market"})); });
}
