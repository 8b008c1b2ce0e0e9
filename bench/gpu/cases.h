#pragma once
#include <nlohmann/json.hpp>

#include "kith/bench/gpu/graphs.h"
#include "kith/core/cuda/device.h"
#include "kith/core/dtype.h"
#include "kith/kernels/product_precision.h"

// What is measured: each returns an object of its shape, its times and what follows from them.
namespace kith::bench {

using Json = nlohmann::json;

/// Bytes read and written a second by copies inside the device.
double copy_rate(CudaDevice& device);

/// y = A x beside cuSPARSE's CSR_ALG2 and CSR_ALG3, and by how much the two results differ at most in the
/// first rows. "bytes_without_reuse" counts every gathered row; a "share_of_copy_rate" above 1 means that the
/// cache served rows again. "table_over_l2" is the table's size over that of the cache.
Json spmm_case(CudaDevice& device, const NamedGraph& graph, std::int64_t cols, DType type, double copy_rate);

/// GAT forward and backward in one sweep, and by the entry: milliseconds and the peak of what is made.
Json attention_case(CudaDevice& device, const NamedGraph& graph, int heads, std::int64_t width);

/// Batches of 1,024 seeds with fanout 15,10,5, each until the host has it, whose time is taken.
Json sampler_cases(CudaDevice& device, const NamedGraph& graph);

/// [rows, cols] · [cols, cols]ᵀ, and how far it is from the product in fp32, relative in norm.
Json product_case(CudaDevice& device, std::int64_t rows, std::int64_t cols, ProductPrecision precision);

/// Three layers of sums and products on one small graph, started one by one and as one CUDA graph.
Json steady_case(CudaDevice& device, const NamedGraph& graph, std::int64_t cols);

/// An epoch of GraphSAGE of three layers over a graph of papers100M's shape, made on the device.
struct PapersShape {
  std::int64_t nodes = 111'059'956, train_nodes = 1'207'179;
  double degree = 14.55;  ///< 1.616 G edges
  std::int64_t features = 128, classes = 172, hidden = 256, batch = 1024;
  std::int64_t most_batches = 1 << 20;  ///< an epoch is extrapolated from so many
};
/// As much of the shape as fits into what is free on the device: `nodes` falls, and the result says so.
Json papers_case(CudaDevice& device, PapersShape shape);

}  // namespace kith::bench
