"""Orders about a round reach every shard: what an operator was told done holds at every front, however nodes are cut off from each other;
shards that cannot be reached are named. Opening follows the leaders' clocks, not a front's."""
import base64
import collections
import datetime
import glob
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import CITIZENS, LabCluster, cannot_enter, enter  # noqa: E402
from checks import Checks, Stop, run, wait_until  # noqa: E402
from citizens import BOOKINGS, People, booking, new_key  # noqa: E402
from cluster_parts import DEMO, large_slots, open_demo_round  # noqa: E402
from http_client import request  # noqa: E402
from node import SLOW  # noqa: E402

NODES = 4
FRONT = NODES  # one more, which holds no shards and whose clock is fast
FAST_S = 7200
PATIENCE_S = 5
ROUND = "2021-3"


class Citizens:
    """At every front some who book one after the other; what each was told, and when it was asked."""

    def __init__(self, cluster, places):
        self.cluster, self.places, self.ends, self.told = cluster, places, False, []
        self.people, self.lock = People(cluster.checks.random), threading.Lock()
        self.threads = [threading.Thread(target=self.book, args=(h,), daemon=True) for h in cluster.hosts for _ in range(3)]
        for t in self.threads:
            t.start()

    def book(self, host):
        while not self.ends:
            with self.lock:
                body = booking(self.cluster.checks.random.choice(self.places), self.people.one(), round_code=ROUND)
            asked = time.monotonic()
            try:
                said = request(CITIZENS, "POST", BOOKINGS, body, {"Idempotency-Key": new_key()}, seconds=8, host=host.ip)
                with self.lock:
                    self.told.append((asked, said.status, said.code or "", host.name))
            except OSError:
                pass

    def since(self, moment, status=None, code=None):
        with self.lock:
            return [t for t in self.told if t[0] > moment and status in (None, t[1]) and code in (None, t[2])]

    def end(self):
        self.ends = True
        for t in self.threads:
            t.join(20)


def places():
    with open(DEMO[2]) as file:
        return [tuple(line.split(",")[:2]) for line in file.read().split("\n")[1:] if line]


def records(cluster):
    """By number of the shard, from etcd."""
    key, end = (base64.b64encode(f"/janji/test/shard{c}".encode()).decode() for c in "/0")
    kvs = cluster.etcd.ask("/v3/kv/range", {"key": key, "range_end": end}).get("kvs", [])
    return {int(base64.b64decode(kv["key"]).decode().rsplit("/", 1)[1]): json.loads(base64.b64decode(kv["value"])) for kv in kvs}


def node_of(member):
    return member["node"] if isinstance(member, dict) else int(str(member).split(":")[0].split("/")[0])


def order(node, verb, *more):
    began = time.monotonic()
    done = node.ctl("--output", "json", "round", verb, ROUND, *more)
    return done, done.json(), time.monotonic() - began


def until_everywhere(node, verb, *more):
    """Said again until every shard has it; then nobody may be told otherwise who asks from now on."""
    def everywhere():
        done, said, _ = order(node, verb, *more)
        return done.code == 0 and "detail" not in said
    wait_until(everywhere, 90 * SLOW, f"every shard has the order {verb}")
    return time.monotonic()  # of all nodes: they are on one machine


def hold(cluster, citizens, moment, words, wrong, right, at=None):
    """`wrong` (status, code) is told to nobody who asked after `moment`; `right` to somebody, at that host if one is named."""
    def heard():
        return [t for t in citizens.since(moment, *right) if at is None or t[3] == at.name]
    try:
        wait_until(heard, 30 * SLOW, f"somebody hears {right[-1]}")
    except Stop as stop:
        raise Stop(f"{stop}: {collections.Counter(t[1:3] for t in citizens.since(moment))}") from stop
    until = time.monotonic() + 3
    wait_until(lambda: time.monotonic() > until, 5, "some time has passed")
    found = citizens.since(moment, *wrong)
    cluster.checks.say(dict(collections.Counter(f"{t[1]} {t[2]}".strip() for t in citizens.since(moment))))
    cluster.checks.equal(f"{words}: {len(heard())} hear {right[-1]}, and of {len(citizens.since(moment))} nobody {wrong[-1]}", found[:3], [])


def a_front_cut_off_from_shard_zero(cluster, citizens):
    """It hears nothing of the rounds any more, and everybody else hears of an order."""
    leader = node_of(records(cluster)[0]["leader"]) - 1
    heal = deaf_to_each_other(cluster, leader, FRONT)
    other = next(i for i in range(NODES) if i != leader)
    paused = until_everywhere(cluster.nodes[other], "pause", "--reason", "rain")
    at = cluster.hosts[FRONT]
    hold(cluster, citizens, paused, "after a pause was told done", (201,), (409, "paused"), at)
    opened = until_everywhere(cluster.nodes[other], "resume")
    hold(cluster, citizens, opened, "after the opening was told done", (409, "paused"), (201,), at)
    heal()
    cluster.all_ready(after="a front heard nothing of the leader of shard 0")


def leaders_cut_off_from_shard_zero(cluster, citizens):
    """The leader of shard 0 and another node hear nothing of each other: shards that the other leads may lack an order until they do."""
    leader = node_of(records(cluster)[0]["leader"]) - 1
    other = cluster.checks.random.choice([i for i in range(NODES) if i != leader])
    third = next(i for i in range(NODES) if i not in (leader, other))
    heal = deaf_to_each_other(cluster, leader, other)

    def ordered():
        done, said, took = order(cluster.nodes[third], "pause", "--reason", "rain")
        return (said, took) if done.code in (0, 4) else None  # 4: some shards lack it
    said, took = wait_until(ordered, 60 * SLOW, "the order is taken")
    cluster.checks.check(f"an operator is answered within seconds: {said}", took < (PATIENCE_S + 5) * SLOW, (said, took))
    heal()
    cluster.all_ready(after="two nodes heard nothing of each other")
    paused = until_everywhere(cluster.nodes[third], "pause", "--reason", "rain")
    hold(cluster, citizens, paused, "after both hear of it", (201,), (409, "paused"))
    opened = until_everywhere(cluster.nodes[third], "resume")
    hold(cluster, citizens, opened, "after it was told open again", (409, "paused"), (201,))
    cluster.wait_whole()


