#include <cmath>

#include "kith/bench/gpu/cases.h"
#include "kith/bench/gpu/cusparse.h"
#include "kith/bench/gpu/timing.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/rows.h"
#include "kith/kernels/spmm.h"

namespace kith::bench {

double copy_rate(CudaDevice& device) {
  const auto bytes =
      static_cast<std::size_t>(std::min<std::int64_t>(device.facts().memory_bytes / 8, 4LL << 30));
  const UseMemory there(&device);
  const Buffer from(bytes), to(bytes);
  const double time = milliseconds(device, [&](int) { device.start_copy(to.data(), from.data(), bytes); });
  return 2.0 * static_cast<double>(bytes) / (time * 1e-3);
}

namespace {

/// Columns, row ends, every gathered row and the result: what moves without any reuse.
double bytes_without_reuse(CsrView<std::int32_t> a, std::int64_t cols, std::int64_t element) {
  return static_cast<double>(4 * a.m() + 8 * a.n() + element * cols * a.m() + 4 * cols * a.n());
}

/// The table that rotates: fp32 rows, or stored ones.
struct Tables {
  Tables(CudaDevice& device, std::int64_t table_rows, std::int64_t table_cols, DType element)
      : n(table_rows), cols(table_cols), type(element) {
    for (int i = 0; i < kRotation; ++i) {
      x.push_back(ramp_on(device, n, cols));
      const UseMemory there(&device);
      const auto bytes = static_cast<std::size_t>(n * cols) * size_of(type);
      narrow.emplace_back(type == DType::f32 ? 0 : bytes);
      if (type != DType::f32) encode_rows(Cuda{&device}, x.back(), type, narrow.back().data(), {});
    }
  }
  StoredRows rows(int i) const {
    const auto at = static_cast<std::size_t>(i);
    return type == DType::f32 ? StoredRows(x[at].view()) : StoredRows(narrow[at].data(), type, n, cols);
  }
  std::int64_t n, cols;
  DType type;
  std::vector<Matrix> x;
  std::vector<Buffer> narrow;
};

Matrix first_rows(CudaDevice& device, ConstTensor y) {
  const std::int64_t rows = std::min<std::int64_t>(y.rows, 1024);
  Matrix some(rows, y.cols);
  axpby(Cuda{&device}, 1, y.row_range(0, rows), 0, some);
  return some;
}

/// What cuSPARSE wrote, which is of the rows' own type.
Matrix first_rows(CudaDevice& device, const Buffer& y, DType type, std::int64_t n, std::int64_t cols) {
  Matrix wide = [&] {
    const UseMemory there(&device);
    return Matrix(std::min<std::int64_t>(n, 1024), cols);
  }();
  if (type == DType::f32)
    device.copy(wide.data(), y.data(), static_cast<std::size_t>(wide.size()) * sizeof(float));
  else
    decode_rows(Cuda{&device}, y.data(), type, {}, wide);
  return first_rows(device, wide);
}

/// The largest difference over the largest value.
double largest_difference(ConstTensor a, ConstTensor b) {
  double difference = 0, value = 0;
  for (std::int64_t k = 0; k < a.size(); ++k) {
    difference = std::max(difference, std::abs(static_cast<double>(a.data[k]) - b.data[k]));
    value = std::max(value, std::abs(static_cast<double>(b.data[k])));
  }
  return value > 0 ? difference / value : difference;
}

/// Both algorithms; nothing where this host has no cuSPARSE.
void add_cusparse(CudaDevice& device, const PlacedGraph& placed, const Tables& tables, ConstTensor ours,
                  Json& result) {
  double best = 0;
  for (const Cusparse::Algorithm algorithm : {Cusparse::Algorithm::csr_2, Cusparse::Algorithm::csr_3}) {
    const UseMemory there(&device);
    Buffer y(static_cast<std::size_t>(tables.n * tables.cols) * size_of(tables.type));
    std::vector<std::unique_ptr<Cusparse>> runs;
    for (int i = 0; i < kRotation; ++i)
      runs.push_back(Cusparse::make(
          device, {placed.csr, tables.cols, tables.type, tables.rows(i).data, y.data(), algorithm}));
    if (runs.front() == nullptr || runs.back() == nullptr) continue;
    const double time = milliseconds(device, [&](int i) { runs[static_cast<std::size_t>(i)]->run(); });
    const UseMemory host(nullptr);
    const std::string name = algorithm == Cusparse::Algorithm::csr_2 ? "cusparse_alg2" : "cusparse_alg3";
    result[name + "_milliseconds"] = time;
    result[name + "_largest_difference"] = largest_difference(
        first_rows(device, ours), first_rows(device, y, tables.type, tables.n, tables.cols));
    best = best == 0 ? time : std::min(best, time);
  }
  if (best > 0) result["speedup"] = best / result["milliseconds"].get<double>();
}

}  // namespace

Json spmm_case(CudaDevice& device, const NamedGraph& graph, std::int64_t cols, DType type, double copied) {
  const PlacedGraph placed(device, graph.csr);
  const std::int64_t n = graph.csr.n();
  const Tables tables(device, n, cols, type);
  Matrix y = [&] {
    const UseMemory there(&device);
    return Matrix(n, cols);
  }();
  const double ours =
      milliseconds(device, [&](int i) { spmm_stored(Cuda{&device}, placed.csr, {}, tables.rows(i), y); });
  const auto element = static_cast<std::int64_t>(size_of(type));
  const double rate = bytes_without_reuse(placed.csr, cols, element) / (ours * 1e-3);
  Json result{{"graph", graph.name},
              {"nodes", n},
              {"edges", graph.csr.m()},
              {"columns", cols},
              {"type", name_of(type)},
              {"milliseconds", ours},
              {"bytes_without_reuse_per_second", rate},
              {"share_of_copy_rate", rate / copied},
              {"table_over_l2",
               static_cast<double>(n * cols * element) / static_cast<double>(device.facts().l2_bytes)}};
  add_cusparse(device, placed, tables, y, result);
  return result;
}

}  // namespace kith::bench
