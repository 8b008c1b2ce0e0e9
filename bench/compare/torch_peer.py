"""What the two environments with PyTorch share: a store as tensors, seeds in batches, timed epochs."""

import numpy as np
import torch
import torch.nn.functional as F

from peer import THREADS, array, milliseconds, peak_bytes, table

torch.set_num_threads(THREADS)


def tensor(store, name, dtype=None):
    return torch.from_numpy(np.array(array(store, name), dtype=dtype))


def features_and_labels(store):
    """fp32 [n, F] and int64 [n], and the train ids."""
    return tensor(store, "features", np.float32), tensor(store, "labels", np.int64), tensor(store, "train", np.int64)


def random_features(rows, width):
    return torch.from_numpy(table(rows, width))


def destinations(indptr):
    """The destination of each stored edge."""
    return torch.repeat_interleave(torch.arange(len(indptr) - 1), indptr.diff())


def batches(store, size, count, seed):
    train = tensor(store, "train", np.int64)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    while len(order) < size * count:
        order = torch.cat([order, order])
    return [train[order[i * size : (i + 1) * size]] for i in range(count)]


def widths(x, y, question):
    return [x.shape[1]] + [question["hidden"]] * (question["layers"] - 1) + [int(y.max()) + 1]


def step(optimiser, logits, labels):
    """One update; the loss."""
    loss = F.cross_entropy(logits, labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return float(loss)


def full_graph_epochs(question, optimiser, forward, y, train):
    """The median epoch without the first, which builds caches."""
    timed = [milliseconds(lambda: step(optimiser, forward()[train], y[train])) for _ in range(question["epochs"])]
    return {"milliseconds": float(np.median([t for t, _ in timed[1:] or timed])), "loss": [timed[0][1], timed[-1][1]],
            "peak_bytes": peak_bytes()}


def mini_batch_steps(question, batches_of_logits, optimiser):
    """The mean step of the first `steps` batches; an item of the iterator is (logits, labels)."""
    losses = []

    def steps():
        for logits, labels in batches_of_logits:
            losses.append(step(optimiser, logits, labels))
            if len(losses) == question["steps"]:
                break

    elapsed, _ = milliseconds(steps)
    return {"milliseconds": elapsed / len(losses), "loss": [losses[0], losses[-1]], "peak_bytes": peak_bytes()}


def sampled(work):
    """What `work` samples, timed; it returns the batches, and a function that counts their edges."""
    elapsed, (drawn, edges_of) = milliseconds(work)
    edges = sum(map(edges_of, drawn))
    return {"milliseconds": elapsed, "edges": edges, "medges_per_second": edges / elapsed / 1e3}
