#include "kith/sampler/feature_store.h"

#include "sampler/random_store.h"
#include <gtest/gtest.h>

#include "kith/comm/world.h"

namespace kith::test {
namespace {

/// A random choice of nodes, without repetition.
std::vector<GlobalId> some_nodes(std::int64_t nodes, std::uint64_t seed, std::uint64_t one_in) {
  std::vector<GlobalId> some;
  for (std::int64_t v = 0; v < nodes; ++v)
    if (bounded(mix64(seed * 1'000'003 + static_cast<std::uint64_t>(v)), one_in) == 0)
      some.push_back(GlobalId{v});
  return some;
}

void expect_rows(const RandomStore& store, const std::vector<std::int64_t>& store_ids,
                 const std::vector<GlobalId>& nodes, const Matrix& rows) {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (std::int64_t c = 0; c < rows.cols(); ++c)
      EXPECT_EQ(rows(static_cast<std::int64_t>(i), c), store.feature(store_ids[nodes[i].value()], c));
}

struct Fetched {
  double local, cached, remote, bytes;
};

/// Fetches three random lists on every rank and compares each with a direct reading of the store.
void check_fetches(const RandomStore& store, int ranks, const std::string& policy, std::int64_t cache_size,
                   const Faults& faults) {
  const PartitionedStore parts = store.open();
  const std::vector<std::int64_t> store_ids = store_ids_of(parts);
  const Ownership ownership(parts, ranks);
  run_thread_ranks(
      ranks,
      [&](Communicator& comm) {
        Ledger ledger;
        const OwnedData owned(parts, ownership, comm.rank());
        const CacheContext context{parts, ownership, comm.rank(), {5, 5}, 50};
        const Array<GlobalId> cached = rank_remote_nodes(policy, context, cache_size);
        EXPECT_LE(cached.ssize(), cache_size);
        FeatureStore features(comm, ledger, owned, ownership, cached);
        double asked = 0;
        for (std::uint64_t round = 0; round < 3; ++round) {
          // Rank 0 asks for nothing in the last round; the others still need its rows.
          std::vector<GlobalId> nodes;
          if (round != 2 || comm.rank().value() != 0)
            nodes = some_nodes(ownership.nodes(),
                               round * 10 + static_cast<std::uint64_t>(comm.rank().value()), 3);
          Matrix rows(static_cast<std::int64_t>(nodes.size()), features.cols());
          features.fetch(nodes, rows);
          expect_rows(store, store_ids, nodes, rows);
          asked += static_cast<double>(nodes.size());
        }
        const double row_bytes =
            static_cast<double>(store.row_bytes() + (store.options.dtype == DType::i8 ? 4 : 0));
        EXPECT_EQ(ledger.total("features.local_rows") + ledger.total("features.cached_rows") +
                      ledger.total("features.remote_rows"),
                  asked);
        EXPECT_EQ(ledger.total("features.remote_bytes"), ledger.total("features.remote_rows") * row_bytes);
        EXPECT_EQ(ledger.total("features.id_bytes"), ledger.total("features.remote_rows") * 4);
        EXPECT_EQ(ledger.total("features.cache_rows"), static_cast<double>(cached.size()));
        EXPECT_EQ(ledger.total("features.cache_fill_bytes"), static_cast<double>(cached.size()) * row_bytes);
        if (ranks == 1 || (policy == "degree" && cache_size >= ownership.nodes())) {
          // Only nodes without in-edges are not worth a row in this cache.
          double isolated = 0;
          for (const auto& row : store.rows) isolated += row.empty() ? 1 : 0;
          EXPECT_LE(ledger.total("features.remote_rows"), ranks == 1 ? 0 : 3 * isolated);
        }
      },
      faults);
}

TEST(FeatureStore, FetchesWhatTheStoreHoldsForEveryPolicySizeAndRankCount) {
  const RandomStore store({.parts = 4});
  for (const int ranks : {1, 2, 3, 4})
    for (const std::string policy : {"none", "degree", "vip"})
      for (const std::int64_t size : {0, 1, 37, 100'000}) check_fetches(store, ranks, policy, size, {});
}

TEST(FeatureStore, DelayedAndReorderedMessagesChangeNothing) {
  const RandomStore store({.nodes = 150, .parts = 4});
  for (std::uint64_t seed = 0; seed < 5; ++seed)
    check_fetches(store, 4, "vip", 20, {.seed = seed, .delay_probability = 0.4, .reorder_probability = 0.4});
}

TEST(FeatureStore, EveryStoredTypeIsDecoded) {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::i8}) {
    const RandomStore store({.nodes = 120, .dtype = dtype, .cols = 33, .parts = 3});
    check_fetches(store, 3, "degree", 10, {});
    check_fetches(store, 1, "none", 0, {});
  }
}

TEST(Ownership, EveryNodeBelongsToTheRankOfItsPart) {
  const RandomStore store({.nodes = 100, .parts = 7});
  const PartitionedStore parts = store.open();
  for (const int ranks : {1, 2, 3, 5, 7}) {
    const Ownership ownership(parts, ranks);
    std::int64_t nodes = 0;
    for (Rank rank{0}; rank.value() < ranks; ++rank)
      for (std::int64_t v = ownership.first(rank); v < ownership.end(rank); ++v, ++nodes)
        EXPECT_EQ(ownership.rank_of(GlobalId{v}), rank);
    EXPECT_EQ(nodes, 100);
  }
  EXPECT_THROW(Ownership(parts, 8), InputError);
}

TEST(OwnedData, HoldsTheLabelsAndSplitsOfItsParts) {
  for (const bool multi : {false, true}) {
    const RandomStore store({.nodes = 90, .multi_label = multi, .parts = 5});
    const PartitionedStore parts = store.open();
    const Ownership ownership(parts, 2);
    std::int64_t nodes = 0, train = 0;
    for (Rank rank{0}; rank.value() < 2; ++rank) {
      const OwnedData owned(parts, ownership, rank);
      nodes += owned.nodes;
      train += owned.split[0].ssize();
      for (const std::int32_t row : owned.split[0]) EXPECT_EQ(owned.store_ids[row].value() % 2, 0);
      for (std::int64_t i = 0; i < owned.nodes; ++i) {
        const std::int64_t v = owned.store_ids[i].value();
        EXPECT_TRUE(multi || owned.labels[i] == store.labels[v]);
        for (std::int64_t c = 0; multi && c < owned.classes; ++c)
          EXPECT_EQ(owned.multi_labels[i * owned.classes + c], store.multi_labels[v * owned.classes + c]);
      }
    }
    EXPECT_EQ(nodes, 90);
    EXPECT_EQ(train, 45);
  }
}

}  // namespace
}  // namespace kith::test
