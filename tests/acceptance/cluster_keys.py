"""Keys of a cluster whose etcd was put back to before a round: nodes put them back from their disks, none is made anew, and one person
cannot book twice. A key file of somebody else is refused. The master key is rotated everywhere by one order, whoever dies with it."""
import base64
import os
import shutil
import signal
import threading

from checks import Stop, wait_until
from citizens import People, book, booking, confirmed
from cluster import Cluster, whole
from cluster_parts import DEMO, MASTER, open_demo_round
from http_client import request
from node import SLOW, Node

PLACE = ("WTCKL", "2021-06-08")


def exchange_etcd(c, data):
    c.etcd.kill()
    shutil.rmtree(c.etcd.data)
    shutil.copytree(data, c.etcd.data)
    c.etcd.start()


def answer_of(node, person):
    """What a person who asks to book is told, once anything is known."""
    def known():
        said = book(node, booking(PLACE, person))
        return said if said.status not in (429, 503, 504) else None
    return wait_until(known, 60 * SLOW, "a booking is answered")


def copy_of_etcd(c, to):
    """Taken while every shard is on three replicas: one that had a learner then would have two disks left, and lose one below."""
    def taken():
        wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas")
        c.etcd.kill()
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(c.etcd.data, to)
        c.etcd.start()
        return whole(c)
    wait_until(taken, 60 * SLOW, "a copy of etcd is taken while every shard is on three replicas")


def lose_disk(c, i):
    """In an orderly stop. A shard that stood on two replicas, one of them here, would be left with one disk: an operator's to decide about."""
    wait_until(lambda: whole(c), 90 * SLOW, f"every shard is on three replicas before the disk of node {i + 1} is lost")
    c.checks.equal(f"node {i + 1} stops", c.nodes[i].stop(), 0)
    shutil.rmtree(c.nodes[i].data)


def etcd_of_before(c):
    checks = c.checks
    before = checks.path("keys-etcd-before")
    copy_of_etcd(c, before)
    open_demo_round(c.nodes, [lambda path, n=n: request(n.port, "GET", path) for n in c.nodes], c.all_ready)
    person = People(checks.random).one()
    confirmed(c.nodes[0], booking(PLACE, person))
    for i, n in enumerate(c.nodes):
        checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)
    exchange_etcd(c, before)
    shutil.rmtree(c.nodes[2].data)
    for i in range(3):
        c.start(i)
    c.all_ready()
    wait_until(lambda: whole(c), 90 * SLOW, "every shard is on three replicas again, one of them on a new disk")
    told = [answer_of(n, person) for n in (c.nodes[2], c.nodes[0])]
    checks.check("after etcd was put back to before the round, a person who has a booking is told so at every node, one with a new disk too",
                 all(a.status == 409 and a.json().get("code") == "already_booked" for a in told), told)
    other = People(checks.random).one()
    checks.equal("and others book there", answer_of(c.nodes[2], other).status, 201)


def remove_copies(c, number):
    for kind in ("citizen", "data"):
        c.etcd.ask("/v3/kv/deleterange", {"key": base64.b64encode(f"/janji/test/value/key/{kind}/{number}".encode()).decode()})


def probe(node):
    try:
        return request(node.admin_port, "GET", "/readyz?verbose").body.decode()
    except OSError:
        return ""


def waits_for_keys(c, number):
    """Whether node 3, with a new disk, says that it waits for the round's keys, which somebody removes again and again."""
    lose_disk(c, 2)
    gone = threading.Event()
    remover = threading.Thread(target=lambda: [remove_copies(c, number) for _ in iter(lambda: gone.wait(0.01), True)])
    remover.start()
    try:
        c.start(2)
        named = f"etcd has lost the key citizen/{number}"
        wait_until(lambda: named in probe(c.nodes[2]) or c.ready(2), 60 * SLOW, "it waits for the round's keys, or has them")
        wait_until(lambda: is_named_elsewhere(c, named) or c.ready(2), 60 * SLOW, "another node says so too, or it has them")
        return is_named_elsewhere(c, named) and named in probe(c.nodes[2])
    finally:
        gone.set()
        remover.join()


