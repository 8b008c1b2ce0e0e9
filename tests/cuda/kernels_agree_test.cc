// Every kernel's CUDA overload against the CPU's, over the inputs of the CPU's tests: rows without entries, a
// hub longer than a piece, widths that fill vectors and lanes and that do not, arrays on the host and on the
// device.
#include <functional>
#include <random>

#include "kernels/random_inputs.h"
#include "on_cuda.h"

#include "kith/kernels/attention.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/fused_attention.h"
#include "kith/kernels/loss.h"
#include "kith/kernels/max.h"
#include "kith/kernels/norm.h"
#include "kith/kernels/optimiser.h"
#include "kith/kernels/quantise.h"
#include "kith/kernels/rows.h"
#include "kith/kernels/sparse_rows.h"
#include "kith/kernels/spmm.h"

namespace kith {
namespace {

using test::naive_transpose;
using test::random_csr;
using test::random_matrix;
using test::random_values;

constexpr std::int64_t kRows = 60, kColumns = 40, kHub = 7, kHubDegree = 700;
constexpr PhiloxKey kKey{5, 6};
constexpr std::uint32_t kStep = 3;

class KernelsAgree : public test::OnCuda {
 protected:
  Backend cuda() const { return Cuda{&device()}; }

  /// Runs body(on, result) for the CPU and for CUDA, with the result on the host and on the device, whose
  /// first content is the same; then they agree to `tolerance` of 1 + the largest element.
  void agree(std::int64_t rows, std::int64_t cols, const std::function<void(const Backend&, Tensor)>& body,
             float tolerance = 1e-5f) const {
    const Matrix start = random_matrix(rows, cols, 77);
    const auto copy = [&] {
      Matrix m(rows, cols);
      copy_values(start.span(), m.span());
      return m;
    };
    Matrix expected = copy(), staged = copy(), placed;
    {
      const UseMemory use(&device());
      placed = copy();
    }
    body(Cpu{}, expected);
    body(cuda(), staged);
    body(cuda(), placed);
    Matrix back(rows, cols);
    copy_values(std::as_const(placed).span(), back.span());
    float largest = 1;
    for (const float v : expected.span()) largest = std::max(largest, std::abs(v));
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < cols; ++j) {
        ASSERT_NEAR(staged(i, j), expected(i, j), tolerance * largest) << "at " << i << ", " << j;
        ASSERT_EQ(staged(i, j), back(i, j)) << "on the device, at " << i << ", " << j;
      }
    }
  }
  template <class T>
  void agree_exactly(std::int64_t count,
                     const std::function<void(const Backend&, std::span<T>)>& body) const {
    std::vector<T> expected(static_cast<std::size_t>(count), T{1}), got = expected;
    body(Cpu{}, expected);
    body(cuda(), got);
    EXPECT_EQ(expected, got);
  }
};

std::vector<StoreId> some_ids(std::int64_t count) {
  std::vector<StoreId> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.emplace_back(1000003 * i + (i % 3 == 0 ? std::int64_t{1} << 40 : 0));
  return ids;
}

const std::vector<std::int32_t> kSomeRows{0, 3, 7, 8, 21, 59};

TEST_F(KernelsAgree, OnSumsOfNeighbours) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  const auto row = random_values(kRows, 2), col = random_values(kColumns, 3),
             self = random_values(kColumns, 4);
  for (const std::int64_t cols : {1, 3, 4, 32, 33, 64, 128, 132, 256, 300}) {
    SCOPED_TRACE(cols);
    const Matrix x = random_matrix(kColumns, cols, 5);
    const std::span<const float> few = std::span(self).first(20);
    for (const float beta : {0.0f, 0.5f}) {
      agree(kRows, cols, [&](const Backend& on, Tensor y) {
        spmm(on, a, {.row_scale = row, .col_scale = col, .self_scale = few, .beta = beta}, x, y);
      });
    }
    agree(kRows, cols, [&](const Backend& on, Tensor y) { spmm_rows(on, a, kSomeRows, {}, x, y); });
  }
}

