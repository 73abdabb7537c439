"""The largest round that is permitted, 200,000 slot groups, on three nodes: imported, opened, one node killed, each restarted in order, a
fourth added, one drained; every front shows all of it, and one place is booked wherever it lies. Says how long each took, and what it cost in
memory, on disk, and in bytes sent over links that are up (those of a connection that has ended are not counted).
JANJI_GROUPS in the environment: fewer, to try it."""
import datetime
import os
import re
import subprocess
import time

from checks import Stop, run, wait_until
from cluster import Cluster, whole
from http_client import request
from node import SLOW

GROUPS = int(os.environ.get("JANJI_GROUPS") or 200_000)
DAYS = 100
PATIENCE = 600


def tables(checks):
    paths = [checks.path(name) for name in ("round.toml", "centres.csv", "slots.csv")]
    with open(paths[0], "w") as out:
        out.write('code = "large"\nname = "The largest"\ntime_zone = "Asia/Kuala_Lumpur"\nopens_at = "2021-05-26T12:00:00+08:00"\n'
                  'closes_at = "2099-12-31T23:59:59+08:00"\nage_min = 18\nage_max = 120\nparty_max = 4\nbook_until = "none"\n')
    centres = [f"C{i}" for i in range(GROUPS // DAYS)]
    first = datetime.date(2027, 1, 1)
    with open(paths[1], "w") as out:
        out.write("code,name,state,district,latitude,longitude\n")
        out.writelines(f"{c},Hall {c},{'Johor' if i % 2 else 'Selangor'},Somewhere,1.5,103.7\n" for i, c in enumerate(centres))
    with open(paths[2], "w") as out:
        out.write("centre,date,opens,closes,capacity\n")
        out.writelines(f"{c},{first + datetime.timedelta(day)},09:00,17:00,5\n" for c in centres for day in range(DAYS))
    return paths


def bytes_mb(node):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(node.data) for f in files) >> 20


def sent_mb(node):
    shown = subprocess.run(["ss", "-tniOHp", "state", "established"], capture_output=True, text=True, check=True).stdout.splitlines()
    own = [line for line in shown if f"pid={node.process.pid}," in line]
    return sum(int(n) for line in own for n in re.findall(r"bytes_sent:(\d+)", line)) / 1e6


class Took:
    def __init__(self, c):
        self.c, self.begun = c, time.monotonic()

    def say(self, words):
        now = time.monotonic()
        costs = [f"{n.memory_mb()} MB in memory, {bytes_mb(n)} MB on disk, {sent_mb(n):.1f} MB sent" for n in self.c.nodes if n.alive()]
        self.c.checks.say(f"{words}: {now - self.begun:.1f} s; {'; '.join(costs)}")
        self.begun = time.monotonic()


def shown(port):
    """Slot groups that a front shows with numbers, and when it heard of them."""
    pages = [request(port, "GET", f"/api/v1/availability?round=large&state={s}", seconds=120).json() for s in ("Johor", "Selangor")]
    days = [d for p in pages for centre in p["centres"] for d in centre["days"]]
    return sum(w["free"] is not None for d in days for w in d["windows"]), all(p["as_of"] for p in pages)


def book(c, i, n):
    number = f"900101-14-{n + 1:04}"
    body = {"round": "large", "centre": f"C{n % (GROUPS // DAYS)}", "date": str(datetime.date(2027, 1, 1) + datetime.timedelta(n % DAYS)),
            "people": [{"identity": {"type": "mykad", "number": number}, "name": "N"}]}
    said = []

    def booked():
        said.append(request(c.nodes[i].port, "POST", "/api/v1/bookings", body,
                            {"Idempotency-Key": f"key-of-the-person-{n:08}", "Content-Type": "application/json"}))
        return said[-1].status in (200, 201)

    try:
        wait_until(booked, 60 * SLOW, "")
    except Stop:
        raise Stop(f"citizen {n} is not booked at node {i + 1}: {said[-1]}") from None


def all_show_all(c, words):
    wait_until(lambda: all(c.ready(i) for i in range(len(c.nodes))), PATIENCE * SLOW, f"{words}: every node is ready")
    wait_until(lambda: all(shown(n.port) == (GROUPS, True) for n in c.nodes), PATIENCE * SLOW, f"{words}: every front shows everything")


def large(checks):
    round_, centres, slots = tables(checks)
    c = Cluster(checks, "large")
    wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas")
    took = Took(c)
    done = c.nodes[0].ctl("round", "import", "--round", round_, "--centres", centres, "--slots", slots, seconds=PATIENCE)
    checks.check(f"a round of {GROUPS} slot groups is imported in a cluster", done.code == 0, done)
    took.say("import")
    all_show_all(c, "after the import")
    took.say("until every front shows it")
    wait_until(lambda: c.nodes[1].ctl("round", "open", "large", seconds=PATIENCE).code == 0, 60 * SLOW, "it is opened at another node")
    took.say("open")
    for n in range(30):
        book(c, n % 3, n)
    took.say("thirty bookings")
    c.kill(2)
    for n in range(30, 60):
        book(c, n % 2, n)
    took.say("thirty bookings after a death")
    c.start(2)
    all_show_all(c, "after a death")
    took.say("the dead node is back, and shows everything")
    for i in range(3):
        checks.equal(f"node {i + 1} is stopped in order", c.nodes[i].stop(), 0)
        c.start(i)
        all_show_all(c, "after a restart")
        took.say(f"node {i + 1} is back, and shows everything")
    wait_until(lambda: whole(c), PATIENCE * SLOW, "every shard is on three replicas again")
    c.add()
    all_show_all(c, "with a fourth node")
    took.say("a fourth node is there, and shows everything")
    by = c.nodes[1]
    settled = by.ctl("rebalance", "status", "--wait", "--wait-seconds", str(PATIENCE), seconds=PATIENCE + 10)
    checks.check("a fourth node takes its share", settled.code == 0, settled)
    took.say("it has its share")
    drained = by.ctl("node", "drain", "1", "--wait", "--wait-seconds", str(PATIENCE), seconds=PATIENCE + 10)
    checks.check("a node is drained", drained.code == 0, drained)
    took.say("drain")
    for n in range(60):
        book(c, n % 4, n)
    checks.check("every booking is told again under its key at another front", True)


if __name__ == "__main__":
    run("cluster-large", large)
