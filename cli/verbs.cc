#include <fmt/format.h>

#include "kith/cli/verb.h"
#include "kith/core/error.h"

namespace kith::cli {

const std::vector<Verb>& all_verbs() {
  static const std::vector<Verb> verbs{
      {.name = "generate",
       .summary = "Make a synthetic graph with features and labels",
       .example = "kith generate planted -o toy --nodes 20000 --degree 16 --communities 8 --seed 1",
       .positionals = {{"kind", "KIND"}},
       .run = run_generate},
      {.name = "prepare",
       .summary = "Import a raw graph, check it and write a store",
       .example = "kith prepare downloads/planetoid -o cora --name cora --normalize-features row",
       .positionals = {{"raw", "RAW"}},
       .run = run_prepare},
      {.name = "partition",
       .summary = "Cut a store into parts for several ranks",
       .example = "kith partition cora -o cora-k4 -k 4 --method metis --balance nodes,train",
       .positionals = {{"store", "STORE"}},
       .run = run_partition},
      {.name = "inspect",
       .summary = "Say what a store, a partitioned store or a run holds",
       .example = "kith inspect cora-k4 --json",
       .positionals = {{"path", "STORE|PARTS|RUN"}},
       .run = run_inspect},
      {.name = "verify",
       .summary = "Read every file of a store, a partitioned store or a run against its checksum",
       .example = "kith verify cora-k4",
       .positionals = {{"path", "STORE|PARTS|RUN"}},
       .run = run_verify},
      {.name = "train",
       .summary = "Train a model on one rank, or on several under mpiexec or srun",
       .example = "mpiexec -n 2 kith train cora-k4 -o runs/sage --model sage --regime mini-batch --epochs 20",
       .positionals = {{"data", "DATA|run.toml"}},
       .run = run_train},
      {.name = "evaluate",
       .summary = "Measure a trained model over the full graph",
       .example = "kith evaluate runs/sage --split test --json",
       .positionals = {{"run", "RUN"}},
       .run = run_evaluate},
      {.name = "infer",
       .summary = "Write a trained model's class of every node, in the order of the import",
       .example = "mpiexec -n 2 kith infer runs/sage -o predictions.npy --embeddings embeddings.npy",
       .positionals = {{"run", "RUN"}},
       .run = run_infer},
      {.name = "export",
       .summary = "Write a run's weights for PyTorch Geometric, or a store or an assignment in other formats",
       .example = "kith export runs/sage -o model.safetensors; kith export cora --format mtx -o cora.mtx",
       .positionals = {{"run", "RUN|STORE|PARTS"}},
       .run = run_export},
      {.name = "report",
       .summary = "Write RUN/report.html: curves, seconds, bytes and memory of a run on one page",
       .example = "kith report runs/sage",
       .positionals = {{"run", "RUN"}},
       .run = run_report},
      {.name = "bench",
       .summary = "Measure kernels, halo protocols on parts, the network, or the ceilings of this machine",
       .example = "kith bench spmm cora --width 128 --threads 2 --json -",
       .positionals = {{"what", "spmm|sample|protocols|net|machine"}, {"store", "STORE|PARTS", true}},
       .run = run_bench},
      {.name = "slurm",
       .summary = "Print a Slurm batch script that trains, and requeues itself until the run is done",
       .example = "kith slurm run.toml --nodes 2 --ranks-per-node 4 --time 4:00:00 > job.sh && sbatch job.sh",
       .positionals = {{"run-file", "run.toml"}},
       .run = run_slurm},
      {.name = "settings",
       .summary = "Print every setting as the Markdown of docs/settings.md",
       .example = "kith settings --markdown",
       .positionals = {},
       .run = run_settings,
       .listed = false},
  };
  return verbs;
}

const Verb& verb_named(const std::string& name) {
  std::vector<std::string> known;
  for (const Verb& verb : all_verbs()) {
    if (verb.name == name) return verb;
    known.push_back(verb.name);
  }
  const auto near = nearest_name(name, known);
  throw InputError(fmt::format("unknown verb \"{}\"{}; kith --help lists them", name,
                               near ? fmt::format(", did you mean \"{}\"?", *near) : ""));
}

}  // namespace kith::cli
