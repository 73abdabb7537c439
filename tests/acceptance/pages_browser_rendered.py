"""Pages that tests/web renders, in a browser and without a server: with the longest texts on a narrow screen, printed, with codes as large
as there are, and with names that are written from right to left."""
import base64
import glob
import os
import re
import shutil
import subprocess
import tempfile

from browser import Window
from node import BUILD, ROOT

LANGUAGES = ("en", "ms", "zh-Hans", "ta")
WIDE = """
const root = document.documentElement, out = [];
for (const size of ['', '225%']) {  // 112.5 % is the page's own
  root.style.fontSize = size;
  const room = root.clientWidth;
  if (root.scrollWidth > room)
    out.push((size ? '200 %: ' : '100 %: ') + root.scrollWidth + ' of ' + room + ': ' + [...document.querySelectorAll('main *, header *, footer *')].filter((e) => e.getBoundingClientRect().right > room + 1 &&
      !e.closest('.scroll, .qr')).slice(0, 3).map((e) => e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 20)).join(', '));
  const broken = [...document.querySelectorAll('.month span[aria-hidden]')].filter((e) => e.getClientRects().length > 1);
  if (broken.length) out.push(`${size}: days of two digits in two lines: ${broken.length}`);
}
root.style.fontSize = '';
return out;
"""
# Where what was typed stands in a line, what is before it is on its left and what is behind it on its right.
ORDER = r"""
const inline = (e) => getComputedStyle(e).display === 'inline';
const lines = new Map(), out = {seen: 0, wrong: []};
const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
for (let t = walk.nextNode(); t; t = walk.nextNode()) {
  let e = t.parentElement;
  if (e.closest('script, noscript, select, textarea, .spoken, svg')) continue;
  while (inline(e)) e = e.parentElement;
  if (!lines.has(e)) lines.set(e, []);
  for (let i = 0; i < t.data.length; ++i) lines.get(e).push([t, i]);
}
const box = ([t, i], n = 1) => { const r = document.createRange(); r.setStart(t, i); r.setEnd(t, i + n); return r.getBoundingClientRect(); };
const sign = /[\p{L}\p{N}]/u;
for (const signs of lines.values()) {
  const text = signs.map(([t, i]) => t.data[i]).join('');
  for (const value of arguments[0])
    for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
      const here = box(signs[at], value.length);
      let before = at - 1, behind = at + value.length;
      while (before >= 0 && !sign.test(text[before])) --before;
      while (behind < text.length && !sign.test(text[behind])) ++behind;
      for (const [n, right] of [[before, false], [behind, true]]) {
        if (n < 0 || n >= text.length) continue;
        const there = box(signs[n]);
        if (here.height > 1.5 * there.height || there.bottom <= here.top || there.top >= here.bottom) continue;  // not on one line
        out.seen += 1;
        if (right ? there.left < here.right - 1 : there.right > here.left + 1) out.wrong.push(text.trim().slice(0, 80));
      }
    }
}
return out;
"""
NAME, PLACE, DISTRICT = "محمد بن أحمد", "دیوان کوتا بهارو 3", "باچوق"


class Rendered:
    """Every page with such texts, in one window; close() ends it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="janji-rendered-")
        self.window = Window()
        self.texts = None

    def close(self):
        self.window.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def of(self, texts, width, telephone=False):
        """On a screen of that width; a telephone's scroll bar takes no room."""
        self.texts = os.path.join(self.folder, texts)
        if not os.path.isdir(self.texts):
            os.mkdir(self.texts)
            subprocess.run([os.path.join(ROOT, "build", BUILD, "tests", "web", "render_pages"), self.texts, texts], check=True, stdout=subprocess.DEVNULL)
        self.wide(width, telephone)
        return self

    def wide(self, width, telephone=False):
        self.window.cdp("Emulation.setDeviceMetricsOverride", width=width, height=740, deviceScaleFactor=1, mobile=telephone)

    def names(self, whole):
        """Of its pages: of a party of four, and of codes that have the same page only one."""
        every = sorted(os.path.basename(p)[:-5] for p in glob.glob(os.path.join(self.texts, "en", "*.html")))
        few = [n for n in every if not n.endswith("-1") and not re.match("(pending|refused)-", n)]
        return every if whole else few + ["pending-busy-4", "refused-full-4"]

    def show(self, language, name):
        return self.window.go(f"file://{self.texts}/{language}/{name}.html")

    def sheets(self, width, height):
        pdf = base64.b64decode(self.window.cdp("Page.printToPDF", paperWidth=width, paperHeight=height)["data"])
        return len(re.findall(rb"/Type\s*/Page\b", pdf))


