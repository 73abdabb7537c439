"""Synthetic citizens, rounds of our own, and what they ask a node for."""
import datetime
import os
import secrets

from checks import Stop, wait_until
from http_client import at_once, request
from node import ROOT

BOOKINGS = "/api/v1/bookings"
DEMO = os.path.join(ROOT, "configs", "demo")
DEMO_ROUND = os.path.join(ROOT, "tests", "acceptance", "demo-round.toml")  # with which its days of 2021 can be booked


def new_key():
    return secrets.token_urlsafe(18)


class People:
    """Adults, no two with the same identity number."""

    def __init__(self, random):
        self.random = random
        self.used = set()

    def one(self, **fields):
        number = None
        while number is None or number in self.used:
            birth = datetime.date(1950, 1, 1) + datetime.timedelta(self.random.randrange(40 * 365))
            number = f"{birth:%y%m%d}-{self.random.randrange(1, 17):02}-{self.random.randrange(10000):04}"
        self.used.add(number)
        return {"identity": {"type": "mykad", "number": number}, "name": f"Warga {number[-4:]}", **fields}


def booking(place, *people, round_code=None):
    """place: centre, date[, window]."""
    body = {"centre": place[0], "date": place[1], "people": list(people)}
    if len(place) > 2:
        body["window"] = place[2]
    if round_code:
        body["round"] = round_code
    return body


def book(node, body, key=None):
    return request(node.port, "POST", BOOKINGS, body, {"Idempotency-Key": key or new_key()})


def confirmed(node, body, key=None):
    """A booking without which the rest of a part makes no sense."""
    answer = book(node, body, key)
    if answer.status != 201:
        raise Stop(f"a booking was not confirmed: {answer}")
    return answer.json()


def book_at_once(node, bodies_and_keys):
    return at_once(node.port, [("POST", BOOKINGS, body, {"Idempotency-Key": key}) for body, key in bodies_and_keys])


def manage(node, method, one, body=None, key=None):
    """Looks up (GET), cancels (DELETE) or moves (PATCH) one of an answer's bookings."""
    headers = {"Authorization": f"Bearer {one['manage_token']}"}
    if method != "GET":
        headers["Idempotency-Key"] = key or new_key()
    return request(node.port, method, f"{BOOKINGS}/{one['reference']}", body, headers)


def content(answer):
    """What must be the same each time a confirmed request is repeated. A receipt's proof may differ, what it states may not."""
    said = answer if isinstance(answer, dict) else answer.json()
    return (said.get("round"), said.get("centre"), said.get("date"), str(said.get("window")),
            tuple((b["position"], b["reference"], b["manage_token"]) for b in said.get("bookings", [])))


def places_shown(node, round_code, state):
    return request(node.port, "GET", f"/api/v1/availability?round={round_code}&state={state}").status == 200


def day(offset):
    """Days from now on, so that ages on the day are what they are today."""
    return (datetime.date.today() + datetime.timedelta(60 + offset)).isoformat()


class Round:
    """A round's three files. groups: (centre, date, opens, closes, capacity)."""

    def __init__(self, directory, code, groups, **settings):
        self.code = code
        self.directory = os.path.join(directory, f"round-{code}")
        os.makedirs(self.directory, exist_ok=True)
        words = {"code": code, "name": f"Round {code}", "time_zone": "Asia/Kuala_Lumpur", "opens_at": "2021-05-26T12:00:00+08:00",
                 "closes_at": "2099-12-31T23:59:59+08:00", "age_min": 18, "age_max": 120, "party_max": 4, **settings}
        self.write("round.toml", "".join(f"{k} = {v if isinstance(v, int) else chr(34) + v + chr(34)}\n" for k, v in words.items()))
        centres = sorted({g[0] for g in groups})
        self.write("centres.csv", "code,name,state,district,latitude,longitude\n" +
                   "".join(f"{c},Dewan {c},Johor,Kluang,2.03,103.32\n" for c in centres))
        self.write("slots.csv", "centre,date,opens,closes,capacity\n" + "".join(",".join(map(str, g)) + "\n" for g in groups))

    def file(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.file(name), "w") as out:
            out.write(text)

    def import_into(self, node, *options):
        return node.ctl("round", "import", "--round", self.file("round.toml"), "--centres", self.file("centres.csv"), "--slots",
                        self.file("slots.csv"), *options)

    def open_on(self, node):
        for done in (self.import_into(node), node.ctl("round", "open", self.code)):
            if done.code != 0:
                raise Stop(f"the round {self.code} could not be opened: {done}")
        wait_until(lambda: places_shown(node, self.code, "Johor"), 30, "the free places can be read")
        return self


def open_demo(node):
    imported = node.ctl("round", "import", "--round", DEMO_ROUND, "--centres", f"{DEMO}/centres.csv", "--slots",
                        f"{DEMO}/slot-groups.csv")
    opened = node.ctl("round", "open", "2021-3")
    if imported.code != 0 or opened.code != 0:
        raise Stop(f"the demo round could not be opened: {imported} {opened}")
    wait_until(lambda: places_shown(node, "2021-3", "Johor"), 30, "the free places can be read")
