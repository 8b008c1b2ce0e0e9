"""GCN, GraphSAGE and GAT in float64: forward, loss, gradients by complex steps, Adam.

A layer sees destinations × sources: `rows[i]` lists the source positions of destination i, destinations come first
among the sources. Gradients are dL/dw = Im L(w + ih) / h (Squire & Trapp, SIAM Review 1998): exact to rounding, and
nothing of a backward pass is written down here.
"""
import numpy as np
from draws import kept, key_of, uniform_init


class LayerGraph:
    def __init__(self, rows, ids, degrees):
        self.rows, self.ids, self.degrees = rows, ids, degrees
        self.destinations = len(rows)
        self.dst = np.array([i for i, row in enumerate(rows) for _ in row], dtype=int)
        self.src = np.array([j for row in rows for j in row], dtype=int)

    def sum(self, messages):
        y = np.zeros((self.destinations,) + messages.shape[1:], dtype=messages.dtype)
        np.add.at(y, self.dst, messages)
        return y

    def count(self):
        return np.array([max(len(row), 1) for row in self.rows], dtype=float)


class Pass:
    """One forward pass: numbers its dropouts, in training."""

    def __init__(self, shape, step):
        self.shape, self.step, self.number = shape, step, 0

    def mask(self, node_counts, p):
        """1/(1 − p) or 0 for `count` elements of every (node, count)."""
        key = key_of(self.shape["seed"], "dropout", self.number)
        self.number += 1
        p = float(np.float32(p))
        return [kept(key, node, self.step, count, p) / (1.0 - p) for node, count in node_counts]

    def dropout(self, graph, x):
        masks = self.mask([(graph.ids[i], x.shape[1]) for i in range(len(x))], self.shape["dropout"])
        return x * np.array(masks)


def glorot(out, fan_in):
    return np.sqrt(6.0 / (fan_in + out))


def parameter_shapes(shape):
    """(name, extents, bound) in the order of creation; bound 0: zeros."""
    heads, hidden, found = shape["heads"], shape["hidden"], []
    for l in range(shape["layers"]):
        last = l + 1 == shape["layers"]
        name = f"convs.{l}"
        if shape["model"] == "gat":
            fan_in = shape["in"] if l == 0 else hidden * heads
            h, out = (shape["output_heads"], shape["classes"]) if last else (heads, hidden)
            found.append((name + ".lin.weight", (h * out, fan_in), glorot(h * out, fan_in)))
            found.append((name + ".att_src", (1, h, out), np.sqrt(6.0 / (h + out))))
            found.append((name + ".att_dst", (1, h, out), np.sqrt(6.0 / (h + out))))
            found.append((name + ".bias", (out if last else h * out,), 0.0))
            continue
        fan_in = shape["in"] if l == 0 else hidden
        out = shape["classes"] if last else hidden
        if shape["model"] == "gcn":
            found.append((name + ".lin.weight", (out, fan_in), glorot(out, fan_in)))
            found.append((name + ".bias", (out,), 0.0))
        else:
            bound = 1.0 / np.sqrt(float(fan_in))
            found.append((name + ".lin_l.weight", (out, fan_in), bound))
            found.append((name + ".lin_l.bias", (out,), bound))
            found.append((name + ".lin_r.weight", (out, fan_in), bound))
    return found


def initial(shape):
    """All parameters flat, fp32."""
    flat = [uniform_init(shape["seed"], index, int(np.prod(extents)), bound)
            for index, (_, extents, bound) in enumerate(parameter_shapes(shape))]
    return np.concatenate(flat)


def unpack(flat, shape):
    weights, begin = {}, 0
    for name, extents, _ in parameter_shapes(shape):
        size = int(np.prod(extents))
        weights[name] = flat[begin : begin + size].reshape(extents)
        begin += size
    return weights


def relu(x):
    return np.where(x.real > 0, x, 0)


def elu(x):
    return np.where(x.real > 0, x, np.exp(np.where(x.real > 0, 0, x)) - 1)


def gcn_layer(graph, x, w, name, _pass, _shape, _last):
    """D^-1/2 (A + I) D^-1/2 x Wᵀ + b; a sampled row is scaled up to the degree of its node."""
    degree = np.array(graph.degrees, dtype=float)
    own = degree[: graph.destinations]
    messages = x[graph.src] / np.sqrt(degree[graph.src] + 1)[:, None]
    y = graph.sum(messages) * (own / graph.count() / np.sqrt(own + 1))[:, None]
    y = y + x[: graph.destinations] / (own + 1)[:, None]
    return y @ w[name + ".lin.weight"].T + w[name + ".bias"]


def sage_layer(graph, x, w, name, _pass, _shape, _last):
    mean = graph.sum(x[graph.src]) / graph.count()[:, None]
    own = x[: graph.destinations]
    return mean @ w[name + ".lin_l.weight"].T + w[name + ".lin_l.bias"] + own @ w[name + ".lin_r.weight"].T


def gat_layer(graph, x, w, name, run, shape, last):
    heads = shape["output_heads"] if last else shape["heads"]
    h = (x @ w[name + ".lin.weight"].T).reshape(len(x), heads, -1)
    left = (h * w[name + ".att_dst"]).sum(-1)
    right = (h * w[name + ".att_src"]).sum(-1)
    score = left[graph.dst] + right[graph.src]
    score = np.where(score.real > 0, score, 0.2 * score)
    power = np.exp(score - score.real.max())
    alpha = power / graph.sum(power)[graph.dst]
    masks = run.mask([(graph.ids[i], len(row) * heads) for i, row in enumerate(graph.rows)], shape["dropout"])
    alpha = alpha * np.concatenate(masks).reshape(-1, heads)
    y = graph.sum(alpha[:, :, None] * h[graph.src])
    y = y.mean(1) if last else y.reshape(len(y), -1)
    return y + w[name + ".bias"]


LAYERS = {"gcn": (gcn_layer, relu), "sage": (sage_layer, relu), "gat": (gat_layer, elu)}


def loss(flat, shape, graphs, x, labels, seeds, step):
    """Mean cross-entropy of the destinations `seeds` of the last graph; labels by destination."""
    layer, activation = LAYERS[shape["model"]]
    w, run = unpack(flat, shape), Pass(shape, step)
    for l, graph in enumerate(graphs):
        last = l + 1 == len(graphs)
        x = layer(graph, run.dropout(graph, x), w, f"convs.{l}", run, shape, last)
        if not last:
            x = activation(x)
    logits = x[seeds]
    logits = logits - logits.real.max(1, keepdims=True)
    picked = logits[np.arange(len(seeds)), np.array(labels)[seeds]]
    return (np.log(np.exp(logits).sum(1)) - picked).mean()


def loss_and_gradient(flat, *rest):
    step = 1e-30
    gradient = np.zeros(len(flat))
    for i in range(len(flat)):
        moved = flat.astype(complex)
        moved[i] += 1j * step
        gradient[i] = loss(moved, *rest).imag / step
    return float(loss(flat.astype(complex), *rest).real), gradient


class Adam:
    """Kingma & Ba 2015, with L2 in the gradient."""

    def __init__(self, size, lr, weight_decay):
        self.lr, self.weight_decay, self.t = lr, weight_decay, 0
        self.m, self.v = np.zeros(size), np.zeros(size)

    def step(self, weights, gradient):
        g = gradient + self.weight_decay * weights
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.999 * self.v + 0.001 * g * g
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
        return weights - self.lr * m / (np.sqrt(v) + 1e-8)
