"""The citizens' pages as a reader without scripts has them, from a real node: the whole way for one and for four in four languages, and what
bad input, bad luck and other people's forms get."""
import concurrent.futures
import re
import urllib.parse

from checks import Stop, run, wait_until
from citizens import Round, booking, confirmed, day, People
from node import Node
from reader import Reader, fields_of, mykad, text_of

LANGUAGES = {"ms": "Anda ada", "en": "You have", "zh-Hans": "您有", "ta": "உங்களுக்கு"}
AWKWARD = ["Siti Nur'Ain", "Muthu A/L Raman", "Wan @ Ahmad bin Hj. Abu", "D’Souza-Lim", "O", "陈小明", "கலைச்செல்வி", "Nguyễn",
           "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{name}} [[key]]", "&amp;"]
SCARCE, PLENTY = ("14:00", "17:00"), ("09:00", "12:00")


class World:
    def __init__(self, checks):
        self.checks, self.next = checks, 0
        self.people = People(checks.random)
        self.node = Node(checks).start("--set", "http.deadline_ms=3000").ready()
        groups = [(c, day(d), *PLENTY, 500) for c in ("A", "B") for d in range(20)]
        groups += [(c, day(d), *SCARCE, 1) for c in ("A", "B") for d in range(20)]
        Round(checks.directory, "main", groups, name="Round of the pages").open_on(self.node)

    def reader(self, language="en", **more):
        return Reader("127.0.0.1", self.node.port, language, **more)

    def number(self):
        self.next += 1
        return mykad(self.next)

    def people_fields(self, count, **more):
        out = {}
        for i in range(1, count + 1):
            out |= {f"p{i}-number": self.number(), f"p{i}-name": f"Warga {i}", f"p{i}-phone": "012-345 6789"}
        return {**out, **more}

    def at_details(self, reader, count=1, place=("A", 0, "09:00")):
        return reader.get(f"/book/at/{place[0]}/{day(place[1])}/{place[2]}/details?people={count}")

    def at_check(self, reader, count=1, place=("A", 0, "09:00"), **more):
        page = self.at_details(reader, count, place)
        return reader.send(page.form("/details"), self.people_fields(count, **more), button="on")

    def booked(self):
        """How many bookings the node has, by its own store."""
        return self.node.ctl("--output", "json", "audit", "--online").json()["live"]

    def book(self, reader, count=1, place=("A", 0, "09:00"), **more):
        page = self.at_check(reader, count, place, **more)
        page = reader.send(page.form("/check"), button="book")
        if reader.page.kind() != "my-booking" or not references(page):
            raise Stop(f"not booked: {page.status} {page.text()[:300]}")
        return page


def signs(page):
    return [text_of(e).split(" ")[0] for e in page.all("dd") if e.get("class") == "code"]


def references(page):
    return signs(page)[0::2]


def codes(page):
    return signs(page)[1::2]


def the_whole_way(checks, world):
    for language, words in LANGUAGES.items():
        for count in (1, 4):
            r = world.reader(language)
            home = r.get("/")
            search = [f for f in home.forms() if f.get("method") == "get"][0]
            r.send(search, {"people": str(count), "place": "Johor"})
            for step in ("/book/at/A", day(1), "/09:00/details"):
                r.follow(step)
            r.send(r.page.form("/details"), world.people_fields(count), button="on")
            done = r.send(r.page.form("/check"), button="book")
            good = done.heading().startswith(words) and len(set(references(done))) == count and done.all("html")[0].get("lang") == language
            checks.check(f"{language}: {count} booked by links and forms alone", good, f"{done.status} {done.text()[:300]}")
            moved = r.follow("/my-booking/move")
            if count > 1:
                moved = r.send([f for f in moved.forms() if f.get("method") == "get"][0])
            for step in ("/my-booking/move/B", day(2), "09:00"):
                moved = r.follow(step)
            moved = r.send(moved.form("09:00"))
            checks.check(f"{language}: {count} moved", moved.kind() == "my-booking" and moved.text().count("Dewan B") == count, moved.text()[:400])
            gone = r.follow("/my-booking/cancel")
            if count > 1:  # nobody is ticked beforehand
                gone = r.send(gone.form("/cancel"), button="")
                checks.check(f"{language}: with nobody chosen nobody is cancelled", gone.status == 422 and gone.kind() == "change", gone.text()[:200])
                gone = r.get("/my-booking/cancel?" + "&".join(f"who={i}" for i in range(1, count + 1)))
            gone = r.send(gone.form("/cancel"), button="")
            checks.check(f"{language}: {count} cancelled, and it is said", gone.status == 200 and len(gone.all("article")) == count and
                         all(e.get("class") == "booking cancelled" for e in gone.all("article")) and not gone.links_to("/my-booking/cancel"), gone.text()[:300])


