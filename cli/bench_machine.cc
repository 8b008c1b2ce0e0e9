#include <cblas.h>

#include "kith/cli/bench.h"
#include "kith/core/host.h"
#include "kith/core/parallel.h"
#include "kith/kernels/ceilings.h"

namespace kith::cli {

Measured measure_machine(const Settings&) {
  constexpr std::int64_t kTable = std::int64_t{512} << 20;
  Figures figures;
  figures.add("cpu", cpu_model());
  figures.add("vectors", vector_width());
  figures.add("blas", std::string(openblas_get_corename()));
  figures.add("threads", std::int64_t{thread_count()});
  figures.add("stream_read_gb_per_second", stream_read_ceiling(kTable) * 1e-9);
  figures.add("stream_copy_gb_per_second", stream_copy_ceiling(kTable) * 1e-9);
  for (const std::int64_t row_bytes : {64, 128, 256, 512, 1024})
    figures.add("gather_" + std::to_string(row_bytes) + "_byte_rows_gb_per_second",
                gather_ceiling(kTable, row_bytes) * 1e-9);
  figures.add("gflop_per_second", flop_ceiling() * 1e-9);
  return figures;
}

}  // namespace kith::cli
