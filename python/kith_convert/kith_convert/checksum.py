"""XXH64 with seed 0, by the fastest of the xxhash package, libxxhash, and Python."""
import ctypes
import ctypes.util

_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_MASK = (1 << 64) - 1


def _rotated(x, bits):
    return (x << bits | x >> (64 - bits)) & _MASK


def _round(lane, word):
    return _rotated((lane + word * _P2) & _MASK, 31) * _P1 & _MASK


def xxh64_in_python(data):
    data = memoryview(data).cast("B")
    size, at = len(data), 0
    if size >= 32:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        words = data[:size // 32 * 32].cast("Q")
        for i in range(0, len(words), 4):
            for lane in range(4):
                lanes[lane] = _round(lanes[lane], words[i + lane])
        at = len(words) * 8
        value = sum(_rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & _MASK
        for lane in lanes:
            value = ((value ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        value = _P5
    value = (value + size) & _MASK
    while at + 8 <= size:
        value = (_rotated(value ^ _round(0, int.from_bytes(data[at:at + 8], "little")), 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= size:
        value = (_rotated(value ^ int.from_bytes(data[at:at + 4], "little") * _P1 & _MASK, 23) * _P2 + _P3) & _MASK
        at += 4
    while at < size:
        value = _rotated(value ^ data[at] * _P5 & _MASK, 11) * _P1 & _MASK
        at += 1
    for shift, prime in ((33, _P2), (29, _P3)):
        value = (value ^ value >> shift) * prime & _MASK
    return value ^ value >> 32


def _from_library():
    name = ctypes.util.find_library("xxhash")
    if name is None:
        return None
    function = ctypes.CDLL(name).XXH64
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    function.restype = ctypes.c_uint64
    return lambda data: function(bytes(data), len(data), 0)


try:
    import xxhash

    def xxh64(data):
        return xxhash.xxh64_intdigest(data)
except ImportError:
    xxh64 = _from_library() or xxh64_in_python
