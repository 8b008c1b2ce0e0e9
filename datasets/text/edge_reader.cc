#include "kith/datasets/text/edge_reader.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "kith/core/error.h"
#include "kith/core/host.h"
#include "kith/datasets/text/edge_columns.h"

namespace kith {
namespace {

/// An id in a list of numbers is none: the pass begins again with texts.
struct IdsAreTexts {};

constexpr std::int64_t kAhead = 8;
constexpr std::uint32_t kShards = kIdShards;  ///< of provisional ids, which have 32 bits

/// Results of chunks that finish in any order and whose number is not known beforehand.
template <class T>
class ByChunk {
 public:
  void put(std::int64_t number, T value) {
    const std::lock_guard lock(mutex_);
    if (static_cast<std::int64_t>(values_.size()) <= number)
      values_.resize(static_cast<std::size_t>(number) + 1);
    values_[number] = std::move(value);
  }
  std::vector<T>& values() { return values_; }

 private:
  std::mutex mutex_;
  std::vector<T> values_;
};

/// Adds the ids of some chunks to the shards, each shard by one thread, chunks in order. `key(c, token)` is
/// what the table is asked for; `ends(c)` takes the entries, or nothing.
template <class Table, class Tokens, class Add>
void add_to_shards(IdShards<Table>& ids, std::int64_t first, std::int64_t end, const Tokens& tokens_of_chunk,
                   std::span<Array<std::uint32_t>> out, const Add& add) {
  parallel_for(0, kIdShards, 1, [&](std::int64_t s, std::int64_t) {
    Table& table = ids.shard(static_cast<std::size_t>(s));
    for (std::int64_t c = first; c < end; ++c) {
      const auto& chunk = tokens_of_chunk(c);
      const std::int64_t last = chunk.begin[s + 1];
      for (std::int64_t i = chunk.begin[s]; i < last; ++i) {
        if (i + kAhead < last) table.prefetch(chunk.tokens[i + kAhead].tag);
        const std::uint32_t entry = add(table, c, chunk.tokens[i]);
        if (!out.empty())
          out[c - first][chunk.tokens[i].at] = entry * kShards + static_cast<std::uint32_t>(s);
      }
    }
  });
}

template <class Visit>
void visit_numbers(const NumberChunk& chunk, Visit&& visit) {
  chunk.wide.empty() ? visit(chunk.narrow.span()) : visit(chunk.wide.span());
}

}  // namespace

EdgeReader::EdgeReader(const std::vector<std::filesystem::path>& files, const EdgeTextOptions& options,
                       ChunkOptions chunks)
    : options_(options), layout_(layout_of(files, options)), chunks_(chunks) {
  chunks_.keep_texts = layout_.format.names;
  source_ = std::make_unique<TextSource>(layout_.files, chunks_);
}

/// `--ids map` takes whole numbers for numbers until one id is none.
template <class Pass>
void EdgeReader::retried_as_names(Pass&& pass) {
  for (int attempt = 0;; ++attempt) {
    counts_ = {};
    ids_ = {};
    bad_ = std::make_unique<BadLines>(options_, layout_.files);
    try {
      pass();
      break;
    } catch (const IdsAreTexts&) {
      require(attempt == 0, "ids are numbers or texts");
      layout_.format.names = true;
      chunks_.keep_texts = true;
      source_ = std::make_unique<TextSource>(layout_.files, chunks_);
    }
  }
  counts_.text_bytes = source_->text_bytes();
  counts_.bad_lines = bad_->count();
  if (counts_.edges == 0)
    throw InputError(fmt::format("{}: no line is an edge", layout_.files.front().path.string()));
}

void EdgeReader::check_bad(bool names) {
  if (!names && options_.ids == IdPolicy::map && bad_->text_ids()) throw IdsAreTexts{};
  bad_->check();
}

void EdgeReader::read_numbers(const std::function<void(std::int64_t, NumberChunk)>& use, const char* step) {
  Progress progress(step, source_->packed_bytes(), "bytes");
  std::mutex mutex;
  const Negative negative = options_.ids == IdPolicy::map ? Negative::allow : Negative::refuse;
  source_->for_each(
      [&](std::int64_t number, const TextChunk& text) {
        NumberChunk chunk = parse_numbers(text, layout_.format, negative, *bad_);
        {
          const std::lock_guard lock(mutex);
          counts_.edges += chunk.edges;
          counts_.lowest = std::min(counts_.lowest, chunk.lowest);
          counts_.largest = std::max(counts_.largest, chunk.largest);
        }
        progress.add(static_cast<std::int64_t>(text.text.size()));
        use(number, std::move(chunk));
      },
      [&](std::int64_t, std::int64_t) { check_bad(false); });
}

void EdgeReader::read_names(const std::function<void(std::int64_t, const TextChunk&, NameChunk)>& use,
                            const TextSource::After& after, const char* step) {
  Progress progress(step, source_->packed_bytes(), "bytes");
  std::atomic<std::int64_t> edges = 0;
  source_->for_each(
      [&](std::int64_t number, const TextChunk& text) {
        NameChunk chunk = parse_names(text, layout_.format, *bad_);
        edges += chunk.edges;
        progress.add(static_cast<std::int64_t>(text.text.size()));
        use(number, text, std::move(chunk));
      },
      [&](std::int64_t first, std::int64_t end) {
        check_bad(true);
        if (after) after(first, end);
      });
  counts_.edges = edges;
}

void EdgeReader::number_names(const std::function<std::span<Provisional>(std::span<NameChunk>)>& places,
                              const char* step) {
  std::vector<NameChunk> tokens(static_cast<std::size_t>(chunks_.chunks_per_batch));
  std::vector<const char*> texts(tokens.size());
  std::int64_t base = 0;
  read_names(
      [&](std::int64_t number, const TextChunk& text, NameChunk chunk) {
        tokens[number - base] = std::move(chunk);
        texts[number - base] = text.text.data();
      },
      [&](std::int64_t begin, std::int64_t end) {
        add_to_shards(
            ids_.texts, begin, end, [&](std::int64_t c) -> const NameChunk& { return tokens[c - begin]; },
            places(std::span(tokens).first(static_cast<std::size_t>(end - begin))),
            [&](NameTable& table, std::int64_t c, const NameToken& token) {
              return table.find_or_add(token.tag, {texts[c - begin] + token.offset, token.length},
                                       static_cast<std::uint64_t>(c) << 32 | token.at);
            });
        base = end;
      },
      step);
  ids_.number_texts();
}

bool EdgeReader::numbers_are_nodes() const {
  if (options_.ids != IdPolicy::automatic) return options_.ids == IdPolicy::dense;
  // Few ids are missing: the missing are isolated nodes. Many: the ids are names, and must not size an array.
  return counts_.lowest >= 0 && counts_.largest < 4 * counts_.edges + 1024;
}

void EdgeReader::keep_dense() {
  ids_.nodes = counts_.largest + 1;
  if (static_cast<double>(ids_.nodes) * 16 > static_cast<double>(memory_limit_bytes()))
    throw MemoryError(
        fmt::format("--ids dense: ids up to {} make {} nodes, which do not fit in memory; --ids map "
                    "numbers those that occur",
                    counts_.largest, ids_.nodes));
}

EdgeText EdgeReader::collect() {
  EdgeText result;
  const auto numbers = [&] {
    ByChunk<NumberChunk> kept;
    read_numbers([&](std::int64_t number, NumberChunk chunk) { kept.put(number, std::move(chunk)); }, "read");
    std::vector<NumberChunk>& chunks = kept.values();
    const auto first = first_edges(chunks, [](const NumberChunk& chunk) { return chunk.edges; });
    if (layout_.format.weight >= 0) {
      std::vector<Array<float>> weights;
      for (NumberChunk& chunk : chunks) weights.push_back(std::move(chunk.weights));
      result.weights = joined(weights);
    }
    if (numbers_are_nodes()) {
      keep_dense();
      result.edges = edges_of_chunks(ids_.nodes, first, [&](std::int64_t c, std::int64_t edges, auto&& put) {
        visit_numbers(chunks[c], [&](auto ends) {
          for (std::int64_t e = 0; e < edges; ++e) put(ends[2 * e], ends[2 * e + 1]);
        });
        chunks[c] = {};
      });
      return;
    }
    std::vector<Provisional> ends(chunks.size());
    const auto count = static_cast<std::int64_t>(chunks.size());
    for (std::int64_t begin = 0; begin < count; begin += chunks_.chunks_per_batch) {
      const std::int64_t end = std::min(count, begin + chunks_.chunks_per_batch);
      std::vector<NumberTokens> tokens(static_cast<std::size_t>(end - begin));
      parallel_for(begin, end, 1, [&](std::int64_t c, std::int64_t) {
        visit_numbers(chunks[c],
                      [&](auto numbers_of_chunk) { tokens[c - begin] = tokens_of(numbers_of_chunk); });
        ends[c] = Provisional(tokens[c - begin].tokens.size());
        chunks[c] = {};
      });
      add_to_shards(
          ids_.numbers, begin, end, [&](std::int64_t c) -> const NumberTokens& { return tokens[c - begin]; },
          std::span(ends).subspan(static_cast<std::size_t>(begin)),
          [](NumberTable& table, std::int64_t, const NumberToken& token) {
            return table.find_or_add(token.tag, token.id);
          });
    }
    ids_.number_numbers();
    result.edges = edges_of_chunks(ids_.nodes, first, [&](std::int64_t c, std::int64_t edges, auto&& put) {
      const auto node = [&](std::uint32_t end) { return ids_.numbers.rank(end % kShards, end / kShards); };
      for (std::int64_t e = 0; e < edges; ++e) put(node(ends[c][2 * e]), node(ends[c][2 * e + 1]));
      ends[c] = {};
    });
  };
  const auto names = [&] {
    std::vector<Provisional> ends;
    std::vector<Array<float>> weights;
    const auto keep = [&](std::span<NameChunk> chunks) {
      const std::size_t before = ends.size();
      for (NameChunk& chunk : chunks) {
        ends.emplace_back(chunk.tokens.size());
        weights.push_back(std::move(chunk.weights));
      }
      return std::span(ends).subspan(before);
    };
    number_names(keep, "read");
    const auto first = first_edges(ends, [](const Provisional& chunk) { return chunk.ssize() / 2; });
    result.edges = edges_of_chunks(ids_.nodes, first, [&](std::int64_t c, std::int64_t edges, auto&& put) {
      const auto node = [&](std::uint32_t end) { return ids_.texts.rank(end % kShards, end / kShards); };
      for (std::int64_t e = 0; e < edges; ++e) put(node(ends[c][2 * e]), node(ends[c][2 * e + 1]));
      ends[c] = {};
    });
    if (layout_.format.weight >= 0) result.weights = joined(weights);
  };
  retried_as_names([&] { layout_.format.names ? names() : numbers(); });
  result.counts = counts_;
  result.format = layout_.format;
  result.notes = notes();
  result.ids = std::move(ids_);
  // What the chunks took fits no array to come.
  Buffer::release_cached();
  return result;
}

void EdgeReader::survey() {
  const auto numbers = [&] {
    read_numbers([](std::int64_t, const NumberChunk&) {}, "survey");
    if (numbers_are_nodes()) return keep_dense();
    std::vector<NumberTokens> tokens(static_cast<std::size_t>(chunks_.chunks_per_batch));
    const Negative negative = options_.ids == IdPolicy::map ? Negative::allow : Negative::refuse;
    std::int64_t base = 0;
    BadLines counted_already(options_, layout_.files);
    source_->for_each(
        [&](std::int64_t number, const TextChunk& text) {
          const NumberChunk chunk = parse_numbers(text, layout_.format, negative, counted_already);
          visit_numbers(chunk, [&](auto ids) { tokens[number - base] = tokens_of(ids); });
        },
        [&](std::int64_t begin, std::int64_t end) {
          add_to_shards(
              ids_.numbers, begin, end,
              [&](std::int64_t c) -> const NumberTokens& { return tokens[c - begin]; }, {},
              [](NumberTable& table, std::int64_t, const NumberToken& token) {
                return table.find_or_add(token.tag, token.id);
              });
          base = end;
        });
    ids_.number_numbers();
  };
  const auto names = [&] {
    number_names([](std::span<NameChunk>) { return std::span<Provisional>(); }, "survey");
  };
  retried_as_names([&] { layout_.format.names ? names() : numbers(); });
}

void EdgeReader::stream(const Sink& sink, const TextSource::After& after) {
  BadLines counted_already(options_, layout_.files);
  Progress progress("edges", source_->packed_bytes(), "bytes");
  const auto number_chunk = [&](std::int64_t number, const TextChunk& text) {
    const Negative negative = options_.ids == IdPolicy::map ? Negative::allow : Negative::refuse;
    const NumberChunk chunk = parse_numbers(text, layout_.format, negative, counted_already);
    static thread_local std::vector<std::int64_t> nodes;
    visit_numbers(chunk, [&](auto ids) { nodes.assign(ids.begin(), ids.end()); });
    for (std::int64_t& node : nodes) node = ids_.node_of(node, layout_.files[text.file].path);
    sink(number, nodes, chunk.weights.span());
  };
  const auto name_chunk = [&](std::int64_t number, const TextChunk& text) {
    const NameChunk chunk = parse_names(text, layout_.format, counted_already);
    static thread_local std::vector<std::int64_t> nodes;
    nodes.resize(chunk.tokens.size());
    for (std::size_t s = 0; s < kIdShards; ++s) {
      for (std::uint32_t i = chunk.begin[s]; i < chunk.begin[s + 1]; ++i) {
        const NameToken& token = chunk.tokens[i];
        const std::uint32_t entry =
            ids_.texts.shard(s).find(token.tag, {text.text.data() + token.offset, token.length});
        if (entry == TagSlots::kNone)
          throw InputError(
              fmt::format("{}: changed while it was read", layout_.files[text.file].path.string()));
        nodes[token.at] = ids_.texts.rank(s, entry);
      }
    }
    sink(number, nodes, chunk.weights.span());
  };
  source_->for_each(
      [&](std::int64_t number, const TextChunk& text) {
        layout_.format.names ? name_chunk(number, text) : number_chunk(number, text);
        progress.add(static_cast<std::int64_t>(text.text.size()));
      },
      after);
}

std::vector<std::string> EdgeReader::notes() {
  std::vector<std::string> notes;
  const EdgeFormat& format = layout_.format;
  if (source_->files().size() > 1)
    notes.push_back(fmt::format("{} files, from {} to {}", source_->files().size(),
                                source_->files().front().path.filename().string(),
                                source_->files().back().path.filename().string()));
  if (!ids_.node_ids.empty())
    notes.push_back(fmt::format("ids from {} to {} numbered anew in ascending order, kept as the user's ids",
                                ids_.node_ids[0], ids_.node_ids.back()));
  if (!ids_.names.empty())
    notes.push_back("ids are texts, numbered in the order they first appear, kept as the user's ids");
  const std::int64_t used = format.weight < 0 ? 2 : 3;
  if (format.columns > used)
    notes.push_back(fmt::format("{} of {} columns were left out", format.columns - used, format.columns));
  if (bad_->count() > 0) notes.push_back(bad_->note());
  return notes;
}

EdgeText read_edge_text(const std::vector<std::filesystem::path>& files, const EdgeTextOptions& options) {
  return EdgeReader(files, options).collect();
}

std::string edge_text_name(const std::filesystem::path& raw) {
  std::string name = without_packing(raw).stem().string();
  std::erase_if(name, [](char c) { return c == '*' || c == '?' || c == '[' || c == ']'; });
  while (!name.empty() && (name.back() == '-' || name.back() == '_' || name.back() == '.')) name.pop_back();
  return name.empty() ? "edges" : name;
}

}  // namespace kith
