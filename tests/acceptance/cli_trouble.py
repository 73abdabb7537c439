"""janjictl in trouble: nodes that are frozen, silent, slow or no nodes at all, several addresses, files that are none, outputs that cannot
be written, words that are misspelt; and that shells complete what it knows."""
import contextlib
import fcntl
import functools
import json
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
import time

import disk
from checks import wait_until
from node import SLOW, call, ctl, program


class Stranger(socketserver.ThreadingTCPServer):
    """Answers at an operators' address whatever it is told to: {path: answer}, else what stands under None. An answer of None: silence."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, answers, family=socket.AF_INET):
        self.answers, self.asked, self.tokens = answers, [], 0
        self.address_family = family
        self.over = threading.Event()
        super().__init__(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), Heard)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        host = self.server_address[0]
        self.address = f"[{host}]:{self.server_address[1]}" if ":" in host else f"{host}:{self.server_address[1]}"

    def __exit__(self, *_):
        self.over.set()
        self.shutdown()
        self.server_close()


class Heard(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            line = self.rfile.readline().decode()
            length = 0
            while (header := self.rfile.readline().decode().strip()):
                if header.lower().startswith("authorization:"):
                    self.server.tokens += 1
                if header.lower().startswith("content-length:"):
                    length = int(header.split(":")[1])
            self.rfile.read(length)
            verb, target = line.split()[:2]
            if target != "/livez":
                self.server.asked.append(f"{verb} {target}")
            said = self.server.answers.get(target.split("?")[0], self.server.answers.get(None, b""))
            if said is None:
                self.server.over.wait(60)
            else:
                self.wfile.write(said)
        except (OSError, ValueError, IndexError):
            pass


def http(status, body, kind="application/json"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


ALIVE = {"/livez": http(200, b"alive\n", "text/plain")}


def asked(c, *addresses, words=(), more=()):
    nodes = [a for address in addresses for a in ("--node", address)]
    return ctl("--data", c.node.data, "--timeout", "1", *nodes, *more, *(words or ("status",)))


def one_sentence(done):
    """An error as a person should meet it: one line on stderr, nothing on stdout."""
    lines = done.err.strip().splitlines()
    return len(lines) == 1 and lines[0].startswith("janjictl: ") and not done.out and "what()" not in done.err


def addresses(c):
    port = c.node.admin_port
    for words, address in (("HOST:PORT", f"127.0.0.1:{port}"), ("a URL", f"http://127.0.0.1:{port}"), ("a URL that ends in a slash", f"http://127.0.0.1:{port}/"),
                           ("a name", f"localhost:{port}"), ("a data directory", c.node.data + "/"), ("a ports file", f"{c.node.data}/janjid.ports")):
        done = asked(c, address)
        c.checks.check(f"a node is found by {words}", done.code == 0 and "healthy" in done.out, done)
    with Stranger({None: http(200, {"verdict": "healthy"})}, socket.AF_INET6) as other:
        for address in (other.address, f"http://{other.address}"):
            done = asked(c, address)
            c.checks.check(f"a node is found by an IPv6 address, {address.split('[')[0]}[::1]", done.code == 0 and "healthy" in done.out, done)
    for words, address, says in (("an IPv6 address without brackets", f"::1:{port}", "in brackets"), ("https", f"https://127.0.0.1:{port}", "plain HTTP"),
                                 ("a port that is none", "127.0.0.1:http", "from 1 to 65535"), ("nothing", "", "HOST:PORT"),
                                 ("a path on the node", f"http://127.0.0.1:{port}/admin", "from 1 to 65535"), ("a directory without a node", "/nowhere/", "no node runs in")):
        done = asked(c, address)
        c.checks.check(f"{words} is told in one sentence, with what to write", done.code == 2 and one_sentence(done) and says in done.err, done)
    done = asked(c, "nowhere.invalid:8081")
    c.checks.check("so is a name that nobody knows", done.code == 2 and one_sentence(done) and "nowhere.invalid" in done.err, done)
    done = asked(c, f"127.0.0.1:{port}", more=("--admin", f"127.0.0.1:{port}"))
    c.checks.check("--admin is another name of --node", done.code == 0, done)


def several_addresses(c):
    port = c.node.admin_port
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{nobody.getsockname()[1]}"
        for words in (("status",), ("round", "list"), ("round", "warm", "main")):
            done = asked(c, closed, f"127.0.0.1:{port}", words=words)
            c.checks.check(f"the second address is asked where nobody listens at the first: {' '.join(words)}", done.code == 0, done)
        done = asked(c, f"{closed},127.0.0.1:{port}")
        c.checks.check("and with commas", done.code == 0, done)
        done = asked(c, closed, closed)
        c.checks.check("where none answers each is named", done.code == 2 and one_sentence(done) and done.err.count(closed) >= 2, done)
    with Stranger({None: None}) as silent, Stranger({None: b""}) as hangs_up:
        for words, first in (("says nothing", silent), ("hangs up", hangs_up)):
            done = asked(c, first.address, f"127.0.0.1:{port}")
            c.checks.check(f"a reading is asked of the second where the first {words}", done.code == 0 and first.asked, done)
            done = asked(c, first.address, f"127.0.0.1:{port}", words=("--dry-run", "round", "close", "main"))
            c.checks.check(f"so is a dry run where the first {words}", done.code == 0 and "would be closed" in done.out, done)
            done = asked(c, first.address, f"127.0.0.1:{port}", words=("round", "close", "main"))
            c.checks.check(f"an order is given once: where the first {words}, its outcome is not known", done.code == 3 and one_sentence(done) and
                           "not known" in done.err and "`janjictl round list`" in done.err, done)
        c.checks.equal("and the second was not given it", c.state().get("main"), "open")


def silent_nodes(c):
    def took(seconds, *arguments, **options):
        begun = time.monotonic()
        done = asked(c, *arguments, **options)
        return done, time.monotonic() - begun < seconds * SLOW
    with Stranger({None: None}) as nobody_speaks, Stranger({**ALIVE, None: None}) as lives_on, socket.socket() as full:
        done, soon = took(10, nobody_speaks.address)
        c.checks.check("who accepts and says nothing is given up", done.code == 2 and one_sentence(done) and "said nothing for 1 s" in done.err and soon, done)
        done, soon = took(10, lives_on.address, more=("--answer-timeout", "2"))
        c.checks.check("who is alive and never answers is given up too", done.code == 2 and one_sentence(done) and "--answer-timeout" in done.err and soon, done)
        for order, look in ((("round", "open", "main"), "round list"), (("capacity", "main", "DEWAN", "2021-06-01", "5"), "show group/main/DEWAN/2021-06-01"),
                            (("disk", "release"), "disk"), (("keys", "rotate"), "keys show"), (("node", "drain", "2"), "node list"),
                            (("shard", "move", "1", "--to", "1,2,3"), "shard list"), (("cluster", "raise"), "check")):
            done = asked(c, lives_on.address, words=order, more=("--answer-timeout", "1"))
            c.checks.check(f"an order that was not answered says how to find out: {' '.join(order)}", done.code == 3 and one_sentence(done) and
                           f"`janjictl {look}` shows" in done.err, done)
        crowd = []
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # more than the kernel accepts for it
            one = socket.socket()
            one.setblocking(False)
            crowd.append(one)
            with contextlib.suppress(BlockingIOError):
                one.connect(full.getsockname())
        done, soon = took(10, f"127.0.0.1:{full.getsockname()[1]}")
        c.checks.check("so is one that accepts nobody any more", done.code == 2 and one_sentence(done) and soon, done)
        for one in crowd:
            one.close()


def answers_of_strangers(c):
    for words, said in (("a page", http(200, b"<html>hello</html>", "text/html")), ("nothing", http(200, b"")), ("a number", http(200, b"7")),
                        ("an object of its own", http(200, {})), ("an array", http(200, [])), ("half an answer", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
                        ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n"), ("a refusal of its own", http(404, b"not found", "text/plain")),
                        ("an error of its own", http(500, {"error": "x"})), ("deep JSON", http(200, b"[" * 100000))):
        with Stranger({None: said}) as other:
            for verb in (("status",), ("check",), ("disk",), ("round", "list"), ("round", "figures", "main"), ("receipt", "key"), ("disk", "release"), ("node", "list"), ("keys", "show"), ("round", "preflight", "main"), ("audit", "--online"), ("round", "open", "main")):
                done = asked(c, other.address, words=verb)
                told = done.code in (2, 3) and done.err.startswith("janjictl: ") and "terminate" not in done.err
                c.checks.check(f"who answers with {words} is no node: {' '.join(verb)}", told, done)
    lacking = {"result": "open", "detail": "the order stands, but shards 3, 17 do not have it yet", "shards_lacking": [3, 17]}
    with Stranger({None: http(200, lacking)}) as half:
        done = asked(c, half.address, words=("round", "open", "main"))
        c.checks.check("an order that has not reached every shard is no plain success, and they are named", done.code == 4 and "(3, 17)" in done.err and
                       "open" in done.out, done)
        done = asked(c, half.address, words=("--output", "json", "round", "open", "main"))
        c.checks.check("with JSON stdout is one document of it", done.code == 4 and done.json() == lacking, done)
    unknown = {"title": "It is not known whether this came true.", "status": 504, "code": "unknown", "detail": "no answer came, and it is not known"}
    with Stranger({None: http(504, unknown, "application/problem+json")}) as lost:
        done = asked(c, lost.address, words=("capacity", "main", "DEWAN", "2021-06-01", "5"))
        c.checks.check("an order whose end the node does not know either has the code for that", done.code == 3 and one_sentence(done) and
                       "`janjictl show group/main/DEWAN/2021-06-01`" in done.err, done)


def another_at_the_port(c):
    """A ports file that is locked as that of a living node is, and somebody else at the port that it names: read over a volume, or passed on since."""
    folder = c.checks.path("passed-on")
    os.makedirs(folder)
    shutil.copy2(f"{c.node.data}/admin.token", folder)
    with open(f"{c.node.data}/janjid.ports") as file:
        ports = json.load(file)

    def asked_with(**other):
        with open(f"{folder}/janjid.ports", "w") as out:
            json.dump(dict(ports, **other), out, separators=(",", ":"))
            out.flush()
            fcntl.flock(out, fcntl.LOCK_EX)
            return ctl("--data", folder, "--timeout", "1", "status", seconds=30)

    done = asked_with()
    c.checks.check("where the node itself is there it is asked", done.code == 0 and "healthy" in done.out, done)
    for words, says in (("a web server", http(404, b"<html>" + b"x" * 500, "text/html")), ("who agrees to everything", http(200, {"verdict": "healthy"})),
                        ("a proof of another key", http(200, b"0" * 64 + b"\n", "text/plain")), ("no HTTP at all", b"SSH-2.0-OpenSSH\r\n\r\n"),
                        ("an answer without an end", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000)):
        with Stranger({None: says}) as other:
            done = asked_with(admin_port=other.server_address[1])
        c.checks.check(f"{words} at its port is sent no token, and said not to be the node", done.code == 2 and one_sentence(done) and
                       "is not the node" in done.err and other.asked and not other.tokens and
                       all(a.startswith("GET /admin/v1/proof/") for a in other.asked), (str(done), other.asked, other.tokens))
    with Stranger({None: http(503, {"code": "busy", "title": "Too much at this moment.", "status": 503})}) as other:
        done = asked_with(admin_port=other.server_address[1])
    c.checks.check("who is too busy for the question is not said to be another, and gets no token", done.code in (1, 2) and "Too much at this moment" in done.err and
                   not other.tokens, (str(done), other.tokens))
    for words, says in (("hangs up", b""), ("says nothing", None)):
        with Stranger({None: says}) as other:
            done = asked_with(admin_port=other.server_address[1])
        c.checks.check(f"who {words} there is sent none either", done.code == 2 and one_sentence(done) and not other.tokens, (str(done), other.tokens))
    for key in ("", "x", "00" * 31, 7, None):
        done = asked_with(proof_key=key)
        c.checks.check(f"a file with {key!r} for the key of the proof is none", done.code == 2 and one_sentence(done) and "--node" in done.err, done)
    earlier = {"port": ports["port"], "admin_port": ports["admin_port"], "pid": ports["pid"]}
    for words, more in (("of a process that is gone", {"pid": 999999}), ("of this one, which is no node", {"pid": os.getpid()}), ("of no process", {"pid": None}),
                        ("of the node, which has another port", {}), ("that says it is locked", {"pid": 999999, "locked": True})):
        with Stranger({None: http(200, {"verdict": "healthy"})}) as other, open(f"{folder}/janjid.ports", "w") as out:
            json.dump({**earlier, **more, "admin_port": other.server_address[1]}, out)
            out.flush()
            fcntl.flock(out, fcntl.LOCK_EX)
            done = ctl("--data", folder, "--timeout", "1", "status", seconds=30)
        c.checks.check(f"a file of an earlier version, {words}: no token is sent to who has its port", done.code == 2 and one_sentence(done) and
                       "earlier version" in done.err and "--node" in done.err and not other.asked and not other.tokens, (str(done), other.asked, other.tokens))
    with open(f"{folder}/janjid.ports", "w") as out:
        json.dump(earlier, out)
    done = ctl("--data", folder, "--timeout", "1", "status", seconds=30)
    c.checks.check("and where it is that node's own it is asked, as while nodes are upgraded", done.code == 0 and "healthy" in done.out, done)
    done = asked_with(proof_key="00" * 32)
    c.checks.check("with another node's key neither", done.code == 2 and "is not the node" in done.err, done)


def refusals(c):
    done = c.ctl("round", "open", "nowhere")
    c.checks.check("a refusal is one sentence on stderr, in English, with what to do", done.code == 1 and one_sentence(done) and
                   "There is no such round" in done.err and "`janjictl round list`" in done.err and "http://" not in done.err, done)
    done = c.ctl("--verbose", "round", "open", "nowhere")
    c.checks.check("--verbose adds who said what", done.code == 1 and not done.out and "/admin/v1/rounds/nowhere/open answered {" in done.err and
                   done.err.startswith("janjictl: refused: "), done)
    for words, arguments, code in (("a refusal", ("round", "open", "nowhere"), 1), ("no node", ("--node", "127.0.0.1:1", "status"), 2),
                                   ("a usage that is wrong", ("statsu",), 106), ("a bad file", ("round", "import", "--round", "/", "--centres", "/", "--slots", "/"), 2)):
        done = c.ctl("--output", "json", *arguments)
        said = done.json()
        c.checks.check(f"with JSON stdout is one document of {words} too", done.code == code and isinstance(said, dict) and said.get("exit_code") == code and
                       said.get("error") and done.err.startswith("janjictl: "), done)
    for words, arguments in (("a receipt that is none", ("receipt", "verify", "x", "--key", "00" * 32)), ("a status", ("status",)), ("a configuration that is not there", ("config", "validate", c.round.file("none.toml"))),
                             ("a list", ("trail",)), ("an audit", ("audit",)), ("a wrong token", ("--token-file", c.checks.path("bad.token"), "status"))):
        done = c.ctl("--output", "json", *arguments)
        try:
            said = json.loads(done.out)
        except ValueError:
            said = None
        c.checks.check(f"with JSON stdout is one document of {words}", said is not None and (not isinstance(said, dict) or said.get("exit_code", done.code) == done.code), done)
    done = c.ctl("round", "open", "a/../../claims/release")
    c.checks.check("whatever is typed for a round is its code, and no other address", done.code == 1 and
                   ("no such round" in done.err or "malformed_request" in done.err), done)


def bad_files(c):
    def path(name):
        return c.checks.path("bad", name)
    os.makedirs(path("directory"))
    os.mkfifo(path("pipe"))
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path("socket"))
    for name, data in (("empty", b""), ("binary", os.urandom(4096)), ("zeros", bytes(4096)), ("half", b"code = \"x"), ("latin", "nama = \"Café\"".encode("latin-1"))):
        with open(path(name), "wb") as out:
            out.write(data)
    with open(path("huge"), "wb") as out:
        out.truncate(3 << 30)
    os.symlink(path("loop"), path("loop"))
    unreadable = [] if os.geteuid() == 0 else ["unreadable"]
    if unreadable:
        os.close(os.open(path("unreadable"), os.O_CREAT, 0))
    good = c.round
    none = ["none", "directory", "pipe", "socket", "huge", "loop", "/dev/null", "/dev/zero", "/dev/tty", "", *unreadable]
    for name in none + ["empty", "binary", "zeros", "half", "latin"]:
        bad = name if name.startswith("/") or not name else path(name)
        for words, arguments in (("settings of a round", ("round", "import", "--round", bad, "--centres", good.file("centres.csv"), "--slots", good.file("slots.csv"))),
                                 ("a token", ("--token-file", bad, "status")), ("a configuration", ("config", "validate", bad)),
                                 ("centres", ("--dry-run", "round", "import", "--round", good.file("round.toml"), "--centres", bad, "--slots", good.file("slots.csv"))),
                                 ("a number", ("claim", "release", "main", "--number-file", bad, "--reason", "seen")),
                                 ("a new master key", ("keys", "rotate", "--new-master-key-file", bad))):
            if words == "a token" and not bad or words == "a configuration" and name == "empty" or not bad and "keys" in arguments:
                continue  # none is named, it is right, or it is the one beside
            done = ctl("--data", c.node.data, *arguments, seconds=30)
            said = [line for line in done.err.splitlines() if line != "nothing was imported"]
            c.checks.check(f"{words} in {name or 'a file without a name'} is told of in sentences, and nothing is done",
                           done.code in (1, 2) and said and not done.out and "what()" not in done.err and len(done.err) < 20000, done)
    c.checks.equal("nothing was imported", list(c.state()), ["main"])
    done = subprocess.run([program("janjictl"), "--data", c.node.data, "--dry-run", "claim", "release", "main", "--number-file", "-", "--reason", "x"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * SLOW)
    c.checks.check("a number that standard input does not have is refused", done.returncode == 2 and b"holds no number" in done.stderr, done)
    for name in ("binary", "directory", "pipe", "/dev/null"):
        data = name if name.startswith("/") else path(name)
        for verb in (("status",), ("audit",), ("export",), ("membership", "show"), ("check",)):
            done = ctl("--data", data, *verb, seconds=30)
            c.checks.check(f"--data {name} {verb[0]} is told in a sentence", done.code == 2 and one_sentence(done), done)
    ports = path("directory")
    for words, text in (("no JSON", "{"), ("no port", "{}"), ("a wrong port", '{"admin_port":70000}'), ("another kind of port", '{"admin_port":"x"}'), ("nothing", "")):
        with open(f"{ports}/janjid.ports", "w") as out:
            out.write(text)
        done = ctl("--data", ports, "status")
        c.checks.check(f"a ports file with {words} is told in a sentence", done.code == 2 and one_sentence(done) and "--node" in done.err, done)


def outputs(c):
    """Whatever is to be said and cannot be: the exit code says so, and an export leaves nothing half done."""
    def into(shell, *arguments):
        return call("bash", "-c", f'"$@" {shell}', "bash", program("janjictl"), "--data", c.node.data, *arguments)
    every = (("status",), ("--output", "json", "status"), ("round", "list"), ("trail",), ("audit",), ("export",), ("config", "show", "/dev/null"),
             ("--help",), ("round", "--help"), ("--version",), ("completion", "bash"), ("membership", "show"), ("--dry-run", "round", "close", "main"))
    with open(c.checks.path("empty.toml"), "w"):
        pass
    for arguments in every:
        arguments = tuple(c.checks.path("empty.toml") if a == "/dev/null" else a for a in arguments)
        for words, shell in (("a full disk", ">/dev/full"), ("nowhere, for stdout is closed", ">&-"), ("a pipe whose reader has gone", "| true; exit ${PIPESTATUS[0]}")):
            if shell.startswith("|") and arguments[0] not in ("export", "audit"):
                continue  # the pipe may have taken all of it before its reader went
            done = into(shell, *arguments)
            c.checks.check(f"{' '.join(arguments)[:40]} into {words} is no success, and says why", done.code == 5 and "cannot be written" in done.err or
                           (shell.startswith("|") and done.code == 0), done)
        done = into("2>/dev/full", *arguments)
        c.checks.check(f"{' '.join(arguments)[:40]} with nobody to hear of progress does what it does", done.code == 0, done)
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run([program("janjictl"), "--data", c.node.data, "status"], stdout=writes, stderr=subprocess.PIPE, timeout=60 * SLOW)
    os.close(writes)
    c.checks.check("a pipe that nobody reads any more is no success", done.returncode == 5 and b"Broken pipe" in done.stderr, done)
    done = into(">&- 2>&-", "--node", "127.0.0.1:1", "status")
    c.checks.equal("an error that can be told to nobody keeps its code", done.code, 2)
    done = into(">&- 2>&- <&-", "export")
    c.checks.equal("with every stream closed nothing is written into another file", done.code, 5)
    c.works("and the data is as it was", "audit")


def exports(c):
    folder = c.checks.path("exports")
    os.makedirs(folder)
    file = f"{folder}/out.jsonl"
    c.works("an export", "export", "--to", file, says="exported")
    with open(file) as out:
        whole = out.read()
    for words, shell in (("a file that may not grow", "ulimit -f 0;"), ("a pipe for progress that is closed", "exec 2>&-;")):
        done = call("bash", "-c", f'{shell} exec "$@"', "bash", program("janjictl"), "--data", c.node.data, "export", "--to", file)
        c.checks.check(f"an export into {words}: all or nothing", done.code == (5 if "ulimit" in shell and whole else 0), done)
        with open(file) as out:
            c.checks.equal("what was there is there, and nothing besides", (out.read() == whole, os.listdir(folder)), (True, ["out.jsonl"]))
    os.mkfifo(f"{folder}/pipe")
    for words, to in (("a directory", folder), ("a pipe", f"{folder}/pipe"), ("a full device", "/dev/full"), ("a folder that is not there", f"{folder}/no/such")):
        done = c.node.ctl("export", "--to", to, seconds=30)
        c.checks.check(f"an export into {words} is refused in a sentence", done.code == 2 and one_sentence(done), done)
    os.remove(f"{folder}/pipe")
    if os.geteuid() != 0:
        return c.checks.skip("an export onto a full disk", "mounting a small disk needs root")
    small = c.checks.path("small")
    os.makedirs(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "janji", small], capture_output=True).returncode != 0:
        return c.checks.skip("an export onto a full disk", "a small disk cannot be mounted here")
    try:
        with open(f"{small}/filler", "wb") as out, contextlib.suppress(OSError):
            out.write(bytes(16 << 10))
        done = c.ctl("export", "--to", f"{small}/out")
        c.checks.check("an export onto a full disk is none, and leaves nothing", done.code in (2, 5) and "No space left" in done.err and
                       os.listdir(small) == ["filler"], (done, os.listdir(small)))
    finally:
        subprocess.run(["umount", "-l", small], capture_output=True)


def interrupted_export(c):
    """The disk takes its time; whoever presses Ctrl-C meanwhile finds nothing half done."""
    if why := disk.cannot():
        return c.checks.skip("an export that is interrupted", why)
    folder = c.checks.path("interrupted")
    os.makedirs(folder)
    for stops in (signal.SIGINT, signal.SIGTERM):
        slow = disk.Disk(c.checks.path(f"{stops.name}.disk"))
        slow.hung()
        running = subprocess.Popen([program("janjictl"), "--data", c.node.data, "export", "--to", f"{folder}/out"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env={**os.environ, **slow.environment()},
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a shell's background ignores it
        wait_until(lambda: slow.held or running.poll() is not None, 30 * SLOW, "it is written to the disk")
        midway = os.listdir(folder)
        running.send_signal(stops)
        running.wait(60 * SLOW)
        c.checks.check(f"an export that {stops.name} ends leaves nothing half done",
                       midway == [f"out.{running.pid}.part"] and running.returncode == -stops and not os.listdir(folder),
                       (midway, running.returncode, os.listdir(folder)))
    return None


def misspelt(c):
    for arguments, says in ((("statsu",), "`janjictl status`"), (("rond", "open", "x"), "`janjictl round`"), (("round", "opne", "x"), "`janjictl round open`"),
                            (("open", "2021-3"), "`janjictl round open`"), (("nod", "list"), "`janjictl node`"), (("status", "--verbos"), "--verbose"),
                            (("round", "pause", "x", "--reson", "y"), "--reason"), (("--dry-rnu", "status"), "--dry-run"), (("shard", "move", "1", "--too", "1"), "--to"),
                            (("status", "--output=jsn"), "table,json")):
        done = ctl(*arguments)
        c.checks.check(f"janjictl {' '.join(arguments)}: what may be meant is said", done.code >= 100 and one_sentence(done) and says in done.err, done)
    for arguments, says in ((("dance",), "there is no verb dance"), (("round",), "needs one of these verbs: import"), ((), "needs one of these verbs: status"),
                            (("--loud", "status"), "there is no option --loud")):
        done = ctl(*arguments)
        c.checks.check(f"janjictl {' '.join(arguments)}: what is meant nobody knows, and where to look is said", done.code >= 100 and one_sentence(done) and
                       says in done.err and "did you mean" not in done.err, done)


@functools.cache
def leaves(path=()):
    """All verbs, from the helps themselves."""
    text = ctl(*path, "--help").out
    verbs = [line.split()[0] for line in text.partition("Subcommands:")[2].splitlines() if line.startswith("  ") and line[2].islower()]
    own = [path] if not verbs or path == ("disk",) else []
    return own + [leaf for verb in verbs for leaf in leaves((*path, verb))]


def helps(c):
    c.checks.check("the helps name every verb", len(leaves()) > 30, leaves())
    for path in leaves():
        done = ctl(*path, "--help")
        name = " ".join(path)
        example = next((line.split("$ janjictl ", 1)[1] for line in done.out.splitlines() if line.startswith("  $ janjictl ")), "")
        c.checks.check(f"janjictl {name} --help has an example and the exit codes", done.code == 0 and name in example and
                       "Exit codes:\n  0 " in done.out and "  3  " in done.out, done)
        tried = call("bash", "-c", f"{program('janjictl')} {example} --help")
        c.checks.check(f"and its example is understood: {example[:60]}", tried.code == 0 and "Usage: " in tried.out, tried)


def completed(script, line, folder):
    """What bash offers after a line, asked of the real thing."""
    words = line.split(" ")
    listed = " ".join("'" + w + "'" for w in words)
    text = f"cd '{folder}'; source '{script}'; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _janjictl; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = call("bash", "--norc", "-c", text)
    return set(done.out.split()) if done.code == 0 and not done.err else done


def completion(c):
    script = c.checks.path("janjictl.bash")
    with open(script, "w") as out:
        out.write(ctl("completion", "bash").out)
    done = call("bash", "--norc", "-c", f"source '{script}' && complete -p janjictl")
    c.checks.check("bash loads its completion", done.code == 0 and "_janjictl" in done.out and not done.err, done)
    folder = c.checks.path("complete")
    os.makedirs(folder)
    for name in ("round.toml", "rest"):
        with open(os.path.join(folder, name), "w"):
            pass
    for line, offered in (("janjictl stat", {"status"}), ("janjictl round re", {"resume"}), ("janjictl --data x round o", {"open"}),
                          ("janjictl --output ", {"table", "json"}), ("janjictl status --output j", {"json"}), ("janjictl round pause x --rea", {"--reason"}),
                          ("janjictl config validate ro", {"round.toml"}), ("janjictl round import --round r", {"round.toml", "rest"}),
                          ("janjictl completion z", {"zsh"}), ("janjictl round import --data round o", set()), ("janjictl claim release x --type po", {"police"}),
                          ("janjictl --node round sta", {"status"}), ("janjictl shard unsafe-promote 1 --no", {"--node"})):
        found = completed(script, line, folder)
        c.checks.equal(f"bash completes {line!r}", found, offered)
    for path in leaves():
        if len(path) == 2:
            found = completed(script, " ".join(("janjictl", path[0], path[1][:-1] or path[1])), folder)
            c.checks.check(f"bash completes {' '.join(path)}", isinstance(found, set) and path[1] in found, found)
    if not shutil.which("zsh"):
        return c.checks.skip("completion for zsh", "zsh is not here")
    script = c.checks.path("_janjictl")
    with open(script, "w") as out:
        out.write(ctl("completion", "zsh").out)
    done = call("zsh", "-n", script)
    c.checks.check("zsh reads its completion", done.code == 0 and not done.err, done)
    done = call("zsh", "-f", "-c", f"autoload -Uz compinit && compinit -D -d {c.checks.path('dump')} && source {script} && print $_comps[janjictl]")
    c.checks.check("and loads it", done.code == 0 and done.out.strip() == "_janjictl", done)


ROWS = [addresses, several_addresses, silent_nodes, answers_of_strangers, another_at_the_port, refusals, bad_files, outputs, exports, interrupted_export, misspelt, helps, completion]
