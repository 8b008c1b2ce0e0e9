#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kith/datasets/partitioned_store.h"

namespace kith {

/// What an export left out or changed, a sentence each.
using ExportNotes = std::vector<std::string>;

/// A format a store is written in: adding one is a function and its line in export_store.cc.
struct ExportFormat {
  std::string_view name;
  std::string_view makes;  ///< for --help and messages
  bool folder = true;      ///< OUT is a folder; else a file
  void (*write)(const Store& store, const std::filesystem::path& out, ExportNotes& notes);
};
std::span<const ExportFormat> export_formats();

/// Writes a store in a format of others, whole or not at all; `kith prepare` of the result makes a store with
/// the same arrays, as far as the format holds them. Throws InputError for an unknown format, an output that
/// exists (a file may be replaced), and what the format cannot hold.
ExportNotes export_store(const Store& store, std::string_view format, const std::filesystem::path& out,
                         Existing existing = Existing::refuse);

/// The part of every node, by store id: `.npy` (int32 [n]) or else text, a number a line, as METIS writes it.
void export_assignment(const PartitionedStore& parts, const std::filesystem::path& out,
                       Existing existing = Existing::refuse);

}  // namespace kith
