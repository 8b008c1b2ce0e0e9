"""A Kith store from arrays: the rows of in-edges, sorted and without duplicates, and the arrays beside them, written
under a temporary name and renamed, so that the store is whole or absent."""
import json
import os
import pathlib
import shutil
import sys
import tempfile

import numpy as np

from .checksum import xxh64

FORMAT, VERSION = "kith-store", 1
FEATURE_TYPES = {"float32": "fp32", "float16": "fp16", "int8": "int8"}


class ConvertError(ValueError):
    """Data that no store can be made of; the message names the array, the place, the value and the bound."""


def _ids(values, name, nodes):
    values = np.asarray(values)
    if values.dtype == bool:
        if values.shape != (nodes,):
            raise ConvertError(f"{name}: a mask of shape {values.shape}, but {nodes} nodes")
        return np.flatnonzero(values)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise ConvertError(f"{name}: {values.dtype} {values.shape} is no list of node numbers")
    values = values.astype(np.int64)
    bad = np.flatnonzero((values < 0) | (values >= nodes))
    if bad.size:
        raise ConvertError(f"{name}: entry {bad[0]}: {values[bad[0]]} is outside [0, {nodes})")
    return values


def rows_of(nodes, source, destination, weights, undirected):
    """indptr, indices and weights: row d holds the distinct sources of the edges into d, ascending. Of parallel edges
    the first weight stays."""
    if undirected:
        source, destination = np.concatenate([source, destination]), np.concatenate([destination, source])
        weights = None if weights is None else np.concatenate([weights, weights])
    order = np.lexsort((source, destination))  # stable, so the first of equals comes first
    source, destination = source[order], destination[order]
    first = np.ones(len(source), bool)
    first[1:] = (source[1:] != source[:-1]) | (destination[1:] != destination[:-1])
    source, destination = source[first], destination[first]
    indptr = np.zeros(nodes + 1, np.int64)
    np.cumsum(np.bincount(destination, minlength=nodes), out=indptr[1:])
    return indptr, source, destination, None if weights is None else weights[order][first].astype(np.float32)


def _is_symmetric(nodes, source, destination):
    forward, back = destination * nodes + source, source * nodes + destination  # rows are sorted, so forward is too
    return np.array_equal(forward, np.sort(back))


def _feature_arrays(features, nodes):
    features = np.asarray(features)
    if features.ndim == 1:
        features = features[:, None]
    if features.ndim != 2 or len(features) != nodes:
        raise ConvertError(f"features: shape {features.shape}, but {nodes} nodes; [nodes, columns] is expected")
    if str(features.dtype) not in FEATURE_TYPES:
        features = features.astype(np.float32)
    if features.dtype.kind == "f":
        bad = np.argwhere(~np.isfinite(features))
        if len(bad):
            row, column = bad[0]
            raise ConvertError(f"features: row {row}, column {column}: {features[row, column]} is not finite")
    return features


