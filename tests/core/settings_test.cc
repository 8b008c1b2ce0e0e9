#include "kith/core/settings.h"

#include "core/temporary_folder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kith/core/error.h"
#include "kith/core/file.h"

namespace kith {
namespace {

using kith::testing::ScopedVariable;
using kith::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Throws;
using ::testing::ThrowsMessage;
using Type = Setting::Type;

Schema make_schema() {
  Schema schema;
  schema.add({.name = "batch-size",
              .type = Type::integer,
              .fallback = "1024",
              .help = "Seeds per step",
              .module = "sampler",
              .verbs = {"train"},
              .minimum = 1,
              .maximum = 1e6});
  schema.add({.name = "fanout",
              .type = Type::integers,
              .fallback = "15,10,5",
              .help = "Neighbours per hop",
              .module = "sampler",
              .verbs = {"train"},
              .minimum = -1});
  schema.add({.name = "learning-rate",
              .type = Type::real,
              .fallback = "0.010",
              .help = "Step length",
              .module = "exec",
              .verbs = {"train"},
              .minimum = 0});
  schema.add({.name = "model",
              .type = Type::choice,
              .fallback = "gcn",
              .help = "The layer",
              .module = "exec",
              .verbs = {"train"},
              .choices = {"gcn", "sage", "gat"}});
  schema.add({.name = "overwrite",
              .type = Type::boolean,
              .fallback = "false",
              .help = "Replace",
              .module = "cli",
              .verbs = {"train", "partition"},
              .shapes_result = false});
  schema.add({.name = "run",
              .type = Type::path,
              .help = "Where results go | and logs",
              .module = "cli",
              .verbs = {"train"},
              .shapes_result = false});
  schema.add({.name = "parts",
              .type = Type::integer,
              .fallback = "4",
              .help = "Pieces",
              .module = "partition",
              .verbs = {"partition"},
              .minimum = 1});
  return schema;
}

class SettingsTest : public ::testing::Test {
 protected:
  void read(const std::string& toml) {
    write_text_file(folder_ / "run.toml", toml);
    settings_.read_toml(folder_ / "run.toml");
  }
  void expect_refused(const std::string& toml, const std::string& message) {
    EXPECT_THAT([&] { read(toml); }, ThrowsMessage<InputError>(HasSubstr(message))) << toml;
  }

