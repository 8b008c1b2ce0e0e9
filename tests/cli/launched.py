"""A job under mpiexec that a test can watch and disturb."""
import os
import pathlib
import signal
import subprocess
import time

from workshop import KITH, MPIEXEC, clean_environment

PATIENCE = 90  # seconds until a job that does not end is a failed test


def parent_of(stat):
    return int(stat.rsplit(")", 1)[1].split()[1])


def children_of(parent):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if parent_of(path.read_text()) == parent:
                found.append(int(path.parent.name))
        except (OSError, IndexError):
            pass  # it ended meanwhile
    return found


def descendants_of(parent):
    return [process for child in children_of(parent) for process in [child, *descendants_of(child)]]


def rank_of(process):
    variables = pathlib.Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    return next((int(v[9:]) for v in variables if v.startswith(b"PMI_RANK=")), None)


class Launched:
    """`kith` under mpiexec, in a folder; use as a context, which leaves no process behind."""

    def __init__(self, folder, *arguments, ranks=2, launcher=(), environment=None):
        self.folder = folder
        self.output = folder / "output"
        with self.output.open("w") as out:
            self.process = subprocess.Popen([MPIEXEC, *launcher, "-n", str(ranks), KITH, *arguments], cwd=folder,
                                            env=clean_environment(environment), stdout=out, stderr=out)
        self.known = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in [self.process.pid, *self.known, *descendants_of(self.process.pid)]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def said(self):
        return self.output.read_text()

    def wait_until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"no {what}; exit code {self.process.poll()}\n{self.said()}")
            time.sleep(0.01)

    def wait_for_epochs(self, count, run="run"):
        metrics = self.folder / run / "metrics.jsonl"
        self.wait_until(lambda: metrics.exists() and metrics.read_text().count("\n") >= count, f"epoch {count}")

    def process_of(self, rank):
        self.known.update(descendants_of(self.process.pid))
        [process] = [p for p in self.known if (pathlib.Path(f"/proc/{p}/cmdline").read_bytes()
                                               .startswith(KITH.encode() + b"\0")) and rank_of(p) == rank]
        return process

    def send(self, rank, number):
        """Sends the signal to one rank."""
        os.kill(self.process_of(rank), number)

    def send_until_the_end(self, ranks, number):
        """Sends the signal to these ranks over and over, as long as they live."""
        handles = [os.pidfd_open(self.process_of(rank)) for rank in range(ranks)]
        while self.process.poll() is None:
            for handle in handles:
                try:
                    signal.pidfd_send_signal(handle, number)
                except ProcessLookupError:
                    pass
            time.sleep(0.001)
        for handle in handles:
            os.close(handle)

    def exit_code(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the job does not end\n{self.said()}") from None
