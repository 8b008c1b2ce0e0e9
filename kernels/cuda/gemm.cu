// A block makes a tile of 64 × 64, each thread 4 × 4 of it, from stretches of 16 of the sum in shared memory.
// A long sum with a small result (a weight gradient) is cut so that there are blocks enough; the parts are
// added in order. What a host without cuBLASLt multiplies by.
#include <algorithm>

#include "kith/kernels/cuda/elements.h"
#include "kith/kernels/cuda/gemm.h"
#include "kith/kernels/cuda/kernels.h"

namespace kith {
namespace cuda {
namespace {

constexpr int kTile = 64, kDepth = 16, kEach = 4;

/// x(i, p) = data[i · rows + p · cols].
struct Strided {
  const float* data;
  std::int64_t rows, cols;
  __device__ float operator()(std::int64_t i, std::int64_t p) const { return data[i * rows + p * cols]; }
};

struct Tiles {
  Strided a, b;                ///< a [m, k], b [n, k]
  std::int64_t m, n, k, part;  ///< a block of z sums [z · part, (z + 1) · part)
  float beta;
  float* c;  ///< c(i, j) = c[i + j · ldc], parts one behind the other
  std::int64_t ldc, part_size;
};

__global__ void __launch_bounds__(kThreads) multiply_tiles(Tiles t) {
  __shared__ float left[kDepth][kTile], right[kDepth][kTile];
  const std::int64_t row = std::int64_t{blockIdx.x} * kTile, col = std::int64_t{blockIdx.y} * kTile;
  const std::int64_t first = std::int64_t{blockIdx.z} * t.part;
  const std::int64_t last = first + t.part < t.k ? first + t.part : t.k;
  const int x = static_cast<int>(threadIdx.x) % 16, y = static_cast<int>(threadIdx.x) / 16;
  float sum[kEach][kEach] = {};
  for (std::int64_t p = first; p < last; p += kDepth) {
    for (int at = static_cast<int>(threadIdx.x); at < kTile * kDepth; at += kThreads) {
      const int i = at % kTile, d = at / kTile;
      left[d][i] = row + i < t.m && p + d < last ? t.a(row + i, p + d) : 0.0f;
      right[d][i] = col + i < t.n && p + d < last ? t.b(col + i, p + d) : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
      float u[kEach], v[kEach];
#pragma unroll
      for (int k = 0; k < kEach; ++k) {
        u[k] = left[d][x + 16 * k];
        v[k] = right[d][y + 16 * k];
      }
#pragma unroll
      for (int i = 0; i < kEach; ++i)
#pragma unroll
        for (int j = 0; j < kEach; ++j) sum[i][j] = fmaf(u[i], v[j], sum[i][j]);
    }
    __syncthreads();
  }
  float* c = t.c + blockIdx.z * t.part_size;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
#pragma unroll
    for (int j = 0; j < kEach; ++j) {
      const std::int64_t r = row + x + 16 * i, s = col + y + 16 * j;
      if (r < t.m && s < t.n) c[r + s * t.ldc] = sum[i][j] + scaled(t.beta, c[r + s * t.ldc]);
    }
  }
}

unsigned tiles(std::int64_t size) { return static_cast<unsigned>((size + kTile - 1) / kTile); }

}  // namespace

void gemm_by_tiles(Staging& call, const Gemm& g) {
  const Strided a{g.a, g.transposed_a ? g.lda : 1, g.transposed_a ? 1 : g.lda};
  const Strided b{g.b, g.transposed_b ? 1 : g.ldb, g.transposed_b ? g.ldb : 1};
  const std::int64_t blocks = std::int64_t{tiles(g.m)} * tiles(g.n);
  const std::int64_t wanted = std::clamp<std::int64_t>(512 / std::max<std::int64_t>(blocks, 1), 1, 64);
  const std::int64_t parts = std::clamp<std::int64_t>(g.k / 1024, 1, wanted);
  const std::int64_t part = ((g.k + parts - 1) / parts + kDepth - 1) / kDepth * kDepth;
  const dim3 grid(tiles(g.m), tiles(g.n), static_cast<unsigned>(parts));
  if (parts == 1)
    return launch(call, grid, multiply_tiles,
                  Tiles{a, b, g.m, g.n, g.k, std::max<std::int64_t>(g.k, 1), g.beta, g.c, g.ldc, 0});
  const std::int64_t size = g.m * g.n;
  auto* sums = call.scratch<float>(parts * size);
  launch(call, grid, multiply_tiles, Tiles{a, b, g.m, g.n, g.k, part, 0, sums, g.m, size});
  const Gemm to = g;
  over_elements(call, g.n, g.m, [=] __device__(std::int64_t j, std::int64_t i) {
    float& out = to.c[i + j * to.ldc];
    float sum = scaled(to.beta, out);
    for (std::int64_t p = 0; p < parts; ++p) sum += sums[p * size + i + j * to.m];
    out = sum;
  });
}

}  // namespace cuda

// A row-major matrix is its transpose in column-major order, so cᵀ = op(b)ᵀ op(a)ᵀ is asked for.
void matmul(Cuda on, Trans trans_a, ConstTensor a, Trans trans_b, ConstTensor b, float beta, Tensor c) {
  if (c.rows == 0 || c.cols == 0) return;
  const bool ta = trans_a == Trans::yes, tb = trans_b == Trans::yes;
  const std::int64_t k = ta ? a.rows : a.cols;
  cuda::Staging call(on, "matmul", {{"m", c.rows}, {"n", c.cols}, {"k", k}});
  const auto left = call.read(a), right = call.read(b);
  const auto to = beta == 0 ? call.write(c) : call.update(c);
  const cuda::Gemm g{.transposed_a = tb,
                     .transposed_b = ta,
                     .m = c.cols,
                     .n = c.rows,
                     .k = k,
                     .a = right.data,
                     .lda = right.stride,
                     .b = left.data,
                     .ldb = left.stride,
                     .beta = beta,
                     .c = to.data,
                     .ldc = to.stride};
  if (k == 0 || !cuda::gemm_by_cublas_lt(call, g)) cuda::gemm_by_tiles(call, g);
  call.finish();
}

void affine(Cuda on, ConstTensor x, ConstTensor w, std::span<const float> bias, float beta, Tensor y) {
  matmul(on, Trans::no, x, Trans::yes, w, beta, y);
  if (!bias.empty()) add_bias(on, bias, y);
}

}  // namespace kith
