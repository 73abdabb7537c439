"""What the pages' script does besides: forms that have ended stay away from the next person, a lost step is said, open pages stay true."""
import contextlib
import json
import re

from browser import Window
from citizens import booking, confirmed, day, manage

TYPED = {"p1-number": "", "p1-name": "Siti binti Rahsia", "p1-phone": "012-999 8877", "p1-email": "rahsia@example.org", "p1-notes": "a wheelchair"}
# What the browser's stores hold: drafts, and the two storages.
STORED = """const done = arguments[0]; const r = indexedDB.open('janji', 1);
r.onupgradeneeded = () => r.result.createObjectStore('drafts', {keyPath: 'id'});
r.onsuccess = () => { const g = r.result.transaction('drafts').objectStore('drafts').getAll(); g.onsuccess = () => { r.result.close(); done(JSON.stringify([g.result, {...localStorage}, {...sessionStorage}])); }; };"""
NOT_FROM_MEMORY = "addEventListener('unload', () => {})"
BACK = {"from memory": None, "made anew": NOT_FROM_MEMORY}


def window_of(how):
    window = Window()
    if BACK[how]:
        window.cdp("Page.addScriptToEvaluateOnNewDocument", source=BACK[how])
    return window


def details_of(site, offset=0, people=1, language="en"):
    return f"{site.url}/book/at/A/{day(offset)}/09:00/details?people={people}&lang={language}"


def values(window):
    return {i: window.one(f"#{i}").get_attribute("value") for i in TYPED}


def type_all(site, window):
    for i, text in TYPED.items():
        window.one(f"#{i}").send_keys(text or site.number())


def stored(window):
    return window.driver.execute_async_script(STORED)


def is_clean(window):
    """Nothing of a person in any store."""
    return not any(text in stored(window) for text in ("Siti", "012-999", "rahsia", "wheelchair", "-14-", "p1-"))


def left_for_nobody(checks, window, site, words):
    """The page that Back showed is left, and another tab begins a form."""
    window.go(f"{site.url}/help")
    checks.check(f"{words}: nothing personal is kept in the browser's stores", window.until(lambda: is_clean(window), seconds=5, what="the stores are clean"), "")
    window.driver.switch_to.new_window("tab")
    window.go(details_of(site, 3))
    window.until(lambda: window.driver.execute_script("return history.state?.draft"), seconds=5, what="the script looked")
    window.driver.execute_async_script(STORED)  # behind what the page itself asks the store
    checks.check(f"{words}: a new tab's form is empty", not any(values(window).values()), values(window))


def forgotten_on_the_way(checks, site, how):
    """On a shared computer the next person pressed Back and read number, name and telephone."""
    window = window_of(how)
    window.go(details_of(site))
    type_all(site, window)
    window.until(lambda: "Siti" in stored(window), what="the draft is kept")
    window.press("form[action='/forget'] button")
    window.until(lambda: window.kind() == "forgotten", what="it is forgotten")
    window.driver.back()
    window.until(lambda: window.kind() == "details", what="the form")
    empty = window.until(lambda: not any(values(window).values()) and window.driver.execute_script("return document.readyState") == "complete", seconds=5, what="an empty form")
    checks.check(f"forgotten, and Back to a page {how}: the form is empty", empty, "")
    left_for_nobody(checks, window, site, f"forgotten, Back ({how})")
    window.close()


def booked_and_back(checks, site, how):
    """A page from memory wrote the draft again, for whoever came next; and it did not say what had become of it."""
    window = window_of(how)
    site.book(window)
    window.driver.back()
    window.until(lambda: window.kind() == "details", what="the form")
    said = window.until(lambda: "This form was booked" in window.text(), seconds=5, what="it is said that it was booked")
    checks.check(f"booked, and Back to a page {how}: it is said, with the way to the appointment", said and window.one("[data-said] a").get_attribute("href").endswith("/my-booking"), "")
    empty = window.until(lambda: not any(values(window).values()), seconds=5, what="an empty form")
    checks.check("and the form is empty, as a new one", empty and len(window.one("[name=draft]").get_attribute("value")) == 22, "")
    left_for_nobody(checks, window, site, f"booked, Back ({how})")
    window.close()