def deaf_to_each_other(cluster, a, b):
    undo = [cluster.hosts[a].deaf_to(cluster.hosts[b].ip), cluster.hosts[b].deaf_to(cluster.hosts[a].ip)]
    return lambda: [u() for u in undo]


def shards_that_cannot_be_reached(cluster, citizens):
    """Two nodes die at once, and shards that have both cannot commit: they are named, and take the order when they are back."""
    known = records(cluster)
    holders = {s: {node_of(m) for m in r["in_sync"]} for s, r in known.items()}

    def lacking_without(pair):
        return sorted(s for s, members in holders.items() if len(members - set(pair)) < 2)
    pairs = [(a, b) for a in range(1, NODES + 1) for b in range(a + 1, NODES + 1)]
    # Two nodes of one zone have no shard in common.
    dead = cluster.checks.random.choice([p for p in pairs if len(holders[0] & set(p)) < 2 and lacking_without(p)])
    lacking = lacking_without(dead)
    for n in dead:
        cluster.kill(n - 1)
    left = next(n for n in range(1, NODES + 1) if n not in dead)
    wait_until(lambda: order(cluster.nodes[left - 1], "pause", "--reason", "rain")[0].code in (0, 4), 60 * SLOW, "shard 0 is led again")
    done, said, took = order(cluster.nodes[left - 1], "pause", "--reason", "rain")
    named = [int(w) for w in said.get("detail", "").split(" do")[0].replace(",", "").split() if w.isdigit()]
    cluster.checks.equal("the shards that lack two members are named", named, lacking)
    cluster.checks.equal("with an exit code of its own, and as a list", (done.code, said.get("shards_lacking")), (4, lacking))
    cluster.checks.check("after five seconds", PATIENCE_S <= took < PATIENCE_S + 10 * SLOW, (took, said, done))
    for n in dead:
        cluster.start(n - 1)
    cluster.all_ready(after="two nodes died")
    paused = until_everywhere(cluster.nodes[left - 1], "pause", "--reason", "rain")
    hold(cluster, citizens, paused, "after they are back", (201,), (409, "paused"))
    until_everywhere(cluster.nodes[left - 1], "resume")
    cluster.wait_whole()


def a_fast_front(cluster):
    """A round that opens in an hour is not open at a front whose clock is two hours fast."""
    checks = cluster.checks
    path, opens = checks.path("later.toml"), datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    with open(DEMO[0]) as file, open(path, "w") as out:
        for line in file:
            out.write('code = "later"\n' if line.startswith("code") else f'opens_at = "{opens:%Y-%m-%dT%H:%M:%S}+00:00"\n' if line.startswith("opens_at") else line)
    for words in (("import", "--round", path, "--centres", DEMO[1], "--slots", DEMO[2]), ("open", "later")):
        done = cluster.nodes[0].ctl("round", *words)
        if done.code != 0:
            raise Stop(f"round {words[0]}: {done}")
    people = People(checks.random)
    for i in (0, FRONT):
        host = cluster.hosts[i]
        wait_until(lambda h=host: request(CITIZENS, "GET", "/api/v1/rounds", host=h.ip).body.count(b'"state":"open"') == 2, 60 * SLOW, "the front sees it")
        said = wait_until(lambda h=host: (lambda a: a if a.status == 409 or a.status == 201 else None)(
            request(CITIZENS, "POST", BOOKINGS, booking(places()[0], people.one(), round_code="later"), {"Idempotency-Key": new_key()}, host=h.ip)),
            60 * SLOW, "a booking is answered")
        checks.equal(f"nobody books an hour early at node {i + 1}", (said.status, said.code), (409, "not_open"))


def parts(checks):
    def told_and_done():
        library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        cluster = LabCluster(checks, NODES, settings=(("cluster.replace_after_s", 600),))
        cluster.add_front(("env", f"LD_PRELOAD={library[0]}", f"FAKETIME=+{FAST_S}s", "FAKETIME_DONT_FAKE_MONOTONIC=1") if library else ())
        open_demo_round(cluster.nodes[:NODES], [lambda path, h=h: request(CITIZENS, "GET", path, host=h.ip) for h in cluster.hosts],
                        cluster.all_ready, slots=large_slots(checks))
        cluster.wait_whole()
        a_fast_front(cluster) if library else checks.skip("a fast front", "faketime is not installed")
        citizens = Citizens(cluster, places())
        wait_until(lambda: citizens.since(0, 201), 60 * SLOW, "citizens book")
        a_front_cut_off_from_shard_zero(cluster, citizens)
        leaders_cut_off_from_shard_zero(cluster, citizens)
        shards_that_cannot_be_reached(cluster, citizens)
        closed = until_everywhere(cluster.nodes[0], "close")
        hold(cluster, citizens, closed, "after the end was told done", (201,), (409, "closed"))
        citizens.end()
    checks.part(told_and_done)


if __name__ == "__main__":
    why = cannot_enter() if os.environ.get("JANJI_LAB") != "1" else ""
    if why:
        c = Checks("cluster_admission")
        c.skip("orders on real processes", why)
        sys.exit(c.finish())
    enter()
    run("cluster_admission", parts)
