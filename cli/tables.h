#pragma once
#include <filesystem>
#include <string>

#include "kith/datasets/inspect.h"

namespace kith::cli {

/// Facts as lines of a name and a value, then the tables, columns aligned.
std::string text_of(const Description& description);

/// A JSON object as lines of a name and a value; the names of nested objects are joined by dots.
std::string facts_text(const std::string& json);

/// What a run came to, as one JSON object: its summary.json, or for one under way the last line of its
/// metrics. Throws CorruptError when that is no JSON.
std::string run_summary_json(const std::filesystem::path& run);

/// "sage, mini-batch, 2 layers of 64, on parts, seed 0" of a summary.json.
std::string settings_line(const std::string& summary_json);

std::string with_newline(std::string text);

}  // namespace kith::cli
