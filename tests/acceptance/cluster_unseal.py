"""What citizens wrote is opened at any node of a cluster, wherever it is kept, noted first, and never without that."""
import contextlib
import os
import stat

from checks import wait_until
from citizens import People, Round, book, booking, day, manage, new_key
from cluster import begin, whole
from http_client import request
from node import SLOW, held

CENTRES = ("DEWAN", "MASJID", "SEKOLAH")


def retried(seconds, words, order):
    """Until the node does it: leadership may be on its way."""
    return wait_until(lambda: (lambda d: d if d.code == 0 or "is there already" in d.out + d.err else None)(order()), seconds * SLOW, words)


def open_round(c):
    made = Round(c.checks.directory, "unseal", [(centre, day(0), "09:00", "17:00", 400) for centre in CENTRES])
    retried(60, "the round is imported", lambda: made.import_into(c.nodes[0]))
    retried(60, "it is opened", lambda: c.nodes[1].ctl("round", "open", "unseal"))
    for node in c.nodes:
        wait_until(lambda node=node: request(node.port, "GET", "/api/v1/availability?round=unseal&state=Johor").status == 200, 60 * SLOW,
                   "every front shows it")


def booked(c, i, person, centre):
    body, key = booking((centre, day(0)), person, round_code="unseal"), new_key()
    return wait_until(lambda: (lambda a: a.json()["bookings"][0] if a.status in (200, 201) else None)(book(c.nodes[i], body, key)), 60 * SLOW, "booked")


def changed(c, method, one, body=None):
    key = new_key()
    wait_until(lambda: manage(c.nodes[0], method, one, body, key).status == 200, 60 * SLOW, "changed")


def unseal(node, **wanted):
    """What the node says once it takes one order more: thirty in a row, then one a second."""
    return wait_until(lambda: (lambda a: a if a.status != 429 else None)(node.admin("POST", "/admin/v1/unseal", {"reason": "a drill", **wanted})), 60 * SLOW,
                      "an order more is taken")


def opened_at(node, **wanted):
    """Once the node does: a leader may just have died."""
    return wait_until(lambda: (lambda a: a.json() if a.status == 200 else None)(unseal(node, **wanted)), 60 * SLOW, f"opened: {wanted}")


def names_of_day(node, centre):
    return sorted(r["name"] for r in opened_at(node, round="unseal", centre=centre, date=day(0))["records"])


def trail(node):
    return [e for e in node.ctl("--output", "json", "trail").json() if e["what"].startswith("unseal")]


def anywhere(c, told):
    """`told`: reference -> (name, centre) of what is booked now."""
    checks = c.checks
    for i, node in enumerate(c.nodes):
        for centre in CENTRES:
            expected = sorted(name for name, at in told.values() if at == centre)
            checks.equal(f"node {i + 1} opens all of the day at {centre}", names_of_day(node, centre), expected)
        wrong = [(ref, found) for ref, (name, centre) in list(told.items())[::5]
                 if (found := opened_at(node, reference=ref)["records"][0])["name"] != name or found["centre"] != centre]
        checks.check(f"node {i + 1} opens a booking by its reference, wherever it was moved to", not wrong, wrong[:2])
        lost = unseal(node, reference="0000-0000-0000-0")
        checks.equal(f"node {i + 1} says of a reference of nobody that there is none", (lost.status, lost.code), (404, "not_found"))
    last = trail(c.nodes[0])
    wait_until(lambda: all(trail(n) == last for n in c.nodes), 30 * SLOW, "every node shows the same trail")
    checks.check("every node shows what each opened, by whom and why", len(last) >= 9 and all(e["by"] == "admin token" and e["detail"] == "a drill" for e in last), last[:3])
    names = [name for name, _ in told.values()]
    checks.check("and no name", not any(n in str(last) for n in names), last[:3])


def without_the_others(c, one, name):
    """Neither the trail nor the records can be shown to be what is committed: nothing is opened."""
    with contextlib.ExitStack() as frozen:
        for node in c.nodes[1:]:
            frozen.enter_context(held(node))
        said = unseal(c.nodes[0], reference=one["reference"])
    c.checks.check("a node that hears no other opens nothing", said.status == 503 and name.encode() not in said.body, said)
    wait_until(lambda: all(c.ready(i) for i in range(3)), 60 * SLOW, "all go on")


def to_a_file(c, told):
    path = c.checks.path("day.csv")
    done = c.nodes[2].ctl("unseal", "--round", "unseal", "--centre", CENTRES[0], "--date", day(0), "--reason", "the day's list", "--format", "csv", "--to", path)
    with open(path) as file:
        lines = file.read().splitlines()
    expected = [name for name, at in told.values() if at == CENTRES[0]]
    c.checks.check("janjictl writes a centre's day into a file of nobody else's", done.code == 0 and stat.S_IMODE(os.stat(path).st_mode) == 0o600
                   and len(lines) == len(expected) + 1 and all(any(n in line for line in lines) for n in expected), (done, len(lines)))


def erased(c, one):
    retried(60, "it is closed", lambda: c.nodes[1].ctl("round", "close", "unseal"))
    retried(60, "it is erased", lambda: c.nodes[1].ctl("round", "erase", "unseal", "--reason", "unseal"))
    codes = [wait_until(lambda node=node: (lambda a: a.code if a.status not in (200, 503) else None)(unseal(node, reference=one["reference"])), 30 * SLOW,
                        "it opens nothing") for node in c.nodes]
    c.checks.equal("of an erased round no node opens anything", codes, ["erased"] * 3)


def unsealing(checks):
    c = begin(checks, "unseal")
    open_round(c)
    people, told, bookings = People(checks.random), {}, []
    for n in range(30):
        person = people.one(name=f"Zqx Warga {n:03}", notes="nota")
        bookings.append(booked(c, n % 3, person, CENTRES[0]))
        told[bookings[-1]["reference"]] = (person["name"], CENTRES[0])
    for n, one in enumerate(bookings):
        for centre in CENTRES[1:1 + n % 3]:  # a third stays, a third is moved, a third is moved on
            changed(c, "PATCH", one, {"centre": centre, "date": day(0)})
            told[one["reference"]] = (told[one["reference"]][0], centre)
    changed(c, "DELETE", bookings[0])
    gone = told.pop(bookings[0]["reference"])
    refused = unseal(c.nodes[1], reference=bookings[0]["reference"])
    checks.check("a cancelled booking is left alone", refused.code == "cancelled" and gone[0].encode() not in refused.body, refused)
    anywhere(c, told)
    victim = checks.random.randrange(3)
    c.kill(victim)
    left = [n for i, n in enumerate(c.nodes) if i != victim]
    for node in left:
        checks.equal("when a node has died the others open what it led", names_of_day(node, CENTRES[2]),
                     sorted(name for name, at in told.values() if at == CENTRES[2]))
    c.start(victim)
    wait_until(lambda: all(c.ready(i) for i in range(3)) and whole(c), 90 * SLOW, "it is back")
    anywhere(c, told)
    without_the_others(c, bookings[1], told[bookings[1]["reference"]][0])
    to_a_file(c, told)
    erased(c, bookings[1])
    for node in c.nodes:
        node.stop()
    c.etcd.kill()
