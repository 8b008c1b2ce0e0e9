#include "fuzz/input_file.h"

#include "kith/datasets/import/node_table.h"
#include "kith/datasets/import/registry.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto edges = fuzz::folder().put("e.csv", "1,2\n2,3\n3,1\n");
  const auto path = fuzz::folder().put("n.csv", data, size);
  return fuzz::answered([&] {
    RawDataset raw = import_dataset(edges, {});
    NodeTableOptions options;
    options.file = path;
    attach_nodes(raw, options);
    validate(raw);
  });
}
