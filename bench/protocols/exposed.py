#!/usr/bin/env python3
"""How much of the halo's time training waits for: two ranks of one core each over an emulated network, by schedule.

    bench/protocols/exposed.py --work DIR [--kith PATH] [--net alpha_us=20,gbps=10] [--graphs acl-coauthor,planted-1m]
                              [--models gcn,sage] [--protocols "halo-rows, sync;pipegcn (stale)"] [--repeat 3]

Of every schedule the median run, of it the median epoch behind the first: its seconds, those that its exchanges take on the network (from
the counted bytes), those that ranks waited in them and for the sum of gradients, and the same without the network (ranks that are uneven
wait for each other, too). "least" is what no schedule hides: the network's seconds less those of an epoch without it. Prints a Markdown
table. Real graphs come from KITH_DATA_DIR.
"""
import argparse
import json
import shutil
import statistics

from bytes import Bench
from kith_work import add_arguments

MODELS = {"gcn": ["--model", "gcn", "--layers", "3", "--hidden", "256"], "sage": ["--model", "sage", "--layers", "3", "--hidden", "256"]}
PROTOCOLS = {"halo-rows, sync": ["--plan", "halo-rows", "--schedule", "sync"],
             "halo-rows, overlap": ["--plan", "halo-rows", "--schedule", "overlap"],
             "exact (cover, overlap)": ["--protocol", "exact"],
             "pipegcn (stale)": ["--protocol", "pipegcn"]}
EPOCHS, RANKS = 8, 2


def seconds_by_epoch(run, name):
    """Of every epoch but the first, which fetches what crosses once and in which one step stale waits: seconds, mean over ranks."""
    sums = dict.fromkeys(range(2, EPOCHS + 1), 0.0)
    for event in json.loads((run / "trace.json").read_text())["traceEvents"]:
        epoch = event.get("args", {}).get("epoch")
        if event["name"] == name and epoch in sums:
            sums[epoch] += event["dur"] / 1e6 / RANKS
    return list(sums.values())


def train(bench, parts, arguments):
    run = bench.work / "run"
    shutil.rmtree(run, ignore_errors=True)
    bench.run("train", parts, "-o", run, "--regime", "full-graph", "--threads", 1, "--epochs", EPOCHS, "--eval-every", 1000000, "--trace",
              *arguments, ranks=RANKS)
    seconds = {name: statistics.median(seconds_by_epoch(run, event)) for name, event in
               {"epoch": "step", "wait": "halo.wait", "reduce": "reduce"}.items()}
    return seconds | {"wire": json.loads((run / "summary.json").read_text()).get("modelled_seconds_per_epoch") or 0}


def medians(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def measured(bench, parts, arguments, net, repeat):
    there, here = [], []
    for _ in range(repeat):
        there.append(train(bench, parts, [*arguments, "--net", net, "--emulate-net"]))
        here.append(train(bench, parts, arguments))
    return medians(there), medians(here)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--net", default="alpha_us=20,gbps=10")
    parser.add_argument("--graphs", default="acl-coauthor,planted-1m")
    parser.add_argument("--models", default="gcn,sage")
    parser.add_argument("--protocols", default=";".join(PROTOCOLS))
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    bench = Bench(arguments)
    print(f"--net {arguments.net}, two ranks of one thread, METIS parts, {EPOCHS} epochs, medians of {arguments.repeat}\n")
    print("| graph, model | protocol | epoch | exchanges on the network | least | waited | share | sum of gradients | without the network: epoch, waited, sum |\n"
          "|---|---|---|---|---|---|---|---|---|")
    for graph in arguments.graphs.split(","):
        store = bench.store(graph)
        parts = bench.made(f"{graph}-metis-2", "partition", store, "-k", 2, "--balance", "nodes,edges,train")
        for model in arguments.models.split(","):
            for name in arguments.protocols.split(";"):
                far, near = measured(bench, parts, [*MODELS[model], *PROTOCOLS[name]], arguments.net, arguments.repeat)
                least = max(0, far["wire"] - near["epoch"] + near["wait"])
                print(f"| {graph}, {model} | {name} | {far['epoch']:.3f} s | {far['wire']:.3f} s | {least:.3f} s | {far['wait']:.3f} s | "
                      f"{far['wait'] / far['wire']:.0%} | {far['reduce']:.3f} s | "
                      f"{near['epoch']:.3f} s, {near['wait']:.3f} s, {near['reduce']:.3f} s |", flush=True)


if __name__ == "__main__":
    main()
