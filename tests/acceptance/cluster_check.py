"""`janjictl check` says what is so, also where what is shown looks well: a directory that somebody has removed, shards that give no answer,
a clock that was set while the node ran, an etcd that is full."""
import base64
import concurrent.futures
import glob
import http.server
import os
import shutil
import signal
import threading

from checks import wait_until
from citizens import People, book, booking, new_key
from cluster import begin, whole
from http_client import request
from node import SLOW


def says(c, i, words, seconds=60):
    """The answer of `check` at a node once all the words are in it, with its exit code."""
    last = []

    def said():
        last[:] = [c.nodes[i].ctl("check")]
        return last[0] if all(w in last[0].out for w in words) else None

    try:
        return wait_until(said, seconds * SLOW, "")
    except Exception as late:
        raise type(late)(f"check never said {words}: {last[0]}") from None


def wrong(c, i, line, words):
    done = says(c, i, [line, *words])
    named = [t for t in done.out.splitlines() if line in t]
    return done.code != 0 and any(t.startswith("WRONG") for t in named) and not done.out.rstrip().endswith("healthy"), done


def fine_again(c, words):
    wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas")
    wait_until(lambda: c.nodes[0].ctl("check").code == 0, 60 * SLOW, words)


def a_removed_directory(c):
    three = c.nodes[2]
    os.rename(three.data, three.data + ".away")
    try:
        c.checks.check("a directory that was taken away is named by check at another node",
                       *wrong(c, 0, "directories", ["node 3", "cannot be found"]))
        os.mkdir(three.data)
        c.checks.check("and another one in its place is not taken for it", *wrong(c, 0, "directories", ["node 3", "another directory"]))
        c.checks.equal("and nothing is written into it", os.listdir(three.data), [])
        shutil.rmtree(three.data)
    finally:
        os.rename(three.data + ".away", three.data)
    fine_again(c, "and nothing is wrong when it is back")


def a_removed_store(c):
    three = c.nodes[2]
    store, away = os.path.join(three.data, "store"), os.path.join(three.data, "away")
    os.rename(store, away)
    try:
        c.checks.check("a store that was taken away is named by check at another node",
                       *wrong(c, 0, "directories", ["node 3", "store cannot be found"]))
        here, there = three.ctl("status"), c.nodes[0].ctl("status")
        c.checks.check("status is broken at its node, which says why, and degraded at another", here.code == 2 and "directory_wrong" in here.out and there.code == 1, (here, there))
        os.mkdir(store)
        c.checks.check("and another one in its place is not taken for it", *wrong(c, 0, "directories", ["node 3", "store is another directory"]))
        os.rmdir(store)
    finally:
        os.rename(away, store)
    fine_again(c, "and nothing is wrong when it is back")


def shards_without_a_quorum(c):
    for node in c.nodes[1:]:
        node.process.send_signal(signal.SIGSTOP)
    try:
        good, done = wrong(c, 0, "shards answer", ["no answer from"])
        c.checks.check("shards that cannot answer are named", good and done.out.rstrip().endswith("broken"), done)
        none = says(c, 0, ["64 of 64 do not", "enough disks are there"])
        c.checks.check("once they are away no shard serves, no replica of theirs is complete, and no further loss is survived",
                       none.code == 2 and "128 missing" in none.out and "no further loss is survived by 64 shards" in none.out, none)
        status = c.nodes[0].ctl("status")
        c.checks.check("nor does status call that healthy", status.code == 2, status)
        flight = c.nodes[0].ctl("round", "preflight", "2021-3")
        c.checks.check("round preflight says no, and which shards give no answer", flight.code == 1 and '"check":"shards answer","ok":false,"detail":"no answer from' in flight.out, flight)
        with concurrent.futures.ThreadPoolExecutor() as operators:
            both = [o.result() for o in [operators.submit(c.nodes[0].ctl, "check") for _ in range(2)]]
        c.checks.check("also to two who ask at once", all("no answer from" in d.out and "store takes writes" in d.out for d in both), [str(d) for d in both])
    finally:
        for node in c.nodes[1:]:
            node.process.send_signal(signal.SIGCONT)
    fine_again(c, "and nothing is wrong when their nodes go on")


def whose_disk(c):
    """What is said of storage is about the disks that a booking is written to, whatever node is asked."""
    people = People(c.checks.random)

    def said(node):
        return [request(port, "GET", "/readyz?verbose").body.decode() for port in (node.port, node.admin_port)]

    def flight(node):
        return node.ctl("round", "preflight", "2021-3")

    c.add(settings=(("cluster.role", "front"), ("store.disk_low_mark", "0.9")))
    front = c.nodes[3]
    wait_until(lambda: c.ready(3), 60 * SLOW, "the front is ready")
    wait_until(lambda: "storage_low          true" in front.ctl("status").out, 30 * SLOW, "its own disk is low")
    body, key = booking(("SPICE", "2021-06-09"), people.one(), round_code="2021-3"), new_key()
    wait_until(lambda: book(front, body, key).status in (200, 201), 30 * SLOW, "a front whose own disk is low takes bookings")
    told, done = said(front), flight(front)
    c.checks.check("a front whose own disk is low says that bookings are taken", all("storage: ok" in t for t in told), told)
    c.checks.check("and its preflight asks the disks of those that store", done.code == 0 and '"check":"disk","ok":true,"detail":"node ' in done.out, done)
    c.checks.equal("the front stops in an orderly way", front.stop(), 0)
    c.checks.equal("a node stops in an orderly way", c.nodes[1].stop(), 0)
    c.start(3, settings=(("cluster.role", "front"),))
    c.start(1, settings=(("store.disk_low_mark", "0.9"),))
    wait_until(lambda: c.ready(1) and c.ready(3) and whole(c), 60 * SLOW, "both are back, the other's disk low")
    wait_until(lambda: all("storage: low, no new bookings\n" in t for t in said(front)), 30 * SLOW, "the front says that the disks are low which bookings are written to")
    refused, done = book(front, booking(("SPICE", "2021-06-09"), people.one(), round_code="2021-3")), flight(front)
    c.checks.check("a front with room refuses while a node that stores has none, and says so", refused.status == 503 and refused.json()["code"] == "storage_low", refused)
    c.checks.check("and its preflight says no, and whose disk is low", done.code == 1 and "low at nodes 2" in done.out, done)
    c.checks.equal("that node stops in an orderly way", c.nodes[1].stop(), 0)
    c.start(1)
    wait_until(lambda: c.ready(1), 60 * SLOW, "it is back, with room")
    wait_until(lambda: all("storage: ok" in t for t in said(front)), 30 * SLOW, "the front says that bookings are taken again")
    fine_again(c, "and nothing is wrong any more")