def forgotten_in_another_tab(checks, site):
    window = Window()
    window.go(details_of(site))
    type_all(site, window)
    window.until(lambda: "Siti" in stored(window), what="the draft is kept")
    first = window.driver.current_window_handle
    window.driver.switch_to.new_window("tab")
    window.go(details_of(site, 2))
    window.until(lambda: values(window)["p1-name"], what="the draft in another tab")
    window.press("form[action='/forget'] button")
    window.until(lambda: window.kind() == "forgotten", what="it is forgotten")
    window.driver.switch_to.window(first)
    checks.check("forgotten in one tab: the form in another is empty too", window.until(lambda: not any(values(window).values()), seconds=5, what="an empty form"), "")
    window.close()


def a_refused_form_stays(checks, site):
    """Only what was booked has ended: not a form whose time was full, whatever else is booked from this browser."""
    window = site.book(Window())
    site.full(("B", 6, "14:00"))
    window.go(f"{site.url}/book/at/B/{day(6)}/14:00/details?people=1&lang=en")
    site.fill(window, 1, ("Ahmad bin Kekal",))
    window.press("form.details button.main")
    window.until(lambda: window.kind() == "check", what="the check page")
    window.press("button[value=book]")
    window.until(lambda: window.kind() == "refused", what="full")
    window.go(f"{site.url}/my-booking")
    window.until(lambda: window.every(".booking.confirmed"), what="the earlier appointment")
    window.go(details_of(site, 7))
    checks.check("refused, and the earlier appointment looked at: the form has what was typed", window.until(lambda: values(window)["p1-name"] == "Ahmad bin Kekal", seconds=5, what="the name"), "")
    window.close()


def a_look_is_no_press(checks, site):
    """Whoever only looked whether the round goes on has booked nothing, whatever else was booked from this browser."""
    window = site.book(Window())
    site.to_check(window, 1, ("A", 4, "09:00"))
    form = json.loads(stored(window))[0][0]["id"]
    site.node.ctl("round", "pause", "main", "--reason", "Kerosakan")
    try:
        window.driver.refresh()
        window.until(lambda: window.every("button[value=look]"), what="the button that looks")
        window.press("button[value=look]")
        window.until(lambda: window.every("button[value=look]"), what="it is still paused")
    finally:
        site.node.ctl("round", "resume", "main")
    window.driver.delete_cookie("janji_form")
    window.go(f"{site.url}/my-booking")
    window.until(lambda: window.every(".booking.confirmed"), what="the earlier appointment")
    marks = json.loads(json.loads(stored(window))[1]["janji"])
    checks.check("looked, and the earlier appointment looked at: the form is not taken for booked", len(marks["booked"]) == 1 and form not in marks["booked"] + marks["pressed"], marks)
    window.close()


def a_proof_in_another_language(checks, site):
    """The page was another in part: its verdicts stayed in the first language."""
    window = Window()
    window.go(f"{site.url}/receipt?lang=ms")
    window.press("button[name=lang][value=ta]")
    window.until(lambda: window.driver.execute_script("return document.documentElement.lang") == "ta", what="the page in Tamil")
    wanted = re.search(r'id="receipt-data"[^>]*>(.*?)</script>', site.reader("ta").get("/receipt").body, re.S)[1]
    shown = window.one("#receipt-data").get_attribute("textContent")
    checks.equal("/receipt in another language is that page whole, with its verdicts", json.loads(shown)["words"], json.loads(wanted)["words"])
    window.close()


