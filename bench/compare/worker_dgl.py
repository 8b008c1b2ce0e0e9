"""DGL (libxsmm kernels, int32 graphs) and GraphBolt, each as its documentation says it is fastest."""

import functools
import time

import dgl
import dgl.function as fn
import dgl.nn as dnn
import numpy as np
import torch
import torch.nn.functional as F

from peer import THREADS, array, fp32_features, milliseconds, peak_bytes, serve, table

torch.set_num_threads(THREADS)


def tensor(store, name, dtype=None):
    return torch.from_numpy(np.array(array(store, name), dtype=dtype))


@functools.lru_cache(maxsize=1)
def pulled(store):
    return dgl.graph(("csc", (tensor(store, "indptr"), tensor(store, "indices", np.int64), []))).int()


@functools.lru_cache(maxsize=1)
def trained(store):
    """From COO: a graph made from CSC lacks what the backward pass needs."""
    indptr = tensor(store, "indptr", np.int64)
    destination = torch.repeat_interleave(torch.arange(len(indptr) - 1), indptr.diff())
    graph = dgl.graph((tensor(store, "indices", np.int64), destination), num_nodes=len(indptr) - 1).int()
    graph.create_formats_()
    return graph


@functools.lru_cache(maxsize=1)
def features(rows, width):
    return torch.from_numpy(table(rows, width))


def spmm(question):
    graph = pulled(question["store"])
    x = features(graph.num_nodes(), question["width"])
    with graph.local_scope():
        graph.srcdata["x"] = x
        elapsed, _ = milliseconds(lambda: graph.update_all(fn.copy_u("x", "m"), fn.sum("m", "y")))
        y = graph.dstdata["y"].numpy()
    return {"milliseconds": elapsed, "check": [float(v) for v in y[:: max(1, len(y) // 50)].sum(axis=1, dtype="f8")]}


def batches(store, size, count, seed):
    train = tensor(store, "train", np.int64)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    while len(order) < size * count:
        order = torch.cat([order, order])
    return [train[order[i * size : (i + 1) * size]] for i in range(count)]


@functools.lru_cache(maxsize=1)
def bolt(store):
    import dgl.graphbolt as gb
    return gb.fused_csc_sampling_graph(tensor(store, "indptr", np.int64), tensor(store, "indices", np.int32))


def sample(question):
    """dgl.dataloading.NeighborSampler, or GraphBolt's sample_neighbor; both list fanouts input layer first."""
    store, fanout = question["store"], question["fanout"]
    seeds = batches(store, question["batch_size"], question["batches"], question["repetition"])
    if question["how"] == "graphbolt":
        import dgl.graphbolt as gb
        graph = bolt(store)
        item_set = gb.ItemSet(torch.cat(seeds).int(), names="seed_nodes")
        pipe = gb.ItemSampler(item_set, batch_size=question["batch_size"]).sample_neighbor(
            graph, [torch.tensor([k]) for k in reversed(fanout)])
        elapsed, drawn = milliseconds(lambda: list(pipe))
        edges = sum(int(s.sampled_csc.indices.numel() if hasattr(s.sampled_csc, "indices") else
                        next(iter(s.sampled_csc.values())).indices.numel()) for b in drawn for s in b.sampled_subgraphs)
    else:
        graph = trained(store)
        sampler = dgl.dataloading.NeighborSampler(list(reversed(fanout)))
        seeds = [s.int() for s in seeds]
        sampler.sample(graph, seeds[0])
        elapsed, drawn = milliseconds(lambda: [sampler.sample(graph, s) for s in seeds])
        edges = sum(block.num_edges() for _, _, blocks in drawn for block in blocks)
    return {"milliseconds": elapsed, "edges": edges, "medges_per_second": edges / elapsed / 1e3}


class Sage(torch.nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.convs = torch.nn.ModuleList(dnn.SAGEConv(a, b, "mean") for a, b in zip(widths, widths[1:]))

    def forward(self, blocks, x):
        for layer, conv in enumerate(self.convs):
            x = conv(blocks[layer], x)
            if layer + 1 < len(self.convs):
                x = F.dropout(x.relu(), 0.5, self.training)
        return x


def mini_batch(question):
    store = question["store"]
    graph = trained(store)
    x, y = torch.from_numpy(fp32_features(store)), tensor(store, "labels", np.int64)
    widths = [x.shape[1]] + [question["hidden"]] * (question["layers"] - 1) + [int(y.max()) + 1]
    model = Sage(widths)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.003)
    loader = dgl.dataloading.DataLoader(graph, tensor(store, "train", np.int32),
                                        dgl.dataloading.NeighborSampler(list(reversed(question["fanout"]))),
                                        batch_size=question["batch_size"], shuffle=True, drop_last=False, num_workers=0)
    losses = []

    def steps():
        for step, (inputs, seeds, blocks) in enumerate(loader):
            if step == question["steps"]:
                break
            loss = F.cross_entropy(model(blocks, x[inputs.long()]), y[seeds.long()])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss))

    elapsed, _ = milliseconds(steps)
    return {"milliseconds": elapsed / len(losses), "loss": [losses[0], losses[-1]], "peak_bytes": peak_bytes()}


def epochs(question, optimiser, forward, y, train):
    times, losses = [], []
    for _ in range(question["epochs"]):
        begin = time.perf_counter()
        loss = F.cross_entropy(forward()[train], y[train])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        times.append(1e3 * (time.perf_counter() - begin))
        losses.append(float(loss))
    return {"milliseconds": float(np.median(times[1:] or times)), "loss": [losses[0], losses[-1]],
            "peak_bytes": peak_bytes()}


def full_graph(question):
    store = question["store"]
    graph = dgl.add_self_loop(dgl.remove_self_loop(trained(store)))
    graph.create_formats_()
    x, y = torch.from_numpy(fp32_features(store)), tensor(store, "labels", np.int64)
    widths = [x.shape[1]] + [question["hidden"]] * (question["layers"] - 1) + [int(y.max()) + 1]
    convs = torch.nn.ModuleList(dnn.GraphConv(a, b) for a, b in zip(widths, widths[1:]))
    optimiser = torch.optim.Adam(convs.parameters(), lr=0.01)

    def forward():
        h = x
        for layer, conv in enumerate(convs):
            h = conv(graph, h)
            if layer + 1 < len(convs):
                h = F.dropout(h.relu(), 0.5)
        return h

    return epochs(question, optimiser, forward, y, tensor(store, "train", np.int64))


def gat(question):
    store = question["store"]
    graph = dgl.add_self_loop(dgl.remove_self_loop(trained(store)))
    graph.create_formats_()
    x, y = torch.from_numpy(fp32_features(store)), tensor(store, "labels", np.int64)
    heads, hidden = question["heads"], question["hidden"]
    first = dnn.GATConv(x.shape[1], hidden, heads)
    second = dnn.GATConv(hidden * heads, int(y.max()) + 1, 1)
    optimiser = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.01)
    return epochs(question, optimiser,
                  lambda: second(graph, F.dropout(F.elu(first(graph, x).flatten(1)), 0.5)).mean(1), y,
                  tensor(store, "train", np.int64))


if __name__ == "__main__":
    serve({"spmm": spmm, "sample": sample, "mini-batch": mini_batch, "full-graph": full_graph, "gat": gat})
