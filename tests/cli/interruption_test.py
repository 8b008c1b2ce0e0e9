"""A run that is asked to stop: all ranks checkpoint at one step and leave with 75, and the same command ends as if
nothing had happened."""
import json
import signal
import time
import unittest

from launched import Launched
from workshop import GRAPH, Workshop

FULL_GRAPH = ["-o", "run", "--regime", "full-graph", "--layers", "2", "--hidden", "16", "--epochs", "900",
              "--dropout", "0.3", "--seed", "5", "--checkpoint-every", "1000", "--threads", "1"]
# Hundreds of steps an epoch, so that a signal falls inside one.
MINI_BATCH = ["-o", "run", "--model", "sage", "--fanout", "4,4", "--hidden", "16", "--batch-size", "2", "--epochs", "60",
              "--eval-every", "20", "--dropout", "0.3", "--seed", "5", "--threads", "1"]


def without_seconds(text):
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        line.pop("seconds")
    return lines


class Interruption(Workshop):
    def store(self, name="store"):
        self.succeed("generate", "planted", "-o", name, *GRAPH, "--nodes", "4000")
        return name

    def parts(self, k=2, name="parts", **options):
        if not (self.folder / "store").exists():
            self.store()
        self.succeed("partition", "store", "-o", name, "-k", str(k), *options.get("more", []))
        return name

    def metrics(self, run="run"):
        return without_seconds((self.folder / run / "metrics.jsonl").read_text())

    def uninterrupted(self, settings):
        self.succeed("train", self.parts(), *settings, ranks=2)
        (self.folder / "run").rename(self.folder / "whole")

    def stop(self, settings, number, rank=1, epochs=1, environment=None):
        """Interrupts a run and gives what it printed."""
        with Launched(self.folder, "train", "parts", *settings, environment=environment) as job:
            job.wait_for_epochs(epochs)
            job.send(rank, number)
            self.assertEqual(job.exit_code(), 75, job.said())
            self.assertFalse((self.folder / "run/DONE").exists())
            self.assertIn("run the same command again to continue", job.said())
            self.assertNotIn("ROOT CAUSE", job.said())
            return job.said()

    def assert_same_as_whole(self):
        self.assertEqual(self.metrics(), self.metrics("whole"))
        self.assertEqual((self.folder / "run/best.safetensors").read_bytes(),
                         (self.folder / "whole/best.safetensors").read_bytes())

    def test_full_graph_continues_bit_for_bit(self):
        self.uninterrupted(FULL_GRAPH)
        said = self.stop(FULL_GRAPH, signal.SIGUSR1)
        self.assertIn("SIGUSR1: checkpointed after epoch", said)
        self.assertLess(len(self.metrics()), 900)
        self.succeed("train", "parts", *FULL_GRAPH, ranks=2)
        self.assert_same_as_whole()

    def test_mini_batches_continue_bit_for_bit_inside_an_epoch(self):
        self.uninterrupted(MINI_BATCH)
        said = self.stop(MINI_BATCH, signal.SIGTERM, rank=0)
        self.assertRegex(said, r"SIGTERM: checkpointed after epoch \d+")
        self.succeed("train", "parts", *MINI_BATCH, ranks=2)
        self.assert_same_as_whole()

    def test_a_cut_checkpoint_is_passed_over_by_name_for_the_one_before(self):
        self.parts()
        settings = [*FULL_GRAPH, "--checkpoint-every", "1"]
        self.stop(settings, signal.SIGTERM, epochs=4)
        before, newest = sorted((self.folder / "run/checkpoints").iterdir())
        with newest.open("r+b") as file:
            file.truncate(newest.stat().st_size - 1)
        epoch = int(before.stem.removeprefix("epoch-"))
        done = self.kith("train", "parts", *settings, "--epochs", str(epoch + 3), ranks=2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, rf"damaged checkpoint passed over: \S*{newest.name}: ")
        self.assertIn(f"resumed after epoch {epoch}", done.stderr)
        self.assertEqual([line["epoch"] for line in self.metrics()], list(range(1, epoch + 4)))

    def test_signals_that_come_while_it_leaves_change_nothing(self):
        self.parts()
        with Launched(self.folder, "train", "parts", *FULL_GRAPH) as job:
            job.wait_for_epochs(1)
            job.send_until_the_end(2, signal.SIGTERM)
            self.assertEqual(job.exit_code(), 75, job.said())
            self.assertIn("SIGTERM: checkpointed after epoch", job.said())

    def test_usr2_stops_inside_slurm(self):
        self.parts()
        inside = {"SLURM_JOB_ID": "1", "SLURM_JOB_END_TIME": str(int(time.time()) + 3600), "PATH": "/usr/bin:/bin"}
        said = self.stop(FULL_GRAPH, signal.SIGUSR2, environment=inside)
        self.assertIn("SIGUSR2", said)

    def test_the_run_ends_before_its_end_time(self):
        self.parts()
        endless = [*FULL_GRAPH, "--epochs", "1000000", "--end-time", str(int(time.time()) + 8)]
        done = self.kith("train", "parts", *endless, ranks=2)
        self.assertEqual(done.returncode, 75, done.stderr)
        self.assertIn("the job's end is near: checkpointed", done.stderr)

    def test_an_end_time_that_is_none_or_over_is_refused(self):
        store = self.store()
        self.refuse(2, ["end-time", "tomorrow"], "train", store, *FULL_GRAPH, "--end-time", "tomorrow")
        self.refuse(2, ["is over"], "train", store, *FULL_GRAPH, "--end-time", "2001-01-01T12:00")

    def resumed_elsewhere(self, settings, tolerance):
        """Stops on two ranks, goes on with three and another partitioning."""
        self.uninterrupted(settings)
        self.stop(settings, signal.SIGUSR1)
        self.parts(3, "three", more=["--method", "random"])
        self.succeed("train", "three", *settings, ranks=3)
        self.assertEqual(len(self.metrics()), len(self.metrics("whole")))
        # Sums in another order differ in the last bits, and training lets such differences grow.
        for mine, whole in list(zip(self.metrics(), self.metrics("whole")))[:100]:
            self.assertEqual(mine["epoch"], whole["epoch"])
            self.assertAlmostEqual(mine["loss"], whole["loss"], delta=tolerance * max(1, abs(whole["loss"])))

    def test_full_graph_goes_on_with_other_parts(self):
        self.resumed_elsewhere(FULL_GRAPH, 1e-4)

    def test_mini_batches_go_on_with_other_parts(self):
        self.resumed_elsewhere(MINI_BATCH, 1e-4)


if __name__ == "__main__":
    unittest.main()
