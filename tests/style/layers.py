#!/usr/bin/env python3
"""Fails on an include that runs against the order of the modules (docs/architecture.md).

usage: layers.py ROOT      checks the tree
       layers.py --self-test  checks that bad includes are caught
"""
import pathlib
import re
import sys

# A module may include itself and these.
MAY_USE = {
    "core": set(),
    "graph": {"core"},
    "comm": {"core"},
    "partition": {"core", "graph"},
    "kernels": {"core", "graph"},
    "datasets": {"core", "graph", "partition"},
}
MAY_USE["sampler"] = set(MAY_USE) | {"datasets", "kernels", "comm"}
MAY_USE["exec"] = MAY_USE["sampler"] | {"sampler"}
MAY_USE["cli"] = MAY_USE["exec"] | {"exec"}

# Each stays inside the files named, so that no user of the library has to have it.
NOT_IN_HEADERS = ("fmt/", "spdlog/", "nlohmann/", "CLI/", "toml++/", "tbb/", "oneapi/tbb")
NEVER_IN = {"partition": ("mpi.h",), "exec": ("mpi.h",), "sampler": ("mpi.h",)}
SUFFIXES = {".h", ".cc", ".cu", ".cuh"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def fault_of(module, is_header, bracket, included):
    """What is wrong with one include, or None."""
    if included.startswith("kith/"):
        other = included.split("/")[1]
        if other != module and other not in MAY_USE[module]:
            return f"{module} may not use {other}"
    elif bracket == '"':
        return 'our headers are included as "kith/<module>/<file>.h"'
    elif is_header and included.startswith(NOT_IN_HEADERS):
        return "stays out of headers"
    elif included in NEVER_IN.get(module, ()):
        return f"{module} knows nothing of it"
    return None


def faults_in(module, name, text):
    is_header = name.endswith((".h", ".cuh"))
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        fault = found and fault_of(module, is_header, found[1], found[2])
        if fault:
            yield f"{name}:{number}: {found[2]}: {fault}"


def check_tree(root):
    faults, files = [], 0
    for module in MAY_USE:
        for path in sorted((root / module).rglob("*")):
            if path.suffix in SUFFIXES:
                files += 1
                faults += faults_in(module, str(path.relative_to(root)), path.read_text())
    if files == 0:
        sys.exit(f"layers: no sources under {root}")
    print("\n".join(faults) if faults else f"layers: {files} files, every include follows the order")
    return 1 if faults else 0


def self_test():
    bad = [
        ("core", "core/a.h", '#include "kith/graph/csr.h"'),
        ("comm", "comm/a.cc", '#include "kith/graph/csr.h"'),
        ("partition", "partition/a.cc", '#include "kith/datasets/store.h"'),
        ("kernels", "kernels/a.cc", '  #  include "kith/sampler/batch.h"'),
        ("exec", "exec/a.cc", '#include "kith/cli/verb.h"'),
        ("graph", "graph/a.cc", '#include "csr.h"'),
        ("graph", "graph/a.h", "#include <fmt/format.h>"),
        ("partition", "partition/a.cc", "#include <mpi.h>"),
    ]
    good = [
        ("graph", "graph/a.h", '#include "kith/core/ids.h"\n#include <vector>'),
        ("graph", "graph/a.cc", "#include <fmt/format.h>"),
        ("cli", "cli/a.cc", '#include "kith/exec/train.h"\n#include "kith/cli/verb.h"'),
    ]
    for case in bad:
        assert list(faults_in(*case)), f"not caught: {case}"
    for case in good:
        assert not list(faults_in(*case)), f"wrongly caught: {case}"
    print(f"layers: {len(bad)} bad includes are caught, {len(good)} good ones pass")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(self_test() if sys.argv[1] == "--self-test" else check_tree(pathlib.Path(sys.argv[1])))
