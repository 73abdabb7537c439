"""Every verb and option that an operator can type, end to end against a real node."""
import json
import os
import signal

import cli_import
import cli_load
import cli_trouble
from checks import run, wait_until
from citizens import People, Round, book, booking, confirmed, content, day, manage, new_key
from node import Node, call, ctl, program

GROUPS = [("DEWAN", day(i), "09:00", "17:00", 40) for i in range(4)]
OVER = ("DEWAN", day(0))


class Cli:
    def __init__(self, checks):
        self.checks = checks
        self.people = People(checks.random)
        self.node = Node(checks)
        self.node.start().ready()
        self.told = []

    def ctl(self, *arguments):
        return self.node.ctl(*arguments)

    def json(self, *arguments):
        return self.node.ctl("--output", "json", *arguments).json()

    def works(self, words, *arguments, says="", code=0):
        done = self.ctl(*arguments)
        return self.checks.check(words, done.code == code and says in done.out + done.err, f"expected exit {code} and {says!r}, got {done}")

    def book(self, place=OVER, count=1):
        for _ in range(count):
            key, body = new_key(), booking(place, self.people.one(), round_code="main")
            self.told.append((body, key, confirmed(self.node, body, key)))
        return self.told[-1][2]

    def state(self):
        return {r["code"]: r["state"] for r in self.json("round", "list").get("rounds", [])}

    def all_there(self, words):
        wrong = [a for body, key, said in self.told if content(a := book(self.node, body, key)) != content(said)]
        self.checks.check(f"{words}: all {len(self.told)} bookings are there", not wrong, [str(a) for a in wrong[:2]])


def help_of_everything(c):
    for name in ("janjid", "janjictl", "janji-load"):
        done = call(program(name), "--help")
        c.checks.check(f"{name} --help explains itself", done.code == 0 and "--help" in done.out, done)
    for verb in ("status", "round", "capacity", "audit", "export", "show", "disk", "keys", "receipt", "config", "unseal"):
        done = ctl(verb, "--help")
        c.checks.check(f"janjictl {verb} --help", done.code == 0 and len(done.out) > 40, done)
    for verb in ("import", "list", "figures", "preflight", "warm", "open", "pause", "resume", "close", "erase"):
        done = ctl("round", verb, "--help")
        c.checks.check(f"janjictl round {verb} --help", done.code == 0 and len(done.out) > 40, done)
    for name in ("janjid", "janjictl"):
        done = call(program(name), "--version")
        c.checks.check(f"{name} --version names itself and a version", done.code == 0 and done.out.startswith(f"{name} ") and
                       any(ch.isdigit() for ch in done.out), done)
    for words, arguments in (("nothing", ()), ("an unknown verb", ("dance",)), ("an unknown option", ("status", "--loud"))):
        done = ctl(*arguments)
        c.checks.check(f"janjictl with {words} is a misuse, said on stderr", done.code >= 100 and done.err, done)


def settings(c):
    docs = call(program("janjid"), "--print-config-docs")
    c.checks.check("janjid --print-config-docs lists every setting", docs.code == 0 and docs.out.count("| `") >= 20, docs)
    file = c.checks.path("good.toml")
    with open(file, "w") as out:
        out.write("[http]\nport = 9123\n[log]\nlevel = \"debug\"\n")
    c.works("config validate accepts a right file", "config", "validate", file, says="is right")
    c.works("config show prints what is in force with it", "config", "show", file, says="port = 9123")
    for words, arguments, environment, says in (
            ("the file", (), {}, "port = 9123"),
            ("the environment, which goes before the file", (), {"JANJI_HTTP_PORT": "9124"}, "port = 9124"),
            ("a flag, which goes before the environment", ("--port", "9125"), {"JANJI_HTTP_PORT": "9124"}, "port = 9125"),
            ("--set, which goes before all", ("--port", "9125", "--set", "http.port=9126"), {}, "port = 9126")):
        done = call(program("janjid"), "--config", file, "--check-config", *arguments, environment=environment)
        c.checks.check(f"janjid --check-config shows {words}", done.code == 0 and says in done.out, done)
    for words, text, says in (("a front that belongs to no cluster", "[cluster]\nrole = \"store\"\n", "cluster.role is for a node of a cluster"),
                              ("a cluster's name without a number", "[cluster]\nname = \"clinics\"\n", "cluster.node")):
        with open(c.checks.path("apart.toml"), "w") as out:
            out.write(text)
        c.works(f"config validate refuses {words}, as a start does", "config", "validate", c.checks.path("apart.toml"), says=says, code=2)
    c.works("config validate of a file that is not there", "config", "validate", c.checks.path("none.toml"), code=2)


