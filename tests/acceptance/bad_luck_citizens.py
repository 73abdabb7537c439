"""What bad input and bad luck get over HTTP: one function for each row of the table."""
import datetime
import json
import os
import re
import socket

from checks import wait_until
from citizens import (BOOKINGS, Round, booking, book, book_at_once, confirmed, content, day, manage, new_key)
from http_client import at_once, read_answer, request
from node import Node

TIMES = ("09:00", "17:00")
PROBLEM = {"type", "title", "status", "code", "detail", "request_id"}


def groups():
    """One centre with 60 days of few places each, one with single places."""
    many = [("RAMAI", day(i), *TIMES, 50) for i in range(60)]
    single = [("SATU", day(i), *TIMES, 1) for i in range(60)]
    return many + single + [("EMPAT", day(i), *TIMES, 4) for i in range(10)]


class Citizens:
    def __init__(self, checks, people):
        self.checks, self.people = checks, people
        self.node = Node(checks, "citizens")
        self.node.start("--log-level", "debug").ready()
        self.round = Round(checks.directory, "main", groups()).open_on(self.node)
        self.acknowledged = []  # (body, key, content), asked for again after everything else

    def book(self, place, *people, key=None):
        key = key or new_key()
        body = booking(place, *people, round_code=self.round.code)
        said = confirmed(self.node, body, key)
        self.acknowledged.append((body, key, content(said)))
        return body, key, said

    def refused(self, words, answer, status, code):
        return self.checks.check(words, answer.status == status and answer.code == code, f"expected {status} {code}, got {answer}")


def same_key_and_body_twice(c):
    body, key, said = c.book(("RAMAI", day(0)), c.people.one())
    again = book(c.node, body, key)
    c.checks.check("same key and body twice: the same answer, as a repeat", again.status == 200 and again.json().get("repeated") is True and
                   content(again) == content(said), again)


def same_key_from_50_sockets(c):
    body, key = booking(("RAMAI", day(1)), c.people.one(), round_code="main"), new_key()
    answers = book_at_once(c.node, [(body, key)] * 50)
    contents = {content(a) for a in answers}
    c.checks.check("same key and body from 50 sockets at once: one booking, one answer for all",
                   all(a.status in (200, 201) for a in answers) and len(contents) == 1 and
                   sum(a.status == 201 for a in answers) == 1, [str(a) for a in answers[:3]])
    shown = c.node.ctl("--output", "json", "show", f"group/main/RAMAI/{day(1)}")
    c.checks.check("and one place is taken, not 50", shown.json().get("live") == 1, shown)
    c.acknowledged.append((body, key, content(answers[0])))


def same_key_after_the_group_filled(c):
    body, key, said = c.book(("SATU", day(0)), c.people.one())
    other = book(c.node, booking(("SATU", day(0)), c.people.one(), round_code="main"))
    c.refused("the group has filled up: another citizen is told full", other, 409, "full")
    again = book(c.node, body, key)
    c.checks.check("and the one who has the place is told so again, not full", again.status == 200 and content(again) == content(said), again)
    answers = book_at_once(c.node, [(body, key)] * 50)
    c.checks.check("also from 50 sockets at once", all(a.status == 200 and content(a) == content(said) for a in answers),
                   [str(a) for a in answers if a.status != 200][:2])
    cancelled = manage(c.node, "DELETE", said["bookings"][0])
    again = book(c.node, body, key)
    c.checks.check("after a cancellation the key gets the same reference, as cancelled", cancelled.status == 200 and again.status == 200 and
                   content(again) == content(said) and again.json().get("status") == "cancelled", again)


def key_reuse(c):
    person = c.people.one()
    body, key, _ = c.book(("RAMAI", day(2)), person)
    reused = ("same key, same citizen and group, another body", booking(("RAMAI", day(2)), {**person, "name": "Lain"}, round_code="main"))
    group = ("same key and citizen, another group", booking(("RAMAI", day(3)), person, round_code="main"))
    citizen = ("same key and group, another citizen", booking(("RAMAI", day(2)), c.people.one(), round_code="main"))
    for words, other in (reused, group, citizen):
        c.refused(f"{words}: idempotency_key_reused", book(c.node, other, key), 422, "idempotency_key_reused")
    again = book(c.node, body, key)
    c.checks.check("and the booking under that key is untouched", again.status == 200, again)


