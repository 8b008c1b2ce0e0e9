#include "kith/exec/settings.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "kith/exec/device_plan.h"
#include "kith/exec/end_time.h"
#include "kith/exec/halo/protocol.h"
#include "kith/exec/net_model.h"
#include "kith/sampler/settings.h"

namespace kith {
namespace {

using Type = Setting::Type;

/// Adds one setting of `kith train`; the chained calls say what is special about it.
struct Added {
  Schema& schema;
  Setting setting;

  Added(Schema& s, const char* name, Type type, const char* fallback, const char* help)
      : schema(s), setting(setting_of("exec", "train", name, type, fallback, help)) {}
  Added(const Added&) = delete;
  ~Added() noexcept(false) { schema.add(std::move(setting)); }
  Added& range(double minimum, double maximum) {
    setting.minimum = minimum;
    setting.maximum = maximum;
    return *this;
  }
  Added& choices(std::vector<std::string> values) {
    setting.type = Type::choice;
    setting.choices = std::move(values);
    return *this;
  }
  Added& also(const char* verb) {
    setting.verbs.emplace_back(verb);
    return *this;
  }
  /// Cannot change the result.
  Added& outside_hash() {
    setting.shapes_result = false;
    return *this;
  }
};

void add_model_settings(Schema& s) {
  Added(s, "model", Type::choice, "sage", "the model to train").choices(model_names()).also("bench");
  Added(s, "layers", Type::integer, "2", "layers; in mini-batches the fanout must have as many")
      .range(1, 64)
      .also("bench");
  Added(s, "hidden", Type::integer, "64", "width of the hidden layers; of one head for gat and gatv2")
      .range(1, 65536)
      .also("bench");
  Added(s, "heads", Type::integer, "8", "gat, gatv2: heads of the hidden layers").range(1, 256).also("bench");
  Added(s, "output-heads", Type::integer, "1", "gat, gatv2: heads of the last layer, averaged")
      .range(1, 256)
      .also("bench");
  Added(s, "norm", Type::choice, "none",
        "after each hidden layer; batch-approx: batch norm by each rank's own rows in mini-batches")
      .choices({"none", "layer", "batch", "batch-approx"})
      .also("bench");
  Added(s, "residual", Type::boolean, "false", "each layer adds its input, projected where widths differ")
      .also("bench");
  Added(s, "jk", Type::choice, "none", "jumping knowledge: a last linear layer sees all layers' outputs")
      .choices({"none", "cat", "max"})
      .also("bench");
  Added(s, "dropout", Type::real, "0.5", "dropout of every layer's input").range(0, 0.999).also("bench");
  Added(s, "input-dropout", Type::real, "-1",
        "dropout of the first layer's input, the features; -1: as dropout")
      .range(-1, 0.999)
      .also("bench");
  Added(s, "attention-dropout", Type::real, "-1",
        "gat, gatv2: dropout of the attention weights; -1: as dropout")
      .range(-1, 0.999)
      .also("bench");
}

void add_training_settings(Schema& s) {
  Added(s, "regime", Type::choice, "mini-batch", "all train nodes at once, or sampled mini-batches")
      .choices({"mini-batch", "full-graph"});
  Added(s, "epochs", Type::integer, "50", "epochs to train").range(0, 1e9).outside_hash().also("bench");
  Added(s, "optimizer", Type::choice, "adam", "the update rule").choices({"adam", "adamw", "sgd"});
  Added(s, "lr", Type::real, "0.01", "learning rate").range(0, 1e6).also("bench");
  Added(s, "lr-schedule", Type::choice, "constant",
        "cosine: to 0 at the last epoch; step: times lr-gamma every lr-step epochs")
      .choices(LrSchedule::names());
  Added(s, "lr-step", Type::integer, "100", "epochs between the steps of lr-schedule step").range(1, 1e9);
  Added(s, "lr-gamma", Type::real, "0.5", "factor of each step of lr-schedule step").range(0, 1);
  Added(s, "warmup-epochs", Type::real, "0", "epochs in which the learning rate rises from 0").range(0, 1e9);
  Added(s, "weight-decay", Type::real, "0", "L2 in the gradient for adam and sgd, decoupled for adamw")
      .range(0, 1e6)
      .also("bench");
  Added(s, "momentum", Type::real, "0", "momentum of sgd").range(0, 1);
  Added(s, "patience", Type::integer, "0", "stop after so many epochs without a better validation; 0: never")
      .range(0, 1e9)
      .also("bench");
  Added(s, "metric", Type::choice, "auto",
        "what the best model and early stopping go by; auto: accuracy, or f1-micro for several labels a node")
      .choices(metric_names());
  Added(s, "eval-every", Type::integer, "1", "epochs between evaluations over the full graph")
      .range(1, 1e9)
      .also("bench");
  Added(s, "seed", Type::integer, "0", "makes every random draw").range(0, 9e15).also("bench");
}

void add_halo_settings(Schema& s) {
  Added(s, "plan", Type::text, "halo-rows",
        "halo protocol: what crosses ranks: halo-rows, needed-rows (what reaches a train node), "
        "partial-aggregates (made by their owners), cover (the fewest bytes of both), recompute[:K] (as "
        "needed-rows, but rows of at most K in-edges are computed again, without K those that cost less so), "
        "tensor (columns of all rows)");
  Added(s, "route", Type::text, "point-to-point",
        "halo protocol: how rows travel: point-to-point (messages between pairs of ranks), shared-memory "
        "(of the ranks of a host; messages between hosts), two-level (the same, and a row that several ranks "
        "of a host need goes there once), multicast[:FASTER] (over trees of the ranks that need a row; links "
        "inside of a host are so many times faster, 10), broadcast (every row to every rank), replicated:C "
        "(every row to one rank of every group of C, which sums for its group), ring (a rank's rows at a "
        "time, summed and dropped)")
      .outside_hash();
  Added(s, "select", Type::text, "all",
        "halo protocol: which of the planned rows cross: all, boundary:P (each with probability P), bins:R "
        "(one of R bins a step), aged:S (so that none is older than S steps), moved:E[:T] (those that moved "
        "by E of their length, or were sent T steps "
        "ago)");
  Added(
      s, "encode", Type::text, "fp32",
      "halo protocol: what a row looks like on the wire: fp32, fp16, bf16, int8, int4, int2, int1, support "
      "(without what dropout and ReLU zeroed; also -bf16, -int8, -int4, -int2), delta:BITS, adaptive:BITS or "
      "adaptive:error=SHARE, falling:RATIO, centroids:SHARE (means of so many clusters of the rows), ladder "
      "or "
      "support-ladder (int2 to fp32, or support-int2 to support, by layer as --error-budget allows); int8:G "
      "to int1:G have a scale for every G columns");
  Added(s, "feedback", Type::boolean, "false",
        "halo protocol: with int8 to int1 and centroids, what is lost of a row is added to what is sent of "
        "it next");
  Added(s, "frame-checksum", Type::boolean, "false",
        "halo protocol: rows travel with a checksum that the receiver compares")
      .outside_hash();
  Added(s, "schedule", Type::text, "overlap",
        "halo protocol: when an exchange is waited for: sync (at once), overlap (behind what needs no "
        "arrivals), "
        "stale[:F[:G]] (a step later; rows and gradients become moving averages with the weights F and G of "
        "what was before)");
  Added(
      s, "protocol", Type::text, "none",
      "a halo protocol by name, as in pipegcn or bns-gcn:p=0.1; settings of an axis win (docs/protocols.md); "
      "auto: of those that lose nothing the one predicted to take least on the network of --net, or as "
      "measured; auto:error-budget=E as with --error-budget E");
  Added(
      s, "error-budget", Type::real, "-1",
      "protocol auto, encode ladder and support-ladder: the most that a layer's halo may lose of its length, "
      "in either direction, as it is measured every --error-every epochs; 0: nothing; -1: no budget")
      .range(-1, 1);
  Added(s, "error-every", Type::integer, "20",
        "error-budget: epochs between two measurements, after which layers take other encodings")
      .range(1, 1e9)
      .also("bench");
  Added(s, "least-cosine", Type::real, "0.9",
        "error-budget: the least cosine of the gradient to the exact one")
      .range(-1, 1)
      .also("bench");
  Added(s, "measure-error", Type::integer, "0",
        "epochs between measurements of what the halo protocol loses, of the halo and in the gradient's "
        "cosine to the exact one; 0: none")
      .range(0, 1e9)
      .outside_hash();
  Added(s, "net", Type::text, "",
        "a network, alpha_us=20,gbps=10[,intra=RANKS[:GIGABITS]][,slow=RANK:FACTOR]: also print the seconds "
        "that the halo's exchanges would take on it")
      .also("bench")
      .outside_hash();
  Added(s, "emulate-net", Type::boolean, "false",
        "messages between ranks, which share a host, take as long as they would on the network of --net")
      .also("bench")
      .outside_hash();
  Added(s, "replay-decisions", Type::path, "",
        "a run, or its folder of decisions: what its ranks decided by their data (select moved, encode "
        "adaptive, error-budget) is followed instead of decided")
      .outside_hash();
  Added(s, "explain", Type::boolean, "false", "print what the halo protocol is made of, and stop")
      .outside_hash();
}

void add_run_settings(Schema& s) {
  Added(s, "data", Type::path, "", "the store or partitioned store").also("evaluate").outside_hash();
  Added(s, "output", Type::path, "", "the run's folder").outside_hash();
  Added(s, "overwrite", Type::boolean, "false", "with --resume never: replace an existing run")
      .outside_hash();
  Added(s, "resume", Type::text, "auto",
        "auto: continue an unfinished run; never: start again; or a checkpoint's path")
      .outside_hash();
  Added(s, "checkpoint-every", Type::integer, "10", "epochs between checkpoints; 0: only at the end")
      .range(0, 1e9)
      .outside_hash();
  Added(s, "end-time", Type::text, "auto",
        "checkpoint and exit 75 before this time: local (2026-11-21T12:00), seconds since 1970, auto: the "
        "end of the Slurm job, or none")
      .outside_hash();
  Added(s, "device", Type::choice, "cpu",
        "what a rank computes on; cuda: the GPU of its number among its host's ranks (docs/gpu.md)")
      .choices({"cpu", "cuda"})
      .also("evaluate")
      .also("infer")
      .outside_hash();
  Added(
      s, "device-memory-limit", Type::text, "auto",
      "device cuda, full-graph on one rank: what may be taken of the GPU's memory, as in 8GiB; what does not "
      "fit lies in the host's memory and is streamed; auto: what is free")
      .outside_hash();
  Added(s, "gpu-wire", Type::choice, "auto",
        "device cuda: how rows and gradients cross ranks: nccl, or host (copied and sent by MPI); auto: nccl "
        "where every rank has it")
      .choices({"auto", "nccl", "host"})
      .also("evaluate")
      .also("infer")
      .outside_hash();
  Added(s, "gpu-products", Type::choice, "fp32",
        "device cuda: in what dense matrices are multiplied: fp32, or with their elements rounded to tf32 or "
        "bf16 on the way into tensor cores; sums are fp32")
      .choices({"fp32", "tf32", "bf16"})
      .also("evaluate")
      .also("infer")
      .outside_hash();
  Added(s, "allow-shared-gpu", Type::boolean, "false", "device cuda: several ranks of a host may share a GPU")
      .also("evaluate")
      .also("infer")
      .outside_hash();
  Added(s, "threads", Type::integer, "0", "threads of a rank; 0: its share of the cores it may run on")
      .range(0, 4096)
      .also("evaluate")
      .outside_hash();
  Added(s, "no-progress-limit", Type::real, "300",
        "seconds without progress after which a wait names who is missing")
      .range(0.1, 1e9)
      .also("evaluate")
      .outside_hash();
}

void add_estimate_settings(Schema& s) {
  Added(s, "estimate", Type::boolean, "false",
        "print the memory that each rank will need, by purpose, and leave without training")
      .outside_hash();
  Added(s, "estimate-ranks", Type::integer, "0",
        "the memory for so many ranks; 0: those of the job; inspect: one for every part")
      .range(0, 1 << 20)
      .also("inspect")
      .outside_hash();
}

void add_trace_settings(Schema& s) {
  Added(s, "trace", Type::boolean, "false", "write RUN/trace.json: what every rank's threads did when")
      .outside_hash();
  Added(s, "trace-events", Type::integer, "200000", "most events of a rank in a trace; about 100 bytes each")
      .range(1, 1e8)
      .outside_hash();
}

void add_evaluate_settings(Schema& s) {
  const auto only_evaluate = [](Added& added) { added.setting.verbs = {"evaluate"}; };
  Added run(s, "run", Type::path, "", "the run's folder");
  only_evaluate(run.outside_hash());
  Added split(s, "split", Type::choice, "test", "the nodes to measure");
  only_evaluate(split.choices({"train", "valid", "test", "all"}).outside_hash());
  Added json(s, "json", Type::boolean, "false", "print one JSON object");
  only_evaluate(json.outside_hash());
}

/// Layers and fanouts belong together: where only one of them is given, the other follows.
int layer_count(const Settings& settings) {
  const bool from_fanout = settings.is_set("fanout") && !settings.is_set("layers");
  return static_cast<int>(from_fanout ? settings.integers("fanout").size() : settings.integer("layers"));
}

std::vector<std::int64_t> layer_fanouts(const Settings& settings, std::vector<std::int64_t> fanouts) {
  const auto layers = static_cast<std::size_t>(layer_count(settings));
  if (!settings.is_set("fanout")) fanouts.resize(layers, fanouts.back());
  if (fanouts.size() != layers && settings.text("regime") == "mini-batch")
    throw InputError("fanout \"" + settings.text("fanout") + "\" has " + std::to_string(fanouts.size()) +
                     " hops, the model has " + std::to_string(layers) + " layers: give one fanout per layer");
  return fanouts;
}

constexpr const char* kAuto = "auto";
constexpr const char* kAutoBudget = "auto:error-budget=";

bool chooses_protocol(const std::string& name) { return name == kAuto || name.starts_with(kAutoBudget); }

/// Of --error-budget or, without it, the protocol's name; below 0: none.
double error_budget(const Settings& settings) {
  const std::string name = settings.text("protocol");
  const bool named = name.starts_with(kAutoBudget) && !settings.is_set("error-budget");
  double budget = settings.real("error-budget");
  if (named) {
    const std::string text = name.substr(std::string(kAutoBudget).size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), budget);
    if (error != std::errc{} || end != text.data() + text.size()) budget = -2;
  }
  if (budget != -1 && !(budget >= 0 && budget <= 1))
    throw InputError(
        fmt::format("error-budget: {} is not a share of a halo's length from 0 to 1",
                    named ? name.substr(std::string(kAutoBudget).size()) : settings.text("error-budget")));
  return budget;
}

/// What measures is for full graphs, and a budget and a ladder for each other.
void check_budget(const TrainOptions& options) {
  const bool budget = options.error_budget >= 0;
  if (options.regime == Regime::mini_batch && (budget || options.measure_error > 0))
    throw InputError(std::string(budget ? "error-budget" : "measure-error") +
                     ": mini-batches have no halo exchange; it is for --regime full-graph");
  const HaloProtocol& protocol = options.protocol;
  const bool ladder = make_encode(protocol.encode)->ladder() != nullptr;
  const auto& free = options.auto_axes;
  const bool chosen = std::find(free.begin(), free.end(), "encode") != free.end();
  const bool exact = options.error_budget == 0 && (protocol.encode == "fp32" || protocol.encode == "support");
  if (budget && !ladder && !chosen && !exact)
    throw InputError(fmt::format(
        "error-budget settles which encodings layers take, and encode is {}: use --protocol auto without "
        "--encode, or --encode ladder or support-ladder",
        protocol.encode));
  if (budget && (protocol.select != "all" || make_schedule(protocol.schedule)->one_step_late()))
    throw InputError(fmt::format(
        "error-budget: no encoding makes up for what select {} and schedule {} lose: use select all and "
        "schedule sync or overlap",
        protocol.select, protocol.schedule));
  if (!budget && ladder)
    throw InputError(fmt::format("encode {} takes what an error budget allows: add --error-budget",
                                 options.protocol.encode));
}

/// The axes that --protocol auto may choose.
std::vector<std::string> auto_axes(const Settings& settings) {
  std::vector<std::string> axes;
  if (!chooses_protocol(settings.text("protocol")) || settings.text("regime") == "mini-batch") return axes;
  for (const char* axis : {"plan", "encode"})
    if (!settings.is_set(axis)) axes.emplace_back(axis);
  return axes;
}

/// The named protocol, if any, with the axes that are set themselves.
HaloProtocol halo_protocol(const Settings& settings) {
  const std::string name = settings.text("protocol");
  HaloProtocol protocol = name == "none" || chooses_protocol(name) ? HaloProtocol() : protocol_named(name);
  for (const HaloAxis& axis : kHaloAxes)
    if (name == "none" || settings.is_set(axis.name)) protocol.*axis.value = settings.text(axis.name);
  protocol.feedback = protocol.feedback || settings.boolean("feedback");
  protocol.checksum = settings.boolean("frame-checksum");
  protocol.steps = settings.integer("epochs");
  check_values(protocol);
  if (settings.text("regime") == "mini-batch")
    for (const HaloAxis& axis : kHaloAxes)
      if (protocol.*axis.value != HaloProtocol().*axis.value && protocol.*axis.value != "sync")
        throw InputError(std::string(axis.name) + " " + protocol.*axis.value +
                         ": mini-batches have no halo exchange; halo protocols are for --regime full-graph");
  if (settings.text("regime") == "mini-batch" && protocol.feedback)
    throw InputError("feedback: mini-batches have no halo exchange");
  protocol.seed = static_cast<std::uint64_t>(settings.integer("seed"));
  return protocol;
}

/// As saved: with the layers, the fanouts and the protocol they come to, so that they read back as the same
/// run.
Settings settled(Settings settings, const std::vector<std::int64_t>& fanouts) {
  const HaloProtocol protocol = halo_protocol(settings);
  for (const HaloAxis& axis : kHaloAxes) settings.set(axis.name, protocol.*axis.value, "protocol");
  settings.set("feedback", protocol.feedback ? "true" : "false", "protocol");
  settings.set("error-budget", fmt::format("{}", error_budget(settings)), "protocol");
  const int layers = layer_count(settings);
  std::string list;
  for (const std::int64_t fanout : fanouts) list += (list.empty() ? "" : ",") + std::to_string(fanout);
  settings.set("layers", std::to_string(layers), "layers");
  settings.set("fanout", list, "fanout");
  return settings;
}

}  // namespace

