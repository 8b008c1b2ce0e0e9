#include <fmt/format.h>

#include "kith/cli/verb.h"
#include "kith/datasets/partitioned_store.h"
#include "kith/exec/verify_run.h"

namespace kith::cli {

void run_verify(const Invocation& invocation) {
  const std::string path = invocation.settings.text("path");
  fmt::print("{}: {} files are whole\n", path,
             folder_kind(path) == FolderKind::run ? verify_run(path) : verify_folder(path));
}

}  // namespace kith::cli
