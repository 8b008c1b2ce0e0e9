#!/usr/bin/env python3
"""100 million edges, 1.6 GB of text, in an address space of 1 GiB: the same store as without a limit. And more edges than
31 bits count."""
import os
import resource
import shutil
import subprocess
import unittest

from workshop import KITH, Workshop, clean_environment

NODES = 9_999_991


def draw(path, edges):
    """The same random edges everywhere, by a linear congruence."""
    program = f"""BEGIN {{
      x = 1
      for (e = 0; e < {edges}; ++e) {{
        x = (x * 1103515245 + 12345) % 2147483648; a = x % {NODES}
        x = (x * 1103515245 + 12345) % 2147483648; printf "%d\\t%d\\n", a, x % {NODES}
      }}
    }}"""
    with open(path, "wb") as file:
        subprocess.run(["awk", program], stdout=file, check=True)


def one_gibibyte():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


class LargePrepare(Workshop):
    def prepare(self, *arguments, limits=None):
        done = subprocess.run([KITH, "prepare", *arguments], cwd=self.folder, env=clean_environment(),
                              capture_output=True, text=True, preexec_fn=limits)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def assert_same_graph(self, one, other):
        for name in ("indptr.npy", "indices.npy"):
            same = subprocess.run(["cmp", f"{one}/{name}", f"{other}/{name}"], cwd=self.folder)
            self.assertEqual(same.returncode, 0, name)

    @unittest.skipIf(shutil.disk_usage("/tmp").free < 6e9, "6 GB of disk are needed in /tmp")
    def test_a_limit_of_one_gibibyte_makes_the_same_store(self):
        draw(self.folder / "edges.tsv", 100_000_000)
        limited = self.prepare("edges.tsv", "-o", "limited", limits=one_gibibyte)
        self.assertIn("100000000 edges", limited)
        self.assertIn("sorted on disk", limited)
        self.prepare("edges.tsv", "-o", "free", "--memory-limit", "64G")
        self.assert_same_graph("limited", "free")

    @unittest.skipIf(shutil.disk_usage("/tmp").free < 25e9, "25 GB of disk are needed in /tmp")
    def test_more_edges_than_31_bits_count_become_the_store_of_the_distinct_ones(self):
        lines, copies = 2_000_003, 1_100  # 2,200,003,300 edges, all but the first two million of them repeated
        draw(self.folder / "edges-0.tsv", lines)
        self.prepare("edges-0.tsv", "-o", "once", "--ids", "dense")
        for copy in range(1, copies):
            os.link(self.folder / "edges-0.tsv", self.folder / f"edges-{copy}.tsv")
        many = self.prepare("edges-*.tsv", "-o", "many", "--ids", "dense", "--memory-limit", "2G")
        self.assertIn(f"{lines * copies} edges", many)
        self.assertIn("sorted on disk", many)
        self.assert_same_graph("many", "once")


if __name__ == "__main__":
    os.environ.setdefault("KITH_PROGRESS", "none")
    unittest.main()
