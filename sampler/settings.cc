#include "kith/sampler/settings.h"

#include <fmt/format.h>

#include "kith/core/error.h"

namespace kith {
namespace {

Setting train_setting(const char* name, Setting::Type type, const char* fallback, const char* help) {
  return setting_of("sampler", "train", name, type, fallback, help);
}

}  // namespace

void add_sampler_settings(Schema& schema) {
  Setting fanout = train_setting("fanout", Setting::Type::integers, "15,10,5",
                                 "neighbours sampled per node and hop, the seeds' own hop first, -1 for all");
  fanout.verbs.emplace_back("bench");
  schema.add(fanout);
  Setting batch =
      train_setting("batch-size", Setting::Type::integer, "1024", "seeds per batch, over all ranks");
  batch.minimum = 1;
  batch.verbs.emplace_back("bench");
  schema.add(batch);
  Setting replace =
      train_setting("replace", Setting::Type::boolean, "false", "sample neighbours with replacement");
  replace.verbs.emplace_back("bench");
  schema.add(replace);
  Setting cache =
      train_setting("cache", Setting::Type::text, "vip:10%",
                    "remote feature rows kept on each rank, policy:size, as in vip:10%, degree:50000, "
                    "vip:2GiB or none");
  cache.shapes_result = false;
  schema.add(cache);
  Setting device_cache =
      train_setting("device-cache", Setting::Type::text, "auto",
                    "device cuda: feature rows kept in the GPU's memory, policy:size as for cache but of all "
                    "nodes, none, or auto: as vip, a quarter of the memory that is free");
  device_cache.shapes_result = false;
  schema.add(device_cache);
  Setting prefetch =
      train_setting("prefetch", Setting::Type::integer, "2", "batches prepared ahead by a background thread");
  prefetch.minimum = 0;
  prefetch.maximum = 64;
  prefetch.shapes_result = false;
  schema.add(prefetch);
  Setting topology = train_setting(
      "topology", Setting::Type::choice, "replicated",
      "where neighbours are sampled: every rank maps the whole graph's rows, or asks their owners; "
      "auto chooses by memory");
  topology.choices = {"replicated", "partitioned", "auto"};
  topology.shapes_result = false;
  schema.add(topology);
  Setting sample_on = train_setting("sample-on", Setting::Type::choice, "auto",
                                    "device cuda: where batches are drawn, the host or the device; auto: the "
                                    "device where every rank has the graph's rows in memory");
  sample_on.choices = {"auto", "host", "device"};
  sample_on.shapes_result = false;
  schema.add(sample_on);
}

SamplerOptions sampler_options(const Settings& settings) {
  SamplerOptions options;
  options.fanouts = settings.integers("fanout");
  for (const std::int64_t fanout : options.fanouts)
    if (fanout != -1 && (fanout < 1 || fanout > 1'000'000))
      throw InputError(fmt::format("fanout \"{}\": {} is neither -1 (all) nor in [1, 1000000]",
                                   settings.text("fanout"), fanout));
  if (options.fanouts.empty()) throw InputError("fanout: at least one hop is needed, as in 15,10,5");
  options.batch_size = settings.integer("batch-size");
  options.replace = settings.boolean("replace");
  return options;
}

CacheSpec cache_spec(const Settings& settings) { return parse_cache_spec(settings.text("cache")); }

int prefetch_depth(const Settings& settings) { return static_cast<int>(settings.integer("prefetch")); }

}  // namespace kith
