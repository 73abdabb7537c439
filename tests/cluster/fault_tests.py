"""A cluster of three in network namespaces goes through one fault after another under load: bookings go on, every shard is
whole again, and in the end every answer is held against every store."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import LabCluster, Load, cannot_enter, enter, held_against_every_store  # noqa: E402
from checks import Checks, Stop, run, wait_until  # noqa: E402
from faults import Faults, small_disk  # noqa: E402
from node import call, program  # noqa: E402

# What, for how many seconds.
ROWS = [("killed", 3), ("frozen", 5), ("cut_off", 4), ("cut_from_nodes", 4), ("cut_one_pair", 4), ("deaf", 4), ("mute", 4), ("lossy", 4),
        ("narrow", 4), ("slow", 4), ("half_open", 6), ("etcd_cut_from", 4), ("etcd_cut_from_all", 4), ("etcd_member_killed", 3),
        ("stopped", 2), ("wiped", 2), ("full", 3), ("failing_syncs", 1), ("slow_disk", 5), ("hung_disk", 5),
        ("clock_step", 4), ("etcd_member_isolated", 6), ("etcd_member_frozen", 6), ("etcd_full", 4), ("removed_directory", 3), ("rolled_back", 5), ("rolled_back_starts", 3),
        ("cloned", 1), ("cloned_first", 3)]
QUICK = ["killed", "frozen", "cut_from_nodes", "deaf", "lossy", "half_open", "etcd_cut_from_all", "etcd_member_isolated", "etcd_member_frozen", "cloned", "stopped", "wiped", "full", "failing_syncs"]


def every_node_hears(cluster):
    """What changes in etcd reaches every node, whichever member it watched."""
    def paused(n):
        return n.ctl("--output", "json", "rebalance", "status").json().get("moves_paused")
    some = cluster.nodes[0]
    for order, wanted in (("pause", True), ("start", False)):
        wait_until(lambda order=order: some.ctl("rebalance", order).code == 0, 30, f"rebalance {order} is obeyed beside a member of etcd that hears of nothing")
        wait_until(lambda wanted=wanted: all(paused(n) == wanted for n in cluster.nodes), 30, f"every node hears of rebalance {order}")
    cluster.checks.check("what changes in etcd reaches every node within seconds, though a member of it hears of nothing", True)


def through_one(cluster, faults, load, name, seconds, i):
    checks = cluster.checks
    fault = getattr(faults, name)
    load.take()
    unknown, load.greatest_ms, end = load.unknown, 0.0, time.monotonic() + seconds
    heal = fault(i)
    if name in ("etcd_member_isolated", "etcd_member_frozen"):
        every_node_hears(cluster)
    wait_until(lambda: time.monotonic() > end, seconds + 1, "the fault has lasted")
    during = load.take()
    heal()
    healed = time.monotonic()
    cluster.all_ready(after=fault.__doc__)
    cluster.wait_whole()
    whole = time.monotonic() - healed
    cluster.wait_settled()
    checks.check(f"node {i + 1}: {fault.__doc__}: bookings go on, and every shard is whole {whole:.1f} s after it", during > 0, during)
    load.take()
    checks.say(f"{during} confirmations in {seconds} s; greatest latency {load.greatest_ms:.0f} ms, {load.unknown - unknown} unknown at first")


def through_all(checks):
    wanted = os.environ.get("JANJI_FAULTS", "").split() or QUICK
    rows = ROWS if wanted == ["all"] else [r for r in ROWS if r[0] in wanted]
    small_disk(checks.path("node3"), checks.path("node3.img"), 700)
    cluster = LabCluster(checks, 3, etcds=3)
    cluster.open_round()
    checks.check("three nodes in three zones and three members of etcd are a cluster", True)
    load = Load(cluster, 3600, 150, checks.seed % 1000, more=("--requests", "1000000"))
    wait_until(lambda: load.take() > 0, 60, "citizens book")
    faults = Faults(cluster)
    for name, seconds in rows:
        i = 2 if name == "full" else checks.random.randrange(3)
        through_one(cluster, faults, load, name, seconds, i)
        if not load.runs():
            raise Stop("the load has ended early")
    load.process.send_signal(2)
    said = load.end(120)
    gap = call(program("janji-load"), "gaps", "--record", load.record)
    checks.say(f"{said['people_confirmed']} people confirmed; {gap.out.strip()[:200]}")
    held_against_every_store(cluster, load, range(3))


def parts(checks):
    checks.part(through_all, checks)


if __name__ == "__main__":
    why = cannot_enter() if os.environ.get("JANJI_LAB") != "1" else ""
    if why:
        c = Checks("cluster_faults")
        c.skip("faults on real processes", why)
        sys.exit(c.finish())
    enter()
    run("cluster_faults", parts)
