// Aggregation over the in-edges of a store, of a feature table of the width asked for. The figures of merit
// are edges per second, and the share of the machine's ceiling for random rows that the rows read make up.
#include <memory>

#include <fmt/format.h>

#include "kith/cli/bench.h"
#include "kith/cli/bench_table.h"
#include "kith/core/error.h"
#include "kith/core/host.h"
#include "kith/core/parallel.h"
#include "kith/datasets/npy_file.h"
#include "kith/datasets/store.h"
#include "kith/graph/cache_model.h"
#include "kith/kernels/ceilings.h"
#include "kith/kernels/max.h"
#include "kith/kernels/spmm.h"

namespace kith::cli {
namespace {

Csr32 with_int32_columns(const CsrAny& graph) {
  if (graph.n() > INT32_MAX)
    throw InputError(fmt::format("{} nodes; kith bench spmm takes at most {}", graph.n(), INT32_MAX));
  return graph.visit([](auto view) {
    Csr32 copy{copy_of(view.indptr), Array<std::int32_t>(view.indices.size())};
    for (std::size_t e = 0; e < view.indices.size(); ++e)
      copy.indices[e] = static_cast<std::int32_t>(view.indices[e]);
    return copy;
  });
}

/// The call that is timed.
std::function<void()> aggregation(const Csr32& a, const std::string& reduce, const BenchTable& table,
                                  Matrix& y) {
  if (reduce == "sum") return [&a, &table, &y] { spmm_stored(Cpu{}, a, {}, table.rows(), y); };
  if (reduce == "mean") {
    auto scale = std::make_shared<std::vector<float>>();
    for (std::int64_t i = 0; i < a.n(); ++i)
      scale->push_back(1.0f / static_cast<float>(std::max<std::int64_t>(a.view().degree(i), 1)));
    return [&a, &table, &y, scale] { spmm_stored(Cpu{}, a, {.row_scale = *scale}, table.rows(), y); };
  }
  if (table.rows().type != DType::f32) throw InputError("--reduce max takes --dtype fp32 only");
  const Matrix& x = table.values();
  auto slots = std::make_shared<std::vector<std::int32_t>>(static_cast<std::size_t>(x.size()));
  return [&a, &x, &y, slots] { row_maximum(Cpu{}, a, {}, x, y, *slots); };
}

/// Of the rows read, by the model of a cache as large as this machine's last; 0 where the system names none.
double share_in_cache(const Csr32& a, std::int64_t row_bytes) {
  const std::int64_t rows = last_level_cache_bytes() / row_bytes;
  return rows == 0 ? 0 : cached_share({a.indptr.span(), a.indices.span()}, rows);
}

}  // namespace

void add_spmm_bench_settings(Schema& schema) {
  Setting width = bench_setting("width", Setting::Type::integer, "128", "spmm: features a node");
  width.minimum = 1;
  width.maximum = 65536;
  schema.add(width);
  Setting dtype =
      bench_setting("dtype", Setting::Type::choice, "fp32", "spmm: how features are stored; sums are fp32");
  dtype.choices = {"fp32", "bf16", "fp16", "int8"};
  schema.add(dtype);
  Setting reduce =
      bench_setting("reduce", Setting::Type::choice, "sum", "spmm: what becomes of the neighbours' rows");
  reduce.choices = {"sum", "mean", "max"};
  schema.add(reduce);
  schema.add(bench_setting("table", Setting::Type::path, "",
                           "spmm: an fp32 [nodes, width] .npy of features; random ones without it"));
  schema.add(bench_setting("result", Setting::Type::path, "", "spmm: writes the aggregate to this .npy"));
}

Measured measure_spmm(const Settings& settings) {
  const Store store = Store::open(settings.text("store"));
  const Csr32 a = with_int32_columns(store.graph());
  const std::int64_t width = settings.integer("width");
  const BenchTable x(table_values(settings, a.n(), width), stored_type(settings.text("dtype")));
  Matrix y(a.n(), width, 0.0f);
  const auto call = aggregation(a, settings.text("reduce"), x, y);
  const double seconds = median(sorted_seconds(settings.integer("repetitions"), call));
  if (settings.has_value("result"))
    write_npy(settings.text("result"), DType::f32, {y.rows(), y.cols()}, std::as_bytes(y.span()));
  const std::int64_t stored_bytes = width * static_cast<std::int64_t>(size_of(x.rows().type));
  const std::int64_t row_bytes = (stored_bytes + 63) / 64 * 64;
  const double gathered = static_cast<double>(a.m() * stored_bytes) / seconds;

  Figures figures;
  figures.add("graph", store.meta().name);
  figures.add("nodes", a.n());
  figures.add("edges", a.m());
  figures.add("width", width);
  figures.add("dtype", settings.text("dtype"));
  figures.add("reduce", settings.text("reduce"));
  figures.add("threads", std::int64_t{thread_count()});
  figures.add("milliseconds", seconds * 1e3);
  figures.add("medges_per_second", static_cast<double>(a.m()) / seconds * 1e-6);
  figures.add("gathered_gb_per_second", gathered * 1e-9);
  const double fraction = gathered / gather_ceiling(a.n() * row_bytes, row_bytes);
  figures.add("gather_fraction", fraction);
  const double cached = share_in_cache(a, row_bytes);
  figures.add("cached_share", cached);
  figures.add("uncached_gather_fraction", fraction * (1 - cached));
  return figures;
}

}  // namespace kith::cli
