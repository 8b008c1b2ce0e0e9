#include "fuzz/input_file.h"

#include "kith/datasets/npy.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  return fuzz::answered([&] {
    const NpyView view = parse_npy(bytes, "x.npy");
    view.copied<float>();
    view.copied<std::int64_t>();
  });
}
