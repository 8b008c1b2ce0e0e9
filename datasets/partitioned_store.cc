#include "kith/datasets/partitioned_store.h"

#include <numeric>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/core/parallel.h"
#include "kith/datasets/mapped_rows.h"
#include "kith/datasets/meta_json.h"
#include "kith/datasets/part_files.h"

namespace kith {
namespace {

/// The arrays that only a part has.
struct MappedPart {
  MappedRows rows;
  NpyFile store_ids, halo, halo_by_owner;
};

MappedPart open_part(const std::filesystem::path& folder, const PartitionJson& json, int p) {
  const std::string prefix = part_prefix(p);
  const std::int64_t nodes = json.first[p + 1] - json.first[p];
  const auto array = [&](const char* name, std::int64_t length) {
    return open_array(folder, json.files, prefix + name, DType::i64, {length});
  };
  MappedPart part{MappedRows::open(folder, json.files, prefix, json.meta.store, nodes, json.edges[p]),
                  array(array_name::kStoreIds, nodes), array(array_name::kHalo, -1),
                  array(array_name::kHaloByOwner, json.meta.k + 1)};
  const auto by_owner = part.halo_by_owner.view().values<std::int64_t>();
  if (by_owner.front() != 0 || by_owner.back() != part.halo.view().rows()) {
    throw CorruptError(part.halo_by_owner.view().where + ": does not span halo.npy");
  }
  return part;
}

PartitionMeta meta_of_whole(const Store& store) {
  PartitionMeta meta;
  meta.store = store.meta();
  meta.method = "none";
  meta.fingerprint = fingerprint_of_whole(store.graph_fingerprint());
  meta.quality.halo_rows = {0};
  const auto nodes = static_cast<double>(meta.store.nodes), edges = static_cast<double>(meta.store.edges);
  meta.quality.balances = {{"nodes", nodes, nodes, nodes}, {"edges", edges, edges, edges}};
  return meta;
}

Array<std::int64_t> identity(std::int64_t n) {
  Array<std::int64_t> ids(static_cast<std::size_t>(n));
  parallel_for(0, n, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    std::iota(ids.begin() + begin, ids.begin() + end, begin);
  });
  return ids;
}

/// The arrays a store's rows and a part's have in common.
template <class Rows>
PartView view_of_rows(const Rows& rows) {
  PartView view;
  view.edge_weights = rows.edge_weights();
  view.features = rows.features();
  view.labels = rows.labels();
  for (const Split split : kSplits) view.split[static_cast<int>(split)] = rows.split(split);
  return view;
}

}  // namespace

struct PartitionedStore::Contents {
  std::filesystem::path folder;
  PartitionJson json;
  std::vector<MappedPart> parts;
  MappedUserIds user_ids;
  std::optional<Store> whole;  ///< instead of parts
  Array<std::int64_t> store_ids_of_whole;
};

PartitionedStore::PartitionedStore(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
PartitionedStore::PartitionedStore(PartitionedStore&&) noexcept = default;
PartitionedStore& PartitionedStore::operator=(PartitionedStore&&) noexcept = default;
PartitionedStore::~PartitionedStore() = default;

PartitionedStore PartitionedStore::open(const std::filesystem::path& folder, Verify verify) {
  if (!has_name(folder / kPartitionJson)) {
    throw InputError(folder.string() + ": not a partitioned store (it holds no " + kPartitionJson + ")");
  }
  auto contents = std::make_unique<Contents>();
  contents->folder = folder;
  contents->json = read_partition_json(folder);
  const PartitionJson& json = contents->json;
  if (verify == Verify::checksums) verify_files(folder, json.files);
  contents->parts.reserve(static_cast<std::size_t>(json.meta.k));
  for (int p = 0; p < json.meta.k; ++p) contents->parts.push_back(open_part(folder, json, p));
  contents->user_ids = MappedUserIds::open(folder, json.files, json.meta.store.nodes);
  return PartitionedStore(std::move(contents));
}

PartitionedStore PartitionedStore::whole(Store store) {
  auto contents = std::make_unique<Contents>();
  contents->folder = store.folder();
  contents->json.meta = meta_of_whole(store);
  contents->json.first = {0, store.meta().nodes};
  contents->json.edges = {store.meta().edges};
  contents->store_ids_of_whole = identity(store.meta().nodes);
  contents->whole = std::move(store);
  return PartitionedStore(std::move(contents));
}

const std::filesystem::path& PartitionedStore::folder() const { return contents_->folder; }
const PartitionMeta& PartitionedStore::meta() const { return contents_->json.meta; }
std::span<const std::int64_t> PartitionedStore::first() const { return contents_->json.first; }

PartView PartitionedStore::part(Part which) const {
  require(0 <= which.value() && which.value() < k(), "a part in [0, k)",
          {{"part", which.value()}, {"k", k()}});
  PartView view;
  if (const auto& whole = contents_->whole) {
    static constexpr std::int64_t kNoHalo[] = {0, 0};
    view = view_of_rows(*whole);
    view.indptr = whole->graph().indptr;
    view.indices = whole->graph().indices;
    view.store_ids = contents_->store_ids_of_whole;
    view.halo_by_owner = kNoHalo;
  } else {
    const MappedPart& part = contents_->parts[static_cast<std::size_t>(which.value())];
    view = view_of_rows(part.rows);
    view.indptr = part.rows.indptr();
    view.indices = part.rows.indices();
    view.store_ids = part.store_ids.view().values<std::int64_t>();
    view.halo = part.halo.view().values<std::int64_t>();
    view.halo_by_owner = part.halo_by_owner.view().values<std::int64_t>();
  }
  view.part = which;
  view.first = first()[which.value()];
  view.nodes = first()[which.value() + 1] - view.first;
  return view;
}

UserIdView PartitionedStore::user_ids() const {
  return contents_->whole ? contents_->whole->user_ids() : contents_->user_ids.view();
}

std::int64_t PartitionedStore::bytes_on_disk() const {
  return contents_->whole ? contents_->whole->bytes_on_disk() : total_bytes(contents_->json.files);
}

void PartitionedStore::leave_pages() const {
  if (contents_->whole) contents_->whole->leave_pages();
  for (const MappedPart& part : contents_->parts) part.rows.leave_pages();
}

}  // namespace kith
