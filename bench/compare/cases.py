"""The cases: what is asked of whom, in which graph, and what must agree.

A case yields measurements (group, contender, one call's answer); compare.py repeats them, alternating contenders within a repetition.
"""

import json
import pathlib
import shutil

import numpy as np

from peer import rows_to_check, table

PLANTED = ["--nodes", "1000000", "--degree", "25.5", "--communities", "1000", "--features", "128", "--classes", "47",
           "--mixing", "0.25", "--seed", "1"]
TINY = ["--nodes", "20000", "--degree", "12", "--communities", "40", "--features", "32", "--classes", "8", "--mixing", "0.25",
        "--seed", "1"]


# A step costs what it costs however many there are; few make a short epoch.
SPLIT_OF = {"planted-1m": [], "planted-1m-few": ["--split", "random:0.02/0.02/0.96"]}
IN_ORDER = "Kith, --reorder auto"


class Bench:
    """What a case needs: the contenders, the graphs, the threads."""

    def __init__(self, contenders, threads, repeat, tiny, data, only=()):
        self.contenders, self.threads, self.repeat, self.tiny, self.data = contenders, threads, repeat, tiny, data
        self.only, self.notes = only, []

    def graph(self, name):
        """The store of a named graph, made once in the working folder; None where its raw files are missing."""
        store = self.contenders.work / "graphs" / (name + ("-tiny" if self.tiny and name in SPLIT_OF else ""))
        if store.exists():
            return store
        store.parent.mkdir(parents=True, exist_ok=True)
        if name in SPLIT_OF:
            self.contenders.run_kith("generate", "planted", "-o", store, *(TINY if self.tiny else PLANTED), *SPLIT_OF[name])
            return store
        raw = {"acl-coauthor": ("acl-coauthor", ["--undirected"]), "cnr-2000": ("cnr-2000/cnr-2000-csr.npz", [])}[name]
        if not self.data:
            self.notes.append(f"{name} is left out: KITH_DATA_DIR is not set")
            return None
        self.contenders.run_kith("prepare", pathlib.Path(self.data) / raw[0], "-o", store, *raw[1])
        return store

    def in_order(self, store):
        """The store as `kith prepare --reorder auto` numbers it, made once."""
        ordered = store.with_name(store.name + "-in-order")
        if not ordered.exists():
            arrays = self.contenders.work / "arrays"
            shutil.rmtree(arrays, ignore_errors=True)
            self.contenders.run_kith("export", store, "--format", "npy", "-o", arrays)
            self.contenders.run_kith("prepare", arrays, "-o", ordered, "--reorder", "auto")
            shutil.rmtree(arrays)
        return ordered

    def graphs(self, *names):
        chosen = names[:1] if self.tiny else [name for name in names if not self.only or name.removesuffix("-few") in self.only]
        return [(name, store) for name in chosen if (store := self.graph(name))]


def agree(reference, answer, what, tolerance=1e-5):
    a, b = np.array(reference), np.array(answer)
    error = float(np.max(np.abs(a - b) / np.maximum(np.abs(a), 1)))
    if not error <= tolerance:
        raise SystemExit(f"compare: {what} differs from Kith's result by {error:.2e} (bound {tolerance})")


def kith_table(bench, store, width):
    """The feature table of peer.table, as a file."""
    rows = len(np.load(store / "indptr.npy", mmap_mode="r")) - 1
    file = bench.contenders.work / f"table-{rows}-{width}.npy"
    if not file.exists():
        np.save(file, table(rows, width))
    return file


def spmm_in_order(bench, store, width, table, mine):
    """Kith on the graph as `--reorder auto` numbers it, with the rows of the same table."""
    ordered, permuted = bench.in_order(store), bench.contenders.work / "permuted.npy"
    result = bench.contenders.work / "result-in-order.npy"
    ids = np.load(ordered / "node_ids.npy") if (ordered / "node_ids.npy").exists() else slice(None)
    np.save(permuted, np.load(table, mmap_mode="r")[ids])
    figures = bench.contenders.kith_json("bench", "spmm", ordered, "--width", width, "--threads", bench.threads, "--repetitions", 3,
                                         "--table", permuted, "--result", result)
    given = np.empty_like(np.load(result, mmap_mode="r"))
    given[ids] = np.load(result, mmap_mode="r")
    agree(mine, rows_to_check(given), f"{store.name} in order")
    return {"milliseconds": figures["milliseconds"], "cached_share": figures["cached_share"]}