def status(c):
    done = c.ctl("status")
    c.checks.check("status: healthy is exit 0, on one screen", done.code == 0 and "healthy" in done.out and done.out.count("\n") <= 24, done)
    said = c.json("status")
    c.checks.check("status as JSON has the verdict and every shard", said.get("verdict") == "healthy" and len(said.get("shard_list", [])) == 64,
                   str(said)[:300])
    done = c.ctl("check")
    c.checks.check("check of a node that is alone is what it says of itself", done.code == 0 and "healthy" in done.out, done)
    done = call(program("janjid"), "--data", c.node.data, "--set", "node.shards=16", "--check-config")
    c.checks.check("a configuration with other shards than the data is found out beforehand", done.code == 2 and "node.shards says 16" in done.err, done)
    nobody = ctl("--data", c.checks.path("nothing"), "status")
    c.checks.check("status of a node that is not there: exit 2 and why", nobody.code == 2 and nobody.err.startswith("janjictl: "), nobody)
    admin = ctl("--admin", f"127.0.0.1:{c.node.admin_port}", "--token-file", f"{c.node.data}/admin.token", "status")
    c.checks.check("status by --admin and --token-file", admin.code == 0 and "healthy" in admin.out, admin)
    bad = c.checks.path("bad.token")
    with open(bad, "w") as out:
        out.write("this-is-not-the-token\n")
    os.chmod(bad, 0o600)
    done = ctl("--data", c.node.data, "--token-file", bad, "status")
    c.checks.check("a wrong token is refused, not shown as a healthy node", done.code == 2 and "unauthorised" in done.out + done.err, done)


def nowhere_to_say_it(c):
    for words, more in (("as a table", ()), ("as JSON", ("--output", "json"))):
        done = call("sh", "-c", 'exec "$@" >/dev/full', "sh", program("janjictl"), "--data", c.node.data, *more, "status")
        c.checks.check(f"status {words} that cannot be written is no success", done.code == 5 and "cannot be written" in done.err, done)


def frozen(c):
    c.node.process.send_signal(signal.SIGSTOP)
    asked = c.ctl("--timeout", "1", "status")
    ordered = c.ctl("--timeout", "1", "round", "warm", "main")
    named = c.ctl("--timeout", "1", "--node", f"127.0.0.1:{c.node.admin_port}", "round", "warm", "main")
    c.node.process.send_signal(signal.SIGCONT)
    c.checks.check("a node that is frozen is not waited for: exit 2 and why", asked.code == 2 and "said nothing for 1 s" in asked.err, asked)
    c.checks.check("an order is not sent to a node that has not proved to be the one that is meant", ordered.code == 2 and "nothing was sent" in ordered.err, ordered)
    c.checks.check("of one that was sent it is said that its fate is not known, and how to find out", named.code == 3 and
                   "not known whether it does" in named.err and "`janjictl round warm main` shows" in named.err, named)
    c.works("once it goes on it is asked as before", "--timeout", "1", "status", says="healthy")
    c.works("a time-out that is none is refused", "--timeout", "0", "status", says="--timeout", code=105)


