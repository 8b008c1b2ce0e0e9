"""What a run is estimated to need, against what it took: the peak resident set that the system measured."""
import json
import re
import unittest

from workshop import Workshop

GRAPH = ["--nodes", "50000", "--degree", "20", "--communities", "8", "--classes", "8", "--features", "128", "--seed", "1"]
FULL = ["--regime", "full-graph", "--epochs", "2"]
RUNS = {
    "gcn": [*FULL, "--model", "gcn", "--hidden", "128"],
    "sage": [*FULL, "--model", "sage", "--hidden", "128", "--layers", "3"],
    "gat": [*FULL, "--model", "gat", "--hidden", "16", "--heads", "8"],
    "batches": ["--model", "sage", "--hidden", "128", "--fanout", "15,10", "--epochs", "2"],
}
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


class Estimate(Workshop):
    def setUp(self):
        super().setUp()
        self.succeed("generate", "planted", "-o", "store", *GRAPH)

    def summary(self, run):
        return json.loads((self.folder / run / "summary.json").read_text())

    def test_every_kind_of_run_takes_what_was_estimated(self):
        for name, settings in RUNS.items():
            with self.subTest(name):
                report = self.succeed("train", "store", "-o", name, *settings)
                self.assertRegex(report, r"peak memory .*, estimated ")
                summary = self.summary(name)
                self.close(summary["estimated_memory_bytes"]["total"], summary["peak_memory_bytes"])

    def test_two_ranks_take_what_was_estimated(self):
        self.succeed("partition", "store", "-o", "parts", "-k", "4")
        self.succeed("train", "parts", "-o", "run", *RUNS["sage"], ranks=2)
        summary = self.summary("run")
        self.close(summary["estimated_memory_bytes"]["total"], summary["peak_memory_bytes"])

    def close(self, estimated, measured):
        self.assertEqual(len(estimated), len(measured))
        for expected, peak in zip(estimated, measured):
            self.assertGreater(expected, 0.9 * peak)
            self.assertLess(expected, 1.1 * peak)

    def test_the_estimate_alone_trains_nothing_and_says_the_same(self):
        before = self.listing()
        text = self.succeed("train", "store", *RUNS["gcn"], "--estimate")
        self.assertEqual(self.listing(), before)
        number, unit = re.search(r"\n  total +([\d.]+) (\w+)", text).groups()
        self.succeed("train", "store", "-o", "run", *RUNS["gcn"])
        (estimated,) = self.summary("run")["estimated_memory_bytes"]["total"]
        self.assertAlmostEqual(float(number) * UNITS[unit] / estimated, 1, delta=0.05)

    def test_other_numbers_of_ranks_need_no_such_job(self):
        text = self.succeed("train", "store", "--estimate", "--estimate-ranks", "16")
        self.assertIn("random cut", text)
        self.refuse(2, ["kith partition"], "train", self.parts(), "--estimate", "--estimate-ranks", "5")

    def parts(self):
        self.succeed("partition", "store", "-o", "parts", "-k", "2")
        return "parts"


if __name__ == "__main__":
    unittest.main()
