#include "kith/exec/tape.h"

#include <algorithm>

#include "kith/core/memory_kind.h"

namespace kith {

GradientSlot Gradients::slot(int id) {
  const Shape shape = shapes_[static_cast<std::size_t>(id)];
  if (!shape.wanted) return {};
  Entry& entry = entries_[static_cast<std::size_t>(id)];
  if (entry.tensor.data == nullptr && shape.rows * shape.cols > 0) {
    const MemoryUse use(MemoryKind::gradients);
    entry.owned = Matrix(shape.rows, shape.cols);
    entry.tensor = entry.owned;
  } else if (shape.rows * shape.cols == 0) {
    entry.tensor = Tensor(nullptr, shape.rows, shape.cols);
  }
  return {entry.tensor, std::exchange(entry.written, true) ? 1.0f : 0.0f, true};
}

GradientSlot Gradients::slot_in_place(int id) {
  const Shape shape = shapes_[static_cast<std::size_t>(id)];
  Entry& entry = entries_[static_cast<std::size_t>(id)];
  const bool fits = running_ != nullptr && running_->owned.rows() == shape.rows &&
                    running_->owned.cols() == shape.cols && running_->owned.size() > 0;
  if (shape.wanted && entry.tensor.data == nullptr && fits) {
    entry.owned = std::move(running_->owned);
    running_->owned = {};
    entry.tensor = entry.owned;
  }
  return slot(id);
}

Matrix Tape::memory_of(Var& x) {
  auto state = std::const_pointer_cast<Var::State>(x.state_);
  // One is x, the other is `state`.
  const bool alone =
      state.use_count() == 2 && state->base == nullptr && state->owned.size() == state->view.size();
  return alone ? std::exchange(state->owned, Matrix()) : Matrix(x.rows(), x.cols());
}

Var Tape::constant(ConstTensor value) {
  Var out = make(Matrix(), false);
  auto state = std::const_pointer_cast<Var::State>(out.state_);
  state->view = value;
  gradients_.shapes_.back() = {value.rows, value.cols, false};
  return out;
}

void Tape::set_rehearsed_density(Var& x, double density) {
  std::const_pointer_cast<Var::State>(x.state_)->density = density;
}

void Tape::set_remake(Var& x, Var::Remake remake) {
  std::const_pointer_cast<Var::State>(x.state_)->remake =
      std::make_shared<const Var::Remake>(std::move(remake));
}

Var Tape::parameter(const Parameter& parameter) {
  for (const Leaf& leaf : leaves_)
    if (leaf.parameter == parameter.index) return leaf.var;
  Var out = constant(parameter.value.view());
  std::const_pointer_cast<Var::State>(out.state_)->needs_gradient = training();
  gradients_.shapes_.back().wanted = training();
  leaves_.push_back({parameter.index, out});
  return out;
}

Var Tape::make(Matrix value, bool needs_gradient) {
  auto state = std::make_shared<Var::State>();
  state->owned = std::move(value);
  state->view = state->owned.view();
  state->id = static_cast<int>(gradients_.shapes_.size());
  state->needs_gradient = needs_gradient;
  gradients_.shapes_.push_back({state->view.rows, state->view.cols, needs_gradient});
  Var out;
  out.state_ = std::move(state);
  return out;
}

Var Tape::made_of(std::initializer_list<Var> inputs, Matrix value, bool needs_gradient) {
  Var out = make(std::move(value), needs_gradient);
  const bool any =
      std::any_of(inputs.begin(), inputs.end(), [](const Var& input) { return input.of_destinations(); });
  return any ? of_destinations(std::move(out)) : out;
}

Var Tape::of_destinations(Var x) {
  std::const_pointer_cast<Var::State>(x.state_)->of_destinations = true;
  return x;
}

Var Tape::of_sources(Var x) {
  std::const_pointer_cast<Var::State>(x.state_)->of_destinations = false;
  return x;
}

void Tape::share(Var& out, ConstTensor rows, const Var& of) {
  auto state = std::const_pointer_cast<Var::State>(out.state_);
  state->view = rows;
  state->base = of.state_;
  auto& shape = gradients_.shapes_[static_cast<std::size_t>(state->id)];
  shape.rows = rows.rows;
  shape.cols = rows.cols;
}

bool Tape::needs_gradient(std::initializer_list<Var> inputs) const {
  return training() &&
         std::any_of(inputs.begin(), inputs.end(), [](const Var& input) { return input.needs_gradient(); });
}

std::vector<int> Tape::ids_of(std::initializer_list<Var> inputs) {
  std::vector<int> ids;
  for (const Var& input : inputs) ids.push_back(input.id());
  return ids;
}

std::vector<int> Tape::pending_uses() const {
  std::vector<int> uses(gradients_.shapes_.size(), 0);
  for (const Entry& entry : nodes_)
    for (const int input : entry.inputs) ++uses[static_cast<std::size_t>(input)];
  return uses;
}

void Tape::place_parameters(ParameterGradients& into) {
  gradients_.entries_.resize(gradients_.shapes_.size());
  for (const Leaf& leaf : leaves_)
    gradients_.entries_[static_cast<std::size_t>(leaf.var.id())].tensor = into.of(leaf.parameter);
}

void Tape::announce_unused(ParameterGradients& into, const std::vector<int>& uses,
                           const OnReady& on_ready) const {
  for (std::size_t i = 0; i < into.size(); ++i) {
    const bool used = std::any_of(leaves_.begin(), leaves_.end(), [&](const Leaf& leaf) {
      return leaf.parameter == i && uses[static_cast<std::size_t>(leaf.var.id())] > 0;
    });
    if (!used && on_ready) on_ready(i);
  }
}

void Tape::backward(const Var& output, Matrix dy, ParameterGradients& into, const OnReady& on_ready) && {
  require(training(), "backward needs a tape in training mode");
  require(dy.rows() == output.rows() && dy.cols() == output.cols(), "dy has the output's shape",
          {{"dy.rows", dy.rows()}, {"output.rows", output.rows()}});
  into.clear();
  place_parameters(into);
  std::vector<int> uses = pending_uses();
  announce_unused(into, uses, on_ready);
  auto& seed = gradients_.entries_[static_cast<std::size_t>(output.id())];
  seed.owned = std::move(dy);
  seed.tensor = seed.owned;
  seed.written = true;

  while (!nodes_.empty()) {
    Entry entry = std::move(nodes_.back());
    nodes_.pop_back();
    auto& own = gradients_.entries_[static_cast<std::size_t>(entry.output)];
    gradients_.running_ = &own;
    if (own.written) entry.node->run(options_.on, own.tensor, gradients_);
    own = {};
    entry.node.reset();
    for (const int input : entry.inputs) {
      if (--uses[static_cast<std::size_t>(input)] > 0 || !on_ready) continue;
      for (const Leaf& leaf : leaves_)
        if (leaf.var.id() == input) on_ready(leaf.parameter);
    }
  }
}

}  // namespace kith
