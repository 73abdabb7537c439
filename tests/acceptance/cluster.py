"""Three nodes of one cluster with etcd: load at all fronts, kill -9 of one node and then of another, and every answer held
against every replica's store."""
import json
import os
import signal
import socket
import subprocess
import time

from checks import Stop, run, wait_until
from cluster_parts import DEMO, MASTER, all_in_step, hold_against_store, hold_the_same, open_demo_round, shard_records
from http_client import request
from node import ROOT, SLOW, Node, call, program
from node import load as generator

SECONDS = 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Etcd:
    def __init__(self, checks, name):
        self.data, self.log = checks.path(f"{name}-etcd"), checks.path(f"{name}-etcd.log")
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

    def ask(self, path, body):
        return request(self.port, "POST", path, body).json()

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Cluster:
    """Nothing is shared with another cluster of the same run."""

    def __init__(self, checks, name, tls=False, nodes=3):
        self.checks, self.name = checks, name
        self.certificates = checks.path(f"{name}-certificates") if tls else ""
        self.etcd = Etcd(checks, name).start()
        self.nodes, self.ports = [], []
        for _ in range(nodes):
            self.add()

    def add(self, settings=()):
        self.nodes.append(Node(self.checks, f"{self.name}-node{len(self.nodes) + 1}"))
        self.ports.append(0)
        self.start(len(self.nodes) - 1, settings=settings)

    def start(self, i, listens=True, before=(), settings=(), environment=None):
        node = self.nodes[i]
        more = []
        for name, value in (("cluster.name", "test"), ("cluster.node", i + 1), ("cluster.etcd", f"http://127.0.0.1:{self.etcd.port}"), *settings):
            more += ["--set", f"{name}={value}"]
        if self.certificates:
            self.make_certificate(i)
            for name, file in (("certificate", f"node{i + 1}.pem"), ("key", f"node{i + 1}.key"), ("ca", "ca.pem")):
                more += ["--set", f"cluster.{name}_file={self.certificates}/{file}"]
        # The same port as in its former life, so that the load generator finds it again.
        node.start("--port", str(self.ports[i]), *more, environment={"JANJI_MASTER_KEY": MASTER} if environment is None else environment, before=before)
        if not listens:
            return
        wait_until(node.read_ports, 60 * SLOW, f"node {i + 1} listens")
        self.ports[i] = node.port

    def make_certificate(self, i):
        """What is there is kept."""
        done = call(f"{ROOT}/configs/dev-ca", self.certificates, "--cluster", "test", f"{i + 1}@127.0.0.1")
        if done.code != 0:
            raise Stop(f"no certificate is made: {done}")

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


def begin(checks, name, tls=False, slots=DEMO[2]):
    c = Cluster(checks, name, tls)
    fronts = [lambda path, n=n: request(n.port, "GET", path) for n in c.nodes]
    open_demo_round(c.nodes, fronts, c.all_ready, slots)
    checks.check("three nodes and an etcd are a cluster, and a round imported and opened at one node is open at every front", True)
    wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas")
    return c


def orders_anywhere(c):
    """Orders about rounds are taken by every node, wherever the rounds are led, and seen at once where they were given."""
    seen = []
    for node in c.nodes:
        for words, state in ((("pause", "2021-3", "--reason", "a drill"), "paused"), (("resume", "2021-3"), "open")):
            wait_until(lambda words=words, node=node: (lambda d: d if d.code == 0 else None)(node.ctl("round", *words)),
                       60 * SLOW, f"a node takes {words}")
            listed = json.loads(node.admin("GET", "/admin/v1/rounds").body)["rounds"]
            seen.append([r["state"] for r in listed] == [state])
    c.checks.check("every node takes orders about rounds, and shows them as soon as it says so", all(seen), seen)
    again = [n.ctl("round", "import", "--round", DEMO[0], "--centres", DEMO[1], "--slots", DEMO[2]) for n in c.nodes]
    c.checks.check("a round that is there already is refused in the same words by every node",
                   all(d.code == 1 and "is there already" in d.err for d in again), again)
    lost = [n.ctl("round", "open", "nowhere") for n in c.nodes]
    c.checks.check("a round that is not there is refused by every node", all(d.code == 1 and "unknown_round" in d.err for d in lost), lost)
    early = [n.ctl("round", "erase", "2021-3", "--reason", "2021-3") for n in c.nodes]
    c.checks.check("an order that the state of the round does not allow is refused by every node", all(d.code == 1 and "wrong_state" in d.err for d in early), early)


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


