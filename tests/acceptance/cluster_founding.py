"""From one node to a cluster: the data of a node that was alone becomes that of a cluster's first member, interrupted at every step; the
others are filled from it, every promise of before is kept, and citizens go on booking."""
import json
import os
import shutil
import socket
import subprocess
import threading

from checks import wait_until
from citizens import People, book, booking, confirmed, content, new_key, open_demo
from cluster import Cluster, audited, held, whole
from cluster_membership import identity, settings_of
from cluster_parts import MASTER, hold_the_same, shard_records
from membership import held_in, refused, tree_of
from node import SLOW, Node, load, program

PLACE = ("WTCKL", "2021-06-08")
MASTER_KEY = {"JANJI_MASTER_KEY": MASTER}


class CutAfter:
    """In front of etcd: lets so many changes through, then every connection ends, as if etcd had gone."""

    def __init__(self, checks, port, changes):
        self.to, self.left = port, changes
        self.lock = threading.Lock()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        checks.undo.append(self.listening.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to))
            for args in ((near, far, True), (far, near, False)):
                threading.Thread(target=self.pass_on, args=args, daemon=True).start()

    def allowed(self, data):
        with self.lock:
            self.left -= data.count(b"POST /v3/kv/txn")
            return self.left >= 0

    def pass_on(self, source, sink, asks):
        try:
            while (data := source.recv(1 << 16)) and (not asks or self.allowed(data)):
                sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def booked(checks, ports, record, first):
    targets = [word for p in ports for word in ("--target", f"http://127.0.0.1:{p}")]
    done = subprocess.run([program("janji-load"), "book", *targets, "--connections", "16", "--duration", "3", "--party-share", "0.1", "--people", "4",
                           "--cancel-share", "0.05", "--move-share", "0.05", "--first", str(first), "--retry-unknowns", "100", "--seed",
                           str(checks.seed % 1000), "--record", record, "--output", "json", "--quiet"], capture_output=True, text=True)
    people = json.loads(done.stdout)["people_confirmed"] if done.returncode == 0 else 0
    checks.check("citizens book", people > 100, done.stdout + done.stderr)


def alone_with_bookings(checks, record):
    alone = Node(checks, "founded-node1").start(environment=MASTER_KEY).ready()
    open_demo(alone)
    booked(checks, [alone.port], record, 0)
    person, key = People(checks.random).one(), new_key()
    told = confirmed(alone, booking(PLACE, person), key)
    alone.kill()
    return alone, person, key, told


def ordered(c):
    """The order to become a cluster: tried, given, and obeyed by nothing but a start as that node."""
    checks, one = c.checks, c.nodes[0]
    before = tree_of(one.data)
    dry = one.ctl("--dry-run", "membership", "found", "test", "--node", "1")
    checks.check("--dry-run says what would be done, and does nothing", dry.code == 0 and "would be done" in dry.out and tree_of(one.data) == before, dry)
    for words in (("a/b", "--node", "1"), ("test", "--node", "0"), ("test", "--node", "4096")):
        done = one.ctl("membership", "found", *words)
        checks.check(f"membership found {' '.join(words)} is refused", done.code == 2 and tree_of(one.data) == before, done)
    done = one.ctl("membership", "found", "test", "--node", "1")
    checks.check("its data is to become a cluster's", done.code == 0, done)
    refused(checks, "with that order it does not start under another number", one.data, settings_of(c, 2), ["node 1 of the cluster test", "cluster.node says 2"], MASTER, c.etcd)


def interrupted(c):
    """etcd goes after some changes: the start is refused, and the next one goes on. Nobody else begins meanwhile."""
    checks = c.checks
    empty = checks.path("founded-early")
    os.makedirs(empty)
    copy = checks.path("founded-copy")
    shutil.copytree(c.nodes[0].data, copy)
    seen = []
    # Two of a start's changes are its number's, some are keys; together they begin fewer shards than there are.
    for changes in (1, 3, *sorted(checks.random.sample(range(4, 14), 1) + checks.random.sample(range(16, 28), 2))):
        relay = CutAfter(checks, c.etcd.port, changes)
        c.start(0, listens=False, settings=(("cluster.etcd", f"http://127.0.0.1:{relay.port}"),))
        ended = c.nodes[0].wait(60)
        seen.append((changes, ended, len(shard_records(c.etcd.ask, "test"))))
        checks.check(f"etcd goes after {changes} changes: the start is refused, try again", ended == 2 and "try again" in c.nodes[0].stderr(), (seen, c.nodes[0].stderr()[-400:]))
        if identity(c.etcd).get("founder") == 1:
            refused(checks, f"another node, {changes} changes in", empty, settings_of(c, 2), ["is being made of the data of node 1", "start node 1 first"], MASTER)
    checks.check("some shards had begun, and not all", any(0 < records < 64 for _, _, records in seen), seen)
    refused_copy = Node(checks, "founded-copy", data=copy)
    refused_copy.start(*[w for n, v in settings_of(c, 1).items() for w in ("--set", f"{n}={v}")], environment=MASTER_KEY)
    ended = refused_copy.wait(60)
    checks.check("a copy of its data does not found the cluster in its place", ended == 2 and "is a copy of that" in refused_copy.stderr(),
                 (ended, refused_copy.stderr()[-400:]))