def rounds(c):
    made = c.round = Round(c.checks.directory, "main", GROUPS)
    dry = made.import_into(c.node, "--dry-run")
    c.checks.check("round import --dry-run says what it would import, and does not", dry.code == 0 and "would import" in dry.out and
                   not c.state(), dry)
    c.checks.equal("round import", made.import_into(c.node).code, 0)
    c.checks.equal("its state is imported", c.state(), {"main": "imported"})
    again = made.import_into(c.node)
    c.checks.check("the same round twice is refused", again.code == 1 and c.state() == {"main": "imported"}, again)
    go = c.json("round", "preflight", "main")
    c.checks.check("round preflight says go, check by check", go.get("go") is True and len(go.get("checks", [])) >= 4, go)
    c.works("preflight of an unknown round is refused", "round", "preflight", "nowhere", says="unknown_round", code=1)
    c.works("round warm", "round", "warm", "main", says="4 slot groups")
    c.works("a round that was never opened is not resumed", "round", "resume", "main", says="never opened", code=1)
    for verb, before, after in (("open", "imported", "open"), ("pause", "open", "paused"), ("resume", "paused", "open")):
        reason = ("--reason", "tea") if verb == "pause" else ()
        c.works(f"round {verb} --dry-run says what it would do", "--dry-run", "round", verb, "main", *reason, says=f"would be {after}")
        c.checks.equal(f"and does not {verb}", c.state()["main"], before)
        c.works(f"round {verb}", "round", verb, "main", *reason)
        c.checks.equal(f"it is {after}", c.state()["main"], after)
        c.works(f"round {verb} once more is no error", "round", verb, "main", *reason)
    for words, arguments, says in (("of a round that is not there", ("open", "nowhere"), "unknown_round"),
                                   ("that the round's state does not allow", ("erase", "main", "--reason", "main"), "wrong_state"),
                                   ("without the reason it needs", ("pause", "main"), "reason")):
        c.works(f"a dry run of an order {words} is refused as the order would be", "--dry-run", "round", *arguments, says=says, code=1)
    c.works("a dry run of an import of a code that is there is refused", "--dry-run", "round", "import", "--round", made.file("round.toml"), "--centres",
            made.file("centres.csv"), "--slots", made.file("slots.csv"), says="is there already", code=1)
    c.works("round warm --dry-run warms nothing", "--dry-run", "round", "warm", "main", says="would be done: warming 4")
    c.works("a pause without a reason is refused", "round", "pause", "main", says="reason", code=1)
    for reason in ("te", "tea again"):
        c.works(f"a pause's reason can be mended: {reason}", "round", "pause", "main", "--reason", reason)
    listed = c.json("round", "list")["rounds"][0]
    c.checks.equal("citizens are shown the last one", (listed.get("reason"), listed.get("status"), listed.get("changes_at")), ("tea again", "paused", None))
    c.works("and it goes on", "round", "resume", "main", "--reason", "power is back")
    c.works("why stands in the trail", "trail", says="power is back")
    shown = c.json("status")["rounds"][0]
    c.checks.check("round list and status say what a booking would get now, and until when", shown.get("status") == "open" and
                   shown.get("changes_at", "").startswith(day(3)), shown)
    c.works("an unknown round cannot be opened", "round", "open", "nowhere", says="unknown_round", code=1)