def spmm(bench):
    """y = A x, sums over in-neighbours, fp32, for all contenders; bf16 for Kith alone."""
    torch = bench.contenders.worker("torch", "worker_torch.py", bench.threads)
    dgl = bench.contenders.worker("dgl", "worker_dgl.py", bench.threads)
    scipy = bench.contenders.worker("torch", "worker_scipy.py", 1)
    peers = [("DGL", dgl, {}), ("torch.sparse @", torch, {"how": "matmul"}), ("torch.sparse.mm", torch, {"how": "mm"}),
             ("SciPy, 1 thread", scipy, {})]
    for name, store in bench.graphs("planted-1m", "acl-coauthor", "cnr-2000"):
        for width in (64, 128, 256):
            group, table = f"SpMM {name} F={width}", kith_table(bench, store, width)
            result = bench.contenders.work / "result.npy"
            for _ in range(bench.repeat):
                for label, threads, dtype in (("Kith, bf16", bench.threads, "bf16"), ("Kith, 1 thread", 1, "fp32"),
                                              ("Kith", bench.threads, "fp32")):
                    figures = bench.contenders.kith_json("bench", "spmm", store, "--width", width, "--threads", threads, "--dtype", dtype,
                                                         "--repetitions", 3, "--table", table, "--result", result)
                    yield group, label, {"milliseconds": figures["milliseconds"],
                                         "gather_fraction": figures["gather_fraction"],
                                         "uncached_gather_fraction": figures["uncached_gather_fraction"]}
                mine = rows_to_check(np.load(result, mmap_mode="r"))
                yield group, IN_ORDER, spmm_in_order(bench, store, width, table, mine)
                for label, worker, how in peers:
                    if worker is None:
                        continue
                    question = {"case": "spmm", "store": str(store), "width": width, **how}
                    # SciPy takes no time to warm up, and the longest.
                    answers = [worker.ask(question) for _ in range(1 if worker is scipy else 3)]
                    if "skipped" not in answers[0]:
                        agree(mine, answers[0].pop("check"), f"{group}: {label}")
                    yield group, label, min(answers, key=lambda a: a.get("milliseconds", np.inf))
    for worker in (torch, dgl, scipy):
        if worker:
            worker.close()


def sample(bench):
    """Sampled edges per second and thread, fanout 15,10,5, 1,024 seeds a batch."""
    torch = bench.contenders.worker("torch", "worker_torch.py", 1)
    dgl = bench.contenders.worker("dgl", "worker_dgl.py", 1)
    peers = [("pyg-lib", torch, {}), ("DGL", dgl, {"how": "dgl"}), ("GraphBolt", dgl, {"how": "graphbolt"})]
    for name, store in bench.graphs("planted-1m"):
        group = f"sampling {name}, 1 thread"
        for repetition in range(bench.repeat):
            figures = bench.contenders.kith_json("bench", "sample", store, "--fanout", "15,10,5", "--batch-size", 1024,
                                                 "--threads", 1)
            yield group, "Kith", {"medges_per_second": figures["medges_per_second"]}
            for label, worker, how in peers:
                if worker is not None:
                    yield group, label, worker.ask({"case": "sample", "store": str(store), "fanout": [15, 10, 5],
                                                    "batch_size": 1024, "batches": 10, "repetition": repetition, **how})
    for worker in (torch, dgl):
        if worker:
            worker.close()


