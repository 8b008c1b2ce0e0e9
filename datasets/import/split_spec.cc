#include "kith/datasets/import/split_spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/parallel.h"
#include "kith/core/philox.h"

namespace kith {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw InputError(
      fmt::format("--split {}: {}; write public, random:0.6/0.2/0.2[:seed], per-class:20/30[:seed] or mask:K",
                  text, why));
}

std::vector<std::string_view> pieces(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

template <class T>
T number(std::string_view whole, std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty())
    refuse(whole, fmt::format("\"{}\" is not a number it takes", text));
  return value;
}

void parse_fractions(std::string_view whole, std::string_view text, SplitSpec& spec) {
  const auto parts = pieces(text, '/');
  if (parts.size() != 3) refuse(whole, "three fractions are needed");
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    spec.fractions[i] = number<double>(whole, parts[i]);
    if (!(spec.fractions[i] >= 0 && spec.fractions[i] <= 1)) refuse(whole, "a fraction lies in [0, 1]");
    sum += spec.fractions[i];
  }
  if (sum > 1 + 1e-9) refuse(whole, fmt::format("the fractions sum to {}, more than 1", sum));
  if (spec.fractions[0] == 0) refuse(whole, "the train fraction is 0");
}

void parse_counts(std::string_view whole, std::string_view text, SplitSpec& spec) {
  const auto parts = pieces(text, '/');
  if (parts.size() != 2) refuse(whole, "two counts are needed, train/valid");
  spec.train_per_class = number<std::int64_t>(whole, parts[0]);
  spec.valid_per_class = number<std::int64_t>(whole, parts[1]);
  constexpr std::int64_t kMost = 1'000'000'000;
  if (spec.train_per_class < 1 || spec.train_per_class > kMost) refuse(whole, "train is 1 … 1e9 per class");
  if (spec.valid_per_class < 0 || spec.valid_per_class > kMost) refuse(whole, "valid is 0 … 1e9 per class");
}

/// The nodes listed in `nodes`, in the order that the seed gives them.
std::vector<std::int64_t> keyed_order(std::vector<std::int64_t> nodes, std::uint64_t seed) {
  const PhiloxKey key = philox_key(seed, Stream::split);
  std::vector<std::pair<std::uint64_t, std::int64_t>> keyed(nodes.size());
  parallel_for(0, static_cast<std::int64_t>(nodes.size()), 1 << 14,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i)
                   keyed[i] = {word64(draw_words(key, StoreId(nodes[i]), 0, 0), 0), nodes[i]};
               });
  std::sort(keyed.begin(), keyed.end());
  std::transform(keyed.begin(), keyed.end(), nodes.begin(), [](const auto& pair) { return pair.second; });
  return nodes;
}

Array<std::int64_t> ascending(std::span<const std::int64_t> ids) {
  Array<std::int64_t> out = copy_of(ids);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

SplitSpec parse_split(std::string_view text, std::uint64_t fallback_seed) {
  SplitSpec spec;
  spec.seed = fallback_seed;
  const auto parts = pieces(text, ':');
  const std::string_view kind = parts[0];
  const bool seedable = kind == "random" || kind == "per-class";
  const std::size_t least = kind == "public" ? 1 : 2, most = seedable ? 3 : least;
  if (!seedable && kind != "public" && kind != "mask") refuse(text, fmt::format("unknown kind \"{}\"", kind));
  if (parts.size() < least || parts.size() > most) refuse(text, "wrong number of parts between colons");
  if (kind == "random") {
    spec.kind = SplitSpec::Kind::random;
    parse_fractions(text, parts[1], spec);
  } else if (kind == "per-class") {
    spec.kind = SplitSpec::Kind::per_class;
    parse_counts(text, parts[1], spec);
  } else if (kind == "mask") {
    spec.kind = SplitSpec::Kind::mask;
    spec.mask = number<int>(text, parts[1]);
    if (spec.mask < 0) refuse(text, "a mask is numbered from 0");
  }
  if (parts.size() == 3) spec.seed = number<std::uint64_t>(text, parts[2]);
  return spec;
}

std::string text_of(const SplitSpec& spec) {
  switch (spec.kind) {
    case SplitSpec::Kind::given: return "public";
    case SplitSpec::Kind::mask: return fmt::format("mask:{}", spec.mask);
    case SplitSpec::Kind::per_class:
      return fmt::format("per-class:{}/{}:{}", spec.train_per_class, spec.valid_per_class, spec.seed);
    case SplitSpec::Kind::random: break;
  }
  const auto& f = spec.fractions;
  return fmt::format("random:{}/{}/{}:{}", f[0], f[1], f[2], spec.seed);
}

SplitIds random_split(std::span<const std::uint8_t> has_label, const SplitSpec& spec) {
  std::vector<std::int64_t> nodes;
  for (std::size_t i = 0; i < has_label.size(); ++i)
    if (has_label[i] != 0) nodes.push_back(static_cast<std::int64_t>(i));
  const std::vector<std::int64_t> order = keyed_order(std::move(nodes), spec.seed);
  // Ends are rounded from sums, so that fractions that sum to 1 leave nobody out.
  const auto count = static_cast<double>(order.size());
  std::size_t ends[4] = {0, 0, 0, 0};
  double sum = 0;
  for (int s = 0; s < 3; ++s) {
    sum += spec.fractions[s];
    ends[s + 1] = std::min(order.size(), static_cast<std::size_t>(std::llround(sum * count)));
  }
  const std::span<const std::int64_t> all(order);
  return {ascending(all.subspan(0, ends[1])), ascending(all.subspan(ends[1], ends[2] - ends[1])),
          ascending(all.subspan(ends[2], ends[3] - ends[2]))};
}

SplitIds per_class_split(std::span<const std::int64_t> classes, std::int64_t count, const SplitSpec& spec) {
  std::vector<std::vector<std::int64_t>> members(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (classes[i] >= 0) members[classes[i]].push_back(static_cast<std::int64_t>(i));
  std::vector<std::int64_t> ids[3];
  for (std::int64_t c = 0; c < count; ++c) {
    const std::vector<std::int64_t> order = keyed_order(std::move(members[c]), spec.seed);
    const auto size = static_cast<std::int64_t>(order.size());
    if (size == 0) continue;  // a class number nobody has
    if (size < spec.train_per_class + spec.valid_per_class)
      throw InputError(fmt::format("--split {}: class {} has only {} labelled nodes, {} are needed",
                                   text_of(spec), c, size, spec.train_per_class + spec.valid_per_class));
    for (std::int64_t i = 0; i < size; ++i) {
      const int s = i < spec.train_per_class ? 0 : i < spec.train_per_class + spec.valid_per_class ? 1 : 2;
      ids[s].push_back(order[i]);
    }
  }
  return {ascending(std::span<const std::int64_t>(ids[0])), ascending(std::span<const std::int64_t>(ids[1])),
          ascending(std::span<const std::int64_t>(ids[2]))};
}

}  // namespace kith
