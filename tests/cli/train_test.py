"""train and evaluate, on one rank and on two."""
import json
import unittest

from workshop import Workshop

SHORT = ["--model", "sage", "--fanout", "4,4", "--hidden", "16", "--batch-size", "32", "--epochs", "3", "--seed", "1"]


class Train(Workshop):
    def summary(self, run="run"):
        return json.loads((self.folder / run / "summary.json").read_text())

    def test_a_run_is_reported_and_evaluated(self):
        out = self.succeed("train", self.store(), "-o", "run", *SHORT)
        self.assertIn("wrote run", out)
        summary = self.summary()
        for name in ("test", "valid", "best_epoch", "epochs", "seconds_per_epoch", "ranks", "parts", "devices", "settings", "ledger",
                     "peak_memory_bytes"):
            self.assertIn(name, summary)
        lines = (self.folder / "run/metrics.jsonl").read_text().splitlines()
        self.assertEqual([json.loads(line)["epoch"] for line in lines], [1, 2, 3])
        measured = json.loads(self.succeed("evaluate", "run", "--json"))
        self.assertAlmostEqual(measured["test"]["accuracy"], summary["test"]["accuracy"], places=6)
        self.assertIn("accuracy", self.succeed("evaluate", "run", "--split", "all"))
        self.assertIn(out.removesuffix("wrote run\n"), self.succeed("inspect", "run"))
        json.loads(self.succeed("inspect", "run", "--json"))

    def test_a_damaged_summary_is_refused_by_inspect(self):
        self.succeed("train", self.store(), "-o", "run", *SHORT)
        whole = (self.folder / "run/summary.json").read_text()
        deep = "[" * 100000 + "]" * 100000
        for old, new, said in (('"epochs": 3', '"epochs": 1e300', "no whole number"), ('"epochs": 3', '"epochs": ' + deep, "in one another"),
                               (whole[100:], "", "JSON")):
            self.assertIn(old, whole)
            (self.folder / "run/summary.json").write_text(whole.replace(old, new, 1))
            self.refuse(5, ["summary.json", said], "inspect", "run")

    def test_two_ranks_partition_a_plain_store_once(self):
        done = self.kith("train", self.store(), "-o", "run", *SHORT, ranks=2)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("kith partition", done.stderr)
        self.assertTrue((self.folder / "run/parts-k2/partition.json").exists())
        self.assertEqual(self.summary()["ranks"], 2)

    def test_full_graph_on_two_ranks(self):
        self.succeed("partition", self.store(), "-o", "parts", "-k", "2")
        self.succeed("train", "parts", "-o", "run", "--regime", "full-graph", "--layers", "2", "--hidden", "16",
                     "--epochs", "3", ranks=2)
        self.assertGreater(self.summary()["ledger"]["halo"]["bytes"], 0)

    def test_a_toml_file_alone_is_enough(self):
        store = self.store()
        self.write("run.toml", f'data = "{store}"\noutput = "run"\nmodel = "gcn"\nregime = "full-graph"\nepochs = 2\n')
        self.succeed("train", "run.toml")
        self.assertEqual(self.summary()["epochs"], 2)

    def test_a_finished_run_is_not_trained_over(self):
        store = self.store()
        self.succeed("train", store, "-o", "run", *SHORT)
        self.assertEqual(self.kith("train", store, "-o", "run", *SHORT).returncode, 2)
        self.succeed("train", store, "-o", "run", *SHORT, "--resume", "never", "--overwrite")


class Refuse(Workshop):
    def test_a_gpu_that_is_not_there(self):
        store = self.store()
        for ranks in (0, 2):
            self.refuse(2, ["rank 0 on host", "--device cpu"], "train", store, "-o", "run", "--device", "cuda", ranks=ranks,
                        environment={"CUDA_VISIBLE_DEVICES": ""})

    def test_missing_data(self):
        self.refuse(2, ["nowhere"], "train", "nowhere", "-o", "run")

    def test_missing_data_on_two_ranks_names_a_root_cause(self):
        said = self.refuse(2, ["ROOT CAUSE rank 0 host", "nowhere"], "train", "nowhere", "-o", "run", ranks=2)
        self.assertEqual(said.count("ROOT CAUSE"), 1)

    def test_more_ranks_than_parts(self):
        self.succeed("partition", self.store(), "-o", "parts", "-k", "1")
        done = self.kith("train", "parts", "-o", "run", *SHORT, ranks=2)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("kith partition", done.stderr)

    def test_the_saved_settings_read_back_as_the_same_run(self):
        store = self.store()
        for name, given in (("neither", []), ("fanout", ["--fanout", "3,3,3"]), ("layers", ["--layers", "3"])):
            self.succeed("train", store, "-o", name, "--hidden", "8", "--epochs", "1", *given)
            self.succeed("evaluate", name)

    def test_a_fanout_for_each_layer(self):
        self.refuse(2, ["fanout"], "train", self.store(), "-o", "run", "--layers", "3", "--fanout", "5,5")

    def test_what_is_no_run(self):
        self.refuse(2, ["store"], "evaluate", self.store())


if __name__ == "__main__":
    unittest.main()
