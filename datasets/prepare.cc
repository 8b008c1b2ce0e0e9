#include "kith/datasets/prepare.h"

#include <chrono>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "kith/core/buffer.h"
#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/datasets/external/external_prepare.h"
#include "kith/datasets/external/memory_budget.h"
#include "kith/datasets/external/prepare_plan.h"
#include "kith/datasets/import/clean.h"
#include "kith/datasets/import/feature_dtype.h"
#include "kith/datasets/import/registry.h"
#include "kith/graph/cache_model.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

/// Seconds of consecutive phases, each ended by its name.
class PhaseClock {
 public:
  explicit PhaseClock(PrepareReport& report) : report_(&report) {}
  void end(std::string phase) {
    const auto now = Clock::now();
    report_->seconds.emplace_back(std::move(phase), std::chrono::duration<double>(now - begin_).count());
    begin_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  PrepareReport* report_;
  Clock::time_point begin_ = Clock::now();
};

SelfLoops loops_of(LoopPolicy policy, SelfLoops habit) {
  switch (policy) {
    case LoopPolicy::add: return SelfLoops::add;
    case LoopPolicy::drop: return SelfLoops::drop;
    case LoopPolicy::keep: return SelfLoops::keep;
    case LoopPolicy::automatic: break;
  }
  return habit;
}

std::int64_t count_self_loops(const RawEdges& edges) {
  return std::visit(
      [](const auto& columns) {
        return parallel_reduce(
            0, columns.source.ssize(), 1 << 16, std::int64_t{0},
            [&](std::int64_t begin, std::int64_t end) {
              std::int64_t loops = 0;
              for (std::int64_t e = begin; e < end; ++e) loops += columns.source[e] == columns.destination[e];
              return loops;
            },
            [](std::int64_t a, std::int64_t b) { return a + b; });
      },
      edges);
}

/// 1 for every node with a class, or with a 0 or 1 for some class.
Array<std::uint8_t> labelled_nodes(const RawDataset& raw) {
  Array<std::uint8_t> has(static_cast<std::size_t>(raw.nodes), std::uint8_t{0});
  for (std::int64_t i = 0; i < raw.classes.ssize(); ++i) has[i] = raw.classes[i] >= 0;
  for (std::int64_t i = 0; i < raw.multi_labels.ssize(); ++i)
    if (!std::isnan(raw.multi_labels[i])) has[i / raw.class_count] = 1;
  return has;
}

void apply_split(RawDataset& raw, const std::string& text) {
  if (text.empty()) return;
  const SplitSpec spec = parse_split(text);
  switch (spec.kind) {
    case SplitSpec::Kind::given:
    case SplitSpec::Kind::mask:
      if (raw.split.train.empty())
        throw InputError(fmt::format(
            "--split {}: the data ({}) bring no split; write random:… or per-class:…", text, raw.format));
      return;
    case SplitSpec::Kind::random: {
      const Array<std::uint8_t> has = labelled_nodes(raw);
      raw.split = random_split(has, spec);
      break;
    }
    case SplitSpec::Kind::per_class:
      if (raw.classes.empty()) throw InputError(fmt::format("--split {}: needs one class per node", text));
      raw.split = per_class_split(raw.classes, raw.class_count, spec);
      break;
  }
  if (raw.split.train.empty()) throw InputError(fmt::format("--split {}: no node has a label", text));
}

StoreMeta meta_of(const RawDataset& raw, const CleanGraph& graph, bool undirected,
                  const PrepareOptions& options) {
  StoreMeta meta;
  meta.name = options.name.empty() ? raw.name : options.name;
  meta.nodes = raw.nodes;
  meta.edges = graph.any().m();
  meta.features = raw.features.cols;
  meta.classes = raw.class_count;
  meta.multi_label = !raw.multi_labels.empty();
  meta.directed = !undirected && !is_symmetric(graph.any());
  meta.made_by = options.made_by;
  return meta;
}

StoreArrays arrays_of(RawDataset& raw, const CleanGraph& graph) {
  StoreArrays arrays;
  arrays.graph = graph.any();
  arrays.features = {raw.features.data(), raw.features.dtype, raw.features.rows, raw.features.cols,
                     raw.features.scales};
  arrays.labels = {raw.classes, raw.multi_labels, raw.class_count};
  arrays.train = raw.split.train;
  arrays.valid = raw.split.valid;
  arrays.test = raw.split.test;
  arrays.edge_weights = graph.edge_weights;
  arrays.node_ids = raw.node_ids;
  arrays.node_names = std::move(raw.node_names);
  arrays.name_offsets = raw.names.offsets;
  arrays.names = raw.names.bytes;
  return arrays;
}

void finish(PrepareReport& report, const RawDataset& raw) {
  const Array<std::uint8_t> has = labelled_nodes(raw);
  for (const std::uint8_t one : has) report.unlabelled += one == 0;
  report.split[0] = raw.split.train.ssize();
  report.split[1] = raw.split.valid.ssize();
  report.split[2] = raw.split.test.ssize();
}

CleanGraph in_order(Order order, const CleanGraph& graph, RawDataset& raw, std::vector<std::string>& notes) {
  CleanGraph out = reordered(graph, raw, order_of(graph.any(), order));
  notes.push_back(fmt::format("reordered: the ends of an edge are {:.1f} rows apart, {:.1f} before",
                              mean_edge_length(out.any()), mean_edge_length(graph.any())));
  return out;
}

/// Communities side by side, if of the rows that an aggregation reads clearly fewer are then not in cache.
CleanGraph in_order_that_pays(CleanGraph graph, RawDataset& raw, std::vector<std::string>& notes) {
  constexpr std::int64_t kCachedRows = 1 << 16;  // 32 MiB of 128 floats
  constexpr double kFewer = 0.9;
  if (graph.any().n() <= kCachedRows) {
    notes.push_back(fmt::format("order kept: {} rows fit in cache", graph.any().n()));
    return graph;
  }
  Array<std::int64_t> order = order_of(graph.any(), Order::community);
  const double before = 1 - cached_share(graph.any(), kCachedRows);
  const double after = 1 - cached_share(graph.any(), kCachedRows, order.span());
  const bool pays = after < kFewer * before;
  notes.push_back(
      fmt::format("{}: of the rows that an aggregation reads {:.1f}% are not among the last {}, {:.1f}% {}",
                  pays ? "reordered" : "order kept", 100 * (pays ? after : before), kCachedRows,
                  100 * (pays ? before : after), pays ? "before" : "by communities"));
  return pays ? reordered(graph, raw, std::move(order)) : std::move(graph);
}

PrepareReport write_dataset(RawDataset raw, const std::filesystem::path& store, const PrepareOptions& options,
                            PrepareReport report) {
  PhaseClock clock(report);
  validate(raw);
  if (raw.features.file) raw.features.file->leave_pages();
  report.format = raw.format;
  report.raw_nodes = raw.nodes;
  report.raw_edges = edge_count(raw.edges);
  report.raw_self_loops = count_self_loops(raw.edges);
  report.text_bytes = raw.text_bytes;
  report.notes = std::move(raw.notes);
  clock.end("check");
  const bool undirected = options.undirected || raw.meant_undirected;
  const BuildOptions build{.undirected = undirected,
                           .merge_duplicates = true,
                           .self_loops = loops_of(options.self_loops, raw.self_loops)};
  CleanGraph graph = clean_graph(raw, build);
  raw.edges = {};
  raw.edge_weights = {};
  // What sorting took fits no array to come.
  Buffer::release_cached();
  clock.end("build");
  if (options.largest_component) {
    graph = restrict_to_largest_component(graph, raw);
    clock.end("component");
  }
  apply_split(raw, options.split);
  if (options.normalize_features == FeatureNorm::row) normalise_rows(raw.features);
  materialise(raw.features);
  if (options.feature_dtype) convert_features(raw.features, *options.feature_dtype, raw.from.features);
  clock.end("features");
  if (options.reorder != Order::none) {
    graph = options.reorder ? in_order(*options.reorder, graph, raw, report.notes)
                            : in_order_that_pays(std::move(graph), raw, report.notes);
    clock.end("reorder");
  }
  finish(report, raw);
  StoreMeta meta = meta_of(raw, graph, undirected, options);
  meta.raw_edges = report.raw_edges;
  meta.raw_self_loops = report.raw_self_loops;
  Buffer::release_cached();
  clock.end("look");
  report.meta = write_store(store, arrays_of(raw, graph), meta, options.existing);
  clock.end("write");
  return report;
}

}  // namespace

