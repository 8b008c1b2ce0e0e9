#!/usr/bin/env python3
"""How much of the halo's time training waits for: two ranks of one core each over an emulated network, by schedule.

    bench/protocols/exposed.py --work DIR [--kith PATH] [--net alpha_us=20,gbps=10] [--graphs acl-coauthor,planted-1m]
                              [--models gcn,sage] [--repeat 3]

Of every schedule the median run: seconds an epoch, the seconds that its exchanges take on the network (from the counted bytes), those that
ranks waited in them, and those that they waited without the network (ranks that are uneven wait for each other, too). Prints a Markdown
table. Real graphs come from KITH_DATA_DIR.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys

from bytes import Bench

MODELS = {"gcn": ["--model", "gcn", "--layers", "3", "--hidden", "256"], "sage": ["--model", "sage", "--layers", "3", "--hidden", "256"]}
PROTOCOLS = {"halo-rows, sync": ["--plan", "halo-rows", "--schedule", "sync"],
             "halo-rows, overlap": ["--plan", "halo-rows", "--schedule", "overlap"],
             "exact (cover, overlap)": ["--protocol", "exact"],
             "pipegcn (stale)": ["--protocol", "pipegcn"]}
EPOCHS = 6


def waited(summary):
    """Seconds an epoch, mean over ranks, in exchanges of training, but for the features that cross once."""
    halo, layers = summary["ledger"]["halo"], summary["ledger"]["by_layer"]["halo.wait"]
    once = layers.get("0", 0) / max(sum(layers.values()), 1e-12)
    return halo["wait"]["mean"] * (1 - once) / EPOCHS


def train(bench, parts, arguments):
    run = bench.work / "run"
    shutil.rmtree(run, ignore_errors=True)
    command = ["mpiexec", "-n", "2", bench.kith, "train", parts, "-o", run, "--regime", "full-graph", "--threads", 1, "--epochs", EPOCHS,
               "--eval-every", 1000000, *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env={**os.environ, "KITH_PROGRESS": "none"})
    if done.returncode:
        sys.exit(" ".join(map(str, command)) + "\n" + done.stdout + done.stderr)
    return json.loads((run / "summary.json").read_text())


def medians(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def measured(bench, parts, arguments, net, repeat):
    there, here = [], []
    for _ in range(repeat):
        far = train(bench, parts, [*arguments, "--net", net, "--emulate-net"])
        near = train(bench, parts, arguments)
        there.append({"epoch": far["seconds_per_epoch"], "wait": waited(far), "wire": far["modelled_seconds_per_epoch"]})
        here.append({"epoch": near["seconds_per_epoch"], "wait": waited(near)})
    return medians(there), medians(here)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True)
    parser.add_argument("--kith", default="build/release/bin/kith")
    parser.add_argument("--net", default="alpha_us=20,gbps=10")
    parser.add_argument("--graphs", default="acl-coauthor,planted-1m")
    parser.add_argument("--models", default="gcn,sage")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    bench = Bench(arguments)
    print(f"--net {arguments.net}, two ranks of one thread, METIS parts, {EPOCHS} epochs, medians of {arguments.repeat}\n")
    print("| graph, model | protocol | epoch | exchanges on the network | waited | share | epoch, waited without the network |\n|---|---|---|---|---|---|---|")
    for graph in arguments.graphs.split(","):
        store = bench.store(graph)
        parts = bench.made(f"{graph}-metis-2", "partition", store, "-k", 2, "--balance", "nodes,edges,train")
        for model in arguments.models.split(","):
            for name, protocol in PROTOCOLS.items():
                far, near = measured(bench, parts, [*MODELS[model], *protocol], arguments.net, arguments.repeat)
                print(f"| {graph}, {model} | {name} | {far['epoch']:.3f} s | {far['wire']:.3f} s | {far['wait']:.3f} s | "
                      f"{far['wait'] / far['wire']:.0%} | {near['epoch']:.3f} s, {near['wait']:.3f} s |", flush=True)


if __name__ == "__main__":
    main()
