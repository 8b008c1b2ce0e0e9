"""Batches and neighbour sampling by their definition, in store ids. `rows` holds every node's in-neighbours, sorted."""
from draws import key_of, random64


def epoch_order(train, seed, epoch):
    key = key_of(seed, "batches")
    return sorted(train, key=lambda node: (random64(key, node, epoch, 0), node))


def batches(train, seed, epoch, batch_size):
    order = epoch_order(train, seed, epoch)
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def candidates(rows, node, exclude_self):
    return [u for u in rows[node] if not (exclude_self and u == node)]


def sampled_row(rows, node, fanout, exclude_self, key, step):
    """Floyd's algorithm: position t of [0, j], or j itself when t is taken."""
    row = candidates(rows, node, exclude_self)
    d = len(row)
    if fanout < 0 or fanout >= d:
        return row
    positions = []
    for i in range(fanout):
        j = d - fanout + i
        t = random64(key, node, step, i) * (j + 1) >> 64
        positions.append(j if t in positions else t)
    return [row[t] for t in positions]


def sample(rows, seeds, fanouts, exclude_self, seed, step):
    """All nodes, and the rows of every hop (hop 0: the seeds'), both in order of first appearance."""
    nodes, hops = list(seeds), []
    for hop, fanout in enumerate(fanouts):
        key = key_of(seed, "sampling", hop)
        hops.append([sampled_row(rows, node, fanout, exclude_self, key, step) for node in nodes])
        for row in hops[-1]:
            nodes += [u for u in dict.fromkeys(row) if u not in nodes]
    return nodes, hops
