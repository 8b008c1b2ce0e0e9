"""PyTorch Geometric: a Data object, or one saved by torch.save."""
from .store import ConvertError, from_arrays


def array(tensor):
    """A tensor as NumPy has it; bf16 as its bits."""
    import torch
    tensor = tensor.detach().cpu()
    if tensor.is_sparse or tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if tensor.dtype == torch.bfloat16:
        return tensor.contiguous().view(torch.int16).numpy().view("uint16")
    return tensor.numpy()


def _weights(data):
    for name in ("edge_weight", "edge_attr"):
        value = data.get(name) if hasattr(data, "get") else getattr(data, name, None)
        if value is not None and (value.dim() == 1 or value.shape[1] == 1):
            return array(value).reshape(-1)
    return None


def _mask(data, name):
    mask = getattr(data, f"{name}_mask", None)
    if mask is None:
        return None
    return array(mask if mask.dim() == 1 else mask[:, 0])  # of several splits the first


def _edges(data):
    if getattr(data, "edge_index", None) is not None:
        return array(data.edge_index)
    adjacency = getattr(data, "adj_t", None)
    if adjacency is None:
        raise ConvertError("the data has neither edge_index nor adj_t")
    if hasattr(adjacency, "coo"):
        row, column, _ = adjacency.coo()
    else:
        row, column = adjacency.to_sparse_coo().coalesce().indices()
    return array(column), array(row)  # the transposed matrix: rows are destinations


def from_pyg(data, store, **options):
    """Writes a store from a homogeneous torch_geometric.data.Data. A dataset of one graph may be given too."""
    if hasattr(data, "node_types"):
        raise ConvertError(f"heterogeneous data of node types {data.node_types} and edge types {data.edge_types}; "
                           "choose one with data.to_homogeneous() or make a Data of one type")
    from torch_geometric.data import Dataset
    if isinstance(data, Dataset) and len(data) == 1:
        data = data[0]
    features, labels = getattr(data, "x", None), getattr(data, "y", None)
    return from_arrays(store, nodes=data.num_nodes, edges=_edges(data), edge_weights=_weights(data),
                       features=None if features is None else array(features),
                       labels=None if labels is None else array(labels), train=_mask(data, "train"),
                       valid=_mask(data, "val"), test=_mask(data, "test"), **options)


def from_pyg_file(path, store, **options):
    """Of a file that torch.save made of a Data, of its dictionary, or of the (data, slices) of an InMemoryDataset."""
    import torch
    import torch_geometric.data
    loaded = torch.load(path, map_location="cpu", weights_only=False)
    if isinstance(loaded, (tuple, list)):
        loaded = loaded[0]
    if isinstance(loaded, dict):
        loaded = torch_geometric.data.Data.from_dict(loaded)
    return from_pyg(loaded, store, **options)
