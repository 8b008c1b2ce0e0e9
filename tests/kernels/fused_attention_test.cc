#include "kith/kernels/fused_attention.h"

#include "kernels/random_inputs.h"
#include <gtest/gtest.h>

#include "kith/kernels/spmm.h"

namespace kith {
namespace {

using namespace test;

constexpr std::int64_t kRows = 50, kColumns = 40, kHub = 9, kHubDegree = 12000;
constexpr float kSlope = 0.2f;
constexpr PhiloxKey kKey{3, 4};

struct Shape {
  int heads, width;
  std::int64_t cols() const { return heads * width; }
};
constexpr Shape kShapes[] = {{1, 1}, {1, 3},   {8, 32},  {3, 11}, {1, 24},
                             {4, 8}, {2, 300}, {16, 16}, {5, 16}, {33, 2}};

/// What a test attends with. Both kinds of attention have x, whose rows GATv2 also scores.
struct Input {
  Input(std::int64_t rows, std::int64_t columns, Shape s, float p)
      : shape(s),
        left(random_matrix(rows, s.heads, 2)),
        right(random_matrix(columns, s.heads, 3)),
        own(random_matrix(rows, s.cols(), 4)),
        x(random_matrix(columns, s.cols(), 5)),
        att(random_matrix(1, s.cols(), 6)) {
    for (std::int64_t i = 0; i < rows; ++i) ids.push_back(StoreId{(std::int64_t{1} << 33) + 7 * i});
    dropout = {.p = p, .key = kKey, .step = 11, .destinations = ids};
  }
  GatAttention gat() const { return {left, right, x, kSlope, dropout}; }
  AdditiveScores scores() const { return {own, x, att.span(), shape.heads, kSlope}; }
  GatV2Attention gatv2() const { return {scores(), dropout}; }

  Shape shape;
  Matrix left, right, own, x, att;
  std::vector<StoreId> ids;
  EdgeDropout dropout;
};

struct Result {
  Result(std::int64_t rows, Shape shape) : y(rows, shape.cols(), NAN), log_sums(rows, shape.heads, NAN) {}
  operator Attended() { return {y, log_sums}; }
  Matrix y, log_sums;
};

/// y by the definition, in double, from an entry's score in double.
template <class Score>
std::vector<double> naive_attend(CsrView<std::int32_t> a, const Input& in, Score&& score) {
  const auto [heads, width] = in.shape;
  std::vector<float> mask(static_cast<std::size_t>(a.m() * heads), 1.0f);
  edge_dropout(Cpu{}, a, {}, heads, in.dropout, mask);
  std::vector<double> y(static_cast<std::size_t>(a.n() * in.shape.cols()), 0.0);
  for (std::int64_t i = 0; i < a.n(); ++i) {
    for (int h = 0; h < heads; ++h) {
      double sum = 0;
      for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) sum += std::exp(score(i, a.indices[e], h));
      for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) {
        const double weight = std::exp(score(i, a.indices[e], h)) / sum * mask[e * heads + h];
        for (int j = h * width; j < (h + 1) * width; ++j)
          y[i * in.shape.cols() + j] += weight * in.x(a.indices[e], j);
      }
    }
  }
  return y;
}

double rectified(double z) { return z > 0 ? z : static_cast<double>(kSlope) * z; }

std::vector<double> naive_gat(CsrView<std::int32_t> a, const Input& in) {
  return naive_attend(a, in, [&](std::int64_t i, std::int64_t c, int h) {
    return rectified(static_cast<double>(in.left(i, h)) + in.right(c, h));
  });
}
std::vector<double> naive_gatv2(CsrView<std::int32_t> a, const Input& in) {
  return naive_attend(a, in, [&](std::int64_t i, std::int64_t c, int h) {
    double score = 0;
    for (int j = h * in.shape.width; j < (h + 1) * in.shape.width; ++j)
      score += in.att(0, j) * rectified(static_cast<double>(in.own(i, j)) + in.x(c, j));
    return score;
  });
}

void expect_near(ConstTensor got, const std::vector<double>& want, double tolerance, const char* what) {
  for (std::int64_t k = 0; k < got.size(); ++k)
    ASSERT_NEAR(got.data[k], want[static_cast<std::size_t>(k)], tolerance) << what << ' ' << k;
}

