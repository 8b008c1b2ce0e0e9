#include "fuzz/input_file.h"

#include "kith/datasets/text/edge_text.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses the options.
  const std::uint8_t choice = size == 0 ? 0 : data[0];
  const auto path = fuzz::folder().put("x.txt", data + (size == 0 ? 0 : 1), size == 0 ? 0 : size - 1);
  EdgeTextOptions options;
  options.ids = static_cast<IdPolicy>(choice % 3);
  options.skip_bad_lines = (choice & 4) != 0;
  options.max_errors = 1 + (choice >> 6);
  if ((choice & 8) != 0) options.weight_column = "3";
  if ((choice & 16) != 0) options.source_column = "2";
  if ((choice & 16) != 0) options.destination_column = "1";
  return fuzz::answered([&] { read_edge_text({path}, options); });
}
