"""generate, prepare, partition, inspect and verify: what they make, and what they refuse."""
import json
import os
import pathlib
import struct
import unittest

from workshop import GRAPH, Workshop, npy_header


class Make(Workshop):
    def test_generate_partition_inspect_verify(self):
        store = self.store()
        facts = json.loads(self.succeed("inspect", store, "--json"))
        self.assertEqual(facts["nodes"], 300)
        self.assertIn("300", self.succeed("inspect", store))
        report = self.succeed("partition", store, "-o", "parts", "-k", "3", "--balance", "nodes,edges,train")
        for word in ["cut edges", "halo rows", "train"]:
            self.assertIn(word, report)
        parts = json.loads(self.succeed("inspect", "parts", "--json"))
        self.assertIn("3", str(parts))
        for folder in (store, "parts"):
            self.assertIn("whole", self.succeed("verify", folder))

    def test_what_preparing_left_out(self):
        # 0-1 twice and once the other way round, a self-loop, and 1-2.
        self.write("edges.txt", "0 1\n0 1\n1 0\n2 2\n1 2\n")
        self.succeed("prepare", "edges.txt", "-o", "store", "--undirected", "--self-loops", "drop")
        facts = json.loads(self.succeed("inspect", "store", "--json"))
        self.assertEqual((facts["raw_edges"], facts["self_loops_removed"], facts["edges_merged"]), (5, 1, 2))
        self.assertEqual((facts["components"], facts["reciprocity"]), (1, 1.0))

    def test_one_page_of_the_figures(self):
        self.succeed("generate", "planted", "-o", "a & b", *GRAPH)
        self.succeed("partition", "a & b", "-o", "parts", "-k", "3")
        for name, words in {"a & b": ["In-degrees", "Classes by size", "Memory to train in full graph, one rank"],
                            "parts": ["Edges between parts", "Halo rows and edges by part", "the fullest of 3 ranks"]}.items():
            text = self.succeed("inspect", name, "--html", "page.html")
            self.assertIn("wrote page.html", text)
            self.assertIn("memory to train", text)
            page = (self.folder / "page.html").read_text()
            for word in words:
                self.assertIn(word, page)
            for elsewhere in ["http:", "https:", "<script", "<link", "@import", "url("]:
                self.assertNotIn(elsewhere, page)
            self.assertNotIn("a & b", page)
            facts = json.loads(self.succeed("inspect", name, "--json"))
            self.assertEqual(facts["memory_ranks"], 1 if name == "a & b" else 3)
            self.assertEqual({one["regime"] for one in facts["memory"]}, {"full-graph", "mini-batch"})
            for one in facts["memory"]:
                self.assertGreaterEqual(one["peak_bytes"], one["needed_bytes"])
        many = json.loads(self.succeed("inspect", "a & b", "--json", "--estimate-ranks", "4"))
        self.assertEqual(many["memory_ranks"], 4)

    def test_the_memory_of_inspect_is_that_of_train(self):
        store = self.store()
        facts = json.loads(self.succeed("inspect", store, "--json"))
        (full,) = [one for one in facts["memory"] if (one["model"], one["regime"]) == ("gcn", "full-graph")]
        text = self.succeed("train", store, "--estimate", "--model", "gcn", "--regime", "full-graph")
        total = next(line for line in text.splitlines() if line.startswith("  total"))
        self.assertAlmostEqual(float(total.split()[1]) * 1e6 / full["peak_bytes"], 1, delta=0.1)

    def test_every_method_cuts(self):
        store = self.store()
        for method in ("metis", "random", "range"):
            self.succeed("partition", store, "-o", method, "-k", "2", "--method", method)

    def test_one_part_is_fine(self):
        self.succeed("partition", self.store(), "-o", "parts", "-k", "1")

    def test_an_assignment_file_decides(self):
        self.write("half.txt", "".join(f"{node % 2}\n" for node in range(300)))
        self.succeed("partition", self.store(), "-o", "parts", "-k", "2", "--assignment", "half.txt")

    def test_levels_number_the_parts_of_a_host_one_after_the_other(self):
        said = self.succeed("partition", self.store(), "-o", "parts", "--levels", "hosts=2,gpus=2")
        self.assertIn("between     2 hosts", said)
        meta = json.loads((self.folder / "parts/partition.json").read_text())
        self.assertEqual(meta["k"], 4)
        hosts, gpus = meta["levels"]
        self.assertEqual((gpus["groups"], gpus["cut_edges"], gpus["communication_volume"]),
                         (4, meta["quality"]["cut_edges"], meta["quality"]["communication_volume"]))
        self.assertLess(hosts["cut_edges"], gpus["cut_edges"])
        self.assertIn("hosts", self.succeed("inspect", "parts"))
        self.succeed("verify", "parts")
        self.refuse(2, ["4 parts", "--k"], "partition", "store", "-o", "other", "--levels", "hosts=2,gpus=2", "-k", "3")

    def test_plain_arrays_are_imported(self):
        self.succeed("prepare", self.npy_graph(), "-o", "store")
        facts = json.loads(self.succeed("inspect", "store", "--json"))
        self.assertEqual(facts["nodes"], 5)

    def test_edge_lists_are_imported(self):
        self.write("ring.txt", "# a ring\n0 1\n1 2\n2 0\n")
        self.succeed("prepare", "ring.txt", "-o", "store", "--undirected")
        self.assertEqual(json.loads(self.succeed("inspect", "store", "--json"))["edges"], 6)

    def test_an_existing_output_is_kept_unless_overwritten(self):
        store = self.store()
        self.refuse(2, ["exists", "--overwrite"], "generate", "planted", "-o", store, *GRAPH)
        self.succeed("generate", "planted", "-o", store, *GRAPH[2:], "--nodes", "100", "--overwrite")
        self.assertEqual(json.loads(self.succeed("inspect", store, "--json"))["nodes"], 100)

    def test_a_folder_kith_did_not_make_is_never_overwritten(self):
        self.write("precious/thesis.txt", "years of work")
        self.refuse(2, ["precious"], "generate", "planted", "-o", "precious", *GRAPH, "--overwrite")


