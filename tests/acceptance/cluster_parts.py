"""What tests of clusters share, wherever their nodes run."""
import base64
import csv
import datetime
import json
import os

from checks import wait_until
from node import ROOT, SLOW

MASTER = "11" * 32
# With a round whose days of 2021 can be booked.
DEMO = [f"{ROOT}/tests/acceptance/demo-round.toml", *(f"{ROOT}/configs/demo/{name}" for name in ("centres.csv", "slot-groups.csv"))]


def large_slots(checks):
    """The demo round with a million places a window: nothing is ever full."""
    path = checks.path("slots.csv")
    with open(DEMO[2]) as file, open(path, "w") as out:
        for i, line in enumerate(csv.reader(file)):
            out.write(",".join(line if i == 0 else line[:4] + ["1000000"]) + "\n")
    return path


def dated(slots, directory):
    """The same table of places, from the day after tomorrow on."""
    path = os.path.join(directory, "dated-slots.csv")
    with open(slots) as file:
        rows = list(csv.reader(file))
    column = rows[0].index("date")
    shift = datetime.date.today() + datetime.timedelta(2) - min(datetime.date.fromisoformat(r[column]) for r in rows[1:])
    for r in rows[1:]:
        r[column] = (datetime.date.fromisoformat(r[column]) + shift).isoformat()
    with open(path, "w") as out:
        out.writelines(",".join(r) + "\n" for r in rows)
    return path


def shard_records(ask, cluster):
    """From etcd itself: the records of all shards. `ask(path, body)`: what its gateway answers."""
    key, end = (base64.b64encode(f"/janji/{cluster}/shard{c}".encode()).decode() for c in "/0")
    kvs = ask("/v3/kv/range", {"key": key, "range_end": end}).get("kvs", [])
    return [json.loads(base64.b64decode(kv["value"])) for kv in kvs]


def all_in_step(records):
    """Every shard is on three replicas that are in step."""
    return len(records) == 64 and all(len(r["in_sync"]) == 3 for r in records)


def open_demo_round(nodes, fronts, all_ready, slots=DEMO[2], passed_on=True):
    """`fronts`: asked for a path, each answers; `slots`: another table of places. One node is told to import a round and another to open it, whoever
    leads the rounds; then every front sees it open. Not `passed_on`: an earlier version's nodes, of which one takes orders."""
    settings = DEMO[0]
    if not passed_on:  # and which know of no ends: the round lies ahead, as it does for real
        settings, slots = f"{ROOT}/configs/demo/round.toml", dated(slots, nodes[0].data)

    def imported(node):  # whoever was told "busy: look before you ask again" finds it there
        done = node.ctl("round", "import", "--round", settings, "--centres", DEMO[1], "--slots", slots)
        return done.code == 0 or "is there already" in done.err

    wait_until(lambda: any(imported(n) for n in (nodes[:1] if passed_on else nodes)), 60 * SLOW, "the first node has a round imported")
    all_ready()
    wait_until(lambda: any(n.ctl("round", "open", "2021-3").code == 0 for n in (nodes[-1:] if passed_on else nodes)), 60 * SLOW,
               "the last node has it opened")
    for front in fronts:
        wait_until(lambda: b'"state":"open"' in front("/api/v1/rounds").body, 60 * SLOW, "every front sees it open")


def hold_against_store(checks, number, janjictl, janji_load, exported, record, shared=False):
    """A stopped node's own store is audited and held against what citizens were told; says what is in it. `shared`: others booked too."""
    said = janjictl("--output", "json", "audit")
    report = said.json()
    checks.check(f"the audit of node {number}'s own store is clean", report.get("clean"), said)
    done = janjictl("export", "--to", exported)
    held = janji_load("audit", "--record", record, "--export", exported, *(["--others-booked-too"] if shared else []))
    checks.check(f"every answer that citizens were given holds in the store of node {number}",
                 held.code == 0 and "Every promise was kept" in held.out, f"{done} {held}")
    return {k: report.get(k) for k in ("bookings", "live", "cancelled", "claims")}, held


def hold_the_same(checks, found):
    checks.check("all replicas hold the same", all(f == found[0] for f in found), found)
    checks.say(found[0])
