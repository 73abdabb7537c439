"""Nodes that only serve citizens, and nodes that only hold shards."""
import json
import subprocess

from checks import wait_until
from cluster import audited, begin
from node import SLOW, call, program


def book(c, i, first):
    """At node i's front; how many people are confirmed."""
    done = subprocess.run([program("janji-load"), "book", "--target", f"http://127.0.0.1:{c.ports[i]}", "--connections", "16", "--duration", "3",
                           "--first", str(first), "--retry-unknowns", "100", "--seed", str(c.checks.seed % 1000), "--output", "json", "--quiet"],
                          capture_output=True, text=True)
    people = json.loads(done.stdout)["people_confirmed"] if done.returncode == 0 else 0
    c.checks.check(f"citizens book at node {i + 1}", people > 100, done.stdout + done.stderr)
    return people


def roles(checks):
    c = begin(checks, "roles")
    c.add(settings=(("cluster.role", "front"),))
    c.add(settings=(("cluster.role", "store"),))
    one, front, store = c.nodes[0], c.nodes[3], c.nodes[4]
    wait_until(lambda: c.ready(3) and c.ready(4), 60 * SLOW, "both new nodes are ready")
    checks.equal("the shards settle", one.ctl("rebalance", "status", "--wait", "--wait-seconds", "60").code, 0)
    told = {n["node"]: n for n in one.admin("GET", "/admin/v1/cluster").json()["nodes"]}
    checks.check("a front holds no shard", (told[4]["role"], told[4]["holds"], told[4]["leads"]) == ("front", 0, 0), told[4])
    checks.check("a store holds its share and serves no citizens", told[5]["role"] == "store" and told[5]["holds"] > 0 and told[5]["fronts"] == ""
                 and store.port == 0, told[5])
    people = book(c, 3, 0)
    checks.equal("every booking is there", audited(checks, front, "--online")["live"], people)
    checks.equal("the store stops in an orderly way", store.stop(), 0)
    people += book(c, 3, 1_000_000)
    checks.equal("every booking is there", audited(checks, one, "--online")["live"], people)
    alone = call(program("janjid"), "--data", checks.path("alone"), "--set", "cluster.role=store", environment={"JANJI_MASTER_KEY": "00" * 32})
    checks.check("a role without a cluster is refused by name", alone.code == 2 and "cluster.role is for a node of a cluster" in alone.err, alone)
    for n in c.nodes[:4]:
        n.kill()
    c.etcd.kill()
