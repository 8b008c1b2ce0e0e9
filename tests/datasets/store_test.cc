#include "kith/datasets/store.h"

#include <algorithm>

#include "core/temporary_folder.h"
#include "datasets/store_data.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/datasets/meta_json.h"
#include "kith/datasets/sealed_json.h"
#include "kith/graph/properties.h"

namespace kith {
namespace {

using test::StoreData;
using test::StoreDataOptions;
using ::testing::HasSubstr;

void expect_equal(const Store& store, const StoreData& data) {
  const StoreArrays arrays = data.arrays();
  const StoreMeta& meta = store.meta();
  EXPECT_EQ(meta.nodes, arrays.graph.n());
  EXPECT_EQ(meta.edges, arrays.graph.m());
  EXPECT_EQ(meta.self_loops, properties_of(arrays.graph).self_loops);
  EXPECT_TRUE(test::same_bits(store.graph().indptr, arrays.graph.indptr));
  ASSERT_TRUE(store.graph().indices.is_32_bit());
  store.graph().visit(
      [&](auto csr) { EXPECT_TRUE(std::ranges::equal(csr.indices, data.graph.indices.span())); });
  EXPECT_EQ(store.features().dtype, data.options.dtype);
  EXPECT_EQ(store.features().cols, data.options.columns);
  EXPECT_TRUE(std::equal(data.features.begin(), data.features.end(), store.features().data));
  EXPECT_TRUE(test::same_bits(store.features().scales, std::span<const float>(data.scales)));
  EXPECT_EQ(store.labels().count, 4);
  EXPECT_EQ(meta.multi_label, data.options.multi_label);
  EXPECT_TRUE(test::same_bits(store.labels().multi, arrays.labels.multi));
  EXPECT_TRUE(test::same_bits(store.labels().classes, arrays.labels.classes));
  EXPECT_TRUE(test::same_bits(store.edge_weights(), arrays.edge_weights));
  const std::vector<std::int64_t>* splits[] = {&data.train, &data.valid, &data.test};
  for (const Split split : kSplits) {
    std::vector<std::int64_t> sorted = *splits[static_cast<int>(split)];
    std::sort(sorted.begin(), sorted.end());
    EXPECT_TRUE(std::ranges::equal(store.split(split), sorted));
  }
}

TEST(Store, RoundTripOfEveryFeatureTypeLabelKindAndId) {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::i8}) {
    for (const auto ids :
         {StoreDataOptions::Ids::none, StoreDataOptions::Ids::numbers, StoreDataOptions::Ids::names}) {
      const bool odd = dtype == DType::f16;
      const StoreData data({.dtype = dtype, .multi_label = odd, .weights = odd, .ids = ids});
      const testing::TemporaryFolder folder;
      write_store(folder / "s", data.arrays(), {.name = "random", .directed = true, .made_by = "a \"test\""});
      const Store store = Store::open(folder / "s", Verify::checksums);
      expect_equal(store, data);
      EXPECT_EQ(store.meta().name, "random");
      EXPECT_EQ(store.meta().made_by, "a \"test\"");
      EXPECT_TRUE(store.meta().directed);
      EXPECT_EQ(store.has_user_ids(), ids != StoreDataOptions::Ids::none);
      EXPECT_EQ(store.user_id(StoreId(9)), ids == StoreDataOptions::Ids::none      ? "9"
                                           : ids == StoreDataOptions::Ids::numbers ? "937"
                                                                                   : "node ****9");
    }
  }
}

TEST(Store, WritingWhatWasReadGivesTheSameBytes) {
  const testing::TemporaryFolder folder;
  const StoreData data({.dtype = DType::i8, .weights = true});
  write_store(folder / "a", data.arrays(), {.name = "x"});
  const Store a = Store::open(folder / "a");
  StoreArrays again{a.graph(),
                    a.features(),
                    a.labels(),
                    a.split(Split::train),
                    a.split(Split::valid),
                    a.split(Split::test),
                    a.edge_weights(),
                    {},
                    {}};
  write_store(folder / "b", again, a.meta());
  EXPECT_EQ(read_text_file(folder / "a" / "meta.json"), read_text_file(folder / "b" / "meta.json"));
}

TEST(Store, WideIndicesOfASmallGraphAreStoredNarrow) {
  const testing::TemporaryFolder folder;
  const StoreData data({});
  const Csr64 wide = test::widened(data.graph);
  StoreArrays arrays = data.arrays();
  arrays.graph = test::any(wide);
  write_store(folder / "s", arrays, {});
  expect_equal(Store::open(folder / "s"), data);
}

