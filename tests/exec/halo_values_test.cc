// Adding a value to an axis of the halo protocol is its file and its registration: every maker declared in
// values.h is defined in the file of its name, and nothing but registry.cc speaks of it.
#include <algorithm>
#include <filesystem>
#include <regex>

#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/file.h"
#include "kith/exec/halo/axes.h"

namespace kith::test {
namespace {

namespace fs = std::filesystem;
const fs::path kRoot = KITH_SOURCE_DIR;

std::vector<std::string> makers() {
  const std::string text = read_text_file(kRoot / "exec/halo/values.h");
  const std::regex declaration(R"(std::unique_ptr<Halo\w+> (\w+)\()");
  std::vector<std::string> names;
  for (std::sregex_iterator match(text.begin(), text.end(), declaration), end; match != end; ++match)
    names.push_back((*match)[1]);
  return names;
}

/// Where a maker is declared, defined or named in the sources, relative to the root.
std::vector<std::string> files_with(const std::string& name) {
  const std::regex word("(std::unique_ptr<Halo\\w+> |halo::)" + name + "\\b");
  std::vector<std::string> found;
  for (const char* module :
       {"comm", "core", "cli", "datasets", "exec", "graph", "kernels", "partition", "sampler"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / module)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".cc" && extension != ".h") continue;
      const std::string text = read_text_file(entry.path());
      if (text.find(name) != std::string::npos && std::regex_search(text, word))
        found.push_back(fs::relative(entry.path(), kRoot).string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST(HaloValues, EachIsOneFileAndItsRegistration) {
  const std::vector<std::string> all = makers();
  ASSERT_GE(all.size(), 6u);
  for (const std::string& name : all) {
    std::vector<std::string> expected = {"exec/halo/" + name + ".cc", "exec/halo/registry.cc",
                                         "exec/halo/values.h"};
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(files_with(name), expected) << name;
  }
}

TEST(HaloValues, EveryDeclaredOneIsRegisteredUnderNamesOfItsOwn) {
  std::size_t registered = 0;
  for (const char* axis : {"plan", "route", "select", "encode", "schedule"}) {
    std::vector<std::string> names = halo_choices(axis);
    EXPECT_FALSE(names.empty()) << axis;
    registered += names.size();
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end()) << axis;
  }
  EXPECT_GE(registered, makers().size());
  const std::string registry = read_text_file(kRoot / "exec/halo/registry.cc");
  for (const std::string& name : makers())
    EXPECT_TRUE(std::regex_search(registry, std::regex("return halo::" + name + "\\("))) << name;
}

TEST(HaloValues, AnUnknownOneIsRefusedWithTheNearestName) {
  try {
    make_schedule("overlapp");
    FAIL() << "must be refused";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("overlap\"?"), std::string::npos) << error.what();
  }
  EXPECT_THROW(make_plan("x"), InputError);
  EXPECT_THROW(make_select("x"), InputError);
  EXPECT_THROW(make_encode("x"), InputError);
  EXPECT_THROW(halo_choices("no axis"), Error);
}

}  // namespace
}  // namespace kith::test
