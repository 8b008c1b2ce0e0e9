"""DGL: a DGLGraph, a dataset of dgl.data, or a file of dgl.save_graphs."""
from .pyg_data import array
from .store import ConvertError, from_arrays

FEATURES, LABELS, WEIGHTS = ("feat", "features", "x"), ("label", "labels", "y"), ("weight", "w", "edge_weight")


def _first(data, names):
    return next((array(data[name]) for name in names if name in data), None)


def from_dgl(graph, store, **options):
    """Writes a store from a homogeneous DGLGraph; labels and masks are node data called label, train_mask, …"""
    if not hasattr(graph, "ndata") and hasattr(graph, "__getitem__"):
        graph = graph[0]
    if len(graph.ntypes) > 1 or len(graph.etypes) > 1:
        raise ConvertError(f"a heterogeneous graph of node types {graph.ntypes} and edge types "
                           f"{graph.canonical_etypes}; choose one with graph.edge_type_subgraph([…])")
    source, destination = graph.edges()
    weights = _first(graph.edata, WEIGHTS)
    masks = {to: _first(graph.ndata, names) for to, names in
             (("train", ("train_mask",)), ("valid", ("val_mask", "valid_mask")), ("test", ("test_mask",)))}
    masks = {name: None if mask is None else mask.astype(bool) for name, mask in masks.items()}
    return from_arrays(store, nodes=graph.num_nodes(), edges=(array(source), array(destination)),
                       edge_weights=None if weights is None else weights.reshape(-1),
                       features=_first(graph.ndata, FEATURES), labels=_first(graph.ndata, LABELS), **masks, **options)


def from_dgl_file(path, store, index=0, **options):
    """Of a file of dgl.save_graphs; the labels saved beside the graphs serve where the node data has none."""
    import dgl
    graphs, _ = dgl.load_graphs(str(path))
    if not 0 <= index < len(graphs):
        raise ConvertError(f"{path}: graph {index} is outside [0, {len(graphs)})")
    return from_dgl(graphs[index], store, **options)
