#include "kith/datasets/store.h"

#include "kith/core/checksum.h"
#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/datasets/mapped_rows.h"
#include "kith/datasets/meta_json.h"

namespace kith {

std::string_view name_of(Split split) {
  switch (split) {
    case Split::train: return "train";
    case Split::valid: return "valid";
    case Split::test: return "test";
  }
  return "unknown";
}

std::string UserIdView::text(StoreId node) const {
  const auto i = static_cast<std::size_t>(node.value());
  if (!numbers.empty()) {
    require(i < numbers.size(), "a store id below the number of nodes", {{"store id", node.value()}});
    return std::to_string(numbers[i]);
  }
  if (name_offsets.empty()) return std::to_string(node.value());
  require(i + 1 < name_offsets.size(), "a store id below the number of nodes", {{"store id", node.value()}});
  const std::int64_t begin = name_offsets[i], end = name_offsets[i + 1];
  if (begin < 0 || end < begin || end > static_cast<std::int64_t>(names.size())) {
    throw CorruptError(with_facts("node_name_offsets.npy leaves node_names.npy", {{"node", node.value()}}));
  }
  return {reinterpret_cast<const char*>(names.data()) + begin, static_cast<std::size_t>(end - begin)};
}

struct Store::Contents {
  std::filesystem::path folder;
  StoreJson json;
  MappedRows rows;
  MappedUserIds user_ids;
};

Store::Store(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(const std::filesystem::path& folder, Verify verify) {
  if (!has_name(folder / kStoreJson)) {
    throw InputError(folder.string() + ": not a store (it holds no " + kStoreJson + ")");
  }
  StoreJson json = read_store_json(folder);
  if (verify == Verify::checksums) verify_files(folder, json.files);
  MappedRows rows = MappedRows::open(folder, json.files, "", json.meta, json.meta.nodes, json.meta.edges);
  MappedUserIds user_ids = MappedUserIds::open(folder, json.files, json.meta.nodes);
  return Store(
      std::make_unique<Contents>(Contents{folder, std::move(json), std::move(rows), std::move(user_ids)}));
}

const std::filesystem::path& Store::folder() const { return contents_->folder; }
const StoreMeta& Store::meta() const { return contents_->json.meta; }
CsrAny Store::graph() const { return {contents_->rows.indptr(), contents_->rows.indices()}; }
FeatureView Store::features() const { return contents_->rows.features(); }
void Store::leave_pages() const { contents_->rows.leave_pages(); }
LabelView Store::labels() const { return contents_->rows.labels(); }
std::span<const std::int64_t> Store::split(Split which) const { return contents_->rows.split(which); }
std::span<const float> Store::edge_weights() const { return contents_->rows.edge_weights(); }
UserIdView Store::user_ids() const { return contents_->user_ids.view(); }
std::int64_t Store::bytes_on_disk() const { return total_bytes(contents_->json.files); }

std::uint64_t Store::graph_fingerprint() const {
  const FileTable& files = contents_->json.files;
  const std::uint64_t sums[] = {files.at(array_name::kIndptr).checksum,
                                files.at(array_name::kIndices).checksum};
  return checksum_of(std::as_bytes(std::span(sums)));
}

}  // namespace kith
