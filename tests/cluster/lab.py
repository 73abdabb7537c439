"""A laboratory of network namespaces: one bridge and a namespace a host, private to this run with its mounts and processes.

enter() starts the program again in namespaces of its own, so nothing of the machine is changed and everything ends with it."""
import base64
import functools
import json
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "acceptance"))
import disk  # noqa: E402
from checks import Stop, wait_until  # noqa: E402
from cluster_parts import MASTER, all_in_step, hold_against_store, hold_the_same, open_demo_round, shard_records  # noqa: E402
from http_client import request  # noqa: E402
from node import SLOW, Node, call, program  # noqa: E402

HERE = "10.0.0.254"
NETNS = "/run/netns"
CITIZENS, OPERATORS, LINKS = 8080, 8081, 9000
ETCD_QUOTA_BYTES = 64 << 20
UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


def cannot_enter():
    """Why this machine cannot hold a laboratory, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool, package in (("unshare", "util-linux"), ("ip", "iproute2"), ("iptables", "iptables"), ("etcd", "etcd-server")):
        if shutil.which(tool) is None:
            return f"{tool} is not installed ({package})"
    tried = subprocess.run([*UNSHARE, "iptables", "-L", "-n"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"no namespaces here: {tried.stderr.strip()[:200]}"


def enter():
    if os.environ.get("JANJI_LAB") != "1":
        os.execvpe("unshare", [*UNSHARE, sys.executable, "-B", *sys.argv], {**os.environ, "JANJI_LAB": "1"})
    os.makedirs(NETNS, exist_ok=True)
    must("mount", "-t", "tmpfs", "none", NETNS)
    must("ip", "link", "set", "lo", "up")
    must("ip", "link", "add", "br0", "type", "bridge")
    must("ip", "link", "set", "br0", "up")
    must("ip", "addr", "add", f"{HERE}/24", "dev", "br0")


def keep_in_memory(checks):
    """What this run writes lies in memory from here on, where it is not to be kept: for what is asked of programs and not of disks. One that
    hangs for half a second takes leaderships away, as it should, and on a busy machine any disk does."""
    if os.environ.get("JANJI_KEEP"):
        return
    must("mount", "-t", "tmpfs", "-o", "size=4g", "janji", checks.directory)
    checks.undo.append(lambda: must("umount", "--lazy", checks.directory))


def must(*command):
    done = call(*command)
    if done.code != 0:
        raise Stop(f"{' '.join(command)}: {done}")
    return done.out


class Host:
    def __init__(self, name, ip):
        self.name, self.ip = name, ip
        must("ip", "netns", "add", name)
        must("ip", "link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        must("ip", "link", "set", f"v-{name}", "master", "br0", "up")
        must("ip", "-n", name, "addr", "add", f"{ip}/24", "dev", "eth0")
        must("ip", "-n", name, "link", "set", "eth0", "up")
        must("ip", "-n", name, "link", "set", "lo", "up")
        self.inside = ("nsenter", f"--net={NETNS}/{name}")

    def run(self, *command):
        return must(*self.inside, *command)

    def rule(self, chain, *words, table="filter"):
        """Appends a rule of iptables; what is returned takes it away again."""
        self.run("iptables", "-w", "-t", table, "-A", chain, *words)
        return lambda: self.take_away("iptables", "-w", "-t", table, "-D", chain, *words)

    def take_away(self, *command):
        self.run(*command)

    def deaf_to(self, *ips):
        """Nothing that these send is heard here."""
        undo = [self.rule("INPUT", "-s", ip, "-j", "DROP") for ip in ips]
        return lambda: [u() for u in undo]


class Etcd:
    """Members of one etcd, each a host."""

    def __init__(self, checks, members):
        self.checks, self.members = checks, [Host(f"e{i}", f"10.0.0.{100 + i}") for i in range(1, members + 1)]
        self.processes = [None] * members
        checks.undo.append(self.kill_all)
        for i in range(members):
            self.start(i)
        wait_until(self.answers, 60, "etcd answers")

    def start(self, i):
        host = self.members[i]
        everybody = ",".join(f"{m.name}=http://{m.ip}:2380" for m in self.members)
        command = ["/usr/bin/etcd", "--name", host.name, "--data-dir", self.checks.path(host.name), "--initial-cluster", everybody,
                   "--quota-backend-bytes", str(ETCD_QUOTA_BYTES), "--heartbeat-interval", "200", "--election-timeout", "2000",
                   "--listen-client-urls", f"http://{host.ip}:2379", "--advertise-client-urls", f"http://{host.ip}:2379",
                   "--listen-peer-urls", f"http://{host.ip}:2380", "--initial-advertise-peer-urls", f"http://{host.ip}:2380"]
        with open(self.checks.path(f"{host.name}.log"), "ab") as log:
            self.processes[i] = subprocess.Popen([*host.inside, *command], stdout=log, stderr=log)

    @property
    def endpoints(self):
        return " ".join(f"http://{m.ip}:2379" for m in self.members)

    def ask(self, path, body):
        for m in self.members:
            try:
                answer = request(2379, "POST", path, body, seconds=5, host=m.ip)
                if answer.status == 200:
                    return answer.json()
            except OSError:
                pass
        return {}

    def alarms(self):
        return self.ask("/v3/maintenance/alarm", {"action": "GET"}).get("alarms", [])

    def make_room(self):
        """What filled it is removed, its history and its files are made small, and its alarms are taken back."""
        key, end = (base64.b64encode(k).decode() for k in (b"filler", b"filles"))
        self.ask("/v3/kv/deleterange", {"key": key, "range_end": end})
        revision = self.ask("/v3/kv/range", {"key": "Lw=="})["header"]["revision"]
        self.ask("/v3/kv/compaction", {"revision": revision, "physical": True})
        for m in self.members:
            if request(2379, "POST", "/v3/maintenance/defragment", {}, seconds=60, host=m.ip).status != 200:
                raise Stop(f"{m.name} is not defragmented")
        for a in self.alarms():
            self.ask("/v3/maintenance/alarm", {"action": "DEACTIVATE", "memberID": a.get("memberID"), "alarm": a["alarm"]})
        wait_until(lambda: not self.alarms(), 30, "etcd's alarms are taken back")

    def answers(self):
        return "header" in self.ask("/v3/kv/range", {"key": "Lw=="})

    def records(self, cluster="test"):
        return shard_records(self.ask, cluster)

    def kill(self, i):
        self.processes[i].kill()
        self.processes[i].wait()

    def kill_all(self):
        for i, p in enumerate(self.processes):
            if p is not None and p.poll() is None:
                self.kill(i)


@functools.cache
def listens_in_the_clear(janjid):
    """The setting without which this version serves no other machine in the clear; an earlier one does not know it."""
    known = "node.insecure_listeners" in must(janjid, "--print-config-docs")
    return (("node.insecure_listeners", "true"),) if known else ()


class LabCluster:
    """`nodes` nodes in three zones with an etcd; every node at an address of its own."""

    def __init__(self, checks, nodes, etcds=1, settings=(), janjid=None):
        self.checks, self.settings = checks, settings
        self.etcd = Etcd(checks, etcds)
        self.hosts = [Host(f"n{i}", f"10.0.0.{i}") for i in range(1, nodes + 1)]
        self.nodes = [Node(checks, f"node{i}") for i in range(1, nodes + 1)]
        self.disks = [disk.Disk(checks.path(f"disk{i}")) for i in range(1, nodes + 1)]
        for i in range(nodes):
            self.nodes[i].janjid = janjid or self.nodes[i].janjid
            self.start(i)

    def start(self, i, before=(), **options):
        """Under a disk that can be made slow, hung or failing; a dead one's is healthy again."""
        self.disks[i].healthy()
        environment = {} if disk.cannot() else self.disks[i].environment()
        self.start_as(i, self.nodes[i], self.hosts[i], before=before, environment={**environment, "JANJI_MASTER_KEY": MASTER}, **options)

    def add_front(self, before=()):
        """One more node, which holds no shards."""
        i = len(self.nodes)
        self.hosts.append(Host(f"n{i + 1}", f"10.0.0.{i + 1}"))
        self.nodes.append(Node(self.checks, f"node{i + 1}"))
        self.start_as(i, self.nodes[i], self.hosts[i], before=before, settings=(("cluster.role", "front"),),
                      environment={"JANJI_MASTER_KEY": MASTER})

    def start_as(self, i, node, host, before=(), settings=(), **options):
        """A process with the identity of node i, at a host."""
        more = []
        for name, value in (("cluster.name", "test"), ("cluster.node", i + 1), ("cluster.etcd", self.etcd.endpoints),
                            ("cluster.address", host.ip), ("cluster.port", LINKS), ("cluster.zone", f"zone{i % 3 + 1}"),
                            ("http.address", host.ip), ("admin.address", "0.0.0.0"), *listens_in_the_clear(node.janjid), *self.settings, *settings):
            more += ["--set", f"{name}={value}"]
        node.enter = host.inside
        node.start("--port", str(CITIZENS), "--admin-port", str(OPERATORS), *more, before=(*host.inside, *before), **options)

    def ready(self, i):
        return self.serves(self.nodes[i], self.hosts[i])

    @staticmethod
    def serves(node, host):
        try:
            return node.alive() and request(OPERATORS, "GET", "/readyz", seconds=5, host=host.ip).status == 200
        except OSError:
            return False

    def back(self, i):
        """Ready; one that was told to try again is started again, as a supervisor would."""
        node = self.nodes[i]
        if not node.alive() and node.process.returncode == 2 and "try again" in node.stderr():
            self.start(i)
        return self.ready(i)

    def all_ready(self, seconds=60, after="its start"):
        try:
            wait_until(lambda: all(self.back(i) for i in range(len(self.nodes))), seconds * SLOW, f"every node is ready after: {after}")
        except Stop as late:
            raise Stop(f"{late}; {'; '.join(self.why_not_ready(i) for i in range(len(self.nodes)) if not self.ready(i))}") from None

    def why_not_ready(self, i):
        node = self.nodes[i]
        if not node.alive():
            return f"node {i + 1} ended with {node.process.returncode}: {node.stderr()[-300:]}"
        try:
            answer = request(OPERATORS, "GET", "/readyz?verbose", seconds=5, host=self.hosts[i].ip)
            return f"node {i + 1}: {answer.status} {answer.body[:600]!r}"
        except OSError as e:
            return f"node {i + 1}: {e}"

    def whole(self):
        return all_in_step(self.etcd.records())

    def wait_whole(self, seconds=90):
        wait_until(self.whole, seconds * SLOW, "every shard is on three replicas again")

    def wait_settled(self, seconds=90):
        """And every shard is where it is to be, led by whom it is to be led."""
        some = next(n for n in self.nodes if n.alive())
        done = some.ctl("rebalance", "status", "--wait", "--wait-seconds", str(seconds * SLOW), seconds=seconds + 30)
        if done.code != 0:
            raise Stop(f"shards do not come to rest: {done}")

    def open_round(self, passed_on=True):
        open_demo_round(self.nodes, [lambda path, h=h: request(CITIZENS, "GET", path, host=h.ip) for h in self.hosts], self.all_ready,
                        passed_on=passed_on)
        self.wait_whole()

    def kill(self, i):
        os.kill(self.nodes[i].process.pid, signal.SIGKILL)
        self.nodes[i].process.wait()


