"""PyTorch, PyTorch Geometric and pyg-lib, each as its documentation says it is fastest."""

import functools

import numpy as np
import torch
import torch.nn.functional as F

from peer import milliseconds, rows_to_check, serve
from torch_peer import (batches, destinations, features_and_labels, full_graph_epochs, mini_batch_steps, random_features,
                        sampled, tensor, widths)

try:
    import pyg_lib  # noqa: F401: registers torch.ops.pyg
    HAS_PYG_LIB = True
except ImportError:
    HAS_PYG_LIB = False


@functools.lru_cache(maxsize=1)
def topology(store):
    return tensor(store, "indptr", np.int64), tensor(store, "indices", np.int64)


@functools.lru_cache(maxsize=1)
def matrix(store):
    indptr, indices = topology(store)
    return torch.sparse_csr_tensor(indptr, indices, torch.ones(len(indices)), size=(len(indptr) - 1,) * 2)


features = functools.lru_cache(maxsize=1)(random_features)


def spmm(question):
    a = matrix(question["store"])
    x = features(a.shape[1], question["width"])
    multiply = (lambda: a @ x) if question["how"] == "matmul" else (lambda: torch.sparse.mm(a, x, "sum"))
    elapsed, y = milliseconds(multiply)
    return {"milliseconds": elapsed, "check": rows_to_check(y.numpy())}


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
    return sampled(lambda: ([one(batch) for batch in seeds], lambda drawn: len(drawn[0])))


def mini_batch(question):
    """GraphSAGE by NeighborLoader with trim_to_layer."""
    from torch_geometric.data import Data
    from torch_geometric.loader import NeighborLoader
    from torch_geometric.nn import SAGEConv
    from torch_geometric.utils import trim_to_layer
    indptr, indices = topology(question["store"])
    x, y, train = features_and_labels(question["store"])
    data = Data(x=x, y=y, edge_index=torch.stack([indices, destinations(indptr)]))
    sizes = widths(x, y, question)
    convs = torch.nn.ModuleList(SAGEConv(a, b) for a, b in zip(sizes, sizes[1:]))
    loader = NeighborLoader(data, question["fanout"], input_nodes=train, shuffle=True, batch_size=question["batch_size"])

    def logits_and_labels():
        for batch in loader:
            h, edges = batch.x, batch.edge_index
            for layer, conv in enumerate(convs):
                h, edges, _ = trim_to_layer(layer, batch.num_sampled_nodes, batch.num_sampled_edges, h, edges)
                h = conv(h, edges)
                if layer + 1 < len(convs):
                    h = F.dropout(h.relu(), 0.5)
            yield h[: batch.batch_size], batch.y[: batch.batch_size]

    return mini_batch_steps(question, logits_and_labels(), torch.optim.Adam(convs.parameters(), lr=0.003))


def normalised(store):
    """D^-1/2 (A + I) D^-1/2 as torch.sparse_csr."""
    indptr, indices = topology(store)
    loops = torch.arange(len(indptr) - 1)
    to, source = torch.cat([destinations(indptr), loops]), torch.cat([indices, loops])
    scale = torch.bincount(to, minlength=len(loops)).float().rsqrt()
    return torch.sparse_coo_tensor(torch.stack([to, source]), scale[to] * scale[source], (len(loops),) * 2).to_sparse_csr()


def full_graph(question):
    """GCNConv without its own normalisation, on a normalised torch.sparse_csr matrix."""
    from torch_geometric.nn import GCNConv
    adjacency = normalised(question["store"])
    x, y, train = features_and_labels(question["store"])
    sizes = widths(x, y, question)
    convs = torch.nn.ModuleList(GCNConv(a, b, normalize=False) for a, b in zip(sizes, sizes[1:]))

    def forward():
        h = x
        for layer, conv in enumerate(convs):
            h = conv(h, adjacency)
            if layer + 1 < len(convs):
                h = F.dropout(h.relu(), 0.5)
        return h

    return full_graph_epochs(question, torch.optim.Adam(convs.parameters(), lr=0.01), forward, y, train)


def gat(question):
    from torch_geometric.nn import GATConv
    indptr, indices = topology(question["store"])
    edges = torch.stack([indices, destinations(indptr)])
    x, y, train = features_and_labels(question["store"])
    heads, hidden = question["heads"], question["hidden"]
    first, second = GATConv(x.shape[1], hidden, heads), GATConv(hidden * heads, int(y.max()) + 1, 1)
    optimiser = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.01)
    return full_graph_epochs(question, optimiser, lambda: second(F.dropout(F.elu(first(x, edges)), 0.5), edges), y, train)


if __name__ == "__main__":
    serve({"spmm": spmm, "sample": sample, "mini-batch": mini_batch, "full-graph": full_graph, "gat": gat})
