#!/usr/bin/env python3
"""100 million edges, 1.6 GB of text, in an address space of 1 GiB: the same store as without a limit."""
import os
import resource
import shutil
import subprocess
import unittest

from workshop import KITH, Workshop, clean_environment

EDGES, NODES = 100_000_000, 9_999_991
DRAW = f"""BEGIN {{
  x = 1
  for (e = 0; e < {EDGES}; ++e) {{
    x = (x * 1103515245 + 12345) % 2147483648; a = x % {NODES}
    x = (x * 1103515245 + 12345) % 2147483648; printf "%d\\t%d\\n", a, x % {NODES}
  }}
}}"""


def one_gibibyte():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


@unittest.skipIf(shutil.disk_usage("/tmp").free < 6e9, "6 GB of disk are needed in /tmp")
class LargePrepare(Workshop):
    def test_a_limit_of_one_gibibyte_makes_the_same_store(self):
        with open(self.folder / "edges.tsv", "wb") as file:
            subprocess.run(["awk", DRAW], stdout=file, check=True)
        done = subprocess.run([KITH, "prepare", "edges.tsv", "-o", "limited"], cwd=self.folder,
                              env=clean_environment(), capture_output=True, text=True, preexec_fn=one_gibibyte)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{EDGES} edges", done.stdout)
        self.assertIn("sorted on disk", done.stdout)
        free = subprocess.run([KITH, "prepare", "edges.tsv", "-o", "free", "--memory-limit", "64G"], cwd=self.folder,
                              env=clean_environment(), capture_output=True, text=True)
        self.assertEqual(free.returncode, 0, free.stderr)
        for name in ("indptr.npy", "indices.npy"):
            same = subprocess.run(["cmp", f"limited/{name}", f"free/{name}"], cwd=self.folder)
            self.assertEqual(same.returncode, 0, name)


if __name__ == "__main__":
    os.environ.setdefault("KITH_PROGRESS", "none")
    unittest.main()
