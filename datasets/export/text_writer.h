#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace kith {

/// Appends the text of rows [begin, end) to `out`. A pure function, called from several threads.
using WriteRows = std::function<void(std::int64_t begin, std::int64_t end, std::string& out)>;

/// Writes `head` and then `rows` rows, formatted in parallel in pieces of `grain` rows and written in order,
/// so that only a few pieces are in memory. A path that ends in `.gz` is compressed piece by piece (a gzip
/// file of several members). Whole or absent; the same bytes for any number of threads.
void write_rows(const std::filesystem::path& path, std::string_view head, std::int64_t rows,
                std::int64_t grain, const WriteRows& write);

/// The shortest text that reads back as the same float.
void append_number(std::string& out, float value);
void append_number(std::string& out, std::int64_t value);

}  // namespace kith
