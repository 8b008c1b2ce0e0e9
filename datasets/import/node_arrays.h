#pragma once
#include "kith/datasets/import/named_arrays.h"
#include "kith/datasets/import/node_table.h"

namespace kith {

/// The names that arrays of nodes go by, in the order they are tried.
inline constexpr const char* kFeatureNames[] = {"features", "feat", "feature", "node_feat", "x"};
inline constexpr const char* kLabelNames[] = {"labels", "label", "node_label", "y"};
inline constexpr const char* kIdNames[] = {"node_ids", "user_id", "node_id", "ids"};
/// Of train, valid and test: lists of ids or boolean masks.
inline constexpr const char* kSplitNames[3][4] = {{"train", "train_mask", "train_idx", "train_ids"},
                                                  {"valid", "val_mask", "valid_mask", "val"},
                                                  {"test", "test_mask", "test_idx", "test_ids"}};

/// The first of the names that is there, or the one asked for; empty when none is. Throws InputError when the
/// one asked for is not there.
template <std::size_t N>
std::string array_named(const NamedArrays& arrays, const char* const (&names)[N], const std::string& asked);
extern template std::string array_named(const NamedArrays&, const char* const (&)[5], const std::string&);
extern template std::string array_named(const NamedArrays&, const char* const (&)[4], const std::string&);

/// Features, labels and splits of arrays with a row per node, and the rows' ids. Splits given as ids count
/// rows.
NodeRows attach_arrays(RawDataset& raw, const NamedArrays& arrays, const NodeTableOptions& options);

}  // namespace kith
