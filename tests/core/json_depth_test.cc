#include "kith/core/json_depth.h"

#include <string>

#include <gtest/gtest.h>

#include "kith/core/error.h"

namespace kith {
namespace {

TEST(JsonDepth, CountsListsAndObjectsInOneAnother) {
  EXPECT_EQ(json_depth("1"), 0);
  EXPECT_EQ(json_depth(R"({"a": [1], "b": {"c": 2}})"), 2);
  EXPECT_EQ(json_depth("[[[]], []]"), 3);
}

TEST(JsonDepth, BracketsWithinStringsDoNotCount) { EXPECT_EQ(json_depth(R"(["[[[", "{\"[{", "\\"])"), 1); }

TEST(JsonDepth, DeepTextIsRefusedAndSaysHowDeep) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(shallow_json(nested(kDeepestJson), "a.json"), nested(kDeepestJson));
  try {
    shallow_json(nested(200000), "a.json");
    FAIL() << "read";
  } catch (const CorruptError& error) {
    EXPECT_NE(std::string(error.what()).find("a.json: JSON with 200000"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace kith
