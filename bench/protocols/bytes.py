#!/usr/bin/env python3
"""Bytes of halo protocols on many graphs, partitionings and numbers of parts, counted from the parts alone.

    bench/protocols/bytes.py --work DIR [--kith PATH] [--graphs photo,cs] [--parts metis,random] [--k 2,4,8] [--models gcn,gat]
                             [--trained lean]

Adds what is not yet there to DIR/bytes.json and prints a Markdown table of all of it. Real graphs come from KITH_DATA_DIR,
planted-1m is generated (1 M nodes, 25 M edges). Needs NumPy. The baseline is every halo row in fp32 in every exchange and epoch; what
crosses once is spread over 200 epochs.
"""
import argparse
import itertools
import pathlib
import sys

import numpy as np

from kith_work import KithWork, Results, add_arguments

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "compare"))
from cases import PLANTED  # noqa: E402

MODELS = {"gcn": ["--model", "gcn", "--layers", "3", "--hidden", "256"],
          "gat": ["--model", "gat", "--layers", "2", "--hidden", "32", "--heads", "8"]}
PROTOCOLS = {"gcn": "exact deepgalois bns-gcn:p=0.1 quant:bits=4 sylvie supergcn", "gat": "exact quant:bits=4 sylvie"}
AGAINST = "baseline broadcast"
EPOCHS_OF_ONE_TIME_BYTES = 200
TRAINED_EPOCHS = 2


def raw(graph, data):
    """The arguments of `kith prepare` for a graph of the data folder."""
    return {"photo": [f"{data}/gnn-benchmark/amazon_electronics_photo.npz", "--split", "per-class:20/30:0"],
            "cs": [f"{data}/gnn-benchmark/ms_academic_cs.npz", "--split", "per-class:20/30:0"],
            "acl-coauthor": [f"{data}/acl-coauthor", "--undirected"],
            "cnr-2000": [f"{data}/cnr-2000/cnr-2000-csr.npz", "--undirected", "--split", "random:0.5/0.25/0.25:0"]}.get(graph)


class Bench(KithWork):
    def store(self, graph):
        if graph == "planted-1m":
            return self.made(graph, "generate", "planted", *PLANTED)
        source = raw(graph, self.data)
        if source is None:
            sys.exit(f"bytes.py: no such graph: {graph}")
        return self.made(graph, "prepare", *source, *(self.random_nodes(graph, source[0]) if graph == "cnr-2000" else []))

    def random_nodes(self, graph, matrix):
        """A table for a graph that comes without one: 128 random columns and ten classes."""
        nodes = len(np.load(matrix)["indptr"]) - 1
        random = np.random.default_rng(0)
        path = self.work / f"{graph}-nodes.npz"
        np.savez(path, x=random.standard_normal((nodes, 128), dtype=np.float32), y=random.integers(0, 10, nodes))
        return ["--nodes", path, "--features", "x", "--label", "y"]

    def parts(self, graph, method, k):
        return self.made(f"{graph}-{method}-{k}", "partition", self.store(graph), "--method", method, "-k", k)

    def counted(self, graph, method, k, model):
        rows = self.protocols(self.parts(graph, method, k), f"{AGAINST} {PROTOCOLS[model]}".split(), *MODELS[model], "--plan-only", "--epochs", 10)
        return [{"graph": graph, "method": method, "model": model, **row} for row in rows]

    def trained(self, graph, method, k, model, protocols):
        """Of protocols whose bytes follow from the rows; lengths change little from the first epochs on."""
        rows = self.protocols(self.parts(graph, method, k), protocols, *MODELS[model], "--epochs", TRAINED_EPOCHS, "--eval-every", 1000000)
        return [{"graph": graph, "method": method, "model": model, **row} for row in rows]


def bytes_of(row):
    return row["halo_bytes_per_epoch"] + row["one_time_bytes"] / EPOCHS_OF_ONE_TIME_BYTES


def table(rows):
    """A line per graph, partitioning, number of parts and model: how many times fewer bytes than the baseline."""
    groups = {}
    for row in rows:
        groups.setdefault((row["graph"], row["method"], row["parts"], row["model"]), {})[row["protocol"].split(":")[0]] = row
    names = [name.split(":")[0] for name in PROTOCOLS["gcn"].split()]
    names += sorted({row["protocol"].split(":")[0] for row in rows} - {*names, *AGAINST.split()})
    lines = ["| graph | parts | k | model | baseline an epoch | broadcast | " + " | ".join(names) + " |",
             "|---" * (6 + len(names)) + "|"]
    for (graph, method, k, model), found in sorted(groups.items(), key=lambda item: (item[0][0], item[0][3], item[0][1], item[0][2])):
        baseline = bytes_of(found["baseline"])
        cells = [f"{baseline / bytes_of(found[name]):.3g}×" if name in found and bytes_of(found[name]) > 0 else ""
                 for name in ["broadcast", *names]]
        lines.append(f"| {graph} | {method} | {k} | {model} | {baseline / 1e6:.1f} MB | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parser.add_argument("--graphs", default="photo,cs,acl-coauthor,cnr-2000,planted-1m")
    parser.add_argument("--parts", default="metis,random")
    parser.add_argument("--k", default="2,4,8,16,64")
    parser.add_argument("--models", default="gcn,gat")
    parser.add_argument("--trained", default="", help="protocols whose bytes the data decide, such as lean: counted in short trainings")
    arguments = parser.parse_args()
    bench = Bench(arguments)
    results = Results(bench, "bytes.json")
    there = {(row["graph"], row["method"], row["parts"], row["model"], row["protocol"]) for row in results.rows}
    wanted = list(filter(None, arguments.trained.split(",")))
    for graph, method, k, model in itertools.product(arguments.graphs.split(","), arguments.parts.split(","), map(int, arguments.k.split(",")),
                                                     arguments.models.split(",")):
        if (graph, method, k, model, "baseline") not in there:
            results.add(bench.counted(graph, method, k, model), f"{graph} {method} {k} {model}")
        for protocol in wanted:
            if (graph, method, k, model, protocol) not in there:
                results.add(bench.trained(graph, method, k, model, [protocol]), f"{graph} {method} {k} {model} {protocol}")
    print(table(results.rows))


if __name__ == "__main__":
    main()
