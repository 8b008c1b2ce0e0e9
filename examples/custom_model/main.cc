// A GNN that Kith does not have, trained on any number of ranks:
//   mpiexec -n 2 custom_model DATA RUN full-graph|mini-batch
// A gated layer, y_i = σ(x_i W_g) ⊙ mean_j(x_j W_n) + x_i W_s: each node decides how far it listens.
#include <cmath>
#include <cstdio>

#include "kith/comm/run_main.h"
#include "kith/core/parallel.h"
#include "kith/exec/train.h"

using namespace kith;

/// σ(gate) ⊙ x. An op is its value and its backward pass, which adds to the gradients of its inputs.
Var gated(Tape& tape, const Var& gate, const Var& x) {
  auto for_elements = [](std::int64_t rows, std::int64_t cols, auto body) {
    parallel_for(0, rows, 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t j = 0; j < cols; ++j) body(i, j);
    });
  };
  auto open = [gate](std::int64_t i, std::int64_t j) { return 1 / (1 + std::exp(-gate.value()(i, j))); };
  Matrix y(x.rows(), x.cols());
  for_elements(y.rows(), y.cols(), [&](auto i, auto j) { y(i, j) = open(i, j) * x.value()(i, j); });
  return tape.record(std::move(y), {gate, x}, [=](const Backend&, ConstTensor dy, Gradients& gradients) {
    auto add_to = [&](GradientSlot slot, auto factor) {
      if (slot)  // beta is 0 for its first writer: there is nothing to read yet
        for_elements(dy.rows, dy.cols, [&](auto i, auto j) {
          slot.tensor(i, j) = dy(i, j) * factor(i, j) + (slot.beta == 0 ? 0 : slot.tensor(i, j));
        });
    };
    add_to(gradients.slot(x), open);
    add_to(gradients.slot(gate),
           [&](auto i, auto j) { return open(i, j) * (1 - open(i, j)) * x.value()(i, j); });
  });
}

struct GatedConv {
  const Parameter &gate, &neighbours, &self;

  GatedConv(Parameters& p, const std::string& name, std::int64_t in, std::int64_t out)
      : gate(p.glorot(name + ".gate", out, in)),
        neighbours(p.glorot(name + ".neighbours", out, in)),
        self(p.glorot(name + ".self", out, in)) {}

  Var forward(Tape& tape, const LayerGraph& graph, const Var& x) const {
    const Var own = destination_rows(tape, graph, x), heard = mean(tape, graph, linear(tape, x, neighbours));
    return add(tape, gated(tape, linear(tape, own, gate), heard), linear(tape, own, self));
  }
};

struct GatedModel final : Model {
  GatedConv first, second;

  GatedModel(Parameters& p, std::int64_t in, std::int64_t classes)
      : first(p, "first", in, 64), second(p, "second", 64, classes) {}
  int layers() const override { return 2; }
  Var forward(Tape& tape, const LayerGraphs& graphs, const Var& x) override {
    const Var h = relu(tape, first.forward(tape, graphs[0], x));
    return second.forward(tape, graphs[1], dropout(tape, graphs[1], h, 0.5));
  }
};

int main(int argc, char** argv) {
  return run_main(argc, argv, [&](Communicator& comm) {
    if (argc != 4) throw InputError("usage: custom_model DATA RUN full-graph|mini-batch");
    TrainOptions options;
    options.model_name = "gated";
    options.epochs = 20;
    options.fanouts = {10, 5};
    options.batch_size = 256;
    options.regime = std::string(argv[3]) == "full-graph" ? Regime::full_graph : Regime::mini_batch;
    const PartitionedStore data = open_for_ranks(comm, argv[1], argv[2]);
    auto make = [](auto&&... sizes) { return std::make_unique<GatedModel>(sizes...); };
    const RunSummary summary = train(comm, data, argv[2], options, make);
    if (comm.rank() == Rank{0})
      std::printf("%stest accuracy %.4f\n", report_table(summary).c_str(), summary.best.accuracy[2]);
  });
}
