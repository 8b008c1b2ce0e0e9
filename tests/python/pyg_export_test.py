"""`kith export` and `kith infer` against PyTorch Geometric: the exported weights in PyG's own model give the logits that
Kith gives, on Cora. Needs torch, torch_geometric and numpy, and Cora under KITH_DATA_DIR; skips, saying so, without.

    PROGRAM_UNDER_TEST=build/bin/kith KITH_DATA_DIR=… python3 tests/python/pyg_export_test.py
"""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

KITH = os.environ.get("PROGRAM_UNDER_TEST", "kith")
PLANETOID = pathlib.Path(os.environ.get("KITH_DATA_DIR", "")) / "planetoid"
TOLERANCE = 1e-4
try:
    import numpy
    import torch
    import torch_geometric
    import torch_geometric.nn as pyg
except ImportError:
    torch = None


def load_safetensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__")
    body = numpy.frombuffer(data[8 + length:], dtype="<f4")
    tensors = {}
    for name, entry in header.items():
        begin, end = (offset // 4 for offset in entry["data_offsets"])
        tensors[name] = torch.tensor(body[begin:end].reshape(entry["shape"]))
    return tensors, metadata


def gat_with_other_output_heads():
    """PyG's GAT has equal heads everywhere; Kith's default GAT has one in the last layer."""
    class Gat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = torch.nn.ModuleList([pyg.GATConv(1433, 8, heads=8), pyg.GATConv(64, 7, heads=1, concat=False)])

        def forward(self, x, edges):
            return self.convs[1](torch.nn.functional.elu(self.convs[0](x, edges)), edges)
    return Gat()


@unittest.skipIf(torch is None, "torch and torch_geometric are not installed")
@unittest.skipUnless(PLANETOID.is_dir(), "KITH_DATA_DIR has no planetoid folder")
class PygExport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-pyg-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.kith("prepare", str(PLANETOID), "-o", "cora", "--name", "cora", "--normalize-features", "row")
        load = lambda name: numpy.load(cls.folder / "cora" / f"{name}.npy")
        indptr, indices = load("indptr").astype("i8"), load("indices").astype("i8")
        rows = numpy.repeat(numpy.arange(len(indptr) - 1), numpy.diff(indptr))
        cls.edges = torch.tensor(numpy.stack([indices, rows]))  # source, destination
        cls.features = torch.tensor(load("features").astype("f4"))

    @classmethod
    def kith(cls, *arguments):
        done = subprocess.run([KITH, *arguments], cwd=cls.folder, capture_output=True, text=True,
                              env={**os.environ, "KITH_PROGRESS": "none"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def compare(self, run, model, *settings):
        self.kith("train", "cora", "-o", run, "--regime", "full-graph", "--layers", "2", "--epochs", "20", "--seed", "1",
                  *settings)
        said = self.kith("export", run, "-o", f"{run}.safetensors")
        self.kith("infer", run, "-o", f"{run}.npy", "--embeddings", f"{run}-logits.npy")
        weights, metadata = load_safetensors(self.folder / f"{run}.safetensors")
        if model is None:
            model = eval(metadata["pyg"], {"torch_geometric": torch_geometric})
            self.assertIn(metadata["pyg"], said)
        model.load_state_dict(weights)
        model.eval()
        with torch.no_grad():
            expected = model(self.features, self.edges).numpy()
        logits = numpy.load(self.folder / f"{run}-logits.npy")
        difference = float(numpy.abs(logits - expected).max())
        print(f"{run}: largest difference of a logit {difference:.2e} (largest logit {numpy.abs(expected).max():.2f})")
        self.assertLess(difference, TOLERANCE)
        classes = numpy.load(self.folder / f"{run}.npy")
        self.assertGreater((classes == expected.argmax(1)).mean(), 0.999)

    def test_gcn(self):
        self.compare("gcn", None, "--model", "gcn", "--hidden", "16")

    def test_sage(self):
        self.compare("sage", None, "--model", "sage", "--hidden", "32")

    def test_gat_with_equal_heads(self):
        self.compare("gat", None, "--model", "gat", "--hidden", "8", "--heads", "8", "--output-heads", "8")

    def test_gat_with_one_output_head(self):
        self.compare("gat-one-output", gat_with_other_output_heads(), "--model", "gat", "--hidden", "8", "--heads", "8")


if __name__ == "__main__":
    unittest.main()