TEST(Store, EmptyGraphAndIsolatedNodesAndMissingParts) {
  const testing::TemporaryFolder folder;
  const Csr32 nothing = test::graph_of(0, {});
  write_store(folder / "empty", {.graph = test::any(nothing)}, {});
  EXPECT_EQ(Store::open(folder / "empty").meta().nodes, 0);
  const Csr32 isolated = test::graph_of(5, {});
  write_store(folder / "isolated", {.graph = test::any(isolated)}, {});
  const Store store = Store::open(folder / "isolated", Verify::checksums);
  EXPECT_EQ(store.graph().n(), 5);
  EXPECT_EQ(store.features().cols, 0);
  EXPECT_EQ(store.labels().count, 0);
  EXPECT_TRUE(store.split(Split::train).empty());
}

/// What writing says after `damage` changed the arrays; nothing may be left behind.
template <class Damage>
std::string refusal(const StoreDataOptions& options, Damage&& damage) {
  const testing::TemporaryFolder folder;
  StoreData data(options);
  damage(data);
  const std::string message =
      test::message_of<InputError>([&] { write_store(folder / "s", data.arrays(), {}); });
  EXPECT_EQ(folder.entries(), 0);
  return message;
}

TEST(Store, BadFeaturesAreRefusedByNodeColumnAndValue) {
  for (const DType dtype : {DType::f16, DType::bf16, DType::f32}) {
    const auto message = refusal({.dtype = dtype}, [&](StoreData& data) {
      // Row 11, column 2 becomes infinite, a later one too: the first is named.
      const std::size_t size = size_of(dtype);
      for (const std::size_t at : {(11 * 3 + 2) * size, (20 * 3) * size}) {
        std::fill_n(data.features.begin() + at, size, std::byte{0});
        data.features[at + size - 1] = dtype == DType::f16 ? std::byte{0x7c} : std::byte{0x7f};
        if (dtype != DType::f16) data.features[at + size - 2] = std::byte{0x80};
      }
    });
    EXPECT_THAT(message, HasSubstr("node 11, column 2 is inf")) << name_of(dtype);
  }
  EXPECT_THAT(refusal({.dtype = DType::i8}, [](StoreData& data) { data.scales[3] = NAN; }),
              HasSubstr("feature scales: node 3 has NaN"));
}

TEST(Store, BadLabelsSplitsWeightsAndIdsAreRefusedByValueAndBound) {
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.labels[7] = 4; }),
              HasSubstr("node 7 has class 4, outside [0, 4)"));
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.labels[7] = -2; }), HasSubstr("class -2"));
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.labels.pop_back(); }), HasSubstr("39 entries where 40"));
  EXPECT_THAT(refusal({.multi_label = true}, [](StoreData& data) { data.multi[9] = 0.5f; }),
              HasSubstr("node 2, class 1 is 0.5"));
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.valid.push_back(data.train[0]); }),
              HasSubstr("is in train and in valid"));
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.test.push_back(data.test[0]); }),
              HasSubstr("stands twice"));
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.test.push_back(40); }),
              HasSubstr("node 40 is outside [0, 40)"));
  EXPECT_THAT(refusal({.weights = true}, [](StoreData& data) { data.weights[5] = INFINITY; }),
              HasSubstr("edge 5 has inf"));
  EXPECT_THAT(
      refusal({.ids = StoreDataOptions::Ids::numbers}, [](StoreData& data) { data.node_ids[5] = 1000; }),
      HasSubstr("1000 stands twice"));
  EXPECT_THAT(
      refusal({.ids = StoreDataOptions::Ids::names}, [](StoreData& data) { data.node_names[5] = "node 0"; }),
      HasSubstr("nodes 0 and 5"));
}

TEST(Store, BadTopologyIsRefused) {
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.graph.indices[100] = 40; }),
              HasSubstr("outside [0, 40)"));
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.graph.indices[100] = -1; }), HasSubstr("node -1"));
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.graph.indptr[0] = 1; }), HasSubstr("begins with 1"));
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.graph.indptr[20] = 1000000; }), HasSubstr("entry 20"));
  EXPECT_THAT(refusal({}, [](StoreData& data) { data.graph.indptr.back() += 1; }), HasSubstr("indices"));
  EXPECT_THAT(refusal({},
                      [](StoreData& data) {
                        std::int64_t v = 0;
                        while (data.graph.indices[data.graph.indptr[v]] >=
                               data.graph.indices[data.graph.indptr[v + 1] - 1])
                          ++v;
                        std::swap(data.graph.indices[data.graph.indptr[v]],
                                  data.graph.indices[data.graph.indptr[v + 1] - 1]);
                      }),
              HasSubstr("is not sorted"));
}