void add_exec_settings(Schema& schema) {
  add_model_settings(schema);
  add_training_settings(schema);
  add_halo_settings(schema);
  add_run_settings(schema);
  add_estimate_settings(schema);
  add_trace_settings(schema);
  add_evaluate_settings(schema);
}

TrainOptions train_options(const Settings& settings) {
  TrainOptions options;
  options.regime = settings.text("regime") == "full-graph" ? Regime::full_graph : Regime::mini_batch;
  options.epochs = settings.integer("epochs");
  options.eval_every = settings.integer("eval-every");
  options.patience = settings.integer("patience");
  options.metric = metric_of(settings.text("metric"));
  options.checkpoint_every = settings.integer("checkpoint-every");
  options.seed = static_cast<std::uint64_t>(settings.integer("seed"));
  options.optimiser = {.name = settings.text("optimizer"),
                       .lr = settings.real("lr"),
                       .weight_decay = settings.real("weight-decay"),
                       .momentum = settings.real("momentum")};
  options.lr_schedule = {.name = settings.text("lr-schedule"),
                         .step = settings.integer("lr-step"),
                         .gamma = settings.real("lr-gamma"),
                         .warmup = settings.real("warmup-epochs")};
  options.protocol = halo_protocol(settings);
  options.auto_axes = auto_axes(settings);
  options.error_budget = error_budget(settings);
  options.error_every = settings.integer("error-every");
  options.least_cosine = settings.real("least-cosine");
  options.measure_error = settings.integer("measure-error");
  check_budget(options);
  if (settings.has_value("net")) options.net = settings.text("net");
  if (settings.has_value("replay-decisions")) options.replay_decisions = settings.text("replay-decisions");
  if (!options.net.empty()) net_model(options.net);  // refused before anything is written
  if (settings.boolean("emulate-net") && settings.text("device") == "cuda" &&
      settings.text("gpu-wire") != "host")
    throw InputError("--emulate-net delays what MPI carries, not NCCL: add --gpu-wire host");
  const SamplerOptions sampling = sampler_options(settings);
  options.fanouts = layer_fanouts(settings, sampling.fanouts);
  options.batch_size = sampling.batch_size;
  options.replace = sampling.replace;
  options.cache = settings.text("cache");
  options.device_cache = settings.text("device-cache");
  if (options.device_cache != "auto") parse_cache_spec(options.device_cache);  // refused before all else
  options.device_memory_limit = settings.text("device-memory-limit");
  if (options.device_memory_limit != "auto") {
    device_limit(options.device_memory_limit);  // refused before all else
    if (settings.text("device") != "cuda" || options.regime != Regime::full_graph)
      throw InputError("--device-memory-limit is for --regime full-graph --device cuda");
  }
  options.prefetch = prefetch_depth(settings);
  options.topology = settings.text("topology");
  options.sample_on = settings.text("sample-on");
  options.resume = settings.text("resume");
  options.overwrite = settings.boolean("overwrite");
  options.end_time = settings.text("end-time");
  if (options.end_time != "auto") end_time(options.end_time);  // refused before anything is written
  if (settings.boolean("trace")) options.trace_events = settings.integer("trace-events");
  options.model_name = settings.text("model");
  const Settings saved = settled(settings, options.fanouts);
  options.settings_hash = saved.hash();
  options.settings_toml = saved.to_toml();
  options.settings = saved.resolved();
  return options;
}

ModelOptions model_options(const Settings& settings) {
  ModelOptions options;
  options.name = settings.text("model");
  options.layers = layer_count(settings);
  options.hidden = settings.integer("hidden");
  options.heads = static_cast<int>(settings.integer("heads"));
  options.output_heads = static_cast<int>(settings.integer("output-heads"));
  options.norm = settings.text("norm");
  options.residual = settings.boolean("residual");
  options.jk = settings.text("jk");
  options.dropout = settings.real("dropout");
  options.input_dropout = settings.real("input-dropout");
  options.attention_dropout = settings.real("attention-dropout");
  return options;
}

}  // namespace kith