def is_named_elsewhere(c, why):
    done = c.nodes[0].ctl("check")
    return done.code == 1 and any(line.startswith("WRONG   nodes take bookings") and "node 3: " in line and why in line for line in done.out.splitlines())


def lost_copies(c):
    """Of a round that is not open yet, while the nodes that hold its keys run, and one with a new disk joins."""
    checks, one, three = c.checks, c.nodes[0], c.nodes[2]
    import_round(c, "lost", one)
    wait_until(lambda: all(b'"lost"' in request(n.port, "GET", "/api/v1/rounds").body for n in c.nodes), 30 * SLOW, "every node knows the round")
    number = len(request(one.port, "GET", "/api/v1/rounds").json()["rounds"])
    remove_copies(c, number)
    wait_until(lambda: sum(name.endswith(f"/{number}") for name in copies(c)) == 2, 30 * SLOW, "they are in etcd again")
    checks.check("keys that etcd has lost are put back by nodes that run", True)
    # The others put the key back, and it may be there for a moment: until the new disk has been seen to wait.
    checks.check("a node with a new disk makes no key for a round that is there: it waits, and says for which, at another node too",
                 any(waits_for_keys(c, number) for _ in range(5)), probe(three))
    wait_until(lambda: c.ready(2), 60 * SLOW, "it is ready")
    checks.check("it is ready when a node that holds the key has put it back", True)
    until_it_says("  open", lambda: one.ctl("round", "open", "lost"))
    person = People(checks.random).one()
    checks.equal("then the round is booked", books_in(one, person, "lost").status, 201)
    checks.equal("and nobody books twice", [books_in(n, person, "lost").code for n in c.nodes], ["already_booked"] * 3)


def keys_of_others(c):
    checks, three = c.checks, c.nodes[2]
    stranger = Node(checks, "keys-stranger").start(environment={"JANJI_MASTER_KEY": MASTER}).ready()
    checks.equal("a stranger stops", stranger.stop(), 0)
    checks.equal("node 3 stops", three.stop(), 0)
    own = f"{three.data}/keys"
    shutil.copy(own, f"{own}.kept")
    shutil.copy(f"{stranger.data}/keys", own)
    c.start(2, listens=False)
    ended = three.wait(60)
    checks.check("a key file that is not the store's is refused", ended == 2 and "is not the key file that the store" in three.stderr(),
                 (ended, three.stderr()[-400:]))
    shutil.copy(f"{own}.kept", own)
    c.start(2)
    wait_until(lambda: c.ready(2) and whole(c), 90 * SLOW, "with its own it comes back")
    checks.check("with its own key file it comes back", True)


