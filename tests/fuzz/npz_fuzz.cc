#include "fuzz/input_file.h"

#include "kith/datasets/import/npz.h"

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto path = fuzz::folder().put("x.npz", data, size);
  return fuzz::answered([&] {
    const ZipArchive archive(path);
    for (const ZipMember& member : archive.members()) {
      fuzz::answered([&] { parse_npy(archive.read(member).bytes, member.name).copied<float>(); });
    }
  });
}
