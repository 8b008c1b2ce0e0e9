// Products of rows and weights. Where rows are mostly zeros and want no gradient, that is input features,
// only their nonzeros are multiplied.
#include <memory>

#include "kith/core/rehearsal.h"
#include "kith/exec/ops.h"
#include "kith/kernels/dense.h"
#include "kith/kernels/sparse_rows.h"

namespace kith {
namespace {

/// From this density on, and below this width, the dense product is as fast.
constexpr double kSparse = 0.125;
constexpr std::int64_t kWide = 128;

/// Room for the nonzeros of a matrix of which only the density is known.
SparseRows rehearsed_nonzeros(const Var& x, double density) {
  const auto count = static_cast<std::int64_t>(density * static_cast<double>(x.rows() * x.cols()));
  const auto entries = static_cast<std::size_t>(count);
  SparseRows rows{{Array<std::int64_t>(static_cast<std::size_t>(x.rows()) + 1), Array<std::int32_t>(entries)},
                  Array<float>(entries),
                  x.cols()};
  rows.pattern.indptr.back() = count;
  return rows;
}

/// x's nonzeros where a product had better use them, else null.
std::shared_ptr<const SparseRows> worthwhile_nonzeros(const Tape& tape, const Var& x) {
  // A device multiplies zeros faster than it would look for them.
  if (x.needs_gradient() || x.cols() < kWide || memory_of(tape.on()) != nullptr) return nullptr;
  const double density = rehearsing() ? x.rehearsed_density() : sampled_density(x.value());
  if (density > kSparse) return nullptr;
  return std::make_shared<const SparseRows>(rehearsing() ? rehearsed_nonzeros(x, density)
                                                         : nonzeros(tape.on(), x.value()));
}

/// y = x Wᵀ + bias + beta · y, and what the backward pass needs of x.
class Product {
 public:
  Product(Tape& tape, const Var& x, const Parameter& weight, const Var& w) : x_(x), w_(w) {
    require(
        x.cols() == weight.value.cols(), "linear: x.cols equals the weight's inputs",
        {{"parameter", std::string_view(weight.name)}, {"x.cols", x.cols()}, {"in", weight.value.cols()}});
    x_id_ = x.id();
    sparse_ = worthwhile_nonzeros(tape, x);
    if (sparse_ != nullptr) x_ = Var();
  }

  void forward(const Backend& on, std::span<const float> bias, float beta, Tensor y) const {
    if (sparse_ == nullptr) return affine(on, x_.value(), w_.value(), bias, beta, y);
    if (beta == 0) {
      sparse_product(on, *sparse_, w_.value(), y);
    } else {
      Matrix product(y.rows, y.cols);
      sparse_product(on, *sparse_, w_.value(), product);
      axpby(on, 1, product, beta, y);
    }
    if (!bias.empty()) add_bias(on, bias, y);
  }

  /// Behind the forward pass.
  void forget_what_is_made_again() {
    if (sparse_ != nullptr || x_.remake() == nullptr) return;
    remake_ = x_.remake();
    x_ = Var();
  }

  void backward(const Backend& on, ConstTensor dy, Gradients& gradients) const {
    if (sparse_ != nullptr) {
      if (auto dw = gradients.slot(w_)) sparse_product_backward(on, *sparse_, dy, dw.beta, dw.tensor);
      return;
    }
    if (auto dw = gradients.slot(w_)) {
      const Matrix again = remake_ != nullptr ? (*remake_)(on) : Matrix();
      matmul(on, Trans::yes, dy, Trans::no, remake_ != nullptr ? again.view() : x_.value(), dw.beta,
             dw.tensor);
    }
    if (auto dx = gradients.slot(x_id_)) matmul(on, Trans::no, dy, Trans::no, w_.value(), dx.beta, dx.tensor);
  }

 private:
  Var x_;  ///< none where its nonzeros are kept instead, or how it is made again
  Var w_;
  int x_id_ = -1;
  std::shared_ptr<const Var::Remake> remake_;
  std::shared_ptr<const SparseRows> sparse_;
};

/// The bias on the tape, if it fits the weight.
Var bias_of(Tape& tape, const Parameter& weight, const Parameter& bias) {
  require(bias.value.size() == weight.value.rows(), "linear: the bias is as long as the weight has outputs",
          {{"parameter", std::string_view(bias.name)},
           {"bias", bias.value.size()},
           {"out", weight.value.rows()}});
  return tape.parameter(bias);
}

void sum_into_bias(const Backend& on, ConstTensor dy, const Var& bias, Gradients& gradients) {
  const auto db = gradients.slot(bias);
  if (db) bias_backward(on, dy, db.beta, {db.tensor.data, static_cast<std::size_t>(db.tensor.size())});
}

}  // namespace

Var linear(Tape& tape, const Var& x, const Parameter& weight) {
  const Var w = tape.parameter(weight);
  Product product(tape, x, weight, w);
  Matrix y(x.rows(), w.rows());
  product.forward(tape.on(), {}, 0, y);
  product.forget_what_is_made_again();
  return tape.record(std::move(y), {x, w},
                     [product](const Backend& on, ConstTensor dy, Gradients& gradients) {
                       product.backward(on, dy, gradients);
                     });
}

Var linear(Tape& tape, const Var& x, const Parameter& weight, const Parameter& bias) {
  const Var w = tape.parameter(weight), b = bias_of(tape, weight, bias);
  Product product(tape, x, weight, w);
  Matrix y(x.rows(), w.rows());
  product.forward(tape.on(), bias.value.span(), 0, y);
  product.forget_what_is_made_again();
  return tape.record(std::move(y), {x, w, b},
                     [product, b](const Backend& on, ConstTensor dy, Gradients& gradients) {
                       sum_into_bias(on, dy, b, gradients);
                       product.backward(on, dy, gradients);
                     });
}

Var linear_sum(Tape& tape, const Var& x, const Parameter& x_weight, const Var& z, const Parameter& z_weight,
               const Parameter& bias) {
  require(x.rows() == z.rows() && x_weight.value.rows() == z_weight.value.rows(),
          "linear_sum: both products have one shape",
          {{"x.rows", x.rows()},
           {"z.rows", z.rows()},
           {"x's out", x_weight.value.rows()},
           {"z's out", z_weight.value.rows()}});
  const Var w = tape.parameter(x_weight), v = tape.parameter(z_weight), b = bias_of(tape, z_weight, bias);
  Product first(tape, x, x_weight, w), second(tape, z, z_weight, v);
  Matrix y(x.rows(), w.rows());
  first.forward(tape.on(), {}, 0, y);
  second.forward(tape.on(), bias.value.span(), 1, y);
  first.forget_what_is_made_again();
  second.forget_what_is_made_again();
  return tape.record(std::move(y), {x, w, z, v, b},
                     [first, second, b](const Backend& on, ConstTensor dy, Gradients& gradients) {
                       sum_into_bias(on, dy, b, gradients);
                       first.backward(on, dy, gradients);
                       second.backward(on, dy, gradients);
                     });
}

}  // namespace kith