def capacity(c):
    c.book(count=5)
    wait_until(lambda: c.json("round", "figures", "main").get("booked") == 5, 10, "the bookings are heard")
    would = c.json("--dry-run", "capacity", "main", *OVER, "3")
    c.checks.equal("capacity --dry-run says from what to what, and who would be over", {k: would.get(k) for k in ("from", "to", "booked", "over_by_order")},
                   {"from": 40, "to": 3, "booked": 5, "over_by_order": 2})
    c.checks.equal("nobody is over by it", c.json("audit").get("over_by_order"), 0)
    c.works("capacity lowered below what is booked", "capacity", "main", *OVER, "3", "--reason", "vaccine late")
    audit = c.json("audit")
    c.checks.check("the two who are over by order are shown, and the audit is clean", audit.get("over_by_order") == 2 and audit.get("clean"),
                   audit)
    answer = book(c.node, booking(OVER, c.people.one(), round_code="main"))
    c.checks.check("nobody else is booked there", answer.code == "full", answer)
    c.works("capacity raised again, with its window named", "capacity", "main", *OVER, "6", "--window", "09:00")
    c.book()
    c.checks.equal("and there is a place again, nobody is over", c.json("audit").get("over_by_order"), 0)
    figures = wait_until(lambda: (f := c.json("round", "figures", "main")).get("booked") == 6 and f, 10, "round figures counts the bookings")
    c.checks.check("round figures has places, bookings and what was refused", figures["places"] == 126 and figures["refusals"]["full"] == 1, figures)
    for words, arguments in (("an unknown centre", ("TIADA", day(0), "5")), ("a date without a group", ("DEWAN", day(90), "5")),
                             ("a capacity of two millions", (*OVER, "2000000"))):
        c.works(f"capacity of {words} is refused", "capacity", "main", *arguments, code=1)
    group = c.json("show", f"group/main/{OVER[0]}/{OVER[1]}")
    changes = [(e["capacity"], e["reason"], e["by"]) for e in group["capacity_changes"]]
    c.checks.equal("who changed it to what and why stands beside the bookings", (group["live"], changes), (6, [(3, "vaccine late", "admin"), (6, "", "admin")]))
    orders = c.json("show", "orders")
    c.checks.check("and among all such orders, with its day", [(e["round"], e["centre"], e["date"], e["capacity"]) for e in orders] ==
                   [("main", *OVER, 3), ("main", *OVER, 6)], orders)
    for words, arguments, says in (("a centre that is none", ("TIADA", day(0), "5"), "There is no such centre in this round"),
                                   ("a day that the centre does not have", ("DEWAN", day(90), "5"), "The centre has no appointments on this date. Centre: DEWAN")):
        c.works(f"{words} is told whole", "capacity", "main", *arguments, says=says, code=1)
    for wrong in ("11/1/2027", "tomorrow", "2027-13-45"):
        c.works(f"{wrong} is no date, and nothing is asked", "capacity", "main", "DEWAN", wrong, "5", says="YYYY-MM-DD", code=105)


def show(c):
    said = c.book(("DEWAN", day(1)))
    reference = said["bookings"][0]["reference"]
    c.works("show booking", "show", f"booking/{reference}", says='"event":"booked"')
    c.works("show claim", "show", f"claim/{reference}", says='"event":"claimed"')
    c.works("show group", "show", f"group/main/DEWAN/{day(1)}", says=reference)
    c.works("show shard", "show", "shard/0", says="last_sequence")
    for what in ("booking/7K3M-92QX-4T8B-E", "booking/nonsense", "group/main/DEWAN/2001-01-01", "shard/64", "shard/abc", "nonsense"):
        c.works(f"show {what} is refused", "show", what, code=1)


def receipts(c):
    receipt = c.book(("DEWAN", day(1)))["bookings"][0]["receipt"]
    key = c.json("receipt", "key")["public_key"]
    good = ctl("receipt", "verify", receipt, "--key", key)
    c.checks.check("a receipt can be verified without the node", good.code == 0 and good.out.startswith("valid: ") and day(1) in good.out, good)
    at = c.checks.random.randrange(receipt.index(".", 8) + 1, len(receipt))
    forged = receipt[:at] + ("B" if receipt[at] != "B" else "C") + receipt[at + 1:]
    bad = ctl("receipt", "verify", forged, "--key", key)
    c.checks.check(f"one letter changed (number {at}) and it is not valid", bad.code == 1 and "not valid" in bad.out, bad)
    other = ctl("receipt", "verify", receipt, "--key", "00" * 31 + "01")
    c.checks.check("by another key it is not valid", other.code == 1, other)
    c.checks.equal("a key that is not one is a misuse", ctl("receipt", "verify", receipt, "--key", "abc").code, 2)


