#!/usr/bin/env python3
"""peers.py STORE OUT.json [--device cuda] [--batches N] [--hidden N]: what PyTorch and, where it is installed, PyG
take on the same device for the same graph: products of the adjacency matrix with dense ones, and epochs of GraphSAGE
with three layers on the full graph and in sampled batches. Each part that this host cannot do says why. Times are
medians; products and epochs are timed by the device's events, epochs of batches by the clock."""
import argparse
import json
import os
import statistics
import time

import numpy as np
import torch

FANOUTS, BATCH, LAYERS = [15, 10, 5], 1024, 3


def read(store, name):
    return torch.from_numpy(np.load(f"{store}/{name}.npy"))


class Timer:
    """Median milliseconds of run(0), run(1), … after one of each."""

    def __init__(self, device):
        self.device = device

    def __call__(self, run, rotation=2, repeats=11):
        for i in range(rotation):
            run(i)
        return statistics.median(self.once(run, i % rotation) for i in range(repeats))

    def once(self, run, i):
        if self.device.type != "cuda":
            begin = time.perf_counter()
            run(i)
            return 1e3 * (time.perf_counter() - begin)
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run(i)
        end.record()
        torch.cuda.synchronize()
        return begin.elapsed_time(end)


class Graph:
    def __init__(self, store, device):
        self.indptr, self.indices = read(store, "indptr").to(device), read(store, "indices").to(device)
        self.n, self.device = self.indptr.numel() - 1, device
        self.features = read(store, "features").float().to(device)
        self.labels, self.train = read(store, "labels").to(device), read(store, "train").to(device)
        self.classes = int(self.labels.max()) + 1

    def matrix(self, values):
        narrow = torch.int32
        return torch.sparse_csr_tensor(self.indptr.to(narrow), self.indices.to(narrow), values, (self.n, self.n))

    def mean(self):
        """The rows' means, and the transpose of that, both kept as a careful user keeps them."""
        degrees = (self.indptr[1:] - self.indptr[:-1]).clamp(min=1).float()
        rows = torch.repeat_interleave(torch.arange(self.n, device=self.device), self.indptr[1:] - self.indptr[:-1])
        forward = self.matrix((1 / degrees)[rows])
        order = torch.argsort(self.indices.long() * self.n + rows)
        counts = torch.bincount(self.indices.long(), minlength=self.n)
        indptr = torch.cat([torch.zeros(1, dtype=torch.long, device=self.device), counts.cumsum(0)])
        backward = torch.sparse_csr_tensor(indptr.int(), rows[order].int(), (1 / degrees)[rows[order]], (self.n, self.n))
        return forward, backward


class Aggregate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, forward, backward):
        ctx.adjoint = backward
        return forward @ x

    @staticmethod
    def backward(ctx, dy):
        return ctx.adjoint @ dy, None, None


class Sage(torch.nn.Module):
    def __init__(self, width, hidden, classes):
        super().__init__()
        widths = [width] + [hidden] * (LAYERS - 1) + [classes]
        self.own = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.heard = torch.nn.ModuleList(torch.nn.Linear(a, b, bias=False) for a, b in zip(widths, widths[1:]))

    def forward(self, x, mean):
        for i, (own, heard) in enumerate(zip(self.own, self.heard)):
            # The narrower side of the product is what crosses edges.
            if heard.out_features < heard.in_features:
                h = Aggregate.apply(heard(x), *mean)
            else:
                h = heard(Aggregate.apply(x, *mean))
            x = own(x) + h
            if i + 1 < len(self.own):
                x = torch.nn.functional.dropout(torch.relu(x), 0.5, self.training)
        return x


def learner(model):
    return torch.optim.Adam(model.parameters(), lr=0.003)


def steps(model, optimiser, logits_of, labels_of):
    optimiser.zero_grad()
    loss = torch.nn.functional.cross_entropy(logits_of(), labels_of())
    loss.backward()
    optimiser.step()


