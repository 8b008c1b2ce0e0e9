"""Writes Kith stores from arrays, and from Parquet, DGL and PyTorch Geometric data."""
from .dgl_graph import from_dgl, from_dgl_file
from .parquet import from_parquet
from .pyg_data import from_pyg, from_pyg_file
from .store import ConvertError, from_arrays

__all__ = ["ConvertError", "from_arrays", "from_dgl", "from_dgl_file", "from_parquet", "from_pyg", "from_pyg_file"]