def somebody_elses_identity(c):
    person = c.people.one(phone="+60123456789")
    _, _, said = c.book(("RAMAI", day(4)), person)
    victim = said["bookings"][0]
    thief = {"identity": person["identity"], "name": "Pencuri"}
    for words, place in (("there", ("RAMAI", day(4))), ("at another group", ("RAMAI", day(5)))):
        answer = book(c.node, booking(place, thief, round_code="main"))
        c.refused(f"somebody else's identity number with a key of one's own, {words}: already_booked", answer, 409, "already_booked")
        text = json.dumps(answer.json()) + json.dumps(answer.headers)
        told = [w for w in (victim["reference"], victim["manage_token"], said["centre"], said["date"], person["phone"], person["name"],
                            person["identity"]["number"]) if w in text]
        c.checks.check(f"and nothing more is told, {words}", set(answer.json()) == PROBLEM and not told, (told, answer))


def one_citizen_twice_in_a_party(c):
    person = c.people.one()
    bare = {"identity": {"type": "mykad", "number": person["identity"]["number"].replace("-", "")}, "name": "Nama Lain"}
    for words, twin in (("", person), (", the number written otherwise", bare)):
        answer = book(c.node, booking(("RAMAI", day(6)), c.people.one(), person, twin, round_code="main"))
        c.refused(f"one citizen twice in a party{words}: 422, by position", answer, 422, "same_citizen_twice")
        c.checks.equal(f"the one who stands twice is named{words}", answer.json().get("position"), 3)


def last_place_held_for_another(c):
    """Many who hold a booking already ask for the only place at the same moment as one who may have it."""
    holders = [c.people.one() for _ in range(24)]
    for i in range(0, 24, 4):
        c.book(("RAMAI", day(20)), *holders[i:i + 4])
    outcomes = {"served": 0, "contended": 0, "interrupted": 0}
    wrong = []
    for i in range(1, 13):
        place, key, body = ("SATU", day(i)), new_key(), booking(("SATU", day(i)), c.people.one(), round_code="main")
        asks = [(booking(place, h, round_code="main"), new_key()) for h in holders]
        answer = book_at_once(c.node, asks[:20] + [(body, key)] + asks[20:])[20]
        # interrupted: another's key, refused meanwhile, has the same bucket of the shard's refusals; 24 of 16,384 are hit.
        while answer.code == "contended" or (answer.code == "interrupted" and outcomes["interrupted"] < 3):
            outcomes[answer.code] += 1
            answer = book(c.node, body, key)
        if answer.status in (200, 201):
            outcomes["served"] += 1
            c.acknowledged.append((body, key, content(answer)))
        else:
            wrong.append(str(answer))
    c.checks.check("the last place is held for others who are then refused: served, or asked to ask again, never full", outcomes["served"] == 12, wrong)
    c.checks.say(str(outcomes))


def same_citizen_50_groups(c):
    person = c.people.one()
    bodies = [(booking(("RAMAI", day(i)), person, round_code="main"), new_key()) for i in range(50)]
    answers = book_at_once(c.node, bodies)
    # Who was told in_progress asks again: one of the others may have it by then.
    again = [i for i, a in enumerate(answers) if a.status >= 500]
    for i in again:
        while answers[i].status >= 500:
            answers[i] = book(c.node, *bodies[i])
    codes = sorted({a.code for a in answers if a.status != 201})
    yes = [i for i, a in enumerate(answers) if a.status in (200, 201)]
    c.checks.check("same citizen, 50 sockets, 50 different groups: exactly one 201", len(yes) == 1 and codes == ["already_booked"],
                   [str(a) for a in answers if a.code != "already_booked"][:4])
    for i in yes:
        c.acknowledged.append((*bodies[i], content(answers[i])))