TEST(Store, AnExistingFolderIsReplacedOnlyWhenAsked) {
  const testing::TemporaryFolder folder;
  write_store(folder / "s", StoreData({.seed = 1}).arrays(), {.name = "first"});
  EXPECT_THROW(write_store(folder / "s", StoreData({.seed = 2}).arrays(), {.name = "second"}), InputError);
  EXPECT_EQ(Store::open(folder / "s", Verify::checksums).meta().name, "first");
  write_store(folder / "s", StoreData({.seed = 2}).arrays(), {.name = "second"}, Existing::replace);
  EXPECT_EQ(Store::open(folder / "s", Verify::checksums).meta().name, "second");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(Store, WhatIsNoStoreIsInputAndAnUnknownVersionIsNamed) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(Store::open(folder / "nothing"), InputError);
  EXPECT_THROW(Store::open(folder.path()), InputError);
  write_store(folder / "s", StoreData({}).arrays(), {});
  const auto meta = folder / "s/meta.json";
  std::string text = read_text_file(meta);
  text.replace(text.find("\"format_version\": 1"), 19, "\"format_version\": 7");
  const std::string body = text.substr(0, text.rfind(",\n  \"seal\"")) + "\n}";
  write_text_file(meta, body + "\n");
  EXPECT_THAT(test::message_of<CorruptError>([&] { Store::open(folder / "s"); }),
              HasSubstr("damaged or edited"));
  write_text_file(meta, sealed(body));
  EXPECT_THAT(test::message_of<CorruptError>([&] { Store::open(folder / "s"); }),
              HasSubstr("format version 7"));
}

TEST(Store, NumbersOfTheMetaThatAreNoIntegersAreRefused) {  // found by fuzz_store_json
  const testing::TemporaryFolder folder;
  write_store(folder / "s", StoreData({}).arrays(), {});
  const std::string truth = read_text_file(folder / "s/meta.json");
  for (const std::string number : {"1e80", "1.5", "18888888888888888888888888888888888888888888888888"}) {
    std::string text = truth;
    text.replace(text.find("\"format_version\": 1"), 19, "\"format_version\": " + number);
    write_text_file(folder / "s/meta.json", sealed(text.substr(0, text.rfind(",\n  \"seal\"")) + "\n}"));
    EXPECT_THAT(test::message_of<CorruptError>([&] { Store::open(folder / "s"); }),
                HasSubstr("format_version is no integer"))
        << number;
  }
}

TEST(Store, SealedLiesInTheMetaAreRefused) {
  const testing::TemporaryFolder folder;
  const StoreData data({});
  write_store(folder / "s", data.arrays(), {});
  const StoreJson truth = read_store_json(folder / "s");
  const auto complaint_about = [&](auto&& lie) {
    StoreJson json = truth;
    lie(json);
    write_text_file(folder / "s/meta.json", text_of(json));
    return test::message_of<CorruptError>([&] { Store::open(folder / "s"); });
  };
  EXPECT_THAT(complaint_about([](StoreJson& j) { j.meta.nodes = 41; }), HasSubstr("indptr.npy"));
  EXPECT_THAT(complaint_about([](StoreJson& j) { j.meta.nodes = -1; }), HasSubstr("nodes is -1"));
  EXPECT_THAT(complaint_about([](StoreJson& j) { j.meta.nodes = INT64_MAX; }), HasSubstr("absurd"));
  EXPECT_THAT(complaint_about([](StoreJson& j) { j.meta.edges += 1; }), HasSubstr("indptr.npy"));
  EXPECT_THAT(complaint_about([](StoreJson& j) { j.meta.features = 4; }), HasSubstr("features.npy"));
  EXPECT_THAT(complaint_about([](StoreJson& j) { j.meta.feature_dtype = DType::f16; }),
              HasSubstr("features.npy"));
  EXPECT_THAT(complaint_about([](StoreJson& j) { j.meta.multi_label = true; }), HasSubstr("labels.npy"));
  EXPECT_THAT(complaint_about([](StoreJson& j) { j.files.erase("labels.npy"); }), HasSubstr("not listed"));
  EXPECT_EQ(complaint_about([](StoreJson&) {}), "");
}

}  // namespace
}  // namespace kith
