"""The citizens' pages in a real browser: with scripts and without, on a telephone's width. JANJI_BROWSER=all: more widths, schemes and
languages. Pictures of every screen go to build/screens."""
import os
import shutil
import tempfile

import pages_browser_rendered
import pages_browser_rows
import pages_browser_script

from browser import Window, missing
from checks import run
from citizens import day
from node import ROOT
from pages import PLENTY, SCARCE, World
from relay import Relay

SCREENS = os.path.join(ROOT, "build", "screens")
WHOLE = os.environ.get("JANJI_BROWSER") == "all"
# Whoever looks first must not make the store, else the page finds one without its table.
# It makes no store of its own: one without its table would be in the page's way.
HAS_DRAFT = "const done = arguments[0]; indexedDB.databases().then((all) => { if (!all.some((d) => d.name === 'janji')) return done(false); const r = indexedDB.open('janji'); r.onerror = () => done(false); r.onsuccess = () => { if (!r.result.objectStoreNames.contains('drafts')) { r.result.close(); return done(false); } const g = r.result.transaction('drafts').objectStore('drafts').getAll(); g.onsuccess = () => { r.result.close(); done(g.result.length > 0); }; }; });"


class Site(World):
    def __init__(self, checks):
        super().__init__(checks)
        self.relay = Relay(self.node.port)
        self.url = f"http://127.0.0.1:{self.relay.port}"

    def fill(self, window, count=1, names=("Siti", "Ahmad", "陈小明", "கலைச்செல்வி")):
        for i in range(1, count + 1):
            window.one(f"#p{i}-number").send_keys(self.number())
            window.one(f"#p{i}-name").send_keys(names[i - 1])

    def full(self, place):
        reader = self.reader()
        World.book(self, reader, 1, place)

    def to_check(self, window, count=1, place=("A", 0, "09:00"), language="en"):
        window.go(f"{self.url}/book/at/{place[0]}/{day(place[1])}/{place[2]}/details?people={count}&lang={language}")
        self.fill(window, count)
        window.press("form.details button.main")
        window.until(lambda: window.kind() == "check", what="the check page")
        return window

    def book(self, window, count=1, place=("A", 0, "09:00"), language="en"):
        self.to_check(window, count, place, language)
        window.press("button[value=book]")
        window.until(lambda: window.kind() == "my-booking", what="the confirmation")
        return window


def the_whole_way(checks, site, scripts, width, dark, language, count):
    words = f"{language}, {width} px, {'dark' if dark else 'light'}, {'scripts' if scripts else 'no scripts'}, for {count}"
    window = Window(width=width, scripts=scripts, dark=dark, language=language)
    folder = os.path.join(SCREENS, f"{language}-{width}-{'dark' if dark else 'light'}")
    os.makedirs(folder, exist_ok=True)
    try:
        def step(name):
            window.picture(os.path.join(folder, f"{name}.png"))
            wide = window.cdp("Page.getLayoutMetrics")["cssContentSize"]["width"]
            if wide > width:
                checks.check(f"{words}: {name} is no wider than the screen", False, wide)

        window.go(f"{site.url}/?lang={language}")
        step("1-home")
        window.press(f"input[value='{count}']")
        window.press("form button.main")
        window.until(lambda: window.kind() == "centres", what="the centres")
        step("2-centres")
        window.press(window.every("ol.list a")[0])
        window.until(lambda: window.kind() == "month", what="the month")
        step("3-month")
        window.press("td.free a")
        window.until(lambda: window.kind() == "times", what="the times")
        step("4-times")
        window.press(".times a")
        window.until(lambda: window.kind() == "details", what="the details")
        window.press("form.details button.main")
        window.until(lambda: window.every(".errors"), what="the errors")
        step("5-details-wrong")
        site.fill(window, count)
        window.press("form.details button.main")
        window.until(lambda: window.kind() == "check", what="the check page")
        step("6-check")
        window.press("button[value=book]")
        window.until(lambda: window.kind() == "my-booking" and window.every(".booking.confirmed"), what="the confirmation")
        step("7-my-booking")
        good = len(window.every(".booking.confirmed")) == count
        for name in ("find", "figures", "receipt", "status", "help", "privacy", "accessibility", "nothing-here"):
            window.go(f"{site.url}/{name}")
            step(f"8-{name}")
        complaints = window.complaints()
        checks.check(f"{words}: booked, and the console is empty", good and not complaints, complaints or window.text()[:300])
    finally:
        window.close()


