"""What a press came to, and the same page in another language, looked at again or pressed again: with cookies, without, and with a form that
is too large for one. Nothing typed is lost, nothing is acted on but a press, and what is not known is never said to be nothing."""
import datetime
import re

from checks import run, wait_until
from citizens import Round, day
from node import Node
from pages import World, references
from reader import HTML, Reader, text_of

LONG = {f"p{i}-notes": "".join(chr(0x4E00 + (i * 977 + k * 131) % 20000) for k in range(400)) for i in range(1, 5)}


def tongue(page):
    return page.all("html")[0].get("lang")


def buttons(page):
    return [text_of(b) for b in page.all("button")]


def in_language(reader, language):
    """As a reader changes it: by a button of the page where there is one, else by its link."""
    page = reader.page
    for form in page.forms():
        if any(b.get("name") == "lang" and b.get("value") == language for b in form.iter(HTML + "button")):
            return reader.send(form, button=language)
    return reader.follow(f"lang={language}")


def hidden(page, name):
    return [e.get("value") for e in page.all("input") if e.get("name") == name]


def press(reader, page, button="book"):
    return reader.send(page.form("/check"), button=button)


def look(reader, page):
    reader.page = page
    form = page.form("/check")
    return reader.send(form, button="look" if any(b.get("value") == "look" for b in form.iter(HTML + "button")) else "")


def in_place(world, reader, count=1, place=("A", 0, "09:00"), **more):
    """The check page of who takes no cookies."""
    page = world.at_details(reader, count, place)
    return reader.send(page.form("/details"), world.people_fields(count, **more), button="on")


def too_large_and_lost(checks, world):
    """A form for four with long notes was booked, its answer was lost, and the page said that this device knew of no appointment."""
    r = world.reader()
    page = world.at_check(r, 4, ("A", 1, "09:00"), **LONG)
    begun = r.get("/my-booking")
    checks.check("a large form that was begun: whether it was pressed is not known", begun.kind() == "pending" and "may or may not" in begun.text(), begun.text()[:300])
    r.page, other = page, world.reader()
    other.jar, other.page, before = dict(r.jar), page, world.booked()
    press(other, page)
    checks.equal("it is booked, and its answer comes nowhere", world.booked(), before + 4)
    page = r.get("/my-booking")
    checks.check("what is not known is not said to be nothing", page.kind() == "pending" and "knows of no appointment" not in page.text() and "press again" in page.text(), page.text()[:400])
    checks.check("nor by its check page", r.get(f"/book/at/A/{day(1)}/09:00/check").kind() == "pending", r.page.kind())
    checks.equal("nor where another time is chosen", world.at_details(r, 4, ("B", 1, "09:00")).kind(), "pending-first")
    page = in_language(other, "ta")
    checks.equal("in another language the confirmation is the same", (page.kind(), len(set(references(page))), tongue(page)), ("my-booking", 4, "ta"))
    holder = world.reader()
    world.book(holder, 1, ("A", 1, "09:00"))
    world.at_check(holder, 4, ("A", 1, "09:00"), **LONG)
    page = holder.get("/my-booking")
    checks.check("who has an appointment sees it, and that of the form nothing is known", len(references(page)) == 1 and "may or may not" in page.text(), page.text()[:300])


def storage_low(checks, world):
    """Without cookies, or with a form too large, the screen of what is not known lost its form and its key with its language."""
    port = world.node.port
    small, large = world.reader(cookies=False), world.reader()
    checks_of = {small: in_place(world, small, 1, ("A", 2, "09:00")), large: world.at_check(large, 4, ("A", 2, "09:00"), **LONG)}
    world.node.stop()
    world.node.start("--set", "http.deadline_ms=3000", "--set", "store.disk_low_mark=0.9", "--port", str(port)).ready()
    for r, words in ((small, "without cookies"), (large, "too large")):
        page = press(r, checks_of[r])
        typed = page.value("p1-number")
        checks.check(f"{words}, no room for bookings: not known, with the form in the page", page.status == 503 and page.kind() == "pending" and typed, f"{page.status} {page.text()[:200]}")
        draft = page.value("draft")
        page = in_language(r, "ta")
        checks.equal(f"{words}: the same screen in Tamil, with the same form and key", (page.kind(), page.value("p1-number"), page.value("draft"), tongue(page)), ("pending", typed, draft, "ta"))
        page = r.send(next(f for f in page.forms() if any(b.get("value") == "look" for b in f.iter(HTML + "button"))), button="look")
        checks.equal(f"{words}: to look again loses neither", (page.kind(), page.value("p1-number"), page.value("draft")), ("pending", typed, draft))
        r.seen_last = page
    checks.check("the large one is not known at its address", "knows of no appointment" not in large.get("/my-booking?lang=en").text() and large.page.kind() == "pending", large.page.text()[:200])
    world.node.stop()
    world.node.start("--set", "http.deadline_ms=3000", "--port", str(port)).ready()
    before = world.booked()
    for r, count in ((small, 1), (large, 4)):
        r.page = r.seen_last
        page = r.send(r.page.form("/my-booking"), button="")
        checks.equal("with room again one more press books", len(set(references(page))), count)
    checks.equal("and each once", world.booked(), before + 5)


