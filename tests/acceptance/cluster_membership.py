"""What a member's data was written as stands with it: started alone, elsewhere or as another it is refused, with nothing left behind; it
can be read without its cluster; data of an earlier version is taken for what it shows."""
import json
import os
import shutil

from checks import wait_until
from citizens import People, Round, booking, confirmed, day
from cluster import Etcd, begin, whole
from cluster_parts import MASTER, shard_records
from membership import checked, held_in, put_in, refused, take_from, words
from node import SLOW, Node

IDENTITY = "/janji/test/value/cluster"


def identity(etcd):
    return json.loads(held_in(etcd, IDENTITY)[IDENTITY])


def settings_of(c, node, **more):
    return {"cluster.name": "test", "cluster.node": node, "cluster.etcd": f"http://127.0.0.1:{c.etcd.port}", **{f"cluster.{k}": v for k, v in more.items()}}


def contradictions(c):
    checks, data = c.checks, c.nodes[2].data
    checks.equal("node 3 stops in an orderly way", c.nodes[2].stop(), 0)
    own = "node 3 of the cluster test"
    rows = (("a member's data started alone", {}, [own, "cluster.name is empty", "janjictl audit"]),
            ("a member's data started in another cluster", settings_of(c, 3, name="other"), [own, "cluster.name says other"]),
            ("a member's data started under another number", settings_of(c, 4), [own, "cluster.node says 4"]),
            ("the data of a node that ran here, under the number of one that runs", settings_of(c, 2), [own, "cluster.node says 2"]),
            ("another number of replicas", settings_of(c, 3, replicas=5), [own, "3 replicas", "cluster.replicas says 5"]),
            ("fewer disks that must hold a booking", settings_of(c, 3, min_in_sync=1), [own, "2 disks", "cluster.min_in_sync says 1"]),
            ("another number of shards", {**settings_of(c, 3), "node.shards": 32}, [own, "64 shards", "node.shards says 32"]))
    for what, settings, needles in rows:
        refused(checks, what, data, settings, needles, MASTER)
        checked(checks, what, data, settings, needles[-1])
    checked(checks, "a member's own settings", data, settings_of(c, 3), None)
    names = held_in(c.etcd)
    checks.check("nothing of them is in etcd", not any("/other/" in n or n.endswith("node/4") for n in names), sorted(names))
    empty = checks.path("empty")
    os.makedirs(empty)
    for what, settings, needles in (("a new node with another number of replicas", settings_of(c, 5, replicas=2), ["cluster test in etcd", "cluster.replicas says 2"]),
                                    ("a new node with another number of shards", {**settings_of(c, 5), "node.shards": 32}, ["64 shards", "node.shards says 32"]),
                                    ("a role without a cluster", {"cluster.role": "front"}, ["cluster.role", "cluster.name is empty"])):
        refused(checks, what, empty, settings, needles, MASTER)


def number_taken(c):
    """A new node under a number that is taken; its directory takes another number afterwards, since nothing ran there."""
    checks = c.checks
    new = Node(checks, "membership-slip")
    new.start(*words(settings_of(c, 2)), environment={"JANJI_MASTER_KEY": MASTER})
    ended = new.wait(60)
    checks.check("a new node under the number of one that runs is refused", ended == 2 and "node 2 runs already" in new.stderr(), (ended, new.stderr()[-300:]))
    new.start(*words(settings_of(c, 6, role="front")), environment={"JANJI_MASTER_KEY": MASTER}).ready()
    checks.equal("and starts under one of its own", json.load(open(f"{new.data}/store/membership"))["node"], 6)
    checks.equal("and stops", new.stop(), 0)


