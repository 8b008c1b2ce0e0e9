"""A small whole data set of every format that `kith prepare` reads: six nodes on a ring with chords."""
import dataclasses
import json

from encodings_of_files import gz, npy, npy_text, npz, pickled_array, pickled_csr, pickled_graph, zstd

NODES = 6
SOURCE = [0, 1, 2, 3, 4, 5, 0, 2]
DESTINATION = [1, 2, 3, 4, 5, 0, 3, 5]
EDGES = list(zip(SOURCE, DESTINATION))
FEATURES = [0.5 * i for i in range(2 * NODES)]
LABELS = [0, 1, 2, 0, 1, 2]
BOTH = sorted({(a, b) for a, b in EDGES} | {(b, a) for a, b in EDGES})


@dataclasses.dataclass
class Sample:
    """Files below one folder, the path that `prepare` is given, and which of the files are to be broken.

    `broken`: file → kind, a key of mutations.KINDS; "npz: edges" is a member of an archive."""
    name: str
    files: dict
    raw: str
    broken: dict
    arguments: tuple = ()


def csr(edges, by=0):
    """indptr, indices of rows by source (0) or destination (1)."""
    rows = [sorted(edge[1 - by] for edge in edges if edge[by] == node) for node in range(NODES)]
    indptr = [0]
    for row in rows:
        indptr.append(indptr[-1] + len(row))
    return indptr, [node for row in rows for node in row]


def text(rows, separator):
    return "".join(separator.join(map(str, row)) + "\n" for row in rows).encode()


def edge_lists():
    numbers = text(EDGES, "\t")
    names = b"source,target,weight\n" + text([(f"user_{a}", f"user_{b}", 0.5 + a) for a, b in EDGES], ",")
    weight = ("--weight-column", "3")
    yield Sample("edges plain", {"e.txt": numbers}, "e.txt", {"e.txt": "edges"})
    yield Sample("edges blanks", {"e.edges": b"# a comment\n" + text(EDGES, "  ")}, "e.edges", {"e.edges": "edges"})
    yield Sample("edges gz", {"e.txt.gz": gz(numbers)}, "e.txt.gz", {"e.txt.gz": "edges gz"})
    yield Sample("edges zst", {"e.tsv.zst": zstd(numbers)}, "e.tsv.zst", {"e.tsv.zst": "edges zst"})
    yield Sample("edges csv", {"e.csv": names}, "e.csv", {"e.csv": "edges csv"}, weight)
    yield Sample("edges many", {"p-1.csv": text(EDGES[:5], ","), "p-2.csv": text(EDGES[5:], ",")}, "p-*.csv",
                 {"p-2.csv": "edges"})
    yield Sample("edges on disk", {"e.txt": numbers}, "e.txt", {"e.txt": "edges"}, ("--memory-limit", "20M"))


def arrays(by=None):
    """The arrays of an .npy folder: edges, or rows by destination."""
    found = {"features": npy("<f4", (NODES, 2), FEATURES), "labels": npy("<i8", (NODES,), LABELS),
             "train": npy("<i8", (2,), [0, 1]), "valid": npy("<i8", (1,), [2]), "test": npy("<i8", (2,), [3, 4])}
    if by is None:
        found["edges"] = npy("<i8", (2, len(EDGES)), SOURCE + DESTINATION)
    else:
        indptr, indices = csr(EDGES, by)
        found["indptr"], found["indices"] = npy("<i8", (NODES + 1,), indptr), npy("<i4", (len(indices),), indices)
    return found


