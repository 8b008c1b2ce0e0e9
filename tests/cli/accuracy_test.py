"""The recipes of examples/recipes reach the accuracy of the literature, one seed each (bench/accuracy has more)."""
import json
import os
import pathlib
import unittest

from workshop import Workshop

DATA = os.environ.get("KITH_DATA_DIR")
RECIPES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "recipes"
CORA = ["planetoid", "--name", "cora", "--normalize-features", "row"]
CITESEER = ["planetoid", "--name", "citeseer", "--normalize-features", "row"]
PHOTO = ["gnn-benchmark/amazon_electronics_photo.npz", "--largest-component", "--split", "per-class:20/30:1"]


@unittest.skipUnless(DATA, "KITH_DATA_DIR does not name the folder of the real graphs")
class Accuracy(Workshop):
    def reach(self, recipe, seed, raw, least, ranks=0):
        self.succeed("prepare", f"{DATA}/{raw[0]}", *raw[1:], "-o", "store")
        self.succeed("train", "store", "-o", "run", "--config", str(RECIPES / f"{recipe}.toml"), "--seed", str(seed),
                     "--checkpoint-every", "0", ranks=ranks)
        summary = json.loads((self.folder / "run" / "summary.json").read_text())
        self.assertGreaterEqual(100 * summary["test"]["accuracy"], least)

    def test_gcn_on_cora(self):
        self.reach("cora-gcn", 0, CORA, 81.0)

    def test_sage_on_cora_by_two_ranks(self):
        self.reach("cora-sage", 0, CORA, 80.0, ranks=2)

    def test_gat_on_cora(self):
        self.reach("cora-gat", 0, CORA, 82.0)

    def test_gcn_on_citeseer(self):
        self.reach("citeseer-gcn", 0, CITESEER, 70.0)

    def test_gcn_on_photo(self):
        self.reach("photo-gcn", 1, PHOTO, 90.5)


if __name__ == "__main__":
    unittest.main()
