#include <fmt/format.h>

#include "kith/cli/output.h"
#include "kith/cli/verb.h"
#include "kith/datasets/settings.h"

namespace kith::cli {

void run_generate(const Invocation& invocation) {
  const Output output = output_of(invocation.settings);
  const Settings& settings = invocation.settings;
  RawDataset raw =
      settings.text("kind") == "rmat" ? rmat(rmat_options(settings)) : planted(planted_options(settings));
  PrepareOptions writing;
  writing.made_by = invocation.command_line;
  writing.existing = output.existing;
  const PrepareReport report = write_dataset(std::move(raw), output.folder, writing);
  fmt::print("{}wrote {}\n", describe(report), output.folder.string());
}

}  // namespace kith::cli