class BusyProbes(http.server.BaseHTTPRequestHandler):
    """A node whose probes others keep busy; the rest is what the real one says."""
    node = None

    def do_GET(self):
        busy = self.path in ("/admin/v1/cluster/probe", "/admin/v1/keys")
        body = b'{"detail":"Another is under way."}' if busy else self.node.admin("GET", self.path).body
        self.send_response(503 if busy else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def what_is_not_tried(c):
    BusyProbes.node = one = c.nodes[0]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), BusyProbes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = one.ctl("--admin", f"127.0.0.1:{server.server_address[1]}", "check")
        server.shutdown()
    for line in ("shards answer", "store takes writes", "master keys"):
        said = [t for t in done.out.splitlines() if line in t]
        c.checks.check(f"what check could not try is said, not passed over: {line}", said and said[0].startswith("WRONG") and "not tried" in said[0], done)
    c.checks.check("and such a check finds nothing healthy", done.code != 0 and not done.out.rstrip().endswith("healthy"), done)


def seconds_after(words, text):
    return float(text.split(words)[1].split()[0]) if words in text else 0.0


def a_clock_that_is_set(c):
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        return c.checks.skip("a clock that is set", "faketime is not installed")
    three, stamp = c.nodes[2], c.checks.path("clock")
    with open(stamp, "w") as out:
        out.write("+0s\n")
    c.checks.equal("a node stops in an orderly way", three.stop(), 0)
    faked = ("env", f"LD_PRELOAD={library[0]}", f"FAKETIME_TIMESTAMP_FILE={stamp}", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1")
    c.start(2, before=faked)
    wait_until(lambda: c.ready(2), 60 * SLOW, "it is back, with its clock right")
    fine_again(c, "a clock that is right is no matter")
    with open(stamp, "w") as out:
        out.write("+600s\n")
    good, done = wrong(c, 0, "clocks", ["ahead of this node's: 3: "])
    ahead = seconds_after("ahead of this node's: 3: ", done.out)
    c.checks.check("a clock that is set while the node runs is named, with how far", good and 590 < ahead < 610, done)
    set_by = seconds_after("a restart puts it right: 3: ", done.out)
    c.checks.check("and that it was set after the start, by how much, and what helps", 590 < set_by < 610, done)
    c.checks.equal("that node stops in an orderly way", three.stop(), 0)
    c.start(2, before=faked)  # while it is ten minutes ahead
    wait_until(lambda: c.ready(2), 60 * SLOW, "it is back, ten minutes ahead")
    with open(stamp, "w") as out:
        out.write("+0s\n")
    good, done = wrong(c, 0, "clocks", ["a restart puts it right: 3: -"])
    c.checks.check("a clock that is put right after the start is named too, though all clocks are together", good and "ahead" not in done.out, done)
    # A shard that is handed over between two reports is led by nobody in one of them.
    status = wait_until(lambda: (lambda s: s if s.code != 2 else None)(three.ctl("status")), 60 * SLOW,
                        "every shard is led by somebody, as the node that came back hears it")
    c.checks.check("and by status at its own node", status.code == 1 and "clock_wrong" in status.out and "a restart puts it right" in status.out, status)
    c.checks.equal("that node stops in an orderly way again", three.stop(), 0)
    c.start(2, before=faked)
    wait_until(lambda: c.ready(2), 60 * SLOW, "it is back, with its clock right")
    fine_again(c, "a restart puts it right")


def a_full_etcd(c):
    junk = base64.b64encode(os.urandom(200_000)).decode()
    for n in range(200):
        answer = c.etcd.ask("/v3/kv/put", {"key": base64.b64encode(b"junk%d" % n).decode(), "value": junk})
        if "exceeded" in str(answer):
            break
    c.checks.check("etcd is full", "exceeded" in str(answer), answer)
    c.checks.check("an etcd that takes no more is named, though it still shows what it holds", *wrong(c, 0, "store takes writes", ["space exceeded"]))


def truth(checks):
    os.environ["ETCD_QUOTA_BACKEND_BYTES"] = str(8 << 20)
    try:
        c = begin(checks, "truth")
    finally:
        del os.environ["ETCD_QUOTA_BACKEND_BYTES"]
    fine_again(c, "a cluster that is well finds nothing wrong with itself")
    a_removed_directory(c)
    a_removed_store(c)
    shards_without_a_quorum(c)
    what_is_not_tried(c)
    whose_disk(c)
    a_clock_that_is_set(c)
    a_full_etcd(c)
    for node in c.nodes:
        node.kill()
    c.etcd.kill()
