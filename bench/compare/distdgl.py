"""DistDGL on two hosts: GraphSAGE by distributed mini-batches.

distdgl.py parts STORE FOLDER          the graph of a store, cut in two by METIS as DGL does it
distdgl.py train FOLDER QUESTION       a server or a trainer, by DGL_ROLE; the first trainer prints the answer as JSON
"""

import itertools
import json
import os
import sys
import time

import dgl
import dgl.nn as dnn
import torch
import torch.nn.functional as F

from torch_peer import destinations, features_and_labels, tensor


def make_parts(store, folder):
    x, y, train = features_and_labels(store)
    indptr = tensor(store, "indptr")
    graph = dgl.graph((tensor(store, "indices").long(), destinations(indptr)), num_nodes=len(indptr) - 1)
    mask = torch.zeros(len(x), dtype=torch.bool)
    mask[train] = True
    graph.ndata.update(features=x, labels=y, train_mask=mask)
    dgl.distributed.partition_graph(graph, "g", 2, folder, balance_ntypes=mask, balance_edges=True)


class Sage(torch.nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.convs = torch.nn.ModuleList(dnn.SAGEConv(a, b, "mean") for a, b in zip(sizes, sizes[1:]))

    def forward(self, blocks, h):
        for layer, (block, conv) in enumerate(zip(blocks, self.convs)):
            h = conv(block, h)
            if layer + 1 < len(self.convs):
                h = F.dropout(h.relu(), 0.5, self.training)
        return h


def train(folder, question):
    torch.set_num_threads(1)
    dgl.distributed.initialize(f"{folder}/hosts.txt")
    torch.distributed.init_process_group("gloo")
    graph = dgl.distributed.DistGraph("g", part_config=f"{folder}/g.json")
    seeds = dgl.distributed.node_split(graph.ndata["train_mask"], graph.get_partition_book(), force_even=True)
    classes = question["classes"]
    model = torch.nn.parallel.DistributedDataParallel(Sage([graph.ndata["features"].shape[1], *[question["hidden"]] * 2, classes]))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.003)
    loader = dgl.dataloading.DistNodeDataLoader(graph, seeds, dgl.dataloading.NeighborSampler(question["fanout"][::-1]),
                                                batch_size=question["batch_size"] // 2, shuffle=True, drop_last=True)
    losses, begin = [], None
    for inputs, outputs, blocks in itertools.chain.from_iterable(itertools.repeat(loader)):
        if len(losses) == question["warm_up"]:
            begin = time.perf_counter()
        loss = F.cross_entropy(model(blocks, graph.ndata["features"][inputs]), graph.ndata["labels"][outputs])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
        if len(losses) == question["warm_up"] + question["steps"]:
            break
    elapsed = 1e3 * (time.perf_counter() - begin)
    if torch.distributed.get_rank() == 0:
        print(json.dumps({"milliseconds": elapsed / question["steps"], "loss": [losses[0], losses[-1]]}), flush=True)
    os._exit(0)  # the servers wait for a leave that blocks here


if __name__ == "__main__":
    if sys.argv[1] == "parts":
        make_parts(*sys.argv[2:])
    else:
        train(sys.argv[2], json.loads(sys.argv[3]))