class FusedAttention : public testing::TestWithParam<std::tuple<Shape, float>> {
 protected:
  Shape shape() const { return std::get<0>(GetParam()); }
  float p() const { return std::get<1>(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Shapes, FusedAttention,
                         testing::Combine(testing::ValuesIn(kShapes), testing::Values(0.0f, 0.6f)),
                         [](const auto& of) {
                           const Shape s = std::get<0>(of.param);
                           return std::to_string(s.heads) + "x" + std::to_string(s.width) +
                                  (std::get<1>(of.param) > 0 ? "Dropped" : "");
                         });

TEST_P(FusedAttention, IsTheDefinition) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  const Input in(kRows, kColumns, shape(), p());
  const auto gat = naive_gat(a, in), gatv2 = naive_gatv2(a, in);
  for_each_instruction_set([&] {
    Result first(kRows, shape()), second(kRows, shape());
    attend(Cpu{}, a, {}, in.gat(), first);
    attend(Cpu{}, a, {}, in.gatv2(), second);
    expect_near(first.y, gat, 1e-5, "gat");
    expect_near(second.y, gatv2, 2e-5, "gatv2");
  });
}

TEST_P(FusedAttention, OfSomeRowsLeavesTheOthers) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, kHubDegree, 1);
  const Input in(kRows, kColumns, shape(), p());
  Result all(kRows, shape()), some(kRows, shape());
  some.y = Matrix(kRows, shape().cols(), -1.0f);
  const std::vector<std::int32_t> rows{0, 3, 4, 5, kHub, 30};
  attend(Cpu{}, a, {}, in.gat(), all);
  attend(Cpu{}, a, rows, in.gat(), some);
  for (std::int32_t i = 0; i < kRows; ++i) {
    const bool chosen = std::find(rows.begin(), rows.end(), i) != rows.end();
    for (std::int64_t j = 0; j < shape().cols(); ++j)
      ASSERT_EQ(some.y(i, j), chosen ? all.y(i, j) : -1.0f) << i << ' ' << j;
  }
}

/// The gradients of Σ dy ∘ y by the unfused kernels.
struct Gradients {
  Gradients(std::int64_t rows, std::int64_t columns, Shape s)
      : dleft(rows, s.heads, NAN),
        dright(columns, s.heads, NAN),
        d_own(rows, s.cols(), NAN),
        dx(columns, s.cols(), 3.0f),
        d_att(s.cols()) {}
  Matrix dleft, dright, d_own, dx;
  std::vector<double> d_att;
};

struct Unfused {
  Unfused(const Csr32& m, const TransposedCsr& t, const Input& i, ConstTensor d)
      : a(m),
        transpose(t),
        in(i),
        dy(d),
        alpha(static_cast<std::size_t>(m.m() * i.shape.heads)),
        ds(alpha.size()) {}

  void gat(Gradients& out) {
    edge_softmax(Cpu{}, a, {}, in.left, in.right, kSlope, alpha);
    differentiate_weights();
    edge_softmax_backward(Cpu{}, a, in.left, in.right, kSlope, alpha, ds, out.dleft, 0);
    sum_edges(Cpu{}, transpose.csr, transpose.edge, ds, out.dright, 0);
    add_values(out.dx);
  }
  void gatv2(Gradients& out) {
    additive_scores(Cpu{}, a, {}, in.scores(), alpha);
    row_softmax(Cpu{}, a, {}, in.shape.heads, alpha);
    differentiate_weights();
    row_softmax_backward(Cpu{}, a, in.shape.heads, alpha, ds);
    attention_vector_backward(Cpu{}, a, in.scores(), ds, out.d_att);
    additive_scores_backward(Cpu{}, a, {}, in.scores(), ds, out.d_own);
    additive_scores_backward(Cpu{}, transpose.csr, transpose.edge,
                             {in.x, in.own, in.att.span(), in.shape.heads, kSlope}, ds, out.dx);
    add_values(out.dx);
  }

 private:
  void differentiate_weights() {
    sddmm_dot(Cpu{}, a, {}, in.shape.heads, dy, in.x, ds);
    edge_dropout(Cpu{}, a, {}, in.shape.heads, in.dropout, ds);
  }
  void add_values(Tensor dx) {
    edge_dropout(Cpu{}, a, {}, in.shape.heads, in.dropout, alpha);
    spmm(Cpu{}, transpose.csr,
         {.weights = alpha, .edge = transpose.edge.span(), .heads = in.shape.heads, .beta = 1}, dy, dx);
  }

