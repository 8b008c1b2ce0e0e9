#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <variant>

namespace kith {

/// A view of stored node numbers that are 32 or 64 bits wide, chosen by the size of the graph. Reading one at
/// a time costs a branch; loops go through `visit`, which hands over the typed span.
class IndexView {
 public:
  IndexView() = default;
  IndexView(std::span<const std::int32_t> values) : values_(values) {}
  IndexView(std::span<const std::int64_t> values) : values_(values) {}

  std::int64_t size() const {
    return std::visit([](auto values) { return static_cast<std::int64_t>(values.size()); }, values_);
  }
  std::int64_t operator[](std::int64_t i) const {
    return std::visit([i](auto values) { return static_cast<std::int64_t>(values[i]); }, values_);
  }
  bool is_32_bit() const { return values_.index() == 0; }
  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit(std::forward<F>(f), values_);
  }
  IndexView subview(std::int64_t offset, std::int64_t count) const {
    return std::visit([&](auto values) { return IndexView(values.subspan(offset, count)); }, values_);
  }

 private:
  std::variant<std::span<const std::int32_t>, std::span<const std::int64_t>> values_;
};

}  // namespace kith
