#!/usr/bin/env python3
"""kith bench protocols and kith bench net, and --net of kith train."""
import csv
import json
import unittest

from workshop import Workshop

KEYS = {"protocol", "parts", "halo_bytes_per_epoch", "halo_rows_per_epoch", "messages_per_epoch", "one_time_bytes",
        "modelled_seconds", "test_accuracy_mean", "test_accuracy_sd"}
SMALL = ["--model", "gcn", "--layers", "2", "--hidden", "16", "--epochs", "5", "--net", "alpha_us=20,gbps=10"]


class Protocols(Workshop):
    def setUp(self):
        super().setUp()
        self.store()
        self.succeed("partition", "store", "-o", "parts", "-k", "4", "--method", "metis")

    def rows(self, *arguments):
        self.succeed("bench", "protocols", "parts", *SMALL, "--json", "table.json", *arguments)
        rows = json.loads((self.folder / "table.json").read_text())
        for row in rows:
            self.assertLessEqual(KEYS, set(row))
        return {row["protocol"]: row for row in rows}

    def test_what_is_counted_is_what_a_training_sends(self):
        names = "baseline exact bns-gcn:p=0.5 quant:bits=2"
        counted, trained = self.rows("--plan-only", "--protocols", names), self.rows("--seeds", "2", "--protocols", names)
        for name in names.split():
            for key in ("halo_bytes_per_epoch", "halo_rows_per_epoch", "messages_per_epoch", "one_time_bytes", "modelled_seconds"):
                self.assertEqual(counted[name][key], trained[name][key], (name, key))
        self.assertIsNone(counted["exact"]["test_accuracy_mean"])
        self.assertGreater(trained["exact"]["test_accuracy_mean"], 0.2)
        self.assertEqual(len(trained["exact"]["test_accuracy"]), 2)
        self.assertLess(trained["exact"]["halo_bytes_per_epoch"], trained["baseline"]["halo_bytes_per_epoch"])

    def test_auto_takes_the_cheapest_of_those_that_lose_nothing(self):
        names = "auto exact deepgalois distgnn-cd0 tensor"
        counted = self.rows("--plan-only", "--protocols", names)
        for name in names.split():
            self.assertLessEqual(counted["auto"]["modelled_seconds"], counted[name]["modelled_seconds"], name)
        trained = self.rows("--protocols", "auto distgnn-cd0")
        self.assertLessEqual(trained["auto"]["halo_bytes_per_epoch"], trained["distgnn-cd0"]["halo_bytes_per_epoch"])
        self.assertAlmostEqual(trained["auto"]["test_accuracy_mean"], trained["distgnn-cd0"]["test_accuracy_mean"], delta=0.02)
        self.refuse(2, ["--net"], "bench", "protocols", "parts", "--protocols", "auto")

    def test_an_error_budget_is_held_and_what_it_takes_is_printed(self):
        printed = self.succeed("train", "parts", "-o", "run", "--regime", "full-graph", *SMALL, "--protocol", "auto", "--error-budget", "0.05",
                               "--error-every", "2", ranks=4)
        self.assertRegex(printed, r"\* --plan \S+ --encode (support-)?ladder \((support-)?int8\)")
        self.assertRegex(printed, r"halo error .* at most, gradient cosine .* at least, in 3 measurements")
        self.assertRegex((self.folder / "run/settings.toml").read_text(), r'encode = "(support-)?ladder"')
        summary = json.loads((self.folder / "run/summary.json").read_text())
        self.assertEqual([each["epoch"] for each in summary["halo_error"]], [1, 3, 5])
        for each in summary["halo_error"]:
            self.assertGreaterEqual(each["gradient_cosine"], 0.9)
            for layer in each["layers"]:
                self.assertLessEqual(max(layer["forward"], layer["backward"]), 0.05)
        self.assertGreater(summary["ledger"]["probe"]["forward"]["payload_bytes"], 0)
        self.assertIn("What the halo protocol loses", (self.folder / "run/report.html").read_text())
        trained = self.rows("--protocols", "auto:error-budget=0.3 distgnn-cd0")
        self.assertLess(trained["auto:error-budget=0.3"]["halo_bytes_per_epoch"], trained["distgnn-cd0"]["halo_bytes_per_epoch"])

    def test_budgets_that_mean_nothing_are_refused(self):
        def refused(words, *arguments):
            self.refuse(2, words, "train", "parts", "-o", "refused", "--regime", "full-graph", *arguments)
        refused(["error-budget", "2"], "--protocol", "auto", "--error-budget", "2")
        refused(["from 0 to 1", "-0.5"], "--protocol", "auto", "--error-budget", "-0.5")
        refused(["from 0 to 1", "much"], "--protocol", "auto:error-budget=much")
        refused(["int4", "--protocol auto"], "--encode", "int4", "--error-budget", "0.1")
        refused(["--error-budget"], "--encode", "ladder")
        refused(["select all"], "--encode", "ladder", "--error-budget", "0.1", "--schedule", "stale")
        refused(["least-cosine"], "--protocol", "auto", "--error-budget", "0.1", "--least-cosine", "1.5")
        refused(["error-every"], "--protocol", "auto", "--error-budget", "0.1", "--error-every", "0")
        self.refuse(2, ["mini-batches"], "train", "parts", "-o", "refused", "--regime", "mini-batch", "--measure-error", "5")
        self.refuse(2, ["--plan-only"], "bench", "protocols", "parts", *SMALL, "--plan-only", "--protocols", "auto:error-budget=0.1")

    def test_what_is_computed_again_is_what_costs_less(self):
        def train(run, net, *more):
            return self.succeed("train", "parts", "-o", run, "--regime", "full-graph", "--model", "gcn", "--hidden", "16", "--protocol", "neutronstar",
                                "--epochs", "3", "--net", net, *more, ranks=2)
        self.assertIn("--plan recompute:", train("slow", "alpha_us=0,gbps=0.0001"))
        self.assertIn("--plan needed-rows", train("fast", "alpha_us=0,gbps=1000000"))
        settings = (self.folder / "slow/settings.toml").read_text()
        self.assertRegex(settings, r'plan = "recompute:\d+"')

    def test_a_training_under_mpi_sends_the_same_and_models_the_same_seconds(self):
        counted = self.rows("--plan-only", "--protocols", "quant:bits=8")["quant:bits=8"]
        self.succeed("train", "parts", "-o", "run", "--regime", "full-graph", "--protocol", "quant:bits=8", *SMALL, ranks=4)
        summary = json.loads((self.folder / "run/summary.json").read_text())
        self.assertAlmostEqual(summary["modelled_seconds_per_epoch"], counted["modelled_seconds"], places=12)
        halo = summary["ledger"]["halo"]
        sent = sum(halo[way][part] for way in ("forward", "backward") for part in ("payload_bytes", "header_bytes"))
        self.assertEqual(sent, 5 * counted["halo_bytes_per_epoch"])

    def test_table_csv_and_page_name_every_protocol(self):
        printed = self.succeed("bench", "protocols", "parts", *SMALL, "--plan-only", "--csv", "table.csv", "--html", "page.html")
        with open(self.folder / "table.csv", encoding="utf-8") as file:
            names = [row["protocol"] for row in csv.DictReader(file)]
        self.assertGreaterEqual(len(names), 10)
        page = (self.folder / "page.html").read_text()
        for name in names:
            self.assertIn(name, printed)
            self.assertIn(name, page)
        self.assertIn("<svg", page)

    def test_what_cannot_be_is_refused(self):
        self.refuse(2, ["pipegcn"], "bench", "protocols", "parts", "--protocols", "pipegnc")
        self.refuse(2, ["PARTS"], "bench", "protocols")
        self.refuse(2, ["one part"], "bench", "protocols", "store")
        self.refuse(2, ["alpha_us"], "bench", "protocols", "parts", "--net", "gbps=1")
        self.refuse(2, ["mpiexec"], "bench", "net")

    def test_net_fits_latency_and_bandwidth(self):
        figures = json.loads(self.succeed("bench", "net", "--repetitions", "3", "--json", "-", ranks=2))
        self.assertGreater(figures["inside_a_host_gbps"], 0)
        self.assertIn("alpha_us=", figures["inside_a_host_net"])

    def test_net_finds_the_network_that_is_emulated(self):
        self.succeed("bench", "net", "--repetitions", "3", "--net", "alpha_us=3000,gbps=0.4", "--emulate-net", "--json", "net.json", ranks=2)
        figures = json.loads((self.folder / "net.json").read_text())
        self.assertGreater(figures["inside_a_host_alpha_us"], 2500)  # a loaded machine adds to both
        self.assertLess(figures["inside_a_host_gbps"], 0.42)

    def test_training_on_an_emulated_network_is_the_same_training(self):
        def losses(run, *more):
            self.succeed("train", "parts", "-o", run, *SMALL, *more, ranks=2)
            return [json.loads(line)["loss"] for line in (self.folder / run / "metrics.jsonl").read_text().splitlines()]

        self.assertEqual(losses("as-it-is"), losses("emulated", "--emulate-net"))
        self.refuse(2, ["--emulate-net", "--net"], "train", "parts", "-o", "x", "--model", "gcn", "--emulate-net")


if __name__ == "__main__":
    unittest.main()