def alone_first(c):
    """Data of a node that is alone never becomes a member's by a slip of the settings."""
    checks = c.checks
    alone = Node(checks, "membership-alone").start(environment={"JANJI_MASTER_KEY": MASTER}).ready()
    Round(checks.directory, "alone", [("PUSAT", day(0), "09:00", "17:00", 5)]).open_on(alone)
    confirmed(alone, booking(("PUSAT", day(0)), People(checks.random).one(), round_code="alone"))
    alone.kill()
    needles = ["a node that is alone", "cluster.name says test", "janjictl membership found"]
    refused(checks, "the data of a node that is alone, started with a cluster's name", alone.data, settings_of(c, 5), needles, MASTER)
    os.remove(f"{alone.data}/store/membership")
    refused(checks, "the same, written by an earlier version", alone.data, settings_of(c, 5), needles, MASTER)
    found = alone.ctl("membership", "found", "test", "--node", "5")
    checks.check("it can be told to become a cluster", found.code == 0, found)
    refused(checks, "but not one that has begun without it", alone.data, settings_of(c, 5), ["is to become the cluster test", identity(c.etcd)["id"]], MASTER)
    refused(checks, "nor does it serve alone with that order", alone.data, {}, ["is to become node 5 of the cluster test", "membership alone"], MASTER)
    back = alone.ctl("membership", "alone")
    checks.check("the order is taken back", back.code == 0, back)
    alone.start(environment={"JANJI_MASTER_KEY": MASTER}).ready()
    running = alone.ctl("membership", "found", "fresh", "--node", "1")
    checks.check("nothing is changed while a node runs", running.code == 1 and "stop it first" in running.err, running)
    checks.equal("it serves alone again, and stops", alone.stop(), 0)
    done = alone.ctl("--output", "json", "audit")
    checks.check("its booking is there, and its audit is clean", done.code == 0 and done.json()["live"] == 1, done)


def other_etcds(c):
    """The same name elsewhere: an etcd with another cluster, then one that has forgotten everything."""
    checks, three, own = c.checks, c.nodes[2], identity(c.etcd)
    other = Etcd(checks, "membership-other").start()
    put_in(other, IDENTITY, json.dumps({**own, "id": "ab" * 16}))
    settings = {**settings_of(c, 3), "cluster.etcd": f"http://127.0.0.1:{other.port}"}
    refused(checks, "a cluster of the same name in another etcd", three.data, settings, [own["id"], "ab" * 16, "cluster.etcd"], MASTER, other)
    take_from(other, IDENTITY)
    c.start(2, settings=(("cluster.etcd", settings["cluster.etcd"]),))
    checks.equal("an etcd that has forgotten is given the cluster's id back", identity(other), own)
    checks.equal("and stops", three.stop(), 0)
    left = held_in(other)
    checks.check("and no shard's record", not any(n.startswith("/janji/test/shard/") for n in left), sorted(left))
    other.kill()
    c.start(2)
    wait_until(lambda: c.ready(2) and whole(c), 90 * SLOW, "in its own cluster it goes on")
    checks.check("in its own cluster it goes on as the disk that it was", "taken for a new one" not in three.stderr(), three.stderr()[-400:])


def read_alone(c):
    """Without etcd, without the others."""
    checks, three = c.checks, c.nodes[2]
    confirmed(c.nodes[0], booking(("WTCKL", "2021-06-08"), People(checks.random).one()))
    checks.equal("node 3 stops", three.stop(), 0)
    audit, export, shown = three.ctl("--output", "json", "audit"), three.ctl("export"), three.ctl("--output", "json", "membership", "show")
    checks.check("a member's data is audited without its cluster, which says whose part it is", audit.code == 0 and audit.json()["live"] == 1
                 and "node 3 of the cluster test" in audit.err, audit)
    checks.check("and exported", export.code == 0 and len(export.out.splitlines()) == 1, export)
    told = shown.json()
    checks.check("and says who wrote it", (told.get("cluster"), told.get("node"), told.get("id")) == ("test", 3, identity(c.etcd)["id"]), shown)
    for order in (("found", "new", "--node", "3"), ("alone",), ("settle", "--alone")):
        done = three.ctl("membership", *order)
        checks.check(f"membership {order[0]} does not change a member's data", done.code == 1 and "node 3 of the cluster test" in done.err, done)
    refused(checks, "and still does not serve alone", three.data, {}, ["node 3 of the cluster test", "cluster.name is empty"], MASTER)


