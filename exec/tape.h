#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "kith/core/tensor.h"
#include "kith/exec/gradients.h"
#include "kith/exec/zero_pattern.h"
#include "kith/kernels/backend.h"

namespace kith {

/// A value made on a tape. Copies share the value; it lives as long as a copy or an op that needs it in its
/// backward pass, so `x = relu(tape, x)` frees what it can.
class Var {
 public:
  Var() = default;
  ConstTensor value() const { return state_->view; }
  std::int64_t rows() const { return state_->view.rows; }
  std::int64_t cols() const { return state_->view.cols; }
  bool needs_gradient() const { return state_->needs_gradient; }
  int id() const { return state_->id; }
  /// Made of what neighbours sent: its rows are a layer's destinations, and a graph on several ranks has no
  /// others at hand.
  bool of_destinations() const { return state_->of_destinations; }
  /// In a rehearsal, where there are no values to look at, the share of nonzeros among them.
  double rehearsed_density() const { return state_->density; }

  /// Makes the value again. Where a value has such a thing, an op that reads the value in its backward pass
  /// keeps this in its place.
  using Remake = std::function<Matrix(const Backend& on)>;
  const std::shared_ptr<const Remake>& remake() const { return state_->remake; }

 private:
  friend class Tape;
  struct State {
    Matrix owned;
    ConstTensor view;
    std::shared_ptr<const State> base;  ///< whose memory the view is a part of, if it is another's
    int id = -1;
    bool needs_gradient = false;
    bool of_destinations = false;
    double density = 1;
    std::shared_ptr<const Remake> remake;
  };
  std::shared_ptr<const State> state_;
};

/// The gradients under way during a backward pass.
class Gradients {
 public:
  /// Where to add the gradient of a value that was recorded on the tape.
  GradientSlot slot(const Var& value) { return slot(value.id()); }
  GradientSlot slot(int id);
  /// The same for an op that may overwrite dy: a first writer of dy's shape gets dy's memory. The slots of
  /// its other inputs are written before.
  GradientSlot slot_in_place(int id);

 private:
  friend class Tape;
  struct Entry {
    Matrix owned;  ///< of an intermediate value
    Tensor tensor;
    bool written = false;
  };
  struct Shape {
    std::int64_t rows, cols;
    bool wanted;
  };
  std::vector<Entry> entries_;
  std::vector<Shape> shapes_;
  Entry* running_ = nullptr;  ///< whose gradient the running op was given
};

enum class Mode { training, inference };

/// The randomness of one forward pass: dropout number i of the pass is keyed by (seed, Stream::dropout, i)
/// and counts by (store id, step).
struct TapeOptions {
  Backend on = Cpu{};
  Mode mode = Mode::inference;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  bool keeps_embedding = false;  ///< what a model notes as such
  /// Of the values that can be made again from others that are kept, in the order of the pass, those that are
  /// (Chen et al. 2016); none behind its end.
  std::vector<bool> remade{};
};

/// A linear tape: ops are recorded in the order they run, which is their topological order; `backward` runs
/// it once in reverse. In inference nothing is recorded.
class Tape {
 public:
  explicit Tape(TapeOptions options) : options_(std::move(options)) {}

  const Backend& on() const { return options_.on; }
  bool training() const { return options_.mode == Mode::training; }
  std::uint64_t seed() const { return options_.seed; }
  std::uint32_t step() const { return options_.step; }
  /// 0, 1, … : the number of this dropout in the pass.
  std::uint64_t next_dropout() { return dropouts_++; }
  /// 1, 2, … : the layer a halo exchange of this pass is counted under (0 is the input features').
  int next_exchange() { return ++exchanges_; }

  /// Whether the next value that can be made again is to be.
  bool remakes_next() {
    const std::size_t number = remakable_++;
    return training() && number < options_.remade.size() && options_.remade[number];
  }
  static void set_remake(Var& x, Var::Remake remake);

  /// Where x is 0, its gradient is, too.
  void note_zeros(const Var& x, const ZeroPattern& zeros) {
    if (training()) zeros_[x.id()] = zeros;
  }
  std::optional<ZeroPattern> zeros_of(const Var& x) const {
    const auto found = zeros_.find(x.id());
    return found == zeros_.end() ? std::nullopt : std::optional(found->second);
  }

