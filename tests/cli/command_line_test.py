"""Flags, files, variables and help."""
import unittest

from workshop import GRAPH, Workshop

VERBS = ["generate", "prepare", "partition", "inspect", "verify", "train", "evaluate"]


class CommandLine(Workshop):
    def test_every_verb_has_help_with_an_example(self):
        for verb in VERBS:
            text = self.succeed(verb, "--help")
            self.assertIn("example: ", text)
            self.assertIn(f"kith {verb}", text)

    def test_help_shows_defaults_and_ranges_of_the_schema(self):
        text = self.succeed("generate", "--help")
        self.assertIn("--mixing X", text)
        self.assertIn("[0.2; 0 to 1]", text)

    def test_the_overview_names_every_verb(self):
        for verb in VERBS:
            self.assertIn(f"  {verb} ", self.succeed("--help"))

    def test_version_says_what_it_was_built_with(self):
        self.assertRegex(self.succeed("--version"), r"^kith \d+\.\d+\.\d+\n$")
        details = self.succeed("--version", "--verbose")
        for word in ["compiler", "MPICH", "oneTBB", "Highway", "OpenBLAS", "METIS"]:
            self.assertIn(word, details)

    def test_no_verb_is_an_error(self):
        self.refuse(2, ["no verb"])

    def test_an_unknown_verb_is_refused_with_the_nearest(self):
        self.refuse(2, ['did you mean "partition"?'], "partitoin", "x")

    def test_an_unknown_flag_is_refused_with_the_nearest(self):
        self.refuse(2, ['unknown setting "fanuot"', 'did you mean "fanout"?'], "train", "data", "-o", "run", "--fanuot",
                    "5,5")

    def test_another_verbs_flag_is_refused_by_name(self):
        self.refuse(2, ["kith train"], "generate", "planted", "-o", "x", "--fanout", "5")

    def test_a_value_out_of_range_names_flag_value_and_bound(self):
        self.refuse(2, ["--mixing", "1.5", "1"], "generate", "planted", "-o", "x", "--mixing", "1.5")

    def test_a_value_of_the_wrong_type_names_the_flag(self):
        self.refuse(2, ["--nodes", "many"], "generate", "planted", "-o", "x", "--nodes", "many")

    def test_a_flag_without_its_value_is_refused(self):
        self.refuse(2, ["--nodes"], "generate", "planted", "-o", "x", "--nodes")

    def test_a_missing_argument_is_named(self):
        self.refuse(2, ["STORE"], "partition", "-o", "parts")

    def test_a_missing_output_is_named(self):
        self.refuse(2, ["--output"], "generate", "planted")

    def test_a_surplus_argument_is_refused(self):
        self.refuse(2, ["surplus"], "verify", "store", "surplus")

    def test_underscores_are_dashes(self):
        self.succeed("generate", "planted", "-o", "x", *GRAPH, "--label_noise", "0")

    def test_flags_win_over_variables_which_win_over_the_file(self):
        self.write("s.toml", "nodes = 100\ndegree = 4\ncommunities = 2\nclasses = 2\n")
        self.succeed("generate", "planted", "-o", "a", "--config", "s.toml")
        self.succeed("generate", "planted", "-o", "b", "--config", "s.toml", environment={"KITH_NODES": "150"})
        self.succeed("generate", "planted", "-o", "c", "--config", "s.toml", "--nodes", "200",
                     environment={"KITH_NODES": "150"})
        for name, nodes in (("a", 100), ("b", 150), ("c", 200)):
            self.assertIn(f'"nodes": {nodes}', self.succeed("inspect", name, "--json"))

    def test_an_unknown_key_names_file_line_and_the_nearest(self):
        self.write("s.toml", "nodes = 100\nmixxing = 0.1\n")
        self.refuse(2, ["s.toml:2", 'did you mean "mixing"?'], "generate", "planted", "-o", "x", "--config", "s.toml")

    def test_an_unknown_variable_close_to_a_setting_is_refused(self):
        self.refuse(2, ["KITH_NODS", "KITH_NODES"], "generate", "planted", "-o", "x", environment={"KITH_NODS": "3"})

    def test_a_missing_config_is_named(self):
        self.refuse(2, ["none.toml"], "generate", "planted", "-o", "x", "--config", "none.toml")

    def test_several_ranks_refuse_a_bad_flag_with_one_voice(self):
        said = self.refuse(2, ['did you mean "epochs"?'], "train", "data", "-o", "run", "--epocs", "3", ranks=2)
        self.assertEqual(said.count("did you mean"), 1)


if __name__ == "__main__":
    unittest.main()
