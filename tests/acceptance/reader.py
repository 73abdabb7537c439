"""A reader without scripts: follows links and sends forms as a browser does, keeps cookies, and reads pages by the standard's parser."""
import gzip, http.client, http.cookies, re, urllib.parse, warnings

warnings.filterwarnings("ignore")
import html5lib  # noqa: E402

HTML = "{http://www.w3.org/1999/xhtml}"


def text_of(e):
    return re.sub(r"\s+", " ", "".join(e.itertext())).strip()


class Page:
    def __init__(self, url, status, headers, body):
        self.url, self.status, self.headers, self.body = url, status, headers, body
        self.tree = html5lib.parse(body, treebuilder="etree") if "text/html" in headers.get("content-type", "") else None

    def all(self, tag):
        return list(self.tree.iter(HTML + tag)) if self.tree is not None else []

    def text(self):
        return text_of(self.all("main")[0]) if self.all("main") else self.body

    def heading(self):
        return text_of(self.all("h1")[0]) if self.all("h1") else ""

    def kind(self):
        return self.all("body")[0].get("data-page") if self.all("body") else ""

    def links(self):
        return [(e.get("href"), text_of(e)) for e in self.all("a") if e.get("href")]

    def links_to(self, part):
        return [h for h, _ in self.links() if part in h]

    def forms(self):
        return self.all("form")

    def form(self, action_ends=""):
        for f in self.forms():
            if (f.get("action") or "").split("?")[0].endswith(action_ends) and f.get("method") == "post" and not f.get("action").endswith(("/forget", "/start-again")):
                return f
        raise AssertionError(f"{self.url} ({self.status}) has no form to {action_ends!r}: {self.text()[:300]}")

    def value(self, name):
        for e in self.all("input") + self.all("textarea"):
            if e.get("name") == name:
                return e.get("value", "") if e.tag == HTML + "input" else text_of(e)
        for e in self.all("select"):
            if e.get("name") == name:
                for o in e.iter(HTML + "option"):
                    if o.get("selected") is not None:
                        return o.get("value")
        return None


def fields_of(form):
    """What a browser would send, without a button."""
    out = []
    for e in form.iter():
        tag = e.tag.replace(HTML, "") if isinstance(e.tag, str) else ""
        name = e.get("name") if tag else None
        if not name:
            continue
        if tag == "input":
            kind = e.get("type", "text")
            if kind in ("checkbox", "radio") and e.get("checked") is None:
                continue
            out.append((name, e.get("value", "on" if kind in ("checkbox", "radio") else "")))
        elif tag == "textarea":
            text = "".join(e.itertext())
            out.append((name, text[1:] if text.startswith("\n") else text))
        elif tag == "select":
            options = list(e.iter(HTML + "option"))
            chosen = next((o for o in options if o.get("selected") is not None), options[0])
            out.append((name, chosen.get("value", text_of(chosen))))
    return out


class Reader:
    """`tls`: the context to speak https with. `name`: what stands in Host and Origin, where it is not host:port."""

    def __init__(self, host, port, language=None, cookies=True, timeout=30, tls=None, name=None):
        self.host, self.port, self.takes, self.timeout, self.tls, self.name = host, port, cookies, timeout, tls, name
        self.secure = {}  # cookies, by name
        self.jar, self.language, self.page, self.seen = {}, language, None, []

    def ask(self, method, url, body=None, headers=None, follow=True):
        for _ in range(8):
            name = self.name or f"{self.host}:{self.port}"
            h = {"Host": name, "Accept": "text/html", **(headers or {})}
            if self.language:
                h["Accept-Language"] = self.language
            if self.jar and self.takes:
                h["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.jar.items())
            if body is not None:
                h.setdefault("Content-Type", "application/x-www-form-urlencoded")
                h.setdefault("Origin", f"http{'s' if self.tls else ''}://{name.lower()}")
                h.setdefault("Sec-Fetch-Site", "same-origin")
            c = http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout, context=self.tls) if self.tls else http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            try:
                c.request(method, url, body=body, headers=h)
                r = c.getresponse()
                data = r.read()
                if r.headers.get("Content-Encoding") == "gzip":
                    data = gzip.decompress(data)
            finally:
                c.close()
            for line in r.headers.get_all("Set-Cookie") or []:
                for cookie, morsel in http.cookies.SimpleCookie(line).items():
                    if morsel["max-age"] == "0":
                        self.jar.pop(cookie, None)
                    else:
                        self.jar[cookie] = morsel.value
                        self.secure[cookie] = bool(morsel["secure"])
            self.seen.append((method, url, r.status))
            if follow and r.status in (302, 303):
                method, url, body, headers = "GET", r.headers["Location"], None, None
                continue
            self.page = Page(url, r.status, {k.lower(): v for k, v in r.headers.items()}, data.decode("utf-8", "replace"))
            return self.page
        raise AssertionError("it is sent on and on")

    def get(self, url, **more):
        return self.ask("GET", url, **more)

    def follow(self, part):
        """Presses the first link whose address holds the part."""
        for href, _ in self.page.links():
            if part in href:
                return self.get(urllib.parse.urljoin(self.page.url, href))
        raise AssertionError(f"{self.page.url} has no link to {part}: {[h for h, _ in self.page.links()]}")

    def send(self, form, values=None, button=None, headers=None, drop=()):
        values = dict(values or {})
        fields = [(n, values.pop(n, v)) for n, v in fields_of(form) if n not in drop] + list(values.items())
        action = form.get("action")
        if button is not None:
            chosen = next(b for b in form.iter(HTML + "button") if b.get("value") == button or (button == "" and b.get("name") is None))
            if chosen.get("name"):
                fields.append((chosen.get("name"), chosen.get("value")))
            action = chosen.get("formaction") or action
        target = urllib.parse.urljoin(self.page.url, action)
        if form.get("method") != "post":
            return self.get(target + "?" + urllib.parse.urlencode(fields))
        return self.ask("POST", target, body=urllib.parse.urlencode(fields), headers=headers)


def mykad(n):
    """A number that can be right, of somebody born in 1980, another for each n."""
    return f"80{1 + n // 28 % 12:02}{1 + n % 28:02}-14-{5000 + n // 336:04}"
