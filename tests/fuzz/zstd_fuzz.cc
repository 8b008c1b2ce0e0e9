#include "fuzz/input_file.h"

#include "kith/datasets/text/decompressor.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz::folder().put("x.zst", data, size);
  return fuzz::answered([&] {
    ByteStream stream(path);
    Array<char> piece(std::size_t{1} << 16);
    for (int pieces = 0; pieces < 64 && stream.read(piece.span()) == piece.size(); ++pieces) {
    }
  });
}
