"""Three nodes of one cluster with etcd: load at all fronts, kill -9 of one node and then of another, and every answer held
against every replica's store."""
import base64
import json
import os
import signal
import socket
import subprocess
import time

from checks import run, wait_until
from http_client import request
from node import ROOT, SLOW, Node, call, program

MASTER = "11" * 32
SECONDS = 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Etcd:
    def __init__(self, checks):
        self.data, self.log = checks.path("etcd"), checks.path("etcd.log")
        self.port, self.peer = free_port(), free_port()
        self.process = None
        checks.undo.append(self.kill)

    def start(self):
        url, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.peer}"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/bin/etcd", "--name=one", f"--data-dir={self.data}", f"--listen-client-urls={url}", f"--advertise-client-urls={url}",
                 f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=one={peer}"], stdout=log, stderr=log)
        wait_until(self.answers, 60, "etcd answers")
        return self

    def answers(self):
        try:
            return request(self.port, "GET", "/health").status == 200
        except OSError:
            return False

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Cluster:
    def __init__(self, checks):
        self.checks = checks
        self.etcd = Etcd(checks).start()
        self.nodes = [Node(checks, f"node{i}") for i in (1, 2, 3)]
        self.ports = [0, 0, 0]

    def start(self, i):
        node = self.nodes[i]
        more = []
        for name, value in (("cluster.name", "test"), ("cluster.node", i + 1), ("cluster.etcd", f"http://127.0.0.1:{self.etcd.port}")):
            more += ["--set", f"{name}={value}"]
        # The same port as in its former life, so that the load generator finds it again.
        node.start("--port", str(self.ports[i]), *more, environment={"JANJI_MASTER_KEY": MASTER})
        wait_until(node.read_ports, 60 * SLOW, f"node {i + 1} listens")
        self.ports[i] = node.port

    def ready(self, i):
        try:
            return self.nodes[i].alive() and request(self.nodes[i].admin_port, "GET", "/readyz").status == 200
        except OSError:
            return False

    def all_ready(self, seconds=60):
        wait_until(lambda: all(self.ready(i) for i in range(3)), seconds * SLOW, "every node is ready")

    def kill(self, i):
        os.kill(self.nodes[i].process.pid, signal.SIGKILL)
        self.nodes[i].process.wait()


def begin(checks):
    c = Cluster(checks)
    for i in range(3):
        c.start(i)
    demo = [f"{ROOT}/configs/demo/{name}" for name in ("round.toml", "centres.csv", "slot-groups.csv")]
    wait_until(lambda: any(n.ctl("round", "import", "--round", demo[0], "--centres", demo[1], "--slots", demo[2]).code == 0 for n in c.nodes),
               30 * SLOW, "the node that leads the rounds imports one")
    c.all_ready()
    checks.check("three nodes and an etcd are a cluster, and every front knows the round", True)
    wait_until(lambda: any(n.ctl("round", "open", "2021-3").code == 0 for n in c.nodes), 30 * SLOW, "the round is opened")
    for n in c.nodes:
        wait_until(lambda: b'"state":"open"' in request(n.port, "GET", "/api/v1/rounds").body, 30 * SLOW, "every front sees it open")
    checks.check("a round opened at one node is open at every front", True)
    return c


def load(c, record):
    targets = [word for p in c.ports for word in ("--target", f"http://127.0.0.1:{p}")]
    return subprocess.Popen(
        [program("janji-load"), "book", *targets, "--connections", "48", "--duration", str(SECONDS), "--retry-share", "0.05", "--cancel-share",
         "0.05", "--move-share", "0.05", "--party-share", "0.1", "--people", "4", "--tolerate-restarts", "--retry-unknowns", "50", "--drain", "30",
         "--seed", str(c.checks.seed % 1000), "--record", record, "--output", "json", "--quiet"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def deaths(c, running):
    end = time.monotonic() + SECONDS - 6
    order = c.checks.random.sample(range(3), 3)
    for victim in order[:2]:
        wait_until(lambda: time.monotonic() > end - 12 or running.poll() is not None, SECONDS, "the load runs")
        c.kill(victim)
        c.checks.say(f"node {victim + 1} is killed")
        wait_until(lambda: time.monotonic() > end - 8 or running.poll() is not None, SECONDS, "the load runs")
        c.start(victim)
        wait_until(lambda: c.ready(victim), 60 * SLOW, f"node {victim + 1} is ready again")
        c.checks.check(f"node {victim + 1} comes back by itself", True)
        wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas again")
        c.checks.check("every shard is on three replicas again, without a person", True)
        end = max(end, time.monotonic() + 6)


# From etcd itself: the records of all shards.
def whole(c):
    key, end = (base64.b64encode(k).decode() for k in (b"/janji/test/shard/", b"/janji/test/shard0"))
    answer = request(c.etcd.port, "POST", "/v3/kv/range", {"key": key, "range_end": end})
    records = [json.loads(base64.b64decode(kv["value"])) for kv in json.loads(answer.body).get("kvs", [])]
    return len(records) == 64 and all(len(r["in_sync"]) == 3 for r in records)


def stores(c, record):
    for i, n in enumerate(c.nodes):
        c.checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)
    c.etcd.kill()
    found = []
    for i, n in enumerate(c.nodes):
        report = json.loads(n.ctl("--output", "json", "audit").out)
        c.checks.check(f"the audit of node {i + 1}'s own store is clean", report["clean"], report)
        found.append({k: report[k] for k in ("bookings", "live", "cancelled", "claims")})
        exported = c.checks.path(f"export{i + 1}")
        n.ctl("export", "--to", exported)
        done = subprocess.run([program("janji-load"), "audit", "--record", record, "--export", exported], capture_output=True, text=True)
        c.checks.check(f"every answer that citizens were given holds in the store of node {i + 1}", done.returncode == 0 and "Every promise was kept" in done.stdout,
                       done.stdout + done.stderr)
    c.checks.check("all replicas hold the same", found[0] == found[1] == found[2], found)
    c.checks.say(found[0])


def through_deaths(checks):
    c = begin(checks)
    record = checks.path("record.jsonl")
    running = load(c, record)
    checks.undo.append(running.kill)
    deaths(c, running)
    out, err = running.communicate(timeout=240 * SLOW)
    checks.check("the load ends in good order", running.returncode == 0, (running.returncode, err[-800:]))
    said = json.loads(out)
    confirmed = said["answers"]["confirmed"]
    checks.check("bookings went on while nodes died", said["people_confirmed"] > 1000, said)
    checks.say(f"{said['people_confirmed']} people confirmed; ms: p50 {confirmed['p50_ms']:.1f}, p99 {confirmed['p99_ms']:.1f}, "
               f"greatest {confirmed['max_ms']:.0f}")
    stores(c, record)


def as_a_newcomer(checks):
    done = call(f"{ROOT}/run", "--nodes", "3", "--check", seconds=600)
    last = done.out.strip().splitlines()[-1] if done.out.strip() else ""
    checks.check("./run --nodes 3 --check: a death, a return, clean audits", done.code == 0 and last.endswith("passed, 0 failed"), done)
    wrong = call(f"{ROOT}/run", "--nodes", "2")
    checks.check("./run --nodes 2 says what it needs and ends with 2", wrong.code == 2 and "3 to 9" in wrong.err, wrong)


def parts(checks):
    if os.path.exists("/usr/bin/etcd"):
        checks.part(through_deaths, checks)
        checks.part(as_a_newcomer, checks)
    else:
        checks.skip("a cluster of three nodes", "there is no etcd on this machine")


if __name__ == "__main__":
    run("cluster", parts)
