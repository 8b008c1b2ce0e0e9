#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/import/formats.h"
#include "kith/datasets/text/edge_text.h"

namespace kith {

bool recognises_edge_list(const std::filesystem::path& raw, const ImportRequest&) {
  const auto extension = without_packing(raw).extension();
  const bool named =
      extension == ".txt" || extension == ".csv" || extension == ".tsv" || extension == ".edges";
  return named && (is_pattern(raw) || std::filesystem::is_regular_file(raw));
}

RawDataset read_edge_list(const std::filesystem::path& raw, const ImportRequest& request) {
  EdgeText text = read_edge_text(files_named(raw), request.edge_text);
  RawDataset data;
  data.name = edge_text_name(raw);
  data.from.edges = raw.string();
  data.nodes = text.ids.nodes;
  data.text_bytes = text.counts.text_bytes;
  data.edges = std::move(text.edges);
  data.edge_weights = std::move(text.weights);
  data.node_ids = std::move(text.ids.node_ids);
  data.names = std::move(text.ids.names);
  data.notes = std::move(text.notes);
  return data;
}

}  // namespace kith
