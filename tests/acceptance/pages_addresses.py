"""The addresses of the citizens' port: each of net/routes.json is there with its methods and no other, and what one reader's address says
stands in no page that another is shown."""
import json
import pathlib

from checks import run
from citizens import Round, day
from node import Node
from reader import Reader

ROUTES = json.loads((pathlib.Path(__file__).resolve().parents[2] / "net/routes.json").read_text())
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PUBLIC = ("/", "/book/in", "/book/in/Johor", "/book/at/A", f"/book/at/A/{day(1)}", "/figures", "/status", "/help", "/privacy", "/accessibility")


class World:
    def __init__(self, checks):
        self.node = Node(checks).start("--set", "http.public_url=https://janji.example").ready()
        groups = [(c, day(d), "09:00", "12:00", 50) for c in ("A", "B-C") for d in range(4)]
        Round(checks.directory, "main", groups).open_on(self.node)

    def reader(self, language="en"):
        return Reader("127.0.0.1", self.node.port, language)


def filled(path):
    for name, value in (("{reference}", "AAAA-BBBB-CCCC-D"), ("{state}", "Johor"), ("{centre}", "A"), ("{date}", day(1)), ("{time}", "09:00"), ("{n}", "1"), ("{name}", "x.js")):
        path = path.replace(name, value)
    return path


def every_address_knows_its_methods(checks, world):
    rows = ROUTES["api"] + ROUTES["page"]
    for path in sorted({r["path"] for r in rows}):
        known = {r["method"].upper() for r in rows if r["path"] == path}
        known |= {"HEAD"} if "GET" in known else set()
        for method in METHODS:
            page = world.reader().ask(method, filled(path), body="" if method in ("POST", "PUT", "PATCH") else None, follow=False)
            told = {m.strip() for m in page.headers.get("allow", "").split(",")} - {"", "OPTIONS"}
            good = page.status != 405 if method in known else page.status == 405 and told == known
            checks.check(f"{method} {path} is {'known' if method in known else 'not known, and what is known is told'}", good, f"{page.status} {page.headers.get('allow')}")


def nothing_beside_them(checks, world):
    for path in ("/bookx", "/book", "/book/at", "/book/at/A/x", "/book/at/A/2021-06-07/09:00", "/my-booking/move/A/x/y/z", "/find/x", "/numbers", "/numbers/at",
                 "/numbers/in/Atlantis", "/book/in/Atlantis", "/book/at/X", f"/book/at/X/{day(1)}", "/assets", "/favicon.ico/x", "/robots.txtx", "/my-booking/1/x"):
        page = world.reader().get(path)
        checks.check(f"{path} is a page that says that there is nothing", page.status == 404 and page.kind() in ("missing", "no-such-place") and page.links_to("/"), f"{page.status} {page.kind()} {page.heading()}")
    for n in ("0", "9", "-1", "1x", "99999999999999999999"):
        page = world.reader().get(f"/my-booking/{n}/appointment.ics")
        checks.check(f"there is no calendar file {n}", page.status == 404, page.status)


def content(page):
    return page.body, page.headers.get("etag")


def between_the_same(ask, ask_other):
    """A page is made anew about once a second: what `ask_other` answers between two answers of `ask` that are the same, and that answer."""
    for _ in range(10):
        before, other, after = ask(), ask_other(), ask()
        if content(before) == content(after):
            return other, after
    return other, None


def what_one_asks_no_other_reads(checks, world):
    for path in PUBLIC:
        page = world.reader().get(f"{path}?who=880101145555&people=1&lang=en")
        checks.check(f"{path} shows nothing of its query", page.status == 200 and "880101145555" not in page.body, page.status)
        page = world.reader().get(f"{path}?people=3")
        checks.check(f"nor to whoever comes next: {path}", page.status == 200 and "880101145555" not in page.body, page.status)
        for language in ("ms", "zh-Hans", "ta"):
            led = [h for h in page.links_to(f"lang={language}")]
            checks.check(f"{path}: {language} is one link away, for as many people", len(led) == 1 and ("people=3" in led[0]), led)
    other, same = between_the_same(lambda: world.reader().get("/book/in/Johor"), lambda: world.reader().get("/book/in/j.o-h%20OR?x=1"))
    checks.check("a state written in another way is the same page", same is not None and content(other) == content(same), other.headers)
    search = world.reader().get("/book/in?place=Dewan&people=2")
    checks.check("a search is nobody else's", search.status == 200 and any("place=Dewan" in h for h in search.links_to("lang=ta")), search.links())


def always_by_https(checks, world):
    for path in (*PUBLIC, "/numbers/home", "/find", "/my-booking", "/nothing"):
        page = world.reader().get(path)
        checks.check(f"{path} says that only https is asked", page.headers.get("strict-transport-security") == "max-age=31536000", page.headers)


def back_to_the_details(checks, world):
    at = f"/book/at/A/{day(1)}/09:00"
    for query in ("", "?people=2", "?x=a/b", "?x=%2Fcheck", "?next=//elsewhere.example/"):
        page = world.reader().ask("GET", f"{at}/check{query}", follow=False)
        checks.check(f"a check page that is asked for anew leads to the details: {query or 'no query'}", page.status == 303 and page.headers.get("location") == f"{at}/details", page.headers)


def main(checks):
    world = World(checks)
    for part in (every_address_knows_its_methods, nothing_beside_them, what_one_asks_no_other_reads, always_by_https, back_to_the_details):
        checks.part(part, checks, world)


if __name__ == "__main__":
    run("pages_addresses", main)
