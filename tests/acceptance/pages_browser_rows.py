"""Faults that readers of other people's pages reported in public, tried on ours in a browser."""
import datetime
import http.server
import shutil
import subprocess
import threading

from browser import Window
from citizens import Round, day
from node import Node


def errors_for_a_screen_reader(checks, site):
    """The focus sat in the middle, the title said nothing, links of the summary led nowhere."""
    window = Window()
    window.go(f"{site.url}/book/at/A/{day(0)}/09:00/details?people=2&lang=en")
    window.press("form.details button.main")
    window.until(lambda: window.every("#errors"), what="the errors")
    focus = "return document.activeElement.id"
    checks.check("after an error the focus is on the summary, and the title begins with the word", window.until(lambda: window.driver.execute_script(focus) == "errors", what="the focus") and
                 window.driver.title.startswith("Error:"), window.driver.title)
    wanted = window.one("#errors a").get_attribute("href").split("#")[1]
    window.press("#errors a")
    checks.equal("its first link leads into the first wrong field", window.driver.execute_script(focus), wanted)
    told = window.driver.execute_script("return [...document.querySelectorAll('[aria-invalid]')].every((e) => e.getAttribute('aria-describedby').split(' ').every((i) => document.getElementById(i)))")
    checks.check("each wrong field names its error", told, "")
    window.close()


def filled_in_by_the_browser(checks, site):
    """Browsers filled the others with the first one's data."""
    window = Window()
    window.go(f"{site.url}/book/at/A/{day(0)}/09:00/details?people=4&lang=en")
    fills = [[e.get_attribute("autocomplete") for e in window.every(f"input[id^=p{n}-]")] for n in range(1, 5)]
    checks.check("the first person's fields have their names, the others none", {"name", "tel", "email", "bday"} <= set(fills[0]) and all(set(f) == {"off"} for f in fills[1:]), fills)
    ids = window.driver.execute_script("return [...document.querySelectorAll('[id]')].map((e) => e.id)")
    checks.check("no id stands twice", len(ids) == len(set(ids)), ids)
    window.driver.execute_script("document.getElementById('p1-name').value = 'Filled by a program'")  # and no event at all
    window.one("#p1-number").send_keys(site.number())
    for n in range(2, 5):
        window.one(f"#p{n}-number").send_keys(site.number())
        window.one(f"#p{n}-name").send_keys(f"Person {n}")
    window.press("form.details button.main")
    window.until(lambda: window.kind() == "check", what="the check page")
    checks.check("what another program filled in is sent", "Filled by a program" in window.text(), window.text()[:300])
    window.close()