def party_of_four_with_one_booked(c):
    booked = c.people.one()
    c.book(("RAMAI", day(7)), booked)
    party = [c.people.one() for _ in range(4)]
    for position in range(1, 5):
        place = ("EMPAT", day(position))
        people = party[:position - 1] + [booked] + party[position:]
        answer = book(c.node, booking(place, *people, round_code="main"))
        c.refused(f"a party of four, number {position} holds a booking: none is booked", answer, 409, "already_booked")
        c.checks.check(f"and nobody is named ({position})", "position" not in answer.json(), answer)
        shown = c.node.ctl("--output", "json", "show", f"group/main/EMPAT/{day(position)}").json()
        c.checks.equal(f"nothing is stored in that group ({position})", shown.get("live"), 0)
        others = book(c.node, booking(place, *[c.people.one() for _ in range(4)], round_code="main"))
        c.checks.equal(f"nothing was left held: four others have all four places at once ({position})", others.status, 201)
    rest = book(c.node, booking(("EMPAT", day(5)), *party, round_code="main"))
    c.checks.check("and those who held no booking can book: no claim was left behind", rest.status == 201, rest)


def asked_wrongly(c):
    today = datetime.date.today()
    child = {"identity": {"type": "mykad", "number": f"{(today.year - 8) % 100:02}0101-01-1234"}, "name": "Anak"}
    old = {"identity": {"type": "passport", "country": "SGP", "number": "K1234567"}, "name": "Tua", "birth_date": "1890-01-01"}
    place = ("RAMAI", day(8))
    rows = [
        ("a date outside the round", booking(("RAMAI", day(400)), c.people.one()), 422, "date_outside_round"),
        ("an unknown centre", booking(("TIADA", day(8)), c.people.one()), 422, "unknown_centre"),
        ("an unknown window", booking(("RAMAI", day(8), "03:00"), c.people.one()), 422, "unknown_window"),
        ("an unknown round", booking(place, c.people.one(), round_code="tiada"), 422, "unknown_round"),
        ("under age", booking(place, child), 422, "under_age"),
        ("over age", booking(place, old), 422, "over_age"),
        ("a date that does not exist", booking(("RAMAI", "2021-02-30"), c.people.one()), 422, "invalid"),
        ("a party of five", booking(place, *[c.people.one() for _ in range(5)]), 422, "party_too_large"),
        ("nobody", booking(place), 422, "invalid"),
        ("an unknown field", {**booking(place, c.people.one()), "vip": True}, 422, "invalid"),
    ]
    for words, body, status, code in rows:
        c.refused(f"{words}: {code}", book(c.node, {"round": "main", **body}), status, code)
    reasons = []
    for words, number in (("a month 13", "901301-14-5678"), ("30 February", "900230-14-5678"), ("a place nobody is born in", "900101-00-5678"),
                          ("eleven digits", "900101-14-567"), ("letters", "9001O1-14-5678")):
        answer = book(c.node, booking(place, {"identity": {"type": "mykad", "number": number}, "name": "A"}, round_code="main"))
        c.refused(f"an identity number with {words}: identity_impossible", answer, 422, "identity_impossible")
        c.checks.equal(f"and the field is named ({words})", [f["field"] for f in answer.json().get("fields", [])],
                       ["people[0].identity.number"])
        reasons.append(answer.json()["fields"][0].get("reason"))
    c.checks.equal("each with a reason of its own", reasons, ["impossible_birth_date", "impossible_birth_date", "unassigned_place", "wrong_length", "not_digits"])
    for words, identity, field in (("an unknown type", {"type": "visa", "number": "900101-14-5678"}, "type"),
                                   ("a passport without its country", {"type": "passport", "number": "A1234567"}, "country"),
                                   ("a foreign passport with a MyKad number", {"type": "passport", "number": "A1234567", "country": "IDN", "mykad": "900101-14-5678"}, "mykad")):
        answer = book(c.node, booking(place, {"identity": identity, "name": "A", "birth_date": "1990-01-01"}, round_code="main"))
        c.checks.equal(f"{words} is told at that field", [f["field"] for f in answer.json().get("fields", [])], [f"people[0].identity.{field}"])
    answer = book(c.node, {"round": "main", **booking(place, child)})
    c.checks.equal("who is too young is told by how much, for pages in any language", answer.json().get("arguments"), {"age": int(day(8)[:4]) - (today.year - 8), "limit": 18})


