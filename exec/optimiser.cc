#include "kith/exec/optimiser.h"

#include "kith/kernels/dense.h"
#include "kith/kernels/optimiser.h"

namespace kith {

Optimiser::Optimiser(const Parameters& parameters, const OptimiserOptions& options) : options_(options) {
  const auto size = static_cast<std::size_t>(parameters.elements());
  if (options.name == "sgd") {
    moments_.push_back({"momentum_buffer", Array<float>(size, 0.0f)});
    return;
  }
  require(options.name == "adam" || options.name == "adamw", "the optimiser is adam, adamw or sgd",
          {{"optimizer", std::string_view(options.name)}});
  moments_.push_back({"exp_avg", Array<float>(size, 0.0f)});
  moments_.push_back({"exp_avg_sq", Array<float>(size, 0.0f)});
}

void Optimiser::move_here() {
  for (Moment& moment : moments_) moment.values = copy_of(moment.values);
}

void move_to(const Backend& on, Parameters& parameters, Optimiser& optimiser) {
  if (memory_of(on) == nullptr) return;
  const UseMemory there(memory_of(on));
  parameters.move_here();
  optimiser.move_here();
}

void Optimiser::step(const Backend& on, Parameters& parameters, const ParameterGradients& gradients,
                     double lr_scale) {
  ++steps_;
  const auto lr = static_cast<float>(options_.lr * lr_scale);
  std::size_t offset = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const std::span<float> weights = parameters[i].value.span();
    const ConstTensor gradient = gradients.of(i);
    const std::span<const float> dw(gradient.data, weights.size());
    const auto moment = [&](std::size_t m) {
      return moments_[m].values.span().subspan(offset, weights.size());
    };
    if (parameters[i].running) {
      const auto size = static_cast<std::int64_t>(weights.size());
      axpby(on, -1, {dw.data(), 1, size}, 1, {weights.data(), 1, size});
    } else if (moments_.size() == 2) {
      const AdamStep adam_step{.lr = lr,
                               .weight_decay = static_cast<float>(options_.weight_decay),
                               .decoupled = options_.name == "adamw",
                               .t = steps_};
      adam(on, adam_step, dw, moment(0), moment(1), weights);
    } else {
      const SgdStep sgd_step{.lr = lr,
                             .momentum = static_cast<float>(options_.momentum),
                             .weight_decay = static_cast<float>(options_.weight_decay),
                             .first = steps_ == 1};
      sgd(on, sgd_step, dw, moment(0), weights);
    }
    offset += weights.size();
  }
}

}  // namespace kith