def pressed_while_it_waits(checks, site):
    window = site.to_check(Window())
    site.relay.lines.clear()
    site.relay.open.clear()
    window.press("button[value=book]")
    shut = window.until(lambda: not window.one("button[value=book]").is_enabled(), seconds=5, what="the button is shut")
    for _ in range(4):
        window.cdp("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13)
        window.driver.execute_script("document.querySelector('form[data-book]').requestSubmit()")
    site.relay.open.set()
    window.until(lambda: window.kind() == "my-booking", what="the confirmation")
    checks.check("pressed five times while the answer is held: one POST, and the button is shut", shut and site.relay.count("POST", "/check") == 1, site.relay.lines)
    window.close()


def the_answer_is_lost(checks, site):
    window = site.to_check(Window())
    site.relay.drop = True
    window.press("button[value=book]")
    window.until(lambda: "did not hear back" in window.text(), what="it is said that nothing was heard")
    checks.check("no answer: the page says so in its own words, and the button counts down", "may or may not have been made" in window.text() and not window.one("button[value=book]").is_enabled(), window.text()[:300])
    site.relay.drop = False
    window.until(lambda: window.one("button[value=book]").is_enabled(), seconds=10, what="the button opens again")
    window.press("button[value=book]")
    window.until(lambda: window.kind() == "my-booking", what="the confirmation")
    checks.check("and the next press ends at the one booking", len(window.every(".booking")) == 1, window.text()[:300])
    window.close()
    window = site.to_check(Window())
    site.relay.drop = True
    window.press("button[value=book]")
    window.until(lambda: "did not hear back" in window.text(), what="it is said that nothing was heard")
    site.relay.drop = False
    window.until(lambda: window.kind() == "my-booking", seconds=40, what="the page asks again by itself, as it says")
    checks.check("without a press it is found out too", len(window.every(".booking")) == 1, window.text()[:300])
    checks.check("with scripts the print button is there", window.one("[data-print]").is_displayed(), "")
    window.close()
    window = site.book(Window(scripts=False))
    checks.check("and without them it is not", not window.one("[data-print]").is_displayed(), "")
    window.close()


def a_killed_tab(checks, site):
    profile = tempfile.mkdtemp(prefix="janji-profile-")
    try:
        window = Window(profile=profile)
        url = f"{site.url}/book/at/A/{day(3)}/09:00/details?people=1&lang=en"
        window.go(url)
        window.one("#p1-name").send_keys("Siti binti Draf")
        window.until(lambda: window.driver.execute_async_script(HAS_DRAFT), what="the draft is kept")
        window.close()
        window = Window(profile=profile)
        window.go(url.replace(day(3), day(4)))
        kept = window.until(lambda: window.one("#p1-name").get_attribute("value") == "Siti binti Draf", what="what was typed is there")
        checks.check("the tab was killed: what was typed is there, on another day too", kept, "")
        window.one("#p1-number").send_keys(site.number())
        window.press("form.details button.main")
        window.until(lambda: window.kind() == "check", what="the check page")
        window.press("button[value=book]")
        window.until(lambda: window.kind() == "my-booking", what="the confirmation")
        window.until(lambda: pages_browser_script.is_clean(window), what="nothing is kept")
        checks.check("after the booking nothing personal is kept in the browser's stores", True, "")
        window.close()
    finally:
        shutil.rmtree(profile, ignore_errors=True)


def back(checks, site):
    window = site.book(Window())
    window.driver.back()
    window.until(lambda: window.kind() == "details", what="the form")
    checks.check("Back from the confirmation is the form, open, and no question of the browser's", window.one("button.main").is_enabled(), window.text()[:200])
    window.driver.forward()
    window.until(lambda: window.kind() == "my-booking" and len(window.every(".booking")) == 1, what="the confirmation again")
    site.to_check(window)
    shut = "document.querySelectorAll('button').forEach((b) => { b.disabled = true; }); dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true})); return [...document.querySelectorAll('main button')].every((b) => !b.disabled)"
    checks.check("a page that comes back from memory with its button shut opens it", window.driver.execute_script(shut), "")
    window.driver.back()
    window.until(lambda: window.kind() == "details", what="the form")
    checks.check("Back after Continue: what was typed is there", window.until(lambda: window.one("#p1-name").get_attribute("value") == "Siti", what="the name"), "")
    window.close()


def back_asks_nothing(checks, site):
    """The browser asked whether a form should be sent again, or said that a page had been lost."""
    for scripts in (False, True):
        words = "with" if scripts else "without"
        window = Window(scripts=scripts)
        window.go(f"{site.url}/book/at/A/{day(2)}/09:00/details?people=1&lang=en")
        window.press("form.details button.main")
        window.until(lambda w=window: w.every(".errors"), what="the errors")
        site.fill(window, 1)
        if scripts:
            window.until(lambda w=window: w.driver.execute_async_script(HAS_DRAFT), what="the draft is kept")
        window.press("form.details button.main")
        window.until(lambda w=window: w.kind() == "check", what="the check page")
        window.press("button[value=ta]")
        window.until(lambda w=window: w.kind() == "check" and w.one("html").get_attribute("lang") == "ta", what="the check page in Tamil")
        window.press("button[value=en]")
        window.until(lambda w=window: w.one("html").get_attribute("lang") == "en", what="and in English")
        window.press("button[value=change]")
        window.until(lambda w=window: w.kind() == "details", what="the form")
        site.relay.lines.clear()
        kinds, typed = [], []
        while "/details?people=1" not in window.driver.current_url and len(kinds) < 9:
            window.driver.back()
            window.until(lambda w=window: w.kind() in ("check", "details"), what="a page of ours")
            kinds.append(window.kind())
            typed.append("Siti" in (window.text() if kinds[-1] == "check" else window.one("#p1-name").get_attribute("value")))
        checks.check(f"{words} scripts: Back, step by step to the beginning, is always a page of ours, with what was sent", 2 <= len(kinds) < 9 and set(kinds) == {"check", "details"} and
                     all(typed[:-1]), (kinds, typed, window.driver.current_url))
        if scripts:  # without them the first page is as it was left: empty
            checks.check("with scripts: on the first page too", window.until(lambda w=window: w.one("#p1-name").get_attribute("value") == "Siti", what="the name"), "")
        checks.equal(f"{words} scripts: and nothing is sent by it", site.relay.count("POST", ""), 0)
        window.go(f"{site.url}/book/at/A/{day(2)}/09:00/check")
        window.until(lambda w=window: w.kind() == "check", what="the check page, by its address")
        window.press("button[value=book]")
        window.until(lambda w=window: w.kind() == "my-booking", what="the confirmation")
        site.relay.lines.clear()
        window.driver.back()
        window.until(lambda w=window: w.kind() in ("my-booking", "details"), what="a page of ours")
        window.driver.refresh()
        window.until(lambda w=window: w.kind() in ("my-booking", "details"), what="and again")
        checks.equal(f"{words} scripts: Back and Reload after the booking send nothing", site.relay.count("POST", ""), 0)
        window.close()


def proofs(checks, site):
    window = site.book(Window())
    link = window.one(".qr a").get_attribute("href")
    box = window.one(".qr svg").rect
    checks.check("a module of the code has four pixels", box["width"] >= 4 * 60, box)
    window.go(link)
    window.until(lambda: window.every("#verdict .panel"), what="the verdict")
    checks.check("a proof is checked in the browser, and its address is emptied", "Checked in your browser" in window.text() and "This proof is real" in window.text() and "#" not in window.driver.current_url, window.text()[:300])
    changed = link[:-4] + ("A" if link[-4] != "A" else "B") + link[-3:]
    window.go("about:blank")
    window.go(changed)
    window.until(lambda: window.every("#verdict .panel"), what="the verdict")
    checks.check("a changed one is told apart", "has been changed" in window.text(), window.text()[:300])
    window.close()


def numbers_move(checks, site):
    window = Window()
    window.go(f"{site.url}/book/at/B/{day(7)}?people=1&lang=en")
    before = window.one("[data-n='09:00']").text
    other = Window()
    site.book(other, 1, ("B", 7, "09:00"))
    other.close()
    window.until(lambda: window.one("[data-n='09:00']").text != before, seconds=25, what="the number moves")
    checks.check("a number moves on an open page", True, "")
    site.relay.drop = True
    window.until(lambda: "could not renew" in window.text(), seconds=40, what="the numbers are said to be old")
    checks.check("numbers that cannot be renewed are said to be old, and are not zero", window.one("[data-n='09:00']").text not in ("", "0", "full"), window.text()[:300])
    site.relay.drop = False
    window.until(lambda: "could not renew" not in window.text(), seconds=60, what="the numbers are renewed")
    window.close()


def every_zone(checks, site):
    """Texts that numbers of free places do not change."""
    told = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)"
    texts, offsets = {}, set()
    for zone in ("America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata", "Australia/Lord_Howe"):
        window = Window()
        window.cdp("Emulation.setTimezoneOverride", timezoneId=zone)
        window.go(f"{site.url}/book/at/A?people=1&lang=en")
        days = window.driver.execute_script(told, "table caption, td .spoken")
        window.go(f"{site.url}/book/at/A/{day(1)}?people=1&lang=en")
        times = window.driver.execute_script(told, ".where, .times li > :first-child")
        offsets.add(window.driver.execute_script("return new Date().getTimezoneOffset()"))
        texts[tuple(days), tuple(times)] = zone
        window.close()
    days, times = next(iter(texts))
    begins = [[opens in t for t in times].count(True) for opens in (PLENTY[0], SCARCE[0])]
    checks.check("days and times are the centre's, wherever the telephone stands", len(texts) == 1 and len(offsets) == 4 and len(days) > 20 and all(days) and
                 begins == [1, 1] and len(times) == 3, ({zone: str(t)[-400:] for t, zone in texts.items()}, offsets))


