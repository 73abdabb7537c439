"""Keys, tokens and names are searched for where nobody should find them: the memory of nodes, a core, the process list, other nodes after an
erasure, the blocks of a disk."""
import gzip
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import urllib.parse

from checks import Stop, run, wait_until
from citizens import People, Round, booking, book, confirmed, day, manage, new_key
from cluster import Cluster, whole
from cluster_parts import MASTER, open_demo_round
from http_client import request
from key_boxes import keys_of, secret_of
from node import SLOW, Node, call
from personal_data import Marks
from process_memory import search


def prepared(checks, name, *arguments, environment=None, data=None):
    node = Node(checks, name, data)
    node.start(*arguments, environment=environment).ready()
    groups = [("RAHSIA", day(i), "09:00", "17:00", 50) for i in range(2)]
    Round(checks.directory, "main", groups).open_on(node)
    return node


def needles_of(values):
    plain = {v: v.encode() for value in values for v in (value, value.replace("-", ""), json.dumps(value)[1:-1])}
    return {**plain, **{f"{v} in UTF-16": v.encode("utf-16-le") for v in values}}


# ------------------------------------------------------------------ memory, core, process list

def plant(checks, node, marks):
    """Bookings, refusals and look-ups with marked people; the tokens that were told."""
    tokens = []
    for body in ([marks.person()], [marks.person(passport=True)], [marks.person() for _ in range(4)]):
        said = confirmed(node, booking(("RAHSIA", day(0)), *body, round_code="main"))
        tokens += [b["manage_token"] for b in said["bookings"]]
        manage(node, "GET", said["bookings"][0])
        manage(node, "PATCH", said["bookings"][0], {"centre": "RAHSIA", "date": day(1), "window": "09:00"})
    one = marks.person()
    key = new_key()
    for person in (one, {**one, "notes": marks.planted("lain " + marks.letters(30))}):
        book(node, booking(("RAHSIA", day(1)), person, round_code="main"), key)
    wrong = marks.person()
    wrong["name"] = marks.planted(marks.letters(24)) * 40
    book(node, booking(("RAHSIA", day(0)), wrong, round_code="main"))
    large = marks.planted(marks.letters(40))
    request(node.port, "POST", "/api/v1/bookings", f'{{"people":[{{"name":"{large}'.encode() + b" " * 20000, {"Idempotency-Key": new_key()})
    plant_on_pages(checks, node, marks)
    kept = plant_on_the_wire(checks, node, marks)
    release = {"round": "main", "identity": one["identity"], "reason": "card seen"}
    checks.equal("a claim is released at the operators' port", node.admin("POST", "/admin/v1/claims/release", release).status, 200)
    return tokens, kept


class Browser:
    """What of one the pages need: cookies, and pages that may come compressed. It has no parser; addresses are said."""

    def __init__(self, node, packed):
        self.node, self.packed, self.jar = node, packed, {}

    def ask(self, method, path, fields=None):
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"} if fields is not None else {}
        headers |= {"Accept-Encoding": "gzip"} if self.packed else {}
        if self.jar:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.jar.items())
        body = urllib.parse.urlencode(fields).encode() if fields is not None else None
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=60)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.headers.get("Content-Encoding") == "gzip":
            said = gzip.decompress(said)
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, value = line.split(";", 1)[0].split("=", 1)
            self.jar[name] = value
        connection.close()
        return answer.status, said.decode()

    def token(self, page):
        return re.search(r'name="form_token" value="([^"]*)"', page).group(1)