  const Csr32& a;
  const TransposedCsr& transpose;
  const Input& in;
  ConstTensor dy;
  std::vector<float> alpha, ds;
};

/// |got − want| ≤ 1e-5 of the largest of the row, or of `terms`: which bounds the terms of its sums.
void expect_rows_near(ConstTensor got, ConstTensor want, const char* what, float terms = 1) {
  for (std::int64_t i = 0; i < want.rows; ++i) {
    float largest = terms;
    for (std::int64_t j = 0; j < want.cols; ++j) largest = std::max(largest, std::abs(want(i, j)));
    for (std::int64_t j = 0; j < want.cols; ++j)
      ASSERT_NEAR(got(i, j), want(i, j), 3e-5f * largest) << what << ' ' << i << ' ' << j;
  }
}

void expect_gradients_of_the_unfused(const Csr32& a, const TransposedCsr& t, Shape shape, float p) {
  const std::int64_t n = a.n(), columns = t.csr.n();
  const Input in(n, columns, shape, p);
  const Matrix dy = random_matrix(n, shape.cols(), 9);
  Gradients gat(n, columns, shape), gatv2(n, columns, shape);
  gatv2.d_own = Matrix(n, shape.cols(), 0.0f);
  Unfused(a, t, in, dy).gat(gat);
  Unfused(a, t, in, dy).gatv2(gatv2);
  for_each_instruction_set([&] {
    Result forward(n, shape);
    Gradients got(n, columns, shape);
    attend(Cpu{}, a, {}, in.gat(), forward);
    attend_backward(Cpu{}, a, t, in.gat(), {dy, forward.log_sums},
                    {.dleft = got.dleft, .dright = got.dright, .dx = got.dx, .beta = 1});
    expect_rows_near(got.dleft, gat.dleft, "dleft");
    expect_rows_near(got.dright, gat.dright, "dright");
    expect_rows_near(got.dx, gat.dx, "gat dx");

    attend(Cpu{}, a, {}, in.gatv2(), forward);
    attend_backward(Cpu{}, a, t, in.gatv2(), {dy, forward.log_sums},
                    {.d_own = got.d_own, .d_other = got.dx, .d_att = got.d_att});
    expect_rows_near(got.d_own, gatv2.d_own, "d_own");
    expect_rows_near(got.dx, gatv2.dx, "gatv2 dx");
    for (std::size_t j = 0; j < got.d_att.size(); ++j)
      ASSERT_NEAR(got.d_att[j], gatv2.d_att[j], 1e-2) << "d_att " << j;
  });
}

TEST_P(FusedAttention, HasTheGradientsOfTheUnfusedKernels) {
  const Csr32 hub_row = random_csr(300, 700, kHub, 5000, 8);
  expect_gradients_of_the_unfused(hub_row, naive_transpose(hub_row, 700), shape(), p());
  const Csr32 hub_column = naive_transpose(hub_row, 700).csr;
  expect_gradients_of_the_unfused(hub_column, naive_transpose(hub_column, 300), shape(), p());
}

/// Some of every row's entries, with their positions in the whole row.
struct Share {
  Csr32 a;
  TransposedCsr transpose;
  Array<std::int32_t> slots;
};
Share share_of(const Csr32& whole, std::int64_t columns, int remainder) {
  std::vector<std::int32_t> indices, slots;
  Share part;
  part.a.indptr = Array<std::int64_t>(whole.indptr.size(), 0);
  for (std::int64_t i = 0; i < whole.n(); ++i) {
    for (std::int64_t slot = 0; slot < whole.view().degree(i); ++slot) {
      if ((slot % 3 == 1) != (remainder == 1)) continue;
      indices.push_back(whole.indices[whole.indptr[i] + slot]);
      slots.push_back(static_cast<std::int32_t>(slot));
    }
    part.a.indptr[i + 1] = std::ssize(indices);
  }
  part.a.indices = copy_of(std::span<const std::int32_t>(indices));
  part.slots = copy_of(std::span<const std::int32_t>(slots));
  part.transpose = naive_transpose(part.a, columns);
  return part;
}

/// By log-sums: what a part's numbers are multiplied by in the whole; 0 where the part has no entries.
float weight_of(const Share& part, const Matrix& log_sums, ConstTensor whole, std::int64_t i,
                std::int64_t h) {
  return part.a.view().degree(i) == 0 ? 0 : std::exp(log_sums(i, h) - whole(i, h));
}

