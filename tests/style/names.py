#!/usr/bin/env python3
"""Fails where two headers define a type of the same name: a program that holds both is wrong, and the linker is silent.

usage: names.py ROOT      checks the tree
       names.py --self-test  checks that a second definition is caught
"""
import collections
import pathlib
import re
import sys

MODULES = ("core", "graph", "comm", "partition", "kernels", "datasets", "sampler", "exec", "cli")
DEFINITION = re.compile(r"^(?:template <.*> ?)?(?:struct|class|enum class|union) (\w+)[^;]*\{", re.MULTILINE)
NAMESPACE = re.compile(r"^namespace ([\w:]+) \{", re.MULTILINE)


def definitions(text):
    """The types of a header's outermost namespace."""
    namespace = NAMESPACE.search(text)
    return {f"{namespace[1] if namespace else ''}::{name}" for name in DEFINITION.findall(text)}


def faults(headers):
    """headers: path → text."""
    places = collections.defaultdict(list)
    for path, text in headers.items():
        for name in definitions(text):
            places[name].append(path)
    return [f"{name} is defined in {' and in '.join(paths)}" for name, paths in sorted(places.items()) if len(paths) > 1]


def self_test():
    one = "namespace kith {\nstruct Table {\n};\n}"
    other = "namespace kith {\ntemplate <class T>\nstruct Table {\n};\nclass Later;\n}"
    assert faults({"a.h": one, "b.h": other}) == ["kith::Table is defined in a.h and in b.h"]
    assert not faults({"a.h": one, "b.h": "namespace kith::cli {\nstruct Table {\n};\n}", "c.h": "struct Table;"})


def main():
    if sys.argv[1] == "--self-test":
        return self_test()
    root = pathlib.Path(sys.argv[1])
    headers = {str(p.relative_to(root)): p.read_text() for module in MODULES for p in sorted((root / module).rglob("*.h"))}
    found = faults(headers)
    print("\n".join(found) or f"{len(headers)} headers, every type is defined in one")
    return 1 if found else 0


sys.exit(main())