def plant_on_pages(checks, node, marks):
    """The whole way through the pages, with an error and another language, and found again; compressed and not."""
    place = f"/book/at/RAHSIA/{day(1)}/09:00"
    for packed in (False, True):
        person = marks.person()
        fields = {"people": "1", "p1-kind": "mykad", "p1-number": person["identity"]["number"], "p1-name": person["name"], "p1-phone": person["phone"], "p1-notes": person["notes"]}
        b = Browser(node, packed)
        page = b.ask("GET", f"{place}/details")[1]
        draft = {"draft": re.search(r'name="draft" value="([^"]*)"', page).group(1)}
        for more in ({"p1-birth": "never"}, {"lang": "ta", "tried": "1"}, {"go": "on"}):
            b.ask("POST", f"{place}/details", {**fields, **draft, "form_token": b.token(page), **more})
            page = b.ask("GET", f"{place}/details")[1]
        status, page = b.ask("GET", f"{place}/check")
        checks.check("the check page has what was typed", status == 200 and person["name"] in page, status)
        b.ask("POST", f"{place}/check", {**fields, **draft, "form_token": b.token(page), "go": "book"})
        page = b.ask("GET", "/my-booking")[1]
        reference, code = re.findall(r'<dd class="code">([0-9A-Z*~$=-]+) ', page)[:2]
        checks.check("and the confirmation too", person["name"] in page, page[:200])
        other = Browser(node, packed)
        page = other.ask("GET", "/find")[1]
        other.ask("POST", "/find", {"reference": reference, "code": code, "form_token": other.token(page)})
        checks.check("found again with its name", person["name"] in other.ask("GET", "/my-booking")[1])
        other.ask("GET", "/my-booking/cancel")


def plant_on_the_wire(checks, node, marks):
    """Connections that stay: after an answer, after two requests in one piece, in pieces, in chunks; and half requests that are given up."""
    def wire(person, headers=""):
        body = json.dumps(booking(("RAHSIA", day(0)), person, round_code="main"))
        return f"POST /api/v1/bookings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}", body

    def connected():
        sock = socket.create_connection(("127.0.0.1", node.port), timeout=30)
        checks.undo.append(sock.close)
        return sock

    def answers(sock, count):
        said = b""
        while said.count(b"HTTP/1.1 201") < count:
            more = sock.recv(65536)
            if not more:
                raise Stop(f"no answer on a connection that stays: {said[-300:]!r}")
            said += more

    def whole_request(person):
        head, body = wire(person)
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    stays = connected()
    stays.sendall(whole_request(marks.person()))
    answers(stays, 1)
    both = connected()
    both.sendall(whole_request(marks.person()) + whole_request(marks.person()))
    answers(both, 2)
    pieces = connected()
    data = whole_request({**marks.person(), "notes": marks.planted(marks.letters(40)) + " " + "catatan " * 50})
    for at in range(0, len(data), 97):
        pieces.sendall(data[at:at + 97])
    answers(pieces, 1)
    chunks = connected()
    head, body = wire(marks.person(), "Transfer-Encoding: chunked\r\n")
    chunks.sendall(f"{head}\r\n".encode())
    for at in range(0, len(body), 50):
        part = body[at:at + 50]
        chunks.sendall(f"{len(part):x}\r\n{part}\r\n".encode())
    chunks.sendall(b"0\r\n\r\n")
    answers(chunks, 1)
    for share in (0.5, 0.9):
        with connected() as given_up:
            data = whole_request(marks.person())
            given_up.sendall(data[:int(len(data) * share)])
    with connected() as too_much:
        too_much.sendall(f"POST /api/v1/bookings HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n{marks.planted(marks.letters(30))}".encode())
        while too_much.recv(65536):
            pass
    return 4


def sockets_of(pid):
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            count += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
        except OSError:
            pass
    return count


