// What CUDA's runtime was asked for, by its own count, while a device was short of memory.
#include "emulator/device_pages.h"
#include "exec/trained.h"
#include "on_cuda.h"

namespace kith::test {
namespace {

using EmulatedLimit = OnCuda;

TEST_F(EmulatedLimit, IsNeverPassed) {
  static const RandomStore graph(
      {.nodes = 500, .degree = 4, .cols = 12, .train_stride = 3, .all_splits = true});
  for (const std::string model : {"sage", "gat"}) {
    Training training = full_graph_training(model);
    training.options.epochs = 1;
    training.options.on = Cuda{&device()};
    emulated::most_bytes_taken();
    const std::size_t before = emulated::most_bytes_taken();
    trained_on_threads(1, cut(graph, "range", 1), training);
    EXPECT_GT(emulated::most_bytes_taken(), before + (160 << 10)) << model << " without a limit";
    device().set_limit({.bytes = static_cast<std::int64_t>(before) + (100 << 10), .workspace = 80 << 10});
    trained_on_threads(1, cut(graph, "range", 1), training);
    device().set_limit({});
    EXPECT_LE(emulated::most_bytes_taken(), before + (100 << 10)) << model;
  }
}

}  // namespace
}  // namespace kith::test
