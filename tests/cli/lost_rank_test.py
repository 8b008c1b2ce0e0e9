"""A rank that stops or dies: the job ends, and where Kith still runs it names who was lost in which operation."""
import json
import re
import shutil
import signal
import unittest

from launched import Launched
from workshop import Workshop

ENDLESS = ["-o", "run", "--epochs", "1000000", "--checkpoint-every", "0", "--no-progress-limit", "3"]
FULL_GRAPH = [*ENDLESS, "--regime", "full-graph", "--layers", "2", "--hidden", "8"]
MINI_BATCH = [*ENDLESS, "--model", "sage", "--fanout", "4,4", "--hidden", "8", "--batch-size", "16"]


class LostRank(Workshop):
    def parts(self):
        if (self.folder / "parts").exists():
            return "parts"
        self.succeed("partition", self.store(), "-o", "parts", "-k", "2")
        return "parts"

    def lose(self, number, settings, launcher=(), rank=1):
        """Sends the rank the signal in the third epoch; the exit code and what was printed."""
        with Launched(self.folder, "train", self.parts(), *settings, launcher=launcher) as job:
            job.wait_for_epochs(3)
            job.send(rank, number)
            code = job.exit_code()
            self.assertFalse((self.folder / "run/DONE").exists())
            return code, job.said()

    def assert_named(self, said, lost=1):
        self.assertRegex(said, rf"ROOT CAUSE rank {1 - lost} host \S+: no progress for 3 s in '[^']+' \(.*\): "
                               rf"waiting for rank {lost} on host \S+")
        self.assertEqual(said.count("ROOT CAUSE"), 1, said)

    def assert_last_operations(self, *ranks):
        """Every rank's file has its last operations, a killed one's too."""
        for rank in ranks:
            lines = sorted((self.folder / f"run/rank-{rank:05}.operations").read_text().splitlines())
            self.assertEqual({len(line) for line in lines}, {127})
            said = [line for line in lines if line.startswith("#")]
            self.assertGreater(len(said), 10)
            for line in said:
                self.assertRegex(line, r"^#\d{12} \d+\.\d{3} [\w -]+: [\w-]+ of \d+ bytes, (rank \d|all ranks), +"
                                       r"(done|under way) *$")
            numbers = [int(line[1:13]) for line in said]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

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
        self.assert_last_operations(0, 1)

    def test_survivors_name_a_killed_rank(self):
        # Two host names, hence two of Hydra's proxies: a proxy kills what is left on the dead rank's own host.
        apart = ["-disable-auto-cleanup", "-launcher", "fork", "-hosts", "localhost,127.0.0.1"]
        for settings, rank in ((FULL_GRAPH, 1), (MINI_BATCH, 1), (MINI_BATCH, 0)):
            with self.subTest(settings=settings, rank=rank):
                code, said = self.lose(signal.SIGKILL, settings, launcher=apart, rank=rank)
                self.assertEqual(code, 4, said)
                self.assert_named(said, lost=rank)
                self.assert_last_operations(0, 1)
            shutil.rmtree(self.folder / "run")

    def test_two_survivors_name_the_same_rank(self):
        self.succeed("partition", self.store(), "-o", "parts", "-k", "3")
        apart = ["-disable-auto-cleanup", "-launcher", "fork", "-hosts", "localhost,127.0.0.1,127.0.0.2"]
        with Launched(self.folder, "train", "parts", *FULL_GRAPH, launcher=apart, ranks=3) as job:
            job.wait_for_epochs(3)
            job.send(1, signal.SIGKILL)
            self.assertEqual(job.exit_code(), 4, job.said())
        for named in re.findall(r"ROOT CAUSE.*waiting for (.*?);", job.said()):
            self.assertRegex(named, r"^rank 1 on host \S+$", job.said())
        self.assertIn("ROOT CAUSE", job.said())

    def test_hydra_kills_the_survivors_on_the_dead_ranks_host(self):
        code, said = self.lose(signal.SIGKILL, MINI_BATCH, launcher=["-disable-auto-cleanup"])
        self.assertNotIn(code, (0, 75), said)
        self.assert_last_operations(0, 1)

    def test_a_run_of_a_killed_rank_goes_on_from_its_checkpoint(self):
        checkpointed = [*FULL_GRAPH, "--checkpoint-every", "1"]
        self.lose(signal.SIGKILL, checkpointed)
        epochs = (self.folder / "run/metrics.jsonl").read_text().count("\n")
        self.succeed("train", "parts", *checkpointed, "--epochs", str(epochs + 5), ranks=2)
        numbers = [json.loads(line)["epoch"] for line in (self.folder / "run/metrics.jsonl").read_text().splitlines()]
        self.assertEqual(numbers, list(range(1, epochs + 6)))


if __name__ == "__main__":
    unittest.main()