def a_step_is_lost(checks, site):
    """Continue ended at the browser's own error page."""
    window = Window()
    window.go(details_of(site))
    site.fill(window, 1)
    address = window.driver.current_url
    site.relay.drop = True
    window.press("form.details button.main")
    window.until(lambda: "did not hear back" in window.text(), what="it is said that nothing was heard")
    words = window.text()
    checks.check("Continue, and no answer: said in words, in place, with what was typed", "booked and changed nothing" in words and window.driver.current_url == address and
                 values(window)["p1-name"] == "Siti" and not window.one("form.details button.main").is_enabled(), words[:300])
    site.relay.drop = False
    window.until(lambda: window.one("form.details button.main").is_enabled(), seconds=10, what="the button opens again")
    window.press("form.details button.main")
    window.until(lambda: window.kind() == "check", what="the check page")
    checks.check("and the next press leads on, to its own address", window.driver.current_url.endswith("/09:00/check"), window.driver.current_url)
    window.driver.back()
    window.until(lambda: window.kind() == "details", what="the form")
    checks.check("Back is the form, open, with what was typed", window.until(lambda: values(window)["p1-name"] == "Siti" and window.one("form.details button.main").is_enabled(), what="the form as it was"), "")
    window.close()


def a_search_is_lost(checks, site):
    window = Window()
    window.go(f"{site.url}/find?lang=en")
    window.one("#reference").send_keys("7K3M-92QX-4T8B")
    window.one("#code").send_keys("4T8B-92QX-7K3M-5")
    site.relay.drop = True
    window.press("main button.main")
    window.until(lambda: "did not hear back" in window.text(), what="it is said that nothing was heard")
    checks.check("Find likewise", window.one("#reference").get_attribute("value") == "7K3M-92QX-4T8B", window.text()[:300])
    site.relay.drop = False
    window.until(lambda: window.one("main button.main").is_enabled(), seconds=10, what="the button opens again")
    window.press("main button.main")
    checks.check("and what it finds, or not, is shown", window.until(lambda: "do not open an appointment" in window.text(), what="not found"), "")
    window.close()


def open_pages_stay_true(checks, site):
    """A place that came free could not be pressed; a form said that booking was open while it was paused."""
    taken = [confirmed(site.node, booking((centre, day(9), "14:00"), site.people.one()))["bookings"][0] for centre in ("A", "B")]
    checks.equal("nothing else is free on that day", site.node.ctl("capacity", "main", "B", day(9), "0", "--window", "09:00", "--reason", "closed").code, 0)
    form, times = Window(), Window()
    form.go(details_of(site))
    site.fill(form, 1)
    times.until(lambda: "full" in times.go(f"{site.url}/book/at/B/{day(9)}?people=1&lang=en").one("[data-n='14:00']").text, what="the time is full")
    link = f".times a[href*='/{day(9)}/14:00/details']"
    checks.check("a full time is no link", not times.every(link), times.text()[:300])
    site.node.ctl("round", "pause", "main", "--reason", "Kerosakan")
    with contextlib.closing(form), contextlib.closing(times):
        try:
            manage(site.node, "DELETE", taken[1])
            times.until(lambda: "1 free place" in times.one("[data-n='14:00']").text, seconds=25, what="the place comes free")
            checks.check("a place that comes free can be pressed", len(times.every(link)) == 1 and "There is no free time" not in times.text(), times.text()[:300])
            said = form.until(lambda: "Kerosakan" in form.one("#round-state").text, seconds=15, what="the form says that booking is paused")
            checks.check("a form that is open says that booking was paused, and keeps what was typed", said and values(form)["p1-name"] == "Siti", "")
        finally:
            site.node.ctl("round", "resume", "main")
        times.press(link)
        checks.check("and it leads to the form", times.until(lambda: times.kind() == "details", what="the form"), "")


def without_cookies(checks, site):
    window = site.to_check(Window(cookies=False))
    window.driver.back()
    window.until(lambda: window.kind() == "details", what="the form")
    checks.check("cookies off: Back after Continue is the form, with what was typed", window.until(lambda: values(window)["p1-name"] == "Siti", seconds=5, what="the name"), "")
    window.press("form.details button.main")
    window.until(lambda: window.kind() == "check", what="the check page")
    window.press("button[value=book]")
    window.until(lambda: window.kind() == "my-booking", what="the confirmation")
    checks.check("cookies off: booked, and the print button is there", len(window.every(".booking.confirmed")) == 1 and window.one("[data-print]").is_displayed(), window.text()[:200])
    window.close()


