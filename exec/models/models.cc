// The built-in models by name: adding one is its maker and its line in kModels.
#include "kith/core/settings.h"
#include "kith/exec/models/stacked.h"

namespace kith {

std::vector<LayerShape> layer_shapes(const ModelOptions& options, std::int64_t hidden) {
  std::vector<LayerShape> shapes;
  for (int l = 0; l < options.layers; ++l) {
    const bool last = l + 1 == options.layers && options.jk == "none";
    shapes.push_back(
        {"convs." + std::to_string(l), l == 0 ? options.in : hidden, last ? options.classes : hidden, last});
  }
  return shapes;
}

namespace {

Between between(Parameters& parameters, const ModelOptions& options, const std::vector<LayerShape>& shapes) {
  std::vector<Between::Widths> widths;
  for (const LayerShape& shape : shapes) widths.push_back({shape.in, shape.out});
  return Between(parameters, options, widths);
}

double input_dropout(const ModelOptions& options) {
  return options.input_dropout < 0 ? options.dropout : options.input_dropout;
}

template <class Layer, SelfEdges Edges>
std::unique_ptr<Model> make_plain(Parameters& parameters, const ModelOptions& options) {
  std::vector<Layer> layers;
  const auto shapes = layer_shapes(options, options.hidden);
  for (const LayerShape& shape : shapes) layers.emplace_back(parameters, shape.name, shape.in, shape.out);
  using Made = Stacked<Layer, relu, Edges>;
  return std::make_unique<Made>(std::move(layers), between(parameters, options, shapes),
                                typename Made::Dropout{input_dropout(options), options.dropout});
}

template <class Layer>
std::unique_ptr<Model> make_attention(Parameters& parameters, const ModelOptions& options) {
  std::vector<Layer> layers;
  const double attention_dropout =
      options.attention_dropout < 0 ? options.dropout : options.attention_dropout;
  const auto shapes = layer_shapes(options, options.hidden * options.heads);
  for (const LayerShape& shape : shapes) {
    const int heads = shape.last ? options.output_heads : options.heads;
    layers.emplace_back(
        parameters, shape.name, shape.in, shape.last ? shape.out : options.hidden,
        GatOptions{.heads = heads, .concatenate = !shape.last, .attention_dropout = attention_dropout});
  }
  using Made = Stacked<Layer, elu, SelfEdges::explicit_edges>;
  return std::make_unique<Made>(std::move(layers), between(parameters, options, shapes),
                                typename Made::Dropout{input_dropout(options), options.dropout});
}

struct Known {
  const char* name;
  std::unique_ptr<Model> (*make)(Parameters&, const ModelOptions&);
};
constexpr Known kModels[] = {{"gcn", make_plain<GcnConv, SelfEdges::implied>},
                             {"sage", make_plain<SageConv, SelfEdges::as_stored>},
                             {"sage-max", make_plain<SageMaxConv, SelfEdges::as_stored>},
                             {"gin", make_plain<GinConv, SelfEdges::as_stored>},
                             {"gat", make_attention<GatConv>},
                             {"gatv2", make_attention<GatV2Conv>}};

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Known& known : kModels) names.emplace_back(known.name);
  return names;
}

std::unique_ptr<Model> make_model(Parameters& parameters, const ModelOptions& options) {
  for (const Known& known : kModels)
    if (options.name == known.name) return known.make(parameters, options);
  throw InputError("model: unknown name \"" + options.name + '"' + did_you_mean(options.name, model_names()));
}

ModelFactory factory_of(const ModelOptions& options) {
  return [options](Parameters& parameters, std::int64_t in, std::int64_t classes) {
    ModelOptions sized = options;
    sized.in = in;
    sized.classes = classes;
    return make_model(parameters, sized);
  };
}

}  // namespace kith
