"""Around the moment at which a round opens: what one front has refused as too early no copy at another front books afterwards."""
import datetime
import os
import signal
import threading
import time

from checks import wait_until
from citizens import BOOKINGS, People, booking, new_key
from cluster import Cluster, whole
from cluster_parts import DEMO
from http_client import request
from node import SLOW

ROUND = "opening"


def opens_soon(c):
    """A round that is ordered open and opens some seconds from now; when that is."""
    at = int(time.time() + 15 * SLOW)
    with open(DEMO[0]) as file:
        text = file.read()
    opens_at = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).isoformat()
    path = c.checks.path("round.toml")
    with open(path, "w") as out:
        out.write(text.replace('"2021-05-26T12:00:00+08:00"', f'"{opens_at}"').replace('"2021-3"', f'"{ROUND}"'))
    c.checks.equal("imported", c.nodes[0].ctl("round", "import", "--round", path, "--centres", DEMO[1], "--slots", DEMO[2]).code, 0)
    c.checks.equal("ordered open", c.nodes[0].ctl("round", "open", ROUND).code, 0)
    for n in c.nodes:
        wait_until(lambda n=n: b'"state":"open"' in request(n.port, "GET", "/api/v1/rounds").body, 10 * SLOW, "every front knows of it")
    return at


def until(moment):
    wait_until(lambda: time.time() >= moment, max(1.0, moment - time.time() + 5), "the clock")


def opening(checks):
    c = Cluster(checks, "opening")
    c.add(settings=(("cluster.role", "front"),))
    c.all_ready()
    wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three disks")
    at = opens_soon(c)
    front = c.nodes[3]
    with open(DEMO[2]) as file:
        places = [tuple(line.split(",")[:2]) for line in file.read().splitlines()[1:] if line]
    people = People(checks.random)
    asked = [(booking(places[i * 37 % len(places)], people.one(), round_code=ROUND), new_key()) for i in range(12)]

    def ask(node, i):
        return request(node.port, "POST", BOOKINGS, asked[i][0], {"Idempotency-Key": asked[i][1]}, seconds=20)

    until(at - 4)
    os.kill(front.process.pid, signal.SIGSTOP)
    late = {}
    copies = [threading.Thread(target=lambda i=i: late.update({i: ask(front, i)})) for i in range(len(asked))]
    for t in copies:
        t.start()
    until(at - 3.5)
    told = [ask(c.nodes[0], i).code for i in range(len(asked))]
    until(at + 0.1)
    os.kill(front.process.pid, signal.SIGCONT)
    for t in copies:
        t.join()
    said = [(told[i], late[i].status, late[i].code) for i in range(len(asked))]
    checks.check("what was refused as too early is not booked by an older copy of it", set(said) == {("not_open", 503, "interrupted")}, said)
    again = [ask(front, i).status for i in range(len(asked))]
    checks.check("and is booked when it is asked again", set(again) == {201}, again)
    for n in c.nodes:
        n.kill()
    c.etcd.kill()