def filled_in_without_a_word(checks, site):
    """What a program fills in tells nobody: the draft of a killed tab was empty. And a draft for two filled no form for one or three."""
    window = Window()
    window.go(details_of(site, 0, 2))
    window.driver.execute_script("document.getElementById('p1-name').value = 'Siti tanpa acara'; document.getElementById('p2-name').value = 'Ahmad tanpa acara'")
    checks.check("filled in without any event: the draft is kept before the tab dies", window.until(lambda: "Siti tanpa acara" in stored(window), seconds=5, what="the draft is kept"), "")
    for people, wanted in ((1, ["Siti tanpa acara"]), (3, ["Siti tanpa acara", "Ahmad tanpa acara", ""])):
        window.go(details_of(site, 1, people))
        good = window.until(lambda wanted=wanted: [e.get_attribute("value") for e in window.every("input[id$=-name]")] == wanted, seconds=5, what=f"the names of a draft for two in a form for {people}")
        checks.check(f"a draft for two fills a form for {people}", good, "")
    window.close()


def server_says(site, proof, language):
    reader = site.reader(language)
    page = reader.get("/receipt")
    page = reader.send(page.form("/receipt"), {"receipt": proof})
    return [" ".join("".join(e.itertext()).split()) for e in page.all("dd")]


def pasted_proofs(checks, site, languages):
    window = site.book(Window())
    link = window.one(".qr a").get_attribute("href")
    proof = link.split("#")[1]
    window.cdp("Network.enable")
    for language in languages:
        window.go(f"{site.url}/receipt?lang={language}")
        wanted = server_says(site, proof, language)
        for words, text in (("the proof", proof), ("a link to it", link), ("one wrapped over lines", "\n ".join(link[i:i + 60] for i in range(0, len(link), 60)))):
            window.cdp("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
            window.driver.execute_script("document.getElementById('verdict').textContent = ''; document.querySelector('[data-receipt]').elements.receipt.value = arguments[0]", text)
            window.press("form[data-receipt] button.main")
            window.until(lambda: window.every("#verdict .panel"), seconds=5, what="the verdict")
            told = [e.text for e in window.every("#verdict dd")]
            checks.check(f"{language}: offline {words} is checked, and said as the server says it", window.every("#verdict .panel.good") and told == wanted, (told, wanted))
            window.cdp("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    window.driver.get_log("browser")  # of the polls while it was offline
    for text in ("janji1.of.long.ago", "nothing of ours"):  # what the server checks is shown in place, again and again
        window.driver.execute_script("document.getElementById('verdict').textContent = ''; document.querySelector('[data-receipt]').elements.receipt.value = arguments[0]", text)
        window.press("form[data-receipt] button.main")
        said = window.until(lambda: window.every("#verdict .panel.stop"), seconds=5, what="the server's verdict")
        checks.check(f"{text}: the server says what it is, and the console is silent", said and not window.complaints(), window.complaints())
    window.close()


def often(checks, site):
    """What is short enough for every run."""
    checks.part(forgotten_on_the_way, checks, site, "from memory")
    checks.part(booked_and_back, checks, site, "from memory")
    for part in (a_step_is_lost, a_look_is_no_press, a_proof_in_another_language, without_cookies, filled_in_without_a_word):
        checks.part(part, checks, site)
        site.relay.drop = False
    checks.part(pasted_proofs, checks, site, ["en"])


def seldom(checks, site):
    checks.part(forgotten_on_the_way, checks, site, "made anew")
    checks.part(booked_and_back, checks, site, "made anew")
    for part in (a_search_is_lost, open_pages_stay_true, forgotten_in_another_tab, a_refused_form_stays):
        checks.part(part, checks, site)
        site.relay.drop = False
    checks.part(pasted_proofs, checks, site, ["ms", "zh-Hans", "ta"])
