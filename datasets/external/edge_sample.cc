// Edges follow from the mean length of a sampled line; nodes from the largest sampled id, or where ids are
// mapped from how many of the sampled ends are distinct.
#include "kith/datasets/external/edge_sample.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <unordered_set>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/datasets/text/edge_parser.h"

namespace kith {
namespace {

constexpr std::int64_t kSamples = 16;
constexpr std::int64_t kSampleBytes = std::int64_t{256} << 10;
/// Lists of edges shrink about so much; a packed file does not say what it holds.
constexpr std::int64_t kPackedShrinkage = 3;

/// What this thread has computed for: waiting for others does not count.
double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Sampled {
  std::int64_t bytes = 0, edges = 0, largest = -1, ends = 0, name_bytes = 0;
  double seconds_per_byte = 1e-6;
  std::unordered_set<std::uint64_t> distinct;

  void add(const TextChunk& chunk, const EdgeFormat& format, BadLines& bad) {
    const double begin = thread_seconds();
    const NameChunk names = format.names ? parse_names(chunk, format, bad) : NameChunk();
    const NumberChunk numbers =
        format.names ? NumberChunk() : parse_numbers(chunk, format, Negative::allow, bad);
    // The first parse touches fresh memory, which a long run does once.
    const double seconds = thread_seconds() - begin;
    seconds_per_byte = std::min(seconds_per_byte,
                                seconds / static_cast<double>(std::max<std::size_t>(1, chunk.text.size())));
    bytes += static_cast<std::int64_t>(chunk.text.size());
    format.names ? add_names(chunk, names) : add_numbers(numbers);
  }
  void add_names(const TextChunk& chunk, const NameChunk& names) {
    edges += names.edges;
    ends += names.tokens.ssize();
    for (const NameToken& token : names.tokens)
      if (distinct.insert(hash_of_name(chunk.text.data() + token.offset, token.length)).second)
        name_bytes += token.length;
  }
  void add_numbers(const NumberChunk& numbers) {
    edges += numbers.edges;
    ends += 2 * numbers.edges;
    largest = std::max(largest, numbers.largest);
    for (const std::int32_t id : numbers.narrow) distinct.insert(static_cast<std::uint64_t>(id));
    for (const std::int64_t id : numbers.wide) distinct.insert(static_cast<std::uint64_t>(id));
  }
};

/// Ends drawn evenly from n nodes show n (1 − e^(−ends / n)) of them: solved for n. With hubs, or few
/// repeats, it is the order of magnitude.
double nodes_behind(double distinct, double ends, double most) {
  if (distinct >= ends) return most;
  double low = distinct, high = most;
  for (int i = 0; i < 100 && low < high; ++i) {
    const double middle = std::sqrt(low * high);
    (middle * -std::expm1(-ends / middle) < distinct ? low : high) = middle;
  }
  return low;
}

std::int64_t unpacked_bytes(const std::filesystem::path& path) {
  const auto packed = static_cast<std::int64_t>(std::filesystem::file_size(path));
  return packing_of(path) == Packing::none ? packed : packed * kPackedShrinkage;
}

/// Whole lines of a file from `offset` behind its begin on.
std::string lines_at(const TextFileBegin& file, std::int64_t offset) {
  std::string text(static_cast<std::size_t>(kSampleBytes), '\0');
  std::size_t count = 0;
  if (packing_of(file.path) == Packing::none) {
    count = PlainFile(file.path).read_at(file.begin + offset, {text.data(), text.size()});
  } else {
    ByteStream stream(file.path);
    Array<char> skipped(static_cast<std::size_t>(file.begin));
    stream.read(skipped.span());
    count = stream.read({text.data(), text.size()});
  }
  const bool whole = count < text.size();
  text.resize(count);
  if (offset > 0) text.erase(0, std::min(text.size(), text.find('\n')) + 1);
  const std::size_t last = text.rfind('\n');
  if (!whole && last != text.npos) text.resize(last + 1);
  return text;
}

void sample_file(Sampled& all, const EdgeTextLayout& layout, std::size_t f, BadLines& bad) {
  const TextFileBegin& file = layout.files[f];
  const std::int64_t size = unpacked_bytes(file.path) - file.begin;
  const std::int64_t wanted = kSamples / static_cast<std::int64_t>(layout.files.size());
  const bool packed = packing_of(file.path) != Packing::none;
  const std::int64_t pieces =
      packed ? 1 : std::clamp<std::int64_t>(size / (2 * kSampleBytes), 1, std::max<std::int64_t>(1, wanted));
  for (std::int64_t p = 0; p < pieces; ++p) {
    std::string text = lines_at(file, p * (size / pieces));
    const std::size_t length = text.size();
    text.resize(length + TextChunk::kSlack);
    all.add({f, 0, {text.data(), length}}, layout.format, bad);
  }
}

double part(std::int64_t of, double numerator, std::int64_t denominator) {
  return static_cast<double>(of) * numerator / static_cast<double>(denominator);
}

}  // namespace

EdgeSample sample_edges(const std::filesystem::path& raw, const EdgeTextOptions& options) {
  const EdgeTextLayout layout = layout_of(files_named(raw), options);
  EdgeTextOptions lenient = options;
  lenient.skip_bad_lines = true;
  BadLines bad(lenient, layout.files);
  Sampled all;
  const std::size_t step = std::max<std::size_t>(1, layout.files.size() / kSamples);
  for (std::size_t f = 0; f < layout.files.size(); f += step) sample_file(all, layout, f, bad);
  EdgeSample sample;
  for (const TextFileBegin& file : layout.files) sample.text_bytes += unpacked_bytes(file.path) - file.begin;
  sample.names = layout.format.names;
  sample.weighted = layout.format.weight >= 0;
  if (all.edges == 0) return sample;  // reading will tell what is wrong
  sample.edges =
      static_cast<std::int64_t>(part(sample.text_bytes, static_cast<double>(all.edges), all.bytes));
  sample.mapped = sample.names || options.ids == IdPolicy::map ||
                  (options.ids == IdPolicy::automatic && all.largest >= 4 * sample.edges + 1024);
  const double distinct = static_cast<double>(all.distinct.size());
  sample.nodes = !sample.mapped
                     ? all.largest + 1
                     : static_cast<std::int64_t>(nodes_behind(distinct, static_cast<double>(all.ends),
                                                              2.0 * static_cast<double>(sample.edges)));
  sample.name_bytes = static_cast<std::int64_t>(
      part(sample.nodes, static_cast<double>(all.name_bytes), static_cast<std::int64_t>(distinct)));
  sample.seconds_per_byte = all.seconds_per_byte;
  return sample;
}

}  // namespace kith
