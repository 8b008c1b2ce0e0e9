#include "fuzz/input_file.h"

#include "kith/datasets/import/pickle.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MappedFile file(fuzz::folder().put("p", data, size));
  fuzz::answered([&] { read_pickled_array(file).copied<float>(); });
  fuzz::answered([&] { read_pickled_csr(file); });
  return fuzz::answered([&] { read_pickled_graph(file); });
}