SHARES = {"retry": 0.05, "cancel": 0.1, "move": 0.05, "party": 0.1}


class Load:
    """Citizens at all fronts at a steady rate, who come back with their keys; every answer is recorded."""

    def __init__(self, cluster, seconds, rate, seed, more=(), name="record", shares=None):
        self.start(cluster.checks, (program("janji-load"),), [f"http://{h.ip}:{CITIZENS}" for h in cluster.hosts],
                   cluster.checks.path(f"{name}.jsonl"), seconds, rate, seed, more, shares)

    def start(self, checks, command, fronts, record, seconds, rate, seed, more=(), shares=None):
        """`command`: the load generator; `record`: its record, as this program and the generator both name it."""
        self.checks, self.record = checks, record
        self.seen = self.confirmed = self.unknown = 0
        self.greatest_ms = 0.0
        self.rest = b""
        targets = [word for front in fronts for word in ("--target", front)]
        self.process = subprocess.Popen(
            [*command, "book", "--i-own-this-target", *targets, "--connections", "1000", "--rate", str(rate), "--duration", str(seconds),
             *(w for share, of in {**SHARES, **(shares or {})}.items() for w in (f"--{share}-share", str(of))), "--people", "4", "--tolerate-restarts",
             "--retry-unknowns", "1000", "--timeout-ms", "6000", "--drain", "60", "--seed", str(seed), "--record", self.record, "--output", "json",
             "--quiet", *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.checks.undo.append(self.process.kill)

    def runs(self):
        return self.process.poll() is None

    def take(self):
        """Reads on in the record: how many confirmations, how many unknown outcomes, the greatest latency in ms."""
        try:
            with open(self.record, "rb") as file:
                file.seek(self.seen)
                read = file.read()
        except OSError:
            read = b""
        self.seen += len(read)
        lines = (self.rest + read).split(b"\n")
        self.rest = lines.pop()
        entries = [json.loads(line) for line in lines if line.startswith(b'{"i"')]
        yes = [e["l"] / 1000 for e in entries if e["x"] == "yes"]
        self.confirmed += len(yes)
        self.unknown += sum(1 for e in entries if e["x"] == "unknown")
        self.greatest_ms = max([self.greatest_ms, *yes])
        return len(yes)

    def end(self, seconds):
        out, err = self.process.communicate(timeout=seconds * SLOW)
        if self.process.returncode != 0:
            raise Stop(f"janji-load ended with {self.process.returncode}: {err[-800:]}")
        return json.loads(out)


def held_against_every_store(cluster, load, holders):
    """Stops all nodes; the stores of those that hold every shard are audited, and held against what citizens were told."""
    checks, found = cluster.checks, []
    for i, n in enumerate(cluster.nodes):
        if n.alive():
            checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)
    for i in holders:
        node = cluster.nodes[i]
        figures, held = hold_against_store(checks, i + 1, lambda *words: node.ctl(*words, seconds=900),  # noqa: B023 called at once
                                           lambda *words: call(program("janji-load"), *words, seconds=900), f"{node.data}-export", load.record)
        found.append(figures)
    hold_the_same(checks, found)
    if os.environ.get("JANJI_SHOW_AUDIT"):
        print(held.out)
    return found[0]
