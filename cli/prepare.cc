#include <fmt/format.h>

#include "kith/cli/output.h"
#include "kith/cli/verb.h"
#include "kith/datasets/external/prepare_plan.h"
#include "kith/datasets/settings.h"

namespace kith::cli {

void run_prepare(const Invocation& invocation) {
  const Output output = output_of(invocation.settings);
  PrepareOptions options = prepare_options(invocation.settings);
  options.made_by = invocation.command_line;
  options.existing = output.existing;
  if (invocation.settings.boolean("dry-run")) {
    fmt::print("{}", describe(plan_prepare(invocation.settings.text("raw"), options)));
    return;
  }
  const PrepareReport report = prepare(invocation.settings.text("raw"), output.folder, options);
  fmt::print("{}wrote {}\n", describe(report), output.folder.string());
}

}  // namespace kith::cli
