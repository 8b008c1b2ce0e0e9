#include "fuzz/input_file.h"

#include "kith/datasets/import/inflate.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  fuzz::answered([&] { inflated(bytes.subspan(size == 0 ? 0 : 1), size == 0 ? 0 : 4 * data[0], "x"); });
  return fuzz::answered([&] { gunzipped(bytes, "x.gz"); });
}