TEST_F(KernelsAgree, OnSumsWeightedByEdge) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  const TransposedCsr t = naive_transpose(a, kColumns);
  for (const int heads : {1, 2, 8}) {
    for (const std::int64_t width : {1, 5, 8, 40, 160}) {
      SCOPED_TRACE(width);
      const auto w = random_values(a.m() * heads, 6);
      const Matrix x = random_matrix(kColumns, heads * width, 5), y = random_matrix(kRows, heads * width, 7);
      agree(kRows, heads * width,
            [&](const Backend& on, Tensor out) { spmm(on, a, {.weights = w, .heads = heads}, x, out); });
      agree(kColumns, heads * width, [&](const Backend& on, Tensor out) {
        spmm(on, t.csr, {.weights = w, .edge = t.edge, .heads = heads}, y, out);
      });
    }
  }
}

TEST_F(KernelsAgree, OnSumsOfStoredRows) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  const auto self = random_values(kColumns, 4);
  for (const std::int64_t cols : {3, 8, 64, 128, 272}) {
    SCOPED_TRACE(cols);
    const Matrix x = random_matrix(kColumns, cols, 5);
    for (const DType type : {DType::bf16, DType::f16, DType::i8}) {
      Buffer stored(static_cast<std::size_t>(kColumns * cols) * size_of(type));
      std::vector<float> factors(type == DType::i8 ? kColumns : 0);
      encode_rows(Cpu{}, x, type, stored.data(), factors);
      agree(kRows, cols, [&](const Backend& on, Tensor y) {
        spmm_stored(on, a, {.self_scale = self}, {stored.data(), type, kColumns, cols, factors}, y);
      });
    }
  }
}

TEST_F(KernelsAgree, OnAMirroredMatrixWhosePlanIsKept) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  const Matrix x = random_matrix(kColumns, 64, 5);
  const CudaMirror indptr(device(), a.indptr.data(), a.indptr.size() * 8);
  const CudaMirror indices(device(), a.indices.data(), a.indices.size() * 4);
  const CudaMirror rows(device(), kSomeRows.data(), kSomeRows.size() * 4);
  const std::int64_t before = device().memory_use().to_device_bytes;
  for (int repeat = 0; repeat < 2; ++repeat) {
    agree(kRows, 64, [&](const Backend& on, Tensor y) { spmm(on, a, {}, x, y); });
    agree(kRows, 64, [&](const Backend& on, Tensor y) { spmm_rows(on, a, kSomeRows, {}, x, y); });
  }
  EXPECT_GT(device().memory_use().to_device_bytes, before);
}

TEST_F(KernelsAgree, OnMaxima) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  const TransposedCsr t = naive_transpose(a, kColumns);
  const Matrix x = random_matrix(kColumns, 33, 5), dy = random_matrix(kRows, 33, 6);
  std::vector<std::int32_t> slots(kRows * 33), found(kRows * 33);
  Matrix y(kRows, 33);
  row_maximum(Cpu{}, a, {}, x, y, slots);
  agree(
      kRows, 33, [&](const Backend& on, Tensor out) { row_maximum(on, a, {}, x, out, found); }, 0);
  EXPECT_EQ(slots, found);
  agree(
      kRows, 33, [&](const Backend& on, Tensor out) { row_maximum(on, a, kSomeRows, x, out, found); }, 0);
  agree(kColumns, 33,
        [&](const Backend& on, Tensor dx) { row_maximum_backward(on, a, t, slots, dy, 1, dx); });
}

