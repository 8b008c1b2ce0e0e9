"""Two hosts of one core each: Kith beside DistDGL, GraphSAGE by distributed mini-batches on two METIS parts.

Both cross the same network (`scripts/network_hosts.sh`: a core and a wire of 10 Gbit/s each). DistDGL has a server and a trainer on each host's core, as its documentation starts it.
"""

import json
import os
import pathlib
import shutil
import subprocess

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
HOSTS = HERE.parents[1] / "scripts/network_hosts.sh"
ADDRESSES = ("10.78.0.1", "10.78.0.2")


def hosts_are_up(bench):
    if os.geteuid() != 0 or not shutil.which("ip"):
        bench.notes.append("two hosts need root and iproute2: the distributed case is left out")
        return False
    done = subprocess.run([HOSTS, "up", "2", "10"], capture_output=True, text=True)
    if done.returncode != 0:
        bench.notes.append("two hosts cannot be made here: " + done.stderr.strip()[-200:])
    return done.returncode == 0


def train_kith(bench, parts, arguments):
    """A training with a rank on each host; its summary and its losses."""
    run = bench.contenders.work / "run"
    shutil.rmtree(run, ignore_errors=True)
    command = [HOSTS, "mpi", 2, bench.contenders.kith, "train", parts, "-o", run, "--threads", 1, "--eval-every", 1000000, "--input-dropout", 0,
               "--model", "sage", "--layers", 3, *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=dict(os.environ, KITH_PROGRESS="none"), timeout=900)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    losses = [json.loads(line)["loss"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    return json.loads((run / "summary.json").read_text()), losses


def kith_step(bench, parts, hidden, train_nodes):
    summary, losses = train_kith(bench, parts, ["--regime", "mini-batch", "--hidden", hidden, "--fanout", "15,10,5", "--batch-size", 1024,
                                                "--epochs", 1, "--lr", 0.003])
    return {"milliseconds": 1e3 * summary["seconds_per_epoch"] / -(-train_nodes // 1024), "loss": losses,
            "peak_bytes": max(summary["peak_memory_bytes"])}


def kith_epoch(bench, parts, hidden):
    summary, losses = train_kith(bench, parts, ["--regime", "full-graph", "--hidden", hidden, "--epochs", 4])
    return {"milliseconds": 1e3 * summary["seconds_per_epoch"], "loss": losses, "peak_bytes": max(summary["peak_memory_bytes"]),
            "halo_bytes": summary["ledger"]["halo"]["bytes"]}


def halves(bench, store):
    """The store in two METIS parts."""
    parts = store.with_name(store.name + "-k2")
    if not parts.exists():
        bench.contenders.run_kith("partition", store, "-o", parts, "-k", 2, "--balance", "nodes,edges,train")
    return parts


def distdgl_step(python, folder, question):
    """A server and a trainer on each host; the answer of the first trainer."""
    (folder / "hosts.txt").write_text("".join(f"{address} 30050\n" for address in ADDRESSES))
    common = {"DGLBACKEND": "pytorch", "OMP_NUM_THREADS": "1", "DGL_DIST_MODE": "distributed", "DGL_NUM_SAMPLER": "0", "DGL_NUM_CLIENT": "2",
              "DGL_CONF_PATH": f"{folder}/g.json", "DGL_IP_CONFIG": f"{folder}/hosts.txt", "DGL_NUM_SERVER": "1", "DGL_GRAPH_FORMAT": "csc",
              "DGL_KEEP_ALIVE": "0", "GLOO_SOCKET_IFNAME": "eth0", "TP_SOCKET_IFNAME": "eth0", "MASTER_ADDR": ADDRESSES[0],
              "MASTER_PORT": "29501", "WORLD_SIZE": "2", "PYTHONWARNINGS": "ignore"}
    servers_and_trainer = """
"$0" "$1" train "$2" "$3" > "$2/server.$RANK.log" 2>&1 &
DGL_ROLE=client exec "$0" "$1" train "$2" "$3" 2> "$2/trainer.$RANK.log"
"""
    hosts = []
    for rank in (0, 1):
        environment = dict(os.environ, **common, DGL_ROLE="server", DGL_SERVER_ID=str(rank), RANK=str(rank), LOCAL_RANK="0")
        hosts.append(subprocess.Popen([HOSTS, "on", str(rank + 1), "sh", "-c", servers_and_trainer, python, HERE / "distdgl.py", folder,
                                       json.dumps(question)], env=environment, stdout=subprocess.PIPE, text=True))
    try:
        out = [host.communicate(timeout=600)[0] for host in hosts][0]
    except subprocess.TimeoutExpired:
        out = ""
    for host in hosts:
        host.kill()
    subprocess.run("for h in 1 2; do ip netns pids kith$h | xargs -r kill -9; done", shell=True)
    answers = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return answers[0] if answers else {"skipped": "no answer: " + (folder / "trainer.0.log").read_text()[-200:]}


def distdgl_parts(bench, store):
    """The folder of DistDGL's two parts, and the interpreter that reads them; None where there is no DGL."""
    python, folder = bench.contenders.python("dgl"), store.with_name(store.name + "-distdgl")
    if python and not (folder / "g.json").exists():
        folder.mkdir(exist_ok=True)
        subprocess.run([python, HERE / "distdgl.py", "parts", store, folder], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env=dict(os.environ, DGLBACKEND="pytorch"))
    return python, folder


def mini_batch(bench, hidden):
    for name, store in bench.graphs("planted-1m"):
        group = f"GraphSAGE-3 mini-batch step, 2 hosts, {name}"
        parts, (python, folder) = halves(bench, store), distdgl_parts(bench, store)
        train_nodes = len(np.load(store / "train.npy", mmap_mode="r"))
        question = {"fanout": [15, 10, 5], "batch_size": 1024, "hidden": hidden, "warm_up": 2, "steps": 3 if bench.tiny else 15,
                    "classes": int(np.load(store / "labels.npy", mmap_mode="r").max()) + 1}
        for _ in range(bench.repeat):
            yield group, "Kith", kith_step(bench, parts, hidden, train_nodes)
            yield group, "DistDGL", distdgl_step(python, folder, question) if python else {"skipped": "no environment"}


def full_graph(bench, hidden):
    """No peer on PyPI trains full graphs on several hosts."""
    for name, store in bench.graphs("acl-coauthor", "planted-1m") if not bench.tiny else bench.graphs("planted-1m"):
        for _ in range(bench.repeat):
            yield f"GraphSAGE-3 full-graph epoch, 2 hosts, {name}", "Kith", kith_epoch(bench, halves(bench, store), hidden)


def two_hosts(bench):
    """GraphSAGE with 3 layers of 256: milliseconds of a step of 1,024 seeds in all, and of an epoch over the whole graph."""
    if not hosts_are_up(bench):
        return
    try:
        hidden = 32 if bench.tiny else 256
        yield from mini_batch(bench, hidden)
        yield from full_graph(bench, hidden)
    finally:
        subprocess.run([HOSTS, "down"])
