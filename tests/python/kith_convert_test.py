"""python/kith_convert against real pyarrow, torch_geometric and dgl objects: what it writes `kith verify` accepts, and it is
what `kith prepare` makes of the same arrays, checksum for checksum. A test whose package is missing is skipped, saying so.

    PROGRAM_UNDER_TEST=build/bin/kith python3 tests/python/kith_convert_test.py
"""
import importlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

os.environ.setdefault("DGLBACKEND", "pytorch")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python" / "kith_convert"))
KITH = os.environ.get("PROGRAM_UNDER_TEST", "kith")


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


np = module("numpy")
if np is not None:
    from kith_convert import ConvertError, from_arrays, from_dgl, from_parquet, from_pyg
    from kith_convert.__main__ import main
    from kith_convert.checksum import xxh64, xxh64_in_python


def needs(name):
    return unittest.skipIf(module(name) is None, f"no {name} here")


@needs("numpy")
class Convert(unittest.TestCase):
    """A directed graph with a loop, a double edge and an isolated node, and what is known of its nodes."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kith-convert-"))
        self.addCleanup(shutil.rmtree, self.folder)
        draws = np.random.default_rng(7)
        self.nodes = 50
        self.edges = draws.integers(0, self.nodes - 1, (2, 300))
        self.edges[:, 1] = self.edges[:, 0]
        self.edges[1, 2] = self.edges[0, 2]
        self.features = draws.standard_normal((self.nodes, 5)).astype(np.float32)
        self.labels = draws.integers(-1, 4, self.nodes)
        kinds = draws.integers(0, 4, self.nodes)
        self.masks = {name: kinds == number for number, name in enumerate(("train", "valid", "test"))}

    def kith(self, *arguments):
        done = subprocess.run([KITH, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def files(self, store):
        self.assertIn("whole", self.kith("verify", store))
        return json.loads((self.folder / store / "meta.json").read_text())["files"]

    def prepared(self, **arrays):
        """What kith prepare makes of the arrays of setUp."""
        raw = self.folder / "raw"
        raw.mkdir()
        everything = {"edges": self.edges, "features": self.features, "labels": self.labels, **self.masks, **arrays}
        for name, array in everything.items():
            if array is not None:
                np.save(raw / f"{name}.npy", array)
        self.kith("prepare", "raw", "-o", "wanted")
        return self.files("wanted")

    def expect_prepared(self, store, **arrays):
        self.assertEqual(self.files(store), self.prepared(**arrays))


class Arrays(Convert):
    def test_the_checksum_is_xxh64_by_any_way(self):
        known = {b"": 0xEF46DB3751D8E999, b"a": 0xD24EC4F1A98C6E5B, b"abc": 0x44BC2CF5AD770999}
        for data, value in known.items():
            self.assertEqual(xxh64_in_python(data), value)
            self.assertEqual(xxh64(data), value)
        for size in (31, 32, 33, 63, 64, 1000):
            data = np.random.default_rng(size).bytes(size)
            self.assertEqual(xxh64_in_python(data), xxh64(data))

    def test_a_store_is_what_kith_prepares(self):
        from_arrays(self.folder / "store", nodes=self.nodes, edges=self.edges, features=self.features, labels=self.labels,
                    **self.masks)
        self.expect_prepared("store")

    def test_weights_ids_halves_and_several_labels_are_kept(self):
        weights = np.arange(300, dtype=np.float32) / 7
        ids, halves = np.arange(self.nodes) * 3 + 1, self.features.astype(np.float16)
        several = np.where(self.features[:, :3] > 1, np.nan, self.features[:, :3] > 0).astype(np.float32)
        from_arrays(self.folder / "store", nodes=self.nodes, edges=self.edges, features=halves, labels=several,
                    edge_weights=weights, node_ids=ids, **self.masks)
        self.expect_prepared("store", features=halves, labels=several, edge_weights=weights, node_ids=ids)

    def test_names_are_kept(self):
        names = np.array([f"node {i}" for i in range(self.nodes)])
        from_arrays(self.folder / "store", nodes=self.nodes, edges=self.edges, node_ids=names)
        self.assertIn("node_names.npy", self.files("store"))

    def test_undirected_adds_the_reverse(self):
        meta = from_arrays(self.folder / "store", nodes=3, edges=([0, 1], [1, 2]), undirected=True)
        self.assertEqual((meta["edges"], meta["directed"]), (4, False))
        self.files("store")

    def test_what_is_wrong_is_named_and_nothing_is_written(self):
        good = {"nodes": 3, "edges": ([0, 1], [1, 2])}
        for words, bad in ((["destination", "entry 1", "3"], {"edges": ([0, 1], [1, 3])}),
                           (["features", "row 1", "nan"], {"features": [[0.], [np.nan], [1.]]}),
                           (["labels", "node 2", "-5"], {"labels": [0, 1, -5]}),
                           (["valid", "node 1"], {"train": [0, 1], "valid": [1]}),
                           (["features", "shape"], {"features": np.zeros((2, 2))}),
                           (["edge_weights", "1 weights"], {"edge_weights": [1.]})):
            with self.assertRaises(ConvertError) as caught:
                from_arrays(self.folder / "store", **{**good, **bad})
            for word in words:
                self.assertIn(word, str(caught.exception))
        self.assertEqual(list(self.folder.iterdir()), [])


@needs("torch_geometric")
class Pyg(Convert):
    def data(self, **more):
        import torch
        from torch_geometric.data import Data
        masks = {f"{'val' if name == 'valid' else name}_mask": torch.from_numpy(mask) for name, mask in self.masks.items()}
        return Data(x=torch.from_numpy(self.features), edge_index=torch.from_numpy(self.edges),
                    y=torch.from_numpy(self.labels), num_nodes=self.nodes, **masks, **more)

    def test_a_data_object(self):
        from_pyg(self.data(), self.folder / "store")
        self.expect_prepared("store")

    def test_a_saved_data_object(self):
        import torch
        torch.save(self.data(), self.folder / "data.pt")
        self.assertEqual(main(["pyg", str(self.folder / "data.pt"), "-o", str(self.folder / "store")]), 0)
        self.expect_prepared("store")

    def test_weights_come_along(self):
        import torch
        weights = np.arange(300, dtype=np.float32) / 7
        from_pyg(self.data(edge_weight=torch.from_numpy(weights)), self.folder / "store")
        self.expect_prepared("store", edge_weights=weights)

    def test_heterogeneous_data_is_refused_by_its_types(self):
        from torch_geometric.data import HeteroData
        data = HeteroData()
        data["user"].num_nodes = 2
        data["item"].num_nodes = 3
        with self.assertRaisesRegex(ConvertError, "user.*item"):
            from_pyg(data, self.folder / "store")


@needs("dgl")
class Dgl(Convert):
    def graph(self):
        import dgl
        import torch
        graph = dgl.graph((torch.from_numpy(self.edges[0]), torch.from_numpy(self.edges[1])), num_nodes=self.nodes)
        graph.ndata["feat"] = torch.from_numpy(self.features)
        graph.ndata["label"] = torch.from_numpy(self.labels)
        for name, mask in self.masks.items():
            graph.ndata[f"{'val' if name == 'valid' else name}_mask"] = torch.from_numpy(mask)
        return graph

    def test_a_graph(self):
        from_dgl(self.graph(), self.folder / "store")
        self.expect_prepared("store")

    def test_a_saved_graph(self):
        import dgl
        dgl.save_graphs(str(self.folder / "graphs.bin"), [self.graph()])
        self.assertEqual(main(["dgl", str(self.folder / "graphs.bin"), "-o", str(self.folder / "store")]), 0)
        self.expect_prepared("store")
        self.assertEqual(main(["dgl", str(self.folder / "graphs.bin"), "-o", str(self.folder / "s"), "--index", "1"]), 2)

    def test_graphbolt_reads_what_kith_exports(self):
        import dgl.graphbolt as gb
        from_dgl(self.graph(), self.folder / "store")
        self.kith("export", "store", "--format", "graphbolt", "-o", "bolt")
        data = gb.OnDiskDataset(str(self.folder / "bolt")).load()
        self.assertEqual(data.graph.total_num_nodes, self.nodes)
        indptr = np.load(self.folder / "store" / "indptr.npy")
        self.assertTrue(np.array_equal(data.graph.csc_indptr.numpy(), indptr))
        self.assertTrue(np.array_equal(data.feature.read("node", None, "feat").numpy(), self.features))

    def test_a_heterogeneous_graph_is_refused_by_its_types(self):
        import dgl
        graph = dgl.heterograph({("user", "likes", "item"): ([0], [1])})
        with self.assertRaisesRegex(ConvertError, "item.*user"):
            from_dgl(graph, self.folder / "store")


@needs("pyarrow")
class Parquet(Convert):
    def write(self, name, columns):
        import pyarrow
        import pyarrow.parquet
        pyarrow.parquet.write_table(pyarrow.table(columns), self.folder / name)
        return str(self.folder / name)

    def tables(self):
        ids = [f"n{i}" for i in range(self.nodes)]
        edges = self.write("edges.parquet", {"src": [ids[i] for i in self.edges[0]], "dst": [ids[i] for i in self.edges[1]]})
        split = ["train" if self.masks["train"][i] else "val" if self.masks["valid"][i] else
                 "test" if self.masks["test"][i] else None for i in range(self.nodes)]
        label = [None if one < 0 else int(one) for one in self.labels]
        columns = {f"f{i}": self.features[:, i] for i in range(5)}
        return edges, self.write("nodes.parquet", {"id": ids, "y": label, "split": split, "colour": ids, **columns})

    def test_edges_and_nodes(self):
        edges, nodes = self.tables()
        self.assertEqual(main(["parquet", edges, "--nodes", nodes, "--features", "f*", "-o", str(self.folder / "store")]), 0)
        made, wanted = self.files("store"), self.prepared()
        for name in wanted:
            self.assertEqual(made[name], wanted[name], name)
        self.assertIn("node_names.npy", made)

    def test_features_may_be_a_list_column(self):
        edges, _ = self.tables()
        nodes = self.write("nodes.parquet", {"id": [f"n{i}" for i in range(self.nodes)], "vector": list(self.features)})
        from_parquet(edges, self.folder / "store", nodes)
        self.assertEqual(self.files("store")["features.npy"], self.prepared()["features.npy"])

    def test_edges_alone_number_their_ids(self):
        edges = self.write("edges.parquet", {"a": [30, 10], "b": [10, 20]})
        self.assertEqual(from_parquet(edges, self.folder / "store")["nodes"], 3)
        self.assertEqual(np.load(self.folder / "store" / "node_ids.npy").tolist(), [10, 20, 30])

    def test_what_is_wrong_is_named(self):
        edges, nodes = self.tables()
        with self.assertRaisesRegex(ConvertError, "colour.*--features"):
            from_parquet(edges, self.folder / "store", nodes)
        bad = self.write("bad.parquet", {"src": ["n0"], "dst": ["n99"]})
        with self.assertRaisesRegex(ConvertError, "row 0: node n99"):
            from_parquet(bad, self.folder / "store", nodes, features="f*")
        with self.assertRaisesRegex(ConvertError, "no column 'from'"):
            from_parquet(edges, self.folder / "store", source="from")


if __name__ == "__main__":
    unittest.main()
