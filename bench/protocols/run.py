#!/usr/bin/env python3
"""Trains one recipe by several halo protocols on the same parts and seeds, and prints what each sent and came to as a table.

bench/protocols/run.py PARTS --ranks 4 --config examples/recipes/photo-gcn.toml [--seeds 3] [--epochs N] [--protocols a,b:c=1,…]

Bytes are the ledger's of all ranks: those of an epoch without what crosses once (features, lists), and the share of the
first protocol's. Accuracy is of the test nodes at the best validation, mean ± sd over seeds, evaluated exactly. More ranks than
cores count bytes as well as any, so seconds are not printed.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

PROTOCOLS = "distgnn-cd0,exact,quant:bits=8,quant:bits=4,quant:bits=2,bns-gcn:p=0.5,bns-gcn:p=0.1,distgnn-0c,pipegcn,distgnn-cdr:r=5,sylvie"


def train(arguments, protocol, seed, epochs, run):
    command = [arguments.kith, "train", arguments.parts, "-o", run, "--config", arguments.config, "--regime", "full-graph", "--seed", str(seed),
               "--threads", "1", "--protocol", protocol]
    command += ["--epochs", str(epochs)] if epochs is not None else []
    if arguments.ranks > 1:
        command = ["mpiexec", "-n", str(arguments.ranks), *command]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, KITH_PROGRESS="none"), check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return json.loads((pathlib.Path(run) / "summary.json").read_text())


def bytes_of_an_epoch(arguments, protocol, folder):
    """The difference of two short runs: what crosses once is in both."""
    sent = [train(arguments, protocol, 0, epochs, folder / f"{protocol}-{epochs}")["ledger"]["halo"]["bytes"] for epochs in (1, 11)]
    return (sent[1] - sent[0]) / 10


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts")
    parser.add_argument("--ranks", type=int, required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--protocols", default=PROTOCOLS)
    parser.add_argument("--kith", default="build/release/bin/kith")
    arguments = parser.parse_args()
    print("| protocol | halo bytes an epoch | of the first | test accuracy |\n|---|---|---|---|")
    first = None
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for protocol in arguments.protocols.split(","):
            epoch = bytes_of_an_epoch(arguments, protocol, folder)
            first = first or epoch
            tests = [100 * train(arguments, protocol, seed, arguments.epochs, folder / f"{protocol}-seed{seed}")["test"]["accuracy"]
                     for seed in range(arguments.seeds)]
            spread = f" ± {statistics.stdev(tests):.2f}" if len(tests) > 1 else ""
            print(f"| `{protocol}` | {epoch / 1e6:.3f} MB | {epoch / first:.1%} | {statistics.mean(tests):.2f}{spread} |", flush=True)


if __name__ == "__main__":
    main()
