#include "kith/bench/gpu/cusparse.h"

#include <vector>

#include <cusparse.h>
#include <dlfcn.h>

#include "kith/core/array.h"
#include "kith/core/shared_library.h"

namespace kith::bench {
namespace {

struct Library {
  decltype(&cusparseCreate) create = nullptr;
  decltype(&cusparseSetStream) set_stream = nullptr;
  decltype(&cusparseCreateCsr) make_csr = nullptr;
  decltype(&cusparseCreateDnMat) make_dense = nullptr;
  decltype(&cusparseSpMM_bufferSize) workspace = nullptr;
  decltype(&cusparseSpMM_preprocess) preprocess = nullptr;
  decltype(&cusparseSpMM) spmm = nullptr;
  bool usable = false;
};

const Library& library() {
  static const Library loaded = [] {
    Library l;
    void* file = dlopen("libcusparse.so.12", RTLD_NOW | RTLD_LOCAL);
    l.usable = file != nullptr && find_symbol(file, "cusparseCreate", l.create) &&
               find_symbol(file, "cusparseSetStream", l.set_stream) &&
               find_symbol(file, "cusparseCreateCsr", l.make_csr) &&
               find_symbol(file, "cusparseCreateDnMat", l.make_dense) &&
               find_symbol(file, "cusparseSpMM_bufferSize", l.workspace) &&
               find_symbol(file, "cusparseSpMM_preprocess", l.preprocess) &&
               find_symbol(file, "cusparseSpMM", l.spmm);
    return l;
  }();
  return loaded;
}

/// Descriptors go with the process: a benchmark makes a few dozen.
class CachedCusparse final : public Cusparse {
 public:
  CachedCusparse(CudaDevice& device, const Product& product)
      : algorithm_(product.algorithm == Algorithm::csr_3 ? CUSPARSE_SPMM_CSR_ALG3 : CUSPARSE_SPMM_CSR_ALG2) {
    const CsrView<std::int32_t>& a = product.a;
    const std::int64_t cols = product.cols;
    const bool is_narrow = product.type == DType::bf16;
    const cudaDataType element = is_narrow ? CUDA_R_16BF : CUDA_R_32F;
    const std::vector<std::int32_t> narrow(a.indptr.begin(), a.indptr.end());
    const UseMemory there(&device);
    indptr_ = copy_of(std::span<const std::int32_t>(narrow));
    indices_ = copy_of(a.indices);
    values_ = Array<std::uint32_t>(static_cast<std::size_t>(a.m()), is_narrow ? 0x3f803f80u : 0x3f800000u);
    const std::int64_t n = a.n();
    const Library& l = library();
    ok_ = l.create(&handle_) == CUSPARSE_STATUS_SUCCESS &&
          l.set_stream(handle_, device.stream()) == CUSPARSE_STATUS_SUCCESS &&
          l.make_csr(&a_, n, n, a.m(), indptr_.data(), indices_.data(), values_.data(), CUSPARSE_INDEX_32I,
                     CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO, element) == CUSPARSE_STATUS_SUCCESS &&
          l.make_dense(&x_, n, cols, cols, const_cast<void*>(product.x), element, CUSPARSE_ORDER_ROW) ==
              CUSPARSE_STATUS_SUCCESS &&
          l.make_dense(&y_, n, cols, cols, product.y, element, CUSPARSE_ORDER_ROW) == CUSPARSE_STATUS_SUCCESS;
    std::size_t bytes = 0;
    ok_ = ok_ && l.workspace(handle_, kPlain, kPlain, &one_, a_, x_, &zero_, y_, CUDA_R_32F, algorithm_,
                             &bytes) == CUSPARSE_STATUS_SUCCESS;
    workspace_ = Buffer(bytes + 16);
    ok_ = ok_ && l.preprocess(handle_, kPlain, kPlain, &one_, a_, x_, &zero_, y_, CUDA_R_32F, algorithm_,
                              workspace_.data()) == CUSPARSE_STATUS_SUCCESS;
  }
  bool ok() const { return ok_; }
  void run() override {
    library().spmm(handle_, kPlain, kPlain, &one_, a_, x_, &zero_, y_, CUDA_R_32F, algorithm_,
                   workspace_.data());
  }

 private:
  static constexpr cusparseOperation_t kPlain = CUSPARSE_OPERATION_NON_TRANSPOSE;
  Array<std::int32_t> indptr_, indices_;
  Array<std::uint32_t> values_;
  Buffer workspace_;
  cusparseSpMMAlg_t algorithm_;
  cusparseHandle_t handle_ = nullptr;
  cusparseSpMatDescr_t a_ = nullptr;
  cusparseDnMatDescr_t x_ = nullptr, y_ = nullptr;
  float one_ = 1, zero_ = 0;
  bool ok_ = false;
};

}  // namespace

std::unique_ptr<Cusparse> Cusparse::make(CudaDevice& device, const Product& product) {
  if (!library().usable || product.a.m() > INT32_MAX) return nullptr;
  auto made = std::make_unique<CachedCusparse>(device, product);
  if (!made->ok()) return nullptr;
  return made;
}

}  // namespace kith::bench
