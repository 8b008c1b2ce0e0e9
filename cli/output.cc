#include "kith/cli/output.h"

#include "kith/core/error.h"
#include "kith/datasets/partitioned_store.h"

namespace kith::cli {

Output output_of(const Settings& settings) {
  Output output{settings.text("output")};
  if (!std::filesystem::exists(output.folder)) return output;
  if (!settings.boolean("overwrite"))
    throw InputError(output.folder.string() + " exists already; --overwrite replaces it");
  // A mistyped path must not cost a user a folder.
  if (folder_kind(output.folder) == FolderKind::none)
    throw InputError(output.folder.string() + " exists and Kith did not make it, so it is not overwritten");
  output.existing = Existing::replace;
  return output;
}

}  // namespace kith::cli
