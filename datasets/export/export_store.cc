#include "kith/datasets/export/export_store.h"

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/settings.h"
#include "kith/datasets/export/text_writer.h"
#include "kith/datasets/export/writers.h"
#include "kith/datasets/npy_file.h"
#include "kith/datasets/sound.h"

namespace kith {
namespace {

namespace fs = std::filesystem;

constexpr ExportFormat kFormats[] = {
    {"npy", "a folder of .npy files, as the store's", true, write_npy_folder},
    {"edges", "a folder of edges.csv and nodes.csv, or a .csv, .tsv or .txt of edges, also .gz", true,
     write_edge_text},
    {"metis", "a METIS .graph", false, write_metis},
    {"mtx", "a Matrix Market .mtx", false, write_matrix_market},
    {"ogb", "a folder as OGB's raw data", true, write_ogb},
    {"graphbolt", "a folder for dgl.graphbolt.OnDiskDataset", true, write_graphbolt},
};

const ExportFormat& named(std::string_view name) {
  std::vector<std::string> known;
  for (const ExportFormat& format : kFormats) {
    if (format.name == name) return format;
    known.emplace_back(format.name);
  }
  throw InputError(fmt::format("--format {}: no such format; {}", name, nearest_or_all(name, known)));
}

void expect_free(const fs::path& out, Existing existing) {
  if (!fs::exists(out)) return;
  if (existing == Existing::refuse)
    throw InputError(out.string() + " exists already; --overwrite replaces a file");
  if (fs::is_directory(out))
    throw InputError(out.string() + " is a folder, which is not overwritten; remove it or name another one");
}

}  // namespace

std::span<const ExportFormat> export_formats() { return kFormats; }

ExportNotes export_store(const Store& store, std::string_view name, const fs::path& out, Existing existing) {
  const ExportFormat& format = named(name);
  expect_free(out, existing);
  expect_sound(store);
  ExportNotes notes;
  if (!format.folder || (format.name == "edges" && is_edge_file(out))) {
    format.write(store, out, notes);
    return notes;
  }
  AtomicFolder folder(out, Existing::refuse);
  format.write(store, folder.path(), notes);
  folder.commit();
  return notes;
}

void export_assignment(const PartitionedStore& parts, const fs::path& out, Existing existing) {
  expect_free(out, existing);
  expect_sound_ids(parts);
  std::vector<std::int32_t> part_of(static_cast<std::size_t>(parts.meta().store.nodes));
  for (int p = 0; p < parts.k(); ++p)
    for (const std::int64_t node : parts.part(Part(static_cast<Part::rep>(p))).store_ids) part_of[node] = p;
  if (out.extension() == ".npy") {
    write_npy(out, std::span<const std::int32_t>(part_of));
    return;
  }
  write_rows(out, "", static_cast<std::int64_t>(part_of.size()), 1 << 14,
             [&](std::int64_t begin, std::int64_t end, std::string& text) {
               for (std::int64_t v = begin; v < end; ++v) {
                 append_number(text, std::int64_t{part_of[v]});
                 text += '\n';
               }
             });
}

}  // namespace kith
