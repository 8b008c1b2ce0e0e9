"""`kith export` and `kith infer` against PyTorch Geometric: the exported weights in PyG's own model give the logits that
Kith gives, on Cora, for every model, norm, residual and jumping knowledge that PyG has in the same shape. Needs torch,
torch_geometric and numpy, and Cora under KITH_DATA_DIR; says so and exits with 77 without.

    python3 -m venv VENV && VENV/bin/pip install torch==2.15.0 torch-geometric==2.8.1
    KITH_PYG_VENV=VENV KITH_DATA_DIR=… ctest --test-dir build -R pyg_export --verbose
"""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

VENV = os.environ.get("KITH_PYG_VENV")
if VENV and pathlib.Path(sys.prefix).resolve() != pathlib.Path(VENV).resolve():
    python = str(pathlib.Path(VENV) / "bin/python")
    os.execv(python, [python, *sys.argv])
KITH = os.environ.get("PROGRAM_UNDER_TEST", "kith")
PLANETOID = pathlib.Path(os.environ.get("KITH_DATA_DIR", "")) / "planetoid"
TOLERANCE = 1e-4
GAT = ["--hidden", "8", "--heads", "8", "--output-heads", "8"]
MODELS = {"gcn": ["--hidden", "16"], "sage": ["--hidden", "32"], "sage-max": ["--hidden", "32"], "gin": ["--hidden", "32"],
          "gat": GAT, "gatv2": GAT}
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

    def compare(self, model, *settings, pyg_model=None):
        run = "-".join([model, *(s.strip("-") for s in settings)])
        settings = ["--model", model, *settings]
        self.kith("train", "cora", "-o", run, "--regime", "full-graph", "--layers", "2", "--epochs", "20", "--seed",
                  "1", *settings)
        said = self.kith("export", run, "-o", f"{run}.safetensors")
        self.kith("infer", run, "-o", f"{run}.npy", "--logits", f"{run}-logits.npy")
        weights, metadata = load_safetensors(self.folder / f"{run}.safetensors")
        self.assertIn(metadata["pyg"], said)
        if pyg_model is None:
            pyg_model = eval(metadata["pyg"], {"torch_geometric": torch_geometric})
        pyg_model.load_state_dict(weights)
        pyg_model.eval()
        with torch.no_grad():
            expected = pyg_model(self.features, self.edges).numpy()
        logits = numpy.load(self.folder / f"{run}-logits.npy")
        difference = float(numpy.abs(logits - expected).max())
        print(f"{run}: largest difference of a logit {difference:.2e} (largest logit {numpy.abs(expected).max():.2f})")
        self.assertLess(difference, TOLERANCE)
        classes = numpy.load(self.folder / f"{run}.npy")
        self.assertGreater((classes == expected.argmax(1)).mean(), 0.999)

    def test_every_model(self):
        for model, settings in MODELS.items():
            with self.subTest(model=model):
                self.compare(model, *settings)

    def test_norms(self):
        for model in ("gcn", "sage", "sage-max", "gat", "gatv2"):  # PyG's GIN has norms inside its layers, too
            for norm in ("layer", "batch"):
                with self.subTest(model=model, norm=norm):
                    self.compare(model, *MODELS[model], "--norm", norm, "--layers", "3")

    def test_jumping_knowledge(self):
        for model in MODELS:
            for jk in ("cat", "max"):
                with self.subTest(model=model, jk=jk):
                    self.compare(model, *MODELS[model], "--jk", jk, "--layers", "3")
        self.compare("gat", *MODELS["gat"], "--jk", "cat", "--norm", "batch", "--output-heads", "1")

    def test_residual_attention(self):
        for model in ("gat", "gatv2"):
            with self.subTest(model=model):
                self.compare(model, *MODELS[model], "--residual", "--layers", "3")
        self.compare("gat", *MODELS["gat"], "--residual", "--jk", "max", "--norm", "layer")

    def test_one_layer(self):
        for model in MODELS:
            with self.subTest(model=model):
                self.compare(model, *MODELS[model], "--layers", "1")

    def test_gat_with_one_output_head(self):
        self.compare("gat", "--hidden", "8", "--heads", "8", pyg_model=gat_with_other_output_heads())

    def test_what_no_class_of_pyg_makes_is_described(self):
        for run, settings in {"residual-gcn": ["--model", "gcn", "--residual"],
                              "normed-gin": ["--model", "gin", "--norm", "layer"]}.items():
            self.kith("train", "cora", "-o", run, "--regime", "full-graph", "--epochs", "1", *settings)
            said = self.kith("export", run, "-o", f"{run}.safetensors")
            self.assertRegex(said, r"2 torch_geometric\.nn\.\w+ as \"convs\"")


def reason_to_skip():
    if torch is None:
        return "torch and torch_geometric are not installed; KITH_PYG_VENV names a virtual environment that has them"
    return None if PLANETOID.is_dir() else "KITH_DATA_DIR has no planetoid folder"


if __name__ == "__main__":
    if reason_to_skip():
        print(f"pyg_export_test: skipped: {reason_to_skip()}")
        sys.exit(77)
    unittest.main()
