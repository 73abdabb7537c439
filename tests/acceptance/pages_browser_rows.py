"""Faults that readers of other people's pages reported in public, tried on ours in a browser."""
import datetime
import http.server
import os
import re
import shutil
import subprocess
import threading

from authority import Authority
from browser import Window
from citizens import Round, day
from node import Node
from relay import Relay


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
    told = window.driver.execute_script("return [...document.querySelectorAll('[aria-invalid]')].map((e) => (e.getAttribute('aria-describedby') || '').split(' ').map((i) => document.getElementById(i)?.textContent.trim() || ''))")
    checks.check("each wrong field names its error", len(told) > 1 and all(all(texts) for texts in told), told)
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


def a_browser_of_2018(checks, site):
    """It does not say which button was pressed: Change booked; and what it lacks left a button shut without a word."""
    window = Window()
    window.cdp("Page.addScriptToEvaluateOnNewDocument", source="Object.defineProperty(SubmitEvent.prototype, 'submitter', {get() { return undefined; }}); for (const p of [Element.prototype, Document.prototype, DocumentFragment.prototype]) delete p.replaceChildren; delete String.prototype.replaceAll; delete window.AbortController;")
    site.to_check(window)
    before = site.booked()
    window.press("button[value=change]")
    window.until(lambda: window.kind() == "details", what="the form")
    checks.check("Change leads to the form, and books nothing", site.booked() == before and window.one("#p1-name").get_attribute("value") == "Siti", window.text()[:200])
    window.press("form.details button.main")
    window.until(lambda: window.kind() == "check", what="the check page")
    window.press("button[value=ms]")
    window.until(lambda: window.one("html").get_attribute("lang") == "ms", what="another language")
    checks.equal("nor does a language", (window.kind(), site.booked()), ("check", before))
    site.relay.drop = True
    window.press("button[value=book]")
    window.until(lambda: window.every("[data-said]"), what="it is said that nothing was heard")
    site.relay.drop = False
    window.until(lambda: window.kind() == "my-booking", seconds=40, what="the page asks again by itself")
    checks.equal("and a lost answer is asked for again", (len(window.every(".booking.confirmed")), site.booked()), (1, before + 1))
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


CONTRAST = r"""
const of = (text) => { const n = text.match(/[\d.]+/g).map(Number); return {c: n.slice(0, 3), a: n.length > 3 ? n[3] : 1}; };
const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const over = (top, under) => top.c.map((v, i) => v * top.a + under[i] * (1 - top.a));
const ground = (e) => { const up = []; for (; e; e = e.parentElement) up.unshift(of(getComputedStyle(e).backgroundColor)); return up.reduce((under, top) => over(top, under), [255, 255, 255]); };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
const seen = (e) => { const r = e.getBoundingClientRect(); return r.width > 1 && r.height > 1 && getComputedStyle(e).visibility === 'visible'; };
const out = {texts: 0, shapes: 0, weak: []};
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let t = walk.nextNode(); t; t = walk.nextNode()) {
  const e = t.parentElement;
  if (!t.data.trim() || !seen(e) || e.closest('script, style, svg, option') || e.matches(':disabled')) continue;
  const style = getComputedStyle(e), back = ground(e), r = ratio(over(of(style.color), back), back);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  out.texts += 1;
  if (r < (large ? 3 : 4.5)) out.weak.push(`${r.toFixed(2)} ${t.data.trim().slice(0, 40)}`);
}
for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a.button')) {
  if (!seen(e)) continue;
  const style = getComputedStyle(e), back = ground(e.parentElement);
  const edge = parseFloat(style.borderTopWidth) > 0 ? ratio(over(of(style.borderTopColor), back), back) : 0;
  const fill = ratio(over(of(style.backgroundColor), back), back);
  out.shapes += 1;
  if (Math.max(edge, fill) < 3 && !['radio', 'checkbox'].includes(e.type)) out.weak.push(`${Math.max(edge, fill).toFixed(2)} the edge of ${e.tagName} ${e.name || e.textContent.trim().slice(0, 30)}`);
}
return out;
"""


def contrast(checks, site):
    """Every text has 4.5 : 1 on what is behind it, large ones and the edges of what is pressed 3 : 1, in both schemes."""
    site.full(("B", 4, "14:00"))
    for dark in (False, True):
        window = Window(dark=dark)
        words = "dark" if dark else "light"

        def look(what, window=window, words=words):
            window.until(lambda: window.driver.execute_script("return document.readyState") == "complete", what=f"{what} is there")
            said = window.driver.execute_script(CONTRAST)
            checks.check(f"{words}: {what} can be read", said["texts"] > 5 and not said["weak"], said)

        ground = window.go(f"{site.url}/?lang=en").driver.execute_script("return getComputedStyle(document.documentElement).backgroundColor")
        checks.check(f"{words}: the scheme is on", (sum(int(n) for n in re.findall(r"\d+", ground)[:3]) < 300) == dark, ground)
        for path in ("/", "/book/in/Johor", "/book/at/A", f"/book/at/B/{day(4)}", "/find", "/figures", "/status", "/receipt", "/help", "/privacy", "/accessibility", "/nothing", "/my-booking"):
            window.go(site.url + path)
            look(path)
        window.go(f"{site.url}/book/at/A/{day(4)}/09:00/details?people=2")
        look("the empty form")
        window.press("form.details button.main")
        window.until(lambda w=window: len(w.every("[aria-invalid]")) > 1, what="the errors")
        look("the form's errors")
        site.to_check(window, 1, ("B", 4, "14:00"))
        look("the check page")
        window.press("button[value=book]")
        window.until(lambda w=window: w.kind() == "refused", what="full")
        look("a refusal")
        window.close()
        other = Window(dark=dark)  # without the form of before
        site.book(other, 2, ("A", 4, "09:00"))
        look("a confirmation", other)
        for path in ("/my-booking/cancel", "/my-booking/move"):
            other.go(site.url + path)
            look(path, other)
        other.close()


def by_whatever_name(checks, site):
    """An Origin check refused everybody, and only in real browsers."""
    proof = Authority(os.path.join(checks.directory, "tls"), "proxy").issue("localhost", "DNS:localhost")
    for words, scheme, name, more in (("localhost", "http", "localhost", {}), ("an address of IPv6", "http", "[::1]", {"host": "::1"}),
                                      ("a proxy with TLS", "https", "localhost", {"certificate": proof})):
        relay = Relay(site.node.port, **more)
        for scripts in (False, True):
            window = Window(scripts=scripts)
            before, site.url = site.url, f"{scheme}://{name}:{relay.port}"
            try:
                site.book(window)
                checks.check(f"by {words}, {'with' if scripts else 'without'} scripts: booked", len(window.every(".booking.confirmed")) == 1, window.text()[:200])
                checks.check("and the console is silent", not window.complaints(), window.complaints())
            finally:
                site.url = before
                window.close()
        relay.close()


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
    for part in (errors_for_a_screen_reader, filled_in_by_the_browser, scripts_that_do_not_come, a_browser_of_2018, codes_on_the_screen):
        checks.part(part, checks, site)


def seldom(checks, site):
    for part in (contrast, chosen_by_more_than_colour, from_another_site, by_whatever_name, the_opening_moment):
        checks.part(part, checks, site)
