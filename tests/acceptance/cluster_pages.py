"""The citizens' pages of three nodes: used at one front while another node is frozen or dies. What is not known is said to be not known, and
becomes known: by the reader's own look without scripts, by the page itself with them."""
import contextlib
import os

from browser import Window, missing
from checks import Stop, run, wait_until
from cluster import begin, whole
from node import SLOW, held
from pages import codes, references
from reader import Reader, mykad

CENTRES = ("WTCKL", "UM")
DAY, TIME = "2021-06-0{}", "09:00"
LANGUAGES = ("ms", "en", "zh-Hans", "ta")


class Site:
    def __init__(self, checks, c):
        self.checks, self.c, self.next = checks, c, 0

    def reader(self, front, language="en"):
        return Reader("127.0.0.1", self.c.nodes[front].port, language)

    def number(self):
        self.next += 1
        return mykad(self.next)

    def people(self, count):
        out = {}
        for i in range(1, count + 1):
            out |= {f"p{i}-number": self.number(), f"p{i}-name": f"Warga {self.next}"}
        return out

    def at_check(self, reader, count, centre=CENTRES[0], day=7):
        page = reader.get(f"/book/at/{centre}/{DAY.format(day)}/{TIME}/details?people={count}")
        return reader.send(page.form("/details"), self.people(count), button="on")

    def look_until_known(self, reader, what):
        """As somebody does who presses what the page offers: looks, and sends again where it says that nothing was booked."""
        def look():
            page = reader.get("/my-booking")
            if page.kind() == "pending" and any((f.get("action") or "").endswith("/my-booking") for f in page.forms()):
                page = reader.send(page.form("/my-booking"), button="")
            if page.kind() != "pending" and not references(page):
                raise Stop(f"told no: {page.url} {page.status} {page.kind()}: {page.text()[:600]}; asked: {reader.seen[-8:]}")
            return page if references(page) else None
        try:
            return wait_until(look, 60 * SLOW, what)
        except Stop as late:
            told = next(n for n in self.c.nodes if n.alive()).ctl("check").out
            raise Stop(f"{late}: {told} {reader.page.url} {reader.page.status} {reader.page.kind()}: {reader.page.text()[:600]}; asked: {reader.seen[-8:]}") from None


def frozen(c, but):
    stack = contextlib.ExitStack()
    for i, node in enumerate(c.nodes):
        if i != but:
            stack.enter_context(held(node))
    return stack


def not_known_then_known(site):
    """A front that can reach no shard says so, keeps everything, and finds out with the press's own key."""
    checks, c = site.checks, site.c
    for front, count in ((0, 1), (1, 4)):
        r = site.reader(front)
        page = site.at_check(r, count)
        typed = [page.value(f"p{i}-number") for i in range(1, count + 1)]
        with frozen(c, front):
            said = r.send(page.form("/check"), button="book")
            checks.check(f"{count} pressed while no other node answers: not known, and nothing else", said.kind() == "pending" and not references(said) and "full" not in said.text().lower(),
                         f"{said.status} {said.kind()} {said.text()[:300]}")
            for path in ("/", "/book/in", f"/book/at/{CENTRES[0]}", f"/book/at/{CENTRES[0]}/{DAY.format(7)}", "/status", "/figures", "/help", "/find"):
                shown = site.reader(front).get(path)
                checks.check(f"meanwhile {path} is a page with its age and nothing that is full", shown.status == 200 and "full" not in [t.lower() for _, t in shown.links()],
                             f"{shown.status} {shown.text()[:200]}")
            again = r.get("/my-booking")
            checks.check("looking again says the same, and keeps the form", again.kind() == "pending" and not references(again), f"{again.status} {again.text()[:200]}")
        known = site.look_until_known(r, "it is known")
        checks.check(f"then it is known, and {count} are booked once", len(set(references(known))) == count and all(t[-4:] in known.text() for t in typed), known.text()[:400])
        late = r.get("/my-booking")
        checks.check("and stays so", references(late) == references(known), late.text()[:200])


