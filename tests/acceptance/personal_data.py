"""Marked personal data is planted in requests of every kind; then every byte that was written is searched for it.

Searched for as it is and as programs would write it by accident: hexadecimal, base 64 at each of its three offsets, percent
and JSON escapes, UTF-16, backwards, without separators, in capitals or not."""
import base64
import gzip
import os
import socket
import zlib

from checks import run
from citizens import BOOKINGS, Round, booking, book, day, manage, new_key
from http_client import at_once, request
from node import Node, ctl

PASSPORT_COUNTRY = "SGP"


class Marks:
    """Values that stand nowhere else, drawn anew each time."""

    def __init__(self, random):
        self.random = random
        self.values = []
        self.echoed = set()  # names of fields: who sent them is told which one is not known, nobody else is
        self.count = 0

    def letters(self, size):
        return "".join(self.random.choice("bcdfghjkmpqrstvwxz") for _ in range(size))

    def planted(self, value):
        self.values.append(value)
        return value

    def person(self, passport=False, mykad=False):
        self.count += 1
        tail = f"{self.random.randrange(10 ** 4):04}"
        person = {"name": self.planted(f"Zz{self.letters(9)}é {self.letters(8)}"), "phone": self.planted(f"+6019{self.random.randrange(10 ** 8):08}"),
                  "email": self.planted(f"{self.letters(12)}@{self.letters(6)}.example"), "notes": self.planted(f"nota {self.letters(24)}")}
        if mykad:
            beside = self.planted(f"{50 + self.count:02}0203-07-{tail}")
            return {**person, "identity": {"type": "passport", "country": "MYS", "number": self.planted(f"A{self.random.randrange(10 ** 8):08}"), "mykad": beside}}
        if passport:
            number = self.planted(f"Q{self.random.randrange(10 ** 7):07}{self.letters(1).upper()}")
            return {**person, "identity": {"type": "passport", "country": PASSPORT_COUNTRY, "number": number}, "birth_date": "1979-11-23"}
        number = f"{50 + self.count:02}{self.random.randrange(1, 13):02}{self.random.randrange(1, 28):02}-{self.random.randrange(1, 17):02}-{tail}"
        return {**person, "identity": {"type": "mykad", "number": self.planted(number)}}


