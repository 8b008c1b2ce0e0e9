#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/array.h"
#include "kith/datasets/text/decompressor.h"

namespace kith {

/// "edges-2" before "edges-10": runs of digits are compared as numbers.
bool natural_less(std::string_view a, std::string_view b);
/// True when the name holds * ? or [, and no such file exists.
bool is_pattern(const std::filesystem::path& raw);
/// The files that `raw` names, in natural order: the file itself, or those that match its pattern (in the
/// last component). Throws InputError when there is none.
std::vector<std::filesystem::path> files_named(const std::filesystem::path& raw);

/// Consecutive whole lines of one file. Behind the text lie at least `kSlack` readable bytes.
struct TextChunk {
  static constexpr std::size_t kSlack = 64;
  std::size_t file = 0;
  std::int64_t offset = 0;  ///< of its first byte in the unpacked file
  std::string_view text;
};

/// A text file and where its lines of edges begin in the unpacked bytes.
struct TextFileBegin {
  std::filesystem::path path;
  std::int64_t begin = 0;
};

struct ChunkOptions {
  std::size_t chunk_bytes = std::size_t{4} << 20;
  std::int64_t chunks_per_batch = 16;
  /// The texts of a batch stay until `after` has returned.
  bool keep_texts = false;
};

/// Reads the files in chunks and hands them out in parallel: `use(number, chunk)`, numbers counted from 0
/// over all files in order; after each batch `after(first, end)` is called for the numbers used, alone. Plain
/// files are read by the thread that uses the chunk; packed ones are unpacked by one thread while others use
/// the last batch. The cutting does not depend on the number of threads. Throws InputError on a line longer
/// than 16 MiB.
class TextSource {
 public:
  using Use = std::function<void(std::int64_t number, const TextChunk& chunk)>;
  using After = std::function<void(std::int64_t first, std::int64_t end)>;

  TextSource(std::vector<TextFileBegin> files, ChunkOptions options);
  ~TextSource();
  void for_each(const Use& use, const After& after = {});

  const std::vector<TextFileBegin>& files() const { return files_; }
  /// Sum of the files' sizes as they lie on the disk.
  std::int64_t packed_bytes() const { return packed_bytes_; }
  /// Unpacked bytes handed out by the last `for_each`.
  std::int64_t text_bytes() const { return text_bytes_; }

 private:
  struct Walk;
  std::vector<TextFileBegin> files_;
  ChunkOptions options_;
  std::int64_t packed_bytes_ = 0;
  std::int64_t text_bytes_ = 0;
};

/// The number, from 1, of the line that holds byte `offset` of the unpacked file. O(offset).
std::int64_t line_number(const std::filesystem::path& path, std::int64_t offset);

}  // namespace kith
