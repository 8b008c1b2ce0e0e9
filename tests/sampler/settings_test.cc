#include "kith/sampler/settings.h"

#include <gtest/gtest.h>

#include "kith/core/error.h"

namespace kith {
namespace {

Settings with(const Schema& schema, const char* name, const char* value) {
  Settings settings(schema, "train");
  settings.set(name, value, "a test");
  return settings;
}

TEST(SamplerSettings, AreReadAsTheyAreWritten) {
  Schema schema;
  add_sampler_settings(schema);
  const Settings fallback(schema, "train");
  EXPECT_EQ(sampler_options(fallback).fanouts, (std::vector<std::int64_t>{15, 10, 5}));
  EXPECT_EQ(sampler_options(fallback).batch_size, 1024);
  EXPECT_FALSE(sampler_options(fallback).replace);
  EXPECT_EQ(prefetch_depth(fallback), 2);
  EXPECT_EQ(cache_spec(fallback).policy, "vip");
  EXPECT_EQ(sampler_options(with(schema, "fanout", "-1,3")).fanouts, (std::vector<std::int64_t>{-1, 3}));
}

TEST(SamplerSettings, RefuseFanoutsThatAreNone) {
  Schema schema;
  add_sampler_settings(schema);
  for (const char* fanout : {"0", "5,0", "-2", "15,-3", "2000000"})
    EXPECT_THROW(sampler_options(with(schema, "fanout", fanout)), InputError) << fanout;
  EXPECT_THROW(with(schema, "batch-size", "0"), InputError);
  EXPECT_THROW(with(schema, "prefetch", "-1"), InputError);
}

}  // namespace
}  // namespace kith