def contact_sheet():
    rows = []
    for folder in sorted(os.listdir(SCREENS)):
        if os.path.isdir(os.path.join(SCREENS, folder)):
            pictures = sorted(os.listdir(os.path.join(SCREENS, folder)))
            rows.append(f"<h2>{folder}</h2>" + "".join(f'<figure><img src="{folder}/{p}" width="180"><figcaption>{p}</figcaption></figure>' for p in pictures))
    with open(os.path.join(SCREENS, "index.html"), "w") as out:
        out.write("<!doctype html><meta charset=utf-8><title>Screens</title><style>figure{display:inline-block;vertical-align:top;margin:8px}</style>" + "".join(rows))


def main(checks):
    if why := missing():
        return checks.skip("the pages in a browser", why)
    site = Site(checks)
    shutil.rmtree(SCREENS, ignore_errors=True)
    checks.part(the_whole_way, checks, site, True, 360, False, "en", 1)
    checks.part(the_whole_way, checks, site, False, 360, False, "ms", 4)
    if WHOLE:  # every pair of width, scheme, script, party and language
        for row in ((True, 1280, True, "ms", 1), (False, 1280, False, "zh-Hans", 1), (True, 360, True, "ta", 4), (False, 360, True, "en", 4), (True, 1280, False, "ta", 4),
                    (False, 1280, True, "ta", 1), (True, 360, False, "zh-Hans", 4), (True, 1280, True, "en", 4)):
            scripts, width, dark, language, count = row
            checks.part(the_whole_way, checks, site, scripts, width, dark, language, count)
    parts = [pressed_while_it_waits, the_answer_is_lost, a_killed_tab, back, back_asks_nothing, proofs, every_zone]
    for part in parts + ([numbers_move] if WHOLE else []):
        checks.part(part, checks, site)
        site.relay.drop = False
        site.relay.open.set()
    pages_browser_rows.often(checks, site)
    pages_browser_script.often(checks, site)
    pages_browser_rendered.parts(checks, WHOLE)
    if WHOLE:
        pages_browser_rows.seldom(checks, site)
        pages_browser_script.seldom(checks, site)
    contact_sheet()


if __name__ == "__main__":
    run("pages_browser", main)
