#include <fmt/format.h>

#include "kith/cli/verb.h"
#include "kith/exec/html_report.h"

namespace kith::cli {

void run_report(const Invocation& invocation) {
  fmt::print("wrote {}\n", write_html_report(invocation.settings.text("run")).string());
}

}  // namespace kith::cli
