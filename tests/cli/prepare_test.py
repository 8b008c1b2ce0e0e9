#!/usr/bin/env python3
"""Preparing lists of edges: estimates, limits, and imports that are killed or meet a full disk."""
import os
import random
import resource
import signal
import subprocess
import time
import unittest

from workshop import KITH, Workshop, clean_environment


def size(text):
    value, unit = text
    return float(value) * {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


class Prepare(Workshop):
    def edges(self, name, count, nodes, text=""):
        draw = random.Random(5)
        # A line at a time: a child's peak memory begins with that of the process that started it.
        with open(self.folder / name, "w") as file:
            for _ in range(count):
                file.write(f"{text}{draw.randrange(nodes)}\t{text}{draw.randrange(nodes)}\n")
        return name

    def measured(self, *arguments):
        """Peak memory in bytes."""
        process = subprocess.Popen([KITH, *arguments], cwd=self.folder, env=clean_environment(),
                                   stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss * 1024

    def planned(self, *arguments):
        """Peak memory, temporary and final disk in bytes."""
        last = self.succeed("prepare", *arguments, "-o", "planned", "--dry-run").splitlines()[-1].split()
        self.assertEqual(last[0], "all")
        return [size(last[i:i + 2]) for i in (1, 3, 5)]

    def bytes_of(self, store):
        return sum(path.stat().st_size for path in (self.folder / store).iterdir())

    def test_a_dry_run_tells_memory_and_disk_within_a_quarter(self):
        for text in ("", "node-"):
            name = self.edges("edges.tsv", 3_000_000, 150_000, text)
            memory, _, disk = self.planned(name)
            self.assertFalse((self.folder / "planned").exists())
            used = self.measured("prepare", name, "-o", "store" + text)
            self.assertLess(abs(memory - used), used / 4, f"{text}: planned {memory:.3g}, used {used:.3g}")
            made = self.bytes_of("store" + text)
            self.assertLess(abs(disk - made), made / 4)

    def test_a_dry_run_tells_the_temporary_disk_within_a_quarter(self):
        name = self.edges("edges.tsv", 3_000_000, 150_000)
        limit = ("--memory-limit", "40M")
        _, temporary, _ = self.planned(name, *limit)
        process = subprocess.Popen([KITH, "prepare", name, "-o", "store", *limit], cwd=self.folder,
                                   env=clean_environment(), stdout=subprocess.DEVNULL)
        most = 0
        while process.poll() is None:
            most = max(most, self.spilled())
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.spilled(), 0)
        self.assertLess(abs(temporary - most), most / 4, f"planned {temporary:.3g}, used {most:.3g}")

    def spilled(self):
        """Bytes of files that are neither the raw ones nor a store's."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if not name.endswith((".npy", ".json", ".tsv")):
                    try:
                        total += os.stat(os.path.join(folder, name)).st_size
                    except FileNotFoundError:
                        pass
        return total

    def test_a_memory_limit_is_kept_and_makes_the_same_store(self):
        name = self.edges("edges.tsv", 2_000_000, 50_000)
        used = self.measured("prepare", name, "-o", "limited", "--memory-limit", "40M", "--undirected")
        self.assertLess(used, 60 << 20)
        self.succeed("prepare", name, "-o", "free", "--undirected")
        for path in (self.folder / "free").glob("*.npy"):
            self.assertEqual(path.read_bytes(), (self.folder / "limited" / path.name).read_bytes(), path.name)
        self.succeed("verify", "limited")

    def test_a_killed_import_leaves_the_old_store_and_the_next_run_clears_up(self):
        self.store("store")
        old = (self.folder / "store" / "meta.json").read_bytes()
        name = self.edges("edges.tsv", 1_500_000, 50_000)
        before = self.listing()
        for seconds, how in ((0.1, signal.SIGKILL), (0.4, signal.SIGINT), (0.7, signal.SIGKILL)):
            process = subprocess.Popen([KITH, "prepare", name, "-o", "store", "--overwrite", "--memory-limit", "20M"],
                                       cwd=self.folder, env=clean_environment(), stdout=subprocess.DEVNULL)
            time.sleep(seconds)
            process.send_signal(how)
            if process.wait() == 0:
                continue  # a fast machine was done
            # Whole in any case: the old one, or the new one when it was killed while the old was removed.
            self.succeed("verify", "store")
            found = (self.folder / "store" / "meta.json").read_bytes()
            self.assertTrue(found == old or b'"name": "edges"' in found)
            old = found
        self.succeed("prepare", name, "-o", "store", "--overwrite")
        self.succeed("verify", "store")
        left = [path for path in self.listing() if not path.startswith("store/") and path not in before]
        self.assertEqual(left, [])

    def test_a_full_disk_is_told_with_the_file(self):
        name = self.edges("edges.tsv", 400_000, 50_000)
        before = self.listing()
        for limit in ((), ("--memory-limit", "14M")):
            def bounded():
                resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            done = subprocess.run([KITH, "prepare", name, "-o", "store", *limit], cwd=self.folder,
                                  env=clean_environment(), capture_output=True, text=True, preexec_fn=bounded)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("more bytes", done.stderr)
            self.assertIn("store", done.stderr)
            self.assertEqual(self.listing(), before)

    def test_a_disk_that_is_full_is_told_with_what_is_needed_and_free(self):
        name = self.edges("edges.tsv", 400_000, 50_000)
        small = self.folder / "small"
        small.mkdir()
        script = f'mount -t tmpfs -o size=1m tmpfs small && {KITH} prepare {name} -o small/store; echo code $?; ls -A small'
        done = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", script], cwd=self.folder,
                              env=clean_environment(), capture_output=True, text=True)
        if "code" not in done.stdout:
            self.skipTest("a small file system cannot be mounted here: " + done.stderr.strip())
        self.assertEqual(done.stdout.split(), ["code", "2"], done.stdout + done.stderr)
        self.assertRegex(done.stderr, r"small/.*more bytes are needed, \d+ are free")

    def test_bad_lines_are_listed_or_skipped(self):
        name = self.write("e.csv", "a,b\nc\nd,e,f\ng,h\n")
        self.refuse(2, ["e.csv:2", "e.csv:3"], "prepare", name, "-o", "s", "--max-errors", "5")
        self.assertIn("2 bad lines were left out", self.succeed("prepare", name, "-o", "s", "--skip-bad-lines"))

    def test_a_pattern_names_many_files(self):
        for i in (1, 2, 10):
            self.write(f"part-{i}.csv", f"source,target\n{i},{i + 1}\n")
        told = self.succeed("prepare", "part-*.csv", "-o", "s")
        self.assertIn("3 files, from part-1.csv to part-10.csv", told)


if __name__ == "__main__":
    unittest.main()
