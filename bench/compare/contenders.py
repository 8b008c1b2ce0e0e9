"""Who takes part: each contender is a process that holds a graph and answers one JSON line per measurement.

Kith is called by its own command line; a peer by `worker_<peer>.py` in the environment where it is installed. A worker is asked on
standard input and answers on standard output: {"milliseconds": …} or {"skipped": "why"}.
"""

import atexit
import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


class Worker:
    """A peer's process. It is started once and keeps what it loaded, so that only the work asked for is timed."""

    def __init__(self, python, script, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), DGLBACKEND="pytorch",
                           KITH_COMPARE_THREADS=str(threads), PYTHONWARNINGS="ignore")
        self.process = subprocess.Popen([python, HERE / script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, env=environment)
        atexit.register(self.process.kill)  # an interrupted comparison leaves nobody at work

    def ask(self, question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        return {"skipped": f"ended with code {self.process.wait()}" + (" (killed, most likely for memory)"
                                                                      if self.process.returncode == -9 else "")}

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Contenders:
    """All that can be asked for on this machine."""

    def __init__(self, kith, peers, work):
        self.kith, self.peers, self.work = pathlib.Path(kith).resolve(), pathlib.Path(peers), pathlib.Path(work)

    def python(self, environment):
        python = self.peers / environment / "bin/python"
        return python if (self.peers / environment / "made").exists() else None

    def worker(self, environment, script, threads):
        python = self.python(environment)
        return Worker(python, script, threads) if python else None

    def run_kith(self, *arguments, ranks=1, **options):
        command = [str(self.kith), *map(str, arguments)]
        if ranks > 1:
            command = ["mpiexec", "-n", str(ranks), *command]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, KITH_PROGRESS="none"), **options)
        if done.returncode != 0:
            raise RuntimeError(" ".join(command) + "\n" + done.stdout + done.stderr)
        return done.stdout

    def kith_json(self, *arguments):
        out = self.run_kith(*arguments, "--json", "-")
        return json.loads(out[out.index("{"):])