def array_formats():
    kinds = {"edges": "npy ids", "indptr": "npy offsets", "indices": "npy ids", "features": "npy reals", "labels": "npy labels",
             "train": "npy split", "valid": "npy split", "test": "npy split"}
    for name, found in (("npy edges", arrays()), ("npy csr", arrays(1))):
        broken = ("edges", "features", "labels", "train") if "edges" in found else ("indptr", "indices")
        yield Sample(name, {f"raw/{key}.npy": value for key, value in found.items()}, "raw",
                     {f"raw/{key}.npy": kinds[key] for key in broken})
    for packed in (True, False):
        yield Sample(f"npz {'deflated' if packed else 'stored'}", {"a.npz": npz(arrays(), packed)}, "a.npz", {"a.npz": "npz edges"})
    indptr, indices = csr(EDGES)
    shape, data = npy("<i8", (2,), [NODES, NODES]), npy("<f4", (len(EDGES),), [1.0] * len(EDGES))
    for letters in ("csr", "csc"):
        yield Sample(f"scipy {letters}", {"m.npz": npz({
            "format": npy_text(letters), "shape": shape, "data": data, "indptr": npy("<i4", (NODES + 1,), indptr),
            "indices": npy("<i4", (len(EDGES),), indices)})}, "m.npz", {"m.npz": "npz indices"})
    yield Sample("scipy coo", {"m.npz": npz({"format": npy_text("coo"), "shape": shape, "data": data,
                                             "row": npy("<i4", (len(EDGES),), SOURCE),
                                             "col": npy("<i4", (len(EDGES),), DESTINATION)})}, "m.npz", {"m.npz": "npz row"})
    indptr, indices = csr(BOTH)
    yield Sample("gnn-benchmark", {"g.npz": npz({
        "adj_data": npy("<f4", (len(BOTH),), [1.0] * len(BOTH)), "adj_indices": npy("<i4", (len(BOTH),), indices),
        "adj_indptr": npy("<i4", (NODES + 1,), indptr), "adj_shape": shape, "labels": npy("<i8", (NODES,), LABELS),
        "attr_data": npy("<f4", (NODES,), [1.0] * NODES), "attr_indices": npy("<i4", (NODES,), [i % 3 for i in range(NODES)]),
        "attr_indptr": npy("<i4", (NODES + 1,), list(range(NODES + 1))), "attr_shape": npy("<i8", (2,), [NODES, 3])})},
                 "g.npz", {"g.npz": "npz adj_indices"})
    mask = [i % 3 for i in range(NODES)]
    yield Sample("heterophilous", {"h.npz": npz({
        "node_features": npy("<f4", (NODES, 2), FEATURES), "node_labels": npy("<i8", (NODES,), LABELS),
        "edges": npy("<i8", (len(EDGES), 2), [node for edge in EDGES for node in edge]),
        **{f"{part}_masks": npy("|b1", (1, NODES), [m == k for m in mask]) for k, part in enumerate(("train", "val", "test"))}})},
                 "h.npz", {"h.npz": "npz edges"})


