"""Disks that are gone for good at the floor, and all that were in sync: an operator's word leads out, and what was on a disk that
is left is there still."""
import json
import shutil
import subprocess

from checks import Stop, wait_until
from cluster import begin, held, whole
from cluster_parts import hold_the_same, shard_records
from node import SLOW, program


def book(c, record):
    targets = [word for p in c.ports for word in ("--target", f"http://127.0.0.1:{p}")]
    done = subprocess.run([program("janji-load"), "book", *targets, "--connections", "16", "--duration", "3", "--party-share", "0.1", "--people", "4",
                           "--cancel-share", "0.05", "--seed", str(c.checks.seed % 1000), "--record", record, "--output", "json", "--quiet"],
                          capture_output=True, text=True)
    c.checks.check("citizens book", done.returncode == 0 and json.loads(done.stdout)["people_confirmed"] > 100, done.stdout + done.stderr)


def records(c):
    return shard_records(c.etcd.ask, "test")


def nodes_of(members):
    return sorted(m["node"] for m in members)


def lose(c, i, left):
    """A node dies, and the others go on without it."""
    c.kill(i)
    wait_until(lambda: all(nodes_of(r["in_sync"]) == left for r in records(c)), 60 * SLOW, f"the shards go on without node {i + 1}")


def wipe(c, i):
    if c.nodes[i].alive():
        c.kill(i)
    shutil.rmtree(c.nodes[i].data)


def come_back(c, i):
    """Started again as a supervisor would, while the registration of its former disk lives."""
    def runs():
        if not c.nodes[i].alive():
            c.start(i, listens=False)
        return c.nodes[i].read_ports()
    c.start(i, listens=False)
    wait_until(runs, 60 * SLOW, f"node {i + 1} runs again")
    c.ports[i] = c.nodes[i].port


def for_every_shard(c, what, *words, needless="nothing is"):
    """`needless`: the refusal of an order that a shard does not need; some shard must."""
    obeyed = 0
    node = next(n for n in c.nodes if n.alive())
    for shard in range(64):
        order = [w.format(shard=shard) for w in words]
        last = []

        def done(order=order, last=last):  # again while a change of the record is under way, or is not known here yet
            last[:] = [node.ctl("shard", *order)]
            return last[0].code == 0 or needless in last[0].out + last[0].err
        try:
            wait_until(done, 30 * SLOW, what)
        except Stop as stop:
            raise Stop(f"{what}, shard {shard}: {last}") from stop
        obeyed += 1 if last[0].code == 0 else 0
    c.checks.check(f"{what}, wherever it is needed", obeyed > 0, obeyed)
    return obeyed


def in_the_trail(c, order, times):
    """An order stands there once it was carried out, and not when it was refused."""
    noted = []

    def all_noted():
        noted[:] = [e for e in c.nodes[0].ctl("--output", "json", "trail").json() if e["what"] == order]
        return len(noted) >= times
    wait_until(all_noted, 60 * SLOW, f"{times} times {order} are in the audit trail")
    c.checks.equal(f"every {order} that was carried out is in the audit trail, and none that was refused", len(noted), times)


def a_member_replaced(c):
    checks = c.checks
    lose(c, 2, [1, 2])
    wipe(c, 1)
    come_back(c, 2)
    # Where node 1 led before it serves on and takes node 3 in by itself; where node 2 did, nobody may trust node 1's disk alone.
    wait_until(lambda: all(3 in nodes_of(r["in_sync"] + r["learners"]) for r in records(c)), 60 * SLOW, "the third node learns every shard")
    typo = c.nodes[0].ctl("shard", "replace", "5", "--dead", "2", "--by", "3", "--confirm", "6")
    checks.check("a replacement wants the shard's number typed twice", typo.code == 2 and "--confirm" in typo.err, typo)
    replaced = for_every_shard(c, "a member that is gone for good is replaced", "replace", "{shard}", "--dead", "2", "--by", "3", "--confirm", "{shard}", needless="node 2 is not in sync in shard")
    wait_until(lambda: all(nodes_of(r["in_sync"]) == [1, 3] for r in records(c)), 60 * SLOW, "the third node takes its place")
    in_the_trail(c, "shard replace", replaced)
    come_back(c, 1)
    wait_until(lambda: whole(c), 90 * SLOW, "a new disk under the old number is filled")
    checks.check("a new disk under the old number is filled", True)


def a_disk_promoted_alone(c):
    checks = c.checks
    lose(c, 2, [1, 2])
    refused = c.nodes[0].ctl("shard", "unsafe-promote", "7", "--node", "2", "--confirm", "shard-7")
    checks.check("nothing is promoted while a disk in sync is there", refused.code == 1 and "is in sync" in refused.err, refused)
    wipe(c, 0)
    wipe(c, 1)
    come_back(c, 2)
    come_back(c, 0)
    three = c.nodes[2]
    unsaid = three.ctl("shard", "unsafe-promote", "7", "--node", "3")
    checks.check("without its name typed nothing is promoted, and it says what may be lost", unsaid.code == 2 and "--confirm shard-7" in unsaid.err, unsaid)
    dry = wait_until(lambda: (lambda d: d if "its log ends" in d.out else None)(three.ctl("--dry-run", "shard", "unsafe-promote", "7", "--node", "3")),
                     30 * SLOW, "--dry-run says how far the disk goes")
    checks.check("--dry-run says what would be lost and how far the disk goes", "what only the disks of nodes 1, 2 held is lost" in dry.out, dry)
    for_every_shard(c, "the disk that is left is promoted alone", "unsafe-promote", "{shard}", "--node", "3", "--confirm", "shard-{shard}")
    come_back(c, 1)
    wait_until(lambda: whole(c), 90 * SLOW, "every shard is on three replicas again")
    checks.check("every shard is on three replicas again, of which two are new disks", True)


def last_resort(checks):
    c = begin(checks, "last")
    record = checks.path("last.jsonl")
    book(c, record)
    a_member_replaced(c)
    a_disk_promoted_alone(c)
    c.all_ready()
    fine = wait_until(lambda: (lambda d: d if d.code == 0 else None)(c.nodes[0].ctl("check")), 60 * SLOW, "the cluster finds nothing wrong")
    checks.check("the cluster finds nothing wrong with itself", fine.code == 0, fine)
    for i, n in enumerate(c.nodes):
        checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)
    c.etcd.kill()
    hold_the_same(checks, [held(c, i, record) for i in range(3)])
