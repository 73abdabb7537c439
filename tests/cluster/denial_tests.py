"""Citizens who are told that a place is full, or that they have one already, around deaths and freezes of nodes, half of them asking
another front the same when they have waited for a while: what was told refused is never booked unless it is asked again. And
orderly stops, a drain and moves of shards interrupt nobody."""
import csv
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import LabCluster, Load, cannot_enter, enter, held_against_every_store, keep_in_memory  # noqa: E402
from checks import Checks, Stop, run, wait_until  # noqa: E402
from cluster_parts import DEMO, open_demo_round  # noqa: E402
from http_client import request  # noqa: E402
from lab import CITIZENS  # noqa: E402

KILLS = int(os.environ.get("JANJI_DENIAL_KILLS", "6"))
DENIALS = KILLS * 1000 // 30
PLACES = 3  # of a window
AMPLE = "ample"
STRANGERS = 4  # nodes, so that one can be drained


def scarce_slots(checks):
    """The demo round's first three days of each centre, with few places a window."""
    path, seen = checks.path("scarce.csv"), {}
    with open(DEMO[2]) as file, open(path, "w") as out:
        for i, line in enumerate(csv.reader(file)):
            seen[line[0]] = seen.get(line[0], 0) + 1
            if i == 0 or seen[line[0]] <= 3:
                out.write(",".join(line if i == 0 else line[:4] + [str(PLACES)]) + "\n")
    return path


def open_ample_round(checks, cluster):
    """The demo round once more under another code, with all its places."""
    path = checks.path("ample.toml")
    with open(DEMO[0]) as file, open(path, "w") as out:
        out.write(file.read().replace('code = "2021-3"', f'code = "{AMPLE}"'))
    for words in (("import", "--round", path, "--centres", DEMO[1], "--slots", DEMO[2]), ("open", AMPLE)):
        done = cluster.nodes[0].ctl("round", *words)
        if done.code != 0:
            raise Stop(f"round {words[0]}: {done}")
    for h in cluster.hosts:
        wait_until(lambda: request(CITIZENS, "GET", "/api/v1/rounds", host=h.ip).body.count(b'"state":"open"') == 2, 60, "every front sees both open")


def answers(path):
    """Of complete lines only."""
    with open(path, "rb") as file:
        for line in file.read().split(b"\n")[:-1]:
            if line.startswith(b'{"i"'):
                yield json.loads(line)


def outcomes(path):
    """By code: how often each refusal was told so far."""
    counts = {}
    for entry in answers(path):
        code = entry.get("e", "") if entry["x"] != "yes" else "yes"
        counts[code] = counts.get(code, 0) + 1
    return counts


def interrupted(path):
    return [entry for entry in answers(path) if entry["x"] != "yes" and entry.get("e") == "interrupted"]


def denials(counts):
    return counts.get("full", 0) + counts.get("already_booked", 0) + counts.get("not_enough_together", 0)


def freeze(cluster, i, seconds):
    pid = cluster.nodes[i].process.pid
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, seconds + 5, "the front was frozen")
    os.kill(pid, signal.SIGCONT)


def die_and_freeze(cluster, load, random):
    """One dies and comes back, the others are frozen for 300 ms in turn."""
    i = random.randrange(STRANGERS)
    cluster.kill(i)
    for k in random.sample([n for n in range(STRANGERS) if n != i], 2):
        freeze(cluster, k, 0.3)
    cluster.start(i)
    cluster.all_ready(after="kill -9")
    cluster.wait_whole()
    load.take()
    if not load.runs():
        raise Stop("the load has ended early")


def begin(checks):
    keep_in_memory(checks)
    cluster = LabCluster(checks, STRANGERS, settings=(("http.stamps", "on"), ("cluster.replace_after_s", 600)))
    open_demo_round(cluster.nodes, [lambda path, h=h: request(CITIZENS, "GET", path, host=h.ip) for h in cluster.hosts], cluster.all_ready,
                    slots=scarce_slots(checks))
    cluster.wait_whole()
    return cluster


def refused_stays_refused(checks, cluster):
    load = Load(cluster, 3600, 60, checks.seed % 1000,
                more=("--requests", "1000000", "--impatient-ms", "150"), shares={"impatient": 0.5, "cancel": 0.8, "second": 0.1})
    wait_until(lambda: load.take() > 0, 60, "citizens book")
    for _ in range(KILLS):
        die_and_freeze(cluster, load, checks.random)
    wait_until(lambda: denials(outcomes(load.record)) >= DENIALS, 600, f"{DENIALS} denials were told")
    load.process.send_signal(2)
    load.end(120)
    counts = outcomes(load.record)
    checks.check(f"{denials(counts)} denials were told around {KILLS} kills and {2 * KILLS} freezes", denials(counts) >= DENIALS, counts)
    checks.say(counts)
    return load


def planned_changes_interrupt_nobody(checks, cluster):
    open_ample_round(checks, cluster)
    load = Load(cluster, 3600, 100, checks.seed % 1000 + 1, more=("--requests", "1000000", "--round", AMPLE), name="planned")
    wait_until(lambda: load.take() > 0, 60, "citizens book")
    cluster.wait_settled()
    before = len(interrupted(load.record))

    def rolling_restart():
        for i in range(STRANGERS):
            code = cluster.nodes[i].stop()
            if code != 0:
                raise Stop(f"node {i + 1} ended with {code}")
            cluster.start(i)
            cluster.all_ready(after="an orderly stop")
            cluster.wait_whole()
            cluster.wait_settled()

    def drain():
        done = cluster.nodes[0].ctl("node", "drain", str(STRANGERS), "--wait", "--wait-seconds", "120", seconds=150)
        checks.check(f"node {STRANGERS} is drained", done.code == 0, done)

    def rebalance():
        done = cluster.nodes[0].ctl("node", "undrain", str(STRANGERS))
        checks.check(f"node {STRANGERS} is taken back", done.code == 0, done)
        cluster.wait_settled()

    for change in (rolling_restart, drain, rebalance, drain):
        load.take()
        change()
        checks.check(f"citizens book during a {change.__name__.replace('_', ' ')}", load.take() > 0)
        found = interrupted(load.record)
        checks.check(f"a {change.__name__.replace('_', ' ')} interrupts nobody", len(found) == before, found[before:])
        before = len(found)
    load.process.send_signal(2)
    load.end(120)
    return load


def parts(checks):
    def told_and_done():
        cluster = begin(checks)
        first = refused_stays_refused(checks, cluster)
        second = planned_changes_interrupt_nobody(checks, cluster)
        held_against_every_store(cluster, first, range(3))
        held_against_every_store(cluster, second, range(3))
    checks.part(told_and_done)


if __name__ == "__main__":
    why = cannot_enter() if os.environ.get("JANJI_LAB") != "1" else ""
    if why:
        c = Checks("cluster_denials")
        c.skip("denials on real processes", why)
        sys.exit(c.finish())
    enter()
    run("cluster_denials", parts)
