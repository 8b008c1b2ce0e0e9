#include "kith/datasets/inspect.h"

#include <fmt/format.h>

#include "kith/cli/tables.h"
#include "kith/cli/verb.h"
#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/exec/read_summary.h"

namespace kith::cli {
namespace {

/// A finished run: what `kith train` reported; another: its last epoch.
void print_run(const std::filesystem::path& run, bool as_json) {
  const std::string summary = run_summary_json(run);
  if (as_json || !std::filesystem::exists(run / "summary.json")) {
    fmt::print("{}", as_json ? summary : facts_text(summary));
  } else {
    fmt::print("{}{}", settings_line(summary), report_table(summary_of_json(summary)));
  }
}

}  // namespace

void run_inspect(const Invocation& invocation) {
  const std::filesystem::path path = invocation.settings.text("path");
  const bool json = invocation.settings.boolean("json");
  const FolderKind kind = folder_kind(path);
  if (kind == FolderKind::none)
    throw InputError(path.string() + (std::filesystem::exists(path)
                                          ? ": neither a store, a partitioned store nor a run"
                                          : ": not there"));
  if (kind == FolderKind::run) {
    print_run(path, json);
    return;
  }
  const Description description = description_of_folder(path);
  fmt::print("{}", json ? with_newline(description.json) : text_of(description));
}

}  // namespace kith::cli
