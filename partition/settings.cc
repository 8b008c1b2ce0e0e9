#include "kith/partition/settings.h"

#include "kith/core/error.h"
#include "kith/partition/constraints.h"
#include "kith/partition/partitioners.h"

namespace kith {
namespace {

constexpr double kMostParts = 1 << 20;

Setting setting(const char* name, Setting::Type type, const char* fallback, const char* help) {
  return setting_of("partition", "partition", name, type, fallback, help);
}

/// The levels make k, unless k is said too and says otherwise.
void read_levels(const Settings& settings, PartitionOptions& options) {
  if (!settings.has_value("levels")) return;
  const std::string text = settings.text("levels");
  options.levels = partition_levels(text);
  const int parts = parts_of(options.levels);
  if (settings.is_set("k") && options.k != parts)
    throw InputError("--levels " + text + " makes " + std::to_string(parts) + " parts, --k asks for " +
                     std::to_string(options.k));
  if (settings.has_value("assignment"))
    throw InputError("--assignment says where every node belongs, --levels would, too: give one of them");
  options.k = parts;
}

}  // namespace

void add_partition_settings(Schema& schema) {
  using Type = Setting::Type;
  Setting k = setting("k", Type::integer, "2", "The number of parts; a run may use as many ranks or fewer");
  k.minimum = 1;
  k.maximum = kMostParts;
  schema.add(k);

  schema.add(
      setting("levels", Type::text, "",
              "Cuts level by level, what the slowest links join first, as in hosts=2,gpus=4; parts of a "
              "host are numbered one after the other"));

  Setting method = setting("method", Type::choice, "metis", "How to choose the parts");
  method.choices = partition_methods();
  schema.add(method);

  Setting objective = setting("objective", Type::choice, "cut",
                              "What METIS minimises: edges between parts, or rows that parts exchange");
  objective.choices = {"cut", "volume"};
  schema.add(objective);

  schema.add(setting("balance", Type::text, "nodes",
                     "What every part gets an equal share of: a list of nodes, edges, train, valid, test"));
  Setting imbalance =
      setting("imbalance", Type::real, "0.03",
              "How far the heaviest part may exceed the mean, as a fraction (METIS, ldg, fennel)");
  imbalance.minimum = 0.001;
  imbalance.maximum = 1;
  schema.add(imbalance);

  Setting passes = setting("passes", Type::integer, "10", "How often ldg and fennel go over the nodes");
  passes.minimum = 1;
  passes.maximum = 1000;
  schema.add(passes);

  schema.add(setting("assignment", Type::path, "",
                     "A file with one part number per node, text or .npy, that replaces the method"));
  Setting seed = setting("seed", Type::integer, "0", "The seed of all random choices");
  seed.minimum = 0;
  schema.add(seed);
}

PartitionOptions partition_options(const Settings& settings) {
  PartitionOptions options;
  options.k = static_cast<int>(settings.integer("k"));
  read_levels(settings, options);
  options.method = settings.text("method");
  options.objective = settings.text("objective") == "volume" ? CutObjective::volume : CutObjective::cut;
  options.balance = settings.text("balance");
  balance_names(options.balance);
  options.imbalance = settings.real("imbalance");
  options.passes = static_cast<int>(settings.integer("passes"));
  options.seed = static_cast<std::uint64_t>(settings.integer("seed"));
  if (settings.has_value("assignment")) options.assignment = settings.text("assignment");
  return options;
}

}  // namespace kith