def refusals_in_another_language(checks, world):
    """The switch led to an empty form: the refusal and its nearest places were gone."""
    holder, number = world.reader(), world.number()
    world.book(holder, 1, ("A", 3, "14:00"), **{"p1-number": number})
    before_all = world.booked()
    for takes in (True, False):
        for words, count, place, more in (("full", 1, ("A", 3, "14:00"), {}), ("already_booked", 1, ("B", 4, "09:00"), {"p1-number": number}), ("not_enough_together", 4, ("A", 5, "14:00"), {})):
            r = world.reader(cookies=takes)
            page = press(r, in_place(world, r, count, place, **more))
            before = (page.status, page.kind(), len(page.forms()), hidden(page, "p1-name"))
            page = in_language(r, "ta")
            after = (page.status, page.kind(), len(page.forms()), hidden(page, "p1-name"))
            checks.check(f"{words}{'' if takes else ', no cookies'}: the same refusal in Tamil, with its form and what is near", before == after and before[:2] == (409, "refused") and tongue(page) == "ta" and words in page.text(), (before, after, page.text()[:200]))
            page = in_language(r, "en")
            checks.equal("and back", (page.kind(), tongue(page)), ("refused", "en"))
            if words == "not_enough_together":
                checks.check("how many are left is still said", "Only 1 place is left together" in page.text() and "you are 4" in page.text(), page.text()[:300])
    checks.equal("nothing was booked by a language", world.booked(), before_all)


def nothing_typed_is_lost(checks, world):
    """Without cookies, or too large for one, a refusal's links led to an empty form."""
    number = world.number()
    world.book(world.reader(), 1, ("A", 3, "09:00"), **{"p1-number": number})
    r = world.reader(cookies=False)
    page = press(r, in_place(world, r, 1, ("A", 4, "09:00"), **{"p1-number": number}))
    page = r.send(page.form("/details"), button="change")
    checks.check("already booked: Change leads to what was entered", page.kind() == "details" and page.value("p1-number") == number and page.value("p1-name") == "Warga 1", page.text()[:200])
    page = press(r, in_place(world, r, 4, ("A", 6, "14:00")))
    one = next(f for f in page.forms() if any(text_of(b) == "Book for one person" for b in f.iter(HTML + "button")))
    page = r.send(one, button="change")
    checks.check("one place for four: the first of them, as typed", page.kind() == "details" and page.value("p1-name") == "Warga 1" and page.value("people") == "1" and page.value("p2-name") is None, page.text()[:200])


def booked_without_cookies(checks, world):
    """In another language reference and code were gone, and nothing else has them."""
    r = world.reader(cookies=False)
    page = press(r, in_place(world, r, 2, ("A", 7, "09:00")))
    shown, before = references(page), world.booked()
    checks.check("no link leads to a file that only a cookie opens", not page.links_to("appointment.ics"), page.links())
    for language in ("ta", "ms", "en"):
        page = in_language(r, language)
        checks.equal(f"{language}: the same references", (references(page), tongue(page), page.kind()), (shown, language, "my-booking"))
    checks.equal("and nothing more is booked", world.booked(), before)
    checks.check("no number of a document stands in the page", not hidden(page, "p1-number"), hidden(page, "p1-number"))
    for form in page.forms():
        if any(e.get("name") == "reference" for e in form.iter(HTML + "input")):
            page = r.send(form, {"reference": "x" * 60, "lang": "ta"})
    checks.check("what is not ours opens nothing", not references(page), page.text()[:200])


