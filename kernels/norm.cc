#include "kith/kernels/norm.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "kith/kernels/cpu/kernels.h"
#include "kith/kernels/cuda/kernels.h"
#include "kith/kernels/row_parts.h"

namespace kith {

void column_moments(const Backend& on, ConstTensor a, ConstTensor b, std::span<double> sums) {
  require(a.rows == b.rows && a.cols == b.cols && static_cast<std::int64_t>(sums.size()) == 2 * a.cols,
          "column_moments: a and b have one shape, sums hold two for a column",
          {{"a.rows", a.rows}, {"b.rows", b.rows}, {"sums", sums.size()}});
  over_rows(on, {reads(a), reads(b)}, [&](const RowPart& part) {
    if (part.whole()) return dispatch([&](auto backend) { column_moments(backend, a, b, sums); }, on);
    if (part.begin() == 0) std::fill(sums.begin(), sums.end(), 0.0);
    std::vector<double> some(sums.size());
    dispatch([&](auto backend) { column_moments(backend, part(a), part(b), std::span<double>(some)); }, on);
    std::transform(some.begin(), some.end(), sums.begin(), sums.begin(), std::plus<>());
  });
}

void combine_columns(const Backend& on, const ColumnTerms& terms, ConstTensor u, ConstTensor v, Tensor y) {
  const auto width = static_cast<std::size_t>(y.cols);
  require(u.rows == y.rows && u.cols == y.cols && v.rows == y.rows && v.cols == y.cols,
          "combine_columns: u, v and y have one shape", {{"u.rows", u.rows}, {"y.rows", y.rows}});
  require(terms.p.size() == width && terms.r.size() == width && (terms.q.empty() || terms.q.size() == width),
          "combine_columns: a factor for every column", {{"p", terms.p.size()}, {"cols", y.cols}});
  over_rows(on, {reads(u), reads(v), writes(y, terms.beta)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { combine_columns(backend, terms, part(u), part(v), part(y)); }, on);
  });
}

void standardise_rows(const Backend& on, ConstTensor x, float epsilon, Tensor y, std::span<float> inverse) {
  require(x.rows == y.rows && x.cols == y.cols && static_cast<std::int64_t>(inverse.size()) == x.rows,
          "standardise_rows: y has the shape of x, inverse a value for every row",
          {{"x.rows", x.rows}, {"y.rows", y.rows}, {"inverse", inverse.size()}});
  over_rows(on, {reads(x), writes(y)}, [&](const RowPart& part) {
    dispatch([&](auto backend) { standardise_rows(backend, part(x), epsilon, part(y), part(inverse)); }, on);
  });
}

void standardise_rows_backward(const Backend& on, ConstTensor y, std::span<const float> inverse,
                               ConstTensor dy, float beta, Tensor dx) {
  require(dx.rows == y.rows && dx.cols == y.cols && dy.rows == y.rows && dy.cols == y.cols,
          "standardise_rows_backward: y, dy and dx have one shape",
          {{"y.rows", y.rows}, {"dy.rows", dy.rows}});
  over_rows(on, {reads(y), reads(dy), writes(dx, beta)}, [&](const RowPart& part) {
    dispatch(
        [&](auto backend) {
          standardise_rows_backward(backend, part(y), part(inverse), part(dy), beta, part(dx));
        },
        on);
  });
}

}  // namespace kith