TEST_F(KernelsAgree, OnAttentionByTheEntry) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  const TransposedCsr t = naive_transpose(a, kColumns);
  constexpr int kHeads = 3;
  constexpr std::int64_t kWidth = 3 * 35;
  const Matrix left = random_matrix(kRows, kHeads, 2), right = random_matrix(kColumns, kHeads, 3);
  const Matrix u = random_matrix(kRows, kWidth, 4), v = random_matrix(kColumns, kWidth, 5);
  const auto att = random_values(kWidth, 6), ds = random_values(a.m() * kHeads, 7);
  const auto ids = some_ids(kRows);
  const std::int64_t m = a.m();
  const auto flat = [](Tensor y) { return std::span<float>(y.data, static_cast<std::size_t>(y.size())); };
  std::vector<float> alpha(static_cast<std::size_t>(m * kHeads));
  edge_softmax(Cpu{}, a, {}, left, right, 0.2f, alpha);
  const AdditiveScores scores{u, v, att, kHeads, 0.2f}, across{v, u, att, kHeads, 0.2f};
  const EdgeDropout dropout{0.4f, kKey, kStep, ids};
  const std::vector<std::int32_t> none;
  for (const auto& rows : {none, kSomeRows}) {
    agree(m, kHeads, [&](const Backend& on, Tensor y) { sddmm_dot(on, a, rows, kHeads, u, v, flat(y)); });
    agree(m, kHeads,
          [&](const Backend& on, Tensor y) { edge_softmax(on, a, rows, left, right, 0.2f, flat(y)); });
    agree(m, kHeads, [&](const Backend& on, Tensor y) { additive_scores(on, a, rows, scores, flat(y)); });
    agree(m, kHeads, [&](const Backend& on, Tensor y) { row_softmax(on, a, rows, kHeads, flat(y)); });
    agree(m, kHeads,
          [&](const Backend& on, Tensor y) { edge_dropout(on, a, rows, kHeads, dropout, flat(y)); });
  }
  agree(kRows, kHeads, [&](const Backend& on, Tensor dleft) {
    std::vector<float> gradient(ds);
    edge_softmax_backward(on, a, left, right, 0.2f, alpha, gradient, dleft, 1);
  });
  agree(m, kHeads, [&](const Backend& on, Tensor y) { row_softmax_backward(on, a, kHeads, alpha, flat(y)); });
  agree(kColumns, kHeads, [&](const Backend& on, Tensor y) { sum_edges(on, t.csr, t.edge, ds, y, 0.5f); });
  agree(kRows, kWidth,
        [&](const Backend& on, Tensor y) { additive_scores_backward(on, a, {}, scores, ds, y); });
  agree(kColumns, kWidth,
        [&](const Backend& on, Tensor y) { additive_scores_backward(on, t.csr, t.edge, across, ds, y); });
  agree(1, kWidth, [&](const Backend& on, Tensor y) {
    std::vector<double> sums(static_cast<std::size_t>(kWidth));
    attention_vector_backward(on, a, scores, ds, sums);
    const Matrix row = [&] {
      Matrix r(1, kWidth);
      std::copy(sums.begin(), sums.end(), r.data());
      return r;
    }();
    axpby(on, 1, row, 0, y);
  });
}

struct AttentionShape {
  int heads;
  std::int64_t width;
};
class AttentionAgrees : public KernelsAgree {};

