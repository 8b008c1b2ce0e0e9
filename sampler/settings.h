#pragma once
#include "kith/core/settings.h"
#include "kith/sampler/cache.h"
#include "kith/sampler/neighbour_sampler.h"

namespace kith {

/// The sampler's settings of `kith train`: fanout, batch-size, replace, cache, prefetch, topology.
void add_sampler_settings(Schema& schema);

/// fanout, batch-size and replace; `seed` and `exclude_self` are the caller's. Throws InputError on a fanout
/// that is neither −1 nor positive.
SamplerOptions sampler_options(const Settings& settings);
CacheSpec cache_spec(const Settings& settings);
/// Batches prepared ahead.
int prefetch_depth(const Settings& settings);

}  // namespace kith