  TemporaryFolder folder_;
  const Schema schema_ = make_schema();
  Settings settings_{schema_, "train"};
};

TEST_F(SettingsTest, BeginAtTheirDefaults) {
  EXPECT_EQ(settings_.integer("batch-size"), 1024);
  EXPECT_EQ(settings_.integers("fanout"), (std::vector<std::int64_t>{15, 10, 5}));
  EXPECT_EQ(settings_.real("learning-rate"), 0.01);
  EXPECT_FALSE(settings_.boolean("overwrite"));
  EXPECT_FALSE(settings_.is_set("batch-size"));
  EXPECT_TRUE(settings_.has_value("batch-size"));
  EXPECT_FALSE(settings_.has_value("run"));
}

TEST_F(SettingsTest, FlagsBeatTheEnvironmentWhichBeatsTheFile) {
  read("batch_size = 1\nmodel = \"sage\"\nfanout = [3, -1]\n");
  const ScopedVariable one("KITH_BATCH_SIZE", "2"), two("KITH_MODEL", "gat");
  settings_.read_environment();
  settings_.set("batch_size", "3", "--batch_size");
  EXPECT_EQ(settings_.integer("batch-size"), 3);
  EXPECT_EQ(settings_.text("model"), "gat");
  EXPECT_EQ(settings_.integers("fanout"), (std::vector<std::int64_t>{3, -1}));
  EXPECT_TRUE(settings_.is_set("fanout"));
}

TEST_F(SettingsTest, EveryMistakeInAFileIsNamedWithItsLine) {
  expect_refused("\n\nbatch-size = 0\n", "run.toml:3: batch-size = \"0\": expected at least 1");
  expect_refused("batch-size = 2_000_000\n", "at most 1000000");
  expect_refused("batch-size = \"many\"\n", "run.toml:1: batch-size = \"many\": expected a whole number");
  expect_refused("batch-size = 1.5\n", "expected a whole number");
  expect_refused("batch-size = [1, 2]\n", "takes one value, not a list");
  expect_refused("model = \"saeg\"\n", "one of gcn, sage, gat; did you mean \"sage\"?");
  expect_refused("fanout = [5, \"x\"]\n", "whole numbers separated by commas");
  expect_refused("fanout = []\n", "whole numbers separated by commas");
  expect_refused("learning-rate = nan\n", "expected a number");
  expect_refused("overwrite = \"perhaps\"\n", "true or false");
  expect_refused("# a comment\nfanuot = 3\n",
                 "run.toml:2: unknown setting \"fanuot\"; did you mean \"fanout\"?");
  expect_refused("model = \"gcn\"\n[sampler]\nfanout = 3\n", "run.toml:2: tables are not used here");
  expect_refused("batch-size = 1\nbatch_size = 2\n", "given twice");
  expect_refused("model = \"gcn\"\nmodel = = 3\n", "run.toml:2: ");
  EXPECT_THAT([&] { settings_.read_toml(folder_ / "absent.toml"); },
              ThrowsMessage<InputError>(HasSubstr("absent.toml")));
}

TEST_F(SettingsTest, OneFileMayServeSeveralVerbs) {
  read("parts = 8\nbatch-size = 5\n");
  EXPECT_FALSE(settings_.has_value("parts"));
  EXPECT_EQ(settings_.integer("batch-size"), 5);
  expect_refused("parts = 0\n", "at least 1");
}

TEST_F(SettingsTest, FlagsOfOtherVerbsAreRefused) {
  EXPECT_THAT([&] { settings_.set("parts", "2", "--parts"); },
              ThrowsMessage<InputError>(
                  HasSubstr("\"parts\" is not a setting of kith train, but of kith partition")));
  EXPECT_THAT([&] { settings_.set("bacth-size", "2", "--bacth-size"); },
              ThrowsMessage<InputError>(HasSubstr("did you mean \"batch-size\"?")));
  EXPECT_THAT([&] { settings_.set("batch-size", "x", "--batch-size"); },
              ThrowsMessage<InputError>(HasSubstr("--batch-size: ")));
}

TEST_F(SettingsTest, AMistypedVariableIsRefusedAndAStrangerIgnored) {
  {
    const ScopedVariable wrong("KITH_FANUOT", "3");
    EXPECT_THAT([&] { settings_.read_environment(); },
                ThrowsMessage<InputError>(HasSubstr("KITH_FANUOT; did you mean KITH_FANOUT?")));
  }
  const ScopedVariable bad("KITH_BATCH_SIZE", "-4");
  EXPECT_THAT([&] { settings_.read_environment(); },
              ThrowsMessage<InputError>(HasSubstr("KITH_BATCH_SIZE: batch-size = \"-4\"")));
  const ScopedVariable good("KITH_BATCH_SIZE", "4"), stranger("KITH_SOMEBODY_ELSES_SCRIPT", "1"),
      style("KITH_PROGRESS", "none");
  EXPECT_NO_THROW(settings_.read_environment());
}

TEST_F(SettingsTest, WhatIsNeededButNotGivenIsTheUsersToMend) {
  EXPECT_THAT([&] { settings_.text("run"); },
              ThrowsMessage<InputError>(HasSubstr("kith train needs --run (Where results go")));
}

TEST_F(SettingsTest, ReadingASettingTheVerbDoesNotHaveIsAContractBroken) {
  EXPECT_THAT([&] { settings_.integer("parts"); },
              Throws<Error>(::testing::Property(&Error::code, ExitCode::other)));
}

TEST_F(SettingsTest, SavedAndReadAgainTheyAreTheSame) {
  settings_.set("run", "a \"b\" \\ c\n\x01ü", "--run");
  settings_.set("fanout", "4, 3", "--fanout");
  settings_.set("learning-rate", "1e-5", "--learning-rate");
  settings_.set("overwrite", "Yes", "--overwrite");
  Settings again(schema_, "train");
  write_text_file(folder_ / "saved.toml", settings_.to_toml());
  again.read_toml(folder_ / "saved.toml");
  EXPECT_EQ(again.resolved(), settings_.resolved());
  EXPECT_EQ(again.resolved().at("fanout"), "4,3");
  EXPECT_EQ(again.hash(), settings_.hash());
}

TEST_F(SettingsTest, TheHashFollowsWhatShapesTheResult) {
  const std::uint64_t hash = settings_.hash();
  settings_.set("overwrite", "true", "--overwrite");
  settings_.set("run", "elsewhere", "--run");
  settings_.set("learning-rate", "1e-2", "--learning-rate");
  EXPECT_EQ(settings_.hash(), hash) << "another folder and another spelling of the same number";
  settings_.set("learning-rate", "0.02", "--learning-rate");
  EXPECT_NE(settings_.hash(), hash);
}

TEST(SettingsHash, IsFnv1aOverNameAndValueLines) {
  Schema schema;
  schema.add({.name = "a", .type = Type::integer, .fallback = "7", .verbs = {"v"}});
  std::uint64_t expected = 14695981039346656037ull;
  for (const unsigned char c : {'a', '=', '7', '\n'}) expected = (expected ^ c) * 1099511628211ull;
  EXPECT_EQ(Settings(schema, "v").hash(), expected);
}

TEST(Schema, ATakenNameABadNameAndABadDefaultAreRefused) {
  Schema schema = make_schema();
  EXPECT_THROW(schema.add({.name = "fanout", .verbs = {"train"}}), Error);
  EXPECT_THROW(schema.add({.name = "Batch_Size"}), Error);
  EXPECT_THROW(schema.add({.name = "x", .type = Type::integer, .fallback = "1.5"}), Error);
}

TEST(Schema, OfAVerbIsWhatItTakes) {
  const Schema schema = make_schema();
  EXPECT_EQ(schema.of_verb("train").size(), 6u);
  EXPECT_EQ(schema.of_verb("partition").size(), 2u);
  EXPECT_EQ(schema.find("batch_size"), schema.find("batch-size"));
  EXPECT_EQ(schema.find("nothing"), nullptr);
}

TEST(NearestName, IsTheOneWithFewestEditsAndNoneWhenFar) {
  const std::vector<std::string> known = {"fanout", "batch-size", "cache-size", "seed"};
  EXPECT_EQ(nearest_name("fanuot", known), "fanout");
  EXPECT_EQ(nearest_name("batchsize", known), "batch-size");
  EXPECT_EQ(nearest_name("seeds", known), "seed");
  EXPECT_EQ(nearest_name("protocol", known), std::nullopt);
  EXPECT_EQ(nearest_name("", known), std::nullopt);
}

TEST(Markdown, HasARowForEverySettingUnderItsModule) {
  const std::string text = markdown_of(make_schema());
  EXPECT_THAT(text, AllOf(HasSubstr("## sampler\n"),
                          HasSubstr("| `--batch-size` | whole number, 1 to 1000000 | `1024` |"),
                          HasSubstr("| `--model` | `gcn`, `sage`, `gat` | `gcn` | train | The layer |"),
                          HasSubstr("Where results go \\| and logs")));
}

}  // namespace
}  // namespace kith