TEST_F(AttentionAgrees, InOneSweepAndBack) {
  const Csr32 a = random_csr(kRows, kRows + 5, kHub, kHubDegree, 1);
  const std::int64_t n = kRows, sources = kRows + 5;
  const TransposedCsr t = naive_transpose(a, sources);
  const auto ids = some_ids(n);
  for (const auto [heads, width] :
       {AttentionShape{1, 1}, {2, 3}, {4, 8}, {2, 128}, {1, 200}, {3, 70}, {1, 300}}) {
    for (const float p : {0.0f, 0.4f}) {
      SCOPED_TRACE(std::to_string(heads) + " heads of " + std::to_string(width));
      const std::int64_t cols = heads * width;
      const Matrix left = random_matrix(n, heads, 2), right = random_matrix(sources, heads, 3);
      const Matrix x = random_matrix(sources, cols, 5), own = random_matrix(n, cols, 4),
                   dy = random_matrix(n, cols, 8);
      const auto a_src = random_values(cols, 6), a_dst = random_values(cols, 7);
      const EdgeDropout dropout{p, kKey, kStep, ids};
      const GatAttention gat{left, right, x, 0.2f, dropout};
      const GatV2Attention v2{{own, x, a_src, heads, 0.2f}, dropout};
      Matrix y(n, cols), gat_sums(n, heads), v2_sums(n, heads);
      attend(Cpu{}, a, {}, v2, {y, v2_sums});
      attend(Cpu{}, a, {}, gat, {y, gat_sums});
      const auto forward = [&](const auto& attention, std::span<const std::int32_t> rows) {
        Matrix sums(n, heads, 0.0f), out(n, cols, 0.0f);
        agree(n, cols, [&](const Backend& on, Tensor to) { attend(on, a, rows, attention, {to, sums}); });
        agree(n, heads, [&](const Backend& on, Tensor to) { attend(on, a, rows, attention, {out, to}); });
      };
      forward(gat, {});
      forward(v2, {});
      forward(gat, kSomeRows);
      forward(v2, kSomeRows);
      Matrix dleft(n, heads), dright(sources, heads);
      const AttendedGradient of_gat{dy, gat_sums}, of_v2{dy, v2_sums};
      agree(sources, cols, [&](const Backend& on, Tensor dx) {
        attend_backward(on, a, t, gat, of_gat, {dleft, dright, dx, 0.5f, a_dst, a_src});
      });
      agree(sources, cols, [&](const Backend& on, Tensor dx) {
        attend_backward(on, a, t, gat, of_gat, {.dleft = dleft, .dright = dright, .dx = dx});
      });
      agree(n, heads, [&](const Backend& on, Tensor to) {
        attend_backward(on, a, t, gat, of_gat, {.dleft = to, .dright = dright});
      });
      agree(sources, heads, [&](const Backend& on, Tensor to) {
        attend_backward(on, a, t, gat, of_gat, {.dleft = dleft, .dright = to});
      });
      Matrix d_own(n, cols);
      agree(n, cols, [&](const Backend& on, Tensor to) {
        attend_backward(on, a, t, v2, of_v2, {.d_own = to, .own_beta = 1});
      });
      agree(sources, cols, [&](const Backend& on, Tensor to) {
        attend_backward(on, a, t, v2, of_v2, {.d_own = d_own, .d_other = to, .other_beta = 2});
      });
      agree(1, cols, [&](const Backend& on, Tensor to) {
        std::vector<double> d_att(static_cast<std::size_t>(cols));
        attend_backward(on, a, t, v2, of_v2, {.d_att = d_att});
        Matrix row(1, cols);
        std::copy(d_att.begin(), d_att.end(), row.data());
        axpby(on, 1, row, 0, to);
      });
    }
  }
}

TEST_F(KernelsAgree, OnProducts) {
  for (const auto [m, n, k] :
       {std::array<std::int64_t, 3>{1, 1, 1}, {5, 70, 3}, {130, 65, 17}, {33, 7, 5000}, {4, 4, 0}}) {
    SCOPED_TRACE(k);
    for (const Trans ta : {Trans::no, Trans::yes}) {
      for (const Trans tb : {Trans::no, Trans::yes}) {
        const Matrix a = ta == Trans::yes ? random_matrix(k, m, 1) : random_matrix(m, k, 1);
        const Matrix b = tb == Trans::yes ? random_matrix(n, k, 2) : random_matrix(k, n, 2);
        for (const float beta : {0.0f, 1.0f})
          agree(m, n, [&](const Backend& on, Tensor c) { matmul(on, ta, a, tb, b, beta, c); });
        if (n > 2 && m > 1)
          agree(m, n, [&](const Backend& on, Tensor c) {
            const Tensor part(c.data + 1, m, n - 2, c.stride);
            const ConstTensor some =
                tb == Trans::yes ? ConstTensor(b.data(), n - 2, k) : ConstTensor(b.data(), k, n - 2, n);
            matmul(on, ta, a, tb, some, 0, part);
          });
      }
    }
  }
}

