"""What the benchmarks of halo protocols share: a kith, a folder for what it makes, and results that grow from call to call."""
import json
import os
import pathlib
import subprocess
import sys


def add_arguments(parser):
    parser.add_argument("--work", required=True, help="the folder for stores, parts and results")
    parser.add_argument("--kith", default="build/release/bin/kith")


class KithWork:
    def __init__(self, arguments):
        self.kith = str(pathlib.Path(arguments.kith).resolve())
        self.work = pathlib.Path(arguments.work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.data = os.environ.get("KITH_DATA_DIR", "")

    def run(self, *arguments, ranks=1):
        """What kith prints; ends the benchmark where it fails."""
        command = [*(["mpiexec", "-n", ranks] if ranks > 1 else []), self.kith, *arguments]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env={**os.environ, "KITH_PROGRESS": "none"})
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def made(self, name, *arguments):
        """The folder of that name, made by this call of kith unless it is there."""
        folder = self.work / name
        if not folder.exists():
            self.run(*arguments, "-o", folder)
        return folder

    def protocols(self, parts, protocols, *arguments):
        """The rows of `kith bench protocols`."""
        table = self.work / "table.json"
        self.run("bench", "protocols", parts, "--protocols", " ".join(protocols), "--json", table, *arguments)
        return json.loads(table.read_text())


class Results:
    """A list of objects in a file of the folder."""

    def __init__(self, bench, name):
        self.path = bench.work / name
        self.rows = json.loads(self.path.read_text()) if self.path.exists() else []

    def add(self, rows, said):
        self.rows += rows
        self.path.write_text(json.dumps(self.rows, indent=1))
        print(said, file=sys.stderr)
