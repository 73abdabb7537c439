"""Faults that readers of other people's pages reported in public, tried on ours without a browser: forms that outlive what they came from, and
our own guard before our own forms."""
import glob
import os
import ssl
import urllib.parse

from authority import Authority
from checks import run, wait_until
from citizens import day
from pages import World, references, wrong_inputs
from reader import Reader, text_of
from relay import Relay

LATER = ("A", 9, "09:00")
DETAILS = "/book/at/{}/{}/{}/details".format(LATER[0], day(LATER[1]), LATER[2])


def start(world, *more, **options):
    world.node.start("--set", "http.deadline_ms=3000", *more, **options).ready()


def rotated(checks, node):
    fresh = os.path.join(checks.directory, "fresh.key")
    with open(fresh, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write("%064x\n" % checks.random.getrandbits(256))
    done = node.ctl("keys", "rotate", "--new-master-key-file", fresh)
    checks.check("the master key is rotated meanwhile", done.code == 0, done)
    node.stop()
    os.replace(fresh, f"{node.data}/master.key")


def forms_of_yesterday(checks, world):
    """After a quarter of an hour the session was gone, and everything that had been typed with it."""
    typed, pressed, lost = world.reader(), world.reader(), world.reader()
    details = world.at_details(typed, 2, LATER)
    check = world.at_check(pressed, 2, LATER)
    gone = world.at_check(lost, 2, LATER)
    rotated(checks, world.node)
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        checks.skip("the clock goes on by 25 hours", "faketime is not installed")
    start(world, before=("env", f"LD_PRELOAD={library[0]}", "FAKETIME=+90000s", "FAKETIME_DONT_FAKE_MONOTONIC=1") if library else ())
    for r in (typed, pressed, lost):
        r.port = world.node.port
    page = typed.send(details.form("/details"), world.people_fields(2), button="on")
    checks.check("a form of yesterday, of before a restart and a rotation, is read", page.kind() == "check", f"{page.status} {page.kind()} {page.text()[:200]}")
    page = typed.send(page.form("/check"), button="book")
    checks.check("and books", len(references(page)) == 2, page.text()[:300])
    page = pressed.send(check.form("/check"), button="book")
    checks.check("a press of yesterday books", len(references(page)) == 2, f"{page.status} {page.text()[:300]}")
    again = pressed.send(check.form("/check"), button="book")
    checks.check("and twice is once", len(references(page)) == 2 and references(again) == references(page), again.text()[:300])
    lost.jar.clear()  # as browsers do with cookies of half an hour
    page = lost.send(gone.form("/check"), button="book", headers={"Origin": "", "Sec-Fetch-Site": ""})
    kept = all(page.value(name) == gone.value(name) and gone.value(name) for name in ("p1-name", "p1-number", "p2-name", "p2-number"))
    checks.check("without its cookies, and with no word of where it stood, it is refused in words with everything in it", page.status == 403 and kept and not references(page), f"{page.status} {page.text()[:300]}")
    page = lost.send(page.form("/check"), button="book")
    checks.check("and one more press books", len(references(page)) == 2, f"{page.status} {page.text()[:300]}")
    world.node.stop()
    start(world)


def by_whatever_name(checks, world):
    """An Origin check refused everybody, and only in real browsers."""
    port = world.node.port
    for name in (f"127.0.0.1:{port}", f"localhost:{port}", f"LocalHost:{port}", f"[::1]:{port}", "janji.example", "xn--bcher-kva.example:8080"):
        r = Reader("127.0.0.1", port, "en", name=name)
        page = r.get(DETAILS)
        page = r.send(page.form("/details"), world.people_fields(1), button="on")
        page = r.send(page.form("/check"), button="book")
        checks.check(f"asked as {name} its own forms pass", len(references(page)) == 1, f"{page.status} {page.text()[:200]}")
        for origin in (f"http://{name}.evil.example", "http://evil.example", f"http://evil{name}", "http://", "nonsense"):
            other = Reader("127.0.0.1", port, "en", name=name)
            page = other.get(DETAILS)
            page = other.send(page.form("/details"), world.people_fields(1), button="on", headers={"Origin": origin, "Sec-Fetch-Site": "same-site"})
            checks.check(f"asked as {name} those of {origin} do not", page.status == 403 and page.kind() == "details", f"{page.status} {page.kind()}")


def behind_a_proxy_with_tls(checks, world):
    """The browser speaks https to a proxy, and that http to the node."""
    own = Authority(os.path.join(checks.directory, "tls"), "proxy")
    relay = Relay(world.node.port, certificate=own.issue("localhost", "DNS:localhost"))
    url = f"https://localhost:{relay.port}"
    world.node.stop()
    start(world, "--set", f"http.public_url={url} https://janji.example")
    relay.port_behind = world.node.port
    for name in (None, "janji.example"):
        r = Reader("localhost", relay.port, "en", tls=ssl.create_default_context(cafile=own.ca), name=name)
        page = r.get(DETAILS)
        checks.check("pages come through it, and say that only https is asked", page.status == 200 and "max-age" in page.headers.get("strict-transport-security", ""), page.headers)
        page = r.send(page.form("/details"), world.people_fields(1), button="on")
        page = r.send(page.form("/check"), button="book")
        checks.check(f"forms of {name or url} pass", len(references(page)) == 1, f"{page.status} {page.text()[:200]}")
        checks.check("every cookie is for https alone", len(r.secure) >= 3 and all(r.secure.values()), r.secure)
    page = (inner := world.reader()).get(DETAILS)
    page = inner.send(page.form("/details"), world.people_fields(1), button="on")
    checks.check("those of the address behind it do not", page.status == 403, page.status)
    relay.close()
    world.node.stop()
    start(world)


def refusals_can_be_found_again(checks, world):
    """The code and the request's id stand small below."""
    world.book(world.reader(), 1, ("B", 9, "14:00"))
    r = world.reader()
    page = world.at_check(r, 1, ("B", 9, "14:00"))
    page = r.send(page.form("/check"), button="book", headers={"X-Request-Id": "asked-by-page.1"})
    trace = ["".join(e.itertext()) for e in page.all("p") if e.get("class") == "trace"]
    checks.check("full: its code and the request's id stand below", trace == ["full · asked-by-page.1"], f"{page.status} {trace}")
    checks.check("and in the answer's header", page.headers.get("x-request-id") == "asked-by-page.1", page.headers)
    page = world.at_check(r, 1, ("B", 9, "14:00"))
    page = r.send(page.form("/check"), button="book", headers={"X-Request-Id": "<b>"})
    trace = ["".join(e.itertext()) for e in page.all("p") if e.get("class") == "trace"]
    checks.check("one that is no id is replaced by one that is", len(trace) == 1 and trace[0].startswith("full · ") and len(trace[0]) == len("full · ") + 13, trace)


def moved_in_two_presses(checks, world):
    """An old form pressed again: who was moved already holds up nobody."""
    r = world.reader()
    page = world.book(r, 3, ("A", 6, "09:00"))
    refs = references(page)
    at = f"/my-booking/move/B/{day(6)}/09:00"
    everyone = r.get(f"{at}?who=1&who=2&who=3")
    first = r.get(f"{at}?who=2")
    page = r.send(first.form("09:00"), button="")
    checks.check("one of three is moved", page.text().count("Dewan B") == 1 and page.kind() == "my-booking", page.text()[:300])
    page = r.send(everyone.form("09:00"), button="")
    checks.check("then the form of before moves the two others", page.kind() == "my-booking" and page.text().count("Dewan B") == 3 and references(page) == refs, f"{page.status} {page.text()[:400]}")
    page = r.send(everyone.form("09:00"), button="")
    checks.check("pressed once more it says that they are there, and none is moved", page.status == 409 and page.kind() == "changed", f"{page.status} {page.text()[:300]}")


def an_old_form_names_bookings(checks, world):
    """In another tab the list had changed: the press cancelled whoever stood at that place now."""
    r = world.reader()
    page = world.book(r, 2, ("A", 8, "09:00"))
    refs = references(page)
    old = r.get("/my-booking/cancel?who=1")
    handles = [e.get("value") for e in old.all("input") if e.get("name") == "who"]
    checks.check("a form names each by place and booking", len(handles) == 2 and all("." in h for h in handles) and handles[0].startswith("1."), handles)
    token = {"form_token": old.value("form_token")}
    for words, who in (("the second's booking at the first's place", "1." + handles[1].split(".")[1]), ("a place alone, as an earlier version wrote it", "1")):
        page = r.ask("POST", "/my-booking/cancel", body=urllib.parse.urlencode({**token, "who": who}))
        checks.check(f"{words} cancels nobody, and asks again", page.status == 422 and page.kind() == "change", f"{page.status} {page.kind()}")
    checks.check("both stand", references(r.get("/my-booking")) == refs and "Cancelled" not in r.page.text(), r.page.text()[:300])
    page = r.ask("POST", "/my-booking/cancel", body=urllib.parse.urlencode({**token, "who": handles[0]}))
    page = r.ask("POST", "/my-booking/cancel", body=urllib.parse.urlencode({**token, "who": handles[0]}))
    checks.check("pressed twice, the one that was meant is cancelled, and shown", page.kind() == "my-booking" and page.text().count("Cancelled") == 1, page.text()[:300])


def a_used_form_with_other_people(checks, world):
    """Back, other people, pressed again: it said for ever that it did not know, and hid the appointment that there was."""
    r = world.reader()
    details = world.at_details(r, 1, ("A", 7, "09:00"))
    check = r.send(details.form("/details"), world.people_fields(1), button="on")
    done = r.send(check.form("/check"), button="book")
    check = r.send(details.form("/details"), world.people_fields(1), button="on")
    page = r.send(check.form("/check"), button="book")
    checks.check("the form is used up: said so, with the others still in it", page.kind() == "refused" and "sent before" in page.text() and not references(page), f"{page.status} {page.kind()} {page.text()[:300]}")
    mine = r.get("/my-booking")
    checks.check("the appointment is shown as ever", references(mine) == references(done), mine.text()[:200])
    r.page = page
    again = r.send(page.form("/check"), button="")
    checks.check("sent as a new form it books the others", len(set(references(again)) - set(references(done))) == 1, f"{again.status} {again.kind()} {again.text()[:300]}")


def a_form_that_was_not_sent(checks, world):
    """Whoever had only begun was told that no answer had come, and that asking again would not book twice: it booked."""
    r = world.reader()
    world.at_check(r, 2, ("A", 7, "09:00"))
    page = r.get("/my-booking")
    said = page.text()
    checks.check("a form that was begun is said to be begun, and for what", "You began a form" in said and "Dewan A" in said and "did not hear" not in said and "Ask again" not in said, said[:400])
    button = next("".join(b.itertext()) for b in page.form("/my-booking").iter() if str(b.tag).endswith("button"))
    checks.check("and the button that books says that it books", button.strip() == "Book these 2 appointments" and not page.headers.get("refresh"), button)
    other = world.reader()
    numbers = world.people_fields(1)
    page = other.send(world.at_details(other, 1, ("A", 7, "09:00")).form("/details"), numbers, button="on")
    other.send(page.form("/check"), button="book")
    third = world.reader()
    page = third.send(world.at_details(third, 1, ("B", 7, "09:00")).form("/details"), numbers, button="on")
    page = third.send(page.form("/check"), button="book")
    links = [h for h, _ in page.links() if h in ("/find", "/my-booking")]
    checks.check("already booked, elsewhere: it leads to where a booking is found", links and links[0] == "/find", page.links())


def steps_are_asked_for(checks, world):
    """Back and Reload asked whether the form should be sent again."""
    r = world.reader()
    page = world.at_check(r, 2, ("A", 7, "09:00"))
    where, details = page.url, page.url.replace("/check", "/details")
    checks.check("after Continue the browser asks for the check page", ("GET", where, 200) in r.seen and page.kind() == "check", r.seen[-2:])
    again = r.get(where)
    checks.check("so Reload shows it again, the same form", again.kind() == "check" and again.value("draft") == page.value("draft") and again.text() == page.text(), again.text()[:200])
    stranger = world.reader().get(where)
    checks.check("to others its address is an empty form", stranger.kind() == "details" and not stranger.value("p1-name"), stranger.text()[:200])
    change = r.send(page.form("/check"), button="change")
    checks.check("Change leads back to what was entered", change.kind() == "details" and ("GET", details, 200) in r.seen and change.value("p2-name") == "Warga 2", f"{change.kind()} {r.seen[-2:]}")
    wrong = r.send(change.form("/details"), {"p2-name": ""}, button="on")
    again = r.get(details)
    checks.check("Reload shows what is wrong again", wrong.status == again.status == 422 and wrong_inputs(again) == ["p2-name"] and again.value("p1-name") == "Warga 1", f"{wrong.status} {again.status} {wrong_inputs(again)}")
    checks.check("of another place nothing is wrong yet", not wrong_inputs(r.get(details.replace("/A/", "/B/"))) and r.page.status == 200 and r.page.value("p1-name") == "Warga 1", r.page.text()[:200])
    checks.check("nor for more people", not wrong_inputs(r.get(details + "?people=3")) and r.page.status == 200, r.page.text()[:200])
    page = r.send(again.form("/details"), {"p2-name": "Warga 2"}, button="on")
    done = r.send(page.form("/check"), button="book")
    checks.check("Back after the booking is the booking", len(references(done)) == 2 and references(r.get(where)) == references(done) and r.page.url == "/my-booking", r.page.text()[:200])
    checks.check("and before it an empty form", r.get(details).kind() == "details" and not r.page.value("p1-name"), r.page.text()[:200])


def two_tabs(checks, world):
    """What a check page shows is what is booked, whatever the other tab did."""
    r = world.reader()
    first = world.at_check(r, 1, ("A", 7, "09:00"), **{"p1-name": "First tab"})
    second = world.at_check(r, 1, ("B", 7, "09:00"), **{"p1-name": "Second tab"})
    checks.check("the first tab, asked for again, does not show the second's place as its own", r.get(first.url).kind() == "details" and "Dewan A" in r.page.text() and r.page.value("p1-name") == "Second tab", r.page.text()[:200])
    r.page = first
    page = r.send(first.form("/check"), button="book")
    checks.check("its press books what it shows", "First tab" in page.text() and "Dewan A" in page.text() and "Second tab" not in page.text(), page.text()[:300])
    r.page = second
    page = r.send(second.form("/check"), button="book")
    checks.check("and the other's what that shows", "Second tab" in page.text() and "Dewan B" in page.text() and len(references(page)) == 2, page.text()[:300])


def all_that_is_wrong(checks, world):
    """One mended, the next was told: several kinds of faults came one after another."""
    r = world.reader()
    fields = world.people_fields(4, **{"p1-name": "", "p3-number": "150101-14-5678", "p4-number": "9" * 12})
    fields["p2-number"] = fields["p1-number"]
    page = r.send(world.at_details(r, 4).form("/details"), fields, button="on")
    checks.equal("a name missing, one person twice, a child, no number: all at once, in their order", (page.status, wrong_inputs(page)), (422, ["p1-name", "p2-number", "p3-number", "p4-number"]))
    said = page.text()
    checks.check("each in its own words", all(w in said for w in ("Please fill this in", "stands twice", "too young")), said[:500])
    fields = world.people_fields(1, **{"p1-kind": "passport", "p1-number": "A1234567", "p1-country": "IDN", "p1-birth": "2015-01-01"})
    page = r.send(world.at_details(r, 1).form("/details"), fields, button="on")
    checks.equal("an age that was typed is at fault where it was typed", wrong_inputs(page), ["p1-birth"])
    page = r.get(page.url + "?people=99")
    checks.check("for 99: as many as may come together", page.value("people") == "4", page.value("people"))


def said_in_words(checks, world):
    place = ("B", 10, "14:00")
    world.book(world.reader(), 1, place)
    r = world.reader()
    page = world.at_check(r, 1, place)
    r.send(page.form("/check"), button="book")

    def row():
        return next((text_of(e) for e in r.get("/figures").all("th") if text_of(e).startswith("No place left")), "")
    checks.check("figures say refusals in words, with the code beside", wait_until(lambda: row() == "No place left full", 10, "it is counted"), row())
    r = world.reader()
    world.book(r, 1, ("A", 7, "09:00"))
    page = r.get("/my-booking/move?who=1")
    checks.check("whoever moves sees where it is now", "Now: Dewan A" in page.text() and "9:00" in page.text(), page.text()[:300])
    file = r.get("/my-booking/1/appointment.ics").body
    checks.check("the calendar says what it is for", "SUMMARY:Vaccination appointment" in file and "this page" not in file.replace("\r\n ", ""), file[:500])


def told_once(checks, world):
    """What was just done was believed from the address, by whoever wrote it."""
    r = world.reader()
    world.book(r, 1, ("A", 7, "09:00"))
    for query in ("?done=cancelled", "?done=moved", "?again=1"):
        page = r.get("/my-booking" + query)
        checks.check(f"/my-booking{query} says nothing of the kind", page.status == 200 and "has been" not in page.text() and "moved" not in page.heading() and "not a second time" not in page.text().lower() and page.text() == r.get("/my-booking").text(), page.text()[:200])
    page = r.follow("/my-booking/cancel")
    page = r.send(page.form("/cancel"), button="")
    once = page.text()
    checks.check("what was done is told", page.tree is not None and any("good" in (e.get("class") or "") for e in page.all("div")), once[:200])
    checks.check("and once", r.get("/my-booking").text() != once and not any("good" in (e.get("class") or "") for e in r.page.all("div")), r.page.text()[:200])


def changed_elsewhere(checks, world):
    """On the first device the appointment stood as it was, in its pages and its calendar file."""
    first, second = world.reader(), world.reader()
    page = world.book(first, 1, ("A", 7, "09:00"))
    second.jar = dict(first.jar)
    moved = second.get(f"/my-booking/move/B/{day(8)}/09:00?who=1")
    second.send(moved.form("09:00"), button="")
    file = first.get("/my-booking/1/appointment.ics").body
    checks.check("moved on another device: the calendar file has the new place", "Dewan B" in file and day(8).replace("-", "") in file, file[:600])
    checks.check("and so has the page that asks whether to cancel", f", {int(day(8)[8:])} " in first.get("/my-booking/cancel").text() and first.page.kind() == "change", first.page.text()[:200])
    gone = second.get("/my-booking/cancel")
    second.send(gone.form("/cancel"), button="")
    checks.check("cancelled there: the file says so", "STATUS:CANCELLED" in first.get("/my-booking/1/appointment.ics").body, first.page.body[:600])
    page = first.get("/my-booking/cancel")
    checks.check("and nothing is asked about it here", page.kind() == "my-booking", page.kind())


def a_proof_without_scripts(checks, world):
    r = world.reader()
    page = world.book(r, 1, ("A", 7, "09:00"))
    link = next(h for h, _ in page.links() if h.startswith("/receipt#"))
    for words, text in (("the link as a telephone shares it", f"https://janji.example{link}"), ("its path", link)):
        shown = r.get("/receipt")
        shown = r.send(shown.form("/receipt"), {"receipt": text}, button="")
        checks.check(f"{words} is as good as the proof", shown.status == 200 and "real" in shown.text(), f"{shown.status} {shown.text()[:200]}")


def early_refusals(checks, world):
    """The language that was chosen was forgotten where a request was refused early."""
    for method, path, status in (("GET", "/help?%zz", 400), ("GET", "/help%00", 400), ("GET", "/book/in?place=" + "a" * 4200, 414)):
        r = world.reader(None)
        r.jar["janji_lang"] = "ta"
        page = r.ask(method, path)
        checks.check(f"{path[:20]}: {status}, a page in Tamil", page.status == status and page.tree is not None and page.all("html")[0].get("lang") == "ta", f"{page.status} {page.body[:150]}")
    page = world.reader().ask("OPTIONS", "/find", follow=False)
    checks.check("OPTIONS says what an address of the pages knows", page.status == 204 and page.headers.get("allow") == "GET, HEAD, POST", page.headers)


def main(checks):
    world = World(checks)
    for part in (steps_are_asked_for, two_tabs, all_that_is_wrong, said_in_words, an_old_form_names_bookings, a_form_that_was_not_sent, a_used_form_with_other_people, told_once, changed_elsewhere, a_proof_without_scripts, early_refusals, moved_in_two_presses, by_whatever_name, refusals_can_be_found_again, behind_a_proxy_with_tls, forms_of_yesterday):
        checks.part(part, checks, world)


if __name__ == "__main__":
    run("pages_rows", main)