def audits_and_export(c):
    def clean(words, *arguments):
        done = ctl("--data", c.node.data, "--output", "json", *arguments)
        c.checks.check(words, done.code == 0 and done.json().get("clean") is True and done.json().get("live") == len(c.told), done)

    clean("audit, offline beside a running node", "audit")
    clean("audit --online", "audit", "--online")
    rows = [json.loads(line) for line in c.ctl("export").out.splitlines()]
    references = {b["reference"] for _, _, said in c.told for b in said["bookings"]}
    c.checks.equal("export has every booking", {r["reference"] for r in rows}, references)
    file = c.checks.path("export.jsonl")
    c.works("export --to a file", "export", "--to", file, says=f"exported {len(rows)}")
    c.works("export to a place that cannot be written", "export", "--to", c.checks.path("no", "such", "place"), code=2)
    c.node.kill()
    clean("audit of a data directory after kill -9", "audit")
    c.node.start().ready()
    c.checks.equal("an orderly stop ends with 0", c.node.stop(), 0)
    clean("audit of a data directory after an orderly stop", "audit")
    done = ctl("--data", c.node.data, "audit", "--online")
    c.checks.check("audit --online without a node: exit 2 and why", done.code == 2 and "no node runs in" in done.err and ".hpp" not in done.err, done)
    none = ctl("--data", c.checks.path("nothing"), "audit")
    c.checks.check("audit of nothing: exit 2 and why, and nothing is made", none.code == 2 and none.err.startswith("janjictl: ") and
                   not os.path.exists(c.checks.path("nothing")), none)
    c.node.start().ready()
    c.all_there("after these starts")


def disk(c):
    c.node.stop()
    c.node.start("--set", "store.ballast_mb=4", "--set", "store.disk_low_mark=0").ready()
    before = c.json("disk")
    c.checks.check("disk tells free space and ballast", before.get("ballast_bytes") == 4 << 20 and before.get("free_bytes", 0) > 0, before)
    c.works("disk release --dry-run keeps it", "--dry-run", "disk", "release", says="would be released")
    c.checks.equal("it is kept", c.json("disk").get("ballast_bytes"), 4 << 20)
    c.works("disk release", "disk", "release")
    c.checks.equal("the ballast is gone", c.json("disk").get("ballast_bytes"), 0)
    c.works("a second release has nothing to release", "disk", "release", says="no ballast", code=1)
    c.works("and its dry run says so", "--dry-run", "disk", "release", says="no ballast", code=1)
    trail = [f"{e['what']} {e['detail']}" for e in reversed(c.json("trail"))]
    c.checks.check("the trail tells what was ordered, in order, with none of what was tried",
                   trail[:2] == ["round import main", "round open main"] and sum(t.startswith("disk release") for t in trail) == 1, trail)


