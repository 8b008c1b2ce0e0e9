// cuBLASLt is half a gigabyte and belongs to the host's CUDA, so it is not linked but looked for when the
// first product is asked for. What the heuristic chose for a shape is kept.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>

#include <cublasLt.h>
#include <dlfcn.h>

#include "kith/core/shared_library.h"
#include "kith/kernels/cuda/gemm.h"

namespace kith::cuda {
namespace {

/// Under a limit, a part of what it leaves to kernels.
std::size_t workspace_bytes(const CudaDevice& device) {
  constexpr std::size_t kMost = std::size_t{32} << 20;
  return device.limited() ? std::min(kMost, static_cast<std::size_t>(device.limit().workspace) / 8) : kMost;
}

struct CublasLt {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulDescCreate) make_operation = nullptr;
  decltype(&cublasLtMatmulDescDestroy) free_operation = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) set_operation = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) make_layout = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) free_layout = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) make_preference = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) free_preference = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) choose = nullptr;
  cublasLtHandle_t handle = nullptr;
  std::string file;
  bool usable = false;
};

/// KITH_CUBLASLT names a file; else the loader looks, as it does for every library.
CublasLt load() {
  CublasLt lt;
  const char* named = std::getenv("KITH_CUBLASLT");
  const char* const names[] = {named, "libcublasLt.so.13", "libcublasLt.so.12"};
  void* library = nullptr;
  for (const char* name : names) {
    if (name == nullptr || library != nullptr) continue;
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    lt.file = name;
  }
  if (library == nullptr) return {};
  lt.usable = find_symbol(library, "cublasLtCreate", lt.create) &&
              find_symbol(library, "cublasLtMatmul", lt.matmul) &&
              find_symbol(library, "cublasLtMatmulDescCreate", lt.make_operation) &&
              find_symbol(library, "cublasLtMatmulDescDestroy", lt.free_operation) &&
              find_symbol(library, "cublasLtMatmulDescSetAttribute", lt.set_operation) &&
              find_symbol(library, "cublasLtMatrixLayoutCreate", lt.make_layout) &&
              find_symbol(library, "cublasLtMatrixLayoutDestroy", lt.free_layout) &&
              find_symbol(library, "cublasLtMatmulPreferenceCreate", lt.make_preference) &&
              find_symbol(library, "cublasLtMatmulPreferenceDestroy", lt.free_preference) &&
              find_symbol(library, "cublasLtMatmulPreferenceSetAttribute", lt.set_preference) &&
              find_symbol(library, "cublasLtMatmulAlgoGetHeuristic", lt.choose) &&
              lt.create(&lt.handle) == CUBLAS_STATUS_SUCCESS;
  return lt;
}

CublasLt& cublas_lt() {
  // Never destroyed, as the device is.
  static auto* lt = new CublasLt(load());
  return *lt;
}

/// A matrix as cuBLASLt wants it described.
class Layout {
 public:
  Layout(const CublasLt& lt, std::int64_t rows, std::int64_t cols, std::int64_t stride) : lt_(lt) {
    ok_ = lt.make_layout(&raw_, CUDA_R_32F, static_cast<std::uint64_t>(rows),
                         static_cast<std::uint64_t>(cols), stride) == CUBLAS_STATUS_SUCCESS;
  }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  ~Layout() {
    if (raw_ != nullptr) lt_.free_layout(raw_);
  }
  cublasLtMatrixLayout_t get() const { return raw_; }
  bool ok() const { return ok_; }

 private:
  const CublasLt& lt_;
  cublasLtMatrixLayout_t raw_ = nullptr;
  bool ok_ = false;
};

std::atomic<ProductPrecision> chosen_precision{ProductPrecision::fp32};

cublasComputeType_t compute_type(ProductPrecision precision) {
  switch (precision) {
    case ProductPrecision::tf32: return CUBLAS_COMPUTE_32F_FAST_TF32;
    case ProductPrecision::bf16: return CUBLAS_COMPUTE_32F_FAST_16BF;
    default: return CUBLAS_COMPUTE_32F;
  }
}

