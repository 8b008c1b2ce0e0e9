#pragma once
#include <map>

#include "kith/datasets/npy_file.h"

namespace kith {

/// The files of a folder by name, as its JSON notes them.
using FileTable = std::map<std::string, FileRecord>;

/// Maps an array that the table lists and checks its size, element type and shape (−1: any). Throws
/// CorruptError that names the file.
NpyFile open_array(const std::filesystem::path& folder, const FileTable& table, const std::string& name,
                   DType dtype, std::initializer_list<std::int64_t> shape);

/// Every listed file against its size and checksum, in parallel over files; throws CorruptError that names
/// the first damaged one. Returns the number of files read.
int verify_files(const std::filesystem::path& folder, const FileTable& table);

std::int64_t total_bytes(const FileTable& table);

/// The element type as NumPy is told it: bf16 travels as uint16.
DType stored_as(DType dtype);

}  // namespace kith
