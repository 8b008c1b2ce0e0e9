"""Damage to stores and partitioned stores: exit code 5 that names the file, whichever verb meets it."""
import json
import pathlib
import shutil
import struct
import sys

from mutations import BAD_VALUES, flipped, paths_of, spread, with_value
from samples import FEATURES, LABELS, NODES, text

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "python" / "kith_convert" / "kith_convert"))
from checksum import xxh64  # noqa: E402  pylint: disable=wrong-import-position

# What reads more than the headers of a folder: none may crash or go wrong in another way.
READERS = {"store": (["inspect"], ["partition", "-o", "made", "-k", "2", "--method", "ldg"], ["export", "--format", "edges", "-o", "made"]),
           "parts": (["inspect"], ["export", "--assignment", "made.npy"])}


def resealed(document):
    """A JSON file whose seal is right, whatever stands in it."""
    body = json.dumps({key: value for key, value in document.items() if key != "seal"}, indent=2)[:-2]
    return (body + f',\n  "seal": "{xxh64(body.encode()):016x}"\n}}\n').encode()


def make(kith, folder):
    """A store with features, labels, splits, weights and names, and three parts of it."""
    folder.mkdir(parents=True)
    ring = [(i, (i + 1) % NODES) for i in range(NODES)] + [(0, 3), (2, 5), (4, 1)]
    (folder / "e.csv").write_bytes(b"source,target,weight\n" + text([(f"n{a}", f"n{b}", 1 + a) for a, b in ring], ","))
    (folder / "n.csv").write_bytes(b"id,label,split,f1,f2\n" + text(
        [(f"n{i}", LABELS[i], ("train", "valid", "test")[i % 3], FEATURES[2 * i], FEATURES[2 * i + 1]) for i in range(NODES)], ","))
    for arguments in (["prepare", "e.csv", "-o", "store", "--weight-column", "3", "--nodes", "n.csv", "--undirected"],
                      ["partition", "store", "-o", "parts", "-k", "3", "--method", "range"]):
        done = kith(folder, *arguments)
        assert done.returncode == 0, done.stderr


def damages(whole):
    yield from ((what, data) for what, data, _, _ in flipped(whole, list(spread(len(whole), 6)) + [len(whole) - 1]))
    for at in sorted({0, 1, len(whole) // 2, len(whole) - 1}):
        yield f"cut off at byte {at}", whole[:at]
    yield "one byte more", whole + b"\0"
    yield "zeros", bytes(len(whole))


def absurd_numbers(whole):
    """Elements that lead anywhere: the last ones of an array of whole numbers."""
    for value in (-1, 1 << 62, -(1 << 63)):
        yield f"its last number is {value}", whole[:-8] + struct.pack("<q", value)


def edited(whole):
    """Metadata that is sealed but wrong."""
    document = json.loads(whole)
    for i, path in enumerate(path for path in paths_of(document) if path[0] not in ("seal", "made_by", "name")):
        where = "/".join(map(str, path))
        yield f"{where} is missing", resealed(with_value(document, path, with_value))
        for j in range(2):
            value = BAD_VALUES[(2 * i + j) % len(BAD_VALUES)]
            yield f"{where} is {value!r}", resealed(with_value(document, path, value))


def complaint_of(kith, folder, arguments, name, codes):
    done = kith(folder, *arguments)
    for left in ("made", "made.npy"):
        if (folder / left).is_dir():
            shutil.rmtree(folder / left)
        (folder / left).unlink(missing_ok=True)
    left = [path for path in folder.iterdir() if ".tmp" in path.name]
    for path in left:
        shutil.rmtree(path)
    said = done.stderr.strip()
    if done.returncode not in codes or "Sanitizer" in said or "runtime error" in said:
        return f"{arguments[0]}: exit code {done.returncode}: {said}", done.returncode
    if done.returncode == 5 and name and name not in said:
        return f"{arguments[0]}: the message does not name the file: {said}", 5
    return f"{arguments[0]}: left {[path.name for path in left]} behind" if left else "", done.returncode


def broken_stores(kith, folder):
    make(kith, folder)
    outcomes = []

    def judge(kind, path, what, verify_codes, named, reader_codes=(0, 5)):
        name = path.name if named else ""
        outcomes.append((kind, path.name, what, *complaint_of(kith, folder, ["verify", kind], name, verify_codes)))
        readers = READERS[kind]
        reader = readers[len(outcomes) % len(readers)]
        found, code = complaint_of(kith, folder, [reader[0], kind, *reader[1:]], "", reader_codes)
        if found:
            outcomes.append((kind, path.name, what, found, code))
    for kind in ("store", "parts"):
        for path in sorted(path for path in (folder / kind).rglob("*") if path.is_file()):
            whole = path.read_bytes()
            damage = list(damages(whole)) if kind == "store" or "part-00001" in str(path) or path.suffix == ".json" else []
            for what, data in damage + (list(absurd_numbers(whole)) if damage and path.suffix == ".npy" else []):
                path.write_bytes(data)
                judge(kind, path, what, (5,) if data != whole else (0,), True)
            if path.suffix == ".json":
                for what, data in edited(whole):
                    path.write_bytes(data)
                    judge(kind, path, what, (0, 5), False)
            path.unlink()
            if path.suffix != ".json":
                judge(kind, path, "missing", (5,), True)
            path.symlink_to(path.name)
            # Without its JSON a folder is none of ours.
            codes = (2, 5) if path.suffix == ".json" else (5,)
            judge(kind, path, "a loop of links", codes, True, (0, *codes))
            path.unlink()
            path.write_bytes(whole)
    return outcomes