PrepareReport prepare(const std::filesystem::path& raw, const std::filesystem::path& store,
                      const PrepareOptions& options) {
  const std::optional<SplitSpec> split =
      options.split.empty() ? std::nullopt : std::optional(parse_split(options.split));
  if (sorts_on_disk(raw, options))
    return prepare_external(raw, store, options, memory_budget(options.memory_limit));
  PrepareReport report;
  PhaseClock clock(report);
  RawDataset data =
      import_dataset(raw, {.format = options.format,
                           .matrix_rows = options.matrix_rows,
                           .edge_type = options.edge_type,
                           .features = options.nodes.features == "rest" ? "" : options.nodes.features,
                           .label = options.nodes.label,
                           .name = options.name,
                           .split = split,
                           .edge_text = options.edge_text});
  if (!options.nodes.file.empty()) attach_nodes(data, options.nodes);
  clock.end("read");
  return write_dataset(std::move(data), store, options, std::move(report));
}

PrepareReport write_dataset(RawDataset raw, const std::filesystem::path& store,
                            const PrepareOptions& options) {
  return write_dataset(std::move(raw), store, options, PrepareReport{});
}

namespace {

/// Each phase's seconds, and what these mean for the text's bytes and the edges.
std::string phase_table(const PrepareReport& report) {
  std::string text = fmt::format("  {:<10}{:>9}{:>10}{:>16}\n", "phase", "seconds", "MB/s", "M edges/s");
  double all = 0;
  const auto row = [&](const std::string& name, double seconds) {
    const double time = std::max(seconds, 1e-9);
    text += fmt::format("  {:<10}{:>9.2f}{:>10.0f}{:>16.1f}\n", name, seconds,
                        static_cast<double>(report.text_bytes) * 1e-6 / time,
                        static_cast<double>(report.raw_edges) * 1e-6 / time);
    all += seconds;
  };
  for (const auto& [phase, seconds] : report.seconds)
    if (seconds >= 0.005) row(phase, seconds);
  row("all", all);
  return text;
}

}  // namespace

std::string describe(const PrepareReport& report) {
  const StoreMeta& meta = report.meta;
  std::string text = fmt::format("{}: {} nodes, {} edges ({}), {} features, {} classes{}\n", meta.name,
                                 meta.nodes, meta.edges, meta.directed ? "directed" : "both ways",
                                 meta.features, meta.classes, meta.multi_label ? " (multi-label)" : "");
  text += fmt::format("  read ({})  {} nodes, {} edges, {} self-loops; kept self-loops {}\n", report.format,
                      report.raw_nodes, report.raw_edges, report.raw_self_loops, meta.self_loops);
  text += fmt::format("  split     train {}, valid {}, test {}; unlabelled {}\n", report.split[0],
                      report.split[1], report.split[2], report.unlabelled);
  for (const std::string& note : report.notes) text += fmt::format("  note      {}\n", note);
  if (report.text_bytes > 0) return text + phase_table(report);
  text += "  seconds  ";
  for (const auto& [phase, seconds] : report.seconds) text += fmt::format(" {} {:.2f}", phase, seconds);
  return text + "\n";
}

}  // namespace kith
