"""Writes goldens.json beside this file: a small graph, and what Philox, the sampler and the models must give on it.

    python3 tests/oracle/make_goldens.py          # needs NumPy

Floats that must be met exactly are given as the bits of their fp32 value.
"""
import json
import pathlib

import numpy as np
import draws
import sampler
from models import Adam, LayerGraph, initial, loss_and_gradient

NODES, FEATURES, CLASSES, SEED = 26, 6, 3, 2024


def make_graph():
    """Directed, with a hub (0), isolated nodes (4, 11), self-loops; features are multiples of 1/64, exact in fp32."""
    random = np.random.default_rng(7)
    rows = []
    for node in range(NODES):
        degree = 0 if node in (4, 11) else NODES - 4 if node == 0 else int(random.integers(1, 6))
        row = set(int(u) for u in random.choice(NODES, size=degree, replace=False)) - {node}
        if node % 5 == 2:
            row.add(node)
        rows.append(sorted(row))
    features = random.integers(-64, 65, size=(NODES, FEATURES))
    labels = [int(c) for c in random.integers(0, CLASSES, size=NODES)]
    train = [node for node in range(NODES) if node % 3 != 1]
    return rows, features, labels, train


ROWS, FEATURES_64, LABELS, TRAIN = make_graph()
X = FEATURES_64 / 64.0


def positions(rows, nodes):
    at = {node: i for i, node in enumerate(nodes)}
    return [[at[u] for u in row] for row in rows]


def layer_graph(model, nodes, rows):
    """Rows in store ids of the first nodes → what the model's layer sees."""
    if model == "gat":
        rows = [[u for u in row if u != nodes[i]] + [nodes[i]] for i, row in enumerate(rows)]
    if model == "gcn":
        rows = [[u for u in row if u != nodes[i]] for i, row in enumerate(rows)]
    degrees = [len(sampler.candidates(ROWS, node, model != "sage")) for node in nodes]
    return LayerGraph(positions(rows, nodes), nodes, degrees)


def shape_of(model):
    return {"model": model, "layers": 2, "hidden": 4, "heads": 2, "output_heads": 2, "in": FEATURES,
            "classes": CLASSES, "dropout": 0.5, "seed": SEED, "lr": 0.01, "weight_decay": 0.0005}


def trained(shape, epochs):
    """`epochs[e]` lists the steps of epoch e: (seeds' share of the train nodes, what the loss is called with)."""
    start = initial(shape).astype(float)
    weights, adam, losses = start, Adam(len(start), shape["lr"], shape["weight_decay"]), []
    first_gradient = sum(loss_and_gradient(start, shape, *step)[1] for _, step in epochs[0])
    for steps in epochs:
        losses.append(0.0)
        for share, step in steps:
            value, gradient = loss_and_gradient(weights, shape, *step)
            weights = adam.step(weights, gradient)
            losses[-1] += share * value
    return {"losses": losses, "first_gradient": [float(g) for g in first_gradient]}


def full_graph_epochs(model, epochs=3):
    nodes = list(range(NODES))
    graphs = [layer_graph(model, nodes, ROWS)] * shape_of(model)["layers"]
    return [[(1.0, (graphs, X, LABELS, TRAIN, epoch))] for epoch in range(epochs)]


def mini_batch_epochs(model, fanouts, batch_size, epochs=3):
    found, step = [], 0
    for epoch in range(epochs):
        found.append([])
        for seeds in sampler.batches(TRAIN, SEED, epoch, batch_size):
            nodes, hops = sampler.sample(ROWS, seeds, fanouts, model != "sage", SEED, step)
            sources = [len(hop) for hop in hops[1:]] + [len(nodes)]
            graphs = [layer_graph(model, nodes[: sources[h]], hops[h]) for h in reversed(range(len(hops)))]
            labels = [LABELS[node] for node in seeds]
            call = (graphs, X[nodes], labels, list(range(len(seeds))), step)
            found[-1].append((len(seeds) / len(TRAIN), call))
            step += 1
    return found


def philox_goldens():
    cases = [((0, 0, 0, 0), (0, 0)), ((draws.MASK32,) * 4, (draws.MASK32,) * 2),
             ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0))]
    return [{"counter": counter, "key": key, "words": draws.philox(counter, key)} for counter, key in cases]


def key_goldens():
    return [{"seed": seed, "stream": value, "layer": layer, "key": draws.key_of(seed, name, layer)}
            for seed in (0, 1, 2**63 + 5) for name, value in draws.STREAMS.items() for layer in (0, 3)]


def dropout_goldens():
    ids, cols = [0, 5, 2**40 + 3], 11
    found = []
    for p in (0.1, 0.5, 0.9):
        key = draws.key_of(SEED, "dropout", 2)
        kept = ["".join("01"[int(k)] for k in draws.kept(key, node, 6, cols, p)) for node in ids]
        found.append({"p": p, "seed": SEED, "number": 2, "step": 6, "ids": ids, "cols": cols, "kept": kept})
    return found


def sampler_goldens():
    fanouts, batch_size = [3, 2], 7
    found = []
    for exclude_self in (False, True):
        step = 0
        for epoch in (0, 1):
            for seeds in sampler.batches(TRAIN, SEED, epoch, batch_size):
                nodes, hops = sampler.sample(ROWS, seeds, fanouts, exclude_self, SEED, step)
                found.append({"exclude_self": exclude_self, "epoch": epoch, "step": step, "seeds": seeds,
                              "nodes": nodes, "hops": hops})
                step += 1
    return {"fanouts": fanouts, "batch_size": batch_size, "batches": found}


def model_goldens():
    found = []
    for model in ("gcn", "sage", "gat"):
        shape = shape_of(model)
        bits = [int(b) for b in initial(shape).view(np.uint32)]
        found.append({"shape": shape, "initial_bits": bits, "fanouts": [4, 3], "batch_size": 7,
                      "full_graph": trained(shape, full_graph_epochs(model)),
                      "mini_batch": trained(shape, mini_batch_epochs(model, [4, 3], 7))})
    return found


def main():
    goldens = {
        "graph": {"rows": ROWS, "features_64": FEATURES_64.tolist(), "labels": LABELS, "classes": CLASSES,
                  "train": TRAIN},
        "philox": philox_goldens(),
        "keys": key_goldens(),
        "dropout": dropout_goldens(),
        "sampler": {"seed": SEED, **sampler_goldens()},
        "models": model_goldens(),
    }
    lines = [f'"{name}": {json.dumps(value, separators=(",", ":"))}' for name, value in goldens.items()]
    target = pathlib.Path(__file__).parent / "goldens.json"
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
