"""One stranger against everybody: connections without end, slow ones, hostile ones, few file descriptors, answers that nobody reads.

While they are there others book, the probes answer, operators are served, and the node's memory stays within its bounds. What the others
wait meanwhile is printed beside what they wait alone; nobody is failed for a time."""
import contextlib
import os
import resource
import socket
import threading
import time

from checks import run, wait_until
from citizens import BOOKINGS, People, Round, book, booking, day
from http_client import request
from node import Node

CROWD = 5000 if os.environ.get("JANJI_CRASHES") else 1000  # set by ./test --all
TIMES = ("09:00", "17:00")
DAYS = 60


def raise_own_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if soft < hard else soft


def limited(files):
    """What is put before a command so that it may open so many files."""
    return ("prlimit", f"--nofile={files}:{files}")


def open_files(node):
    """None: a node lets nobody but root look into it."""
    try:
        return len(os.listdir(f"/proc/{node.process.pid}/fd"))
    except PermissionError:
        return None


def accepted_from(node):
    """The ports of those whose connections the node holds; one that waits to be accepted is nobody's yet."""
    files = f"/proc/{node.process.pid}/fd"
    held = set()
    for name in os.listdir(files):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            held.add(os.readlink(os.path.join(files, name)))
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    return {int(r[2].split(":")[1], 16) for r in rows if int(r[1].split(":")[1], 16) == node.port and f"socket:[{r[9]}]" in held}


class World:
    def __init__(self, checks):
        self.checks = checks
        self.people = People(checks.random)
        self.booked = 0

    def round_on(self, node):
        Round(self.checks.directory, "main", [(centre, day(d), *TIMES, 2000) for centre in ("A", "B") for d in range(DAYS)]).open_on(node)
        return node

    def book(self, node):
        """Seconds that one booking took, and what was said."""
        begun = time.monotonic()
        answer = book(node, booking(("A", day(self.booked % DAYS)), self.people.one(), round_code="main"))
        self.booked += 1
        return time.monotonic() - begun, answer

    def all_served(self, words, node, count=40):
        """Others book, are probed and administrated while it lasts."""
        took, wrong = [], []
        for _ in range(count):
            seconds, answer = self.book(node)
            took.append(seconds)
            if answer.status != 201:
                wrong.append(str(answer))
        self.checks.check(f"{words}: {count} of {count} others book", not wrong, wrong[:3])
        self.checks.check(f"{words}: both listeners say that the node is alive",
                          all(request(port, "GET", "/livez").status == 200 for port in (node.port, node.admin_port)))
        done = node.ctl("status")
        self.checks.check(f"{words}: operators are served", done.code in (0, 1), done)
        took.sort()
        self.checks.say(f"{words}: the slowest of {count} took {took[-1] * 1000:.0f} ms, half of them at most {took[len(took) // 2] * 1000:.0f} ms")


# ------------------------------------------------------------------ few descriptors

def too_few(w):
    node = Node(w.checks, "few").start(before=limited(40))
    w.checks.equal("with 40 descriptors a node ends with code 2", node.wait(), 2)
    said = node.stderr().strip().splitlines()
    w.checks.check("and says in one sentence what it needs", len(said) == 1 and "40 files and connections may be open at once" in said[0] and
                   "LimitNOFILE" in said[0], said)
    w.checks.check("and makes nothing", not os.path.exists(os.path.join(node.data, "store")), os.listdir(node.data))


def just_enough(w):
    node = Node(w.checks, "enough").start(before=limited(220)).ready()
    said = node.stderr()
    w.checks.check("with 220 it serves fewer connections, and says so", "http.connections_max is" in said and "not 20000" in said, said)
    w.round_on(node)
    with crowd(node, 600):
        w.all_served("with 220 descriptors, 600 connections from strangers", node)
        w.checks.check("and it has no more open than it may", (open_files(node) or 0) <= 220, open_files(node))
    w.checks.equal("it stops in an orderly way", node.stop(), 0)


def taken_away(w):
    """Somebody lowers the limit under the running node: what a descriptor that leaks does in time."""
    node = w.round_on(Node(w.checks, "taken").start().ready())
    if open_files(node) is None:
        return w.checks.skip("a limit that is lowered", "only root sees what a node has open")
    kept = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(20)]
    wait_until(lambda: {s.getsockname()[1] for s in kept} <= accepted_from(node), 20, "the connections are accepted")
    free = resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, (open_files(node), free[1]))
    answers = [w.book(node)[1] for _ in range(30)]
    w.checks.check("without a descriptor left, who has waited longest gives way and others book", all(a.status == 201 for a in answers),
                   [str(a) for a in answers if a.status != 201][:3])
    closed = sum(is_closed(s) for s in kept)
    w.checks.check("of those who only wait some were closed", closed > 0, closed)
    done = node.ctl("status")
    w.checks.check("the node lives, and operators are served or told to come again", node.alive() and done.code in (0, 1, 2), done)
    resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE, free)
    w.all_served("with descriptors again", node, 10)
    for s in kept:
        s.close()
    w.checks.equal("and it stops in an orderly way", node.stop(), 0)


# ------------------------------------------------------------------ many connections

