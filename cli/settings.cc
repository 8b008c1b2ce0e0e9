#include <fmt/format.h>

#include "kith/cli/schema.h"
#include "kith/cli/verb.h"

namespace kith::cli {

void run_settings(const Invocation&) {
  fmt::print(
      "# Settings\n\n"
      "Made by `kith settings --markdown` from the one schema. A setting is a flag (`--batch-size 512`), a "
      "TOML key\n"
      "(`batch-size = 512`) and an environment variable (`KITH_BATCH_SIZE=512`); `_` and `-` are equal, and "
      "flags win\n"
      "over the environment, which wins over the file. Unknown names are refused with the nearest known "
      "one.\n\n{}",
      markdown_of(program_schema()));
}

}  // namespace kith::cli