def limits_of_text(c):
    """In characters, whatever their width, told with the limit; and what the limits permit can be booked."""
    place = ("RAMAI", day(14))
    for letter in ("a", "é", "க", "𠀀"):
        for name, most in (("name", 200), ("notes", 500), ("phone", 32), ("email", 200)):
            answer = book(c.node, booking(place, c.people.one(**{name: letter * (most + 1)}), round_code="main"))
            fields = answer.json().get("fields", [])
            c.checks.check(f"{most + 1} characters {letter} as {name} are one too many, and that is said", answer.code == "invalid" and
                           [(f["field"], f["code"], f.get("arguments")) for f in fields] ==
                           [(f"people[0].{name}", "too_long", {"length": most + 1, "limit": most})], answer)
        widest = [c.people.one(name=letter * 200, notes=letter * 500, phone=letter * 32, email=letter * 200, state="Johor") for _ in range(4)]
        body, key = json.dumps(booking(place, *widest, round_code="main"), ensure_ascii=False).encode(), new_key()  # as UTF-8, not as escapes
        c.acknowledged.append((body, key, content(confirmed(c.node, body, key))))


def one_person_several_documents(c):
    def document(kind, mykad=None):
        number = {"passport": f"A{c.checks.random.randrange(10 ** 8):08}", "army": f"T{c.checks.random.randrange(10 ** 7):07}",
                  "police": f"RF/{c.checks.random.randrange(10 ** 6):06}"}[kind]
        identity = {"type": kind, "number": number, **({"country": "MYS"} if kind == "passport" else {}), **({"mykad": mykad} if mykad else {})}
        return {"identity": identity, "name": "Warga", **({} if mykad else {"birth_date": "1970-01-01"})}

    place = ("RAMAI", day(15))
    for kind in ("passport", "army", "police"):
        one, other = c.people.one(), c.people.one()
        c.book(place, one)
        c.refused(f"who booked by MyKad, and comes with a {kind} number and the MyKad number: already_booked",
                  book(c.node, booking(place, document(kind, one["identity"]["number"]), round_code="main")), 409, "already_booked")
        c.book(place, document(kind, other["identity"]["number"]))
        c.refused(f"who booked by a {kind} number with the MyKad number, and comes with the MyKad: already_booked",
                  book(c.node, booking(place, other, round_code="main")), 409, "already_booked")
        third = c.people.one()
        c.refused(f"in one party with MyKad and {kind}: same_citizen_twice",
                  book(c.node, booking(place, third, document(kind, third["identity"]["number"]), round_code="main")), 422, "same_citizen_twice")
        c.refused(f"in a party by a {kind} number, booked by MyKad: already_booked",
                  book(c.node, booking(place, c.people.one(), document(kind, one["identity"]["number"]), round_code="main")), 409, "already_booked")
    c.book(place, document("passport"))


def closed_window(c):
    place = ("RAMAI", day(9))
    done = c.node.ctl("capacity", "main", "RAMAI", day(9), "0", "--reason", "hall flooded")
    answer = book(c.node, booking(place, c.people.one(), round_code="main"))
    c.refused("a closed window: window_closed", answer, 409, "window_closed")
    c.checks.check("with other places that are free", len(answer.json().get("alternatives", [])) > 0, answer)
    opened = c.node.ctl("capacity", "main", "RAMAI", day(9), "10", "--reason", "dry again")
    answer = book(c.node, booking(place, c.people.one(), round_code="main"))
    c.checks.check("and when it has places again they can be booked", done.code == 0 and opened.code == 0 and answer.status == 201, answer)