def is_closed(sock):
    """By a read that does not wait: select() knows no descriptor from 1024 on."""
    try:
        return sock.recv(4096, socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class crowd:
    """So many connections: silent ones, ones that send a byte now and then, ones that send junk and come again."""

    IDLE, SLOW, HOSTILE = range(3)

    def __init__(self, node, count, kinds=(IDLE, SLOW, HOSTILE)):
        self.port, self.count, self.kinds = node.port, count, kinds
        self.sockets = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.go_on, daemon=True)

    def come(self, kind):
        try:
            sock = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            if kind == self.SLOW:
                sock.sendall(b"POST /api/v1/bookings HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n{")
            elif kind == self.HOSTILE:
                sock.sendall(b"GET /" + b"x" * 2000)
            sock.setblocking(False)
            return sock
        except OSError:
            return None

    def __enter__(self):
        kinds = [self.kinds[i % len(self.kinds)] for i in range(self.count)]
        self.sockets = [[k, self.come(k)] for k in kinds]
        self.thread.start()
        return self

    def go_on(self):
        """Who is closed comes again, at most so many a second; the slow ones send one byte more."""
        while not self.over.is_set():
            for entry in self.sockets:
                kind, sock = entry
                try:
                    if sock is not None and kind != self.IDLE:
                        sock.send(b"x")
                    if sock is not None and not is_closed(sock):
                        continue
                except OSError:
                    pass
                if sock is not None:
                    sock.close()
                entry[1] = self.come(kind)
                if self.over.wait(0.002):
                    return
            self.over.wait(0.1)

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for _, sock in self.sockets:
            if sock is not None:
                sock.close()


def many(w):
    node = w.round_on(Node(w.checks, "many").start("--set", f"http.connections_max={CROWD // 2}").ready())
    w.all_served("nobody else is there", node)
    alone_mb = node.memory_mb()
    for count in (CROWD // 4, CROWD):
        with crowd(node, count):
            w.all_served(f"{count} connections from strangers, {CROWD // 2} allowed", node)
            mb = node.memory_mb()
            w.checks.check(f"memory stays within its bounds with {count}", mb < alone_mb + 150, (alone_mb, mb))
    w.all_served("they have gone", node, 10)
    node.stop()


def at_the_operators_door(w):
    node = w.round_on(Node(w.checks, "operators").start().ready())
    strangers = [socket.create_connection(("127.0.0.1", node.admin_port)) for _ in range(300)]
    for s in strangers[::2]:
        s.sendall(b"POST /admin/v1/rounds HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n" + b"x" * 1000)
    done = [node.ctl("status") for _ in range(5)]
    w.checks.check("300 strangers at the operators' port: operators are served", all(d.code in (0, 1) for d in done), done)
    told = request(node.admin_port, "POST", "/admin/v1/rounds", b"x" * 100, {"Authorization": "Bearer not the token of this node"})
    w.checks.equal("whoever has no token is told before the body", told.status, 401)
    mb = node.memory_mb()
    w.checks.check("and nothing of their bodies is kept", mb < 400, mb)
    w.all_served("strangers at the operators' port", node, 10)
    for s in strangers:
        s.close()
    node.stop()


# ------------------------------------------------------------------ answers that nobody takes, and that nobody asked for before

def ranges():
    """Every range of days of the round, and many beside it."""
    for first in range(-20, DAYS):
        for last in range(first, DAYS + 20):
            yield f"/api/v1/availability?round=main&state=Johor&from={day(first)}&to={day(last)}"


def slow_readers(w):
    groups = [(f"C{c:03}", day(d), *TIMES, 50) for c in range(100) for d in range(DAYS)]
    node = w.round_on(Node(w.checks, "readers").start().ready())
    Round(w.checks.directory, "wide", groups).open_on(node)
    page = request(node.port, "GET", "/api/v1/availability?round=wide&state=Johor")
    alone_mb = node.memory_mb()
    readers, asked = [], iter(list(ranges()) * 2)
    for _ in range(150):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", node.port))
        wanted = [next(asked).replace("round=main", "round=wide") for _ in range(16)]
        sock.sendall("".join(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n" for target in wanted).encode())
        readers.append(sock)
    w.all_served("150 readers who take nothing of 16 answers each", node)
    mb = node.memory_mb()
    whole_mb = 150 * 16 * len(page.body) / 2 / 2 ** 20
    w.checks.check(f"what they hold is bounded ({mb - alone_mb} MB more; all of it would be {whole_mb:.0f})", mb - alone_mb < 350, (alone_mb, mb))
    for s in readers:
        s.close()
    node.stop()


def never_asked(w):
    node = w.round_on(Node(w.checks, "ranges").start().ready())
    w.all_served("nobody asks for days", node)
    over = threading.Event()
    counts, wrong = [0] * 4, []

    def ask(n):
        for target in list(ranges())[n::4] * 50:
            if over.is_set():
                return
            answer = request(node.port, "GET", target)
            counts[n] += 1
            if answer.status != 200 or "centres" not in answer.json():
                wrong.append(str(answer)[:200])

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    w.all_served("four ask for days that nobody has asked for", node)
    over.set()
    for t in threads:
        t.join()
    w.checks.check(f"and all {sum(counts)} of them are answered", not wrong and sum(counts) > 0, wrong[:3])
    w.checks.check("and the node keeps no answer for each", node.memory_mb() < 400, node.memory_mb())
    node.stop()


def parts(checks):
    hard = raise_own_limit()
    checks.say(f"{CROWD} connections; this program may open {hard}")
    w = World(checks)
    for part in (too_few, just_enough, taken_away, many, at_the_operators_door, slow_readers, never_asked):
        checks.part(part, w)


if __name__ == "__main__":
    run("strangers", parts)
