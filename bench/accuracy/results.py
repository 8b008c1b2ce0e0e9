"""The lines of results.csv, one per run: `results.py has FILE recipe seed ranks` exits 0 if the run is there, made by
the settings the recipe has now; `results.py add FILE recipe seed ranks summary.json` adds it."""
import csv
import hashlib
import json
import pathlib
import subprocess
import sys
import tomllib
from datetime import date

RECIPES = pathlib.Path(__file__).parents[2] / "examples/recipes"
FIELDS = ["recipe", "settings", "seed", "ranks", "metric", "valid", "test", "best_epoch", "date", "commit"]


def settings_of(recipe):
    """A digest of the recipe's settings; comments and their order do not count."""
    settings = tomllib.loads((RECIPES / f"{recipe}.toml").read_text())
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]


def read(file):
    """The runs of recipes as they are now, as dictionaries; (recipe, seed, ranks) is unique."""
    if not pathlib.Path(file).exists():
        return []
    with open(file, newline="") as lines:
        runs = [run for run in csv.DictReader(lines) if (RECIPES / f"{run['recipe']}.toml").exists()]
    return [run for run in runs if run["settings"] == settings_of(run["recipe"])]


def has(file, recipe, seed, ranks):
    return any((run["recipe"], run["seed"], run["ranks"]) == (recipe, seed, ranks) for run in read(file))


def add(file, recipe, seed, ranks, summary):
    summary = json.loads(pathlib.Path(summary).read_text())
    metric = summary["metric"]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    percent = {split: f"{100 * summary[split][metric]:.3f}" for split in ("valid", "test")}
    line = [recipe, settings_of(recipe), seed, ranks, metric, percent["valid"], percent["test"],
            summary["best_epoch"], date.today(), commit]
    new = not pathlib.Path(file).exists()
    with open(file, "a", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        if new:
            writer.writerow(FIELDS)
        writer.writerow(line)
    print(f"{recipe} seed {seed} ranks {ranks}: valid {percent['valid']} test {percent['test']}", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "has":
        sys.exit(0 if has(*sys.argv[2:6]) else 1)
    add(*sys.argv[2:7])