def moves_in_another_language(checks, world):
    """Who was moved and who was not stood in English alone, and `Bring the others back` was gone."""
    r = world.reader()
    world.book(r, 2, ("A", 8, "09:00"))
    page = r.get(f"/my-booking/move/A/{day(8)}/14:00?who=1&who=2")
    page = r.send(page.form("/14:00"), button="")
    said = [text_of(e)[:20] for e in page.all("li") if e.get("class") in ("good", "stop", "wait")]
    back = [f.get("action") for f in page.forms() if f.get("action").endswith("/09:00")]
    checks.check("one is moved and one kept", page.kind() == "changed" and len(said) == 2 and back, page.text()[:300])
    for language in ("ta", "en"):
        page = in_language(r, language)
        again = [e.get("class") for e in page.all("li") if e.get("class") in ("good", "stop", "wait")]
        checks.equal(f"{language}: who was moved, and the way back", (page.kind(), tongue(page), again, [f.get("action") for f in page.forms() if f.get("action").endswith("/09:00")], page.status), ("changed", language, ["good", "stop"], back, 409))
    page = r.send(page.form("/09:00"), button="")
    checks.check("the way back still leads there", page.kind() == "my-booking" and "14:00" not in page.text(), page.text()[:300])
    page = r.get(f"/my-booking/move/A/{day(9)}/09:00?who=2")
    page = r.send(page.form("/09:00"), button="", headers={"Origin": "http://evil.example"})
    checks.equal("a move from elsewhere is refused", (page.status, page.kind()), (403, "change"))
    page = in_language(r, "ta")
    ticked = [e.get("id") for e in page.all("input") if e.get("checked") is not None]
    checks.check("in Tamil: the same place and the same ticks", page.kind() == "change" and tongue(page) == "ta" and ticked == ["who-2"] and page.form("/09:00") is not None, (page.url, ticked, page.text()[:200]))
    page = r.get("/my-booking/cancel?who=2")
    page = in_language(r, "ms")
    checks.equal("whom to cancel stays ticked", (tongue(page), [e.get("id") for e in page.all("input") if e.get("checked") is not None]), ("ms", ["who-2"]))
    page = r.get("/my-booking/move?lang=en")
    form = next(f for f in page.forms() if f.get("method") == "get" and any(b.get("name") == "lang" for b in f.iter(HTML + "button")))
    for e in form.iter(HTML + "input"):
        if e.get("id") == "who-1":
            del e.attrib["checked"]
    page = r.send(form, button="ta")
    checks.equal("and so does whom to move", (page.kind(), tongue(page), [e.get("id") for e in page.all("input") if e.get("checked") is not None]), ("change", "ta", ["who-2"]))
    page = r.send(next(f for f in page.forms() if f.get("method") == "get"), button="on")
    checks.check("who goes on chooses a centre", page.kind() == "move-centre" and page.links_to("who=2") and not page.links_to("who=1"), page.links())
    page = r.get("/my-booking/cancel?lang=en")
    page = r.send(page.form("/cancel"), button="")
    boxes = [e for e in page.all("input") if e.get("type") == "checkbox"]
    told = {e.get("id"): text_of(e) for e in page.all("p")}
    checks.check("with nobody ticked each box names what is wrong", page.status == 422 and len(boxes) == 2 and all(b.get("aria-invalid") == "true" and "at least one" in told[b.get("aria-describedby")] for b in boxes), [b.attrib for b in boxes])
    page = in_language(r, "ta")
    checks.equal("in Tamil too", (page.status, tongue(page), [e.get("aria-invalid") for e in page.all("input") if e.get("type") == "checkbox"]), (422, "ta", ["true", "true"]))
    page = r.get("/my-booking/cancel?who=1&who=2&lang=en")
    page = r.send(page.form("/cancel"), button="")
    for what in ("cancel", "move"):
        page = r.get(f"/my-booking/{what}?lang=ta")
        checks.equal(f"{what}, when nobody is left: in the language that was asked for", (page.kind(), tongue(page)), ("my-booking", "ta"))
        r.get("/my-booking?lang=en")


