"""A temporary folder to run kith in, and raw files to feed it."""
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

KITH = os.environ["PROGRAM_UNDER_TEST"]
MPIEXEC = os.environ.get("MPIEXEC_UNDER_TEST", "mpiexec")
GRAPH = ["--nodes", "300", "--degree", "8", "--communities", "4", "--classes", "4", "--features", "8"]


def clean_environment(extra=None):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KITH_")}
    return {**kept, "KITH_PROGRESS": "none", **(extra or {})}


class Workshop(unittest.TestCase):
    """Each test runs in an empty folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def kith(self, *arguments, ranks=0, environment=None):
        launcher = [MPIEXEC, "-n", str(ranks)] if ranks else []
        return subprocess.run([*launcher, KITH, *arguments], cwd=self.folder, env=clean_environment(environment),
                              capture_output=True, text=True, timeout=250)

    def succeed(self, *arguments, **options):
        done = self.kith(*arguments, **options)
        self.assertEqual(done.returncode, 0, f"kith {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def refuse(self, code, words, *arguments, **options):
        """Exit code, every word on standard error, and no trace in the folder."""
        before = self.listing()
        done = self.kith(*arguments, **options)
        self.assertEqual(done.returncode, code, f"kith {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(self.listing(), before, "a refused command left something behind")
        return done.stderr

    def listing(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))

    def store(self, name="store"):
        self.succeed("generate", "planted", "-o", name, *GRAPH)
        return name

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    def write_npy(self, name, kind, shape, values):
        """kind: '<f4', '<i8'; values: row by row."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        letter = {"<f4": "f", "<i8": "q"}[kind]
        path.write_bytes(npy_header(kind, shape) + struct.pack(f"<{len(values)}{letter}", *values))

    def npy_graph(self, name="raw"):
        """Five nodes in a ring: edges, features, labels, splits."""
        ring = [0, 1, 2, 3, 4]
        self.write_npy(f"{name}/edges.npy", "<i8", (2, 5), ring + [1, 2, 3, 4, 0])
        self.write_npy(f"{name}/features.npy", "<f4", (5, 2), [0.5] * 10)
        self.write_npy(f"{name}/labels.npy", "<i8", (5,), [0, 1, 0, 1, 0])
        self.write_npy(f"{name}/train.npy", "<i8", (2,), [0, 1])
        self.write_npy(f"{name}/valid.npy", "<i8", (1,), [2])
        self.write_npy(f"{name}/test.npy", "<i8", (2,), [3, 4])
        return name


def npy_header(kind, shape):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
