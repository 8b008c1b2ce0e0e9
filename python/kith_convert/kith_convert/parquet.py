"""Parquet: edges and, beside them, a table of nodes, read by pyarrow column by column."""
import fnmatch

import numpy as np

from .store import ConvertError, from_arrays

IDS, LABELS = ("id", "node_id", "node"), ("label", "labels", "y")
SOURCES, DESTINATIONS, WEIGHTS = ("source", "src", "from"), ("destination", "dst", "target", "to"), ("weight",)


def _table(path):
    import pyarrow.parquet
    return pyarrow.parquet.read_table(path)


def _column(table, asked, usual, where):
    """The name of a column: the one asked for, or a usual one; None when there is none."""
    if asked:
        if asked not in table.column_names:
            raise ConvertError(f"{where}: no column {asked!r}; there are {', '.join(table.column_names)}")
        return asked
    return next((name for name in usual if name in table.column_names), None)


def _values(table, name, where):
    column = table.column(name)
    if column.null_count and str(column.type) not in ("float", "double", "halffloat"):
        if str(column.type).startswith(("int", "uint")):
            return np.asarray(column.cast("float64").to_numpy())
        raise ConvertError(f"{where}: column {name!r} has {column.null_count} missing values")
    return np.asarray(column.to_numpy())


def _features(table, names, where):
    if not names:
        return None
    columns = []
    for name in names:
        column = table.column(name)
        kind = str(column.type)
        if kind.startswith(("list", "fixed_size_list", "large_list")):
            columns.append(np.stack(column.to_numpy()))
        elif kind.startswith(("int", "uint", "float", "double", "halffloat", "bool")):
            columns.append(_values(table, name, where)[:, None])
        else:
            raise ConvertError(f"{where}: column {name!r} is {kind}, not a number; --features chooses the columns")
    return np.concatenate(columns, axis=1) if len(columns) > 1 else columns[0]


def _chosen(table, patterns, taken):
    names = [name for name in table.column_names if name not in taken]
    if patterns in (None, "", "rest"):
        return names
    return [name for name in names if any(fnmatch.fnmatchcase(name, one) for one in patterns.split(","))]


def _rows_of(ids, values, where):
    """The place of every value among the ids."""
    order = np.argsort(ids, kind="stable")
    place = np.minimum(np.searchsorted(ids, values, sorter=order), len(ids) - 1)
    rows = order[place]
    bad = np.flatnonzero(ids[rows] != values)
    if bad.size:
        raise ConvertError(f"{where}: row {bad[0]}: node {values[bad[0]]} is not among the {len(ids)} ids of the nodes")
    return rows


def from_parquet(edges, store, nodes=None, source=None, destination=None, weight=None, node_id=None, label=None,
                 split_column=None, features=None, **options):
    """Writes a store from a table of edges and one of nodes, whose rows become the store's. Without a table of nodes
    the ids of the edges, ascending, are the nodes."""
    table = _table(edges)
    ends = [_column(table, asked, usual, edges) for asked, usual in ((source, SOURCES), (destination, DESTINATIONS))]
    for place, (name, flag) in enumerate(zip(ends, ("--source-column", "--destination-column"))):
        if name is None:
            if len(table.column_names) < 2:
                raise ConvertError(f"{edges}: {len(table.column_names)} columns; {flag} names one")
            ends[place] = table.column_names[place]
    weights = _column(table, weight, WEIGHTS, edges)
    pair = [_values(table, name, edges) for name in ends]
    arrays = {"edge_weights": None if weights is None else _values(table, weights, edges)}
    if nodes is None:
        ids, numbers = np.unique(np.concatenate(pair), return_inverse=True)
        return from_arrays(store, nodes=len(ids), edges=np.split(numbers.reshape(-1), 2), node_ids=ids, **arrays, **options)
    rows = _table(nodes)
    id_name = _column(rows, node_id, IDS, nodes)
    label_name = _column(rows, label, LABELS, nodes)
    split_name = _column(rows, split_column, ("split",), nodes)
    ids = np.arange(rows.num_rows) if id_name is None else _values(rows, id_name, nodes)
    arrays["features"] = _features(rows, _chosen(rows, features, {id_name, label_name, split_name}), nodes)
    if label_name is not None:
        arrays["labels"] = _values(rows, label_name, nodes)
    if split_name is not None:
        splits = np.asarray(rows.column(split_name).to_pylist(), object)
        for to, names in (("train", ("train",)), ("valid", ("valid", "val", "validation")), ("test", ("test",))):
            arrays[to] = np.flatnonzero(np.isin(splits.astype(str), names))
    return from_arrays(store, nodes=len(ids), edges=[_rows_of(ids, end, edges) for end in pair], node_ids=ids, **arrays,
                       **options)