void add_to(Matrix& sum, const Matrix& part) {
  for (std::int64_t k = 0; k < sum.size(); ++k) sum.data()[k] += part.data()[k];
}

/// Attention over rows cut in two, and its gradients, against those over whole rows; `with` gives the
/// arguments of one kind of attention.
template <class With>
void expect_parts_make_the_whole(const Csr32& a, std::int64_t columns, Shape s, With&& with) {
  const TransposedCsr t = naive_transpose(a, columns);
  const Matrix dy = random_matrix(a.n(), s.cols(), 9);
  Result whole(a.n(), s);
  with.attend(a, {}, whole);
  Matrix inner(a.n(), s.heads);
  for (std::int64_t i = 0; i < a.n(); ++i) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      double sum = 0;
      for (std::int64_t j = h * s.width; j < (h + 1) * s.width; ++j)
        sum += static_cast<double>(dy(i, j)) * whole.y(i, j);
      inner(i, h) = static_cast<float>(sum);
    }
  }
  const std::int64_t side = with.side;
  Matrix d_own(a.n(), side), d_other(columns, s.cols());
  with.backward(a, t, {}, {dy, whole.log_sums}, d_own, d_other);

  Matrix y(a.n(), s.cols(), 0.0f), own(a.n(), side, 0.0f), other(columns, s.cols(), 0.0f);
  for (const int remainder : {0, 1}) {
    const Share part = share_of(a, columns, remainder);
    Result some(a.n(), s);
    with.attend(part.a, part.slots, some);
    Matrix dy_part(a.n(), s.cols()), inner_part(a.n(), s.heads);
    for (std::int64_t i = 0; i < a.n(); ++i) {
      for (std::int64_t j = 0; j < s.cols(); ++j) {
        const float weight = weight_of(part, some.log_sums, whole.log_sums, i, j / s.width);
        y(i, j) += weight * some.y(i, j);
        dy_part(i, j) = weight * dy(i, j);
        inner_part(i, j / s.width) = weight * inner(i, j / s.width);
      }
    }
    Matrix some_own(a.n(), side), some_other(columns, s.cols());
    with.backward(part.a, part.transpose, part.slots, {dy_part, some.log_sums, inner_part}, some_own,
                  some_other);
    add_to(own, some_own);
    add_to(other, some_other);
  }
  // A score's gradient is a difference of products of rows.
  const float terms = 1 + static_cast<float>(s.width) / 64;
  expect_rows_near(y, whole.y, "y");
  expect_rows_near(own, d_own, "own", terms);
  expect_rows_near(other, d_other, "other", terms);
}

struct WithGat {
  const Input& in;
  std::int64_t side = in.shape.heads;
  GatAttention of(std::span<const std::int32_t> slots) const {
    GatAttention gat = in.gat();
    gat.dropout.slots = slots;
    return gat;
  }
  void attend(const Csr32& a, std::span<const std::int32_t> slots, const Attended& out) const {
    kith::attend(Cpu{}, a, {}, of(slots), out);
  }
  void backward(const Csr32& a, const TransposedCsr& t, std::span<const std::int32_t> slots,
                const AttendedGradient& from, Tensor d_own, Tensor d_other) const {
    Matrix dright(t.csr.n(), in.shape.heads);
    attend_backward(Cpu{}, a, t, of(slots), from, {.dleft = d_own, .dright = dright, .dx = d_other});
    // Both in one matrix, which has columns enough.
    for (std::int64_t c = 0; c < dright.rows(); ++c)
      for (std::int64_t h = 0; h < dright.cols(); ++h) d_other(c, h) += 2 * dright(c, h);
  }
};

struct WithGatV2 {
  const Input& in;
  std::int64_t side = in.shape.cols();
  GatV2Attention of(std::span<const std::int32_t> slots) const {
    GatV2Attention gat = in.gatv2();
    gat.dropout.slots = slots;
    return gat;
  }
  void attend(const Csr32& a, std::span<const std::int32_t> slots, const Attended& out) const {
    kith::attend(Cpu{}, a, {}, of(slots), out);
  }
  void backward(const Csr32& a, const TransposedCsr& t, std::span<const std::int32_t> slots,
                const AttendedGradient& from, Tensor d_own, Tensor d_other) const {
    std::vector<double> d_att(in.att.span().size());
    attend_backward(Cpu{}, a, t, of(slots), from, {.d_own = d_own, .d_other = d_other, .d_att = d_att});
    for (std::size_t j = 0; j < d_att.size(); ++j)
      d_other(0, static_cast<std::int64_t>(j)) += static_cast<float>(d_att[j] / 8);
  }
};

