"""The batch script of `kith slurm`: its text, and what it does with an srun and an scontrol that play their parts."""
import os
import signal
import subprocess
import time
import unittest

from workshop import Workshop, clean_environment

# Drops srun's own flags and runs the program as the one task.
REAL_SRUN = 'while [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"\n'
STUBBORN_SRUN = "trap 'touch told; exit 75' USR1\ntouch started\nwhile :; do sleep 0.1; done\n"
SCONTROL = '[ "$1" = show ] && echo "RequeueExit             = $REQUEUE_EXIT"\n[ "$1" = requeue ] && touch "requeued-$2"\ntrue\n'


class Slurm(Workshop):
    def script(self, *flags):
        self.store()
        self.write("run.toml", 'data = "store"\noutput = "the run"\nmodel = "gcn"\nregime = "full-graph"\nepochs = 2\n')
        text = self.succeed("slurm", "run.toml", *flags)
        self.write("job.sh", text)
        return text

    def program(self, name, text):
        path = self.folder / self.write(f"bin/{name}", "#!/bin/bash\n" + text)
        path.chmod(0o755)

    def start(self, srun, requeue_exit=""):
        self.program("srun", srun)
        self.program("scontrol", SCONTROL)
        environment = clean_environment({"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "SLURM_JOB_ID": "7",
                                         "REQUEUE_EXIT": requeue_exit, "SLURM_CPUS_PER_TASK": "1"})
        return subprocess.Popen(["bash", "job.sh"], cwd=self.folder, env=environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def code(self, srun, **options):
        return self.start(srun, **options).wait(60)

    def test_the_text(self):
        text = self.script("--nodes", "3", "--ranks-per-node", "2", "--cpus-per-rank", "4", "--time", "1-12")
        for line in ("#SBATCH --nodes=3", "#SBATCH --ntasks-per-node=2", "#SBATCH --cpus-per-task=4",
                     "#SBATCH --time=1-12", "#SBATCH --requeue", "#SBATCH --signal=B:USR1@60",
                     f"#SBATCH --chdir={self.folder.resolve()}", "run='the run'"):
            self.assertIn(line + "\n", text)
        self.assertIn("srun -K1 --wait=30 --mpi=pmi2 ", text)
        subprocess.run(["bash", "-n", "job.sh"], cwd=self.folder, check=True)

    def test_a_job_that_finishes_is_not_run_again(self):
        self.script()
        self.assertEqual(self.code(REAL_SRUN), 0)
        self.assertTrue((self.folder / "the run/DONE").exists())
        self.assertEqual(self.code("exit 1\n"), 0)

    def test_a_lost_step_asks_for_the_queue(self):
        self.script()
        self.assertEqual(self.code("exit 137\n"), 75)
        self.assertTrue((self.folder / "requeued-7").exists())

    def test_a_cluster_that_requeues_by_itself_is_not_asked(self):
        self.script()
        self.assertEqual(self.code("exit 0\n", requeue_exit="4,75"), 75)
        self.assertFalse((self.folder / "requeued-7").exists())

    def test_bad_input_is_not_tried_again(self):
        self.script()
        self.assertEqual(self.code("exit 2\n"), 2)
        self.assertFalse((self.folder / "requeued-7").exists())

    def test_a_signal_reaches_the_step(self):
        self.script()
        job = self.start(STUBBORN_SRUN)
        end = time.monotonic() + 30
        while not (self.folder / "started").exists() and time.monotonic() < end:
            time.sleep(0.05)
        job.send_signal(signal.SIGUSR1)
        self.assertEqual(job.wait(60), 75)
        self.assertTrue((self.folder / "told").exists())

    def test_refusals(self):
        self.script()
        self.refuse(2, ["1 hour", "time limit"], "slurm", "run.toml", "--time", "1 hour")
        self.refuse(2, ["nodes"], "slurm", "run.toml", "--nodes", "0")
        self.refuse(2, ["missing.toml"], "slurm", "missing.toml")
        self.write("typo.toml", 'data = "store"\noutput = "r"\nfanuot = "3"\n')
        self.refuse(2, ["typo.toml:3", "fanout"], "slurm", "typo.toml")
        self.write("bare.toml", 'data = "store"\n')
        self.refuse(2, ["output"], "slurm", "bare.toml")


if __name__ == "__main__":
    unittest.main()
