#include "kith/datasets/external/external_prepare.h"

#include <bit>
#include <chrono>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/progress.h"
#include "kith/datasets/external/edge_buckets.h"
#include "kith/datasets/external/row_stream.h"
#include "kith/datasets/file_jobs.h"
#include "kith/datasets/mapped_rows.h"
#include "kith/datasets/meta_json.h"

namespace kith {
namespace {

using Clock = std::chrono::steady_clock;

/// What one thread needs while text is parsed: the text, its edges, and what is handed on.
constexpr std::int64_t kBytesPerTextByte = 24;
constexpr std::int64_t kLeastChunk = std::int64_t{64} << 10, kMostChunk = std::int64_t{4} << 20;

/// A share of the memory for chunks of text, so that what is parsed at one time fits.
ChunkOptions chunks_for(std::int64_t budget) {
  ChunkOptions chunks;
  const std::int64_t threads = std::max(1, thread_count());
  chunks.chunk_bytes =
      static_cast<std::size_t>(std::clamp(budget / 4 / kBytesPerTextByte / threads, kLeastChunk, kMostChunk));
  chunks.chunks_per_batch = 4 * threads;
  return chunks;
}

/// Splits a budget after the nodes are known.
struct Shares {
  std::int64_t sorting = 0, buffers = 0;
};
Shares shares_of(std::int64_t budget, std::int64_t nodes, std::int64_t id_bytes) {
  const std::int64_t resident = 8 * nodes + id_bytes + (std::int64_t{8} << 20);
  const std::int64_t left = budget - resident;
  if (left < budget / 8)
    throw MemoryError(fmt::format("--memory-limit {}: {} nodes and their ids alone take {}",
                                  human_bytes(double(budget)), nodes, human_bytes(double(resident))));
  return {left / 2, left / 8};
}

class Clocked {
 public:
  explicit Clocked(PrepareReport& report) : report_(&report) {}
  void end(std::string phase) {
    const auto now = Clock::now();
    report_->seconds.emplace_back(std::move(phase), std::chrono::duration<double>(now - begin_).count());
    begin_ = now;
  }

 private:
  PrepareReport* report_;
  Clock::time_point begin_ = Clock::now();
};

/// Everything between the survey and the store, for edges with or without weights.
template <class Entry>
class ExternalBuild {
 public:
  ExternalBuild(EdgeReader& reader, const std::filesystem::path& folder, Shares shares, bool undirected)
      : reader_(reader),
        undirected_(undirected),
        bits_(static_cast<int>(
            std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(reader.ids().nodes - 1, 1))))),
        buckets_(folder, {.key_bits = 2 * bits_,
                          .entries = reader.counts().edges * (undirected ? 2 : 1),
                          .sort_bytes = shares.sorting,
                          .buffer_bytes = shares.buffers}) {}

  std::int64_t spill() {
    std::atomic<std::int64_t> loops = 0;
    reader_.stream(
        [&](std::int64_t chunk, std::span<const std::int64_t> ends, std::span<const float> weights) {
          static thread_local std::vector<Entry> entries;
          entries.clear();
          std::int64_t own_loops = 0;
          for (std::size_t e = 0; e < ends.size() / 2; ++e) {
            const std::int64_t source = ends[2 * e], destination = ends[2 * e + 1];
            own_loops += source == destination;
            const float weight = weights.empty() ? 1 : weights[e];
            const auto place = static_cast<std::uint64_t>(chunk) << 32 | e;
            entries.push_back(entry(destination, source, place, weight));
            if (undirected_)
              entries.push_back(entry(source, destination, place | std::uint64_t{1} << 63, weight));
          }
          loops += own_loops;
          buckets_.add(entries);
        });
    return loops;
  }

  void build(RowStream& rows) {
    Progress progress("sort", reader_.counts().edges * (undirected_ ? 2 : 1), "edges");
    const std::uint64_t mask = (std::uint64_t{1} << bits_) - 1;
    buckets_.drain([&](std::span<const Entry> entries) {
      for (const Entry& one : entries) {
        float weight = 1;
        if constexpr (sizeof(Entry) > sizeof(EdgeKey)) weight = one.weight;
        rows.take(static_cast<std::int64_t>(one.key >> bits_), static_cast<std::int64_t>(one.key & mask),
                  weight);
      }
      progress.add(static_cast<std::int64_t>(entries.size()));
    });
  }

 private:
  Entry entry(std::int64_t destination, std::int64_t source, std::uint64_t place, float weight) const {
    const std::uint64_t key =
        static_cast<std::uint64_t>(destination) << bits_ | static_cast<std::uint64_t>(source);
    if constexpr (sizeof(Entry) > sizeof(EdgeKey)) return {key, place, weight};
    return {key};
  }