def text_formats():
    matrix = b"%%MatrixMarket matrix coordinate real general\n% made for a test\n" + text(
        [(NODES, NODES, len(EDGES))] + [(a + 1, b + 1, 0.5 + a) for a, b in EDGES], " ")
    rows = [[b + 1 for a, b in BOTH if a == node] for node in range(NODES)]
    metis = text([(NODES, len(BOTH) // 2)] + rows, " ")
    weighted = text([(NODES, len(BOTH) // 2, "011", 1)] + [[7] + [x for b in row for x in (b, 2)] for row in rows], " ")
    yield Sample("matrix-market", {"m.mtx": matrix}, "m.mtx", {"m.mtx": "mtx"})
    yield Sample("matrix-market gz", {"m.mtx.gz": gz(matrix)}, "m.mtx.gz", {"m.mtx.gz": "mtx gz"})
    yield Sample("metis", {"g.graph": metis}, "g.graph", {"g.graph": "metis"})
    yield Sample("metis weights", {"g.graph": weighted}, "g.graph", {"g.graph": "metis"})
    nodes = b"id,label,split,age,height\n" + text(
        [(10 + i, LABELS[i], ("train", "valid", "test")[i % 3], i, 0.25 * i) for i in range(NODES)], ",")
    edges = text([(10 + a, 10 + b) for a, b in EDGES], ",")
    for name, data, kind in (("n.csv", nodes, "nodes"), ("n.csv.gz", gz(nodes), "nodes gz")):
        yield Sample(f"node table {name}", {"e.csv": edges, name: data}, "e.csv", {name: kind}, ("--nodes", name))
    yield Sample("node table npz", {"e.csv": text(EDGES, ","), "n.npz": npz({"features": npy("<f4", (NODES, 2), FEATURES),
                                                                             "label": npy("<f4", (NODES,), [0, 1, 2, 0, 1, 2])})},
                 "e.csv", {"n.npz": "npz features"}, ("--nodes", "n.npz"))


def folders():
    split = {f"o/split/time/{part}.csv.gz": gz(text([[i] for i in range(k, NODES, 3)], ","))
             for k, part in enumerate(("train", "valid", "test"))}
    table = {"num-node-list": [[NODES]], "num-edge-list": [[len(EDGES)]], "edge": EDGES, "node-label": [[label] for label in LABELS],
             "node-feat": [FEATURES[2 * i:2 * i + 2] for i in range(NODES)]}
    yield Sample("ogb csv", {**{f"o/raw/{name}.csv.gz": gz(text(rows, ",")) for name, rows in table.items()}, **split}, "o",
                 {"o/raw/edge.csv.gz": "table gz", "o/raw/node-feat.csv.gz": "table gz", "o/raw/num-node-list.csv.gz": "table gz",
                  "o/split/time/train.csv.gz": "table gz"})
    yield Sample("ogb npz", {
        "o/raw/data.npz": npz({"edge_index": npy("<i8", (2, len(EDGES)), SOURCE + DESTINATION),
                               "num_nodes_list": npy("<i8", (1,), [NODES]), "num_edges_list": npy("<i8", (1,), [len(EDGES)]),
                               "node_feat": npy("<f4", (NODES, 2), FEATURES)}),
        "o/raw/node-label.npz": npz({"node_label": npy("<i8", (NODES, 1), LABELS)}), **split}, "o",
                 {"o/raw/data.npz": "npz edge_index", "o/raw/node-label.npz": "npz node_label"})
    def one_hot(labels):
        return pickled_array("i4", (len(labels), 3), [int(label == c) for label in labels for c in range(3)])
    def rows_of_ones(n):
        return pickled_csr((n, 2), list(range(n + 1)), [i % 2 for i in range(n)], [1.0] * n)
    yield Sample("planetoid", {
        "p/ind.toy.x": rows_of_ones(2), "p/ind.toy.allx": rows_of_ones(4), "p/ind.toy.tx": rows_of_ones(2),
        "p/ind.toy.y": one_hot(LABELS[:2]), "p/ind.toy.ally": one_hot(LABELS[:4]), "p/ind.toy.ty": one_hot(LABELS[4:]),
        "p/ind.toy.graph": pickled_graph({node: [b for a, b in BOTH if a == node] for node in range(NODES)}),
        "p/ind.toy.test.index": b"4\n5\n"}, "p",
                 {"p/ind.toy.allx": "pickle", "p/ind.toy.ally": "pickle", "p/ind.toy.graph": "pickle", "p/ind.toy.test.index": "table"})
    metadata = {"graph_name": "toy", "node_type": ["n"], "edge_type": ["n:e:n"], "num_nodes_per_chunk": [[3, 3]],
                "num_edges_per_chunk": [[5, 3]],
                "edges": {"n:e:n": {"format": {"name": "csv", "delimiter": " "}, "data": ["edges/1.csv", "edges/2.csv"]}},
                "node_data": {"n": {"feat": {"format": {"name": "numpy"}, "data": ["n/f1.npy", "n/f2.npy"]},
                                    "label": {"format": {"name": "numpy"}, "data": ["n/l.npy"]}}}}
    yield Sample("dgl-chunked", {
        "c/metadata.json": json.dumps(metadata, indent=1).encode(), "c/edges/1.csv": text(EDGES[:5], " "),
        "c/edges/2.csv": text(EDGES[5:], " "), "c/n/f1.npy": npy("<f4", (3, 2), FEATURES[:6]),
        "c/n/f2.npy": npy("<f4", (3, 2), FEATURES[6:]), "c/n/l.npy": npy("<i8", (NODES,), LABELS)}, "c",
                 {"c/metadata.json": "json", "c/edges/2.csv": "chunk", "c/n/f1.npy": "npy chunk", "c/n/l.npy": "npy labels"})
    yaml = ("dataset_name: toy\ngraph:\n  nodes:\n  - num: 6\n  edges:\n  - format: csv\n    path: edges.csv\n"
            "feature_data:\n- domain: node\n  type: null\n  name: feat\n  format: numpy\n  in_memory: false\n  path: feat.npy\n"
            "tasks:\n- name: node_classification\n  num_classes: 3\n  train_set:\n  - data:\n    - name: seeds\n"
            "      format: numpy\n      path: train.npy\n    - name: labels\n      format: numpy\n      path: labels.npy\n")
    yield Sample("graphbolt", {
        "b/metadata.yaml": yaml.encode(), "b/edges.csv": text(EDGES, ","), "b/feat.npy": npy("<f4", (NODES, 2), FEATURES),
        "b/train.npy": npy("<i8", (2,), [0, 1]), "b/labels.npy": npy("<i8", (2,), [0, 1])}, "b",
                 {"b/metadata.yaml": "yaml", "b/edges.csv": "chunk", "b/feat.npy": "npy reals", "b/train.npy": "npy split"})


def all_samples():
    for made in (edge_lists, array_formats, text_formats, folders):
        yield from made()
