"""From edges and arrays to parts that can be trained: Kith beside dgl.graph + partition_graph, and beside pandas + SciPy from text.

Seconds and peak resident memory of the whole process tree, and bytes on disk. DGL's pipeline and Kith's start from the same .npy arrays
and end with k = 4 METIS parts; the text case ends with a CSR matrix (pandas + SciPy, in memory) or a store (Kith, on disk).
"""

import os
import pathlib
import re
import shutil
import subprocess
import threading
import time

import numpy as np

PARTS = 4


def tree_bytes(pid):
    """Resident bytes of a process and its descendants now."""
    total, stack = 0, [pid]
    while stack:
        one = stack.pop()
        try:
            with open(f"/proc/{one}/statm", encoding="ascii") as file:
                total += int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as file:
                    stack += map(int, file.read().split())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def metis_seconds(said, notes):
    """METIS's own, as DGL prints and as Kith notes them; None where there was no METIS."""
    text = said + (notes.read_text() if notes.exists() else "")
    found = re.search(r'(?:Metis partitioning: |"partition_seconds": ?)([\d.]+)', text)
    return float(found[1]) if found else None


def measured(commands, folder):
    """Runs commands one after the other; seconds, peak bytes and what `folder` then holds."""
    shutil.rmtree(folder, ignore_errors=True)
    peak, begin = 0, time.perf_counter()
    for command in commands:
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=dict(os.environ, KITH_PROGRESS="none"))
        said = []
        reader = threading.Thread(target=lambda p=process: said.append(p.stdout.read()))
        reader.start()
        while process.poll() is None:
            peak = max(peak, tree_bytes(process.pid))
            time.sleep(0.05)
        reader.join()
        if process.returncode != 0:
            return {"skipped": f"{command[0]}: code {process.returncode}: {said[0][-200:]}"}
    disk = sum(f.stat().st_size for f in pathlib.Path(folder).rglob("*") if f.is_file()) if pathlib.Path(folder).exists() else 0
    answer = {"milliseconds": 1e3 * (time.perf_counter() - begin), "peak_bytes": peak, "disk_bytes": disk}
    metis = metis_seconds(said[0], pathlib.Path(folder) / "parts/partition.json")
    if metis is not None:
        answer["metis_milliseconds"] = 1e3 * metis
    return answer


DGL = """
import sys, numpy as np, torch, dgl
raw, out = sys.argv[1:]
load = lambda name: torch.from_numpy(np.load(f'{raw}/{name}.npy'))
edges = load('edges')
graph = dgl.graph((edges[0], edges[1]), num_nodes=len(load('features')))
graph.ndata.update(features=load('features'), labels=load('labels'))
train = torch.zeros(graph.num_nodes(), dtype=torch.bool); train[load('train')] = True
graph.ndata['train_mask'] = train
dgl.distributed.partition_graph(graph, 'g', %d, out, balance_ntypes=train, balance_edges=True)
""" % PARTS

PANDAS = """
import sys, pandas, scipy.sparse, numpy as np
edges = pandas.read_csv(sys.argv[1], sep='\\t', header=None, dtype='int64').to_numpy()
n = int(edges.max()) + 1
a = scipy.sparse.coo_matrix((np.ones(len(edges), 'f4'), (edges[:, 1], edges[:, 0])), shape=(n, n)).tocsr()
a.sum_duplicates()
"""


def raw_arrays(bench, name, store):
    """The store's graph as the .npy arrays a user would start from: edges (2, E), features, labels, splits."""
    raw = bench.contenders.work / "raw" / (store.name)
    if not raw.exists():
        raw.mkdir(parents=True)
        indptr = np.load(store / "indptr.npy")
        edges = np.stack([np.load(store / "indices.npy").astype("i8"), np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))])
        np.save(raw / "edges.npy", edges[:, np.random.default_rng(3).permutation(edges.shape[1])])
        for array in ("features", "labels", "train", "valid", "test"):
            values = np.load(store / f"{array}.npy")
            np.save(raw / f"{array}.npy", values.astype("f4") if array == "features" else values)
    return raw


def raw_text(bench, raw):
    text = raw / "edges.tsv"
    if not text.exists():
        np.savetxt(text, np.load(raw / "edges.npy").T, fmt="%d", delimiter="\t")
    return text


def prepare(bench):
    kith = bench.contenders.kith
    out = bench.contenders.work / "prepared"
    dgl, torch = bench.contenders.python("dgl"), bench.contenders.python("torch")
    for name, store in bench.graphs("planted-1m", "acl-coauthor"):
        raw = raw_arrays(bench, name, store)
        arrays = bench.contenders.work / "raw-arrays"
        shutil.rmtree(arrays, ignore_errors=True)
        arrays.mkdir()
        for file in raw.glob("*.npy"):
            os.link(file, arrays / file.name)
        text = raw_text(bench, raw)
        for _ in range(bench.repeat):
            group = f"arrays to {PARTS} METIS parts, {name}"
            yield group, "Kith", measured([[kith, "prepare", arrays, "-o", out / "store"],
                                           [kith, "partition", out / "store", "-o", out / "parts", "-k", PARTS, "--method", "metis",
                                            "--balance", "nodes,edges,train"]], out)
            if dgl:
                yield group, "DGL", measured([[dgl, "-W", "ignore", "-c", DGL, arrays, out]], out)
            group = f"text to a graph, {name}"
            yield group, "Kith", measured([[kith, "prepare", text, "-o", out / "store"]], out)
            python = dgl or torch
            if python:
                yield group, "pandas + SciPy", measured([[python, "-c", PANDAS, text]], out)
