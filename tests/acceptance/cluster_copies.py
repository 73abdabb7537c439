"""Disks that were copied or put back: a copy beside its original in both orders, a frozen original that goes on later, a disk put back
once, over several starts, and within one. Citizens book all the while; nobody healthy ends, and every answer is held against every
store."""
import base64
import json
import os
import shutil
import signal
import subprocess
import time

from checks import Stop, wait_until
from cluster import begin, stores, whole
from cluster_parts import MASTER
from node import SLOW, Node, held, program


def steady_load(c, record):
    targets = [word for p in c.ports for word in ("--target", f"http://127.0.0.1:{p}")]
    running = subprocess.Popen(
        [program("janji-load"), "book", *targets, "--connections", "200", "--rate", "150", "--duration", "3600", "--retry-share", "0.05",
         "--cancel-share", "0.1", "--move-share", "0.05", "--tolerate-restarts", "--retry-unknowns", "1000", "--timeout-ms", "6000", "--drain", "60",
         "--seed", str(c.checks.seed % 1000), "--record", record, "--output", "json", "--quiet"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    c.checks.undo.append(running.kill)
    return running


def confirmed_so_far(record):
    try:
        with open(record, "rb") as file:
            return file.read().count(b'"x":"yes"')
    except OSError:
        return 0


class Stage:
    """A cluster under load whose third node's disk is copied and put back; the other two must never notice more than a node that is away."""

    def __init__(self, checks):
        self.checks, self.c, self.copies = checks, begin(checks, "copies"), 0
        self.record = checks.path("copies.jsonl")
        self.load = steady_load(self.c, self.record)

    @property
    def three(self):
        return self.c.nodes[2]

    def some_are_booked(self):
        before = confirmed_so_far(self.record)  # written in blocks
        try:
            wait_until(lambda: confirmed_so_far(self.record) > before, 60 * SLOW, "citizens book")
        except Stop as none:
            raise Stop(f"{none}; the load {'runs' if self.load.poll() is None else 'has ended'}; {self.c.nodes[0].ctl('check').out}") from none

    def copy(self, node=None):
        self.copies += 1
        to = self.checks.path(f"copy{self.copies}")
        shutil.copytree((node or self.three).data, to)
        return to

    def frozen_copy(self, node=None):
        """Of a node that runs: what its disk holds at one moment."""
        with held(node or self.three):
            return self.copy(node)

    def put_back(self, copy, node=None):
        node = node or self.three
        shutil.rmtree(node.data)
        shutil.copytree(copy, node.data)

    def positions(self):
        """How far each shard was committed, as leaders have written down in etcd."""
        prefix = b"/janji/test/value/positions/"
        found = self.c.etcd.ask("/v3/kv/range", {"key": base64.b64encode(prefix).decode(), "range_end": base64.b64encode(prefix[:-1] + b"0").decode()})
        furthest = {}
        for kv in found.get("kvs", []):
            for shard, at in json.loads(base64.b64decode(kv["value"])).items():
                furthest[shard] = max(furthest.get(shard, [0, 0]), at)
        return furthest

    def start_copy(self, data):
        node = Node(self.checks, f"from-{os.path.basename(data)}", data=data)
        node.start("--set", "cluster.name=test", "--set", "cluster.node=3", "--set", f"cluster.etcd=http://127.0.0.1:{self.c.etcd.port}",
                   environment={"JANJI_MASTER_KEY": MASTER})
        return node

    def whole_again(self, what, node=None):
        node = node or self.three
        try:
            wait_until(node.is_ready, 60 * SLOW, f"the node is ready: {what}")
            wait_until(lambda: whole(self.c), 90 * SLOW, f"every shard is on three replicas again: {what}")
        except Stop as late:
            raise Stop(f"{late}: {node.stderr()[-1500:]}; {self.c.nodes[0].ctl('check')}") from None
        self.some_are_booked()
        healthy = self.c.nodes[:2]
        self.checks.check(f"{what}: every shard is on three replicas, nobody else ended, and bookings go on", all(n.alive() for n in healthy) and
                          self.load.poll() is None, [n.stderr()[-500:] for n in healthy])

    def refused(self, node, what):
        ended = node.wait(60)
        said = node.stderr().strip().splitlines()
        self.checks.check(what, ended == 2 and said and "node 3 runs already: boot " in said[-1], (ended, said[-3:]))

    def taken_for_new(self, wanted, node=None):
        said = (node or self.three).stderr()
        return ("taken for a new one" in said) == wanted


def beside(s):
    """The copy comes second; then it comes first."""
    s.checks.equal("node 3 stops in an orderly way", s.three.stop(), 0)
    copy = s.copy()
    s.c.start(2)
    s.whole_again("the original came first")
    s.refused(s.start_copy(copy), "a copy of a disk that is started beside its original is refused, and the other is named")
    s.whole_again("after the copy was refused")
    s.checks.equal("node 3 stops again", s.three.stop(), 0)
    copy = s.copy()
    clone = s.start_copy(copy)
    s.whole_again("the copy came first", clone)
    s.checks.check("the copy that came first is the disk that it was", s.taken_for_new(False, clone), clone.stderr()[-500:])
    s.c.start(2, listens=False)
    s.refused(s.three, "an original that is started beside its copy is refused, and the other is named")
    clone.kill()
    s.c.start(2)
    s.whole_again("the original came after its copy had gone")
    s.checks.check("an original that its copy has left behind is filled again as a new disk", s.taken_for_new(True), s.three.stderr()[-500:])


def frozen(s):
    """A copy takes the place of a frozen node, which then goes on."""
    os.kill(s.three.process.pid, signal.SIGSTOP)
    clone = s.start_copy(s.copy())
    s.whole_again("a copy took the frozen original's place", clone)
    os.kill(s.three.process.pid, signal.SIGCONT)
    s.checks.equal("a frozen original that goes on after its copy has taken its place ends", s.three.wait(30), 2)
    said = s.three.stderr().strip().splitlines()[-20:]  # threads that end may still say something after it
    s.checks.check("and says why", any("ends: node 3 " in line for line in said), said)
    s.whole_again("after the frozen original went on", clone)
    clone.kill()
    s.c.start(2)
    s.whole_again("the frozen original starts again after its copy has gone")
    s.checks.check("it is filled again as a new disk", s.taken_for_new(True), s.three.stderr()[-500:])


def put_back(s):
    s.checks.equal("node 3 stops for a copy", s.three.stop(), 0)
    old = s.copy()
    s.c.start(2)
    s.whole_again("started after the copy was made")
    s.three.kill()
    s.put_back(old)
    s.c.start(2)  # at once: the others may not have noticed
    s.whole_again("a disk of one start ago was put back")
    s.checks.check("a disk of one start ago is filled again as a new one", s.taken_for_new(True), s.three.stderr()[-500:])
    s.checks.equal("node 3 stops for another copy", s.three.stop(), 0)
    older = s.copy()
    for i in range(3):
        s.c.start(2)
        s.whole_again(f"start {i + 1} after the copy")
        s.three.kill()
    s.put_back(older)
    s.c.start(2)
    s.whole_again("a disk of three starts ago was put back")
    s.checks.check("a disk of three starts ago is filled again as a new one", s.taken_for_new(True), s.three.stderr()[-500:])
    recent = s.frozen_copy()
    s.whole_again("frozen for a copy")
    s.three.kill()
    s.put_back(recent)
    s.c.start(2)
    s.whole_again("a copy that was made while it ran was put back")
    s.checks.check("a copy of the last start is the same disk, and is filled again", s.taken_for_new(False), s.three.stderr()[-500:])


def put_back_two(s):
    """Copies of the last start are the same disks, and two of three agree with each other."""
    two, three = s.c.nodes[1:]
    old = [s.frozen_copy(n) for n in (two, three)]
    s.whole_again("two disks were copied")
    for _ in range(2):  # what is written down first may be as the copies have it
        before = s.positions()
        wait_until(lambda before=before: sum(at > before.get(shard, [0, 0]) for shard, at in s.positions().items()) == 64, 60 * SLOW,
                   "every shard has committed more since, and that is written down in etcd")
    for n in s.c.nodes:  # together: none of them goes on without another
        os.kill(n.process.pid, signal.SIGKILL)
    for n in s.c.nodes:
        n.process.wait()
    for node, copy in zip((two, three), old):
        s.put_back(copy, node)
    for i in (1, 2):
        s.c.start(i, listens=False)
    said = wait_until(lambda: (lambda d: d if "disks were put back" in d.out else None)(two.ctl("check")), 60 * SLOW, "check tells of disks that were put back")
    s.checks.check("two disks that were put back do not serve what they lack: check says broken, which disks, and what to do",
                   said.code == 2 and "hold, lacks position" in said.out and "unsafe-promote" in said.out, said)
    lacks = next(line for line in said.out.splitlines() if "disks were put back" in line)
    shard = lacks.split("shard ")[1].split(",")[0]
    dry = two.ctl("--dry-run", "shard", "unsafe-promote", shard, "--node", "2")
    s.checks.check("--dry-run shard unsafe-promote says what would be lost", dry.code == 0 and "no disk that is there holds it" in dry.out, dry)
    s.c.start(0)
    s.whole_again("the disk that was not put back is there again", s.c.nodes[0])
    s.checks.check("disks of the last start are the same disks", all(s.taken_for_new(False, n) for n in (two, three)),
                   [n.stderr()[-300:] for n in (two, three)])


def copies(checks):
    s = Stage(checks)
    begun = time.monotonic()
    beside(s)
    frozen(s)
    put_back(s)
    put_back_two(s)
    def verified():  # what was filled again just now has not told yet how far it is
        said = s.c.nodes[0].ctl("shard", "verify", "all")
        return said if said.code == 0 or "differ" in said.out else None
    same = wait_until(verified, 60 * SLOW, "every replica has said how far it is")
    checks.check("all replicas hold the same", same.code == 0 and "64 of 64" in same.out, same)
    s.load.send_signal(signal.SIGINT)
    out, err = s.load.communicate(timeout=240 * SLOW)
    checks.check("the load ends in good order", s.load.returncode == 0, (s.load.returncode, err[-800:]))
    checks.say(f"{json.loads(out)['people_confirmed']} people confirmed in {time.monotonic() - begun:.0f} s")
    stores(s.c, s.record)
