#include "fuzz/input_file.h"

#include "kith/datasets/import/registry.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto edges = fuzz::folder().put("e.csv", "0,1\n1,2\n2,0\n");
  static const auto features = fuzz::folder().put("f.csv", "1,2\n3,4\n5,6\n");
  const auto path = fuzz::folder().put("metadata.json", data, size);
  return fuzz::answered([&] { validate(import_dataset(path, {.format = "dgl-chunked"})); });
}
