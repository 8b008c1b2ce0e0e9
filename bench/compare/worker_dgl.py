"""DGL (libxsmm kernels, int32 graphs) and GraphBolt, each as its documentation says it is fastest."""

import functools

import dgl
import dgl.function as fn
import dgl.nn as dnn
import numpy as np
import torch
import torch.nn.functional as F

from peer import milliseconds, rows_to_check, serve
from torch_peer import (batches, destinations, features_and_labels, full_graph_epochs, mini_batch_steps, random_features,
                        sampled, tensor, widths)


@functools.lru_cache(maxsize=1)
def pulled(store):
    return dgl.graph(("csc", (tensor(store, "indptr"), tensor(store, "indices", np.int64), []))).int()


@functools.lru_cache(maxsize=1)
def trained(store):
    """From COO: a graph made from CSC lacks what the backward pass needs."""
    indptr = tensor(store, "indptr", np.int64)
    graph = dgl.graph((tensor(store, "indices", np.int64), destinations(indptr)), num_nodes=len(indptr) - 1).int()
    graph.create_formats_()
    return graph


def with_self_loops(store):
    graph = dgl.add_self_loop(dgl.remove_self_loop(trained(store)))
    graph.create_formats_()
    return graph


features = functools.lru_cache(maxsize=1)(random_features)


def spmm(question):
    graph = pulled(question["store"])
    with graph.local_scope():
        graph.srcdata["x"] = features(graph.num_nodes(), question["width"])
        elapsed, _ = milliseconds(lambda: graph.update_all(fn.copy_u("x", "m"), fn.sum("m", "y")))
        return {"milliseconds": elapsed, "check": rows_to_check(graph.dstdata["y"].numpy())}


@functools.lru_cache(maxsize=1)
def bolt(store):
    import dgl.graphbolt as gb
    return gb.fused_csc_sampling_graph(tensor(store, "indptr", np.int64), tensor(store, "indices", np.int32))


def bolt_edges(batch):
    """Of a GraphBolt MiniBatch, whose sampled CSC is one tensor pair or one per edge type."""
    csc = [subgraph.sampled_csc for subgraph in batch.sampled_subgraphs]
    return sum(len((c if hasattr(c, "indices") else next(iter(c.values()))).indices) for c in csc)


def sample(question):
    """dgl.dataloading.NeighborSampler, or GraphBolt's sample_neighbor; both list fanouts input layer first."""
    seeds = batches(question["store"], question["batch_size"], question["batches"], question["repetition"])
    fanout = question["fanout"][::-1]
    if question["how"] == "graphbolt":
        import dgl.graphbolt as gb
        graph = bolt(question["store"])
        items = gb.ItemSet(torch.cat(seeds).int(), names="seed_nodes")
        pipe = gb.ItemSampler(items, question["batch_size"]).sample_neighbor(graph, [torch.tensor([k]) for k in fanout])
        return sampled(lambda: (list(pipe), bolt_edges))
    graph, sampler = trained(question["store"]), dgl.dataloading.NeighborSampler(fanout)
    seeds = [s.int() for s in seeds]
    sampler.sample(graph, seeds[0])
    return sampled(lambda: ([sampler.sample(graph, s) for s in seeds],
                            lambda drawn: sum(block.num_edges() for block in drawn[2])))


def mini_batch(question):
    x, y, train = features_and_labels(question["store"])
    sizes = widths(x, y, question)
    convs = torch.nn.ModuleList(dnn.SAGEConv(a, b, "mean") for a, b in zip(sizes, sizes[1:]))
    # Blocks with int32 ids crash the aggregation of DGL 2.1.
    loader = dgl.dataloading.DataLoader(trained(question["store"]).long(), train,
                                        dgl.dataloading.NeighborSampler(question["fanout"][::-1]),
                                        batch_size=question["batch_size"], shuffle=True, drop_last=False, num_workers=0)

    def logits_and_labels():
        for inputs, seeds, blocks in loader:
            h = x[inputs]
            for layer, conv in enumerate(convs):
                h = conv(blocks[layer], h)
                if layer + 1 < len(convs):
                    h = F.dropout(h.relu(), 0.5)
            yield h, y[seeds]

    return mini_batch_steps(question, logits_and_labels(), torch.optim.Adam(convs.parameters(), lr=0.003))


def full_graph(question):
    graph = with_self_loops(question["store"])
    x, y, train = features_and_labels(question["store"])
    sizes = widths(x, y, question)
    convs = torch.nn.ModuleList(dnn.GraphConv(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward():
        h = x
        for layer, conv in enumerate(convs):
            h = conv(graph, h)
            if layer + 1 < len(convs):
                h = F.dropout(h.relu(), 0.5)
        return h

    return full_graph_epochs(question, torch.optim.Adam(convs.parameters(), lr=0.01), forward, y, train)


def gat(question):
    graph = with_self_loops(question["store"])
    x, y, train = features_and_labels(question["store"])
    heads, hidden = question["heads"], question["hidden"]
    first, second = dnn.GATConv(x.shape[1], hidden, heads), dnn.GATConv(hidden * heads, int(y.max()) + 1, 1)
    optimiser = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.01)

    def forward():
        return second(graph, F.dropout(F.elu(first(graph, x).flatten(1)), 0.5)).mean(1)

    return full_graph_epochs(question, optimiser, forward, y, train)


if __name__ == "__main__":
    serve({"spmm": spmm, "sample": sample, "mini-batch": mini_batch, "full-graph": full_graph, "gat": gat})
