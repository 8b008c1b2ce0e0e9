"""`kith train --trace`: RUN/trace.json in Chrome's trace-event format."""
import collections
import json
import signal
import unittest

from launched import Launched
from workshop import Workshop

MINI_BATCH = ["--model", "sage", "--fanout", "4,4", "--hidden", "16", "--batch-size", "32", "--seed", "1"]
FULL_GRAPH = ["--model", "gcn", "--regime", "full-graph", "--layers", "3", "--hidden", "16", "--seed", "1"]
NANOSECOND = 0.001  # of the file's microseconds


class Trace(Workshop):
    def parts(self):
        self.succeed("partition", self.store(), "-o", "parts", "-k", "2")
        return "parts"

    def read(self):
        trace = json.loads((self.folder / "run/trace.json").read_text())
        self.events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
        self.names = {(event["name"], event["pid"], event["tid"]): event["args"]["name"]
                      for event in trace["traceEvents"] if event["ph"] == "M"}
        self.ranks = trace["otherData"]["ranks"]
        return trace

    def assert_nested(self):
        """On one thread an event lies inside another or beside it."""
        threads = collections.defaultdict(list)
        for event in self.events:
            threads[event["pid"], event["tid"]].append((event["ts"], -event["dur"], event["name"]))
        for thread, events in threads.items():
            open_ends = []
            for begin, minus_duration, name in sorted(events):
                end = begin - minus_duration
                while open_ends and open_ends[-1][0] <= begin + NANOSECOND:
                    open_ends.pop()
                if open_ends:
                    self.assertLessEqual(end, open_ends[-1][0] + 2 * NANOSECOND, f"{name} in {open_ends[-1]}, {thread}")
                open_ends.append((end, name))

    def assert_the_same_seconds_as_the_ledger(self, *phases):
        seconds = json.loads((self.folder / "run/summary.json").read_text())["ledger"]["seconds"]
        for phase in phases:
            for rank, expected in enumerate(seconds[phase]["by_rank"]):
                events = [e["dur"] for e in self.events if e["name"] == phase and e["pid"] == rank]
                self.assertTrue(events, phase)
                self.assertAlmostEqual(sum(events) / 1e6, expected, delta=1e-9 * (len(events) + 1), msg=phase)

    def test_mini_batches_of_two_ranks(self):
        self.succeed("train", self.parts(), "-o", "run", *MINI_BATCH, "--epochs", "3", "--trace", ranks=2)
        self.read()
        self.assertEqual({event["pid"] for event in self.events}, {0, 1})
        for rank in (0, 1):
            self.assertRegex(self.names["process_name", rank, 0], rf"rank {rank} host \S+")
            self.assertEqual(self.names["thread_name", rank, 0], "training thread")
            self.assertEqual(self.names["thread_name", rank, 1], "prefetch thread")
        self.assert_nested()
        self.assert_the_same_seconds_as_the_ledger("load", "sample", "fetch", "batch_wait", "forward", "backward", "reduce",
                                                   "optimise", "evaluate", "checkpoint")
        self.assertEqual([rank["dropped_events"] for rank in self.ranks], [0, 0])
        self.assertEqual({e["args"]["epoch"] for e in self.events if e["name"] == "epoch"}, {1, 2, 3})
        steps = [e["args"]["step"] for e in self.events if e["name"] == "step" and e["pid"] == 1]
        self.assertEqual(steps, list(range(1, len(steps) + 1)))
        batches = [e for e in self.events if e["name"] == "batch"]
        self.assertEqual({e["tid"] for e in batches}, {1})
        self.assertTrue(all(e["args"]["bytes"] > 0 for e in self.events if e["name"] in ("fetch", "reduce")))

    def test_full_graph_of_two_ranks_has_the_halo_by_layer(self):
        self.succeed("train", self.parts(), "-o", "run", *FULL_GRAPH, "--epochs", "3", "--trace", ranks=2)
        self.read()
        self.assert_nested()
        self.assert_the_same_seconds_as_the_ledger("forward", "backward", "reduce", "optimise", "evaluate")
        for name in ("halo.start", "halo.wait"):
            found = [e["args"] for e in self.events if e["name"] == name and e["args"].get("layer", -1) > 0]
            self.assertEqual({args["layer"] for args in found}, {1, 2}, name)
            self.assertTrue(all(args["bytes"] > 0 and 1 <= args["step"] <= 3 for args in found), name)

    def test_the_clocks_of_the_ranks_agree(self):
        # No rank can end an epoch before another has begun it: each ends in a sum over both.
        self.succeed("train", self.parts(), "-o", "run", *MINI_BATCH, "--epochs", "4", "--trace", ranks=2)
        self.read()
        error = sum(rank["clock_error_us"] for rank in self.ranks)
        epochs = collections.defaultdict(list)
        for event in self.events:
            if event["name"] == "epoch":
                epochs[event["args"]["epoch"]].append((event["ts"], event["ts"] + event["dur"]))
        for first, second in epochs.values():
            self.assertLess(max(first[0], second[0]), min(first[1], second[1]) + error)
        for rank in self.ranks:
            self.assertLessEqual(abs(rank["clock_offset_us"]), rank["clock_error_us"])  # one host, one clock

    def test_what_does_not_fit_is_said(self):
        self.succeed("train", self.store(), "-o", "run", *MINI_BATCH, "--epochs", "3", "--trace", "--trace-events", "20")
        self.read()
        self.assertEqual(len(self.events), 20)
        self.assertGreater(self.ranks[0]["dropped_events"], 20)

    def test_a_run_that_is_stopped_has_its_trace(self):
        with Launched(self.folder, "train", self.parts(), "-o", "run", *FULL_GRAPH, "--epochs", "1000000",
                      "--checkpoint-every", "0", "--trace", "--trace-events", "500") as job:
            job.wait_for_epochs(3)
            job.send(1, signal.SIGTERM)
            self.assertEqual(job.exit_code(), 75, job.said())
        self.read()
        self.assertEqual({event["pid"] for event in self.events}, {0, 1})
        self.assert_nested()

    def test_none_unless_it_is_asked_for(self):
        self.succeed("train", self.store(), "-o", "run", *MINI_BATCH, "--epochs", "1")
        self.assertFalse((self.folder / "run/trace.json").exists())


if __name__ == "__main__":
    unittest.main()
