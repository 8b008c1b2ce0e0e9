#!/usr/bin/env python3
"""What a lossy halo protocol costs in accuracy: the same trainings with it and without, seed by seed.

    bench/protocols/accuracy.py --work DIR [--kith PATH] [--cases photo,cs,acl-coauthor] [--protocols lean] [--k 8] [--seeds 5]

Of a pair both trainings have the same split, parts, initial weights and dropout; for Photo and CS every seed is another random split. Adds
what is not yet there to DIR/accuracy.json and prints a Markdown table of all of it: the loss is exact minus lossy test accuracy, of the
epochs that were best on the validation nodes, and its bound the one-sided 95% one of Student's t. Real graphs come from KITH_DATA_DIR.
"""
import argparse
import math
import pathlib
import statistics

from kith_work import KithWork, Results, add_arguments

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXACT = "distgnn-cd0"
ONE_SIDED_95 = {1: 6.314, 2: 2.920, 3: 2.353, 4: 2.132, 5: 2.015, 6: 1.943, 7: 1.895, 8: 1.860, 9: 1.833}


def prepared(case, data, seed):
    """The arguments of `kith prepare`, and the recipe."""
    return {"photo": ([f"{data}/gnn-benchmark/amazon_electronics_photo.npz", "--largest-component", "--split", f"per-class:20/30:{seed}"],
                      "photo-gcn"),
            "cs": ([f"{data}/gnn-benchmark/ms_academic_cs.npz", "--largest-component", "--normalize-features", "row", "--split",
                    f"per-class:20/30:{seed}"], "cs-gcn"),
            "acl-coauthor": ([f"{data}/acl-coauthor", "--undirected"], "acl-coauthor-sage-full")}[case]


class Bench(KithWork):
    def parts(self, case, seed, k):
        arguments, _ = prepared(case, self.data, seed)
        name = case if case == "acl-coauthor" else f"{case}-{seed}"
        return self.made(f"{name}-k{k}", "partition", self.made(name, "prepare", *arguments), "-k", k)

    def scores(self, case, seed, k, protocols):
        _, recipe = prepared(case, self.data, seed)
        rows = self.protocols(self.parts(case, seed, k), protocols, "--recipe", ROOT / "examples" / "recipes" / f"{recipe}.toml", "--seed", seed)
        return [{"case": case, "seed": seed, "k": k, "protocol": row["protocol"], "test": 100 * row["test_accuracy_mean"],
                 "bytes": row["halo_bytes_per_epoch"]} for row in rows]


def table(rows):
    lines = ["| graph | protocol | parts | seeds | exact, test | lossy, test | loss, mean ± sd | loss at most (95%) | fewer bytes |", "|---" * 9 + "|"]
    by = {(row["case"], row["k"], row["protocol"], row["seed"]): row for row in rows}
    for case, k, protocol in sorted({key[:3] for key in by if key[2] != EXACT}):
        seeds = sorted(seed for c, kk, p, seed in by if (c, kk, p) == (case, k, protocol) and (case, k, EXACT, seed) in by)
        exact = [by[case, k, EXACT, seed] for seed in seeds]
        lossy = [by[case, k, protocol, seed] for seed in seeds]
        losses = [a["test"] - b["test"] for a, b in zip(exact, lossy)]
        mean, sd = statistics.mean(losses), statistics.stdev(losses) if len(losses) > 1 else math.nan
        bound = mean + ONE_SIDED_95.get(len(losses) - 1, math.nan) * sd / math.sqrt(len(losses))
        fewer = statistics.mean(a["bytes"] for a in exact) / statistics.mean(b["bytes"] for b in lossy)
        lines.append(f"| {case} | `{protocol}` | {k} | {len(seeds)} | {statistics.mean(a['test'] for a in exact):.2f} | "
                     f"{statistics.mean(b['test'] for b in lossy):.2f} | {mean:.2f} ± {sd:.2f} | {bound:.2f} | {fewer:.1f}× |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parser.add_argument("--cases", default="photo,cs,acl-coauthor")
    parser.add_argument("--protocols", default="lean")
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    bench = Bench(arguments)
    results = Results(bench, "accuracy.json")
    for case in arguments.cases.split(","):
        for seed in range(arguments.seeds):
            there = {row["protocol"] for row in results.rows if (row["case"], row["seed"], row["k"]) == (case, seed, arguments.k)}
            missing = [name for name in (EXACT, *arguments.protocols.split(",")) if name not in there]
            if missing:
                results.add(bench.scores(case, seed, arguments.k, missing), f"{case}, seed {seed}")
    print(table(results.rows))


if __name__ == "__main__":
    main()