def others_in_another_language(checks, world):
    r = world.reader()
    page = world.book(r, 1, ("A", 10, "09:00"))
    proof = re.search(r'/receipt#([^"]+)', page.body).group(1)
    page = r.get("/receipt")
    checks.check("the page that checks proofs is the same for everybody", page.headers.get("cache-control") == "no-cache" and page.headers.get("etag") and "forget" not in page.body.split("<footer>")[1], page.headers)
    page = r.send(page.form("/receipt"), {"receipt": proof[:60] + "\r\n  " + proof[60:]}, button="")
    checks.check("a proof that was wrapped is read", page.status == 200 and "real" in page.text(), page.text()[:200])
    page = in_language(r, "ta")
    checks.check("the verdict and the proof are there in Tamil", page.status == 200 and tongue(page) == "ta" and proof[60:] in page.body and len(page.all("dd")) == 7, page.text()[:200])
    mine = references(r.get("/my-booking"))[0]
    page = r.get("/find?lang=en")
    page = r.send(page.form("/find"), {"reference": mine, "code": "4T8B-92QX-7K3M-5"}, button="find")
    faulty = [e.get("id") for e in page.all("input") if e.get("aria-invalid") == "true"]
    checks.check("a wrong pair: an error in the title, in the summary and beside its fields", page.status == 404 and text_of(page.all("title")[0]).startswith("Error:") and faulty == ["reference", "code"] and "#reference" in [h for h, _ in page.links()], (page.status, faulty))
    page = in_language(r, "ta")
    checks.equal("in Tamil too, with what was typed", (page.status, tongue(page), page.value("code"), [e.get("id") for e in page.all("input") if e.get("aria-invalid") == "true"]), (404, "ta", "4T8B-92QX-7K3M-5", faulty))
    page = r.ask("POST", "/find", body="strange=1")
    page = in_language(r, "ms")
    checks.check("what could not be read is told in Malay", page.status == 400 and tongue(page) == "ms" and "strange" in page.text(), f"{page.status} {page.text()[:200]}")
    page = r.get("/my-booking?lang=en")
    page = r.send(next(f for f in page.forms() if f.get("action") == "/forget"), button="")
    page = in_language(r, "ta")
    checks.equal("forgotten: said in Tamil", (page.status, page.kind(), tongue(page)), (200, "forgotten", "ta"))
    left = page
    world.book(r, 1, ("A", 10, "09:00"))
    r.page = left
    in_language(r, "en")
    checks.check("and whoever has begun anew is not forgotten by it", len(references(r.get("/my-booking"))) == 1, r.page.text()[:200])


def people_are_counted(checks, world):
    """Where the number of people did not come the second was dropped without a word."""
    for words, values, drop in (("left out", {}, ("people",)), ("no number", {"people": "abc"}, ()), ("nobody", {"people": "0"}, ()), ("too many", {"people": "99"}, ()), ("fewer than were filled in", {"people": "1"}, ())):
        r = world.reader()
        page = world.at_details(r, 2, ("A", 11, "09:00"))
        page = r.send(page.form("/details"), {**world.people_fields(2), **values}, button="on", drop=drop)
        checks.check(f"for how many, {words}: asked, with both still there", page.status == 422 and page.kind() == "details" and "For how many people" in page.text() and page.value("p2-name") == "Warga 2", f"{page.status} {page.kind()} {page.text()[:200]}")
        page = in_language(r, "ta")
        checks.check(f"{words}: asked in Tamil too", page.status == 422 and tongue(page) == "ta" and "எத்தனை பேருக்கு" in page.text(), page.text()[:200])
        page = in_language(r, "en")
        page = r.send(page.form("/details"), button="on")
        checks.equal(f"{words}: and one more press goes on with both", (page.kind(), page.value("people")), ("check", "2"))
    before = world.booked()
    page = r.send(page.form("/check"), {"people": "1"}, button="book")
    checks.equal("nor does a press book for one of two", (page.status, world.booked()), (422, before))


def two_tabs_keep_all(checks, world):
    """A page that came late took away what another tab had booked meanwhile."""
    r = world.reader()
    world.book(r, 1, ("A", 12, "09:00"))
    late = world.reader()
    late.jar = dict(r.jar)
    world.book(r, 1, ("B", 12, "09:00"))
    before = late.jar["janji_mine"]
    checks.equal("another tab shows what it knows", len(references(late.get("/my-booking"))), 1)
    checks.equal("and what did not change is not written again", late.jar["janji_mine"], before)
    page = r.get("/my-booking")
    checks.check("where the centre stands is said", len(references(page)) == 2 and any("Johor" in text_of(e) for e in page.all("dd")), page.text()[:300])