def keys(c):
    new = c.checks.path("new.key")
    with open(new, "w") as out:
        out.write("%064x\n" % c.checks.random.getrandbits(256))
    os.chmod(new, 0o644)
    c.works("keys rotate to a key that others can read is refused", "keys", "rotate", "--new-master-key-file", new, says="chmod 600", code=1)
    c.works("keys rotate to a file that is not there is refused", "keys", "rotate", "--new-master-key-file", c.checks.path("none"), code=1)
    os.chmod(new, 0o600)
    with open(f"{c.node.data}/keys") as file:
        before = file.read()
    c.works("keys rotate --dry-run wraps nothing", "--dry-run", "keys", "rotate", "--new-master-key-file", new, says="would wrap")
    with open(f"{c.node.data}/keys") as file:
        c.checks.check("the keys are as they were", file.read() == before)
    c.works("keys rotate", "keys", "rotate", "--new-master-key-file", new)
    c.book(("DEWAN", day(2)))
    c.node.stop()
    c.node.start()
    code, said = c.node.wait(), c.node.stderr()
    c.checks.check("the old master key opens nothing any more", code == 2 and "does not open" in said, (code, said))
    c.node.start("--master-key-file", new).ready()
    c.all_there("started with the new master key")
    looked = manage(c.node, "GET", c.told[0][2]["bookings"][0])
    c.checks.check("tokens from before the rotation are good", looked.status == 200, looked)
    c.node.stop()
    with open(new) as file:
        variable = file.read().strip()
    c.node.start(environment={"JANJI_MASTER_KEY": variable}).ready()
    c.all_there("the new master key from the environment")
    c.node.stop()
    os.replace(new, f"{c.node.data}/master.key")
    c.node.start().ready()
    c.all_there("the new master key in the old one's place")
    rotate_beside(c)