def memory_of_a_node(checks):
    marks = Marks(checks.random)
    master = checks.random.randbytes(32).hex()
    node = prepared(checks, "memory", environment={"JANJI_MASTER_KEY": master, "JANJI_MASTER_KEY_NEXT": master})
    pid = node.process.pid
    sockets = sockets_of(pid)
    tokens, kept = plant(checks, node, marks)
    keys = {**{name: key for name, key in keys_of(node.data, master, 1).items()}, "the secret of the round": secret_of(node.data, 1),
            "the master key": bytes.fromhex(master)}
    texts = {"the admin token": node.token().encode(), "the master key as it was given": master.encode()}
    public = {"the name of a centre": b"RAHSIA"}
    # At once: memory that is used again would look clean too.
    wait_until(lambda: sockets_of(pid) <= sockets + kept, 30 * SLOW, "connections that were given up are closed")
    found = search(pid, {**texts, **needles_of(marks.values + tokens)})
    checks.check(f"none of {len(marks.values)} names, numbers and notes is left in memory once they were answered, nor any of {len(tokens)} tokens that "
                 "citizens were told, nor the admin token or the master key as text outside of what is locked", not found.loose, found)
    seen = search(pid, {**public, **keys})
    checks.check("the search finds what is there, and keys in memory that is locked", "the name of a centre" in seen.loose and
                 seen.kept.issuperset(keys), seen)
    checks.check("no key lies anywhere else", not set(seen.loose) & set(keys), seen)

    for file in ("environ", "cmdline"):
        with open(f"/proc/{pid}/{file}", "rb") as shown:
            text = shown.read()
        checks.check(f"/proc/PID/{file} shows neither master key nor token", len(text) > 10 and not any(t in text for t in texts.values()), file)
    aborts(checks, node)


