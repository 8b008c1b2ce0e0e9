#pragma once
#include <optional>
#include <string>
#include <vector>

namespace kith::cli {

/// A halo protocol in the table of `kith bench protocols`.
struct ProtocolRow {
  std::string protocol;
  int parts = 0;
  double halo_bytes_per_epoch = 0, header_bytes_per_epoch = 0;  ///< headers are among the bytes
  double halo_rows_per_epoch = 0, skipped_rows_per_epoch = 0, messages_per_epoch = 0;
  double one_time_bytes = 0;
  std::optional<double> modelled_seconds = {};  ///< of an epoch's exchanges
  std::vector<double> test_scores = {};         ///< by seed

  double mean_score() const;
  double score_deviation() const;  ///< of the sample; 0 of one seed
};

/// Aligned for a terminal; shares are of the first row's bytes, with one-time bytes spread over 200 epochs.
std::string table_of(const std::vector<ProtocolRow>& rows);
std::string csv_of(const std::vector<ProtocolRow>& rows);
/// A list of objects. What was not measured is null.
std::string json_of(const std::vector<ProtocolRow>& rows);
std::string html_of(const std::vector<ProtocolRow>& rows, const std::string& graph);

}  // namespace kith::cli