def before_the_opening_and_after_the_end(c):
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    place = ("AWAL", day(0))
    rounds = {"early": {"opens_at": soon}, "over": {"closes_at": "2021-06-01T00:00:00+08:00"}}
    for code, settings in rounds.items():
        made = Round(c.checks.directory, code, [(*place, *TIMES, 5)], **settings)
        c.checks.check(f"the round {code} can be imported and opened", made.import_into(c.node).code == 0 and
                       c.node.ctl("round", "open", code).code == 0)
    answer = book(c.node, booking(place, c.people.one(), round_code="early"))
    c.refused("before the opening: not_open", answer, 409, "not_open")
    c.checks.check("and the citizen is told when it opens", answer.json().get("opens_at") and answer.json().get("retry_after_ms", 0) > 0, answer)
    c.refused("after the end: closed", book(c.node, booking(place, c.people.one(), round_code="over")), 409, "closed")
    yesterday = Round(c.checks.directory, "yesterday", [("AWAL", day(-61), *TIMES, 5), ("AWAL", day(0), *TIMES, 5)]).open_on(c.node)
    answer = book(c.node, booking(("AWAL", day(-61)), c.people.one(), round_code=yesterday.code))
    c.refused("a day that is over: window_over", answer, 409, "window_over")
    c.checks.equal("and what is offered instead is ahead", [a["date"] for a in answer.json().get("alternatives", [])], [day(0)])
    held = confirmed(c.node, booking(("AWAL", day(0)), c.people.one(), round_code=yesterday.code))["bookings"][0]
    moved = manage(c.node, "PATCH", held, {"centre": "AWAL", "date": day(-61)})
    c.refused("nothing is moved into a day that is over", moved, 409, "window_over")
    Round(c.checks.directory, "imported", [(*place, *TIMES, 5)]).import_into(c.node)
    c.refused("imported and not opened: not_open", book(c.node, booking(place, c.people.one(), round_code="imported")), 409, "not_open")


def while_paused(c):
    body, key, said = c.book(("RAMAI", day(10)), c.people.one())
    reason = "Bekalan elektrik terputus, cuba lagi pukul 3"
    c.node.ctl("round", "pause", "main", "--reason", reason)
    answer = book(c.node, booking(("RAMAI", day(10)), c.people.one(), round_code="main"))
    c.refused("while paused: paused", answer, 409, "paused")
    c.checks.equal("with the reason that the operator gave", answer.json().get("detail"), reason)
    looked = manage(c.node, "GET", said["bookings"][0])
    c.checks.check("a booking can be looked up meanwhile", looked.status == 200, looked)
    again = book(c.node, body, key)
    c.checks.check("and its key still gets its answer", again.status == 200 and content(again) == content(said), again)
    to = {"centre": "RAMAI", "date": day(16)}
    c.refused("a move while paused: paused", manage(c.node, "PATCH", said["bookings"][0], to), 409, "paused")
    c.node.ctl("round", "resume", "main")
    again = book(c.node, body, key)
    c.checks.check("and after the pause the repeated key gets its answer", again.status == 200 and content(again) == content(said), again)


