"""Runs cases, repeats them, and writes what was measured: JSON, a Markdown table and an SVG bar chart in bench/results/.

`run.sh` calls it with the environments made. A figure is the median of all repetitions; the spread is (max - min) / median.
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import platform
import statistics

import distributed
import prepare
from cases import CASES, IN_ORDER, Bench
from chart import bars, counterpart
from contenders import Contenders

RESULTS = pathlib.Path(__file__).resolve().parents[1] / "results"


def machine():
    model = platform.machine()
    for line in open("/proc/cpuinfo", encoding="utf8"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def summary_of(answers):
    """The median figures of one contender in one group."""
    skipped = [a["skipped"] for a in answers if "skipped" in a]
    measured = [a for a in answers if "skipped" not in a]
    if not measured:
        return {"skipped": skipped[0]}
    figures = {}
    for key in measured[0]:
        values = [a[key] for a in measured if isinstance(a.get(key), (int, float))]
        if values:
            figures[key] = statistics.median(values)
            figures[key + "_spread"] = (max(values) - min(values)) / max(statistics.median(values), 1e-12)
    if "loss" in measured[-1]:
        figures["loss"] = measured[-1]["loss"]
    return figures


def figure(entry):
    """What is compared, as "more is better"."""
    if "medges_per_second" in entry:
        return entry["medges_per_second"], f"{entry['medges_per_second']:.1f} M edges/s"
    if "milliseconds" in entry:
        return 1 / entry["milliseconds"], f"{entry['milliseconds']:.4g} ms"
    return None, "–"


def table(groups):
    lines = ["| case | contender | median | spread | peak memory | on disk | Kith is faster by |", "|---|---|---|---|---|---|---|"]
    for group, contenders in groups.items():
        for name, entry in contenders.items():
            value, text = figure(entry)
            mine = figure(counterpart(name, contenders))[0]
            spread = entry.get("milliseconds_spread", entry.get("medges_per_second_spread"))
            peak = f"{entry['peak_bytes'] / 1e9:.2f} GB" if "peak_bytes" in entry else ""
            disk = f"{entry['disk_bytes'] / 1e9:.3f} GB" if "disk_bytes" in entry else ""
            ratio = "" if name.startswith("Kith") or value is None else f"{mine / value:.1f}×"
            lines.append(f"| {group} | {name} | {entry.get('skipped', text)} | {'' if spread is None else f'{spread:.0%}'} | {peak} | {disk} | {ratio} |")
    return "\n".join(lines) + "\n"


def geometric_means(groups):
    """Of how many times faster Kith is than each peer over all SpMM cases: with nodes as given, and as `--reorder auto` numbers them."""
    ratios = collections.defaultdict(list)
    for group, contenders in groups.items():
        for name, entry in contenders.items():
            if not group.startswith("SpMM") or name.startswith("Kith") or figure(entry)[0] is None:
                continue
            for mine in [counterpart(name, contenders), contenders.get(IN_ORDER, {})]:
                if "milliseconds" in mine:
                    ratios[name, mine is contenders.get(IN_ORDER)].append(entry["milliseconds"] / mine["milliseconds"])
    lines = [f"| {name}{', Kith with --reorder auto and 2 threads' if ordered else ''} | {statistics.geometric_mean(list_):.2f}× | {len(list_)} |"
             for (name, ordered), list_ in sorted(ratios.items())]
    return "\n| SpMM, geometric mean over graphs and widths: beside | Kith is faster by | cases |\n|---|---|---|\n" + "\n".join(lines) + "\n" if lines else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help=" ".join([*CASES, "two-hosts", "prepare"]))
    parser.add_argument("--work", required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--kith", required=True)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--graphs", default="", help="planted-1m,acl-coauthor,cnr-2000: only these")
    options = parser.parse_args()
    known = {**CASES, "two-hosts": distributed.two_hosts, "prepare": prepare.prepare}
    for name in options.cases:
        if name not in known:
            parser.error(f"no case {name}: {' '.join(known)}")

    bench = Bench(Contenders(options.kith, options.peers, options.work), options.threads, options.repeat, options.tiny,
                  os.environ.get("KITH_DATA_DIR"), options.graphs.split(",") if options.graphs else ())
    answers = collections.defaultdict(lambda: collections.defaultdict(list))
    try:
        for name in options.cases or known:
            for group, contender, answer in known[name](bench):
                answers[group][contender].append(answer)
                print(f"{group:<44} {contender:<16} {answer.get('skipped') or figure(answer)[1]}", flush=True)
    finally:  # what an interrupted run measured is kept, too
        write_results(bench, answers)


def write_results(bench, answers):
    """Adds to the day's files; cases that were measured before stay."""
    groups = {group: {name: summary_of(list_) for name, list_ in contenders.items()} for group, contenders in answers.items()}
    day = datetime.date.today().isoformat()
    stem = f"compare-{day}-" + "-".join(machine().replace(",", "").split()) + ("-tiny" if bench.tiny else "")
    kith = bench.contenders.run_kith("--version").strip()
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / (stem + ".json")
    before = json.loads(file.read_text())["cases"] if file.exists() else {}
    groups = {**before, **groups}
    file.write_text(json.dumps({"date": day, "machine": machine(), "threads": bench.threads, "kith": kith, "notes": bench.notes,
                                "cases": groups}, indent=1) + "\n", encoding="utf8")
    (RESULTS / (stem + ".md")).write_text(
        f"{machine()}; {bench.threads} threads unless said; {day}; {kith}; medians of {bench.repeat} or more.\n\n{table(groups)}{geometric_means(groups)}",
        encoding="utf8")
    (RESULTS / (stem + ".svg")).write_text(bars(groups, figure), encoding="utf8")
    print(table(groups) + geometric_means(groups) + f"wrote {RESULTS / stem}.json, .md, .svg")


if __name__ == "__main__":
    main()