def train_kith(bench, store, threads, arguments):
    """A training by the command line; its summary and its losses. Peers drop behind every activation, not the features."""
    run = bench.contenders.work / "run"
    shutil.rmtree(run, ignore_errors=True)
    bench.contenders.run_kith("train", store, "-o", run, "--threads", threads, "--eval-every", 1000000, "--input-dropout", 0,
                              *arguments)
    summary = json.loads((run / "summary.json").read_text())
    losses = [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    return summary, losses


def kith_runs(bench, store):
    """Kith's contenders of a training: the nodes as given with all threads and with one, and as `--reorder auto` numbers them."""
    return [("Kith", store, bench.threads), ("Kith, 1 thread", store, 1), (IN_ORDER, bench.in_order(store), bench.threads)]


def fresh(bench, environment, script, question):
    """One question to a process of its own, which gives its memory back."""
    worker = bench.contenders.worker(environment, script, bench.threads)
    if worker is None:
        return {"skipped": "no environment"}
    answer = worker.ask(question)
    worker.close()
    return answer


def mini_batch(bench):
    """GraphSAGE with 3 layers of 256: milliseconds of a step of 1,024 seeds."""
    hidden, steps = (32, 5) if bench.tiny else (256, 5)
    for name, store in bench.graphs("planted-1m-few"):
        group = f"GraphSAGE-3 mini-batch step, {name.removesuffix('-few')}"
        train = len(np.load(store / "train.npy", mmap_mode="r"))
        question = {"case": "mini-batch", "store": str(store), "fanout": [15, 10, 5], "batch_size": 1024, "hidden": hidden,
                    "layers": 3, "steps": steps}
        for _ in range(bench.repeat):
            for label, data, threads in kith_runs(bench, store):
                summary, losses = train_kith(bench, data, threads,
                                             ["--model", "sage", "--regime", "mini-batch", "--layers", 3, "--hidden", hidden, "--fanout",
                                              "15,10,5", "--batch-size", 1024, "--epochs", 1, "--lr", 0.003])
                yield group, label, {"milliseconds": 1e3 * summary["seconds_per_epoch"] / -(-train // 1024), "loss": losses,
                                     "peak_bytes": max(summary["peak_memory_bytes"])}
            yield group, "DGL", fresh(bench, "dgl", "worker_dgl.py", question)
            yield group, "PyG", fresh(bench, "torch", "worker_torch.py", question)


def full_graph(bench):
    """GCN with 3 layers of 256 over the whole graph: milliseconds of an epoch, peak memory of the process."""
    hidden = 32 if bench.tiny else 256
    for name, store in bench.graphs("planted-1m"):
        group = f"GCN-3 full-graph epoch, {name}"
        question = {"case": "full-graph", "store": str(store), "hidden": hidden, "layers": 3, "epochs": 2}
        yield from epochs(bench, store, group, question, ["--model", "gcn", "--layers", 3, "--hidden", hidden])


def gat(bench):
    """GAT with 2 layers, 8 heads of 32, over acl-coauthor."""
    for name, store in bench.graphs("planted-1m" if bench.tiny else "acl-coauthor"):
        group = f"GAT-2 8x32 full-graph epoch, {name}"
        question = {"case": "gat", "store": str(store), "heads": 8, "hidden": 32, "epochs": 2}
        yield from epochs(bench, store, group, question, ["--model", "gat", "--layers", 2, "--hidden", 32, "--heads", 8,
                                                          "--attention-dropout", 0])


def epochs(bench, store, group, question, arguments):
    for _ in range(bench.repeat):
        for label, data, threads in kith_runs(bench, store):
            summary, losses = train_kith(bench, data, threads, ["--regime", "full-graph", "--epochs", 4, *arguments])
            yield group, label, {"milliseconds": 1e3 * summary["seconds_per_epoch"], "loss": [losses[0], losses[1]],
                                 "peak_bytes": max(summary["peak_memory_bytes"])}
        yield group, "DGL", fresh(bench, "dgl", "worker_dgl.py", question)
        yield group, "PyG", fresh(bench, "torch", "worker_torch.py", question)


CASES = {"spmm": spmm, "sample": sample, "mini-batch": mini_batch, "full-graph": full_graph, "gat": gat}