def pressed_many_times(checks, world):
    r = world.reader()
    page = world.at_check(r, 2)
    form = page.form("/check")
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        def press(_):
            other = world.reader()
            other.jar, other.page = dict(r.jar), page
            return references(other.send(form, button="book"))
        at_once = list(pool.map(press, range(10)))
    seen = set()
    for _ in range(2):
        done = r.send(form, button="book")
        seen.add(tuple(sorted(set(references(done)))))
    seen |= {tuple(sorted(set(one))) for one in at_once}
    checks.check("ten presses at once and two later are one booking, and each ends at it", len(seen) == 1 and len(next(iter(seen))) == 2, seen)


def names_as_typed(checks, world):
    for i in range(0, len(AWKWARD), 4):
        names = AWKWARD[i:i + 4]
        r = world.reader()
        page = world.at_check(r, len(names), **{f"p{n + 1}-name": name for n, name in enumerate(names)})
        for name in names:
            checks.check(f"on the check page as typed: {name}", name in [text_of(e) for e in page.all("dd")] and not page.all("img"), page.text()[:500])
        done = r.send(page.form("/check"), button="book")
        for n, name in enumerate(names):
            checks.check(f"on the confirmation as typed: {name}", f"Person {n + 1}: {name}" in [text_of(e) for e in done.all("h2")] and not done.all("img"), done.text()[:500])


def wrong_fields(checks, world):
    r = world.reader()
    page = world.at_details(r, 2)
    page = r.send(page.form("/details"), {"p1-number": "No. KP: 900101-07-5678 ", "p2-number": "9" * 40, "p2-name": "O"}, button="on")
    ids = {e.get("id") for e in page.tree.iter() if isinstance(e.tag, str)}
    summary = wrong_inputs(page)
    checks.check("wrong fields are told at the top and beside each, and lead there", page.status == 422 and summary and set(summary) <= ids, f"{page.status} {summary}")
    checks.check("the title begins with the word for error", text_of(page.all("title")[0]).startswith("Error:"), text_of(page.all("title")[0]))
    checks.equal("what was pasted is there, uncut", page.value("p2-number"), "9" * 40)
    checks.equal("and so is the other's", page.value("p1-number"), "No. KP: 900101-07-5678 ")
    form = world.at_details(r, 1).form("/details")
    for words, body, status in (
            ("a field twice", urllib.parse.urlencode(fields_of(form) + [("p1-name", "x"), ("p1-name", "y")]), 400),
            ("invalid UTF-8", urllib.parse.urlencode(fields_of(form)) + "&p1-name=%ff", 400),
            ("half an escape", urllib.parse.urlencode(fields_of(form)) + "&x=%4", 400),
            ("a thousand fields", "&".join(f"f{i}=1" for i in range(1000)), 400)):
        page = r.ask("POST", form.get("action"), body=body)
        checks.check(f"{words}: a page that says so", page.status == status and page.heading(), f"{page.status} {page.text()[:200]}")
    page = r.ask("POST", form.get("action"), body="--x\r\n\r\n--x--", headers={"Content-Type": "multipart/form-data; boundary=x"})
    checks.check("multipart: a page that says so", page.status == 415 and page.heading(), page.status)


def wrong_inputs(page):
    """As the summary of errors has them."""
    return [h[1:] for h, _ in page.links() if h.startswith("#p")]


