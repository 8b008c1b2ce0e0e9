"""Makes bench/accuracy/README.md from lines of `recipe seed test valid`, keeping the rows of recipes not run."""
import pathlib
import re
import statistics
import subprocess
import sys
from datetime import date

HEAD = """# Accuracy on real graphs

Test accuracy in percent (ROC AUC where the recipe says `metric = "roc-auc"`: minesweeper) of the model that was best
on the validation nodes: mean ± standard deviation over seeds. A seed sets the initial weights, the dropout and, for graphs without a public split, the split. Settings are the TOML
files of `examples/recipes`; `bench/accuracy/run.sh` makes this table.

| recipe | test | lowest | highest | seeds | date | commit |
|---|---|---|---|---|---|---|
"""


def main(results, seeds):
    table = pathlib.Path(__file__).with_name("README.md")
    rows = {}
    if table.exists():
        for line in table.read_text().splitlines():
            if match := re.match(r"\| ([a-z0-9-]+) \| \d", line):
                rows[match[1]] = line
    runs = {}
    for line in pathlib.Path(results).read_text().splitlines():
        recipe, _, test, *_ = line.split()
        runs.setdefault(recipe, []).append(float(test))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    for recipe, tests in runs.items():
        spread = statistics.stdev(tests) if len(tests) > 1 else 0.0
        rows[recipe] = (f"| {recipe} | {statistics.mean(tests):.2f} ± {spread:.2f} | {min(tests):.2f} | "
                        f"{max(tests):.2f} | {seeds} | {date.today()} | {commit} |")
    table.write_text(HEAD + "\n".join(rows[recipe] for recipe in sorted(rows)) + "\n")
    print(table.read_text())


main(sys.argv[1], sys.argv[2])