def begun(c):
    checks = c.checks
    c.start(0)
    records = shard_records(c.etcd.ask, "test")
    checks.check("every shard begins on its disk alone", len(records) == 64 and all([m["node"] for m in r["in_sync"]] == [1] for r in records), records[:1])
    checks.check("and the cluster is open to others", "founder" not in identity(c.etcd), identity(c.etcd))
    with open(f"{c.nodes[0].data}/keys") as file:
        own = {line.split()[0] for line in file.readlines()[1:]} - {"check"}
    there = {n.partition("/value/key/")[2] for n in held_in(c.etcd) if "/value/key/" in n}
    checks.check("its keys are in etcd, those of its round too, and nothing else", own == there and any(k.startswith("citizen/") for k in own), (own, there))
    told = book(c.nodes[0], booking(PLACE, People(checks.random).one()))
    checks.check("nothing is confirmed while one disk alone holds it", told.status in (503, 504), told)
    c.add()
    c.add()
    c.all_ready()
    wait_until(lambda: whole(c), 120 * SLOW, "the others are filled")
    checks.check("two new nodes are filled with all of it", True)


def promises_kept(c, record, person, key, told):
    checks = c.checks
    for i in (2, 0):
        again = load("replay", "--record", record, "--target", f"http://127.0.0.1:{c.ports[i]}")
        checks.check(f"every promise of before is kept at node {i + 1}", again.code == 0, again)
    again = book(c.nodes[2], booking(PLACE, person), key)
    checks.check("a request of before is answered as before at another node", again.status == 200 and content(again) == content(told), (again, told))
    other = book(c.nodes[1], booking(PLACE, person))
    checks.check("and its citizen cannot book anew", other.status == 409 and other.json().get("code") == "already_booked", other)


def founding(checks):
    record, later = checks.path("founded.jsonl"), checks.path("founded-later.jsonl")
    alone, person, key, told = alone_with_bookings(checks, record)
    c = Cluster(checks, "founded", nodes=0)
    c.nodes.append(alone)
    c.ports.append(0)
    before = audited(checks, alone)
    ordered(c)
    interrupted(c)
    begun(c)
    checks.equal("the cluster counts what the node that was alone counted", audited(checks, c.nodes[1], "--online"), before)
    promises_kept(c, record, person, key, told)
    booked(checks, c.ports, later, 1_000_000)
    c.kill(0)
    added = confirmed_elsewhere(c)
    c.start(0)
    wait_until(lambda: c.ready(0) and whole(c), 90 * SLOW, "its first node is back")
    fine = wait_until(lambda: (lambda d: d if d.code == 0 else None)(c.nodes[0].ctl("check")), 60 * SLOW, "the cluster finds nothing wrong")
    checks.check("the cluster finds nothing wrong with itself", fine.code == 0 and added, fine)
    settled_by_an_operator(c)
    for i, n in enumerate(c.nodes):
        checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)
    refused(checks, "the data that was alone once does not serve alone again", alone.data, {}, ["node 1 of the cluster test", "cluster.name is empty"], MASTER, c.etcd)
    c.etcd.kill()
    for answers in (record, later):
        hold_the_same(checks, [held(c, i, answers, shared=True) for i in range(3)])


def confirmed_elsewhere(c):
    """The first node is no more needed than any other."""
    person = People(c.checks.random).one()
    key = new_key()
    wait_until(lambda: book(c.nodes[1], booking(("WTCKL", "2021-06-09"), person), key).status in (200, 201), 60 * SLOW, "citizens book without the first node")
    c.checks.check("citizens book without the first node", True)
    return True


def settled_by_an_operator(c):
    """What was both, and lost the file that says so: nobody guesses."""
    checks, one = c.checks, c.nodes[0]
    checks.equal("node 1 stops", one.stop(), 0)
    os.remove(f"{one.data}/store/membership")
    for what, settings in (("alone", {}), ("in the cluster", settings_of(c, 1))):
        refused(checks, f"data that shows both, started {what}", one.data, settings, ["started alone and in a cluster too", "membership settle"], MASTER)
    for words in (("--alone", "--cluster", "test", "--node", "1"), ("--cluster", "test"), ()):
        checks.equal(f"membership settle {' '.join(words)} is refused", one.ctl("membership", "settle", *words).code, 105)
    done = one.ctl("membership", "settle", "--cluster", "test", "--node", "1")
    checks.check("an operator says whose it is", done.code == 0, done)
    c.start(0)
    wait_until(lambda: c.ready(0) and whole(c), 90 * SLOW, "node 1 is back")
    checks.equal("and the cluster's id stands there again", json.load(open(f"{one.data}/store/membership"))["id"], identity(c.etcd)["id"])
    checks.check("no shard is begun anew by it", "begins, led here" not in one.stderr(), one.stderr()[-300:])
    checks.equal("etcd has one cluster", sum(n.endswith("/value/cluster") for n in held_in(c.etcd)), 1)