def narrow_and_large(checks, pages, whole):
    """A long e-mail, a name without a space or a doubled size made the page wider than the screen."""
    pages.of("unbroken", 320)
    for language in LANGUAGES if whole else ("ta",):  # whose words are the longest
        wide = []
        for name in pages.names(whole):
            pages.show(language, name)
            for width in (360, 320) if whole else (320,):
                if whole:
                    pages.wide(width)
                wide += [f"{name} at {width} px, {said}" for said in pages.window.driver.execute_script(WIDE)]
        checks.check(f"{language}: no page is wider than a narrow screen, whatever was typed and at twice the size", not wide, (len(wide), wide))


def one_sheet(checks, pages, whole):
    """Four people took four sheets."""
    pages.of("family", 1280)
    for language in LANGUAGES:
        pages.show(language, "my-booking-4")
        checks.equal(f"{language}: appointments of four people are one sheet of A4, and one of Letter", (pages.sheets(8.27, 11.69), pages.sheets(8.5, 11)), (1, 1))
        if whole or language == "ta":
            pages.show(language, "my-booking-1")
            checks.equal(f"{language}: and that of one", pages.sheets(8.27, 11.69), 1)
    pages.show("en", "my-booking-4").cdp("Emulation.setEmulatedMedia", media="print")
    look = "return [...document.querySelectorAll('.qr svg')].map((e) => e.getBoundingClientRect().width / 96 * 25.4 / e.viewBox.baseVal.width)"
    modules = pages.window.driver.execute_script(look)
    pages.window.cdp("Emulation.setEmulatedMedia", media="")
    checks.check("a printed module is half a millimetre", len(modules) == 4 and min(modules) >= 0.5, modules)


def codes_on_narrow_screens(checks, pages, _):
    """A module was less than four pixels, which cameras do not make out."""
    look = """return [...document.querySelectorAll('.qr svg')].map((e) => { const r = e.getBoundingClientRect(), edge = 4 * r.width / e.viewBox.baseVal.width;
      const room = document.documentElement.clientWidth; return [r.width / e.viewBox.baseVal.width, r.left + edge >= 0 && r.right - edge <= room, document.documentElement.scrollWidth <= room]; })"""
    for texts, what in (("family", "usual"), ("unbroken", "the largest")):
        for width in (320, 360):
            codes = pages.of(texts, width, telephone=True).show("en", "my-booking-4").driver.execute_script(look)
            checks.check(f"{what} codes at {width} px: a module has four pixels, all of them are seen, and the page does not scroll sideways", len(codes) == 4 and
                         all(module >= 4 and seen and fits for module, seen, fits in codes), codes)


def right_to_left(checks, pages, whole):
    """A name in Jawi and the year behind it changed places."""
    pages.of("jawi", 1280)
    for language in LANGUAGES if whole else ("zh-Hans",):
        seen, wrong = 0, []
        for name in pages.names(whole):
            said = pages.show(language, name).driver.execute_script(ORDER, [NAME, PLACE, DISTRICT])
            seen += said["seen"]
            wrong += [f"{name}: {text}" for text in said["wrong"]]
        checks.check(f"{language}: what stands beside a name in Jawi keeps its place", seen > 40 and not wrong, (seen, wrong))


def parts(checks, whole):
    pages = Rendered()
    try:
        for part in (narrow_and_large, one_sheet, codes_on_narrow_screens, right_to_left):
            checks.part(part, checks, pages, whole)
    finally:
        pages.close()
