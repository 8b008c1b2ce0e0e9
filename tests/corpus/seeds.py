#!/usr/bin/env python3
"""Writes the corpus' whole files, and what is wrong in the small, as seeds for the fuzzers.

usage: seeds.py FOLDER     one folder below it a fuzzer"""
import gzip
import pathlib
import sys

from mutations import broken, members_of
from samples import all_samples

# Kind of a broken file → the fuzzers it feeds.
FUZZERS = {"mtx": ["matrix_market"], "metis": ["metis"], "nodes": ["node_table"], "table": ["text_table"], "chunk": ["text_table"],
           "pickle": ["pickle"], "json": ["chunked_json"], "yaml": ["graphbolt_yaml"]}
STORE = ('{\n  "format": "kith-store",\n  "format_version": 1,\n  "name": "x",\n  "nodes": 0,\n  "edges": 0,\n  "features": 0,\n'
         '  "feature_dtype": "fp32",\n  "classes": 0,\n  "multi_label": false,\n  "directed": true,\n  "self_loops": 0,\n'
         '  "made_by": "",\n  "files": {"indptr.npy": {"bytes": 136, "checksum": "0123456789abcdef"}}')


def fuzzers_of(kind):
    if kind.startswith("edges"):
        return ["edge_list"]
    if kind.startswith("npy"):
        return ["npy"]
    if kind.startswith("npz"):
        return ["npz", "scipy"]
    return FUZZERS.get(kind, [])


def main(folder):
    count = 0

    def put(fuzzer, data):
        nonlocal count
        path = pathlib.Path(folder) / fuzzer / f"{count:05}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0" + data if fuzzer == "edge_list" else data)
        count += 1
    for sample in all_samples():
        for file, kind in sample.broken.items():
            whole = sample.files[file]
            packing = kind.rpartition(" ")[2]
            if packing == "gz":
                put("gzip", whole)
                put("text_table", gzip.decompress(whole))
            elif packing == "zst":
                put("zstd", whole)
            elif kind.startswith("npz"):
                for member in members_of(whole).values():
                    put("npy", member)
            for fuzzer in fuzzers_of(kind) if packing not in ("gz", "zst") else []:
                put(fuzzer, whole)
                for _, data, _, _ in broken(kind, whole):
                    if len(data) < 4096:
                        put(fuzzer, data)
    put("store_json", STORE.encode())
    for text in ("public", "random:0.6/0.2/0.2:7", "per-class:20/30", "mask:3", "2G", "1.5GiB", "200M"):
        put("split", text.encode())


if __name__ == "__main__":
    main(sys.argv[1])
