#pragma once
#include <filesystem>
#include <string>

namespace kith {

/// A run on one page, from its metrics.jsonl and summary.json: verdict, curves of loss and accuracy, seconds
/// by phase and rank, bytes by peer, cache hits, memory, settings. One HTML file that needs nothing else (SVG
/// and CSS inline, no network), light or dark as the reader's screen is. Throws InputError when the run has
/// no summary.json yet, CorruptError when it is damaged.
std::string html_report(const std::filesystem::path& run);

/// Writes it as RUN/report.html and returns that path.
std::filesystem::path write_html_report(const std::filesystem::path& run);

}  // namespace kith
