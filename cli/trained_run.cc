#include "kith/cli/trained_run.h"

#include "kith/core/error.h"
#include "kith/datasets/partitioned_store.h"

namespace kith::cli {

Settings settings_of_run(const Schema& schema, const std::filesystem::path& run) {
  const auto file = run / "settings.toml";
  if (!std::filesystem::exists(file))
    throw InputError(run.string() + ": not a run of kith train (no settings.toml)");
  if (!std::filesystem::exists(run / "best.safetensors"))
    throw InputError(run.string() + ": holds no trained weights yet (best.safetensors)");
  Settings settings(schema, "train");
  settings.read_toml(file);
  return settings;
}

StoreMeta trained_meta(const Settings& trained, const StoreMeta& at_hand) {
  const FolderKind kind = folder_kind(trained.text("data"));
  if (kind != FolderKind::store && kind != FolderKind::partitioned_store) return at_hand;
  return open_data(trained.text("data")).meta().store;
}

}  // namespace kith::cli
