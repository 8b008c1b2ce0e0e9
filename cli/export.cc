#include "kith/exec/export.h"

#include <fmt/format.h>

#include "kith/cli/schema.h"
#include "kith/cli/trained_run.h"
#include "kith/cli/verb.h"
#include "kith/core/error.h"
#include "kith/exec/settings.h"

namespace kith::cli {

void run_export(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::filesystem::path run = settings.text("run");
  const std::filesystem::path file = settings.text("output");
  if (std::filesystem::exists(file) && !settings.boolean("overwrite"))
    throw InputError(file.string() + " exists already; --overwrite replaces it");
  const Schema schema = program_schema();
  const Settings trained = settings_of_run(schema, run);
  const std::string call = export_weights(run, model_options(trained), trained.resolved(), file);
  fmt::print("wrote {} for {}\n", file.string(), call);
}

}  // namespace kith::cli
