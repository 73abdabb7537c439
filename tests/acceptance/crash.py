"""The crash test: full load, kill -9 at random moments on one data directory, and then every answer is held against the store.

Two crowds book at once. janji-load, at full speed, records every answer; a smaller one of ours remembers bodies and whole
answers, so that each can be asked again under its key and compared to the letter."""
import json
import os
import signal
import subprocess
import threading
import time

from checks import Stop, run, wait_until
from citizens import booking, book, content, manage, new_key, open_demo
from node import SLOW, Node, ctl, load, program

CRASHES = int(os.environ.get("JANJI_CRASHES") or 24)
RESTART_S = 15 * SLOW
SHARES = ["--people", "4", "--party-share", "0.05", "--retry-share", "0.1", "--cancel-share", "0.1", "--move-share", "0.1",
          "--second-share", "0.02"]


class Story:
    """One key of ours: what was sent under it and what was told."""

    def __init__(self, body):
        self.body = body
        self.key = new_key()
        self.told = None  # the confirmation, whole
        self.refused = None
        self.place = None
        self.cancelled = False


class Crowd(threading.Thread):
    """Books, cancels and moves, and asks again under the same key until the answer is clear."""

    def __init__(self, node, random, number):
        super().__init__(daemon=True)
        self.node, self.random, self.number = node, random, number
        self.stories = []
        self.unknowns = self.confirmations = self.broken = 0
        self.ending = threading.Event()

    def person(self, count):
        return {"identity": {"type": "passport", "country": "SGP", "number": f"K{self.number}{count:06}"}, "name": f"Ujian {count}",
                "birth_date": "1980-02-03", "phone": "+6591234567"}

    def place(self):
        return (self.random.choice(["WTCKL", "SPICE", "UM"]), f"2021-06-{self.random.randrange(8, 28):02}", "09:00")

    def until_clear(self, send):
        while True:
            try:
                answer = send()
                if answer.status < 500:
                    return answer
            except OSError:
                pass
            self.unknowns += 1
            time.sleep(0.02)  # the pace of asking again

    def run(self):
        while not self.ending.is_set():
            count = len(self.stories)
            people = [self.person(2 * count + i) for i in range(1 + count % 2)]
            story = Story(booking(self.place(), *people))
            self.stories.append(story)
            answer = self.until_clear(lambda s=story: book(self.node, s.body, s.key))
            if answer.status not in (200, 201):
                story.refused = answer
                continue
            story.told, story.place = answer.json(), (story.body["centre"], story.body["date"])
            self.confirmations += 1
            if len(people) == 1 and count % 3 == 0:
                self.change(story, count)

    def change(self, story, count):
        one, key = story.told["bookings"][0], new_key()
        if count % 2:
            answer = self.until_clear(lambda: manage(self.node, "DELETE", one, key=key))
            story.cancelled = answer.status == 200
            self.broken += answer.status != 200
            return
        to = self.place()
        wish = {"centre": to[0], "date": to[1], "window": to[2]}
        answer = self.until_clear(lambda: manage(self.node, "PATCH", one, wish, key))
        if answer.status == 200:
            story.place = to[:2]
        elif answer.code not in ("same_place", "full"):
            self.broken += 1


