#include "fuzz/input_file.h"

#include "kith/datasets/import/text_table.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz::folder().put("x.csv", data, size);
  fuzz::answered([&] { parse_table<float>(TextFile(path), {.keep = 2, .may_have_header = true}); });
  return fuzz::answered([&] { parse_table<std::int64_t>(TextFile(path), {}); });
}