def whole(c):
    return all_in_step(shard_records(c.etcd.ask, "test"))


def held(c, i, record, shared=False):
    node = c.nodes[i]
    return hold_against_store(c.checks, i + 1, node.ctl, generator, f"{node.data}-export", record, shared)[0]


def stores(c, record):
    for i, n in enumerate(c.nodes):
        c.checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)
    c.etcd.kill()
    hold_the_same(c.checks, [held(c, i, record) for i in range(3)])


def through_deaths(checks):
    c = begin(checks, "deaths")
    orders_anywhere(c)
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


def gaps(record):
    done = subprocess.run([program("janji-load"), "gaps", "--record", record, "--output", "json"], capture_output=True, text=True)
    return json.loads(done.stdout)["longest_ms"]


def hang_up(node, words):
    """SIGHUP, and what the node says to it."""
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: words in node.stderr(), 30 * SLOW, f"the node says: {words}")


def new_certificates(c):
    """Junk is refused and changes nothing; new ones of the same authority are taken, and show in the next links."""
    for i, node in enumerate(c.nodes):
        with open(f"{c.certificates}/node{i + 1}.pem", "w") as file:
            file.write("junk")
        hang_up(node, "certificates stay as they were")
    c.checks.check("certificates that are none are refused, by name", all(f"node{i + 1}.pem" in n.stderr() for i, n in enumerate(c.nodes)))
    for i, node in enumerate(c.nodes):
        for kind in ("pem", "key"):
            os.remove(f"{c.certificates}/node{i + 1}.{kind}")
        c.make_certificate(i)
        hang_up(node, "certificates were read anew")


def audited(checks, node, *more):
    done = node.ctl("--output", "json", "audit", *more, seconds=120 * SLOW)
    checks.equal(f"janjictl audit {' '.join(more)} finds every promise kept", done.code, 0)
    return {name: done.json()[name] for name in ("bookings", "live", "cancelled", "moves", "claims")}