class Crash:
    def __init__(self, checks):
        self.checks = checks
        self.node = Node(checks)
        self.record = checks.path("record")
        self.restarts = []
        self.first_yes = []
        self.loading = None

    def begin(self):
        self.node.start().ready()
        open_demo(self.node)
        self.crowds = [Crowd(self.node, self.checks.random, n) for n in range(3)]
        report = open(self.checks.path("load.out"), "wb")
        self.loading = subprocess.Popen(
            [program("janji-load"), "crash-record", "--target", "http://127.0.0.1:1", "--ports-file", f"{self.node.data}/janjid.ports",
             "--record", self.record, "--seed", str(self.checks.seed), "--duration", "80000", "--connections", "32", "--round", "2021-3",
             "--drain", str(60 * SLOW), "--slots", self.slots(), "--quiet", "--output", "json", *SHARES], stdout=report, stderr=report)
        report.close()
        self.checks.undo.append(self.end_load)
        for crowd in self.crowds:
            crowd.start()

    def slots(self):
        from citizens import DEMO
        return f"{DEMO}/slot-groups.csv"

    def end_load(self):
        for crowd in self.crowds:
            crowd.ending.set()
        if self.loading.poll() is None:
            self.loading.kill()
            self.loading.wait()

    def confirmations(self):
        return sum(c.confirmations for c in self.crowds)

    def serves(self):
        """A citizen is confirmed after the restart: the load is on again."""
        before = self.confirmations()
        wait_until(lambda: self.confirmations() > before or not self.node.alive(), 60 * SLOW, "a booking is confirmed after a restart")
        self.first_yes.append(time.monotonic() - self.node.started)

    def crash(self, number):
        """At a random moment of its work; each fourth one already while it starts."""
        if number % 4 == 3:
            time.sleep(self.checks.random.uniform(0, max(self.restarts[-3:], default=0.5)))
        else:
            self.serves()
            time.sleep(self.checks.random.uniform(0, 2.5))
        if not self.node.alive():
            raise Stop(f"janjid ended by itself with {self.node.process.returncode}: {self.node.stderr()[-800:]}")
        self.node.kill()
        self.node.start()
        if number % 4 != 2:  # else the next kill comes before it is ready
            self.node.ready(RESTART_S)
            self.restarts.append(self.node.ready_s)

    def end(self):
        """All that is unknown is asked again, then one more kill: the store is looked at as a crash leaves it."""
        self.node.ready(RESTART_S)
        for crowd in self.crowds:
            crowd.ending.set()
        self.loading.send_signal(signal.SIGTERM)
        for crowd in self.crowds:
            crowd.join(60 * SLOW)
        self.checks.check("every request of ours got a clear answer in the end", not any(c.is_alive() for c in self.crowds))
        code = self.loading.wait(120 * SLOW)
        with open(self.checks.path("load.out")) as report:
            self.report = report.read()
        self.checks.check("janji-load recorded to the end", code == 0, f"exit {code}: {self.report[-800:]}")
        self.node.kill()

    def stories(self):
        return [s for c in self.crowds for s in c.stories]

    def repeat_all(self, when):
        wrong, receipts = [], 0
        told = [s for s in self.stories() if s.told]
        for s in told:
            again = book(self.node, s.body, s.key)
            said = again.json()
            place = (said.get("centre"), said.get("date"))
            statuses = {b["status"] for b in said.get("bookings", [])}
            same = [(b["position"], b["reference"], b["manage_token"]) for b in s.told["bookings"]] == list(content(said)[4])
            if again.status != 200 or not same or place != s.place or statuses != {"cancelled" if s.cancelled else "confirmed"}:
                wrong.append(f"{s.key}: told {s.told}, now {again}")
            receipts += len(said.get("bookings", []))
        self.checks.check(f"{len(told)} citizens ask again under their key {when}: same reference, token, place and status", told and not wrong,
                          wrong[:2])

    def compare_with_export(self):
        export = self.checks.path("export")
        done = ctl("--data", self.node.data, "export", "--to", export)
        self.checks.check("the operator exports every booking", done.code == 0, done)
        ours = {b["reference"]: s for s in self.stories() if s.told for b in s.told["bookings"]}
        found, wrong, others = set(), [], self.checks.path("export.load")
        with open(export) as lines, open(others, "w") as out:
            for line in lines:
                row = json.loads(line)
                story = ours.get(row["reference"])
                if story is None:
                    out.write(line)
                elif row["status"] != "moved":
                    found.add(row["reference"])
                    if (row["status"] == "cancelled") != story.cancelled or (row["centre"], row["date"]) != story.place:
                        wrong.append((row, story.place, story.cancelled))
        self.checks.check(f"our {len(ours)} confirmations are in the export, at the place and with the status told",
                          found == set(ours) and not wrong, (list(set(ours) - found)[:3], wrong[:3]))
        return others

    def audit_record(self, export):
        audited = load("audit", "--record", self.record, "--export", export, "--output", "json")
        found = audited.json()
        breaches = found.get("breaches", {})
        check = self.checks.check
        check("every confirmation that janji-load was given is stored at its place",
              audited.code == 0 and found.get("confirmations", 0) > 0 and not breaches.get("phantom_yes") and not breaches.get("places_differ")
              and not breaches.get("status_differs"), audited)
        check("no window holds more than its places", breaches.get("over_capacity") == 0, audited)
        check("no citizen holds two", breaches.get("citizens_with_two") == 0 and breaches.get("second_bookings") == 0, audited)
        check("no key was answered twice differently", breaches.get("keys_with_two_answers") == 0 and
              breaches.get("confirmed_then_refused") == 0, audited)
        unknown = found.get("unknown", {})
        settled = sum(v for k, v in unknown.items() if k != "requests")
        check("every unknown is accounted for either way", breaches.get("unasked_entries") == 0 and settled >= unknown.get("requests", 1) > 0,
              unknown)
        self.checks.say(f"{found.get('confirmations')} confirmations of {found.get('answers')} answers, unknown: {unknown}")

    def replay(self):
        """janji-load's promises, each asked again under its key."""
        done = load("replay", "--record", self.record, "--target", f"http://127.0.0.1:{self.node.port}", "--output", "json")
        found = done.json()
        self.checks.check(f"{found.get('asked')} citizens of janji-load ask again under their key: same reference and place",
                          done.code == 0 and found.get("asked", 0) > 0 and found.get("same") == found.get("asked"), done)


def clean(checks, words, done):
    checks.check(words, done.code == 0 and done.json().get("clean") is True, done)
    return done.json()


def crashes(checks):
    test = Crash(checks)
    test.begin()
    for number in range(CRASHES):
        test.crash(number)
    kills = CRASHES + 1
    test.end()
    unknowns = sum(c.unknowns for c in test.crowds)
    checks.check(f"{kills} kills hit requests under way", unknowns > 0, f"{unknowns} of ours had no clear answer at first")
    clean(checks, "the audit of the killed data directory is clean", ctl("--data", test.node.data, "--output", "json", "audit"))
    test.node.start().ready(RESTART_S)
    test.restarts.append(test.node.ready_s)
    checks.check(f"every restart was quick (the slowest {max(test.restarts):.1f} s)", max(test.restarts) < RESTART_S, test.restarts)
    checks.check(f"and confirmed again within seconds (the slowest {max(test.first_yes):.1f} s after the start)",
                 max(test.first_yes) < RESTART_S, test.first_yes)
    test.repeat_all("after the last crash")
    test.replay()
    test.audit_record(test.compare_with_export())
    report = clean(checks, "the running node's own audit is clean", test.node.ctl("--output", "json", "audit", "--online"))
    checks.say(f"{report.get('live')} live, {report.get('cancelled')} cancelled, {report.get('moves')} moves, {unknowns} unknowns of ours")
    checks.equal("it stops in an orderly way", test.node.stop(), 0)
    test.node.start().ready(RESTART_S)
    checks.check(f"a restart after an orderly stop is quick ({test.node.ready_s:.1f} s)", test.node.ready_s < RESTART_S)


if __name__ == "__main__":
    run("crash", lambda checks: checks.part(crashes, checks))