def rotate_beside(c):
    """The new master key lies beside the one in use; the node is not started anew until both orders are given."""
    now, following = f"{c.node.data}/master.key", f"{c.node.data}/master.key.next"
    c.works("keys rotate without a new master key is refused", "keys", "rotate", says="holds one master key only", code=1)
    for words, text, needle in (("that is none", "hello", "64 hexadecimal digits"), ("that is too long", "ab" * 33, "64 hexadecimal digits"),
                                ("that is the one in use", open(now).read(), "one master key only")):
        with open(following, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(text)
        c.works(f"keys rotate to one {words} is refused", "keys", "rotate", says=needle, code=1)
    with open(following, "w") as out:
        out.write("%064x\n" % c.checks.random.getrandbits(256))
    held = c.json("keys", "show")["held"]
    c.works("keys rotate --dry-run wraps nothing", "--dry-run", "keys", "rotate", says="would wrap")
    c.works("keys rotate to the one beside it", "keys", "rotate", says=held[1])
    c.works("the one in use, given as the new one, is refused", "keys", "rotate", "--new-master-key-file", following, says="already", code=1)
    c.node.stop()
    c.node.start().ready()
    c.all_there("started with both")
    os.replace(following, f"{following}.away")
    c.works("keys rotate --finish is refused while the next start would lack it", "keys", "rotate", "--finish", says="would lack", code=1)
    os.replace(f"{following}.away", now)
    c.works("keys rotate --finish", "keys", "rotate", "--finish", says=f"under {held[1]} alone")
    c.node.stop()
    c.node.start().ready()
    c.all_there("started with the new one alone")


def disputed_claim(c):
    person = c.people.one()
    thief = confirmed(c.node, booking(("DEWAN", day(3)), {**person, "name": "Lain"}, round_code="main"))
    wrong = c.node.admin("POST", "/admin/v1/claims/release", {"round": "main", "identity": person["identity"]})
    c.checks.check("a claim is not released without a reason", wrong.status == 422, wrong)
    number = f"{c.checks.directory}/number"
    with open(number, "w") as file:
        file.write(person["identity"]["number"] + "\n")
    release = ("claim", "release", "main", "--type", person["identity"]["type"], "--number-file", number, "--reason", "card seen")
    c.works("claim release --dry-run", "--dry-run", *release, says="would release")
    file = release[release.index("--number-file") + 1]
    with open(file) as old:
        number = old.read().strip()
    for words, text, says, code in (("after an empty line", f"\n{number}\n\n", "would release", 0), ("before another", f"{number}\n{number}\n", "several lines", 2),
                                    ("that is blanks", " \n\n", "holds no number", 2)):
        with open(file, "w") as out:
            out.write(text)
        c.works(f"a number {words}", "--dry-run", *release, says=says, code=code)
    with open(file, "w") as out:
        out.write(number + "\n")
    nobody = f"{c.checks.directory}/nobody"
    with open(nobody, "w") as file:
        file.write(c.people.one()["identity"]["number"] + "\n")
    c.works("claim release --dry-run of somebody without a booking is refused as the order would be", "--dry-run", "claim", "release", "main",
            "--type", person["identity"]["type"], "--number-file", nobody, "--reason", "card seen", says="no such claim", code=1)
    looked = manage(c.node, "GET", thief["bookings"][0])
    c.checks.check("and the booking stands", looked.json().get("status") == "confirmed", looked)
    c.works("staff who see the card release a disputed claim", *release, says="released")
    c.works("who and why are in the log", "show", f"booking/{thief['bookings'][0]['reference']}", says="card seen")
    c.works("and among what operators ordered", "show", "orders", says="card seen")
    answer = book(c.node, booking(("DEWAN", day(3)), person, round_code="main"))
    c.checks.check("and the rightful citizen can book", answer.status == 201, answer)


def erase(c):
    c.works("an open round cannot be erased", "round", "erase", "main", "--reason", "main", code=1)
    c.works("round close --dry-run", "--dry-run", "round", "close", "main", says="would be closed")
    c.works("round close", "round", "close", "main")
    answer = book(c.node, booking(("DEWAN", day(3)), c.people.one(), round_code="main"))
    c.checks.check("a closed round takes no bookings", answer.code == "closed", answer)
    c.works("erase without the code typed again is refused", "round", "erase", "main", says="confirm", code=1)
    before = c.json("audit")
    with open(f"{c.node.data}/keys") as file:
        lines = dict(line.split(" ", 1) for line in file.read().splitlines()[1:])
    ours = {name: text for name, text in lines.items() if name.startswith(("citizen/", "data/"))}
    c.works("round erase --dry-run", "--dry-run", "round", "erase", "main", "--reason", "main", says="would be erased")
    c.checks.check("and the keys of its records are still there", len(ours) == 2 and "destroyed" not in ours.values(), list(ours))
    c.works("round erase", "round", "erase", "main", "--confirm", "main")
    listed = [r for r in c.json("round", "list")["rounds"] if r["code"] == "main"]
    c.checks.check("the code typed again is not shown as a reason", listed and "reason" not in listed[0], listed)
    c.checks.equal("it is erased", c.state()["main"], "erased")
    for when in ("at once", "after a restart"):
        kept = [os.path.join(where, name) for where, _, names in os.walk(c.node.data) for name in names]
        held = [f for f in kept for text in ours.values() if text.encode() in open(f, "rb").read()]
        with open(f"{c.node.data}/keys") as file:
            destroyed = [line for line in file.read().splitlines() if line.endswith(" destroyed")]
        c.checks.check(f"the keys that open its sealed records are nowhere in the data ({when})", not held and len(destroyed) == 2,
                       (held, destroyed))
        after = c.json("audit")
        same = all(after.get(k) == before.get(k) for k in ("clean", "live", "cancelled", "bookings", "claims"))
        c.checks.check(f"and the audit still proves the counts ({when})", same and after.get("clean") is True, (before, after))
        if when == "at once":
            c.node.stop()
            c.node.start().ready()
    answer = book(c.node, *c.told[0][:2])
    c.checks.check("an erased round answers closed", answer.code == "closed", answer)
    again = c.round.import_into(c.node)
    c.checks.check("its code cannot be used again", again.code == 1, again)


ROWS = [help_of_everything, settings, status, rounds, *cli_import.ROWS, frozen, nowhere_to_say_it, capacity, show, receipts, audits_and_export, *cli_trouble.ROWS, disk, keys, disputed_claim, erase,
        cli_import.told_when_done]


def parts(checks):
    c = Cli(checks)
    for row in ROWS:
        checks.part(row, c)
    c.node.kill()
    for row in cli_load.ROWS:
        checks.part(row, checks)


if __name__ == "__main__":
    run("cli", parts)