def disguises(value):
    """The ways in which a value might lie in a file."""
    plain = {value, value.replace("-", ""), value.replace("+", ""), value[::-1], value.upper(), value.lower()}
    out = set()
    for text in plain:
        data = text.encode()
        out |= {data, data.hex().encode(), data.hex().upper().encode(), text.encode("utf-16-le"), text.encode("utf-16-be")}
        out.add("".join(c if ord(c) < 128 else f"\\u{ord(c):04x}" for c in text).encode())
        out.add("".join(c if c.isalnum() and ord(c) < 128 else "".join(f"%{b:02X}" for b in c.encode()) for c in text).encode())
        for offset in range(3):  # whatever stands before it; the letters that depend on it are left away
            whole = base64.b64encode(b"\0" * offset + data)
            body = whole[(offset * 8 + 5) // 6:len(whole) - 4]
            out |= {body, body.replace(b"+", b"-").replace(b"/", b"_")}
    return {one for one in out if len(one) >= 8}


def unpacked(data):
    """What is compressed is searched too."""
    yield data
    at = data.find(b"\x1f\x8b\x08")
    while at >= 0:
        try:
            yield zlib.decompressobj(31).decompress(data[at:])
        except zlib.error:
            pass
        at = data.find(b"\x1f\x8b\x08", at + 1)


class Search:
    def __init__(self, marks):
        self.needles = {one: value for value in marks.values for one in disguises(value)}

    def found_in(self, data):
        return sorted({self.needles[n] for part in unpacked(data) for n in self.needles if n in part})

    def found_under(self, directory):
        found, files, size = {}, 0, 0
        for where, _, names in os.walk(directory):
            for name in names:
                with open(os.path.join(where, name), "rb") as file:
                    data = file.read()
                files, size = files + 1, size + len(data)
                if marks := self.found_in(data):
                    found[os.path.join(where, name)] = marks[:3]
        return found, files, size


class Test:
    def __init__(self, checks):
        self.checks = checks
        self.marks = Marks(checks.random)
        self.node = Node(checks)
        self.answers = []  # whole, with their headers
        self.said = []     # what programs printed

    def sent(self, words, answer, status):
        self.answers.append(repr(answer.headers).encode() + b"\n" + answer.body)
        self.checks.check(f"planted: {words}", answer.status == status, answer)
        return answer

    def ctl(self, *arguments):
        done = self.node.ctl(*arguments)
        self.said.append((done.out + done.err).encode())
        return done


def plant_bookings(t):
    node, marks = t.node, t.marks
    one, passport = marks.person(), marks.person(passport=True)
    key = new_key()
    body = booking(("DATA", day(0)), one, round_code="main")
    said = t.sent("a booking", book(node, body, key), 201).json()
    t.sent("the same again", book(node, body, key), 200)
    t.sent("a booking with a passport", book(node, booking(("DATA", day(0)), passport, round_code="main")), 201)
    t.sent("a booking with a passport and a MyKad number", book(node, booking(("DATA", day(0)), marks.person(mykad=True), round_code="main")), 201)
    t.sent("a party", book(node, booking(("DATA", day(1)), *[marks.person() for _ in range(4)], round_code="main")), 201)
    t.sent("a second booking", book(node, booking(("DATA", day(1)), {**marks.person(), "identity": one["identity"]}, round_code="main")), 409)
    t.sent("the key with another body", book(node, booking(("DATA", day(0)), {**one, "notes": marks.planted("lain " + marks.letters(20))},
                                                           round_code="main"), key), 422)
    t.sent("a look-up", manage(node, "GET", said["bookings"][0]), 200)
    t.sent("a move", manage(node, "PATCH", said["bookings"][0], {"centre": "DATA", "date": day(1), "window": "09:00"}), 200)
    t.sent("a move with a person in it", manage(node, "PATCH", said["bookings"][0], {"centre": "DATA", "date": day(0), **marks.person()}), 422)
    t.sent("a cancellation", manage(node, "DELETE", said["bookings"][0]), 200)
    release = {"round": "main", "identity": passport["identity"], "reason": "card seen"}
    t.sent("a disputed claim that is released", node.admin("POST", "/admin/v1/claims/release", release), 200)


def plant_refusals(t):
    node, marks = t.node, t.marks
    child = marks.person(passport=True)
    rows = [("under age", {**child, "birth_date": f"{int(day(0)[:4]) - 3}-01-01"}), ("an unknown field", {**marks.person(), "vip": marks.planted(marks.letters(16))}),
            ("a name that is too long", {**marks.person(), "name": marks.planted(marks.letters(12)) * 40}),
            ("an unknown state", {**marks.person(), "state": marks.planted(marks.letters(14))}),
            ("a date of birth that contradicts", {**marks.person(), "birth_date": "1990-01-01"}),
            ("a passport of no country", {**marks.person(passport=True), "identity": {"type": "passport", "country": marks.planted(marks.letters(12)),
                                                                                     "number": marks.planted("Q7654" + marks.letters(5))}}),
            ("an identity of an unknown kind", {**marks.person(), "identity": {"type": marks.planted(marks.letters(10)), "number": "1"}}),
            ("a MyKad number with a foreign passport", {**marks.person(), "identity": {**marks.person(passport=True)["identity"], "mykad": marks.planted("770707-07-" + f"{marks.random.randrange(10 ** 4):04}")}}),
            ("an impossible number", {**marks.person(), "identity": {"type": "mykad", "number": marks.planted(f"991399-14-{marks.random.randrange(10 ** 4):04}")}})]
    name = marks.planted(marks.letters(15))
    marks.echoed.add(name)
    rows.append(("a field whose name is a person's", {**marks.person(), name: "x"}))
    for words, person in rows:
        t.sent(words, book(node, booking(("DATA", day(0)), person, round_code="main")), 422)
    t.sent("an unknown centre", book(node, booking((marks.planted(marks.letters(12)), day(0)), marks.person(), round_code="main")), 422)
    t.sent("a full window", book(node, booking(("PENUH", day(0)), marks.person(), round_code="main")), 201)
    t.sent("a full window, refused", book(node, booking(("PENUH", day(0)), marks.person(), round_code="main")), 409)
    person = marks.person()
    twins = at_once(node.port, [("POST", BOOKINGS, booking(("DATA", day(i % 2)), person, round_code="main"), {"Idempotency-Key": new_key()})
                                for i in range(20)])
    t.answers += [a.body for a in twins]
    t.checks.check("planted: one citizen from 20 sockets", sum(a.status == 201 for a in twins) == 1, [str(a) for a in twins[:2]])


def plant_malformed(t):
    node, marks = t.node, t.marks
    name, number = marks.planted(marks.letters(18)), marks.planted("880808-07-" + f"{marks.random.randrange(10 ** 4):04}")
    rows = [("broken JSON", f'{{"people":[{{"name":"{name}","identity":{{"number":"{number}"'.encode(), {}, 400),
            ("a form instead of JSON", f"name={name}&number={number}".encode(), {"Content-Type": "application/x-www-form-urlencoded"}, 415),
            ("far too much", f'{{"name":"{name}",'.encode() + b" " * 40000, {}, 413),
            ("a key that cannot be one", b"{}", {"Idempotency-Key": f"{name} {number}"}, 400)]
    for words, body, headers, status in rows:
        t.sent(words, request(node.port, "POST", BOOKINGS, body, {"Idempotency-Key": new_key(), **headers}), status)
    t.sent("an address with a name in it", request(node.port, "GET", f"/api/v1/{name}?number={number}"), 404)
    t.sent("a state with a name in it", request(node.port, "GET", f"/api/v1/availability?state={name}"), 422)
    t.sent("a reference that is a number", request(node.port, "GET", f"{BOOKINGS}/{number}", headers={"Authorization": f"Bearer {name}"}), 404)
    t.sent("a request id that is a name", request(node.port, "GET", "/api/v1/rounds", headers={"X-Request-Id": f"{name} {number}"}), 200)
    for words, wire in (("no HTTP at all", f"{name} {number}\r\n\r\n"), ("a header without end", f"POST {BOOKINGS} HTTP/1.1\r\nX-{name}: {number}\r\n")):
        with socket.create_connection(("127.0.0.1", node.port), timeout=30) as sock:
            sock.sendall(wire.encode())
            sock.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda s=sock: s.recv(65536), b""))
        t.answers.append(answer)
        t.checks.check(f"planted: {words}", not answer or answer.startswith(b"HTTP/1.1 4"), answer[:300])


