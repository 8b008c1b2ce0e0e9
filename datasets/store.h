#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kith/core/dtype.h"
#include "kith/core/file.h"
#include "kith/core/ids.h"
#include "kith/graph/csr.h"

namespace kith {

/// Stored feature rows of any dtype: opaque bytes with a known row size.
struct FeatureView {
  const std::byte* data = nullptr;
  DType dtype = DType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::span<const float> scales;  ///< [rows] for int8, else empty

  std::int64_t row_bytes() const { return cols * static_cast<std::int64_t>(size_of(dtype)); }
  const std::byte* row(std::int64_t i) const { return data + i * row_bytes(); }
};

/// Labels: one class per node, or one 0/1/NaN per node and class.
struct LabelView {
  std::span<const std::int64_t> classes;  ///< [n], −1: none; empty when multi-label
  std::span<const float> multi;           ///< [n, count]; empty when single-label
  std::int64_t count = 0;                 ///< number of classes
  bool multi_label() const { return !multi.empty(); }
};

/// The user's names of the nodes: numbers, or texts as one blob with offsets, or nothing.
struct UserIdView {
  std::span<const std::int64_t> numbers;       ///< [n] or empty
  std::span<const std::int64_t> name_offsets;  ///< [n + 1] or empty: name i is names[offset i .. offset i+1)
  std::span<const std::uint8_t> names;

  bool any() const { return !numbers.empty() || !name_offsets.empty(); }
  /// The store id itself when the user gave none. Throws CorruptError when an offset leaves the blob.
  std::string text(StoreId node) const;
};

enum class Split { train, valid, test };
inline constexpr Split kSplits[] = {Split::train, Split::valid, Split::test};
std::string_view name_of(Split split);

/// What `meta.json` says.
struct StoreMeta {
  int format_version = 1;
  std::string name{};
  std::int64_t nodes = 0;
  std::int64_t edges = 0;
  std::int64_t features = 0;
  DType feature_dtype = DType::f32;
  std::int64_t classes = 0;
  bool multi_label = false;
  bool directed = false;
  std::int64_t self_loops = 0;
  std::int64_t raw_edges = -1, raw_self_loops = -1;  ///< of the raw data; −1: not known
  std::string made_by{};                             ///< the command line
};

enum class Verify { headers, checksums };

/// The on-disk dataset, mapped read-only: opening is O(1) and ranks of one host share the page cache. Spans
/// stay valid as long as the store lives.
class Store {
 public:
  /// Throws InputError when it is not there, CorruptError when it is damaged.
  static Store open(const std::filesystem::path& folder, Verify verify = Verify::headers);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  const std::filesystem::path& folder() const;
  const StoreMeta& meta() const;
  CsrAny graph() const;
  FeatureView features() const;  ///< cols 0 when there are none
  LabelView labels() const;
  std::span<const std::int64_t> split(Split which) const;  ///< store ids, ascending
  std::span<const float> edge_weights() const;             ///< [m] or empty
  UserIdView user_ids() const;
  /// The user's number (or string) of a node; the store id itself when none were given.
  std::string user_id(StoreId node) const { return user_ids().text(node); }
  bool has_user_ids() const { return user_ids().any(); }
  /// The recorded checksums of `indptr` and `indices` as one number: which graph this is, in O(1).
  std::uint64_t graph_fingerprint() const;
  std::int64_t bytes_on_disk() const;
  /// The pages read so far no longer count for this process until it reads them again.
  void leave_pages() const;

 private:
  struct Contents;
  explicit Store(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

/// The arrays of a store about to be written; views, so that nothing is copied.
struct StoreArrays {
  CsrAny graph{};
  FeatureView features{};
  LabelView labels{};
  std::span<const std::int64_t> train{}, valid{}, test{};  ///< any order; written ascending
  std::span<const float> edge_weights{};
  std::span<const std::int64_t> node_ids{};      ///< the user's ids; empty: the store ids
  std::vector<std::string> node_names{};         ///< or names
  std::span<const std::int64_t> name_offsets{};  ///< or names as one blob: [n + 1] and the bytes
  std::span<const std::uint8_t> names{};
};

/// Writes a store whole or not at all: to a temporary name, fsync, rename; files in parallel, nothing copied.
/// Checks first and throws InputError with the node, the value and the bound: rows that are not sorted, ids
/// out of range, non-finite features or weights, labels out of range, splits that overlap, user ids that
/// repeat. Of `meta`, the name, `directed` and `made_by` are taken as they are; the counts are those of the
/// arrays; what was written in the end is returned.
StoreMeta write_store(const std::filesystem::path& folder, const StoreArrays& arrays, const StoreMeta& meta,
                      Existing existing = Existing::refuse);

}  // namespace kith
