#pragma once
#include <filesystem>
#include <string_view>

namespace kith::log {

enum class Level { debug, info, warning, error };

/// Where this rank's lines go. Without a call to `open`, everything goes to standard error with no prefix.
struct Options {
  int rank = 0;
  int ranks = 1;
  Level level = Level::info;
  /// One file per rank, `rank-00003.log`, is written here; empty: none. Every level goes to the file.
  std::filesystem::path folder = {};
};

/// Rank 0 prints to the console from `level` up; other ranks only warnings and errors, prefixed with the
/// rank.
void open(const Options& options);

void debug(std::string_view message);
void info(std::string_view message);
void warning(std::string_view message);
void error(std::string_view message);
void flush();

}  // namespace kith::log
