"""Makes README.md from results.csv and references.toml: `table.py results.csv`."""
import pathlib
import statistics
import sys
import tomllib

import results

HERE = pathlib.Path(__file__).parent
HEAD = """# Accuracy on real graphs

Per cent of the test nodes right (ROC AUC · 100 for minesweeper) by the model of the epoch that was best on the validation
nodes: mean ± standard deviation over seeds, one rank. A seed sets the initial weights, the dropout, the sampling and, for
the random splits, the split. A recipe is one TOML file of `examples/recipes` for all seeds; settings were chosen by
validation. `bench/accuracy/run.sh` makes this page from `results.csv`, a line per run.

| recipe | test | lowest | highest | valid | at least | literature | protocol | seeds | date | commit |
|---|---|---|---|---|---|---|---|---|---|---|
"""
PROTOCOLS = """
Protocols of the literature's values, and of ours but for the epochs (see the recipes):

"""
RANKS = """
## Several ranks

The same runs on the same seeds, the graph cut into as many METIS parts as ranks; the difference is of the means, in
points.

| recipe | regime | ranks | test | 1 rank | difference | largest of one seed | seeds |
|---|---|---|---|---|---|---|---|
"""


def spread(values):
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.2f} ± {deviation:.2f}"


def by_seed(runs, recipe, ranks):
    return {run["seed"]: run for run in runs if run["recipe"] == recipe and run["ranks"] == ranks}


def column(runs, name):
    return [float(run[name]) for run in runs.values()]


def row(recipe, runs, reference):
    test, last = column(runs, "test"), max(runs.values(), key=lambda run: run["date"])
    least = f"{reference['least']:.1f}" if "least" in reference else ""
    cells = [recipe, spread(test), f"{min(test):.2f}", f"{max(test):.2f}", spread(column(runs, "valid")), least,
             reference.get("literature", ""), reference.get("protocol", ""), len(test), last["date"], last["commit"]]
    return "| " + " | ".join(map(str, cells)) + " |\n"


def ranks_row(recipe, ranks, one, several):
    seeds = sorted(one.keys() & several.keys())
    a, b = ([float(runs[seed]["test"]) for seed in seeds] for runs in (one, several))
    regime = tomllib.loads((results.RECIPES / f"{recipe}.toml").read_text()).get("regime", "mini-batch")
    cells = [recipe, regime, ranks, spread(b), spread(a), f"{statistics.mean(b) - statistics.mean(a):+.2f}",
             f"{max(abs(x - y) for x, y in zip(a, b)):.2f}", len(seeds)]
    return "| " + " | ".join(map(str, cells)) + " |\n"


def main(file):
    runs = results.read(file)
    known = tomllib.loads((HERE / "references.toml").read_text())
    recipes = sorted({run["recipe"] for run in runs})
    text, seen, pairs = HEAD, set(), ""
    for recipe in recipes:
        one = by_seed(runs, recipe, "1")
        reference = known["recipes"].get(recipe, {})
        if one:
            text += row(recipe, one, reference)
            seen.add(reference.get("protocol"))
        for ranks in sorted({run["ranks"] for run in runs if run["recipe"] == recipe} - {"1"}, key=int):
            several = by_seed(runs, recipe, ranks)
            if one.keys() & several.keys():
                pairs += ranks_row(recipe, ranks, one, several)
    text += PROTOCOLS + "".join(f"- `{name}`: {meaning}\n" for name, meaning in known.items() if name in seen)
    if pairs:
        text += RANKS + pairs
    (HERE / "README.md").write_text(text)
    print(text)


main(sys.argv[1])