def the_server_opens_the_button(checks, world):
    """Booking was paused, and half a minute later the page stood there with its button, while it was paused."""
    place = ("A", 13, "09:00")
    r, none, large = world.reader(), world.reader(cookies=False), world.reader()
    pages = {r: world.at_check(r, 1, place), none: in_place(world, none, 1, place), large: world.at_check(large, 4, place, **LONG)}
    checks.equal("paused", world.node.ctl("round", "pause", "main", "--reason", "Kerosakan elektrik").code, 0)
    for who, words in ((r, "with cookies"), (none, "without cookies"), (large, "too large")):
        page = press(who, pages[who])
        checks.check(f"{words}: paused, why, and that the form is kept", page.status == 409 and all(w in page.text() for w in ("Kerosakan elektrik", "Your form is kept")), page.text()[:300])
        checks.check(f"{words}: and it is, here", page.value("p1-name") == "Warga 1", page.text()[:200])
        page = in_language(who, "ta")
        checks.check(f"{words}: the same in Tamil", page.status == 409 and "Kerosakan elektrik" in page.text() and tongue(page) == "ta" and page.value("p1-name") == "Warga 1", page.text()[:200])
        page = in_language(who, "en")
        if who is r:
            checks.check("it looks again by itself, and says so", page.headers.get("refresh", "").startswith("30; url=") and "30 seconds" in page.text(), page.headers.get("refresh"))
            page = who.get(page.headers["refresh"].split("url=")[1])
            checks.check("still paused: no button, and it goes on looking", page.kind() == "refused" and "Kerosakan" in page.text() and page.headers.get("refresh"), f"{page.kind()} {page.headers.get('refresh')}")
        page = look(who, page)
        checks.check(f"{words}: to look again is no press, and opens none", not any(b.startswith("Book th") for b in buttons(page)) and page.kind() in ("refused", "check"), (page.kind(), buttons(page)))
        who.left = page
    fresh = world.at_check(world.reader(), 1, place)
    checks.check("who comes to the check page meanwhile finds no button either", fresh.kind() == "check" and not any(b.startswith("Book th") for b in buttons(fresh)) and fresh.headers.get("refresh"), buttons(fresh))
    checks.equal("resumed", world.node.ctl("round", "resume", "main").code, 0)
    wait_until(lambda: "Booking is open." in text_of(world.reader().get("/find").tree), 10, "it is open again")
    for who, count in ((r, 1), (none, 1), (large, 4)):
        page = look(who, who.left)
        page = press(who, page)
        checks.equal("open again: the button is there, and books", len(set(references(page))), count)


def before_it_opens(checks, world):
    node = Node(checks, "soon").start("--set", "http.deadline_ms=3000").ready()
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=200)).astimezone(datetime.timezone(datetime.timedelta(hours=8)))
    Round(checks.directory, "soon", [("A", day(0), "09:00", "12:00", 5)], opens_at=soon.isoformat(timespec="seconds")).import_into(node)
    node.ctl("round", "open", "soon")
    r = Reader("127.0.0.1", node.port, "en")
    wait_until(lambda: r.get("/book/at/A").status == 200, 10, "the round is known")
    page = r.get(f"/book/at/A/{day(0)}/09:00/details")
    page = r.send(page.form("/details"), world.people_fields(1), button="on")
    checks.check("before it opens the check page has no button that books, and looks again", page.kind() == "check" and not any(b.startswith("Book th") for b in buttons(page)) and page.headers.get("refresh", "").startswith("30; "), (buttons(page), page.headers.get("refresh")))
    page = r.send(page.form("/check"), {"go": "book"})
    checks.check("pressed all the same: not open, and it looks again", page.status == 409 and "not begun" in page.text() and page.value("p1-name"), page.text()[:200])
    page = r.get(page.headers["refresh"].split("url=")[1])
    checks.check("then it is still not open", page.kind() == "refused" and "not begun" in page.text(), page.text()[:200])
    node.stop()


def closed(checks, world):
    r = world.reader(cookies=False)
    page = in_place(world, r, 1, ("A", 14, "09:00"))
    world.node.ctl("round", "close", "main", "--reason", "x")
    page = press(r, page)
    links = [(h, t) for h, t in page.links() if h == "/find"]
    main = [e.get("href") for e in page.all("a") if e.get("class") == "button main"]
    checks.check("closed: the main button finds an appointment, and the form is in the page", page.status == 409 and links and main == ["/find"] and page.value("p1-name") == "Warga 1", (page.status, main))


def main(checks):
    world = World(checks)
    for part in (too_large_and_lost, refusals_in_another_language, nothing_typed_is_lost, booked_without_cookies, moves_in_another_language, others_in_another_language,
                 people_are_counted, two_tabs_keep_all, the_server_opens_the_button, storage_low, before_it_opens, closed):
        checks.part(part, checks, world)


if __name__ == "__main__":
    run("pages_again", main)
