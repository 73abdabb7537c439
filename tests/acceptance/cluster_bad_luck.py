"""What bad input and bad luck get from a cluster: a named refusal, no crash, and bookings that go on."""
import base64
import glob
import os
import shutil
import socket
import subprocess

from checks import wait_until
from cluster import Cluster, begin, free_port, whole
from cluster_parts import MASTER, shard_records
from http_client import request
from node import SLOW, Node, call, program


def refused(c, words, why, more=(), environment=None):
    """A start that ends with 2 and one sentence that says why."""
    node = Node(c.checks, f"refused-{len(c.checks.nodes)}")
    settings = {"cluster.name": "test", "cluster.node": "9", "cluster.etcd": f"http://127.0.0.1:{c.etcd.port}", **dict(more)}
    node.start(*[w for name, value in settings.items() for w in ("--set", f"{name}={value}")],
               environment={"JANJI_MASTER_KEY": MASTER, **(environment or {})})
    ended = node.wait(30)
    said = node.stderr().strip().splitlines()
    c.checks.check(words, ended == 2 and said and why in said[-1], (ended, said[-3:]))


def starts(c):
    refused(c, "a number out of range is refused", "cluster.node", {"cluster.node": "0"})
    refused(c, "another disk under the number of a node that runs is refused", "node 2 runs already, with another disk: boot ", {"cluster.node": "2"})
    second = call(program("janjid"), "--data", c.nodes[0].data, "--port", "0", "--admin-port", "0", "--set", "cluster.name=test", "--set",
                  "cluster.node=1", "--set", f"cluster.etcd=http://127.0.0.1:{c.etcd.port}", environment={"JANJI_MASTER_KEY": MASTER})
    c.checks.check("a second process on a node's data is refused", second.code == 2 and "another process" in second.err, second)
    refused(c, "etcd that is not there is said", "etcd cannot be reached", {"cluster.etcd": f"http://127.0.0.1:{free_port()}"})
    c.etcd.ask("/v3/kv/put", {"key": base64.b64encode(b"/janji/later/value/feature").decode(), "value": base64.b64encode(b"99").decode()})
    refused(c, "a cluster of a later version is not joined", "the cluster is at feature level 99", {"cluster.name": "later"})
    begun = c.nodes[0].ctl("cluster", "raise")
    c.checks.check("a cluster that begins now begins at the newest feature level", begun.code == 0 and "feature level is 2" in begun.out, begun)
    refused(c, "an endpoint that is none is said", "etcd", {"cluster.etcd": "nonsense"})
    refused(c, "more in-sync disks than replicas are refused", "cluster.min_in_sync", {"cluster.replicas": "2", "cluster.min_in_sync": "3"})
    refused(c, "a certificate that is not there is named", "/nowhere.pem",
            {"cluster.certificate_file": "/nowhere.pem", "cluster.key_file": "/nowhere.pem", "cluster.ca_file": "/nowhere.pem"})
    refused(c, "production without certificates is refused", "needs certificates", {"cluster.mode": "production"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused(c, "a taken port of the links is said", "links cannot listen at", {"cluster.port": str(taken.getsockname()[1])})
    refused(c, "another master key than the cluster's is refused", "master key", environment={"JANJI_MASTER_KEY": "22" * 32})


def links_port(c, i):
    out = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True).stdout
    mine = [line for line in out.splitlines() if f"pid={c.nodes[i].process.pid}," in line]
    ports = {int(line.split()[3].rsplit(":", 1)[1]) for line in mine}
    return (ports - {c.nodes[i].port, c.nodes[i].admin_port}).pop()


def strangers(c):
    """On the port of the links: junk, much of it, half a hello, a hello for another cluster."""
    checks, port = c.checks, links_port(c, 0)
    chunk = os.urandom(1 << 20)
    sent = 0
    with socket.create_connection(("127.0.0.1", port)) as s:
        try:
            for _ in range(100):
                s.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
    checks.check("100 MB of junk are not taken in", sent < 100 << 20, sent)
    idle = socket.create_connection(("127.0.0.1", port))
    idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    answer = request(port, "GET", "/", headers={"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                                                "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})
    checks.check("a stranger is refused with a word", answer.status in (400, 403), answer)
    many = []
    try:
        for _ in range(200):
            many.append(socket.create_connection(("127.0.0.1", port), timeout=5))
    except OSError:
        pass
    checks.check("the node serves on", c.ready(0) and c.nodes[0].alive())
    for s in (*many, idle):
        s.close()


def clocks_apart(c):
    """One node's clock is ten minutes ahead: it is said, and every front books at every node."""
    checks, three = c.checks, c.nodes[2]
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        return checks.skip("clocks that are apart", "faketime is not installed")
    checks.equal("a node stops in an orderly way", three.stop(), 0)
    c.start(2, before=("env", f"LD_PRELOAD={library[0]}", "FAKETIME=+600s", "FAKETIME_DONT_FAKE_MONOTONIC=1"))
    wait_until(lambda: c.ready(2) and whole(c), 60 * SLOW, "it is back, ten minutes ahead")
    said = wait_until(lambda: (lambda out: out if "ahead of this node's: 3: " in out else None)(c.nodes[0].ctl("check").out), 30 * SLOW,
                      "check says whose clock is ahead")
    ahead = float(said.split("ahead of this node's: 3: ")[1].split()[0])
    checks.check("a clock that is far off is named, with how far", 590 < ahead < 610, said)
    checks.check("and said in the log", "the clock of node 3" in c.nodes[0].stderr())
    confirmed = []
    for front in c.nodes:  # the 64 shards are led by all three
        targets = ("--target", f"http://127.0.0.1:{front.port}", "--first", str(len(confirmed) * 100_000))
        done = call(program("janji-load"), "book", *targets, "--connections", "8", "--requests", "400", "--duration", "0", "--output", "json", "--quiet")
        confirmed.append(done.json().get("answers", {}).get("confirmed", {}).get("count"))
    checks.equal("every front books at every node", confirmed, [400, 400, 400])
    checks.equal("the node stops in an orderly way", three.stop(), 0)
    c.start(2)
    wait_until(lambda: c.ready(2) and whole(c), 60 * SLOW, "its clock is right again")


def etcd_that_forgot(c):
    checks = c.checks
    for order in ("pause", "start"):
        checks.equal(f"rebalance {order} is obeyed while etcd remembers", c.nodes[1].ctl("rebalance", order).code, 0)
    c.etcd.kill()
    shutil.rmtree(c.etcd.data)
    c.etcd.start()
    two = c.nodes[1]

    def complains():
        said = two.ctl("--output", "json", "status").json().get("cluster", {})
        return said.get("store_away")
    why = wait_until(complains, 60 * SLOW, "the nodes say that etcd has forgotten")
    checks.check("an etcd that forgot everything is said in status", any(w in why for w in ("forgotten", "another cluster")), why)
    confirmed = [request(n.port, "GET", "/api/v1/rounds").status for n in c.nodes]
    checks.equal("and every front serves on", confirmed, [200, 200, 200])
    order = two.ctl("rebalance", "pause")  # refused for no other reason: it was obeyed before
    checks.check("what etcd would have to know is refused", order.code != 0, order)
    for n in c.nodes:
        n.kill()
    for i in range(3):
        c.start(i, listens=False)
    wait_until(lambda: any("is begun anew" in n.stderr() for n in c.nodes), 60 * SLOW, "nodes that start again say that their shards are not begun anew")
    checks.check("nodes that start beside it begin no shard anew", all("begins, led here" not in n.stderr() for n in c.nodes))
    for n in c.nodes:
        n.kill()
    c.etcd.kill()


def etcd_that_forgot_more_than_a_node_has(checks):
    """Of shards that never lay on it a node's disk knows nothing: it began them anew, beside nodes that hold them."""
    one_each = (("cluster.replicas", "1"), ("cluster.min_in_sync", "1"))
    c = Cluster(checks, "spread", nodes=0)
    for _ in range(3):
        c.add(one_each)
    c.all_ready()
    wait_until(lambda: len(shard_records(c.etcd.ask, "test")) == 64, 60 * SLOW, "every shard is begun")
    wait_until(lambda: all(n.ctl("check").code == 0 for n in c.nodes), 60 * SLOW, "every node knows of it")
    for i in range(3):
        c.kill(i)
    c.etcd.kill()
    shutil.rmtree(c.etcd.data)
    c.etcd.start()
    c.start(1, listens=False, settings=one_each)
    wait_until(lambda: "is begun anew" in c.nodes[1].stderr(), 60 * SLOW, "a node that starts alone beside it says that no shard is begun anew")
    begun = [r for r in shard_records(c.etcd.ask, "test") if r.get("epoch")]
    checks.check("nor is one that lies elsewhere", not begun and "begins, led here" not in c.nodes[1].stderr(), begun[:2])
    c.kill(1)
    c.etcd.kill()


def bad_luck(checks):
    etcd_that_forgot_more_than_a_node_has(checks)
    c = begin(checks, "luck")
    starts(c)
    strangers(c)
    fine = c.nodes[0].ctl("check")
    checks.check("after all of it the cluster finds nothing wrong with itself", fine.code == 0, fine)
    clocks_apart(c)
    etcd_that_forgot(c)