def chosen_by_more_than_colour(checks, site):
    """With contrast themes the chosen day and the focus could not be seen."""
    site.full(("A", 8, "14:00"))
    window = Window()
    window.cdp("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])
    window.go(f"{site.url}/book/at/A/{day(8)}?people=1&lang=en")
    checks.check("a full time is no link, and says so in words", "full" in window.one("[data-n='14:00']").text and not window.every(f"a[href*='/{day(8)}/14:00']"), window.text()[:300])
    window.go(f"{site.url}/book/at/A?people=1&lang=en")
    style = "const s = getComputedStyle(document.querySelector(arguments[0])); return s.outlineStyle + ' ' + s.borderTopStyle"
    free, none = (window.driver.execute_script(style, cell) for cell in ("td.free", "td.none"))
    window.driver.execute_script("document.querySelector('td.free a').focus({focusVisible: true})")
    focused = window.driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    checks.check("in forced colours free days differ from others by a line, and the focus has one", free != none and focused != "none", (free, none, focused))
    window.close()


def scripts_that_do_not_come(checks, site):
    """Where the script was blocked or lost on the way, the page was blank."""
    window = Window()
    window.cdp("Network.enable")
    window.cdp("Network.setBlockedURLs", urls=["*.js"])
    site.book(window, 4)
    checks.check("without its script's file: booked for four", len(window.every(".booking.confirmed")) == 4, window.text()[:200])
    window.close()
    window = Window()
    window.cdp("Page.addScriptToEvaluateOnNewDocument", source="Object.defineProperty(window, 'indexedDB', {get() { throw new Error('none here'); }}); Object.defineProperty(window, 'localStorage', {get() { throw new Error('none here'); }});")
    site.book(window, 1)
    checks.check("where the browser's stores throw: booked", len(window.every(".booking.confirmed")) == 1, window.text()[:200])
    window.close()


def from_another_site(checks, site):
    """People who came from webmail were told that there was nothing of theirs."""
    class Mail(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 as the library calls it
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<a id="to" href="{site.url}/my-booking">my appointment</a>'.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mail)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for scripts in (True, False):
            window = Window(scripts=scripts)
            site.book(window)
            window.go(f"http://localhost:{server.server_address[1]}/")
            window.press("#to")
            window.until(lambda w=window: w.kind() == "my-booking", what="my appointment")
            checks.check(f"by a link from another site, {'with' if scripts else 'without'} scripts: the appointment is shown", len(window.every(".booking.confirmed")) == 1, window.text()[:200])
            window.close()
    finally:
        server.shutdown()


def codes_on_the_screen(checks, site):
    """The dark scheme turned the code inside out; scanners saw nothing."""
    if not shutil.which("zbarimg"):
        return checks.skip("codes are read from pictures", "zbarimg is not installed (cmake/setup.sh browser)")
    for words, more in (("light", {}), ("dark", {"dark": True}), ("wide", {"width": 1280})):
        window = Window(**more)
        if words == "dark":
            window.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        site.book(window)
        link = window.one(".qr a").get_attribute("href").split("#")[1]
        picture = checks.path(f"code-{words}.png")
        window.picture(picture)
        read = subprocess.run(["zbarimg", "--raw", "-q", picture], capture_output=True, text=True).stdout.strip()
        checks.check(f"{words}: a scanner reads the proof", link in read, f"{read[:80]!r} {link[:80]!r}")
        window.close()
    return None


def the_opening_moment(checks, _):
    """Countdowns ran on the telephone's clock: wrong telephone, wrong opening."""
    node = Node(checks, "opening").start().ready()
    opens = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=20)
    made = Round(checks.directory, "opening", [("A", day(1), "09:00", "12:00", 5)], opens_at=opens.strftime("%Y-%m-%dT%H:%M:%SZ"))
    for done in (made.import_into(node), node.ctl("round", "open", "opening")):
        checks.check("a round that opens in twenty seconds", done.code == 0, done)
    windows = []
    for shift in (-2 * 3600 * 1000, 26 * 3600 * 1000):
        window = Window()
        windows.append(window)
        window.cdp("Page.addScriptToEvaluateOnNewDocument", source=f"const D = Date; Date = class extends D {{ constructor(...a) {{ a.length ? super(...a) : super(D.now() + {shift}); }} static now() {{ return D.now() + {shift}; }} }};")
        window.go(f"http://127.0.0.1:{node.port}/?lang=en")
        left = window.one("#round-state .n").text
        checks.check(f"a telephone {shift // 3600000} h off counts down to the server's moment", "has not begun" in window.text() and 0 < int(left.split(":")[-1]) <= 20 and left.startswith("00:"), left)
    for window in windows:
        window.until(lambda w=window: "Booking is open." in w.text(), seconds=40, what="the page opens by itself")
        checks.check("and the page opens by itself", True, "")
        window.close()


def often(checks, site):
    """What is short enough for every run."""
    for part in (errors_for_a_screen_reader, filled_in_by_the_browser, scripts_that_do_not_come, codes_on_the_screen):
        checks.part(part, checks, site)


def seldom(checks, site):
    for part in (chosen_by_more_than_colour, from_another_site, the_opening_moment):
        checks.part(part, checks, site)
