"""kith-convert parquet|pyg|dgl FILE -o STORE"""
import argparse
import sys

from .dgl_graph import from_dgl_file
from .parquet import from_parquet
from .pyg_data import from_pyg_file
from .store import ConvertError


def _parser():
    parser = argparse.ArgumentParser(prog="kith-convert", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (("parquet", "a table of edges"), ("pyg", "a saved Data"), ("dgl", "a file of dgl.save_graphs")):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("file")
        one.add_argument("-o", "--output", required=True, help="the store to make")
        one.add_argument("--name", help="the store's name")
        one.add_argument("--undirected", action="store_true", help="add the reverse of every edge")
        one.add_argument("--overwrite", action="store_true", help="replace the store if it exists")
        if verb == "dgl":
            one.add_argument("--index", type=int, default=0, help="which of several graphs")
        if verb == "parquet":
            for flag in ("nodes", "source-column", "destination-column", "weight-column", "node-id", "label",
                         "split-column", "features"):
                one.add_argument(f"--{flag}")
    return parser


def main(arguments=None):
    given = _parser().parse_args(arguments)
    options = {"name": given.name, "undirected": given.undirected, "overwrite": given.overwrite}
    try:
        if given.verb == "parquet":
            meta = from_parquet(given.file, given.output, nodes=given.nodes, source=given.source_column,
                                destination=given.destination_column, weight=given.weight_column,
                                node_id=given.node_id, label=given.label, split_column=given.split_column,
                                features=given.features, **options)
        elif given.verb == "pyg":
            meta = from_pyg_file(given.file, given.output, **options)
        else:
            meta = from_dgl_file(given.file, given.output, index=given.index, **options)
    except ImportError as error:
        print(f"kith-convert: {error}; install the package that owns this format", file=sys.stderr)
        return 1
    except (ConvertError, OSError) as error:
        print(f"kith-convert: {error}", file=sys.stderr)
        return 2
    print(f"wrote {given.output}: {meta['nodes']} nodes, {meta['edges']} edges, {meta['features']} features, "
          f"{meta['classes']} classes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
