"""Faults that readers of other people's pages reported in public, tried on ours without a browser: forms that outlive what they came from, and
our own guard before our own forms."""
import glob
import os
import ssl
import urllib.parse

from authority import Authority
from checks import run, wait_until
from citizens import Round, booking, confirmed, day
from http_client import request
from node import Node
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


def another_time_after_a_lost_answer(checks, world):
    """The answer to a press was lost, and without scripts another time was chosen: the first key was given up, and the second press heard
    *already booked*, of a booking whose reference nobody had seen."""
    r = world.reader()
    form = world.at_check(r, 2, ("A", 7, "09:00")).form("/check")
    before, jar = world.booked(), dict(r.jar)
    r.send(form, button="book")
    checks.equal("it was booked", world.booked(), before + 2)
    r.jar = jar  # what its answer brought did not come
    page = world.at_details(r, 2, ("B", 7, "09:00"))
    checks.check("whoever goes on to another time is shown what there is", page.kind() == "my-booking" and len(references(page)) == 2 and "Dewan A" in page.text(), page.text()[:300])
    r = world.reader()
    world.at_check(r, 2, ("A", 7, "09:00"))
    page = world.at_details(r, 2, ("B", 7, "09:00"))
    checks.check("whoever had pressed nothing goes on with what was typed", page.kind() == "details" and page.value("p2-name") == "Warga 2", page.text()[:300])


def more_centres_than_a_page_lists(checks, world):
    """Of more than a hundred centres the others could be reached by who knew their address alone, and nothing said that there are more."""
    node = Node(checks, "large").start().ready()
    Round(checks.directory, "large", [(f"C{i:03}", day(2), "09:00", "12:00", 9) for i in range(130)]).open_on(node)
    r = Reader("127.0.0.1", node.port, "en")

    def searched(page, action, text):
        return r.send(next(f for f in page.forms() if f.get("action") == action), {"place": text})

    page = r.get("/book/in/Johor?people=1")
    checks.check("a state with 130 centres says that these are the first", "first 100 of 130 centres" in page.text() and len(page.links_to("/book/at/")) == 100, page.text()[:300])
    page = searched(page, "/book/in", "C125")
    checks.check("the others are searched for", page.links_to("/book/at/") == ["/book/at/C125?people=1"], page.links())
    page = r.get(f"/book/at/C003/{day(2)}/09:00/details?people=1")
    page = r.send(page.form("/details"), world.people_fields(1), button="on")
    r.send(page.form("/check"), button="book")
    page = r.get("/my-booking/move?who=1")
    checks.check("likewise where one moves to", "first 100 of 130 centres" in page.text() and len(page.links_to("/my-booking/move/")) == 100, page.text()[:300])
    page = searched(page, "/my-booking/move", "dewan c125")
    checks.check("and there too the others are searched for", page.links_to("/my-booking/move/") == ["/my-booking/move/C125?who=1"], page.links())
    for part in ("/my-booking/move/C125?", f"/C125/{day(2)}?", f"/C125/{day(2)}/09:00"):
        page = r.follow(part)
    page = r.send(page.form("/09:00"), button="")
    checks.check("so one moves there", len(references(page)) == 1 and "Dewan C125" in page.text(), page.text()[:300])
    page = r.get("/figures")
    checks.check("and the figures say that they are of the first", "first 100 of 130 centres" in page.text(), page.text()[:300])
    node.stop()