def _label_array(labels, nodes):
    """int64 [n] with −1 for none, or float32 [n, C] of 0, 1, NaN; and the number of classes."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim not in (1, 2) or len(labels) != nodes:
        raise ConvertError(f"labels: shape {labels.shape}, but {nodes} nodes; [nodes] or [nodes, classes] is expected")
    if labels.ndim == 2:
        labels = labels.astype(np.float32)
        bad = np.argwhere(~((labels == 0) | (labels == 1) | np.isnan(labels)))
        if len(bad):
            row, column = bad[0]
            raise ConvertError(f"labels: node {row}, class {column}: {labels[row, column]} is none of 0, 1, NaN")
        return labels, labels.shape[1]
    if labels.dtype.kind == "f":
        bad = np.flatnonzero(~np.isnan(labels) & (labels != np.floor(labels)))
        if bad.size:
            raise ConvertError(f"labels: node {bad[0]}: {labels[bad[0]]} is no class")
        labels = np.where(np.isnan(labels), -1, labels)
    labels = labels.astype(np.int64)
    bad = np.flatnonzero((labels < -1) | (labels >= 1 << 20))
    if bad.size:
        raise ConvertError(f"labels: node {bad[0]}: {labels[bad[0]]} is outside [-1, {1 << 20})")
    return labels, int(labels.max(initial=-1)) + 1


def _split_arrays(nodes, train, valid, test):
    arrays, owner = {}, np.zeros(nodes, np.int8)
    for number, (name, ids) in enumerate((("train", train), ("valid", valid), ("test", test)), 1):
        ids = np.sort(_ids(() if ids is None else ids, name, nodes)).astype(np.int64)
        taken = ids[owner[ids] != 0]
        if taken.size or np.any(ids[1:] == ids[:-1]):
            node = taken[0] if taken.size else ids[1:][ids[1:] == ids[:-1]][0]
            raise ConvertError(f"{name}: node {node} stands twice, or in another split too")
        owner[ids] = number
        arrays[f"{name}.npy"] = ids
    return arrays


def _id_arrays(ids, nodes):
    if ids is None:
        return {}
    ids = np.asarray(ids)
    if len(ids) != nodes:
        raise ConvertError(f"node_ids: {len(ids)} ids, but {nodes} nodes")
    if len(np.unique(ids)) != nodes:
        raise ConvertError("node_ids: an id stands twice")
    if ids.dtype.kind in "iu":
        return {} if np.array_equal(ids, np.arange(nodes)) else {"node_ids.npy": ids.astype(np.int64)}
    texts = [str(one).encode() for one in ids]
    offsets = np.cumsum([0] + [len(text) for text in texts], dtype=np.int64)
    return {"node_name_offsets.npy": offsets, "node_names.npy": np.frombuffer(b"".join(texts), np.uint8)}


def from_arrays(store, *, nodes, edges, features=None, feature_scales=None, labels=None, train=None, valid=None,
                test=None, edge_weights=None, node_ids=None, name=None, undirected=False, overwrite=False):
    """Writes the folder `store` and returns what its meta.json says. `edges` is (source, destination) of node numbers
    in [0, nodes); splits are node numbers or boolean masks; uint16 features are bf16 bits."""
    nodes = int(nodes)
    if nodes < 1:
        raise ConvertError("no nodes")
    source, destination = (_ids(end, name_of_end, nodes) for end, name_of_end in zip(edges, ("source", "destination")))
    if len(source) != len(destination):
        raise ConvertError(f"edges: {len(source)} sources, but {len(destination)} destinations")
    if edge_weights is not None:
        edge_weights = np.asarray(edge_weights, np.float32).reshape(-1)
        bad = np.flatnonzero(~np.isfinite(edge_weights))
        if len(edge_weights) != len(source) or bad.size:
            raise ConvertError(f"edge_weights: edge {bad[0]} is {edge_weights[bad[0]]}" if bad.size else
                               f"edge_weights: {len(edge_weights)} weights, but {len(source)} edges")
    indptr, source, destination, weights = rows_of(nodes, source, destination, edge_weights, undirected)
    arrays = {"indptr.npy": indptr, "indices.npy": source.astype(np.int32 if nodes < 1 << 31 else np.int64)}
    columns, dtype, classes, multi = 0, "fp32", 0, False
    if features is not None:
        bits = np.asarray(features).dtype == np.uint16
        features = np.asarray(features) if bits else _feature_arrays(features, nodes)
        columns, dtype = features.shape[1], "bf16" if bits else FEATURE_TYPES[str(features.dtype)]
        if columns:
            arrays["features.npy"] = features
        if dtype == "int8" and columns:
            scales = np.ones(nodes) if feature_scales is None else feature_scales
            arrays["feature_scales.npy"] = np.asarray(scales, np.float32).reshape(nodes)
    if labels is not None:
        labels, classes = _label_array(labels, nodes)
        multi = labels.ndim == 2
        if classes:
            arrays["labels.npy"] = labels
    arrays.update(_split_arrays(nodes, train, valid, test))
    if weights is not None:
        arrays["edge_weights.npy"] = weights
    arrays.update(_id_arrays(node_ids, nodes))
    store = pathlib.Path(store)
    meta = {"name": name or store.name, "nodes": nodes, "edges": len(source), "features": columns,
            "feature_dtype": dtype, "classes": classes, "multi_label": multi,
            "directed": not (undirected or _is_symmetric(nodes, source, destination)),
            "self_loops": int(np.count_nonzero(source == destination)),
            "made_by": " ".join(["kith-convert", *sys.argv[1:]])}
    _write(store, meta, arrays, overwrite)
    return meta


def _write(store, meta, arrays, overwrite):
    if store.exists() and not overwrite:
        raise ConvertError(f"{store} exists already; --overwrite replaces it")
    if store.exists() and not (store / "meta.json").is_file():
        raise ConvertError(f"{store} exists and is no store, so it is not overwritten")
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f".{store.name}-", dir=store.absolute().parent))
    try:
        files = {}
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            np.save(folder / name, array.astype(array.dtype.newbyteorder("<"), copy=False))
            data = np.memmap(folder / name, np.uint8, "r")
            files[name] = {"bytes": len(data), "checksum": f"{xxh64(data):016x}"}
            del data
        body = json.dumps({"format": FORMAT, "format_version": VERSION, **meta, "files": files}, indent=2,
                          ensure_ascii=False)[:-2]
        seal = f',\n  "seal": "{xxh64(body.encode()):016x}"\n}}\n'
        (folder / "meta.json").write_bytes((body + seal).encode())
        for path in folder.iterdir():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        os.chmod(folder, 0o755)
        if store.exists():
            shutil.rmtree(store)
        folder.rename(store)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