TEST_F(KernelsAgree, OnProductsWithABias) {
  const Matrix x = random_matrix(33, 20, 1), w = random_matrix(9, 20, 2);
  const auto bias = random_values(9, 3);
  for (const float beta : {0.0f, 1.0f}) {
    agree(33, 9, [&](const Backend& on, Tensor y) { affine(on, x, w, bias, beta, y); });
    agree(33, 9, [&](const Backend& on, Tensor y) { affine(on, x, w, {}, beta, y); });
  }
}

TEST_F(KernelsAgree, OnElements) {
  constexpr std::int64_t kN = 37, kD = 19;
  const Matrix x = random_matrix(kN, kD, 1), z = random_matrix(kN, kD, 2);
  const auto bias = random_values(kD, 3);
  const auto ids = some_ids(kN);
  const auto check = [&](const std::function<void(const Backend&, Tensor)>& body) {
    agree(kN, kD, body, 1e-6f);
  };
  check([&](const Backend& on, Tensor y) { relu(on, x, y); });
  check([&](const Backend& on, Tensor y) { relu_dropout(on, {0.3f, kKey, kStep, ids}, x, y); });
  check([&](const Backend& on, Tensor y) { elu(on, x, y); });
  check([&](const Backend& on, Tensor y) { add_bias(on, bias, y); });
  check([&](const Backend& on, Tensor y) { fill(on, 2.5f, y); });
  check([&](const Backend& on, Tensor y) { maximum(on, x, z, y); });
  for (const float beta : {0.0f, 0.75f}) {
    check([&](const Backend& on, Tensor y) { relu_backward(on, x, z, beta, y, 1.5f); });
    check([&](const Backend& on, Tensor y) { elu_backward(on, x, z, beta, y); });
    check([&](const Backend& on, Tensor y) { axpby(on, 2, x, beta, y); });
    check([&](const Backend& on, Tensor y) { maximum_backward(on, x, z, Side::first, z, beta, y); });
    check([&](const Backend& on, Tensor y) { maximum_backward(on, x, z, Side::second, z, beta, y); });
    check([&](const Backend& on, Tensor y) { dropout(on, {0.3f, kKey, kStep, ids}, x, beta, y); });
    check([&](const Backend& on, Tensor y) { combine_columns(on, {bias, bias, bias, beta}, x, z, y); });
    check([&](const Backend& on, Tensor y) { combine_columns(on, {bias, {}, bias, beta}, x, z, y); });
    agree(1, kD, [&](const Backend& on, Tensor y) { bias_backward(on, x, beta, {y.data, kD}); });
    agree(1, kD, [&](const Backend& on, Tensor y) {
      gather_heads(on, x.view().row_range(0, 1), beta, {y.data, kD});
    });
  }
  agree(
      kD, kD, [&](const Backend& on, Tensor y) { spread_heads(on, bias, y); }, 0);
  // A part of wider rows, in place.
  check([&](const Backend& on, Tensor y) {
    const Tensor part(y.data + 2, kN, 5, y.stride);
    relu(on, part, part);
  });
}

TEST_F(KernelsAgree, OnMasksWordForWord) {
  const auto ids = some_ids(21);
  const Matrix ones(21, 67, 1.0f);
  agree(
      21, 67,
      [&](const Backend& on, Tensor y) {
        dropout(on, {0.5f, kKey, kStep, ids}, ones, 0, y);
      },
      0);
  agree(
      21, 67,
      [&](const Backend& on, Tensor y) {
        dropout(on, {1.0f, kKey, kStep, ids}, ones, 0, y);
      },
      0);
}

