"""PyTorch, PyTorch Geometric and pyg-lib, each as its documentation says it is fastest."""

import functools

import numpy as np
import torch
import torch.nn.functional as F

from peer import THREADS, array, fp32_features, milliseconds, peak_bytes, serve, table

torch.set_num_threads(THREADS)
try:
    import pyg_lib  # noqa: F401: registers torch.ops.pyg
    HAS_PYG_LIB = True
except ImportError:
    HAS_PYG_LIB = False


def tensor(store, name, dtype=None):
    return torch.from_numpy(np.array(array(store, name), dtype=dtype))


@functools.lru_cache(maxsize=1)
def matrix(store):
    indptr, indices = tensor(store, "indptr"), tensor(store, "indices", np.int64)
    n = len(indptr) - 1
    return torch.sparse_csr_tensor(indptr, indices, torch.ones(len(indices)), size=(n, n))


@functools.lru_cache(maxsize=1)
def features(rows, width):
    return torch.from_numpy(table(rows, width))


def check(y):
    y = y.detach().numpy()
    return [float(v) for v in y[:: max(1, len(y) // 50)].sum(axis=1, dtype="f8")]


def spmm(question):
    a = matrix(question["store"])
    x = features(a.shape[1], question["width"])
    if question["how"] == "matmul":
        elapsed, y = milliseconds(lambda: a @ x)
    else:
        elapsed, y = milliseconds(lambda: torch.sparse.mm(a, x, "sum"))
    return {"milliseconds": elapsed, "check": check(y)}


def batches(store, size, count, seed):
    train = tensor(store, "train", np.int64)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    while len(order) < size * count:
        order = torch.cat([order, order])
    return [train[order[i * size : (i + 1) * size]] for i in range(count)]


@functools.lru_cache(maxsize=1)
def topology(store):
    return tensor(store, "indptr", np.int64), tensor(store, "indices", np.int64)


def sample(question):
    """torch.ops.pyg.neighbor_sample, a batch per call; it expands a node once."""
    if not HAS_PYG_LIB:
        return {"skipped": "pyg-lib is not installed: set PYG_LIB_WHEEL"}
    indptr, indices = topology(question["store"])
    seeds = batches(question["store"], question["batch_size"], question["batches"], question["repetition"])

    def one(batch):
        return torch.ops.pyg.neighbor_sample(indptr, indices, batch, question["fanout"], None, None, None, None, True, False,
                                             True, False, "uniform", True)

    one(seeds[0])
    elapsed, drawn = milliseconds(lambda: [one(batch) for batch in seeds])
    edges = sum(len(batch[0]) for batch in drawn)
    return {"milliseconds": elapsed, "edges": edges, "medges_per_second": edges / elapsed / 1e3}


def mini_batch(question):
    """GraphSAGE by NeighborLoader with trim_to_layer."""
    from torch_geometric.data import Data
    from torch_geometric.loader import NeighborLoader
    from torch_geometric.nn import SAGEConv
    from torch_geometric.utils import trim_to_layer
    store = question["store"]
    indptr, indices = topology(store)
    destination = torch.repeat_interleave(torch.arange(len(indptr) - 1), indptr.diff())
    data = Data(x=torch.from_numpy(fp32_features(store)), y=tensor(store, "labels", np.int64),
                edge_index=torch.stack([indices, destination]))
    widths = [data.num_features] + [question["hidden"]] * (question["layers"] - 1) + [int(data.y.max()) + 1]
    convs = torch.nn.ModuleList(SAGEConv(a, b) for a, b in zip(widths, widths[1:]))
    optimiser = torch.optim.Adam(convs.parameters(), lr=0.003)
    loader = NeighborLoader(data, question["fanout"], input_nodes=tensor(store, "train", np.int64), shuffle=True,
                            batch_size=question["batch_size"])
    losses = []

    def steps():
        for step, batch in enumerate(loader):
            if step == question["steps"]:
                break
            x, edges = batch.x, batch.edge_index
            for layer, conv in enumerate(convs):
                x, edges, _ = trim_to_layer(layer, batch.num_sampled_nodes, batch.num_sampled_edges, x, edges)
                x = conv(x, edges)
                if layer + 1 < len(convs):
                    x = F.dropout(x.relu(), 0.5)
            loss = F.cross_entropy(x[: batch.batch_size], batch.y[: batch.batch_size])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss))

    elapsed, _ = milliseconds(steps)
    return {"milliseconds": elapsed / len(losses), "loss": [losses[0], losses[-1]], "peak_bytes": peak_bytes()}


def full_graph(question):
    """GCN on a normalised torch.sparse_csr matrix (GCNConv without its own normalisation)."""
    from torch_geometric.nn import GCNConv
    store = question["store"]
    a = matrix(store)
    indptr, indices = a.crow_indices(), a.col_indices()
    n = len(indptr) - 1
    destination = torch.repeat_interleave(torch.arange(n), indptr.diff())
    destination, source = torch.cat([destination, torch.arange(n)]), torch.cat([indices, torch.arange(n)])
    scale = torch.bincount(destination, minlength=n).float().rsqrt()
    adjacency = torch.sparse_coo_tensor(torch.stack([destination, source]), scale[destination] * scale[source],
                                        (n, n)).to_sparse_csr()
    x, y = torch.from_numpy(fp32_features(store)), tensor(store, "labels", np.int64)
    train = tensor(store, "train", np.int64)
    widths = [x.shape[1]] + [question["hidden"]] * (question["layers"] - 1) + [int(y.max()) + 1]
    convs = torch.nn.ModuleList(GCNConv(p, q, normalize=False) for p, q in zip(widths, widths[1:]))
    optimiser = torch.optim.Adam(convs.parameters(), lr=0.01)
    return epochs(question, optimiser, lambda: stack(convs, x, adjacency), y, train)


def stack(convs, x, adjacency):
    for layer, conv in enumerate(convs):
        x = conv(x, adjacency)
        if layer + 1 < len(convs):
            x = F.dropout(x.relu(), 0.5)
    return x


def epochs(question, optimiser, forward, y, train):
    times, losses = [], []

    def epoch():
        loss = F.cross_entropy(forward()[train], y[train])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss)

    for _ in range(question["epochs"]):
        elapsed, loss = milliseconds(epoch)
        times.append(elapsed)
        losses.append(loss)
    return {"milliseconds": float(np.median(times[1:] or times)), "loss": [losses[0], losses[-1]],
            "peak_bytes": peak_bytes()}


def gat(question):
    from torch_geometric.nn import GATConv
    store = question["store"]
    indptr, indices = topology(store)
    destination = torch.repeat_interleave(torch.arange(len(indptr) - 1), indptr.diff())
    edges = torch.stack([indices, destination])
    x, y = torch.from_numpy(fp32_features(store)), tensor(store, "labels", np.int64)
    train = tensor(store, "train", np.int64)
    heads, hidden = question["heads"], question["hidden"]
    first = GATConv(x.shape[1], hidden, heads)
    second = GATConv(hidden * heads, int(y.max()) + 1, 1)
    optimiser = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.01)
    return epochs(question, optimiser, lambda: second(F.dropout(F.elu(first(x, edges)), 0.5), edges), y, train)


if __name__ == "__main__":
    serve({"spmm": spmm, "sample": sample, "mini-batch": mini_batch, "full-graph": full_graph, "gat": gat})