def several_rounds(checks, world):
    """Two rounds with a centre of one code: the page showed the one's hall and hours, and its press booked the other's. What was over or paused
    hid what was open; who had booked in a round that the pages did not show could not move there."""
    node = Node(checks, "rounds").start().ready()
    early, late = dict(opens_at="2021-05-01T12:00:00+08:00"), dict(opens_at="2021-05-26T12:00:00+08:00")
    first = Round(checks.directory, "first", [("A", day(2), "09:00", "09:30", 5), ("A", day(3), "09:00", "09:30", 5)], **early).open_on(node)
    Round(checks.directory, "second", [("A", day(2), "09:00", "17:00", 5), ("A", day(4), "09:00", "17:00", 5), ("C", day(4), "10:00", "12:00", 5)], **late).open_on(node)

    def order(verb, code, *more):
        done = node.ctl("round", verb, code, *more)
        checks.equal(f"the round {code}: {verb}", done.code, 0)

    def at_check(r, d=2):
        page = r.get(f"/book/at/A/{day(d)}/09:00/details?people=1")
        return r.send(page.form("/details"), world.people_fields(1), button="on")

    r = Reader("127.0.0.1", node.port, "en")
    page = at_check(r)
    checks.check("of two that are open the pages show the first", "9:30" in page.text(), page.text()[:300])
    typed = Reader("127.0.0.1", node.port, "en")
    details = typed.get(f"/book/at/A/{day(2)}/09:00/details?people=1")
    order("pause", "first", "--reason", "a flood")
    wrong = typed.send(details.form("/details"), world.people_fields(1, **{"p1-name": ""}), button="on")
    checks.check("a form of a round that the pages show no more keeps its hall and hours", wrong.status == 422 and "9:30" in wrong.text() and wrong_inputs(wrong) == ["p1-name"], f"{wrong.status} {wrong.text()[:300]}")
    checks.check("and says the state of its own round", "a flood" in text_of(wrong.tree), text_of(wrong.tree)[:300])
    changed = r.send(page.form("/check"), button="change")
    checks.check("so does what Change leads to", changed.kind() == "details" and "9:30" in changed.text() and changed.value("p1-name") == "Warga 1", changed.text()[:300])
    other = typed.get(f"/book/at/A/{day(4)}/09:00/details?people=1")
    checks.check("another address is the other round's", "17:00" in other.text() and other.kind() == "details", other.text()[:300])
    page = r.send(changed.form("/details"), {}, button="on")
    checks.check("and so does Continue", page.kind() == "check" and "9:30" in page.text(), page.text()[:300])
    order("close", "first")
    page = r.send(page.form("/check"), {"go": "book"})  # of a page that was there before the pause
    checks.check("its form books there or not at all, not in the other that the pages show now", page.status == 409 and "closed" in page.text().lower() and not references(page), f"{page.status} {page.text()[:300]}")
    page = at_check(Reader("127.0.0.1", node.port, "en"))
    checks.check("the pages show the other since", "17:00" in page.text() and "9:30" not in page.text(), page.text()[:300])
    r = Reader("127.0.0.1", node.port, "en")
    page = r.send(at_check(r).form("/check"), button="book")
    checks.check("whose own form books there", len(references(page)) == 1 and "17:00" in page.text(), page.text()[:300])
    again = Reader("127.0.0.1", node.port, "en")
    again.jar = dict(r.jar)
    again.send(at_check(again, 4).form("/check"), button="change")
    begun = at_check(again, 4)
    order("pause", "second", "--reason", "a storm")
    Round(checks.directory, "third", [("B", day(2), "08:00", "08:30", 5)], opens_at="2021-06-26T12:00:00+08:00").open_on(node)
    page = Reader("127.0.0.1", node.port, "en").get("/book/in/Johor?people=1")
    checks.check("what is paused does not hide what is open", "Dewan B" in page.text() and "storm" not in page.text(), page.text()[:300])
    answer = request(node.port, "GET", "/api/v1/availability?state=Johor").json()
    checks.equal("the API means the same round", answer["round"], "third")
    page = again.get("/my-booking")
    checks.check("a form that was begun is found again, in its round", begun.kind() == "check" and page.links_to("/check"), page.links())
    page = again.get(page.links_to("/check")[0])
    checks.check("as it was", page.kind() == "check" and "17:00" in page.text() and "a storm" in text_of(page.tree), text_of(page.tree)[:300])
    order("resume", "second")
    order("pause", "third", "--reason", "x")
    order("resume", "third")
    node.ctl("round", "pause", "second", "--reason", "again")
    page = r.get("/my-booking/move?who=1")
    checks.check("who moves is shown the centres of their own round", page.links_to("/my-booking/move/") == ["/my-booking/move/A?who=1", "/my-booking/move/C?who=1"], page.links())
    node.ctl("round", "resume", "second")
    for part in ("/my-booking/move/C?", f"/C/{day(4)}?", f"/C/{day(4)}/10:00"):
        page = r.follow(part)
    page = r.send(page.form("/10:00"), button="")
    checks.check("and moves there", len(references(page)) == 1 and "Dewan C" in page.text() and "10:00" in page.text(), page.text()[:300])
    node.stop()


def booked_by_another_client(checks, world):
    """What was booked over the API had no booking code, and could not be found on the pages."""
    said = confirmed(world.node, booking(("A", day(7)), world.people.one(), round_code="main"))
    one = said["bookings"][0]
    r = world.reader()
    page = r.get("/find")
    page = r.send(page.form("/find"), {"reference": one["reference"].replace("-", "\u2013"), "code": one["booking_code"].lower()}, button="find")
    checks.check("with reference and code the page opens it, however they were pasted", references(page) == [one["reference"]] and page.kind() == "my-booking", page.text()[:300])


def never_opened(checks, world):
    """Of a round whose operators had not opened it a moment was named that had passed."""
    node = Node(checks, "unopened").start().ready()
    Round(checks.directory, "late", [("A", day(2), "09:00", "12:00", 5)]).import_into(node)
    for language, words in (("en", "Booking has not begun yet. When it opens will be said here."), ("ms", "belum bermula"), ("zh-Hans", "还没开始"), ("ta", "தொடங்கவில்லை")):
        page = Reader("127.0.0.1", node.port, language).get("/")
        checks.check(f"{language}: it is said to be not open, and no moment that has passed", words in text_of(page.tree) and "2021" not in text_of(page.tree), text_of(page.tree)[:300])
    answer = request(node.port, "POST", "/api/v1/bookings", booking(("A", day(2)), world.people.one(), round_code="late"))
    checks.check("the API says why, and names none either", answer.code == "not_open" and answer.json().get("reason") == "not_opened" and "opens_at" not in answer.json(), answer)
    node.stop()


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
    for part in (steps_are_asked_for, two_tabs, another_time_after_a_lost_answer, more_centres_than_a_page_lists, several_rounds, booked_by_another_client, never_opened, all_that_is_wrong, said_in_words, an_old_form_names_bookings, a_form_that_was_not_sent, a_used_form_with_other_people, told_once, changed_elsewhere, a_proof_without_scripts, early_refusals, moved_in_two_presses, by_whatever_name, refusals_can_be_found_again, behind_a_proxy_with_tls, forms_of_yesterday):
        checks.part(part, checks, world)


if __name__ == "__main__":
    run("pages_rows", main)