def language_in_mid_form(checks, world):
    r = world.reader("en")
    page = world.at_details(r, 2)
    typed = {"p1-name": "கலைச்செல்வி", "p1-number": "1", "p2-notes": "a\nb"}
    page = r.send(page.form("/details"), typed, button="on")
    told = wrong_inputs(page)
    for takes in (True, False):
        r.takes = takes  # its cookies
        for language in ("zh-Hans", "ms", "en", "ta"):
            page = r.send(page.form("/details"), button=language)
            same = page.value("p1-name") == typed["p1-name"] and page.value("p1-number") == "1" and "a" in (page.value("p2-notes") or "")
            checks.check(f"{language} in mid-form{'' if takes else ' without cookies'}: the same step, the same values, the same errors", page.kind() == "details" and same and
                         len(told) >= 3 and wrong_inputs(page) == told and page.all("html")[0].get("lang") == language, page.text()[:200])
    r.takes = True
    page = r.get("/nothing-here")
    checks.check("a page that is not there is in the language chosen last", page.status == 404 and page.all("html")[0].get("lang") == "ta", (page.status, page.all("html")[0].get("lang")))


def own_forms_and_others(checks, world):
    host = f"http://127.0.0.1:{world.node.port}"
    rows = [("own origin", {"Origin": host}, {}, True), ("no origin", {"Origin": "", "Sec-Fetch-Site": "same-origin"}, {}, True),
            ("null, same-origin", {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, {}, True),
            ("null, cross-site", {"Origin": "null", "Sec-Fetch-Site": "cross-site"}, {}, False),
            ("null alone", {"Origin": "null", "Sec-Fetch-Site": ""}, {}, False),
            ("foreign origin", {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}, {}, False),
            ("foreign origin that says it is ours", {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, {}, False),
            ("no token", {"Origin": host}, {"form_token": ""}, False), ("a token of nobody", {"Origin": host}, {"form_token": "v1." + "A" * 43}, False)]
    for words, headers, values, passes in rows:
        r = world.reader()
        page = world.at_check(r)
        name_before = page.value("p1-name")
        form, before = page.form("/check"), world.booked()
        done = r.send(form, values, button="book", headers=headers)
        if passes:
            checks.check(f"{words}: booked", done.kind() == "my-booking" and references(done), f"{done.status} {done.text()[:200]}")
        else:
            kept = done.status == 403 and done.value("p1-name") == name_before and not references(r.get("/my-booking")) and world.booked() == before
            r.page = done
            again = r.send(done.form("/check"), button="book")
            checks.check(f"{words}: refused in words, everything still there, and one more press books", kept and references(again), f"{done.status} {done.text()[:200]}")
    r, other = world.reader(), world.reader()
    world.at_check(other)
    page = world.at_check(r)
    before = world.booked()
    done = r.send(page.form("/check"), {"form_token": other.page.value("form_token")}, button="book")
    checks.check("somebody else's token: refused", done.status == 403 and not references(done), done.status)
    shown = [len(references(who.get("/my-booking"))) for who in (r, other)]
    checks.equal("and nothing is booked, for neither", (world.booked(), shown), (before, [0, 0]))


def links_change_nothing(checks, world):
    r = world.reader()
    page = world.book(r, 2)
    before, kept = references(page), []
    for method in ("HEAD", "GET", "GET"):
        for href, _ in list(page.links()) + [("/my-booking/cancel", ""), ("/my-booking/move/B/" + day(3) + "/09:00?who=1", ""), ("/forget", ""), ("/start-again", "")]:
            if href.startswith("/") and "#" not in href:
                other = Reader(r.host, r.port, "en")
                other.jar = dict(r.jar)
                other.ask(method, href, follow=False)
                kept.append((method, href, "janji_mine" in other.jar and references(other.get("/my-booking")) == before))
    lost = [(method, href) for method, href, same in kept if not same]
    checks.check("whoever opens every link forgets nothing", len(kept) > 30 and not lost, (len(kept), lost))
    page = r.get("/my-booking")
    said = page.text()
    checks.check("and cancels and moves nothing", references(page) == before and "Cancelled" not in said and said.count("Dewan A") == 2 and "Dewan B" not in said, said[:400])


def full_while_choosing(checks, world):
    place = ("A", 5, "14:00")
    r, other = world.reader(), world.reader()
    page = world.at_check(r, 1, place, **{"p1-name": "Who waits"})
    world.book(other, 1, place)
    page = r.send(page.form("/check"), button="book")
    checks.check("the last place went: it is said, and that there is no booking", page.status == 409 and "You have no booking yet" in page.text(), f"{page.status} {page.text()[:300]}")
    nearest = [f for f in page.forms() if f.get("action").endswith("/details")]
    page = r.send(nearest[0], button="") if nearest else page
    checks.check("a nearest place is one press away, and the form is kept", page.heading() == "Is this right?" and "Who waits" in page.text(), page.text()[:300])
    page = r.send(page.form("/check"), button="book")
    checks.check("and can be booked", bool(references(page)), page.text()[:300])
    reader, times = world.reader(), f"/book/at/A/{day(5)}"
    wait_until(lambda: "full" in [e.get("class") for e in reader.get(f"{times}?people=1").all("li")], 10, "the page shows the time as full")
    offered = [[words for href, words in reader.page.links() if href.split("?")[0] == f"{times}/{time}/details"] for time in ("09:00", "14:00")]
    checks.check("a day with one full time offers the other, and not the full one", len(offered[0]) == 1 and not offered[1], (offered, reader.page.text()[:200]))


def booked_twice(checks, world):
    number = world.number()
    world.book(world.reader(), 1, **{"p1-number": number})
    r = world.reader()
    page = r.send(world.at_check(r, 1, ("B", 1, "09:00"), **{"p1-number": number}).form("/check"), button="book")
    checks.check("one who has a booking hears it", page.status == 409 and "already has a booking" in page.text(), page.text()[:300])
    page = r.send(world.at_check(r, 3, ("B", 1, "09:00"), **{"p2-number": number}).form("/check"), button="book")
    checks.check("of a party it is not said who", page.status == 409 and "one of these 3 people" in page.text().lower(), page.text()[:300])


def find_again(checks, world):
    mine = world.book(world.reader(), 1)
    reference, code = references(mine)[0], codes(mine)[0]
    other_code = codes(world.book(world.reader(), 1))[0]
    for words, said, wanted in (("as printed", (reference, code), True), ("small letters, no dashes", (reference.replace("-", "").lower(), code.replace("-", "").lower()), True),
                                ("without the last sign", (reference[:-2], code), True), ("somebody else's code", (reference, other_code), False),
                                ("a reference of nobody", ("0000-0000-0000-0", code), False), ("nonsense", ("<b>", "?"), False)):
        r = world.reader()
        page = r.get("/find")
        page = r.send(page.form("/find"), {"reference": said[0], "code": said[1]}, button="find")
        found = page.kind() == "my-booking" and reference in page.text() and "Person 1: Warga 1" in page.text()
        checks.check(f"find, {words}: {'found' if wanted else 'not found'}", found == wanted and (wanted or page.value("reference") == said[0]), f"{page.status} {page.text()[:200]}")


def round_states(checks, world):
    node = world.node
    r = world.reader()
    page = world.at_check(r)
    node.ctl("round", "pause", "main", "--reason", "A <b>storm</b>")
    paused = r.send(page.form("/check"), button="book")
    checks.check("paused: said with its reason, the form kept", paused.status == 409 and "not because it is full" in paused.text() and "A <b>storm</b>" in paused.text(), paused.text()[:300])
    checks.check("paused: a page a moment later says it first", wait_until(lambda: "storm" in r.get("/").text(), 5, "the start page says it"), "")
    node.ctl("round", "resume", "main")
    wait_until(lambda: "Booking is open." in r.get("/").text(), 10, "it is open again")
    done = world.at_details(r)
    checks.check("resumed: what was typed is still there", done.value("p1-name") == "Warga 1", done.text()[:200])


def restarted(checks, world):
    node = world.node
    r = world.reader()
    page = world.at_check(r, 4)
    node.kill()
    node.start("--set", "http.deadline_ms=3000").ready()
    r.port = node.port
    done = r.send(page.form("/check"), button="book")
    checks.check("a form from before a restart books", len(references(done)) == 4, done.text()[:300])
    r2 = world.reader()
    page = world.at_check(r2, 1)
    form = page.form("/check")
    body = urllib.parse.urlencode(fields_of(form) + [("go", "book")])
    request_and_die(node, form.get("action"), body, r2)
    node.start("--set", "http.deadline_ms=3000").ready()
    r2.port = node.port
    page = r2.get("/my-booking")
    known = references(page) or "Nothing has been booked with it so far" in page.text()
    checks.check("the answer was lost with the server: the page finds out by the form's own key", known, page.text()[:300])
    if not references(page):
        page = r2.send(page.form("/my-booking"), button="")
    checks.check("and a press with the same key books once", len(set(references(page))) == 1, page.text()[:300])


def request_and_die(node, action, body, reader):
    """Sends a form and kills the node before anything of the answer can be read."""
    import socket
    with socket.create_connection(("127.0.0.1", node.port)) as s:
        cookies = "; ".join(f"{k}={v}" for k, v in reader.jar.items())
        s.sendall((f"POST {action} HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nCookie: {cookies}\r\nSec-Fetch-Site: same-origin\r\n"
                   f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode())
        node.kill()


def forgotten(checks, world):
    r = world.reader()
    world.book(r, 1)
    page = r.get("/my-booking")
    form = next(f for f in page.forms() if f.get("action") == "/forget")
    page = r.send(form, button="")
    checks.check("forgotten: the cookies are gone", "janji_mine" not in r.jar and "janji_form" not in r.jar, r.jar)
    page = r.get("/my-booking")
    checks.check("and the page knows of nothing", not references(page) and page.heading() == "Do I have an appointment?", page.text()[:200])


def without_cookies(checks, world):
    r = world.reader(cookies=False)
    page = world.at_check(r, 2)
    done = r.send(page.form("/check"), button="book")
    checks.check("without cookies: booked, and shown in place", done.status == 201 and len(set(references(done))) == 2, f"{done.status} {done.text()[:200]}")


def headers_of_pages(checks, world):
    r = world.reader()
    page = r.get("/find")
    policy = page.headers.get("content-security-policy", "")
    checks.check("a page forbids what is inline and not ours", "default-src 'none'" in policy and "unsafe" not in policy, policy)
    import base64
    import hashlib
    style = text_raw(page.body, "<style>", "</style>")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    checks.check("its style is the one that the policy names", f"'sha256-{digest}'" in policy, policy)
    checks.check("a page of somebody's is kept nowhere", "no-store" in page.headers.get("cache-control", ""), page.headers)
    packed = r.get("/find", headers={"Accept-Encoding": "gzip"})
    checks.check("and is sent compressed to who takes it", packed.headers.get("content-encoding") == "gzip" and packed.heading(), packed.headers)
    public = r.get("/")
    checks.check("a public page is asked for again each time, and says by what it differs", public.headers.get("cache-control") == "no-cache" and "Accept-Language" in public.headers.get("vary", ""), public.headers)
    script = re.search(r'src="(/assets/[^"]+)"', page.body).group(1)
    asset = r.get(script)
    checks.check("the script is for ever", asset.status == 200 and "immutable" in asset.headers.get("cache-control", ""), asset.headers)
    checks.equal("an asset of another version is not there, and not kept", (r.get("/assets/janji-0000000000000000.js").status, r.page.headers.get("cache-control")), (404, "no-store"))
    long = r.get("/", headers={"Accept-Language": "xx," * 2000 + "ta", "Cookie": "a=" + "b" * 1500})
    checks.equal("a long Accept-Language and a strange cookie: a page", long.status, 200)
    for cookie in ("janji_form=" + "A" * 1000, "janji_mine=%00%ff", "janji_browser=" + "x" * 500):
        page = r.ask("GET", "/my-booking", headers={"Cookie": cookie})
        checks.equal(f"a cookie that is none of ours ({cookie[:12]}): as if there were none", page.status, 200)


def a_form_too_large_for_a_cookie(checks, world):
    r = world.reader()
    notes = {f"p{i}-notes": "".join(chr(0x4E00 + (i * 977 + k * 131) % 20000) for k in range(150)) for i in range(1, 5)}
    names = {f"p{i}-name": "".join(chr(0x4E00 + (i * 577 + k * 331) % 20000) for k in range(60)) for i in range(1, 5)}
    page = world.at_check(r, 4, **notes, **names)
    done = r.send(page.form("/check"), button="book")
    checks.check("what does not fit into a cookie goes along in the form, and is booked", len(set(references(done))) == 4, f"{done.status} {done.text()[:300]}")


def searched(checks, world):
    r = world.reader()
    for words, place, wanted in (("a postcode of a state that has no centre", "47500", "Postcodes that begin with 47 are mostly in Selangor."), ("the same: the nearest are shown", "47500", "Dewan A"),
                                 ("a postcode of the round's state", "86000", "Dewan B"), ("a state", "johor", "Which centre in Johor?"), ("another name of a state", "Penang", "no centre in Penang"),
                                 ("a part of a name", "dewan b", "Centres for “dewan b”"), ("nonsense", "<b>x</b>", "We found no centre for “<b>x</b>”")):
        page = r.get("/book/in?people=1&place=" + urllib.parse.quote(place))
        checks.check(f"searched, {words}: {wanted}", page.status == 200 and wanted in page.text(), page.text()[:300])
    status = r.get("/status")
    checks.check("the state of the system is said in words", status.status == 200 and "in order" in status.text(), status.text()[:300])


def refused_by_the_session(checks, world):
    r = world.reader("ta")
    page = r.get("/", headers={"Cookie": "a=" + "b" * 20_000})
    checks.equal("a header of 20 kB: a page", page.status, 200)
    page = r.get("/", headers={"Cookie": "a=" + "b" * 40_000})
    checks.check("of 40 kB: a page that says so in every language", page.status == 431 and page.heading() and "表格太大" in page.text(), f"{page.status} {page.body[:200]}")
    page = r.get("/api/v1/rounds", headers={"Cookie": "a=" + "b" * 20_000})
    checks.check("the API takes no header of 20 kB, and says so in JSON", page.status == 431 and "headers_too_large" in page.body, f"{page.status} {page.body[:200]}")
    form = world.at_details(r).form("/details")
    page = r.ask("POST", form.get("action"), body="p1-notes=" + "x" * 60_000)
    checks.check("a form of 60 kB is read", page.status in (403, 422), page.status)
    page = r.ask("POST", form.get("action"), body="p1-notes=" + "x" * 70_000)
    checks.check("of 70 kB: a page that says so, in the reader's language", page.status == 413 and page.all("html")[0].get("lang") == "ta", f"{page.status} {page.body[:200]}")


def text_raw(body, begin, end):
    return body.split(begin, 1)[1].split(end, 1)[0]


def receipts(checks, world):
    r = world.reader()
    page = world.book(r, 1)
    proof = next(h.split("#", 1)[1] for h, _ in page.links() if h.startswith("/receipt#"))
    checks.check("a proof is short enough for a code", len(proof) <= 400, len(proof))
    for words, text, good in (("a real one", proof, True), ("with blanks around it", f"  {proof}\n", True), ("one sign changed", proof[:-3] + ("A" if proof[-3] != "A" else "B") + proof[-2:], False), ("nonsense", "hello", False)):
        page = r.get("/receipt")
        page = r.send(page.form("/receipt"), {"receipt": text}, button="")
        verdict = text_of(next(e for e in page.all("div") if e.get("id") == "verdict"))
        checks.check(f"the server checks {words}", ("This proof is real" in verdict) == good, verdict)
        said = all(w in verdict for w in ("Dewan A", f"{int(day(0)[8:])} ", "9:00")) and day(0) not in verdict and verdict.count("When") == 0
        checks.check(f"and says where and when in words: {words}", said == good, verdict)
    key = re.search(r"[0-9a-f]{64}", world.node.ctl("receipt", "key").out).group(0)
    told = world.node.ctl("receipt", "verify", proof, "--key", key)
    checks.check("janjictl verifies it too", told.code == 0, told)


def main(checks):
    world = World(checks)
    for part in (the_whole_way, pressed_many_times, names_as_typed, wrong_fields, language_in_mid_form, own_forms_and_others, links_change_nothing, full_while_choosing,
                 booked_twice, find_again, round_states, forgotten, without_cookies, a_form_too_large_for_a_cookie, searched, headers_of_pages, refused_by_the_session, receipts, restarted):
        checks.part(part, checks, world)


if __name__ == "__main__":
    run("pages", main)
