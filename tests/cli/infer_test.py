"""infer, export and report: what a trained run is good for."""
import json
import struct
import unittest

from workshop import Workshop

MODELS = {"sage": [], "gcn": [], "gat": ["--heads", "2"]}


def read_npy(path):
    """The shape and the flat values of an int64 or fp32 array."""
    data = path.read_bytes()
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length])  # a dictionary literal that kith wrote
    letter = {"<i8": "q", "<f4": "f"}[header["descr"]]
    body = data[10 + length:]
    return header["shape"], struct.unpack(f"<{len(body) // (8 if letter == 'q' else 4)}{letter}", body)


def read_safetensors(path):
    """Flat fp32 values by name."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    body = data[8 + length:]
    entries = {name: entry["data_offsets"] for name, entry in json.loads(data[8:8 + length]).items() if name[0] != "_"}
    return {name: struct.unpack(f"<{(end - begin) // 4}f", body[begin:end]) for name, (begin, end) in entries.items()}


class Infer(Workshop):
    def train(self, data, model="sage", run="run", extra=()):
        self.succeed("train", data, "-o", run, "--model", model, "--regime", "full-graph", "--layers", "2", "--hidden",
                     "8", "--epochs", "4", "--seed", "3", *extra)
        return run

    def test_every_number_of_ranks_and_every_partition_says_the_same(self):
        store = self.store()
        for model, extra in MODELS.items():
            run = self.train(store, model, f"run-{model}", extra)
            self.succeed("infer", run, "-o", "one.npy", "--logits", "one-logits.npy", "--embeddings", "one-hidden.npy",
                         "--overwrite")
            expected = (self.folder / "one.npy").read_bytes()
            shape, logits = read_npy(self.folder / "one-logits.npy")
            self.assertEqual(shape, (300, 4))
            shape, hidden = read_npy(self.folder / "one-hidden.npy")
            self.assertEqual(shape, (300, 16 if model == "gat" else 8))
            for ranks, parts in ((1, 3), (2, 4), (3, 3)):
                if not (self.folder / f"k{parts}").exists():
                    self.succeed("partition", store, "-o", f"k{parts}", "-k", str(parts))
                self.succeed("infer", run, "--data", f"k{parts}", "-o", "many.npy", "--logits", "logits.npy", "--embeddings",
                             "hidden.npy", "--overwrite", ranks=ranks)
                self.assertEqual((self.folder / "many.npy").read_bytes(), expected, f"{model} on {ranks} ranks")
                for name, values in (("logits", logits), ("hidden", hidden)):
                    for a, b in zip(read_npy(self.folder / f"{name}.npy")[1], values, strict=True):
                        self.assertAlmostEqual(a, b, places=4, msg=name)

    def test_embeddings_are_what_the_last_layer_reads(self):
        store = self.store()
        # jumping knowledge ends in a linear layer: embedding · weight + bias must be the logits.
        for jk, width in (("cat", 24), ("max", 8)):
            run = self.train(store, "gcn", f"run-{jk}", ["--jk", jk, "--norm", "layer", "--layers", "3"])
            self.succeed("infer", run, "-o", "p.npy", "--embeddings", "e.npy", "--logits", "l.npy", "--overwrite")
            self.succeed("export", run, "-o", "w.safetensors", "--overwrite")
            shape, embeddings = read_npy(self.folder / "e.npy")
            self.assertEqual(shape, (300, width))
            weights = read_safetensors(self.folder / "w.safetensors")
            logits = read_npy(self.folder / "l.npy")[1]
            for node in range(0, 300, 7):
                row = embeddings[node * width:(node + 1) * width]
                for c in range(4):
                    weight = weights["lin.weight"][c * width:(c + 1) * width]
                    expected = weights["lin.bias"][c] + sum(x * w for x, w in zip(row, weight, strict=True))
                    self.assertAlmostEqual(logits[node * 4 + c], expected, places=4)

    def test_a_model_of_one_layer_reads_the_features(self):
        store = self.store()
        run = self.train(store, "gcn", "run", ["--layers", "1"])
        self.succeed("infer", run, "-o", "p.npy", "--embeddings", "e.npy")
        self.assertEqual(read_npy(self.folder / "e.npy"), read_npy(self.folder / store / "features.npy"))
        self.succeed("infer", run, "-o", "p.npy", "--embeddings", "e.csv", "--overwrite")
        head, *lines = (self.folder / "e.csv").read_text().splitlines()
        self.assertEqual(head, "node," + ",".join(map(str, range(8))))
        values = [float(value) for line in lines for value in line.split(",")[1:]]
        for wanted, found in zip(read_npy(self.folder / "e.npy")[1], values, strict=True):
            self.assertAlmostEqual(wanted, found, places=6)

    def test_the_accuracy_of_the_predictions_is_that_of_evaluate(self):
        store = self.store()
        run = self.train(store)
        self.succeed("infer", run, "-o", "classes.npy")
        shape, classes = read_npy(self.folder / "classes.npy")
        self.assertEqual(shape, (300,))
        labels = read_npy(self.folder / "store/labels.npy")[1]
        test = read_npy(self.folder / "store/test.npy")[1]
        right = sum(classes[node] == labels[node] for node in test)
        measured = json.loads(self.succeed("evaluate", run, "--json"))
        self.assertAlmostEqual(right / len(test), measured["test"]["accuracy"], places=9)

    def test_a_table_names_the_nodes_as_the_user_does(self):
        raw = self.npy_graph()
        self.write_npy(f"{raw}/node_ids.npy", "<i8", (5,), [70, 10, 50, 30, 20])
        self.succeed("prepare", raw, "-o", "ring")
        run = self.train("ring")
        self.succeed("infer", run, "-o", "p.npy")
        self.assertEqual(read_npy(self.folder / "p.ids.npy")[1], (70, 10, 50, 30, 20))
        classes = read_npy(self.folder / "p.npy")[1]
        self.succeed("infer", run, "-o", "p.csv")
        rows = (self.folder / "p.csv").read_text().split()
        self.assertEqual(rows, ["node,class", *(f"{n},{c}" for n, c in zip((70, 10, 50, 30, 20), classes))])

    def test_what_cannot_be_done_is_refused(self):
        run = self.train(self.store())
        self.refuse(2, [".npy or .csv"], "infer", run, "-o", "p.txt")
        self.refuse(2, ["nowhere"], "infer", run, "-o", "nowhere/p.npy")
        self.refuse(2, ["nowhere"], "infer", run, "-o", "p.npy", "--embeddings", "nowhere/e.npy")
        self.refuse(2, [".npy or .csv"], "infer", run, "-o", "p.npy", "--embeddings", "e.bin")
        self.refuse(2, ["not a run"], "infer", "store", "-o", "p.npy")
        self.succeed("generate", "planted", "-o", "wider", "--nodes", "50", "--degree", "4", "--communities", "4",
                     "--classes", "4", "--features", "9")
        self.refuse(2, ["9 features", "trained on 8"], "infer", run, "--data", "wider", "-o", "p.npy")
        self.write("taken.npy", "mine")
        self.refuse(2, ["taken.npy", "--overwrite"], "infer", run, "-o", "taken.npy")


class Export(Workshop):
    def test_the_weights_are_named_and_shaped_as_in_pyg(self):
        self.succeed("train", self.store(), "-o", "run", "--model", "gcn", "--regime", "full-graph", "--layers", "2",
                     "--hidden", "16", "--epochs", "2")
        said = self.succeed("export", "run", "-o", "model.safetensors")
        self.assertIn("GCN(in_channels=8, hidden_channels=16, num_layers=2, out_channels=4)", said)
        data = (self.folder / "model.safetensors").read_bytes()
        header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
        self.assertEqual({name: entry["shape"] for name, entry in header.items() if name != "__metadata__"},
                         {"convs.0.lin.weight": [16, 8], "convs.0.bias": [16], "convs.1.lin.weight": [4, 16],
                          "convs.1.bias": [4]})
        self.refuse(2, ["--overwrite"], "export", "run", "-o", "model.safetensors")


class Report(Workshop):
    def test_a_page_that_needs_nothing_else(self):
        self.succeed("partition", self.store(), "-o", "parts", "-k", "2")
        self.succeed("train", "parts", "-o", "run", "--fanout", "4,4", "--batch-size", "32", "--epochs", "3", ranks=2)
        page = self.folder / "run/report.html"
        text = page.read_text()
        page.unlink()
        self.succeed("report", "run")
        self.assertEqual(page.read_text(), text)
        for word in ("<svg", "rank 1", "forward", "features.wire.bytes", "batch-size", "best epoch"):
            self.assertIn(word, text)
        for word in ("http:", "https:", "<script", "<link", "@import", "nan"):
            self.assertNotIn(word, text)

    def test_an_unfinished_run_has_no_report(self):
        self.refuse(2, ["summary.json"], "report", self.store())


if __name__ == "__main__":
    unittest.main()
