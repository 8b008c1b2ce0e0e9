#pragma once
#include "kith/datasets/import/zip.h"
#include "kith/datasets/npy.h"

namespace kith {

/// One array of an `.npz`, with the bytes it needs. Stored members view the archive, which must outlive it.
struct NpzArray {
  ZipBytes storage;
  NpyView view;
};

/// NumPy's archive of arrays. Throws InputError that names file and array.
class NpzFile {
 public:
  explicit NpzFile(const std::filesystem::path& path) : zip_(path) {}
  bool has(std::string_view name) const { return zip_.find(std::string(name) + ".npy") != nullptr; }
  /// Throws InputError when it is not there, with the names that are.
  NpzArray array(std::string_view name) const;
  /// The array's file as it stands, header and all. Throws InputError when it is not there.
  ZipBytes bytes(std::string_view name) const;
  const std::string& where() const { return zip_.where(); }

 private:
  ZipArchive zip_;
};

/// The path is a file `….npz` that opens as one and holds all of the arrays.
bool is_npz_with(const std::filesystem::path& path, std::initializer_list<std::string_view> names);

}  // namespace kith
