#!/usr/bin/python3
"""Renders every page in every language and reads it as a browser would: HTML without errors, unique ids, every reference to an id leads
somewhere, labels and languages of parts, nothing inline. Prints "N passed, N failed"."""
import argparse, collections, pathlib, re, subprocess, sys, tempfile, warnings

warnings.filterwarnings("ignore")
import html5lib  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
HTML = "{http://www.w3.org/1999/xhtml}"
TAGS = {"ms": "ms", "en": "en", "zh-Hans": "zh-Hans", "ta": "ta"}


def attributes(tree, name):
    return [(e, e.get(name)) for e in tree.iter() if isinstance(e.tag, str) and e.get(name) is not None]


def text_of(e):
    return "".join(e.itertext()).strip()


def faults(html, language):
    """What is wrong with one page, in words."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=True, strict=False)
    tree = parser.parse(html)
    for (line, _), code, _ in parser.errors:
        yield f"line {line}: {code}"
    root = tree if tree.tag == HTML + "html" else tree.find(HTML + "html")
    if root.get("lang") != language:
        yield f"lang is {root.get('lang')}"
    ids = [v for _, v in attributes(tree, "id")]
    for name, n in collections.Counter(ids).items():
        if n > 1:
            yield f"id {name} stands {n} times"
    known = set(ids)
    for attribute in ("aria-describedby", "aria-labelledby", "for"):
        for e, value in attributes(tree, attribute):
            for name in value.split():
                if name not in known:
                    yield f"{attribute} names {name}, which is not there"
    for e, href in attributes(tree, "href"):
        if href.startswith("#") and href[1:] not in known:
            yield f"a link leads to {href}, which is not there"
    for e in tree.iter():
        if not isinstance(e.tag, str):
            continue
        tag = e.tag.replace(HTML, "")
        if any(a.startswith("on") for a in e.attrib if isinstance(a, str)):
            yield f"<{tag}> has a handler inline"
        if tag in ("input", "select", "textarea") and e.get("type") not in ("hidden", "radio", "checkbox"):
            if e.get("id") is None or not any(f == e.get("id") for _, f in attributes(tree, "for")):
                yield f"<{tag} name={e.get('name')}> has no label"
            if e.get("aria-invalid") and not e.get("aria-describedby"):
                yield f"<{tag} name={e.get('name')}> is wrong and says not why"
        if tag in ("button", "a", "h1", "h2", "label", "legend", "th", "dt") and not text_of(e):
            yield f"<{tag}> says nothing"
        if tag == "form" and e.get("method") == "post":
            names = [i.get("name") for i in e.iter(HTML + "input")]
            if "form_token" not in names:
                yield f"the form to {e.get('action')} has no token"
            buttons = list(e.iter(HTML + "button"))
            if not buttons:
                yield f"the form to {e.get('action')} has no button"
            elif buttons[0].get("name") == "lang":
                yield f"Enter changes the language of the form to {e.get('action')}"
    headings = [e.tag.replace(HTML, "") for e in tree.iter() if isinstance(e.tag, str) and re.fullmatch(HTML + "h[1-6]", e.tag)]
    if headings.count("h1") != 1:
        yield f"{headings.count('h1')} headings of the first level"
    mains = list(tree.iter(HTML + "main"))
    if len(mains) != 1:
        yield f"{len(mains)} mains"
    title = next(tree.iter(HTML + "title"), None)
    if title is None or not text_of(title):
        yield "no title"


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", default=str(ROOT / "build/release"), help="where render_pages is built")
    p.add_argument("--keep", help="where the pages are written; else they are removed")
    args = p.parse_args()
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="janji-pages-") as made:
        where = pathlib.Path(args.keep or made)
        subprocess.run([args.build + "/tests/web/render_pages", str(where)], check=True, stdout=subprocess.DEVNULL)
        pages = {folder.name: {page.stem for page in folder.glob("*.html")} for folder in where.iterdir()}
        same = set(pages) == set(TAGS) and all(len(names) > 30 and names == pages["en"] for names in pages.values())
        passed, failed = passed + same, failed + (not same)
        if not same:
            print(f"FAILED  the same pages in each language: {({name: len(names) for name, names in pages.items()})}")
        for folder in sorted(where.iterdir()):
            for page in sorted(folder.glob("*.html")):
                wrong = list(faults(page.read_text(encoding="utf-8"), TAGS[folder.name]))
                passed, failed = passed + (not wrong), failed + bool(wrong)
                if wrong:
                    print(f"FAILED  {folder.name}/{page.stem}: {'; '.join(wrong[:5])}")
    print(f"rendered: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