class Operation {
 public:
  Operation(const CublasLt& lt, const Gemm& g, ProductPrecision precision) : lt_(lt) {
    const cublasOperation_t a = g.transposed_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t b = g.transposed_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    ok_ = lt.make_operation(&raw_, compute_type(precision), CUDA_R_32F) == CUBLAS_STATUS_SUCCESS &&
          lt.set_operation(raw_, CUBLASLT_MATMUL_DESC_TRANSA, &a, sizeof(a)) == CUBLAS_STATUS_SUCCESS &&
          lt.set_operation(raw_, CUBLASLT_MATMUL_DESC_TRANSB, &b, sizeof(b)) == CUBLAS_STATUS_SUCCESS;
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() {
    if (raw_ != nullptr) lt_.free_operation(raw_);
  }
  cublasLtMatmulDesc_t get() const { return raw_; }
  bool ok() const { return ok_; }

 private:
  const CublasLt& lt_;
  cublasLtMatmulDesc_t raw_ = nullptr;
  bool ok_ = false;
};

struct Choice {
  bool possible = false;
  cublasLtMatmulAlgo_t algorithm{};
};

Choice choose(const CublasLt& lt, const Operation& operation, const Layout& a, const Layout& b,
              const Layout& c, std::size_t workspace) {
  cublasLtMatmulPreference_t preference = nullptr;
  if (lt.make_preference(&preference) != CUBLAS_STATUS_SUCCESS) return {};
  cublasLtMatmulHeuristicResult_t result{};
  int found = 0;
  const bool asked = lt.set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace,
                                       sizeof(workspace)) == CUBLAS_STATUS_SUCCESS &&
                     lt.choose(lt.handle, operation.get(), a.get(), b.get(), c.get(), c.get(), preference, 1,
                               &result, &found) == CUBLAS_STATUS_SUCCESS;
  lt.free_preference(preference);
  return {asked && found > 0, result.algo};
}

/// Addresses count too: an algorithm may want them aligned.
auto shape_of(const Gemm& g, ProductPrecision precision) {
  const auto alignment = [](const float* p) { return reinterpret_cast<std::uintptr_t>(p) % 256; };
  return std::tuple(precision, g.transposed_a, g.transposed_b, g.m, g.n, g.k, g.lda, g.ldb, g.ldc,
                    alignment(g.a), alignment(g.b), alignment(g.c));
}

}  // namespace

bool gemm_by_cublas_lt(Staging& call, const Gemm& g) {
  CublasLt& lt = cublas_lt();
  if (!lt.usable) return false;
  const ProductPrecision precision = product_precision();
  const Operation operation(lt, g, precision);
  const Layout a(lt, g.transposed_a ? g.k : g.m, g.transposed_a ? g.m : g.k, g.lda);
  const Layout b(lt, g.transposed_b ? g.n : g.k, g.transposed_b ? g.k : g.n, g.ldb);
  const Layout c(lt, g.m, g.n, g.ldc);
  if (!operation.ok() || !a.ok() || !b.ok() || !c.ok()) return false;
  const std::size_t workspace = workspace_bytes(call.device());
  static std::mutex mutex;
  static auto* choices = new std::map<std::pair<decltype(shape_of(g, precision)), std::size_t>, Choice>;
  const std::lock_guard lock(mutex);
  const auto [found, added] = choices->try_emplace(std::pair(shape_of(g, precision), workspace));
  if (added) found->second = choose(lt, operation, a, b, c, workspace);
  if (!found->second.possible) return false;
  const float one = 1;
  return lt.matmul(lt.handle, operation.get(), &one, g.a, a.get(), g.b, b.get(), &g.beta, g.c, c.get(), g.c,
                   c.get(), &found->second.algorithm,
                   call.scratch<std::byte>(static_cast<std::int64_t>(workspace)), workspace,
                   call.device().stream()) == CUBLAS_STATUS_SUCCESS;
}

ProductPrecision product_precision() { return chosen_precision; }
void set_product_precision(ProductPrecision precision) { chosen_precision = precision; }

std::string_view cublas_lt_file() { return cublas_lt().usable ? cublas_lt().file : std::string_view(); }

}  // namespace kith::cuda