def look_as_operators_do(t):
    for arguments in (("status",), ("round", "list"), ("round", "figures", "main"), ("--output", "json", "audit"), ("audit", "--online"), ("export",),
                      ("disk",), ("show", f"group/main/DATA/{day(0)}"), ("show", "shard/0")):
        done = t.ctl(*arguments)
        t.checks.check(f"janjictl {' '.join(arguments[:2])} answers", done.code == 0, done)
    for answer in t.answers[:3]:
        at = answer.find(b'"reference":"')
        if at >= 0:
            t.ctl("show", "booking/" + answer[at + 13:at + 29].split(b'"')[0].decode())
    for path in ("/metrics", "/readyz?verbose", "/api/v1/figures", "/api/v1/rounds"):
        t.answers.append(request(t.node.port, "GET", path).body)


def opened_by_operators(t):
    """What is opened for them stands in what they asked for, and nowhere else; nothing_found() looks there afterwards."""
    node, checks, marks = t.node, t.checks, t.marks
    person = marks.person()
    one = book(node, booking(("DATA", day(1)), person, round_code="main")).json()["bookings"][0]
    of_day = ("unseal", "--round", "main", "--centre", "DATA", "--date", day(1))
    opened = lambda: [e for e in node.ctl("--output", "json", "trail").json() if e["what"].startswith("unseal")]  # noqa: E731
    path = checks.path("opened.ndjson")
    for words, arguments in (("without a reason", ("unseal", one["reference"])), ("with a blank one", ("unseal", one["reference"], "--reason", " ")),
                             ("into a directory that is not there", (*of_day, "--reason", "x", "--to", checks.path("none", "x"))),
                             ("into what is no file", (*of_day, "--reason", "x", "--to", checks.directory)),
                             ("of a booking and a day at once", (*of_day, one["reference"], "--reason", "x")),
                             ("of a reference with a slip", ("unseal", one["reference"][:-1] + ("1" if one["reference"][-1] != "1" else "2"), "--reason", "x"))):
        done = t.ctl(*arguments)
        checks.check(f"janjictl unseal {words} opens nothing and says why", done.code != 0 and done.err and not done.out, done)
    checks.equal("and nothing of it is in the trail", opened(), [])
    dry = t.ctl("--dry-run", *of_day, "--reason", "how many?")
    checks.check("janjictl --dry-run unseal says how many it would be", dry.code == 0 and "would open" in dry.out and not opened(), dry)
    said = node.ctl("unseal", one["reference"], "--reason", "the clinic rang")
    checks.check("janjictl unseal opens one booking", said.code == 0 and all(person[f] in said.out for f in ("name", "phone", "email", "notes")), said)
    for kind in ("ndjson", "csv"):
        done = t.ctl(*of_day, "--reason", "the day's list", "--format", kind, "--to", path)
        with open(path) as file:
            text = file.read()
        checks.check(f"janjictl unseal writes a day as {kind}, 0600", done.code == 0 and os.stat(path).st_mode & 0o777 == 0o600 and
                     all(person[f] in text for f in ("name", "phone", "email", "notes")), (done, len(text)))
    checks.check("nothing else is left beside it", [n for n in os.listdir(checks.directory) if n.startswith("opened")] == ["opened.ndjson"], os.listdir(checks.directory))
    full = node.ctl(*of_day, "--reason", "to a full disk", "--to", "/dev/full")
    checks.check("what is no file is not written to", full.code != 0 and "/dev/full" in full.err, full)
    checks.check("the trail says who, why and what", [(e["by"], e["detail"]) for e in opened()] ==
                 [("admin token", "the day's list")] * 2 + [("admin token", "the clinic rang")], opened())
    t.ctl("trail")
    new = checks.path("rotated.key")
    with open(os.open(new, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write(os.urandom(32).hex())
    checks.equal("the master key is rotated", node.ctl("keys", "rotate", "--new-master-key-file", new).code, 0)
    again = node.ctl("unseal", one["reference"], "--reason", "after a rotation")
    checks.check("it opens what was sealed before", again.code == 0 and person["name"] in again.out, again)
    os.remove(path)
    os.replace(new, os.path.join(node.data, "master.key"))


def self_test(t, search):
    """The search finds what is there, however it lies there: else it would prove nothing."""
    value = t.checks.random.choice([v for v in t.marks.values if len(v) >= 12])
    data = value.encode()
    ways = {"plain": data, "in hexadecimal": data.hex().encode(), "in base 64": base64.b64encode(b"ab" + data + b"cd"), "in UTF-16": value.encode("utf-16-le"),
            "compressed": gzip.compress(b"before " + data), "within other bytes": os.urandom(5000) + data + os.urandom(5000)}
    for words, laid in ways.items():
        path = t.checks.path("laid")
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "file"), "wb") as out:
            out.write(laid)
        found, _, _ = search.found_under(path)
        t.checks.check(f"the search finds a value that lies there {words}", found, value)


