#include "fuzz/input_file.h"

#include "kith/datasets/meta_json.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/datasets/sealed_json.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // What is sealed is whole, not right: the fields are read as somebody may have written them.
  const std::string text = sealed(std::string(reinterpret_cast<const char*>(data), size) + "\n}");
  fuzz::folder().put(kStoreJson, text);
  fuzz::folder().put(kPartitionJson, text);
  fuzz::answered([&] { Store::open(fuzz::folder().path()); });
  return fuzz::answered([&] { PartitionedStore::open(fuzz::folder().path()); });
}
