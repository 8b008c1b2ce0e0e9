"""Philox 4x32-10 (Salmon et al., SC'11) and everything that is drawn with it, in plain Python integers."""
import numpy as np

STREAMS = {"batches": 1, "sampling": 2, "dropout": 3, "init": 6}
MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def philox(counter, key):
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK32, (p0 >> 32) ^ c3 ^ k1, p0 & MASK32
        k0, k1 = (k0 + 0x9E3779B9) & MASK32, (k1 + 0xBB67AE85) & MASK32
    return [c0, c1, c2, c3]


def mix64(x):
    """The finaliser of splitmix64."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK64
    return x ^ (x >> 31)


def key_of(seed, stream, layer=0):
    h = mix64((seed + GOLDEN) & MASK64)
    h = mix64(h ^ ((STREAMS[stream] + GOLDEN) & MASK64))
    h = mix64(h ^ ((layer + GOLDEN) & MASK64))
    return (h & MASK32, h >> 32)


def words(key, node, step, draw):
    return philox((node & MASK32, node >> 32, step, draw), key)


def random64(key, node, step, i):
    """Number i of 64 random bits: two share a Philox block."""
    w = words(key, node, step, i // 2)
    return w[2 * (i % 2)] | w[2 * (i % 2) + 1] << 32


def kept(key, node, step, count, p):
    """Which of `count` consecutive elements of a node survive dropout: 32 bits each, four to a block."""
    least = int(np.ceil(float(np.float32(p)) * 2.0**32))
    return np.array([words(key, node, step, j // 4)[j % 4] >= least for j in range(count)])


def uniform_init(seed, index, size, bound):
    """Parameter number `index`: fp32 in [−bound, bound); zeros for bound 0."""
    if bound == 0:
        return np.zeros(size, dtype=np.float32)
    key = key_of(seed, "init", index)
    unit = [(words(key, i // 4, 0, 0)[i % 4] >> 8) * 2.0**-24 for i in range(size)]
    return np.array([bound * (2.0 * u - 1.0) for u in unit], dtype=np.float32)
