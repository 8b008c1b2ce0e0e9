#include "kith/datasets/partitioned_store.h"

#include <algorithm>
#include <map>
#include <set>

#include "datasets/partitioned_data.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/parallel.h"

namespace kith {
namespace {

using test::PartitionedData;
using test::StoreDataOptions;

std::vector<std::int64_t> store_of_global(const PartitionedStore& parts) {
  std::vector<std::int64_t> ids;
  for (int p = 0; p < parts.k(); ++p) {
    const auto own = parts.part(Part(p)).store_ids;
    ids.insert(ids.end(), own.begin(), own.end());
  }
  return ids;
}

/// Every row of every part, taken back to store ids, is the store's row: so every edge is in exactly one
/// part.
void expect_same_graph(const PartitionedStore& parts, const Store& store) {
  const auto store_ids = store_of_global(parts);
  std::vector<std::int64_t> sorted = store_ids;
  std::sort(sorted.begin(), sorted.end());
  ASSERT_EQ(sorted.size(), static_cast<std::size_t>(store.meta().nodes));
  for (std::size_t v = 0; v < sorted.size(); ++v) ASSERT_EQ(sorted[v], static_cast<std::int64_t>(v));
  std::int64_t edges = 0;
  for (int p = 0; p < parts.k(); ++p) {
    const PartView part = parts.part(Part(p));
    ASSERT_EQ(part.indptr.back(), part.indices.size());
    edges += part.indices.size();
    for (std::int64_t i = 0; i < part.nodes; ++i) {
      const std::int64_t v = part.store_ids[i], begin = store.graph().indptr[v];
      ASSERT_EQ(part.indptr[i + 1] - part.indptr[i], store.graph().indptr[v + 1] - begin);
      for (std::int64_t e = part.indptr[i]; e < part.indptr[i + 1]; ++e) {
        const std::int64_t at = begin + e - part.indptr[i];
        EXPECT_EQ(store_ids[part.indices[e]], store.graph().indices[at]);
        if (!store.edge_weights().empty()) {
          EXPECT_EQ(part.edge_weights[e], store.edge_weights()[at]);
        }
      }
    }
  }
  EXPECT_EQ(edges, store.meta().edges);
}

void expect_same_rows(const PartitionedStore& parts, const Store& store) {
  const FeatureView all = store.features();
  const auto count = static_cast<std::size_t>(store.labels().count);
  for (int p = 0; p < parts.k(); ++p) {
    const PartView part = parts.part(Part(p));
    EXPECT_EQ(part.first, parts.first()[p]);
    ASSERT_EQ(part.features.rows, part.nodes);
    EXPECT_TRUE(std::is_sorted(part.store_ids.begin(), part.store_ids.end()));
    for (std::int64_t i = 0; i < part.nodes; ++i) {
      const std::int64_t v = part.store_ids[i];
      EXPECT_TRUE(std::equal(all.row(v), all.row(v) + all.row_bytes(), part.features.row(i)));
      if (!all.scales.empty()) {
        EXPECT_EQ(part.features.scales[i], all.scales[v]);
      }
      if (store.labels().multi_label()) {
        EXPECT_TRUE(test::same_bits(part.labels.multi.subspan(i * count, count),
                                    store.labels().multi.subspan(v * count, count)));
      } else {
        EXPECT_EQ(part.labels.classes[i], store.labels().classes[v]);
      }
    }
  }
}

void expect_same_splits(const PartitionedStore& parts, const Store& store) {
  const auto store_ids = store_of_global(parts);
  for (const Split split : kSplits) {
    std::vector<std::int64_t> found;
    for (int p = 0; p < parts.k(); ++p) {
      const PartView part = parts.part(Part(p));
      const auto own = part.split[static_cast<int>(split)];
      EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
      for (const std::int64_t global : own) {
        EXPECT_GE(global, part.first);
        EXPECT_LT(global, part.first + part.nodes);
        found.push_back(store_ids[global]);
      }
    }
    std::sort(found.begin(), found.end());
    EXPECT_TRUE(std::ranges::equal(found, store.split(split)));
  }
}

/// By sets: what part p reaches outside itself, and the plan's owner of each lies in that owner's range.
void expect_right_halo(const PartitionedStore& parts) {
  for (int p = 0; p < parts.k(); ++p) {
    const PartView part = parts.part(Part(p));
    std::set<std::int64_t> reached;
    for (std::int64_t e = 0; e < part.indices.size(); ++e) {
      const std::int64_t source = part.indices[e];
      if (source < part.first || source >= part.first + part.nodes) reached.insert(source);
    }
    EXPECT_TRUE(std::ranges::equal(reached, part.halo));
    ASSERT_EQ(part.halo_by_owner.size(), static_cast<std::size_t>(parts.k()) + 1);
    for (int q = 0; q < parts.k(); ++q) {
      for (std::int64_t h = part.halo_by_owner[q]; h < part.halo_by_owner[q + 1]; ++h) {
        EXPECT_GE(part.halo[h], parts.first()[q]);
        EXPECT_LT(part.halo[h], parts.first()[q + 1]);
      }
    }
    EXPECT_EQ(parts.meta().quality.halo_rows[p], part.halo.size());
  }
}

class PartsOfAStore : public ::testing::TestWithParam<std::pair<int, DType>> {};

TEST_P(PartsOfAStore, AgreeWithItThroughStoreIds) {
  const auto [k, dtype] = GetParam();
  const bool odd = dtype == DType::bf16;
  const PartitionedData made({.nodes = 60, .edges = 90, .dtype = dtype, .multi_label = odd, .weights = odd},
                             k);
  const Store store = Store::open(made.folder / "store");
  const PartitionedStore parts = PartitionedStore::open(made.folder / "parts", Verify::checksums);
  EXPECT_EQ(parts.k(), k);
  EXPECT_EQ(parts.meta().store.nodes, 60);
  EXPECT_EQ(parts.meta().method, "random");
  expect_same_graph(parts, store);
  expect_same_rows(parts, store);
  expect_same_splits(parts, store);
  expect_right_halo(parts);
}
INSTANTIATE_TEST_SUITE_P(EveryFeatureType, PartsOfAStore,
                         ::testing::Values(std::pair(1, DType::f32), std::pair(2, DType::f16),
                                           std::pair(3, DType::bf16), std::pair(8, DType::i8)));

TEST(PartitionedStore, EmptyPartsAndIsolatedNodesWork) {
  const PartitionedData made({.nodes = 4, .edges = 2}, 16);
  const PartitionedStore parts = PartitionedStore::open(made.folder / "parts", Verify::checksums);
  EXPECT_GT(parts.meta().quality.empty_parts, 0);
  const Store store = Store::open(made.folder / "store");
  expect_same_graph(parts, store);
  expect_same_rows(parts, store);
  expect_right_halo(parts);
}

TEST(PartitionedStore, CarriesTheUsersIdsByStoreId) {
  for (const auto ids :
       {StoreDataOptions::Ids::none, StoreDataOptions::Ids::numbers, StoreDataOptions::Ids::names}) {
    const PartitionedData made({.ids = ids}, 3);
    const Store store = Store::open(made.folder / "store");
    const PartitionedStore parts = PartitionedStore::open(made.folder / "parts");
    std::filesystem::rename(made.folder / "store", made.folder / "gone");  // self-contained
    EXPECT_EQ(parts.has_user_ids(), ids != StoreDataOptions::Ids::none);
    for (std::int64_t v = 0; v < 40; ++v) EXPECT_EQ(parts.user_id(StoreId(v)), store.user_id(StoreId(v)));
  }
}

TEST(PartitionedStore, AWholeStoreLooksLikeOnePartOfItself) {
  const PartitionedData made({.dtype = DType::i8, .weights = true, .ids = StoreDataOptions::Ids::names}, 1);
  const PartitionedStore written = PartitionedStore::open(made.folder / "parts");
  const PartitionedStore whole = open_data(made.folder / "store");
  const Store store = Store::open(made.folder / "store");
  EXPECT_EQ(whole.k(), 1);
  EXPECT_EQ(whole.meta().fingerprint, written.meta().fingerprint);
  EXPECT_EQ(whole.folder(), made.folder / "store");
  expect_same_graph(whole, store);
  expect_same_rows(whole, store);
  expect_same_splits(whole, store);
  expect_right_halo(whole);
  const PartView a = whole.part(Part(0)), b = written.part(Part(0));
  EXPECT_TRUE(test::same_bits(a.indptr, b.indptr));
  EXPECT_TRUE(test::same_bits(a.store_ids, b.store_ids));
  EXPECT_EQ(a.indices.is_32_bit(), b.indices.is_32_bit());
  EXPECT_EQ(whole.user_id(StoreId(3)), written.user_id(StoreId(3)));
  EXPECT_THROW(whole.part(Part(1)), Error);
}

TEST(PartitionedStore, TheFingerprintTellsPartitioningsAndGraphsApart) {
  std::set<std::uint64_t> seen;
  for (const std::uint64_t seed : {1, 2}) {
    for (const int k : {1, 2, 3}) {
      const PartitionedData made({.seed = seed}, k);
      seen.insert(PartitionedStore::open(made.folder / "parts").meta().fingerprint);
    }
  }
  EXPECT_EQ(seen.size(), 6u);
}

TEST(PartitionedStore, TheSameBytesForAnyNumberOfThreads) {
  const PartitionedData made({.nodes = 300, .edges = 2000}, 5);
  const Store store = Store::open(made.folder / "store");
  const ThreadLimit one(1);
  write_partitioned_store(made.folder / "again", store, made.partitioning, {.method = "random", .seed = 3});
  // The JSON lists the checksum of every file.
  EXPECT_EQ(read_text_file(made.folder / "parts/partition.json"),
            read_text_file(made.folder / "again/partition.json"));
}

TEST(PartitionedStore, MetaSurvivesTheRoundTrip) {
  const PartitionedData made({}, 2);
  const Store store = Store::open(made.folder / "store");
  PartitionMeta meta{.method = "metis",
                     .objective = "volume",
                     .seed = ~std::uint64_t{0},
                     .partition_seconds = 1.25,
                     .partition_peak_bytes = std::int64_t{5} << 40};
  meta.quality = quality_of(store.graph(), made.partitioning, {});
  write_partitioned_store(made.folder / "p", store, made.partitioning, meta);
  const PartitionMeta read = PartitionedStore::open(made.folder / "p").meta();
  EXPECT_EQ(read.method, "metis");
  EXPECT_EQ(read.objective, "volume");
  EXPECT_EQ(read.seed, ~std::uint64_t{0});
  EXPECT_EQ(read.partition_seconds, 1.25);
  EXPECT_EQ(read.partition_peak_bytes, std::int64_t{5} << 40);
  EXPECT_EQ(read.fingerprint, fingerprint_of(store, made.partitioning));
  EXPECT_EQ(read.quality.cut_edges, meta.quality.cut_edges);
  EXPECT_EQ(read.quality.cut_fraction, meta.quality.cut_fraction);
  EXPECT_EQ(read.quality.communication_volume, meta.quality.communication_volume);
  ASSERT_EQ(read.quality.balances.size(), meta.quality.balances.size());
  EXPECT_EQ(read.quality.balances[0].maximum, meta.quality.balances[0].maximum);
}

TEST(PartitionedStore, NothingIsLeftWhenThePartitioningDoesNotFit) {
  const PartitionedData made({}, 2);
  const Store store = Store::open(made.folder / "store");
  const auto before = made.folder.entries();
  EXPECT_THROW(write_partitioned_store(made.folder / "p", store, test::random_parts(39, 2, 1), {}), Error);
  EXPECT_THROW(write_partitioned_store(made.folder / "parts", store, made.partitioning, {}), InputError);
  EXPECT_EQ(made.folder.entries(), before);
  write_partitioned_store(made.folder / "parts", store, test::random_parts(40, 4, 1), {}, Existing::replace);
  EXPECT_EQ(PartitionedStore::open(made.folder / "parts", Verify::checksums).k(), 4);
}

}  // namespace
}  // namespace kith
