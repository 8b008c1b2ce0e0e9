#!/usr/bin/env python3
"""Broken inputs of every format against the real program: exit code 2 for raw files and 5 for stores (or success where the damage
is harmless), a message that names the file, nothing left behind, and never a crash. mutations.py is what breaks them.

usage: corpus_test.py raw|stores|FORMAT…     all raw formats, or some by their names in samples.py; stores and parts"""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

from mutations import ANY, REFUSED, SAME, broken
from samples import all_samples
from stores import broken_stores

KITH = os.environ["PROGRAM_UNDER_TEST"]
SECONDS = 30 * int(os.environ.get("TEST_SLOWDOWN", "1"))
ENVIRONMENT = {**{name: value for name, value in os.environ.items() if not name.startswith("KITH_")}, "KITH_PROGRESS": "none"}
CRASHED = re.compile(r"Sanitizer|runtime error: |terminate called|Assertion|requirement")


def kith(folder, *arguments, prefix=()):
    threads = ["--threads", "1"] if arguments[0] in ("prepare", "partition", "verify") else []
    return subprocess.run([*prefix, KITH, *arguments, *threads], cwd=folder, env=ENVIRONMENT, capture_output=True,
                          timeout=SECONDS, text=True, errors="replace", check=False)


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*"))


def place(folder, files):
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def arrays_of(store):
    return json.loads((store / "meta.json").read_text())["files"]


class Sampled:
    """A sample in a folder of its own, and what its whole files make."""

    def __init__(self, sample, root):
        self.sample = sample
        self.folder = root / re.sub(r"\W+", "-", sample.name)
        place(self.folder, sample.files)
        done = kith(self.folder, "prepare", sample.raw, "-o", "store", *sample.arguments)
        self.fault = "" if done.returncode == 0 else f"{sample.name}: the whole files: {done.stderr}"
        if not self.fault:
            self.arrays = arrays_of(self.folder / "store")
            shutil.rmtree(self.folder / "store")

    def complaint(self, file, expected, line, prefix=()):
        """What is wrong with how the files as they now are were dealt with; "" when nothing is. And the exit code."""
        before = listing(self.folder)
        try:
            done = kith(self.folder, "prepare", self.sample.raw, "-o", "store", *self.sample.arguments, prefix=prefix)
        except subprocess.TimeoutExpired:
            return "no end in sight", -1
        made = listing(self.folder) != before
        arrays = None
        if done.returncode == 0:
            arrays = arrays_of(self.folder / "store")
            shutil.rmtree(self.folder / "store")
        return self.judged(done, file, expected, line, made, arrays), done.returncode

    def judged(self, done, file, expected, line, made, arrays):
        said = done.stderr.strip()
        if done.returncode not in (0, 2) or CRASHED.search(said):
            return f"exit code {done.returncode}: {said}"
        if done.returncode == 0:
            if expected == REFUSED:
                return "was read without a word"
            return "made another store" if expected == SAME and arrays != self.arrays else ""
        if expected == SAME:
            return f"was refused: {said}"
        if made:
            return "left something behind"
        names = [pathlib.Path(name).name for name in self.sample.files]
        if pathlib.Path(file).name not in said and not (line is None and any(name in said for name in [*names, self.sample.raw])):
            return f"the message names no file: {said}"
        if line is not None and f"{pathlib.Path(file).name}:{line}: " not in said:
            return f"the message does not name line {line}: {said}"
        return ""

    def bytes_broken(self):
        """(file, what was done, complaint, exit code) for every mutation of every file."""
        for file, kind in self.sample.broken.items():
            whole = self.sample.files[file]
            for what, data, expected, line in broken(kind, whole):
                (self.folder / file).write_bytes(data)
                expected = ANY if what == "empty" and "*" in self.sample.raw else expected  # one of many files may be
                yield file, what, *self.complaint(file, expected, line)
            (self.folder / file).write_bytes(whole)

    def files_broken(self):
        """The first file becomes something that is no readable file."""
        file = next(iter(self.sample.broken))
        path = self.folder / file
        kinds = {"a loop of links": lambda: path.symlink_to(path.name), "a link to nothing": lambda: path.symlink_to("nothing"),
                 "a folder": path.mkdir, "a pipe": lambda: os.mkfifo(path), "missing": lambda: None,
                 "a link to a device": lambda: path.symlink_to("/dev/zero")}
        for what, make in kinds.items():
            path.unlink()
            make()
            # A pattern names what there is, of files; an array of a folder may not be there.
            optional = what in ("missing", "a folder") and ("*" in self.sample.raw or "features" in file)
            yield file, what, *self.complaint(file, ANY if optional else REFUSED, None)
            if stat.S_ISDIR(os.lstat(path).st_mode) if os.path.lexists(path) else False:
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
            path.write_bytes(self.sample.files[file])
        # Root reads everything unless it gives up its capabilities.
        prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
        if not prefix or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
            path.chmod(0)
            yield file, "unreadable", *self.complaint(file, REFUSED, None, prefix)
            path.chmod(0o644)


def outcome_of(sample, root):
    sampled = Sampled(sample, root)
    if sampled.fault:
        return [(sample.name, "", "whole", sampled.fault, -1)]
    found = [(sample.name, *one) for one in sampled.bytes_broken()]
    return found + [(sample.name, *one) for one in sampled.files_broken()]


def main(wanted):
    root = pathlib.Path(tempfile.mkdtemp(prefix="kith-corpus-"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        samples = [sample for sample in all_samples() if "raw" in wanted or sample.name in wanted]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(outcome_of, sample, root) for sample in samples]
            if "stores" in wanted:
                jobs.append(pool.submit(broken_stores, kith, root / "stores"))
            outcomes = [outcome for job in jobs for outcome in job.result()]
    finally:
        shutil.rmtree(root)
    codes = collections.defaultdict(collections.Counter)
    for name, file, what, complaint, code in outcomes:
        codes[name][code] += 1
        if complaint:
            print(f"FAILED {name}: {file}: {what}: {complaint}")
    for name, counted in codes.items():
        print(f"{name:24}{sum(counted.values()):5} broken: " + ", ".join(f"{n} × exit {code}" for code, n in sorted(counted.items())))
    failed = sum(1 for outcome in outcomes if outcome[3])
    print(f"{len(outcomes)} broken inputs, {failed} dealt with wrongly")
    return 1 if failed or ("raw" in wanted and len(outcomes) < 300) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
