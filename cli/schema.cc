#include "kith/cli/schema.h"

#include "kith/cli/bench.h"
#include "kith/datasets/export/export_store.h"
#include "kith/datasets/settings.h"
#include "kith/exec/settings.h"
#include "kith/partition/settings.h"
#include "kith/sampler/settings.h"

namespace kith::cli {
namespace {

using Type = Setting::Type;

/// What the program itself adds: where to read and write. None of it changes a result.
Setting own(std::string name, Type type, std::string help, std::vector<std::string> verbs) {
  Setting setting;
  setting.name = std::move(name);
  setting.type = type;
  setting.fallback = type == Type::boolean ? "false" : "";
  setting.help = std::move(help);
  setting.module = "cli";
  setting.verbs = std::move(verbs);
  setting.shapes_result = false;
  return setting;
}

void add_positionals(Schema& schema) {
  Setting kind = own("kind", Type::choice,
                     "planted: communities with power-law degrees; rmat: a recursive matrix", {"generate"});
  kind.choices = {"planted", "rmat"};
  kind.shapes_result = true;
  schema.add(kind);
  schema.add(own("raw", Type::path, "the file or folder to import", {"prepare"}));
  schema.add(own("store", Type::path, "the store to cut", {"partition"}));
  schema.add(own("path", Type::path, "a store, a partitioned store or a run", {"inspect", "verify"}));
}

void add_outputs(Schema& schema) {
  const std::vector<std::string> writers{"generate", "prepare", "partition"};
  schema.add(own("output", Type::path, "the folder to make", writers));
  schema.add(own("overwrite", Type::boolean, "replace the output if it exists", writers));
  schema.add(own("output", Type::path,
                 "the predictions: .npy (int64 [n]; multi-label: probabilities, fp32 [n, classes]) or .csv",
                 {"infer"}));
  schema.add(
      own("embeddings", Type::path,
          "an .npy or .csv for the last layer's input (the last hidden representation), fp32 [n, width]",
          {"infer"}));
  schema.add(own("logits", Type::path, "an .npy or .csv for the logits of every node, fp32 [n, classes]",
                 {"infer"}));
  schema.add(own("output", Type::path, "of a run, the .safetensors to make; of a store, what --format says",
                 {"export"}));
  Setting format = own("format", Type::choice, "of a store: write it in this format", {"export"});
  for (const ExportFormat& one : export_formats()) format.choices.emplace_back(one.name);
  schema.add(std::move(format));
  schema.add(own(
      "assignment", Type::path,
      "of a partitioned store: the part of every node, .npy, or text with a number a line as METIS writes it",
      {"export"}));
  schema.add(own("overwrite", Type::boolean, "replace the files if they exist", {"infer", "export"}));
  schema.add(own("json", Type::boolean, "print one JSON object", {"inspect"}));
  schema.add(own("html", Type::path, "of a store or partitioned store: write its figures as one page of HTML",
                 {"inspect"}));
  schema.add(own("markdown", Type::boolean, "print Markdown", {"settings"}));
}

/// Of the verbs that use a trained run.
void add_run_users(Schema& schema) {
  schema.add(own("run", Type::path, "the run's folder", {"infer", "report"}));
  schema.add(own("run", Type::path, "a run, a store or a partitioned store", {"export"}));
  schema.add(own("data", Type::path, "another store or partitioned store with the same features", {"infer"}));
  Setting limit = own("no-progress-limit", Type::real,
                      "seconds without progress after which a wait names who is missing", {"infer"});
  limit.fallback = "300";
  limit.minimum = 0.1;
  limit.maximum = 1e9;
  schema.add(limit);
}

void add_slurm(Schema& schema) {
  const auto add = [&](std::string name, Type type, std::string fallback, std::string help) {
    Setting setting = own(std::move(name), type, std::move(help), {"slurm"});
    setting.fallback = std::move(fallback);
    if (type == Type::integer) setting.minimum = 1, setting.maximum = 1e6;
    schema.add(std::move(setting));
  };
  add("run-file", Type::path, "", "the TOML file that `kith train` shall run");
  add("nodes", Type::integer, "1", "hosts of the job");
  add("ranks-per-node", Type::integer, "1", "ranks on each host");
  add("cpus-per-rank", Type::integer, "1", "cores, and so threads, of each rank");
  add("time", Type::text, "1:00:00", "time limit until the job is requeued: minutes, H:MM:SS or D-HH");
  add("job-name", Type::text, "kith", "the job's name in the queue");
}

void add_shared(Schema& schema) {
  Setting threads = own("threads", Type::integer, "threads to use; 0: every core this process may run on",
                        {"generate", "prepare", "partition", "verify", "infer", "bench"});
  threads.fallback = "0";
  threads.minimum = 0;
  threads.maximum = 4096;
  schema.add(threads);
  schema.add(own("config", Type::path, "a TOML file of settings",
                 {"generate", "prepare", "partition", "train", "evaluate", "infer", "export"}));
}

}  // namespace

Schema program_schema() {
  Schema schema;
  add_positionals(schema);
  add_outputs(schema);
  add_run_users(schema);
  add_shared(schema);
  add_slurm(schema);
  add_bench_settings(schema);
  add_dataset_settings(schema);
  add_partition_settings(schema);
  add_sampler_settings(schema);
  add_exec_settings(schema);
  return schema;
}

}  // namespace kith::cli