  EdgeReader& reader_;
  bool undirected_;
  int bits_;
  EdgeBuckets<Entry> buckets_;
};

FileTable write_rest(const std::filesystem::path& folder, const RowStream& rows, const EdgeIds& ids) {
  FileJobs jobs;
  jobs.add_values(array_name::kIndptr, rows.indptr());
  for (const Split split : kSplits) jobs.add_values(array_name::of(split), std::span<const std::int64_t>());
  if (!ids.node_ids.empty()) jobs.add_values(array_name::kNodeIds, ids.node_ids.span());
  if (!ids.names.empty()) {
    jobs.add_values(array_name::kNodeNameOffsets, ids.names.offsets.span());
    jobs.add_values(array_name::kNodeNames, ids.names.bytes.span());
  }
  return jobs.run(folder);
}

SelfLoops loops_of(LoopPolicy policy) {
  if (policy == LoopPolicy::add) return SelfLoops::add;
  return policy == LoopPolicy::drop ? SelfLoops::drop : SelfLoops::keep;
}

struct Made {
  std::int64_t loops = 0;
  RowStream::Files files;
};

template <class Entry>
Made spill_and_build(EdgeReader& reader, const std::filesystem::path& folder, Shares shares, bool undirected,
                     RowStream& rows, Clocked& clock) {
  const std::filesystem::path work = folder / "sorting";
  std::filesystem::create_directory(work);
  Made made;
  {
    ExternalBuild<Entry> build(reader, work, shares, undirected);
    made.loops = build.spill();
    clock.end("spill");
    build.build(rows);
  }
  std::filesystem::remove_all(work);
  made.files = rows.finish();
  clock.end("sort");
  return made;
}

}  // namespace

std::string external_obstacle(const PrepareOptions& options) {
  if (!options.nodes.file.empty()) return "node tables are attached in memory";
  if (options.feature_dtype) return "a list of edges has no features";
  if (options.largest_component) return "--largest-component needs the whole graph in memory";
  if (options.reorder != Order::none) return "--reorder needs the whole graph in memory";
  if (!options.split.empty()) return "--split needs labels, which a list of edges has not";
  return "";
}

PrepareReport prepare_external(const std::filesystem::path& raw, const std::filesystem::path& store,
                               const PrepareOptions& options, std::int64_t budget) {
  if (const std::string why = external_obstacle(options); !why.empty()) throw MemoryError(why);
  AtomicFolder target(store, options.existing);
  PrepareReport report;
  Clocked clock(report);
  EdgeReader reader(files_named(raw), options.edge_text, chunks_for(budget));
  reader.survey();
  const EdgeIds& ids = reader.ids();
  require(ids.nodes <= std::int64_t{1} << 32, "an external build holds at most 2^32 nodes",
          {{"nodes", ids.nodes}});
  clock.end("survey");
  const std::int64_t id_bytes = 8 * ids.node_ids.ssize() + 8 * ids.names.offsets.ssize() +
                                ids.names.bytes.ssize() +
                                static_cast<std::int64_t>(ids.numbers.bytes() + ids.texts.bytes());
  const Shares shares = shares_of(budget, ids.nodes, id_bytes);
  const bool weighted = reader.format().weight >= 0;
  RowStream rows(target.path(), ids.nodes, loops_of(options.self_loops), weighted);
  const Made made =
      weighted
          ? spill_and_build<WeightedEdgeKey>(reader, target.path(), shares, options.undirected, rows, clock)
          : spill_and_build<EdgeKey>(reader, target.path(), shares, options.undirected, rows, clock);
  StoreJson json;
  json.meta.name = options.name.empty() ? edge_text_name(raw) : options.name;
  json.meta.nodes = ids.nodes;
  json.meta.edges = rows.edges();
  json.meta.directed = !options.undirected && !rows.symmetric();
  json.meta.self_loops = rows.self_loops();
  json.meta.raw_edges = reader.counts().edges;
  json.meta.raw_self_loops = made.loops;
  json.meta.made_by = options.made_by;
  json.files = write_rest(target.path(), rows, ids);
  json.files[array_name::kIndices] = made.files.indices;
  if (made.files.weights) json.files[array_name::kEdgeWeights] = *made.files.weights;
  write_text_file(target.path() / kStoreJson, text_of(json));
  target.commit();
  clock.end("write");
  report.format = "edge-list";
  report.meta = json.meta;
  report.raw_nodes = ids.nodes;
  report.raw_edges = reader.counts().edges;
  report.raw_self_loops = made.loops;
  report.text_bytes = reader.counts().text_bytes;
  report.unlabelled = ids.nodes;
  report.notes = reader.notes();
  report.notes.push_back(
      fmt::format("edges were sorted on disk to stay below {}", human_bytes(static_cast<double>(budget))));
  return report;
}

}  // namespace kith
