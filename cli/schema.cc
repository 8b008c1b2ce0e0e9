#include "kith/cli/schema.h"

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
  schema.add(own("json", Type::boolean, "print one JSON object", {"inspect"}));
  schema.add(own("markdown", Type::boolean, "print Markdown", {"settings"}));
}

void add_shared(Schema& schema) {
  Setting threads = own("threads", Type::integer, "threads to use; 0: every core this process may run on",
                        {"generate", "prepare", "partition", "verify"});
  threads.fallback = "0";
  threads.minimum = 0;
  threads.maximum = 4096;
  schema.add(threads);
  schema.add(own("config", Type::path, "a TOML file of settings",
                 {"generate", "prepare", "partition", "train", "evaluate"}));
}

}  // namespace

Schema program_schema() {
  Schema schema;
  add_positionals(schema);
  add_outputs(schema);
  add_shared(schema);
  add_dataset_settings(schema);
  add_partition_settings(schema);
  add_sampler_settings(schema);
  add_exec_settings(schema);
  return schema;
}

}  // namespace kith::cli