def while_a_node_dies(site):
    """Families book at two fronts while the third dies, in four languages; nobody is left not knowing, and each finds it again elsewhere."""
    checks, c = site.checks, site.c
    wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas again")  # two that are left of three may be at their floor
    victim = checks.random.randrange(3)
    fronts = [i for i in range(3) if i != victim]
    readers = [site.reader(fronts[n % 2], LANGUAGES[n % 4]) for n in range(8)]
    pages = [site.at_check(r, 1 + n % 4, CENTRES[n % 2], 7 + n % 2) for n, r in enumerate(readers)]
    c.kill(victim)
    found = []
    for n, (r, page) in enumerate(zip(readers, pages)):
        done = r.send(page.form("/check"), button="book")
        if not references(done):
            checks.check(f"{r.language}: what is not known is said so", done.kind() == "pending", f"{done.status} {done.kind()} {done.text()[:400]} {r.seen[-4:]}")
            done = site.look_until_known(r, "it is known")
        found.append((references(done), codes(done)))
        checks.check(f"{r.language}: {1 + n % 4} booked while node {victim + 1} is dead", len(set(references(done))) == 1 + n % 4, done.text()[:300])
    for n, (refs, their_codes) in enumerate(found):
        other = site.reader(fronts[(n + 1) % 2])

        def find(other=other, ref=refs[0], code=their_codes[0]):
            page = other.get("/find")
            page = other.send(page.form("/find"), {"reference": ref, "code": code}, button="find")
            return page if references(page) else None
        page = wait_until(find, 60 * SLOW, "it is found at another front")
        checks.check("found by reference and code at the other front", references(page) == [refs[0]], page.text()[:200])
    r = readers[3]
    moved = r.get(f"/my-booking/move/{CENTRES[0]}/{DAY.format(9)}/{TIME}?" + "&".join(f"who={i}" for i in range(1, 5)))

    def move():
        r.send(moved.form(TIME), button="")
        page = r.get("/my-booking")
        return page if page.text().count("9 ஜூன்") >= 4 else None
    page = wait_until(move, 60 * SLOW, "the family is moved")
    checks.check("a family of four is moved while the node is dead, press by press", sorted(set(references(page))) == sorted(set(found[3][0])), page.text()[:300])
    c.start(victim)
    c.all_ready()
    wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas again")
    back = site.reader(victim)
    page = back.get("/find")
    page = back.send(page.form("/find"), {"reference": found[0][0][0], "code": found[0][1][0]}, button="find")
    checks.check("the node that came back shows it too", references(page) == [found[0][0][0]], page.text()[:200])


def by_the_page_itself(site):
    """With scripts nobody has to press anything."""
    checks, c = site.checks, site.c
    if why := missing():
        return checks.skip("the page resolves by itself", why)
    window = Window()
    url = f"http://127.0.0.1:{c.nodes[2].port}"
    window.go(f"{url}/book/at/{CENTRES[1]}/{DAY.format(8)}/{TIME}/details?people=2&lang=en")
    for i in (1, 2):
        window.one(f"#p{i}-number").send_keys(site.number())
        window.one(f"#p{i}-name").send_keys(f"Warga {i}")
    window.press("form.details button.main")
    window.until(lambda: window.kind() == "check", what="the check page")
    with frozen(c, 2):
        window.press("button[value=book]")
        window.until(lambda: window.kind() == "pending", seconds=40, what="not known")
        checks.check("not known is its own screen", "We do not know yet" in window.text() or "not know" in window.text(), window.text()[:300])
    window.until(lambda: window.kind() == "my-booking", seconds=90, what="the page finds out by itself")
    checks.check("and becomes the confirmation by itself, of two", len(window.every(".booking.confirmed")) == 2, window.text()[:300])
    checks.check("with a silent console", not window.complaints(), window.complaints())
    window.close()


def main(checks):
    if not os.path.exists("/usr/bin/etcd"):
        return checks.skip("pages of three nodes", "there is no etcd on this machine")
    c = begin(checks, "pages")
    site = Site(checks, c)
    for part in (not_known_then_known, while_a_node_dies, by_the_page_itself):
        checks.part(part, site)
    for node in c.nodes:
        node.stop()
    c.etcd.kill()


if __name__ == "__main__":
    run("cluster_pages", main)