  /// A model notes the input of its last layer, the last hidden representation: what `kith infer
  /// --embeddings` writes.
  void note_embedding(const Var& h) {
    if (options_.keeps_embedding) embedding_ = h;
  }
  const std::optional<Var>& embedding() const { return embedding_; }

  /// A leaf without gradient; the memory must outlive the tape.
  Var constant(ConstTensor value);
  static void set_rehearsed_density(Var& x, double density);
  /// A leaf whose gradient goes to the parameter's place.
  Var parameter(const Parameter& parameter);

  /// What is computed of a layer's destinations has their rows alone, too, until an exchange brings all.
  static Var of_destinations(Var x);
  static Var of_sources(Var x);

  /// Memory for a result of x's shape: x's own when nobody else holds x, so that element-wise ops work in
  /// place.
  static Matrix memory_of(Var& x);

  /// Records an op: `value` was computed from `inputs`; `backward(on, dy, gradients)` must add the gradients
  /// of the inputs to their slots. What it captures stays alive until it has run.
  template <class Backward>
  Var record(Matrix value, std::initializer_list<Var> inputs, Backward backward) {
    const bool needs = needs_gradient(inputs);
    Var out = made_of(inputs, std::move(value), needs);
    if (needs)
      nodes_.push_back({out.id(), ids_of(inputs), std::make_unique<NodeOf<Backward>>(std::move(backward))});
    return out;
  }

  /// The same for an op whose value is rows of an input, which it shares.
  template <class Backward>
  Var record_rows(ConstTensor rows, const Var& of, Backward backward) {
    Var out = record(Matrix(), {of}, std::move(backward));
    share(out, rows, of);
    return out;
  }

  /// The same for an op whose backward pass reads its output: `backward(on, y, dy, gradients)`.
  template <class Backward>
  Var record_with_output(Matrix value, std::initializer_list<Var> inputs, Backward backward) {
    const bool needs = needs_gradient(inputs);
    Var out = made_of(inputs, std::move(value), needs);
    auto call = [out, backward = std::move(backward)](const Backend& on, ConstTensor dy,
                                                      Gradients& gradients) {
      backward(on, out.value(), dy, gradients);
    };
    if (needs)
      nodes_.push_back({out.id(), ids_of(inputs), std::make_unique<NodeOf<decltype(call)>>(std::move(call))});
    return out;
  }

  /// Called with a parameter's index when its gradient is final.
  using OnReady = std::function<void(std::size_t parameter)>;
  /// Runs the tape backwards from `output` with gradient `dy`. Every parameter's gradient is overwritten (0
  /// for unused ones) and announced through `on_ready`, in the same order on every rank that recorded the
  /// same ops.
  void backward(const Var& output, Matrix dy, ParameterGradients& into, const OnReady& on_ready = {}) &&;

 private:
  struct Node {
    virtual ~Node() = default;
    virtual void run(const Backend& on, ConstTensor dy, Gradients& gradients) = 0;
  };
  template <class Backward>
  struct NodeOf final : Node {
    explicit NodeOf(Backward b) : call(std::move(b)) {}
    void run(const Backend& on, ConstTensor dy, Gradients& gradients) override { call(on, dy, gradients); }
    Backward call;
  };
  struct Entry {
    int output;
    std::vector<int> inputs;
    std::unique_ptr<Node> node;
  };
  struct Leaf {
    std::size_t parameter;
    Var var;
  };

  Var make(Matrix value, bool needs_gradient);
  Var made_of(std::initializer_list<Var> inputs, Matrix value, bool needs_gradient);
  void share(Var& out, ConstTensor rows, const Var& of);
  bool needs_gradient(std::initializer_list<Var> inputs) const;
  static std::vector<int> ids_of(std::initializer_list<Var> inputs);
  std::vector<int> pending_uses() const;
  void announce_unused(ParameterGradients& into, const std::vector<int>& uses, const OnReady& on_ready) const;
  void place_parameters(ParameterGradients& into);

  TapeOptions options_;
  std::uint64_t dropouts_ = 0;
  int exchanges_ = 0;
  std::size_t remakable_ = 0;
  std::optional<Var> embedding_;
  std::map<int, ZeroPattern> zeros_;
  std::vector<Entry> nodes_;
  std::vector<Leaf> leaves_;
  Gradients gradients_;
};

}  // namespace kith