def what_no_program_should_send(c):
    node = c.node
    key = {"Idempotency-Key": new_key()}
    deep = b'{"people":' + b"[" * 3000 + b"]" * 3000 + b"}"
    rows = [
        ("not JSON", "POST", BOOKINGS, b"{]", key, 400, "malformed_json"),
        ("JSON nested 3,000 deep", "POST", BOOKINGS, deep, key, 400, "malformed_json"),
        ("a list instead of an object", "POST", BOOKINGS, b"[]", key, 400, "malformed_json"),
        ("a short Idempotency-Key", "POST", BOOKINGS, b"{}", {"Idempotency-Key": "1"}, 400, "bad_idempotency_key"),
        ("40 kB", "POST", BOOKINGS, b" " * 40000, key, 413, "body_too_large"),
        ("an address that is not there", "GET", "/api/v1/nothing", None, {}, 404, "no_such_endpoint"),
        ("a method that is not known there", "PUT", BOOKINGS, b"{}", key, 405, "method_not_allowed"),
        ("a form", "POST", BOOKINGS, b"a=b", {**key, "Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("a reference that nobody has", "GET", f"{BOOKINGS}/7K3M-92QX-4T8B-E", None, {"Authorization": "Bearer x"}, 404, "not_found"),
    ]
    for words, method, path, body, headers, status, code in rows:
        c.refused(f"{words}: {code}", request(node.port, method, path, body, headers), status, code)
    answer = request(node.admin_port, "GET", "/admin/v1/status", headers={"Authorization": "Bearer wrong-wrong-wrong-wrong"})
    c.refused("an operator without the token: unauthorised", answer, 401, "unauthorised")


def one_bad_line_in_10000(c):
    lines = [("C%04d" % (i // 50), day(i % 50), "09:00", "17:00", 10) for i in range(10000)]
    made = Round(c.checks.directory, "big", lines)
    with open(made.file("slots.csv")) as file:
        good = file.read().split("\n")
    at = c.checks.random.randrange(1, 10001)
    bad = list(good)
    bad[at] = bad[at].replace("17:00", "25:00")
    made.write("slots.csv", "\n".join(bad))
    done = made.import_into(c.node)
    c.checks.check("a CSV with one bad line in 10,000 is refused: file, line and column are named",
                   done.code == 1 and re.search(rf"slots\.csv:{at + 1}:\d+: closes:", done.err) and "nothing was imported" in done.err, done)
    c.checks.equal("and only that line", done.err.count("slots.csv:"), 1)
    known = [r["code"] for r in request(c.node.port, "GET", "/api/v1/rounds").json()["rounds"]]
    c.checks.check("nothing of it was imported", "big" not in known, known)
    made.write("slots.csv", "\n".join(good))
    dry = made.import_into(c.node, "--dry-run")
    known = [r["code"] for r in request(c.node.port, "GET", "/api/v1/rounds").json()["rounds"]]
    c.checks.check("the mended file would be imported, says a dry run, which imports nothing", dry.code == 0 and "big" not in known, dry)
    with open(made.file("round.toml")) as file:
        settings = file.read()
    made.write("round.toml", settings + "min_age = 60\n")
    done = made.import_into(c.node)
    line = settings.count("\n") + 1
    c.checks.check("a misspelt setting of a round: which, in which line and column, and nothing imported", done.code == 1 and
                   f"round.toml:{line}:1: min_age: There is no such setting" in done.err and "is age_min meant?" in done.err and "nothing was imported" in done.err, done)
    made.write("round.toml", settings)
    done = made.import_into(c.node)
    c.checks.check("and is", done.code == 0, done)


def booked_and_cancelled_without_end(c):
    """Parties with the longest notes: what one citizen can write ends, and what is refused writes nothing."""
    times = 3
    Round(c.checks.directory, "few", [("SEDIKIT", day(i), *TIMES, 400) for i in range(2)], changes_max=times).open_on(c.node)
    party = [c.people.one(notes="\U00020bb7" * 500) for _ in range(4)]
    written = lambda: c.node.admin("GET", "/admin/v1/status").json()["log_bytes"]  # noqa: E731

    def at_rest():
        seen = [written()]
        wait_until(lambda: seen.append(written()) or seen[-1] == seen[-2], 30, "nothing is written any more")
        return seen[-1]

    before, asked = at_rest(), []
    for _ in range(times):
        body, key = booking(("SEDIKIT", day(0)), *party, round_code="few"), new_key()
        said = confirmed(c.node, body, key)
        asked.append((body, key, content(said)))
        for one in said["bookings"]:
            manage(c.node, "DELETE", one)
    taken = at_rest() - before
    c.checks.check("a party that books and cancels three times writes some 10 kB each time", 24_000 < taken < 60_000, taken)
    told = c.node.ctl("round", "preflight", "few")
    c.checks.check("preflight knows how much all of them could write", "if each of 800 citizens makes 3 changes" in told.out, told)
    rest = at_rest()
    for who, words in ((party, "the party"), (party[:1], "one of them alone"), (list(reversed(party)), "in another order")):
        for offset in range(2):
            c.refused(f"another time, {words}, on day {offset}: changes_spent", book(c.node, booking(("SEDIKIT", day(offset)), *who, round_code="few")), 409, "changes_spent")
    answers = book_at_once(c.node, [(booking(("SEDIKIT", day(i % 2)), *party, round_code="few"), new_key()) for i in range(50)])
    c.checks.check("and from 50 sockets at once", {a.code for a in answers} <= {"changes_spent", "in_progress"}, sorted({str(a.code) for a in answers}))
    c.checks.equal("all that wrote nothing", at_rest(), rest)
    again = [book(c.node, body, key) for body, key, _ in asked]
    c.checks.check("each key has its first answer", all(a.status == 200 and content(a) == known for a, (_, _, known) in zip(again, asked)), [str(a) for a in again][:2])
    other = c.people.one()
    c.refused("with somebody who has changes left: nobody is named", book(c.node, booking(("SEDIKIT", day(0)), other, party[0], round_code="few")), 409, "changes_spent")
    c.checks.equal("who books alone", book(c.node, booking(("SEDIKIT", day(0)), other, round_code="few")).status, 201)
    c.checks.equal("in another round they have changes of their own", book(c.node, booking(("RAMAI", day(11)), party[0], round_code="main")).status, 201)
    c.node.kill()
    c.node.start().ready()
    c.refused("after kill -9 too", book(c.node, booking(("SEDIKIT", day(1)), party[1], round_code="few")), 409, "changes_spent")
    release = {"round": "few", "identity": party[1]["identity"], "reason": "card seen"}
    done = c.node.admin("POST", "/admin/v1/claims/release", release)
    c.checks.check("staff let one begin anew", done.status == 200, done)
    said = book(c.node, booking(("SEDIKIT", day(1)), party[1], round_code="few"))
    c.checks.check("who books again", said.status == 201, said)


def an_import_that_breaks_off(c):
    """A large body is read while it comes; of one that does not end nothing is left, in memory or on the disk."""
    def files():
        return sorted(os.path.join(d, f) for d, _, names in os.walk(c.node.data) for f in names if not f.endswith(".sst"))

    def begin(path, token, size, start):
        sock = socket.create_connection(("127.0.0.1", c.node.admin_port))
        sock.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {size}\r\n\r\n".encode() + start)
        return sock

    token, mb = c.node.token(), 1 << 20
    before, there = c.node.memory_mb(), files()
    start = b'{"round":{"code":"half"},"slot_groups":{"file":"s.csv","text":"' + b"x" * (40 * mb)
    sock = begin("/admin/v1/rounds", token, 60 * mb, start)
    wait_until(lambda: c.node.memory_mb() > before + 30, 30, "it is being read")
    c.checks.check("an upload that is under way takes what its files take, and no more", c.node.memory_mb() < before + 60, (before, c.node.memory_mb()))
    sock.close()
    wait_until(lambda: c.node.memory_mb() < before + 10, 30, "its memory is given back")
    c.checks.equal("one that breaks off leaves no file", files(), there)
    for words, sent, status, code in (("no JSON", b"[" + b"x" * mb, 400, "malformed_json"), ("settings without end", b'{"round":{"name":"' + b"x" * mb, 413, "body_too_large"),
                                      ("a part twice", b'{"round":{},"round":{}}', 400, "malformed_json")):
        with begin("/admin/v1/rounds", token, len(sent), sent) as sock:
            c.refused(f"an import with {words}: {code}", read_answer(sock), status, code)
    with begin("/admin/v1/rounds", "wrong", 90 * mb, b"") as sock:
        c.refused("without the token not a byte is waited for", read_answer(sock), 401, "unauthorised")


def after_a_restart(c):
    """Once after an orderly stop, once after kill -9: all that was acknowledged above is asked for again, 50 sockets at a time."""
    for how in ("an orderly stop", "kill -9"):
        if how == "kill -9":
            c.node.kill()
        else:
            c.checks.equal("the node stops in an orderly way", c.node.stop(), 0)
        c.node.start().ready()
        wrong = []
        for i in range(0, len(c.acknowledged), 25):
            part = c.acknowledged[i:i + 25]
            asks = [("POST", BOOKINGS, body, {"Idempotency-Key": key}) for body, key, _ in part for _ in range(2)]
            for answer, told in zip(at_once(c.node.port, asks), [told for _, _, told in part for _ in range(2)]):
                if answer.status != 200 or content(answer) != told:
                    wrong.append(str(answer))
        c.checks.check(f"after {how} all {len(c.acknowledged)} keys get the same answer, asked twice at once", not wrong, wrong[:3])
    done = c.node.ctl("audit")
    c.checks.check("and the audit is clean", done.code == 0, done)


ROWS = [same_key_and_body_twice, same_key_from_50_sockets, same_key_after_the_group_filled, key_reuse, somebody_elses_identity,
        one_citizen_twice_in_a_party, last_place_held_for_another, same_citizen_50_groups, party_of_four_with_one_booked, asked_wrongly,
        limits_of_text, one_person_several_documents, closed_window, before_the_opening_and_after_the_end, while_paused, what_no_program_should_send, one_bad_line_in_10000, booked_and_cancelled_without_end,
        an_import_that_breaks_off, after_a_restart]
