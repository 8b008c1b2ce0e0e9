#include "kith/exec/export.h"

#include <fmt/format.h>

#include "kith/cli/schema.h"
#include "kith/cli/trained_run.h"
#include "kith/cli/verb.h"
#include "kith/core/error.h"
#include "kith/datasets/export/export_store.h"
#include "kith/exec/settings.h"

namespace kith::cli {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& data, std::string_view why) {
  throw InputError(fmt::format("{}: {}", data.string(), why));
}

void refuse_setting(const Settings& settings, const fs::path& data, std::string_view name,
                    std::string_view kind) {
  if (settings.has_value(name)) refuse(data, fmt::format("--{} does not apply to {}", name, kind));
}

void export_run(const Settings& settings, const fs::path& run, const fs::path& file) {
  if (fs::exists(file) && !settings.boolean("overwrite"))
    throw InputError(file.string() + " exists already; --overwrite replaces it");
  const Schema schema = program_schema();
  const Settings trained = settings_of_run(schema, run);
  const std::string call = export_weights(run, model_options(trained), trained.resolved(), file);
  fmt::print("wrote {} for {}\n", file.string(), call);
}

void export_data(const Settings& settings, const fs::path& folder, const fs::path& out, Existing existing) {
  const std::string format = settings.text("format");
  const Store store = Store::open(folder);
  for (const std::string& note : export_store(store, format, out, existing)) fmt::print("note: {}\n", note);
  fmt::print("wrote {} ({}): {} nodes, {} edges\n", out.string(), format, store.meta().nodes,
             store.meta().edges);
}

}  // namespace

void run_export(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const fs::path data = settings.text("run");
  const Existing existing = settings.boolean("overwrite") ? Existing::replace : Existing::refuse;
  switch (folder_kind(data)) {
    case FolderKind::store:
      refuse_setting(settings, data, "assignment", "a store; name its partitioned store");
      if (!settings.has_value("format"))
        refuse(data, "a store; --format says what to write (kith export --help)");
      return export_data(settings, data, settings.text("output"), existing);
    case FolderKind::partitioned_store: {
      refuse_setting(settings, data, "format", "a partitioned store; name the store it was cut from");
      if (!settings.has_value("assignment"))
        refuse(data, "a partitioned store; --assignment FILE writes the part of every node");
      const fs::path file = settings.text("assignment");
      const PartitionedStore parts = PartitionedStore::open(data);
      export_assignment(parts, file, existing);
      fmt::print("wrote {}: the part of {} nodes\n", file.string(), parts.meta().store.nodes);
      return;
    }
    default: break;
  }
  refuse_setting(settings, data, "format", "a run");
  refuse_setting(settings, data, "assignment", "a run");
  export_run(settings, data, settings.text("output"));
}

}  // namespace kith::cli