class Export(Workshop):
    """What is exported is prepared again to the same arrays, checksum for checksum."""

    def files(self, store):
        return json.loads((self.folder / store / "meta.json").read_text())["files"]

    def test_every_format_makes_the_same_store_again(self):
        store = self.store()
        before = self.files(store)
        for format, out, raw, graph_only in (("npy", "npy", "npy", False), ("ogb", "ogb", "ogb", False),
                                             ("graphbolt", "bolt", "bolt", False), ("metis", "a.graph", "a.graph", True),
                                             ("mtx", "a.mtx", "a.mtx", True), ("edges", "text", "text/edges.csv", False)):
            self.succeed("export", store, "--format", format, "-o", out)
            nodes = ["--nodes", "text/nodes.csv"] if format == "edges" else []
            self.succeed("prepare", raw, "-o", f"again-{format}", *nodes)
            after = self.files(f"again-{format}")
            for name in ("indptr.npy", "indices.npy") if graph_only else before:
                self.assertEqual(after.get(name), before[name], f"{format}: {name}")

    def test_an_assignment_makes_the_same_parts_again(self):
        store = self.store()
        self.succeed("partition", store, "-o", "parts", "-k", "3", "--method", "random")
        first = json.loads((self.folder / "parts/partition.json").read_text())["fingerprint"]
        for name in ("a.npy", "a.txt"):
            self.succeed("export", "parts", "--assignment", name)
            self.succeed("partition", store, "-o", f"of-{name}", "-k", "3", "--assignment", name)
            self.assertEqual(json.loads((self.folder / f"of-{name}/partition.json").read_text())["fingerprint"], first)

    def test_what_does_not_fit_is_refused(self):
        store = self.store()
        self.refuse(2, ["--format"], "export", store, "-o", "x")
        self.refuse(2, ["did you mean", "mtx"], "export", store, "--format", "mxt", "-o", "x")
        self.succeed("export", store, "--format", "mtx", "-o", "a.mtx")
        self.refuse(2, ["a.mtx", "exists"], "export", store, "--format", "mtx", "-o", "a.mtx")
        self.succeed("partition", store, "-o", "parts", "-k", "2", "--method", "random")
        self.refuse(2, ["--assignment"], "export", "parts", "-o", "x")
        self.refuse(2, ["--format", "partitioned"], "export", "parts", "--format", "mtx", "-o", "x")


class NodeTables(Workshop):
    def test_a_table_beside_the_edges(self):
        self.write("edges.csv", "src,dst\na,b\nb,c\n")
        self.write("nodes.csv", "name,kind,age,split\nc,cat,3,test\na,dog,1.5,train\nd,,0,\nb,cat,2,val\n")
        self.succeed("prepare", "edges.csv", "-o", "store", "--nodes", "nodes.csv", "--node-id", "name", "--label", "kind",
                     "--features", "age", "--feature-dtype", "fp16")
        facts = json.loads(self.succeed("inspect", "store", "--json"))
        self.assertEqual((facts["nodes"], facts["features"]["dtype"], facts["classes"]), (4, "fp16", 2))
        self.assertIn("whole", self.succeed("verify", "store"))
        self.refuse(2, ["nodes.csv:2", "cat", "--features"], "prepare", "edges.csv", "-o", "s", "--nodes", "nodes.csv",
                    "--node-id", "name")


