#include <algorithm>

#include <cblas.h>
#include <fmt/format.h>
#include <hwy/highway.h>
#include <metis.h>
#include <oneapi/tbb/version.h>
#include <zlib.h>

#include "kith/cli/help.h"
#include "kith/comm/world.h"
#include "kith/core/host.h"

namespace kith::cli {
namespace {

/// The vector instruction sets that kernels may choose from on this machine, best first.
std::string vector_targets() {
  std::string names;
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1)
    names += (names.empty() ? "" : " ") + std::string(hwy::TargetName(left & -left));
  return names;
}

}  // namespace

std::string version_text() { return fmt::format("kith {}\n", KITH_VERSION); }

std::string version_details() {
  std::string text = version_text();
  auto add = [&](const char* name, const std::string& value) {
    text += fmt::format("  {:<10} {}\n", name, value);
  };
  add("compiler", fmt::format("{} ({})", KITH_COMPILER, KITH_BUILD_TYPE));
  std::string mpi = MpiEnvironment::library_version();
  std::replace(mpi.begin(), mpi.end(), '\t', ' ');
  add("MPI", mpi);
  add("oneTBB", TBB_runtime_version());
  add("Highway", fmt::format("{}.{}.{}; here: {}", HWY_MAJOR, HWY_MINOR, HWY_PATCH, vector_targets()));
  add("OpenBLAS", fmt::format("{}; core {}", openblas_get_config(), openblas_get_corename()));
  add("METIS", fmt::format("{}.{}.{}, {}-bit ids", METIS_VER_MAJOR, METIS_VER_MINOR, METIS_VER_SUBMINOR,
                           IDXTYPEWIDTH));
  add("zlib", zlibVersion());
  add("CPU", fmt::format("{}, {} cores for this process", cpu_model(), affinity_cores()));
  return text;
}

}  // namespace kith::cli