class Masters:
    """The masters of every node, as an operator puts them there: files in its data directory."""

    def __init__(self, c):
        self.c, self.keys = c, {}

    def text(self, name):
        return self.keys.setdefault(name, "%064x" % self.c.checks.random.getrandbits(256))

    def put(self, i, file, name):
        path = f"{self.c.nodes[i].data}/{file}"
        if name is None:
            return os.path.exists(path) and os.remove(path)
        with open(f"{path}.part", "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as out:
            out.write(self.text(name) + "\n")
        return os.replace(f"{path}.part", path)

    def start(self, i, now, following, listens=True):
        os.makedirs(self.c.nodes[i].data, exist_ok=True)
        self.put(i, "master.key", now)
        self.put(i, "master.key.next", following)
        self.c.start(i, listens=listens, environment={})


def shown(node):
    return node.ctl("--output", "json", "keys", "show").json()


def copies(c):
    """The cluster's wrapped keys, from etcd itself."""
    key, end = (base64.b64encode(f"/janji/test/value/key{x}".encode()).decode() for x in "/0")
    kvs = c.etcd.ask("/v3/kv/range", {"key": key, "range_end": end}).get("kvs", [])
    return {base64.b64decode(kv["key"]).decode(): base64.b64decode(kv["value"]).decode() for kv in kvs}


def of_round(name):
    return "/citizen/" in name or "/data/" in name


def until_it_says(needle, ask, seconds=60):
    """Asks again and again; what was said last stands in the failure."""
    last = []

    def said():
        last[:] = [ask()]
        return last[0] if needle in last[0].out + last[0].err else None
    try:
        return wait_until(said, seconds * SLOW, f"it says {needle}")
    except Stop as late:
        raise Stop(f"{late}; it says {last[0]}") from late


def rotate(c, i, *more):
    return c.nodes[i].ctl("keys", "rotate", *more)


def refused_start(c, m, words, i, now, following, why):
    m.start(i, now, following, listens=False)
    ended = c.nodes[i].wait(60)
    said = c.nodes[i].stderr().strip().splitlines()
    c.checks.check(words, ended == 2 and said and why in said[-1], (ended, said[-2:]))


def import_round(c, code, at):
    """A further round, from the demo's files."""
    path = c.checks.path(f"{code}.toml")
    with open(DEMO[0]) as file, open(path, "w") as out:
        out.write(file.read().replace('"2021-3"', f'"{code}"'))
    words = ("round", "import", "--round", path, "--centres", DEMO[1], "--slots", DEMO[2])
    until_it_says("is there already", lambda: at.ctl(*words))


def import_and_open(c, code, at):
    import_round(c, code, at)
    until_it_says("  open", lambda: at.ctl("round", "open", code))


def books_in(node, person, code):
    """What a person who asks to book in that round is told, once anything is known."""
    def known():
        said = book(node, booking(PLACE, person, round_code=code))
        return said if said.status not in (409, 429, 503, 504) or said.code == "already_booked" else None
    return wait_until(known, 60 * SLOW, f"a booking in {code} is answered")


def orders_refused(c, m):
    checks, one = c.checks, c.nodes[0]
    alone = rotate(c, 0)
    checks.check("keys rotate without a new master key is refused", alone.code == 1 and "holds one master key only" in alone.err, alone)
    m.put(0, "master.key.next", "B")
    lacking = until_it_says("nodes 2, 3 lack", lambda: rotate(c, 0))
    checks.equal("keys rotate is refused while nodes lack the new master key", lacking.code, 1)
    with open(f"{c.nodes[1].data}/master.key.next", "w") as out:
        out.write("hello")
    os.chmod(f"{c.nodes[1].data}/master.key.next", 0o600)
    until_it_says("node 2: the master key in ", lambda: one.ctl("check"))
    checks.check("a new master key that is none is named by check, and its node runs on", c.ready(1))
    m.put(1, "master.key.next", "B")
    checks.equal("node 3 stops", c.nodes[2].stop(), 0)
    away = until_it_says("nodes 3 are not there", lambda: rotate(c, 0))
    checks.equal("keys rotate is refused while a node is away", away.code, 1)
    m.start(2, "A", "B")
    wait_until(lambda: c.ready(2), 60 * SLOW, "node 3 is back")
    wait_until(lambda: all(n.get("holds_it") is not None and len(n["held"]) == 2 for n in shown(one)["nodes"]), 30 * SLOW, "all hold both")
    dry = one.ctl("--dry-run", "keys", "rotate")
    checks.check("--dry-run says what would be wrapped, and wraps nothing", dry.code == 0 and "would wrap" in dry.out
                 and shown(one)["rotation"] == "none", dry)
    held = {n: v for n, v in copies(c).items() if not of_round(n)}
    checks.check("until then the copies in etcd name no master, but for those of rounds", held and not any(":" in v for v in held.values()), held)


def whole_rotation(c, m):
    """Ordered at a node that is killed at once; another is killed and started in the midst; a round is made meanwhile."""
    checks, two = c.checks, c.nodes[1]
    wait_until(lambda: whole(c), 90 * SLOW, "every shard is on three replicas, so that one may go")
    began = rotate(c, 0)
    c.kill(0)
    checks.equal("keys rotate is begun by one order", began.code, 0)
    import_and_open(c, "meanwhile", two)
    wait_until(lambda: shown(two)["copies_left"] == 0, 60 * SLOW, "the others go on with what the node that was ordered left")
    name = shown(two)["master"]
    held = copies(c)
    checks.check("every copy in etcd says that it is wrapped under the new one", len(held) > 4 and all(v.startswith(name + ":") for v in held.values()), held)
    again = rotate(c, 1)
    checks.check("said again at another node it says what is left", again.code == 0 and "are left" in again.out, again)
    m.put(1, "other.key", "C")
    other = rotate(c, 1, "--new-master-key-file", f"{two.data}/other.key")
    checks.check("a rotation to another one is refused", other.code == 1 and "does not hold" in other.err, other)
    refused_start(c, m, "a node that comes back with the old one only is refused, with the fingerprint that it needs", 0, "A", None,
                  f"fingerprint {name}")
    m.start(0, "A", "B")
    wait_until(lambda: c.ready(0), 60 * SLOW, "with both it comes back")
    done = rotate(c, 1, "--wait", "--wait-seconds", "60")
    checks.check("keys rotate --wait ends when nothing is left", done.code == 0 and "done after" in done.err, done)
    lose_disk(c, 2)
    m.start(2, "B", None)
    wait_until(lambda: c.ready(2) and whole(c), 120 * SLOW, "a wiped disk joins with the new one alone")
    person = People(checks.random).one()
    checks.equal("a round that was made meanwhile is booked where its key was made", books_in(two, person, "meanwhile").status, 201)
    checks.equal("and every node knows the citizen there", [books_in(n, person, "meanwhile").code for n in c.nodes], ["already_booked"] * 3)


def finished_rotation(c, m):
    checks, one = c.checks, c.nodes[0]
    name = shown(one)["master"]
    m.put(1, "master.key.next", None)
    wait_until(lambda: [n["holds_it"] for n in shown(one)["nodes"]] == [True, False, True], 30 * SLOW, "it is seen that node 2 does not hold it any more")
    lacks = until_it_says("next start of nodes 2 would lack", lambda: rotate(c, 0, "--finish"))
    checks.equal("keys rotate --finish is refused while a node's next start would lack the new one", lacks.code, 1)
    m.put(1, "master.key", "B")
    wait_until(lambda: rotate(c, 0, "--finish").code == 0, 30 * SLOW, "it is finished")
    checks.equal("keys rotate --finish", shown(c.nodes[2])["rotation"], "finished")
    checks.equal("and again", rotate(c, 2, "--finish").code, 0)
    for i in range(3):
        m.put(i, "master.key", "B")
        m.put(i, "master.key.next", None)
    line = until_it_says(f"wrapped under {name}; {name} held by 1, 2, 3", lambda: one.ctl("check"))
    checks.check("check says which nodes hold which master, and that all is well", "ok      master keys" in line.out, line)
    until_it_says("keys rotate --finish", lambda: one.ctl("trail"))
    checks.equal("node 1 stops", one.stop(), 0)
    refused_start(c, m, "after the end the old one is refused, with the fingerprint that is needed", 0, "A", None, f"fingerprint {name}")
    m.start(0, "B", None)
    wait_until(lambda: c.ready(0) and whole(c), 120 * SLOW, "with the new one it comes back")
    lose_disk(c, 2)  # the only disk that is ever wiped here: an etcd of before knows the others
    refused_start(c, m, "also of a node whose disk was wiped", 2, "A", None, f"fingerprint {name}")
    m.start(2, "B", None)
    wait_until(lambda: c.ready(2) and whole(c), 120 * SLOW, "with the new one it joins, though the first try has left a key file")
    checks.check("with the new one it joins, though the first try has left a key file", True)
    same = rotate(c, 0, "--new-master-key-file", f"{one.data}/master.key")
    checks.check("the master key in use, given as the new one, is refused", same.code == 1 and "already" in same.err, same)


def frozen_node(c, m):
    """A second rotation, while a node is frozen: it has not wrapped its file when it is killed."""
    checks, one, three = c.checks, c.nodes[0], c.nodes[2]
    old = shown(one)["master"]
    for i in range(3):
        m.put(i, "master.key.next", "C")
    wait_until(lambda: all(len(n["held"]) == 2 for n in shown(one)["nodes"]), 30 * SLOW, "all hold both")
    three.process.send_signal(signal.SIGSTOP)
    began = rotate(c, 0)
    checks.equal("keys rotate while a node is frozen that has said that it holds the new one", began.code, 0)
    wait_until(lambda: (lambda k: k["files_left"] == 1 and k["copies_left"] == 0)(shown(one)), 60 * SLOW, "all but the frozen node have wrapped")
    early = rotate(c, 1, "--finish")
    checks.check("keys rotate --finish is refused while a node's file is wrapped under the old one", early.code == 1 and "files of nodes 3" in early.err, early)
    c.kill(2)
    refused_start(c, m, "started with the new one only, it says which it needs too", 2, "C", None, f"needs the one with fingerprint {old}")
    m.start(2, "B", "C")
    wait_until(lambda: c.ready(2) and whole(c), 120 * SLOW, "with both it comes back")
    wait_until(lambda: rotate(c, 1, "--finish").code == 0, 60 * SLOW, "and then it is finished")
    for i in range(3):
        m.put(i, "master.key", "C")
        m.put(i, "master.key.next", None)
    checks.check("with both it comes back, and the rotation can be finished", shown(c.nodes[1])["rotation"] == "finished")


def etcd_of_before_the_rotation(c, m, before):
    """Nobody has the old master any more; a round was erased since."""
    checks = c.checks
    for verb in ("close", "erase"):
        wait_until(lambda verb=verb: c.nodes[1].ctl("round", verb, "2021-3", "--reason", "2021-3").code == 0, 60 * SLOW, f"the round is to {verb}")
    wait_until(lambda: not any(name.endswith(("citizen/1", "data/1")) for name in copies(c)), 60 * SLOW, "its keys are gone from etcd")
    for i, n in enumerate(c.nodes):
        checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)
    exchange_etcd(c, before)
    checks.check("etcd is as it was", any(name.endswith("citizen/1") for name in copies(c)) and not any(":" in v for n, v in copies(c).items() if not of_round(n)))
    for i in range(2):
        m.start(i, "C", None)
    # Its sets name a disk of node 3 that was lost since: whoever is first leads, and must not drop the other for it.
    wait_until(lambda: c.ready(0) and c.ready(1), 120 * SLOW, "two nodes serve without the third, of which etcd names a disk that is lost")
    checks.check("two nodes serve without the third, of which etcd names a disk that is lost", True)
    m.start(2, "C", None)
    c.all_ready(120)
    name = shown(c.nodes[1])["master"]
    wait_until(lambda: all(v.startswith(name + ":") for v in copies(c).values()), 60 * SLOW, "no copy is left that nobody opens")
    checks.equal("after etcd was put back to before a rotation it knows of it again", shown(c.nodes[1])["rotation"], "finished")
    wait_until(lambda: not any(n.endswith(("citizen/1", "data/1")) for n in copies(c)), 60 * SLOW, "the erased round's keys do not stay in it")
    checks.check("and the erased round's keys are gone from it again", True)
    lose_disk(c, 2)
    m.start(2, "C", None)
    wait_until(lambda: c.ready(2) and whole(c), 120 * SLOW, "a wiped disk joins")
    person = People(checks.random).one()
    told = [books_in(n, person, "meanwhile").status for n in (c.nodes[2], c.nodes[0])]
    checks.equal("and a person who booked there is known at the others", told, [201, 409])


def rotation(c):
    m = Masters(c)
    m.keys["A"] = MASTER
    for i, n in enumerate(c.nodes):
        checks = c.checks
        checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)
        m.start(i, "A", None)
        wait_until(lambda i=i: c.ready(i), 60 * SLOW, f"node {i + 1} has its master key in a file")
    before = c.checks.path("keys-etcd-before-rotation")
    copy_of_etcd(c, before)
    orders_refused(c, m)
    whole_rotation(c, m)
    finished_rotation(c, m)
    frozen_node(c, m)
    etcd_of_before_the_rotation(c, m, before)


def keys(checks):
    c = Cluster(checks, "keys")
    etcd_of_before(c)
    lost_copies(c)
    keys_of_others(c)
    rotation(c)
    for n in c.nodes:
        n.kill()
    c.etcd.kill()