# A fourth node, a drain and an orderly stop, each while citizens book; then nobody has been told a wrong thing.
def through_changes(checks):
    c = begin(checks, "changes", tls=True)
    new_certificates(c)
    record = checks.path("changes.jsonl")
    targets = [word for p in c.ports[1:] for word in ("--target", f"http://127.0.0.1:{p}")]
    running = subprocess.Popen(
        [program("janji-load"), "book", *targets, "--connections", "32", "--rate", "800", "--duration", "3600", "--tolerate-restarts",
         "--retry-unknowns", "50", "--drain", "20", "--seed", str(checks.seed % 1000), "--record", record, "--output", "json", "--quiet"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    checks.undo.append(running.kill)
    two = c.nodes[1]
    refused = two.ctl("node", "drain", "3")
    checks.check("a drain that would leave too few nodes is refused, with the reason", refused.code == 1 and "2 nodes would be left" in refused.err, refused)
    c.add()
    wait_until(lambda: c.ready(3), 60 * SLOW, "the fourth node is ready")
    done = two.ctl("rebalance", "status", "--wait", "--wait-seconds", "60")
    shares = {n["node"]: n["holds"] for n in two.admin("GET", "/admin/v1/cluster").json()["nodes"]}
    checks.check("a fourth node takes about a quarter of the replicas, and no more", done.code == 0 and 32 <= shares[4] <= 64 and sum(shares.values()) == 192,
                 (done, shares))
    midway = audited(checks, two, "--online")
    checks.check("the whole cluster is audited while citizens book, though no node holds all of it", midway["live"] > 0, midway)
    dry = two.ctl("--dry-run", "node", "drain", "1")
    checks.check("--dry-run says what would be done", dry.code == 0 and "would be done" in dry.out, dry)
    drained = two.ctl("node", "drain", "1", "--wait", "--wait-seconds", "60")
    one = next(n for n in two.admin("GET", "/admin/v1/cluster").json()["nodes"] if n["node"] == 1)
    checks.check("a drained node leads and holds nothing", drained.code == 0 and one["leads"] == one["holds"] == 0, (drained, one))
    runs = two.ctl("node", "remove", "1")
    checks.check("a node that runs is not removed", runs.code == 1 and "stop it first" in runs.err, runs)
    checks.equal("a drained node stops in an orderly way", c.nodes[0].stop(), 0)
    wait_until(lambda: two.ctl("node", "remove", "1").code == 0, 30 * SLOW, "it is removed once it has stopped")
    same = two.ctl("shard", "verify", "all")
    checks.check("all replicas hold the same while bookings go on", same.code == 0 and "64 of 64" in same.out, same)
    checks.check("the load runs on through all of it", running.poll() is None)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=240 * SLOW)
    checks.check("the load ends in good order", running.returncode == 0, (running.returncode, err[-800:]))
    said = json.loads(out)["answers"]
    checks.say(f"{said['confirmed']['count']} confirmed, {said.get('unknown', {'count': 0})['count']} unknown at first; greatest {said['confirmed']['max_ms']:.0f} ms; the longest that a shard gave no answer: {gaps(record):.0f} ms")
    fine = two.ctl("check")
    checks.check("and the cluster finds nothing wrong with itself", fine.code == 0, fine)
    wait_until(lambda: "node remove" in two.ctl("trail").out, 60 * SLOW, "the removal is in the audit trail")
    ordered = [f"{e['what']}, {e['detail']}" for e in reversed(two.ctl("--output", "json", "trail").json())]
    checks.check("what was ordered is in the audit trail, in order, and what was refused or tried is not",
                 [o for o in ordered if o.startswith("node")] == ["node drain, node 1", "node remove, node 1"], ordered)
    c.start(0, listens=False)
    wait_until(lambda: not c.nodes[0].alive(), 30 * SLOW, "a removed node is not let in again")
    checks.check("a removed node is refused by name", "was removed from the cluster" in c.nodes[0].stderr(), c.nodes[0].stderr()[-300:])
    online = audited(checks, two, "--online")
    for i in range(1, 4):  # three nodes are left, so each holds every shard
        checks.equal(f"node {i + 1} stops in an orderly way", c.nodes[i].stop(), 0)
        held(c, i, record)
        checks.equal(f"node {i + 1}'s store counts what the audit of the running cluster counted", audited(checks, c.nodes[i]), online)
    c.etcd.kill()


def as_a_newcomer(checks):
    done = call(f"{ROOT}/run", "--nodes", "3", "--check", seconds=600)
    last = done.out.strip().splitlines()[-1] if done.out.strip() else ""
    checks.check("./run --nodes 3 --check: a death, a return, clean audits", done.code == 0 and last.endswith("passed, 0 failed"), done)
    wrong = call(f"{ROOT}/run", "--nodes", "2")
    checks.check("./run --nodes 2 says what it needs and ends with 2", wrong.code == 2 and "3 to 9" in wrong.err, wrong)


def parts(checks):
    if os.path.exists("/usr/bin/etcd"):
        checks.part(through_deaths, checks)
        checks.part(through_changes, checks)
        checks.part(cluster_bad_luck.bad_luck, checks)
        checks.part(cluster_check.truth, checks)
        checks.part(cluster_copies.copies, checks)
        checks.part(cluster_founding.founding, checks)
        checks.part(cluster_keys.keys, checks)
        checks.part(cluster_last_resort.last_resort, checks)
        checks.part(cluster_membership.membership, checks)
        checks.part(cluster_opening.opening, checks)
        checks.part(cluster_roles.roles, checks)
        checks.part(cluster_unseal.unsealing, checks)
        checks.part(as_a_newcomer, checks)
    else:
        checks.skip("a cluster of three nodes", "there is no etcd on this machine")


if __name__ == "__main__":
    import cluster_bad_luck  # they are made of what is above
    import cluster_check
    import cluster_copies
    import cluster_founding
    import cluster_keys
    import cluster_last_resort
    import cluster_membership
    import cluster_opening
    import cluster_roles
    import cluster_unseal

    run("cluster", parts)
