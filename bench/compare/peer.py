"""What the workers share: the loop of questions, a store's arrays, timing."""

import json
import os
import resource
import sys
import time

import numpy as np

THREADS = int(os.environ.get("KITH_COMPARE_THREADS", "2"))


def array(store, name):
    return np.load(f"{store}/{name}.npy", mmap_mode="r")


def table(rows, width):
    """The feature table of the SpMM case, the same in every environment."""
    return np.random.default_rng(7).random((rows, width), dtype=np.float32)


def milliseconds(work):
    begin = time.perf_counter()
    result = work()
    return 1e3 * (time.perf_counter() - begin), result


def rows_to_check(y):
    """Sums of some fifty rows of a result: what must agree between contenders."""
    return [float(v) for v in y[:: max(1, len(y) // 50)].sum(axis=1, dtype="f8")]


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def serve(cases):
    """Answers each question by the function of its case."""
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = cases[question["case"]](question)
        except Exception as error:  # a peer that cannot do a case is reported, not fatal
            answer = {"skipped": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)