def memory_after_orders(checks):
    """What operators order is done on other threads than what citizens ask, and later: records that are opened, keys that are wrapped anew."""
    marks = Marks(checks.random)
    master, to = checks.random.randbytes(32).hex(), checks.random.randbytes(32).hex()
    node = prepared(checks, "orders", environment={"JANJI_MASTER_KEY": master})
    pid = node.process.pid
    one = confirmed(node, booking(("RAHSIA", day(0)), marks.person(), round_code="main"))["bookings"][0]["reference"]
    for _ in range(10):
        confirmed(node, booking(("RAHSIA", day(1)), *(marks.person() for _ in range(4)), round_code="main"))
    rotated = checks.path("master.rotated")
    with open(rotated, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
        out.write(to + "\n")
    keys = {**keys_of(node.data, master, 1), "the secret of the round": secret_of(node.data, 1), "the master key": bytes.fromhex(master),
            "the one to come": bytes.fromhex(to)}
    texts = {"the admin token": node.token().encode(), "the master key as it was given": master.encode(), "that to come as it was given": to.encode()}
    some = marks.values[:5] + marks.values[100:105] + marks.values[-5:]  # the first, one in the midst, the last: a search takes its time
    needles = {**texts, **keys, **{v: v.encode() for value in some for v in (value, value.replace("-", ""))}}
    reason = ("--reason", "the list for the door")

    def opened(count, *what):
        path = checks.path(f"opened-{count}.ndjson")
        done = node.ctl("unseal", *what, *reason, "--format", "ndjson", "--to", path)
        with open(path) as file:
            checks.equal(f"records are opened: {count}", sum(1 for _ in file), count)
        return done

    def asked(path):
        return wait_until(lambda: (lambda a: a if a.status != 503 else None)(node.admin("GET", path)), 30 * SLOW, "one order at a time")

    for path in ("show/orders", "audit", "keys", "show/orders"):  # a thread of its own begins with what its maker last had in its registers
        said = asked(f"/admin/v1/{path}")
        seen = search(pid, texts)
        checks.check(f"after {path} the token is in memory that is locked alone", said.status == 200 and not seen.loose, (said.status, str(seen)))
    orders = (("show orders", lambda: node.ctl("show", "orders")), ("audit", lambda: node.ctl("audit")), ("check", lambda: node.ctl("check")),
              ("unseal of a booking", lambda: opened(1, one)),
              ("unseal of a day", lambda: opened(40, "--round", "main", "--centre", "RAHSIA", "--date", day(1))),
              ("show of a group", lambda: node.ctl("show", f"group/main/RAHSIA/{day(1)}")), ("keys show", lambda: node.ctl("keys", "show")),
              ("keys rotate", lambda: node.ctl("keys", "rotate", "--new-master-key-file", rotated)), ("round close", lambda: node.ctl("round", "close", "main")))
    for words, order in orders:
        done = order()
        seen = search(pid, needles)  # at once: memory that is used again would look clean too
        checks.check(f"after `{words}` neither token, key, name, number nor note is in memory that is not locked", done.code == 0 and not seen.loose,
                     f"{done}, {seen}")
    checks.check("the search finds the keys that are held", seen.kept.issuperset(set(keys) - {"the master key"}), seen)
    node.kill()


def aborts(checks, node):
    pid = node.process.pid

    def cores():
        return {os.path.join(where, n) for where in (node.data, os.getcwd()) for n in os.listdir(where) if n.startswith("core")}

    before, words = cores(), "a node that aborts leaves no core"
    try:
        resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        words += ", though cores were allowed again from outside"
    except PermissionError:
        checks.skip("cores allowed from outside", "this root may not raise another's limits")
    node.process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(pid, 0)
    node.process.returncode = -signal.SIGABRT
    left = cores() - before
    checks.check(words,
                 os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT and not os.WCOREDUMP(status) and not left, (status, left))


def too_little_may_be_locked(checks):
    before = ("setpriv", "--bounding-set=-ipc_lock", "prlimit", "--memlock=0")
    if call(*before, "true").code != 0:
        checks.skip("a node that may not lock memory", "setpriv or prlimit cannot do it here")
        return
    node = Node(checks, "unlocked").start(before=before).ready()
    checks.check("a node that may not lock memory says so and serves", "keys cannot be locked in memory" in node.stderr(), node.stderr()[-300:])
    node.kill()
    node = Node(checks, "unlocked-production").start("--set", "cluster.mode=production", before=before)
    checks.check("in production it is refused", node.wait(60) == 2 and "LimitMEMLOCK" in node.stderr(), node.stderr()[-300:])


# ------------------------------------------------------------------ an erasure that fails, and one elsewhere

def failed_erasure(checks):
    node = prepared(checks, "failed")
    confirmed(node, booking(("RAHSIA", day(0)), People(checks.random).one(), round_code="main"))
    node.ctl("round", "close", "main")
    secrets, aside = f"{node.data}/keys.rounds", f"{node.data}/aside"
    os.rename(secrets, aside)
    os.mkdir(secrets)
    done = node.ctl("round", "erase", "main", "--reason", "main")
    checks.check("an erasure that cannot overwrite the secret is not said to be done", done.code == 4 and "destroying its keys has not ended" in done.err, done)
    status = wait_until(lambda: (s if "erasure_wrong" in (s := node.ctl("status")).out else None), 30 * SLOW, "status says it")
    checks.check("status is degraded and says which round's keys are left", status.code == 1 and "the keys of the erased round main" in status.out, status)
    verbose = request(node.admin_port, "GET", "/readyz?verbose").body.decode()
    checks.check("and /readyz?verbose", "erased keys: the keys of the erased round main" in verbose, verbose)
    os.rmdir(secrets)
    os.rename(aside, secrets)
    wait_until(lambda: node.ctl("status").code == 0, 30 * SLOW, "it is tried again")
    checks.check("it is tried again by itself, and then all is well", secret_of(node.data, 1) is None)
    checks.equal("said again it is done", node.ctl("round", "erase", "main", "--reason", "main").code, 0)
    node.kill()


def half_done_erasure(checks):
    """The secret was overwritten and the key file could not be written: the order was *refused*, and what was left was forgotten."""
    node = prepared(checks, "half")
    node.ctl("round", "close", "main")
    in_the_way = f"{node.data}/keys.new"
    os.makedirs(f"{in_the_way}/x")
    done = node.ctl("round", "erase", "main", "--confirm", "main")
    checks.check("an erasure that is half done stands, and is not said to be done", done.code == 4 and "the order stands" in done.err and
                 "destroying its keys has not ended" in done.err, done)
    checks.check("the secret is gone", secret_of(node.data, 1) is None)
    status = node.ctl("status")
    checks.check("status says that something of it is left, for as long as it is", status.code == 1 and "erasure_wrong" in status.out, status)
    again = node.ctl("--dry-run", "round", "erase", "main", "--confirm", "main")
    checks.check("a dry run says that it would be tried again", "it would be tried again" in again.out, again)
    os.rmdir(f"{in_the_way}/x")
    os.rmdir(in_the_way)
    wait_until(lambda: node.ctl("status").code == 0, 30 * SLOW, "it is tried again")
    with open(f"{node.data}/keys") as file:
        checks.equal("then the key file says so", sum(line.endswith(" destroyed\n") for line in file), 2)
    node.kill()


def stop_between(checks):
    """Power cuts: the secret's end and the log's event, one without the other."""
    node = prepared(checks, "between")
    node.ctl("round", "close", "main")
    checks.equal("stops", node.stop(), 0)
    with open(f"{node.data}/keys.rounds", "rb") as file:
        whole_file = file.read()
    node.start().ready()
    checks.equal("the round is erased", node.ctl("round", "erase", "main", "--reason", "main").code, 0)
    node.kill()
    with open(f"{node.data}/keys.rounds", "r+b") as file:  # as if the node had died before it
        file.write(whole_file)
    node.start().ready()
    checks.check("a secret that outlived the erasure's event is destroyed by the next start", secret_of(node.data, 1) is None)
    node.kill()
    other = prepared(checks, "between-live")
    checks.equal("stops", other.stop(), 0)
    with open(f"{other.data}/keys.rounds", "r+b") as file:  # a page of nothing, as of a disk that forgot
        file.seek(2 * 4096)
        file.write(bytes(4096))
    other.start()
    ended = other.wait(60)
    checks.check("a live round whose secret is gone is noticed: the start is refused", ended == 2 and "keys.rounds does not hold the secret" in other.stderr(),
                 (ended, other.stderr()[-300:]))


def other_nodes(checks):
    c = Cluster(checks, "secrets")
    open_demo_round(c.nodes, [lambda path, n=n: request(n.port, "GET", path) for n in c.nodes], c.all_ready)
    wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas")
    for node in c.nodes:
        confirmed(node, booking(("WTCKL", "2021-06-08"), People(checks.random).one()))
    needles = []
    for i, node in enumerate(c.nodes):
        keys = {**keys_of(node.data, MASTER, 1), "secret": secret_of(node.data, 1)}
        needles.append(keys)
        seen = search(node.process.pid, keys)
        checks.check(f"node {i + 1} has the round's keys in memory that is locked, and nowhere else", seen.kept == set(keys) and not seen.loose, seen)
    checks.check("the keys are the same everywhere, and each node's secret is its own", len({n["data/1"] for n in needles}) == 1 and
                 len({n["secret"] for n in needles}) == 3)
    c.kill(2)
    wait_until(lambda: c.nodes[0].ctl("round", "close", "2021-3").code == 0, 60 * SLOW, "the round is closed")
    wait_until(lambda: c.nodes[0].ctl("round", "erase", "2021-3", "--reason", "2021-3").code == 0, 60 * SLOW, "the round is erased")
    wait_until(lambda: secret_of(c.nodes[1].data, 1) is None, 60 * SLOW, "node 2 has heard of it")
    for i in range(2):
        seen = search(c.nodes[i].process.pid, needles[i])
        checks.check(f"after the erasure node {i + 1} has none of them in its memory", not seen.kept and not seen.loose, seen)
    checks.check("node 3, which is away, has its secret still", secret_of(c.nodes[2].data, 1) == needles[2]["secret"])
    needle = "node 3 holds keys of erased rounds still: 2021-3"
    said = wait_until(lambda: (s if needle in (s := c.nodes[0].ctl("check")).out else None), 60 * SLOW, "check names node 3")
    checks.check("check says which nodes hold keys of erased rounds still", said.code != 0, said)
    c.start(2)
    wait_until(lambda: secret_of(c.nodes[2].data, 1) is None, 60 * SLOW, "node 3 destroys them when it is back")
    wait_until(lambda: needle not in c.nodes[0].ctl("check").out, 60 * SLOW, "check does not name it any more")
    seen = search(c.nodes[2].process.pid, needles[2])
    checks.check("node 3 destroys them when it is back, and check names it no more", not seen.kept and not seen.loose, seen)
    for n in c.nodes:
        n.kill()
    c.etcd.kill()


# ------------------------------------------------------------------ the blocks of a disk

def on_a_disk_of_its_own(checks):
    """(the image, where it is mounted), or none with a reason."""
    image, place = checks.path("disk.img"), checks.path("disk")
    if os.geteuid() != 0:
        return None, "this is not root"
    with open(image, "wb") as out:
        out.truncate(192 << 20)
    os.mkdir(place)
    for command in (("mkfs.ext4", "-q", image), ("mount", "-o", "loop", image, place)):
        try:
            done = call(*command)
        except FileNotFoundError:
            return None, f"there is no {command[0]}"
        if done.code != 0:
            return None, f"{' '.join(command[:2])} failed here: {done.err.strip()[-100:]}"
    checks.undo.append(lambda: subprocess.run(("umount", "-l", place), capture_output=True))
    return (image, place), ""


def found_in_blocks(image, needles):
    with open(image, "rb") as file:
        data = file.read()
    return {words: data.count(needle) for words, needle in needles.items()}


def blocks_of_a_disk(checks):
    disk, why = on_a_disk_of_its_own(checks)
    if not disk:
        checks.skip("the blocks of a disk after an erasure", why)
        return
    image, place = disk
    marks = Marks(checks.random)
    data = os.path.join(place, "data")
    os.mkdir(data, 0o700)
    node = prepared(checks, "blocks", data=data)
    plant(checks, node, marks)
    with open(f"{data}/master.key") as file:
        old = file.read().strip()
    keys = keys_of(data, old, 1)
    needles = {"the secret": secret_of(data, 1), **keys}
    with open(f"{data}/keys") as file:
        line = next(text for text in file if text.startswith("data/1 "))
    for i in range(2):  # the file of keys is replaced again and again
        Round(checks.directory, f"more-{i}", [("RAHSIA", day(0), "09:00", "17:00", 5)]).import_into(node)
    with open(f"{data}/master.key.next", "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as out:
        out.write(checks.random.randbytes(32).hex() + "\n")
    checks.equal("the master key is rotated", node.ctl("keys", "rotate").code, 0)
    os.sync()
    before = found_in_blocks(image, {**needles, "a box": line.split()[-1].encode()})
    checks.check("while the round lives its secret lies on the disk once, and its keys nowhere", before["the secret"] == 1 and not before["data/1"] and
                 not before["citizen/1"], before)
    node.ctl("round", "close", "main")
    checks.equal("the round is erased", node.ctl("round", "erase", "main", "--reason", "main").code, 0)
    node.kill()
    os.sync()
    after = found_in_blocks(image, {**needles, "a box": line.split()[-1].encode()})
    checks.check("after its erasure no block of the disk has the secret, its journal neither; without it no older copy of the keys opens with any "
                 "master key", not any(after[n] for n in needles), after)
    checks.say(f"boxes of before in blocks that are free: {after['a box']}, {before['a box']} before the erasure")
    names = found_in_blocks(image, needles_of(marks.values))
    checks.check("and no name lies on it", not any(names.values()), {n: c for n, c in names.items() if c})
    call("umount", place)


def parts(checks):
    for part in (memory_of_a_node, memory_after_orders, too_little_may_be_locked, failed_erasure, half_done_erasure, stop_between, blocks_of_a_disk, other_nodes):
        checks.part(part, checks)


if __name__ == "__main__":
    run("secrets", parts)
