#pragma once
#include <functional>
#include <optional>

#include "kith/core/progress.h"
#include "kith/datasets/text/edge_text.h"

namespace kith {

/// The passes that reading is made of. First `survey`, which finds the ids; then `stream`, which hands out
/// edges as nodes in a second pass; or only `collect`, which keeps all edges.
class EdgeReader {
 public:
  EdgeReader(const std::vector<std::filesystem::path>& files, const EdgeTextOptions& options,
             ChunkOptions chunks = {});

  /// One pass, two when numbers are not compact: what there is, and the nodes; edges are not kept.
  void survey();
  /// Of consecutive edges, ends as nodes (source, destination alternately) and weights or nothing; in
  /// parallel.
  using Sink = std::function<void(std::int64_t chunk, std::span<const std::int64_t> ends,
                                  std::span<const float> weights)>;
  void stream(const Sink& sink, const TextSource::After& after = {});
  /// One pass that keeps the edges.
  EdgeText collect();

  const EdgeFormat& format() const { return layout_.format; }
  const EdgeCounts& counts() const { return counts_; }
  EdgeIds& ids() { return ids_; }
  std::vector<std::string> notes();
  std::int64_t packed_bytes() const { return source_->packed_bytes(); }

 private:
  template <class Pass>
  void retried_as_names(Pass&& pass);
  void read_numbers(const std::function<void(std::int64_t, NumberChunk)>& use, const char* step);
  void read_names(const std::function<void(std::int64_t, const TextChunk&, NameChunk)>& use,
                  const TextSource::After& after, const char* step);
  /// The ends of a chunk's edges as entry · shards + shard.
  using Provisional = Array<std::uint32_t>;
  /// Reads names and gives each its number; `places` tells where the provisional ends of consecutive chunks
  /// go, or nothing.
  void number_names(const std::function<std::span<Provisional>(std::span<NameChunk>)>& places,
                    const char* step);
  void check_bad(bool names);
  bool numbers_are_nodes() const;
  void keep_dense();

  EdgeTextOptions options_;
  EdgeTextLayout layout_;
  ChunkOptions chunks_;
  std::unique_ptr<TextSource> source_;
  std::unique_ptr<BadLines> bad_;
  EdgeCounts counts_;
  EdgeIds ids_;
};

}  // namespace kith
