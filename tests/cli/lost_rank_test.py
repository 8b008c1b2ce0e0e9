"""A rank that stops or dies: the job ends, and where Kith still runs it names who was lost in which operation."""
import json
import signal
import unittest

from launched import Launched
from workshop import Workshop

ENDLESS = ["-o", "run", "--epochs", "1000000", "--checkpoint-every", "0", "--no-progress-limit", "3"]
FULL_GRAPH = [*ENDLESS, "--regime", "full-graph", "--layers", "2", "--hidden", "8"]
MINI_BATCH = [*ENDLESS, "--model", "sage", "--fanout", "4,4", "--hidden", "8", "--batch-size", "16"]


class LostRank(Workshop):
    def parts(self):
        self.succeed("partition", self.store(), "-o", "parts", "-k", "2")
        return "parts"

    def lose(self, number, settings, launcher=()):
        """Sends rank 1 the signal in the third epoch; the exit code and what was printed."""
        with Launched(self.folder, "train", self.parts(), *settings, launcher=launcher) as job:
            job.wait_for_epochs(3)
            job.send(1, number)
            code = job.exit_code()
            self.assertFalse((self.folder / "run/DONE").exists())
            return code, job.said()

    def assert_named(self, said):
        self.assertRegex(said, r"ROOT CAUSE rank 0 host \S+: no progress for 3 s in '[^']+' \(.*\): "
                               r"waiting for rank 1 on host \S+")
        self.assertEqual(said.count("ROOT CAUSE"), 1, said)

    def test_a_stopped_rank_is_named_in_full_graph(self):
        code, said = self.lose(signal.SIGSTOP, FULL_GRAPH)
        self.assertEqual(code, 4, said)
        self.assert_named(said)

    def test_a_stopped_rank_is_named_in_mini_batches(self):
        code, said = self.lose(signal.SIGSTOP, MINI_BATCH)
        self.assertEqual(code, 4, said)
        self.assert_named(said)

    def test_mpiexec_ends_the_job_of_a_killed_rank(self):
        code, said = self.lose(signal.SIGKILL, FULL_GRAPH)
        self.assertNotEqual(code, 0, said)

    def test_without_auto_cleanup_the_job_ends_too(self):
        # Hydra may end the survivor, or leave it alone to find out by itself.
        code, said = self.lose(signal.SIGKILL, MINI_BATCH, launcher=["-disable-auto-cleanup"])
        self.assertNotIn(code, (0, 75), said)

    def test_a_run_of_a_killed_rank_goes_on_from_its_checkpoint(self):
        checkpointed = [*FULL_GRAPH, "--checkpoint-every", "1"]
        self.lose(signal.SIGKILL, checkpointed)
        epochs = (self.folder / "run/metrics.jsonl").read_text().count("\n")
        self.succeed("train", "parts", *checkpointed, "--epochs", str(epochs + 5), ranks=2)
        numbers = [json.loads(line)["epoch"] for line in (self.folder / "run/metrics.jsonl").read_text().splitlines()]
        self.assertEqual(numbers, list(range(1, epochs + 6)))


if __name__ == "__main__":
    unittest.main()