def nothing_found(t, search):
    files = {}
    for words, stop in (("while the node runs", None), ("after kill -9", t.node.kill), ("after an orderly stop", t.node.stop)):
        if words == "after an orderly stop":
            t.node.start("--log-level", "trace", "--set", "log.one_request_of=1").ready()
        if stop:
            stop()
        found, count, size = search.found_under(t.node.data)
        files[words] = size
        t.checks.check(f"no personal data in the {count} files of the data directory, {words}", count > 5 and not found, found)
    t.checks.check("and the records are there, sealed", max(files.values()) > 30 * 300, files)
    with open(t.node.log, "rb") as log, open(t.node.out, "rb") as out:
        said, printed = log.read(), out.read()
    t.checks.check(f"none in the {len(said)} bytes of the log at level debug", b"request=" in said and not search.found_in(said), search.found_in(said))
    t.checks.check("none on standard output", b"serving" in printed and not search.found_in(printed), search.found_in(printed))
    wrong = [(a, f) for a in t.answers if (f := set(search.found_in(a)) - t.marks.echoed)]
    t.checks.check(f"none in {len(t.answers)} answers, refusals among them", len(t.answers) > 30 and not wrong, wrong[:3])
    wrong = [f for s in t.said if (f := search.found_in(s))]
    t.checks.check(f"none in {len(t.said)} outputs of janjictl", len(t.said) > 8 and not wrong, wrong[:3])


def parts(checks):
    t = Test(checks)
    t.node.start("--log-level", "debug", "--set", "log.one_request_of=1", "--set", "store.snapshot_every_events=16").ready()
    groups = [("DATA", day(i), "09:00", "17:00", 50) for i in range(2)] + [("PENUH", day(0), "09:00", "17:00", 1)]
    Round(checks.directory, "main", groups).open_on(t.node)
    for plant in (plant_bookings, plant_refusals, plant_malformed, look_as_operators_do, opened_by_operators):
        checks.part(plant, t)
    search = Search(t.marks)
    checks.say(f"{len(t.marks.values)} marked values, {len(search.needles)} ways to write them")
    checks.part(self_test, t, search)
    checks.part(nothing_found, t, search)
    done = ctl("--data", t.node.data, "audit")
    checks.check("and the audit is clean", done.code == 0, done)


if __name__ == "__main__":
    run("personal_data", parts)