def roles_change(c):
    """A front holds nothing, so it may become a store, and a store a front when the others hold all of it."""
    checks = c.checks
    c.add(settings=(("cluster.role", "front"),))
    wait_until(lambda: c.ready(3), 60 * SLOW, "a front is ready")
    four = c.nodes[3]
    checks.equal("it stops", four.stop(), 0)
    refused(checks, "a front's data started alone", four.data, {}, ["node 4 of the cluster test", "cluster.name is empty"], MASTER)

    def holds():
        told = c.nodes[0].admin("GET", "/admin/v1/cluster").json()["nodes"]
        return next(n for n in told if n["node"] == 4)["holds"]
    c.start(3)
    wait_until(lambda: holds() > 0, 60 * SLOW, "a front that becomes a store is given shards")
    checks.equal("the shards settle", c.nodes[0].ctl("rebalance", "status", "--wait", "--wait-seconds", "60").code, 0)
    checks.equal("it stops again", four.stop(), 0)
    c.start(3, settings=(("cluster.role", "front"),))
    wait_until(lambda: holds() == 0 and whole(c), 90 * SLOW, "a store that becomes a front gives its shards away")
    checks.check("a front becomes a store and a front again", True)
    checks.equal("it stops for good", four.stop(), 0)


def of_an_earlier_version(c):
    """Neither disks nor etcd say anything: what they show is enough, and is written down."""
    checks, own = c.checks, identity(c.etcd)
    files = [f"{n.data}/store/membership" for n in c.nodes[:3]]
    os.remove(files[2])
    refused(checks, "a member's data of an earlier version, started alone", c.nodes[2].data, {}, ["a member of a cluster", "cluster.name is empty"], MASTER)
    refused(checks, "the same in a cluster that does not know it", c.nodes[2].data, settings_of(c, 3, name="other"), ["cluster.name says other", "knows neither"], MASTER)
    refused(checks, "the same under another number", c.nodes[2].data, settings_of(c, 2), ["node 3 of the cluster test", "cluster.node says 2"], MASTER)
    take_from(c.etcd, "/janji/test/value/boot/3")
    wait_until(lambda: not any(m["node"] == 3 for r in shard_records(c.etcd.ask, "test") for m in r["in_sync"] + r["learners"]), 60 * SLOW, "etcd has no trace of its disk")
    refused(checks, "the same without a trace in etcd", c.nodes[2].data, settings_of(c, 2), ["cluster.node says 2", "that node has another disk"], MASTER)
    for n in c.nodes[:2]:
        checks.equal("a node stops", n.stop(), 0)
    for file in files[:2]:
        os.remove(file)
    take_from(c.etcd, IDENTITY)
    for i in range(3):
        c.start(i)
    c.all_ready()
    wait_until(lambda: whole(c), 90 * SLOW, "a cluster of an earlier version goes on")
    checks.check("and a disk without a trace is taken for that of the node which has none, as the log says", "etcd does not know this disk" in
                 c.nodes[2].stderr() and "etcd does not know this disk" not in c.nodes[0].stderr(), c.nodes[2].stderr()[-600:])
    now = identity(c.etcd)
    with_it = [json.load(open(file)) for file in files]
    checks.check("a cluster of an earlier version is given an id, which every disk has from then on", now["id"] != own["id"] and
                 all(w["id"] == now["id"] and w["node"] == i + 1 for i, w in enumerate(with_it)), (now, with_it))
    checks.equal("node 3 stops", c.nodes[2].stop(), 0)
    shutil.copy(files[2], f"{c.nodes[2].data}/kept")
    with open(files[2], "w") as file:
        file.write("{}")
    refused(checks, "what cannot be read of it", c.nodes[2].data, settings_of(c, 3), ["store/membership", "put the file back"], MASTER)


def membership(checks):
    c = begin(checks, "membership")
    contradictions(c)
    number_taken(c)
    alone_first(c)
    other_etcds(c)
    read_alone(c)
    c.start(2)
    wait_until(lambda: c.ready(2) and whole(c), 90 * SLOW, "node 3 is back")
    roles_change(c)
    checks.equal("node 3 stops", c.nodes[2].stop(), 0)
    of_an_earlier_version(c)
    for n in c.nodes:
        n.kill()
    c.etcd.kill()