TEST_P(FusedAttention, PartsOfRowsMakeTheWholeWithItsGradientsAndItsDropout) {
  const Csr32 a = random_csr(kRows, kColumns, kHub, 5000, 1);
  const Input in(kRows, kColumns, shape(), p());
  for_each_instruction_set([&] {
    expect_parts_make_the_whole(a, kColumns, shape(), WithGat{in});
    expect_parts_make_the_whole(a, kColumns, shape(), WithGatV2{in});
  });
}

/// The slope of f at a value, by a step that is exact in fp32.
template <class Objective>
double slope_at(float& value, Objective&& f) {
  const float old = value, step = 0x1p-10f;
  value = old + step;
  const double above = f(), x1 = value;
  value = old - step;
  const double below = f(), x0 = value;
  value = old;
  return (above - below) / (x1 - x0);
}

template <class Objective>
void expect_slopes(Matrix& values, ConstTensor gradient, const char* what, Objective&& f) {
  for (std::int64_t k = 0; k < values.size(); ++k)
    ASSERT_NEAR(gradient.data[k], slope_at(values.data()[k], f), 2e-5) << what << ' ' << k;
}

TEST(FusedAttention, BackwardAgreesWithFiniteDifferences) {
  const Csr32 a = random_csr(8, 6, -1, 0, 14);
  const TransposedCsr t = naive_transpose(a, 6);
  const Shape shape{2, 3};
  Input in(8, 6, shape, 0.4f);
  // Sums of both sides are odd multiples of 1/32: no step crosses the rectifier's kink.
  for (Matrix* side : {&in.left, &in.own})
    for (float& value : side->span()) value = std::floor(value * 16) / 16;
  for (Matrix* side : {&in.right, &in.x})
    for (float& value : side->span()) value = std::floor(value * 16) / 16 + 1.0f / 32;
  const Matrix dy = random_matrix(8, shape.cols(), 15);
  const auto objective = [&](const std::vector<double>& y) {
    double sum = 0;
    for (std::size_t k = 0; k < y.size(); ++k) sum += y[k] * dy.data()[k];
    return sum;
  };
  Result forward(8, shape);
  Gradients got(8, 6, shape);
  attend(Cpu{}, a, {}, in.gat(), forward);
  attend_backward(Cpu{}, a, t, in.gat(), {dy, forward.log_sums},
                  {.dleft = got.dleft, .dright = got.dright, .dx = got.dx});
  const auto gat = [&] { return objective(naive_gat(a, in)); };
  expect_slopes(in.left, got.dleft, "left", gat);
  expect_slopes(in.right, got.dright, "right", gat);
  expect_slopes(in.x, got.dx, "x", gat);

  attend(Cpu{}, a, {}, in.gatv2(), forward);
  attend_backward(Cpu{}, a, t, in.gatv2(), {dy, forward.log_sums},
                  {.d_own = got.d_own, .d_other = got.dx, .d_att = got.d_att});
  const auto gatv2 = [&] { return objective(naive_gatv2(a, in)); };
  expect_slopes(in.own, got.d_own, "own", gatv2);
  expect_slopes(in.x, got.dx, "other", gatv2);
  Matrix d_att(1, shape.cols());
  std::copy(got.d_att.begin(), got.d_att.end(), d_att.data());
  expect_slopes(in.att, d_att, "att", gatv2);
}

TEST(FusedAttention, DxGetsWhatComesThroughTheScores) {
  const Csr32 a = random_csr(20, 30, -1, 0, 16);
  const TransposedCsr t = naive_transpose(a, 30);
  const Shape shape{3, 5};
  const Input in(20, 30, shape, 0.3f);
  const Matrix dy = random_matrix(20, shape.cols(), 17), a_dst = random_matrix(1, shape.cols(), 18),
               a_src = random_matrix(1, shape.cols(), 19);
  Result forward(20, shape);
  Gradients without(20, 30, shape), with(20, 30, shape);
  attend(Cpu{}, a, {}, in.gat(), forward);
  const auto run = [&](Gradients& g, std::span<const float> dst, std::span<const float> src) {
    attend_backward(Cpu{}, a, t, in.gat(), {dy, forward.log_sums},
                    {.dleft = g.dleft, .dright = g.dright, .dx = g.dx, .a_dst = dst, .a_src = src});
  };
  run(without, {}, {});
  run(with, a_dst.span(), a_src.span());
  for (std::int64_t i = 0; i < 30; ++i) {
    for (std::int64_t j = 0; j < shape.cols(); ++j) {
      const std::int64_t h = j / shape.width;
      const float left = i < 20 ? with.dleft(i, h) * a_dst(0, j) : 0;
      ASSERT_NEAR(with.dx(i, j), without.dx(i, j) + with.dright(i, h) * a_src(0, j) + left, 1e-5)
          << i << ' ' << j;
    }
  }
}