def products(graph, timer):
    for cols in (64, 128, 256):
        for dtype in (torch.float32, torch.bfloat16):
            case = {"columns": cols, "type": str(dtype).split(".")[1]}
            try:
                x = [torch.rand(graph.n, cols, device=graph.device).to(dtype) for _ in range(2)]
                a = graph.matrix(torch.ones(graph.indices.numel(), dtype=dtype, device=graph.device))
                yield case | {"milliseconds": timer(lambda i: a @ x[i])}
            except (RuntimeError, NotImplementedError) as error:
                yield case | {"refused": str(error)}


def torch_full_graph(graph, timer, hidden):
    model = Sage(graph.features.shape[1], hidden, graph.classes).to(graph.device)
    optimiser, mean = learner(model), graph.mean()

    def epoch(_):
        steps(model, optimiser, lambda: model(graph.features, mean)[graph.train], lambda: graph.labels[graph.train])

    return {"milliseconds": timer(epoch)}


def pyg_model(graph, hidden):
    from torch_geometric.nn import GraphSAGE

    return GraphSAGE(graph.features.shape[1], hidden, LAYERS, graph.classes, dropout=0.5).to(graph.device)


def edges_of(graph):
    rows = torch.repeat_interleave(torch.arange(graph.n, device=graph.device), graph.indptr[1:] - graph.indptr[:-1])
    return torch.stack([graph.indices.long(), rows])


def pyg_full_graph(graph, timer, hidden):
    from torch_geometric import EdgeIndex

    model = pyg_model(graph, hidden)
    optimiser = learner(model)
    edges = EdgeIndex(edges_of(graph), sparse_size=(graph.n, graph.n), sort_order="col").fill_cache_()

    def epoch(_):
        steps(model, optimiser, lambda: model(graph.features, edges)[graph.train], lambda: graph.labels[graph.train])

    return {"milliseconds": timer(epoch)}


def pyg_batches(graph, hidden, most):
    from torch_geometric.data import Data
    from torch_geometric.loader import NeighborLoader

    model = pyg_model(graph, hidden)
    optimiser = learner(model)
    data = Data(edge_index=edges_of(graph).cpu(), num_nodes=graph.n)
    data.n_id = torch.arange(graph.n)
    loader = NeighborLoader(data, FANOUTS, graph.train.cpu(), batch_size=BATCH, shuffle=True, filter_per_worker=True,
                            num_workers=min(8, max(1, (os.cpu_count() or 1) // 2)))
    done, begin = 0, None
    for batch in loader:
        if done == 3:  # workers have started by now
            begin = time.perf_counter()
        ids, edges = batch.n_id.to(graph.device), batch.edge_index.to(graph.device)
        steps(model, optimiser, lambda: model(graph.features[ids], edges)[: batch.batch_size],
              lambda: graph.labels[ids[: batch.batch_size]])
        done += 1
        if done == most:
            break
    if graph.device.type == "cuda":
        torch.cuda.synchronize()
    if begin is None or done <= 3:
        raise RuntimeError("too few batches to time")
    each = (time.perf_counter() - begin) / (done - 3)
    return {"milliseconds_per_batch": 1e3 * each, "batches": done - 3, "epoch_seconds": each * len(loader)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("out")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--batches", type=int, default=200)
    args = parser.parse_args()
    device = torch.device(args.device)
    graph, timer = Graph(args.store, device), Timer(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    result = {"device": name, "torch": torch.__version__, "store": args.store, "hidden": args.hidden}

    def add(part, make):
        try:
            result[part] = make()
        except Exception as error:  # of any library: the other parts go on
            result[part] = {"refused": f"{type(error).__name__}: {error}"}
        print(part, json.dumps(result[part]), flush=True)
        with open(args.out, "w") as file:
            json.dump(result, file, indent=1)

    add("spmm", lambda: list(products(graph, timer)))
    add("torch_full_graph", lambda: torch_full_graph(graph, timer, args.hidden))
    add("pyg_full_graph", lambda: pyg_full_graph(graph, timer, args.hidden))
    add("pyg_batches", lambda: pyg_batches(graph, args.hidden, args.batches))


if __name__ == "__main__":
    main()
