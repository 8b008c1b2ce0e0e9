#include "kith/datasets/inspect.h"

#include <fmt/format.h>

#include "kith/cli/tables.h"
#include "kith/cli/verb.h"
#include "kith/core/error.h"
#include "kith/core/file.h"

namespace kith::cli {

void run_inspect(const Invocation& invocation) {
  const std::filesystem::path path = invocation.settings.text("path");
  const bool json = invocation.settings.boolean("json");
  const FolderKind kind = folder_kind(path);
  if (kind == FolderKind::none)
    throw InputError(path.string() + (std::filesystem::exists(path)
                                          ? ": neither a store, a partitioned store nor a run"
                                          : ": not there"));
  if (kind == FolderKind::run) {
    const std::string summary = run_summary_json(path);
    fmt::print("{}", json ? summary : facts_text(summary));
    return;
  }
  const Description description = description_of_folder(path);
  fmt::print("{}", json ? with_newline(description.json) : text_of(description));
}

}  // namespace kith::cli