TEST(FusedAttention, DoesNotOverflow) {
  const Csr32 a{Array<std::int64_t>{0, 0, 3}, Array<std::int32_t>{0, 1, 2}};
  Input in(2, 3, {1, 2}, 0);
  for (float& value : in.left.span()) value = 500;
  for (std::int64_t c = 0; c < 3; ++c) in.right(c, 0) = c == 2 ? 400.0f : 500.0f;
  Result got(2, in.shape);
  attend(Cpu{}, a, {}, in.gat(), got);
  for (int j = 0; j < 2; ++j) {
    EXPECT_EQ(got.y(0, j), 0);
    EXPECT_FLOAT_EQ(got.y(1, j), (in.x(0, j) + in.x(1, j)) / 2);
  }
  EXPECT_EQ(got.log_sums(0, 0), 0);
  EXPECT_FLOAT_EQ(got.log_sums(1, 0), 1000 + std::log(2.0f));
}

TEST(FusedAttention, HasTheSameBitsForAnyNumberOfThreads) {
  const std::int64_t n = 20000;
  const Csr32 a = random_csr(n, n, 50, kHubDegree, 20);
  const TransposedCsr t = naive_transpose(a, n);
  const Shape shape{4, 8};
  const Input in(n, n, shape, 0.5f);
  const Matrix dy = random_matrix(n, shape.cols(), 21);
  const auto run = [&](int threads, Gradients& gat, Gradients& gatv2) {
    const ThreadLimit limit(threads);
    Result forward(n, shape);
    attend(Cpu{}, a, {}, in.gat(), forward);
    attend_backward(Cpu{}, a, t, in.gat(), {dy, forward.log_sums},
                    {.dleft = gat.dleft, .dright = gat.dright, .dx = gat.dx});
    attend(Cpu{}, a, {}, in.gatv2(), forward);
    attend_backward(Cpu{}, a, t, in.gatv2(), {dy, forward.log_sums},
                    {.d_own = gatv2.d_own, .d_other = gatv2.dx, .d_att = gatv2.d_att});
    return forward;
  };
  Gradients gat1(n, n, shape), gatv2_1(n, n, shape), gat3(n, n, shape), gatv2_3(n, n, shape);
  const Result one = run(1, gat1, gatv2_1), three = run(3, gat3, gatv2_3);
  EXPECT_TRUE(same_bits(one.y, three.y));
  EXPECT_TRUE(same_bits(one.log_sums, three.log_sums));
  EXPECT_TRUE(same_bits(gat1.dleft, gat3.dleft));
  EXPECT_TRUE(same_bits(gat1.dright, gat3.dright));
  EXPECT_TRUE(same_bits(gat1.dx, gat3.dx));
  EXPECT_TRUE(same_bits(gatv2_1.d_own, gatv2_3.d_own));
  EXPECT_TRUE(same_bits(gatv2_1.dx, gatv2_3.dx));
  EXPECT_EQ(gatv2_1.d_att, gatv2_3.d_att);
}

TEST(FusedAttention, RefusesShapesThatDoNotFit) {
  const Csr32 a = random_csr(5, 6, -1, 0, 22);
  const Input in(5, 6, {2, 3}, 0);
  Result got(5, in.shape), narrow(5, {1, 3});
  GatAttention slope = in.gat();
  slope.slope = 1.5f;
  EXPECT_THROW(attend(Cpu{}, a, {}, slope, got), Error);
  EXPECT_THROW(attend(Cpu{}, a, {}, in.gat(), narrow), Error);
  EXPECT_THROW(attend(Cpu{}, a, {}, in.gatv2(), narrow), Error);
}

}  // namespace
}  // namespace kith
