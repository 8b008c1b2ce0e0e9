#include "kith/exec/memory_report.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

#include "kith/core/host.h"
#include "kith/core/progress.h"
#include "kith/exec/memory_estimate.h"

namespace kith {
namespace {

constexpr std::size_t kMostColumns = 6;

constexpr const char* kMeaning[kMemoryKinds] = {"binaries, MPI, threads",
                                                "pages of the store, shared by a host's ranks",
                                                "rows, transposes, scales, plans, labels",
                                                "owned and halo rows, kept aggregates",
                                                "remote feature rows",
                                                "with optimiser moments and best weights",
                                                "kept for the backward pass",
                                                "of activations and parameters",
                                                "rows on their way between ranks",
                                                "mini-batches ahead and the sampler's copies",
                                                "forward pass over the full graph",
                                                "temporaries and blocks to be used again"};

struct Column {
  std::string title;
  MemoryByKind memory;
};

std::vector<Column> columns_of(std::span<const MemoryByKind> by_rank) {
  std::vector<Column> columns;
  const auto same = [&](const MemoryByKind& memory) { return memory.bytes == by_rank.front().bytes; };
  if (by_rank.size() > 1 && std::all_of(by_rank.begin(), by_rank.end(), same))
    return {{"each rank", by_rank.front()}};
  if (by_rank.size() <= kMostColumns) {
    for (const MemoryByKind& memory : by_rank)
      columns.push_back({fmt::format("rank {}", columns.size()), memory});
    return columns;
  }
  const auto by_total = [](const MemoryByKind& a, const MemoryByKind& b) { return a.total() < b.total(); };
  const auto [least, most] = std::minmax_element(by_rank.begin(), by_rank.end(), by_total);
  MemoryByKind mean;
  for (std::size_t kind = 0; kind < kMemoryKinds; ++kind) {
    for (const MemoryByKind& memory : by_rank) mean.bytes[kind] += memory.bytes[kind];
    mean.bytes[kind] /= static_cast<std::int64_t>(by_rank.size());
  }
  const auto rank = [&](auto at) { return fmt::format("rank {}", at - by_rank.begin()); };
  return {{rank(least), *least}, {"mean", mean}, {rank(most), *most}};
}

std::string bytes_text(std::int64_t bytes) {
  return bytes == 0 ? "-" : human_bytes(static_cast<double>(bytes));
}

std::string line(const std::string& name, const std::vector<std::string>& cells, const std::string& note) {
  std::string text = fmt::format("  {:<12}", name);
  for (const std::string& cell : cells) text += fmt::format("{:>11}", cell);
  return text + (note.empty() ? "\n" : "   " + note + "\n");
}

template <class Value>
std::vector<std::string> cells(const std::vector<Column>& columns, Value&& value) {
  std::vector<std::string> texts;
  for (const Column& column : columns) texts.push_back(value(column));
  return texts;
}

}  // namespace

std::string estimate_table(std::span<const MemoryByKind> by_rank) {
  const std::vector<Column> columns = columns_of(by_rank);
  std::string text = line("", cells(columns, [](const Column& c) { return c.title; }), "");
  for (std::size_t kind = 0; kind < kMemoryKinds; ++kind)
    text += line(std::string(name_of(static_cast<MemoryKind>(kind))),
                 cells(columns, [&](const Column& c) { return bytes_text(c.memory.bytes[kind]); }),
                 kMeaning[kind]);
  text += line("total", cells(columns, [](const Column& c) { return bytes_text(c.memory.total()); }),
               "resident set at its peak");
  return text + line("without map.",
                     cells(columns, [](const Column& c) { return bytes_text(needed_bytes(c.memory)); }),
                     "what cannot be given back when memory is short");
}

std::string remedies(const MemoryByKind& memory, Regime regime) {
  struct Remedy {
    std::int64_t bytes;
    const char* text;
  };
  const auto of = [&](MemoryKind kind) { return memory[kind]; };
  const std::int64_t passes = of(MemoryKind::activations) + of(MemoryKind::gradients);
  const std::int64_t rows = of(MemoryKind::graph) + of(MemoryKind::features) + of(MemoryKind::evaluation);
  std::vector<Remedy> all{{rows + passes / 2, "more ranks (mpiexec -n)"},
                          {passes + of(MemoryKind::workspace), "a smaller --hidden"}};
  if (regime == Regime::full_graph) {
    all.push_back({passes + of(MemoryKind::workspace) + 1, "--regime mini-batch"});
    all.push_back({of(MemoryKind::activations) / 2, "fewer --layers"});
  } else {
    const std::int64_t batches = of(MemoryKind::batches) + passes;
    all.push_back({batches, "a smaller --batch-size"});
    all.push_back({batches - 1, "a smaller --fanout"});
    all.push_back({of(MemoryKind::batches) / 2, "a shallower --prefetch"});
    all.push_back({of(MemoryKind::cache), "a smaller --cache"});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Remedy& a, const Remedy& b) { return a.bytes > b.bytes; });
  return fmt::format("{}, {} or {}", all[0].text, all[1].text, all[2].text);
}

std::string memory_warning(Communicator& comm, const MemoryByKind& mine, Regime regime) {
  const std::vector<std::string> hosts = all_gather(comm, host_name(), "compare the hosts' memory");
  const std::int64_t own = std::max<std::int64_t>(needed_bytes(mine) - resident_bytes(), 0);
  const std::vector<std::int64_t> more = all_gather(comm, own, "compare the hosts' memory");
  const std::vector<std::int64_t> left =
      all_gather(comm, memory_available_bytes(), "compare the hosts' memory");
  std::map<std::string, std::int64_t> needed;
  for (std::size_t r = 0; r < hosts.size(); ++r) needed[hosts[r]] += more[r];
  for (std::size_t r = 0; r < hosts.size(); ++r) {
    if (needed[hosts[r]] <= left[r]) continue;
    return fmt::format(
        "this run will need {} more on host {}, where {} are left: it will probably run out of memory. Try "
        "{}; "
        "kith train --estimate shows where it goes",
        human_bytes(static_cast<double>(needed[hosts[r]])), hosts[r],
        human_bytes(static_cast<double>(left[r])), remedies(mine, regime));
  }
  return "";
}

}  // namespace kith