TEST_F(KernelsAgree, OnNorms) {
  const Matrix x = random_matrix(600, 35, 1), z = random_matrix(600, 35, 2);
  const auto inverse = random_values(600, 3);
  std::vector<float> scales(600);
  agree(600, 35, [&](const Backend& on, Tensor y) { standardise_rows(on, x, 1e-5f, y, scales); });
  agree(600, 35, [&](const Backend& on, Tensor y) { standardise_rows_backward(on, x, inverse, z, 0.5f, y); });
  agree(1, 70, [&](const Backend& on, Tensor y) {
    std::vector<double> sums(70);
    column_moments(on, x, z, sums);
    Matrix row(1, 70);
    std::copy(sums.begin(), sums.end(), row.data());
    axpby(on, 1, row, 0, y);
  });
}

TEST_F(KernelsAgree, OnLosses) {
  const Matrix logits = random_matrix(50, 41, 1);
  Matrix targets = random_matrix(50, 41, 2);
  for (float& t : targets.span()) t = t > 0.8f ? NAN : t > 0 ? 1.0f : 0.0f;
  std::vector<std::int64_t> labels(50);
  for (std::size_t i = 0; i < 50; ++i) labels[i] = static_cast<std::int64_t>(i * 7 % 41);
  const std::vector<std::int32_t> rows{0, 5, 6, 30, 49};
  std::vector<double> losses;
  agree(50, 41, [&](const Backend& on, Tensor d) {
    losses.push_back(softmax_cross_entropy(on, logits, labels, rows, 0.1f, d));
  });
  agree(50, 41, [&](const Backend& on, Tensor d) {
    losses.push_back(sigmoid_cross_entropy(on, logits, targets, rows, 0.1f, d));
  });
  ASSERT_EQ(losses.size(), 6u);
  for (const std::size_t first : {0, 3}) {
    EXPECT_NEAR(losses[first + 1], losses[first], 1e-6 * losses[first]);
    EXPECT_EQ(losses[first + 1], losses[first + 2]);
  }
  EXPECT_EQ(count_correct(cuda(), logits, labels, rows), count_correct(Cpu{}, logits, labels, rows));
}

TEST_F(KernelsAgree, OnOptimisers) {
  const auto gradient = random_values(1000, 1);
  for (const bool decoupled : {false, true}) {
    agree(
        3, 1000,
        [&](const Backend& on, Tensor s) {
          fill(on, 0.25f, s.row_range(1, 2));
          const auto part = [&](std::int64_t i) { return std::span<float>(s.row(i), 1000); };
          adam(on, {.weight_decay = 0.01f, .decoupled = decoupled, .t = 3}, gradient, part(0), part(1),
               part(2));
        },
        1e-6f);
  }
  for (const float momentum : {0.0f, 0.9f}) {
    agree(
        2, 1000,
        [&](const Backend& on, Tensor s) {
          sgd(on, {.momentum = momentum, .weight_decay = 0.01f, .first = false}, gradient, {s.row(0), 1000},
              {s.row(1), 1000});
        },
        1e-6f);
  }
}

TEST_F(KernelsAgree, OnRowsThatAreMoved) {
  const Matrix x = random_matrix(30, 13, 1), few = random_matrix(6, 13, 2);
  const std::vector<std::int32_t> rows{29, 0, 4, 7, 3, 11};
  agree(
      6, 13, [&](const Backend& on, Tensor y) { gather_rows(on, x, rows, y); }, 0);
  agree(
      30, 13, [&](const Backend& on, Tensor y) { add_rows(on, few, rows, y); }, 0);
  agree(
      30, 13, [&](const Backend& on, Tensor y) { put_rows(on, few, rows, y); }, 0);
  const std::vector<std::int64_t> wide{29, 0, 4, 7, 3, 11, 11};
  for (const std::int64_t bytes : {1, 4, 12, 16, 33, 48}) {
    std::vector<std::byte> from(static_cast<std::size_t>(30 * bytes));
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i * 31 % 251);
    agree_exactly<std::byte>(7 * bytes, [&](const Backend& on, std::span<std::byte> out) {
      gather_bytes(on, from.data(), bytes, wide, out.data());
    });
  }
}

