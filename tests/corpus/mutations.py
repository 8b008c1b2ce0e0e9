"""Breaks files: every function yields (what was done, the bytes, what must happen, the line that must be named or None).

What must happen: "refused" – exit code 2; "same" – the store of the whole file, array for array (the mutation is harmless);
"any" – either (a flipped digit may still be a number), but never anything else."""
import gzip
import io
import json
import re
import struct
import zipfile

from encodings_of_files import gz, npy, npy_of, zstd

REFUSED, SAME, ANY = "refused", "same", "any"
MIB = 1 << 20


def spread(size, count, seed=1):
    """`count` places in [0, size), the same every time."""
    for _ in range(count):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        yield (seed >> 33) % size


def flipped(data, places):
    for at in sorted(set(places)):
        yield f"bit {at % 8} of byte {at} flipped", data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:], ANY, None


def truncated(data, expected=ANY):
    yield "empty", b"", REFUSED, None
    for at in sorted({1, len(data) // 4, len(data) // 2, len(data) * 3 // 4, len(data) - 1}):
        yield f"cut off at byte {at}", data[:at], expected, None


def foreign():
    """What somebody may have put in the place of any file."""
    yield "zeros", bytes(4096), REFUSED, None
    yield "noise", bytes(at % 251 for at in spread(1 << 20, 2048, seed=7)), REFUSED, None
    yield "a web page", b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n", REFUSED, None
    yield "a program", b"\x7fELF\x02\x01\x01" + bytes(120), REFUSED, None


# ---- text: one line becomes a bad one, which must be named ----

NUMBERS = {"a text": "two{s}3", "a negative id": "-3{s}1", "twenty digits": "99999999999999999999{s}1", "a fraction": "1.5{s}2",
           "nan": "nan{s}1", "infinity": "1{s}inf", "one column": "3", "three columns": "3{s}4{s}5", "another separator": "3~4",
           "a hexadecimal id": "0x3{s}1", "an empty column": "{s}1", "letters behind a number": "3x{s}4"}
BAD_LINES = {
    "edges": NUMBERS,
    "edges csv": {"one column": "user_1", "four columns": "a,b,1,2", "an empty id": ",b,1", "a weight that is a text": "a,b,heavy",
                  "a weight of nan": "a,b,nan", "a weight of infinity": "a,b,inf", "a weight out of range": "a,b,1e999",
                  "the header again": "source,target,weight", "another separator": "a;b;1"},
    "table": {"a text": "two", "letters behind a number": "3x", "not a number": "1-2"},
    "chunk": {key: NUMBERS[key] for key in ("a text", "a negative id", "twenty digits", "a fraction", "nan", "one column", "three columns")},
    "mtx": {"a text": "two 3 1", "row 0": "0 1 1", "a row beyond the matrix": "7 1 1", "a column beyond the matrix": "1 7 1",
            "a negative row": "-1 1 1", "no value": "1 2", "two values": "1 2 3 4", "a value of nan": "1 2 nan",
            "a value out of range": "1 2 1e999", "twenty digits": "99999999999999999999 1 1"},
    "metis": {"a text": "two", "node 0": "0", "a node beyond the graph": "7", "a negative node": "-1", "twenty digits":
              "99999999999999999999", "a fraction": "1.5", "another separator": "1,2,3"},
    "nodes": {"an id twice": "10,0,train,1,1", "a text among numbers": "14,1,train,tall,1", "a feature of nan": "14,1,train,nan,1",
              "a feature out of range": "14,1,train,1e999,1", "a label of -7": "14,-7,train,1,1", "a label of 2^40":
              "14,1099511627776,train,1,1", "half a label": "14,0.5,train,1,1", "an unknown split": "14,1,maybe,1,1",
              "four columns": "14,1,train,1", "six columns": "14,1,train,1,1,1", "the header again": "id,label,split,age,height",
              "an empty feature": "14,1,train,,1", "an unknown id": "99999,1,train,1,1"},
}
# Edits of the first lines, which must not go unseen.
BAD_HEADS = {
    "mtx": {"no banner": (b"%%MatrixMarket", b"%%Matrix"), "a dense matrix": (b"coordinate", b"array"), "complex": (b"real", b"complex"),
            "skew": (b"general", b"skew-symmetric"), "not square": (b"\n6 6 8", b"\n6 7 8"), "absurd rows":
            (b"\n6 6 8", b"\n4611686018427387904 4611686018427387904 8"), "negative rows": (b"\n6 6 8", b"\n-6 -6 8"), "more entries":
            (b"\n6 6 8", b"\n6 6 9"), "absurd entries": (b"\n6 6 8", b"\n6 6 9223372036854775807"), "fewer entries": (b"\n6 6 8", b"\n6 6 7")},
    "metis": {"fewer nodes": (b"6 8", b"5 8"), "more edges": (b"6 8", b"6 9"), "no edges": (b"6 8", b"6 0"),
              "absurd nodes": (b"6 8", b"4611686018427387904 8"), "negative nodes": (b"6 8", b"-6 8"), "an unknown fmt":
              (b"6 8", b"6 8 9"), "too many constraints": (b"6 8", b"6 8 010 99999999")},
    "nodes": {"a column twice": (b"age,height", b"age,age"), "no name": (b"id,label", b",label"), "a column fewer": (b",height", b"")},
}
HARMLESS = {
    "edges": {"crlf", "byte-order mark", "no last newline", "empty lines", "blanks at the ends", "a comment"},
    "edges csv": {"crlf", "byte-order mark", "no last newline", "empty lines", "blanks at the ends", "a comment"},
    "table": {"crlf", "no last newline", "empty lines", "blanks at the ends", "a comment"},
    "chunk": {"crlf", "no last newline", "empty lines"},
    "mtx": {"crlf", "no last newline", "blanks at the ends"},
    "metis": {"crlf", "no last newline", "blanks at the ends"},
    "nodes": {"crlf", "byte-order mark", "no last newline", "empty lines"},
}


def edits(data, harmless):
    """What editors and spreadsheets do to a file of text."""
    lines = data.split(b"\n")
    blank = lines[0] + b"\n\n" + b"\n".join(lines[1:]) + b"\n\n"
    for what, edited in (("crlf", data.replace(b"\n", b"\r\n")), ("byte-order mark", b"\xef\xbb\xbf" + data), ("no last newline", data[:-1]),
                         ("empty lines", blank), ("blanks at the ends", data.replace(b"\n", b"  \n")),
                         ("a comment", lines[0] + b"\n# a comment\n" + b"\n".join(lines[1:]))):
        yield what, edited, SAME if what in harmless else ANY, None
    yield "utf-16", data.decode().encode("utf-16"), REFUSED, None
    yield "carriage returns for newlines", data.replace(b"\n", b"\r"), ANY, None
    yield "lines the other way round", b"\n".join(reversed(lines[:-1])) + b"\n", ANY, None
    yield "quotes that do not end", data.replace(b"\n", b'\n"', 2), ANY, None


def broken_text(kind, data):
    yield from truncated(data)
    yield from flipped(data, spread(len(data), 5))
    yield from foreign()
    yield from edits(data, HARMLESS[kind])
    lines = data.split(b"\n")
    at = max(0, len(lines) - 3)
    separator = next((s for s in "\t, " if s.encode() in lines[at]), ",")
    for what, line in BAD_LINES[kind].items():
        broken = line.format(s=separator).encode()
        elsewhere = kind == "metis" or what == "an unknown id"  # another line, or the edges, show what is wrong
        yield what, b"\n".join(lines[:at] + [broken] + lines[at + 1:]), REFUSED, None if elsewhere else at + 1
    for what, line in (("a zero byte", b"3\0" + lines[at]), ("a byte that is no letter", b"\xff\xfe" + lines[at])):
        names = kind == "edges csv"  # any letters are a name
        yield what, b"\n".join(lines[:at] + [line] + lines[at + 1:]), ANY if names else REFUSED, None if names or kind == "metis" else at + 1
    for what, (good, bad) in BAD_HEADS.get(kind, {}).items():
        yield what, data.replace(good, bad, 1), REFUSED, None
    if kind == "edges":
        yield "a line of 17 MiB", data + b"1" * (17 * MIB) + b"\n", REFUSED, None


# ---- packed text ----

def broken_packed(kind, data, packed):
    whole = packed(data)
    for what, broken_data, _, line in broken_text(kind, data):
        if what in ("a text", "crlf", "empty", "cut off at byte 1"):
            yield f"{what}, packed", packed(broken_data), REFUSED if line or what == "empty" else ANY, line
    yield from truncated(whole, REFUSED)
    yield from flipped(whole, list(spread(len(whole), 6)) + [0, 1, len(whole) - 1])
    yield "wrong magic", b"\0\0\0\0" + whole[4:], REFUSED, None
    yield "plain text under a packed name", data, REFUSED, None
    yield "packed twice", packed(whole), REFUSED, None
    yield "noise behind", whole + b"\x55\xaa\x55\xaa\x55", REFUSED, None
    yield "a bomb of zeros", packed(bytes(16 * MIB)), REFUSED, None


def broken_gz(kind, data):
    yield from broken_packed(kind, data, gz)
    whole = gz(data)
    yield "a wrong checksum", whole[:-8] + b"\1\2\3\4" + whole[-4:], REFUSED, None
    yield "a wrong length", whole[:-4] + struct.pack("<I", 1 << 31), REFUSED, None


def broken_zst(kind, data):
    yield from broken_packed(kind, data, zstd)
    yield "an absurd length", zstd(data)[:5] + struct.pack("<Q", 1 << 62) + zstd(data)[13:], REFUSED, None
    # RFC 8878: no single segment, and a window of 2^(10 + 31) bytes.
    yield "a window of 2 TiB", struct.pack("<IBB", 0xFD2FB528, 0, 31 << 3) + zstd(data)[13:], REFUSED, None


# ---- arrays ----

def header_of(data):
    """descr, shape as text, and elements."""
    length = struct.unpack("<H", data[8:10])[0]
    text = data[10:10 + length].decode()
    return re.search(r"'descr': '([^']*)'", text)[1], re.search(r"'shape': (\(.*?\)), }", text)[1], data[10 + length:]


def broken_npy(role, data):
    yield from truncated(data, REFUSED)
    yield from flipped(data, spread(128, 5))
    yield from flipped(data, (128 + at for at in spread(max(1, len(data) - 128), 3)))
    yield from foreign()
    descr, shape, elements = header_of(data)
    yield "wrong magic", b"\x93NUMBY" + data[6:], REFUSED, None
    yield "format 9.9", data[:6] + b"\x09\x09" + data[8:], REFUSED, None
    yield "an absurd header length", data[:8] + b"\xff\xff" + data[10:], REFUSED, None
    yield "a header of no length", data[:8] + b"\0\0" + data[10:], REFUSED, None
    yield "as a text editor saves it", data.replace(b"\n", b"\r\n"), REFUSED, None
    yield "byte-order mark", b"\xef\xbb\xbf" + data, REFUSED, None
    yield "one byte more", data + b"\0", REFUSED, None
    yield "elements cut off", data[:-1], REFUSED, None
    for other in (">i8", "|O", "<U5", "<c16", "<M8[s]", "i8", "<i3", ""):
        yield f"element type {other!r}", npy_of(other, shape, elements), REFUSED, None
    for other in ("(-1,)", "(4611686018427387904,)", "(4611686018427387904, 8)", "(1099511627776, 1099511627776)", "(0,)", "()",
                  "(2, 2, 2)", "(99999999999999999999,)", "(__import__('os'),)", "6", "(6, ", "(1.5,)"):
        if other != shape:
            yield f"shape {other}", npy_of(descr, other, elements), REFUSED, None
    yield "no shape", data.replace(b"'shape'", b"'sharp'"), REFUSED, None
    yield "a shape twice", npy_of(descr, shape + ", 'shape': (1,)", elements), REFUSED, None
    yield "a format 2 header", b"\x93NUMPY\2\0" + data[8:10] + b"\0\0" + data[10:], SAME, None
    yield "a header that ends anywhere", data[:8] + struct.pack("<H", len(data[10:-len(elements)]) + 3) + data[10:-len(elements) - 1] + \
        b"   \n" + elements, SAME, None
    yield from wrong_values(role, descr, shape, elements)


def wrong_values(role, descr, shape, elements):
    width = int(descr[2])
    letter = {"<i4": "i", "<i8": "q", "<f4": "f"}.get(descr, "B")

    def with_last(value):
        return npy_of(descr, shape, elements[:-width] + struct.pack(f"<{letter}", value))
    if role in ("ids", "split"):
        for what, value in (("a negative id", -1), ("an id out of range", 1 << 20), ("an absurd id", (1 << 31) - 1),
                            ("the smallest id", -(1 << (8 * width - 1)))):
            yield what, with_last(value), REFUSED, None
        yield "ids that are reals", npy_of("<f8" if width == 8 else "<f4", shape, elements), REFUSED, None
    if role == "split":
        yield "a node twice", npy(descr, (2,), [0, 0]), REFUSED, None
    if role == "offsets":
        for what, value in (("an end too far", 1 << 40), ("an end too near", 1), ("a negative end", -8)):
            yield what, with_last(value), REFUSED, None
        yield "a fall", npy_of(descr, shape, elements[:8] + struct.pack("<q", 7) + elements[16:]), REFUSED, None
        yield "a wrong beginning", npy_of(descr, shape, struct.pack("<q", -1) + elements[8:]), REFUSED, None
    if role == "reals":
        for value in (float("nan"), float("inf"), -float("inf")):
            yield f"a feature of {value}", with_last(value), REFUSED, None
    if role == "labels" and letter == "q":
        for value in (-7, 1 << 40, -(1 << 63)):
            yield f"a label of {value}", with_last(value), REFUSED, None


# ---- archives ----

def members_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def archive_of(members, packed=True):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, archive.compression)
    return out.getvalue()


def broken_npz(member, data):
    yield from truncated(data, REFUSED)
    yield from flipped(data, spread(len(data), 8))
    yield from foreign()
    entry, end = data.find(b"PK\1\2"), data.rfind(b"PK\5\6")
    while data[entry + 46:entry + 46 + len(member) + 4] != member.encode() + b".npy":
        entry = data.find(b"PK\1\2", entry + 1)
    for what, at, value in (("encrypted", entry + 8, b"\1\0"), ("an unknown compression", entry + 10, b"\x63\0"),
                            ("a wrong checksum", entry + 16, b"\1\2\3\4"), ("an absurd packed size", entry + 20, b"\xf0\xff\xff\xff"),
                            ("an absurd size", entry + 24, b"\xf0\xff\xff\xff"), ("a size of 0", entry + 24, bytes(4)),
                            ("64-bit sizes that are not there", entry + 20, b"\xff" * 8), ("a long name", entry + 28, b"\xff\xff"),
                            ("a long extra field", entry + 30, b"\xff\xff"), ("a place outside", entry + 42, b"\xf0\xff\xff\xff"), ("a wrong entry", entry, b"PK\7\7"),
                            ("several disks", end + 4, b"\1\0"), ("more members", end + 10, b"\xff\xff"),
                            ("an absurd directory", end + 12, b"\xf0\xff\xff\x7f"), ("a directory outside", end + 16, b"\xf0\xff\xff\x7f"),
                            ("no end", end, b"PK\7\7")):
        yield what, data[:at] + value + data[at + len(value):], REFUSED, None
    members = members_of(data)
    name = member + ".npy"
    others = [(key, value) for key, value in members.items() if key != name]
    if "features" not in member:  # which may be missing
        yield "an array is missing", archive_of(others), REFUSED, None
        yield "an array in another folder", archive_of(others + [("../" + name, members[name])]), REFUSED, None
    yield "an archive in an archive", archive_of([(name, data)]), REFUSED, None
    yield "no members", archive_of([]), REFUSED, None
    yield "a bomb of zeros", archive_of(others + [(name, members[name] + bytes(16 * MIB))]), REFUSED, None
    yield "wrong local header", data.replace(b"PK\3\4", b"PK\7\7"), REFUSED, None
    role = "ids" if member in ("edges", "row", "indices", "adj_indices", "edge_index") else "reals" if "feat" in member else "labels"
    for i, (what, broken, expected, _) in enumerate(broken_npy(role, members[name])):
        if i % 3 == 0 or "id" in what.split() or "feature" in what:
            yield f"{name}: {what}", archive_of(others + [(name, broken)]), expected, None


# ---- pickles ----

def broken_pickle(data):
    yield from truncated(data, REFUSED)
    yield from flipped(data, spread(len(data), 20))
    yield from foreign()
    for what, bad in (("a call of os.system", b"\x80\x02cos\nsystem\nU\x04true\x85R."), ("protocol 4", b"\x80\x04" + data[2:]),
                      ("no stop", data[:-1]), ("two objects", data[:-1] + data[2:]), ("bytes behind the object", data + b"x"),
                      ("None", b"\x80\x02N."), ("an absurd text", b"\x80\x02T\xff\xff\xff\xffx."), ("an absurd memo", b"\x80\x02Nr\xff\xff\xff\x7f."),
                      ("a memo never set", b"\x80\x02h\x07."), ("nothing but marks", b"\x80\x02" + b"(" * 5000 + b"."),
                      ("tuples in tuples", b"\x80\x02)" + b"\x85" * 50000 + b"."), ("big-endian", data.replace(b"U\x01<", b"U\x01>")),
                      ("another class", data.replace(b"cnumpy\ndtype", b"cnumpy\nnames").replace(b"list\n", b"dict\n"))):
        yield what, bad, REFUSED, None


# ---- metadata ----

BAD_VALUES = (None, -1, 1 << 62, 1e300, "../../x", "", [], {}, [[]], True)


def with_value(document, path, value):
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if value is with_value:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return copy


def paths_of(document, path=()):
    if path:
        yield path
    if isinstance(document, (dict, list)):
        for key in document if isinstance(document, dict) else range(len(document)):
            yield from paths_of(document[key], path + (key,))


def broken_json(data):
    yield from truncated(data, REFUSED)
    yield from flipped(data, spread(len(data), 8))
    yield from foreign()
    document = json.loads(data)
    for i, path in enumerate(paths_of(document)):
        where = "/".join(map(str, path))
        yield f"{where} is missing", json.dumps(with_value(document, path, with_value)).encode(), ANY, None
        for j in range(3):
            value = BAD_VALUES[(3 * i + j) % len(BAD_VALUES)]
            yield f"{where} is {value!r}", json.dumps(with_value(document, path, value)).encode(), ANY, None
    for where, value in ((("num_nodes_per_chunk", 0, 0), -3), (("num_nodes_per_chunk", 0, 0), 1 << 59), (("num_edges_per_chunk", 0, 0), 1 << 62),
                         (("num_nodes_per_chunk", 0, 0), 1e300), (("node_type",), []), (("edge_type",), ["n"]), (("edges",), {}),
                         (("edges", "n:e:n", "format", "name"), "parquet"), (("edges", "n:e:n", "format", "delimiter"), "::"),
                         (("edges", "n:e:n", "data", 0), "/etc/passwd"), (("edges", "n:e:n", "data", 0), "edges/9.csv"),
                         (("edges", "n:e:n", "data"), []), (("node_data", "n", "feat", "data", 0), "n/l.npy")):
        yield f"{where[-1]} is {value!r}!", json.dumps(with_value(document, where, value)).encode(), REFUSED, None
    yield "a hundred thousand brackets", b"[" * 100_000, REFUSED, None
    yield "deep lists", b'{"node_type": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", REFUSED, None
    yield "a key twice", data.replace(b'"edge_type"', b'"node_type"'), REFUSED, None
    yield "no number", data.replace(b"3", b"NaN", 1), REFUSED, None
    yield "utf-16", data.decode().encode("utf-16"), REFUSED, None


def broken_yaml(data):
    yield from truncated(data)
    yield from flipped(data, spread(len(data), 15))
    yield from foreign()
    lines = data.decode().split("\n")[:-1]
    for i, line in enumerate(lines):
        def changed(other, at=i):
            return "\n".join(lines[:at] + other + lines[at + 1:]).encode() + b"\n"
        yield f"line {i + 1} is missing", changed([]), ANY, None
        yield f"line {i + 1} is indented", changed([" " + line]), ANY, None
        key, colon, value = line.partition(": ")
        if colon:
            for j in range(3):
                bad = ("-1", "4611686018427387904", "1e300", "../../x", "null", "", "[]", "{}", "'", "x")[(3 * i + j) % 10]
                yield f"{key.strip(' -')} is {bad!r}", changed([f"{key}: {bad}"]), ANY, None
    for what, good, bad, line in (("a negative count", "num: 6", "num: -6", 4), ("an absurd count", "num: 6", "num: 9999999999999999999", 4),
                                  ("a tab", "  nodes:", "\tnodes:", 3), ("an anchor", "nodes:", "nodes: &a", 3), ("a flow list", "num: 6", "num: [6, 7]", 4),
                                  ("a key twice", "feature_data:", "graph:", None), ("a path that leaves the folder", "edges.csv", "../edges.csv", None),
                                  ("a file that is not there", "edges.csv", "none.csv", None), ("parquet", "format: csv", "format: parquet", None),
                                  ("deep lists", "dataset_name: toy", "dataset_name:\n" + "- " * 5000 + "x", None)):
        yield what, data.decode().replace(good, bad, 1).encode(), REFUSED, line


def broken(kind, data):
    """Every mutation of a file of this kind; `data` is whole."""
    for mutation in mutations(kind, data):
        if mutation[1] != data or mutation[2] == SAME:
            yield mutation


def mutations(kind, data):
    first, _, rest = kind.partition(" ")
    if first == "npz":
        return broken_npz(rest, data)
    if first == "npy":
        return broken_npy(rest, data)
    if kind.endswith(" gz"):
        return broken_gz(kind[:-3], gzip.decompress(data))
    if kind.endswith(" zst"):
        blocks, at = b"", 13
        while at < len(data):
            size = int.from_bytes(data[at:at + 3], "little") >> 3
            blocks, at = blocks + data[at + 3:at + 3 + size], at + 3 + size
        return broken_zst(kind[:-4], blocks)
    single = {"pickle": broken_pickle, "json": broken_json, "yaml": broken_yaml}
    return single[kind](data) if kind in single else broken_text(kind, data)