class RefuseArrays(Workshop):
    """Each test spoils one array of a good graph."""

    def setUp(self):
        super().setUp()
        self.npy_graph()

    def expect(self, *words):
        self.refuse(2, words, "prepare", "raw", "-o", "store")

    def test_an_id_out_of_range(self):
        self.write_npy("raw/edges.npy", "<i8", (2, 5), [0, 1, 2, 3, 7, 1, 2, 3, 4, 0])
        self.expect("edges.npy", "7")

    def test_a_negative_id(self):
        self.write_npy("raw/edges.npy", "<i8", (2, 5), [0, 1, 2, 3, -4, 1, 2, 3, 4, 0])
        self.expect("edges.npy", "-4")

    def test_a_feature_that_is_not_finite(self):
        for bad in (float("nan"), float("inf")):
            self.write_npy("raw/features.npy", "<f4", (5, 2), [0.5] * 7 + [bad] + [0.5] * 2)
            self.expect("features.npy", "3")

    def test_a_label_out_of_range(self):
        self.write_npy("raw/labels.npy", "<i8", (5,), [0, 1, 0, -7, 0])
        self.expect("labels.npy", "-7")

    def test_feature_rows_that_are_not_the_nodes(self):
        self.write_npy("raw/features.npy", "<f4", (6, 2), [0.5] * 12)
        self.expect("6", "5")

    def test_splits_that_overlap(self):
        self.write_npy("raw/valid.npy", "<i8", (1,), [1])
        self.expect("valid", "1")

    def test_a_truncated_array(self):
        path = self.folder / "raw/features.npy"
        path.write_bytes(path.read_bytes()[:-5])
        self.expect("features.npy")

    def test_a_wrong_magic(self):
        path = self.folder / "raw/labels.npy"
        path.write_bytes(b"NOTNUMPY" + path.read_bytes()[8:])
        self.expect("labels.npy")

    def test_an_empty_file(self):
        (self.folder / "raw/labels.npy").write_bytes(b"")
        self.expect("labels.npy")

    def test_sizes_that_no_memory_holds(self):
        for shape in ((2**62, 8), (-1, 2)):
            (self.folder / "raw/features.npy").write_bytes(npy_header("<f4", shape) + struct.pack("<2f", 0, 0))
            self.expect("features.npy")


class RefuseText(Workshop):
    def test_text_that_is_no_number_names_the_line(self):
        self.write("edges.txt", "0 1\n1 2\ntwo 3\n")
        self.refuse(2, ["edges.txt:3", "two"], "prepare", "edges.txt", "-o", "store")

    def test_a_missing_file(self):
        self.refuse(2, ["nowhere"], "prepare", "nowhere", "-o", "store")

    def test_an_empty_file(self):
        self.write("edges.txt", "")
        self.refuse(2, ["edges.txt"], "prepare", "edges.txt", "-o", "store")

    def test_a_format_nobody_knows(self):
        self.refuse(2, ["--format", "dgl"], "prepare", "x", "-o", "store", "--format", "dgl")


class RefuseParts(Workshop):
    def test_more_parts_than_nodes_for_metis(self):
        self.refuse(2, ["301", "300"], "partition", self.store(), "-o", "parts", "-k", "301")

    def test_no_parts(self):
        self.refuse(2, ["-k", "0"], "partition", self.store(), "-o", "parts", "-k", "0")

    def test_a_balance_nobody_knows(self):
        self.refuse(2, ["ndoes"], "partition", self.store(), "-o", "parts", "--balance", "ndoes")

    def test_an_assignment_outside_the_parts_names_the_line(self):
        self.write("bad.txt", "0\n" * 299 + "2\n")
        self.refuse(2, ["bad.txt:300", "2"], "partition", self.store(), "-o", "parts", "-k", "2", "--assignment", "bad.txt")

    def test_what_is_no_store(self):
        self.write("folder/file", "")
        self.refuse(2, ["folder"], "partition", "folder", "-o", "parts")
        self.refuse(2, ["nowhere"], "inspect", "nowhere")
        self.refuse(2, ["folder"], "verify", "folder")


class Damage(Workshop):
    """A damaged store is exit 5, by the file's name."""

    def flip(self, name):
        path = self.folder / name
        data = bytearray(path.read_bytes())
        data[-1] ^= 0x40
        path.write_bytes(data)

    def test_verify_names_a_flipped_file(self):
        store = self.store()
        for name in ("indices.npy", "features.npy", "meta.json"):
            before = (self.folder / store / name).read_bytes()
            self.flip(f"{store}/{name}")
            self.refuse(5, [name], "verify", store)
            (self.folder / store / name).write_bytes(before)

    def test_a_truncated_file_is_found_on_opening(self):
        store = self.store()
        path = self.folder / store / "indices.npy"
        os.truncate(path, path.stat().st_size - 4)
        self.refuse(5, ["indices.npy"], "partition", store, "-o", "parts", "-k", "2")

    def test_verify_names_a_flipped_file_of_a_part(self):
        self.succeed("partition", self.store(), "-o", "parts", "-k", "2")
        name = sorted(pathlib.Path(self.folder / "parts").glob("part-*/features.npy"))[0]
        self.flip(name.relative_to(self.folder))
        self.refuse(5, ["features.npy"], "verify", "parts")


if __name__ == "__main__":
    unittest.main()