TEST_F(KernelsAgree, OnTheBytesOfEveryWireFormat) {
  const auto ids = some_ids(30);
  const std::vector<std::int32_t> rows{29, 0, 4};
  for (const std::int64_t cols : {1, 7, 64, 130}) {
    Matrix x = random_matrix(30, cols, 1);
    x(3, 0) = 1e4f;
    for (float& v : std::span(x.data() + 5 * cols, static_cast<std::size_t>(cols))) v = 0;
    for (const DType type : {DType::bf16, DType::f16, DType::i8}) {
      const auto bytes = 30 * cols * static_cast<std::int64_t>(size_of(type));
      std::vector<float> scales(type == DType::i8 ? 30 : 0);
      std::vector<std::byte> wire(static_cast<std::size_t>(bytes));
      agree_exactly<std::byte>(bytes, [&](const Backend& on, std::span<std::byte> out) {
        encode_rows(on, x, type, out.data(), scales);
        wire.assign(out.begin(), out.end());
      });
      agree(
          30, cols, [&](const Backend& on, Tensor y) { decode_rows(on, wire.data(), type, scales, y); }, 0);
    }
    // The steps of such rows are too small to divide by.
    for (std::int64_t j = 0; j < cols; ++j) x(6, j) = static_cast<float>(j % 3) * 1e-40f;
    for (std::int64_t j = 0; j < cols; ++j) x(7, j) = j % 2 == 0 ? -0.0f : 0.0f;
    for (const int bits : {8, 4, 2, 1}) {
      const std::int64_t each = quantised_row_bytes(bits, cols);
      std::vector<std::byte> wire;
      agree_exactly<std::byte>(30 * each, [&](const Backend& on, std::span<std::byte> out) {
        quantise_rows(on, x, {}, ids, bits, {kKey, kStep}, out.data());
        wire.assign(out.begin(), out.end());
      });
      agree_exactly<std::byte>(3 * each, [&](const Backend& on, std::span<std::byte> out) {
        quantise_rows(on, x, rows, ids, bits, {kKey, kStep}, out.data());
      });
      agree(
          30, cols, [&](const Backend& on, Tensor y) { dequantise_rows(on, wire.data(), bits, y); }, 0);
    }
  }
}

TEST_F(KernelsAgree, OnProductsWithNonzeros) {
  Matrix x = random_matrix(40, 200, 1);
  for (float& v : x.span()) v = v > 0.8f ? v : 0;
  const SparseRows sparse = nonzeros(cuda(), x);
  const Matrix w = random_matrix(17, 200, 2), dy = random_matrix(40, 17, 3);
  agree(40, 17, [&](const Backend& on, Tensor y) { sparse_product(on, sparse, w, y); });
  agree(17, 200, [&](const Backend& on, Tensor dw) { sparse_product_backward(on, sparse, dy, 1, dw); });
}

TEST_F(KernelsAgree, OnNothing) {
  const Csr32 empty = random_csr(0, 0, -1, 0, 1);
  Matrix none(0, 8), sums(0, 2);
  spmm(cuda(), empty, {}, none, none);
  attend(cuda(), empty, {}, GatAttention{sums, sums, none, 0.2f, {}}, {none, sums});
  relu(cuda(), none, none);
  gather_rows(cuda(), none, {}, none);
  EXPECT_EQ(softmax_cross_entropy(cuda(), none, {}, {}, 1, none), 0);
}

}  // namespace
}  // namespace kith
