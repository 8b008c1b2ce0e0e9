"""Files as bytes, made by the formats' descriptions and Python's own library: no code under test."""
import gzip
import io
import struct
import zipfile

LETTERS = {"<f4": "f", "<i8": "q", "<i4": "i", "|u1": "B", "|b1": "?", "<f8": "d"}


def npy_of(descr, shape, payload, fortran=False, version=(1, 0)):
    """An .npy of any header: `descr` and `shape` stand in it as they are given."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text)) + text.encode() + payload


def shape_text(shape):
    return "(" + "".join(f"{length}, " for length in shape).strip() + ")"


def npy(descr, shape, values):
    return npy_of(descr, shape_text(shape), struct.pack(f"<{len(values)}{LETTERS[descr]}", *values))


def npy_text(text):
    """A scalar of letters, as SciPy names its formats."""
    return npy_of(f"|S{len(text)}", "()", text.encode())


def npz(arrays, packed=True):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(name + ".npy"), array, archive.compression)
    return out.getvalue()


def gz(data):
    return gzip.compress(data, mtime=0)


def zstd(data):
    """One frame (RFC 8878) of stored and repeated blocks: Python 3.11 has no zstd, and it is the frame that gets damaged."""
    room = 64 if len(data) < 4096 else 1 << 17
    pieces = [data[i:i + room] for i in range(0, len(data), room)] or [b""]
    blocks = []
    for i, piece in enumerate(pieces):
        repeated = len(piece) > 1 and piece.count(piece[0]) == len(piece)
        head = len(piece) << 3 | repeated << 1 | (i + 1 == len(pieces))
        blocks += [head.to_bytes(3, "little"), piece[:1] if repeated else piece]
    return struct.pack("<IBQ", 0xFD2FB528, 0xE0, len(data)) + b"".join(blocks)


def _p_int(number):
    return b"J" + struct.pack("<i", number)


def _p_text(data):
    return (b"U" + bytes([len(data)]) if len(data) < 256 else b"T" + struct.pack("<I", len(data))) + data


def _p_tuple(*items):
    return b"(" + b"".join(items) + b"t"


def _p_array(kind, shape, values):
    """numpy.core.multiarray._reconstruct(ndarray, (0,), 'b'), then its state (protocol 2, as Python 2 wrote it)."""
    dtype = (b"cnumpy\ndtype\n" + _p_text(kind.encode()) + _p_int(0) + _p_int(1) + b"\x87R" +
             _p_tuple(_p_int(3), _p_text(b"<"), b"NNN", _p_int(-1), _p_int(-1), _p_int(0)) + b"b")
    data = struct.pack(f"<{len(values)}{LETTERS['<' + kind]}", *values)
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + _p_int(0) + b"\x85" + _p_text(b"b") + b"\x87R"
    return empty + _p_tuple(_p_int(1), _p_tuple(*map(_p_int, shape)), dtype, b"\x89", _p_text(data)) + b"b"


def pickled(body):
    return b"\x80\x02" + body + b"."


def pickled_array(kind, shape, values):
    return pickled(_p_array(kind, shape, values))


def pickled_csr(shape, indptr, indices, values):
    state = {"format": _p_text(b"csr"), "_shape": _p_tuple(*map(_p_int, shape)),
             "indptr": _p_array("i4", (len(indptr),), indptr), "indices": _p_array("i4", (len(indices),), indices),
             "data": _p_array("f4", (len(values),), values)}
    pairs = b"".join(_p_text(key.encode()) + value for key, value in state.items())
    return pickled(b"cscipy.sparse.csr\ncsr_matrix\n)\x81}(" + pairs + b"ub")


def pickled_graph(neighbours):
    """A defaultdict(list): node to neighbours."""
    pairs = b"".join(_p_int(node) + b"](" + b"".join(map(_p_int, ids)) + b"e" for node, ids in neighbours.items())
    return pickled(b"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R(" + pairs + b"u")
