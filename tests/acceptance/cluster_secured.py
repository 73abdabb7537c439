"""A cluster in production: etcd over TLS with users, links and etcd with certificates that name their nodes, nothing in the clear. What is
not so is refused by name; what changes under the running cluster is said, and bookings go on."""
import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading

from authority import Authority, openssl
from checks import Stop, run, wait_until
from citizens import People, book, booking
from cluster import free_port
from cluster_parts import MASTER, all_in_step, open_demo_round, shard_records
from http_client import request
from node import SLOW, Node, call, program

PASSWORD = "kata laluan: rahsia 42"
OTHER = "yang lain: rahsia 43"
READ_ANEW = "SIGHUP: the certificates were read anew"


class SecuredEtcd:
    """Over TLS; `users` makes the least that Janji needs and enables authentication. Tokens live for two seconds."""

    def __init__(self, checks, authority):
        self.authority, self.data, self.log = authority, checks.path("etcd"), checks.path("etcd.log")
        self.port, self.peer, self.root = free_port(), free_port(), None
        pem, key = authority.issue("etcd", "DNS:localhost")
        openssl("genrsa", "-out", authority.path("signing.key"), "2048")
        openssl("rsa", "-in", authority.path("signing.key"), "-pubout", "-out", authority.path("signing.pem"))
        peer = f"http://127.0.0.1:{self.peer}"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/bin/etcd", "--name=one", f"--data-dir={self.data}", f"--listen-client-urls={self.url}", f"--advertise-client-urls={self.url}",
                 f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=one={peer}", f"--cert-file={pem}",
                 f"--key-file={key}", f"--auth-token=jwt,pub-key={authority.path('signing.pem')},priv-key={authority.path('signing.key')},"
                 "sign-method=RS256,ttl=2s"], stdout=log, stderr=log)
        checks.undo.append(self.kill)
        wait_until(lambda: "header" in self.ask("/v3/kv/range", {"key": "Lw=="}), 60, "etcd answers")

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def post(self, path, body, token=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=ssl.create_default_context(cafile=self.authority.ca))
        try:
            connection.request("POST", path, json.dumps(body), {"Authorization": token} if token else {})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def ask(self, path, body):
        """As root, where there are users."""
        try:
            token = self.root and self.post("/v3/auth/authenticate", {"name": "root", "password": self.root})["token"]
            return self.post(path, body, token)
        except (OSError, http.client.HTTPException, ValueError):
            return {}

    def must(self, path, body):
        answer = self.ask(path, body)
        if "header" not in answer:
            raise Stop(f"etcd, {path}: {answer}")
        return answer

    def grants(self, what):
        key, end = (base64.b64encode(f"/janji/test{c}".encode()).decode() for c in "/0")
        verb, words = ("grant", {"name": "janji", "perm": {"permType": "READWRITE", "key": key, "range_end": end}}) if what else (
            "revoke", {"role": "janji", "key": key, "range_end": end})
        self.must(f"/v3/auth/role/{verb}", words)

    def password(self, text):
        self.must("/v3/auth/user/changepw", {"name": "janji", "password": text})

    def make_users(self):
        for name, password in (("root", "root"), ("janji", PASSWORD)):
            self.must("/v3/auth/role/add", {"name": name})
            self.must("/v3/auth/user/add", {"name": name, "password": password})
            self.must("/v3/auth/user/grant", {"user": name, "role": name})
        self.grants(True)

    def enable(self):
        self.must("/v3/auth/enable", {})
        self.root = "root"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Secured:
    def __init__(self, checks):
        self.checks, self.people = checks, People(checks.random)
        self.ours = Authority(checks.path("pki"), "ours")
        self.etcd = SecuredEtcd(checks, self.ours)
        self.passwords = checks.path("password")
        self.write_password(PASSWORD)
        for node in (1, 2, 3):
            self.ours.issue_for(node)
        with open(self.ours.ca) as one, open(checks.path("ca.pem"), "w") as out:
            out.write(one.read())
        self.nodes = [Node(checks, f"node{i}") for i in (1, 2, 3)]

    def write_password(self, text, mode=0o600):
        with open(self.passwords + ".new", "w") as out:
            out.write(text + "\n")
        os.chmod(self.passwords + ".new", mode)
        os.rename(self.passwords + ".new", self.passwords)

    def settings(self, node):
        own, ca = self.ours.path(f"node{node}"), self.checks.path("ca.pem")
        return {"cluster.mode": "production", "cluster.name": "test", "cluster.node": node, "cluster.etcd": self.etcd.url,
                "cluster.etcd_ca_file": ca, "cluster.etcd_user": "janji", "cluster.etcd_password_file": self.passwords,
                "cluster.certificate_file": own + ".pem", "cluster.key_file": own + ".key", "cluster.ca_file": ca}

    def start(self, i):
        self.nodes[i].start(*words_of(self.settings(i + 1)), environment={"JANJI_MASTER_KEY": MASTER})

    def ready(self, i):
        node = self.nodes[i]
        try:
            return node.alive() and node.read_ports() and request(node.admin_port, "GET", "/readyz", seconds=5).status == 200
        except OSError:
            return False

    def all_ready(self):
        wait_until(lambda: all(self.ready(i) for i in range(3)), 60 * SLOW, "every node is ready")

    def whole(self):
        return all_in_step(shard_records(self.etcd.ask, "test"))

    def books(self, i=0):
        """One person more, who has no booking yet: whatever else is answered is said."""
        answer = book(self.nodes[i], booking(("SPICE", "2021-06-08"), self.people.one()))
        if answer.status != 201:
            self.checks.say(f"node {i + 1} answers a booking with {answer}")
        return answer.status == 201

    def each_has_said(self, words, seconds=30):
        wait_until(lambda: all(words in n.stderr() for n in self.nodes), seconds * SLOW, f"every node says: {words}")
        return True


def words_of(settings):
    return [w for name, value in settings.items() for w in ("--set", f"{name}={value}")]


def refused(c, words, why, without=(), **changes):
    """A start that ends with 2 and one sentence, before anything is made."""
    node = Node(c.checks, f"refused{len(c.checks.nodes)}")
    settings = {**c.settings(3), **{name.replace("__", "."): value for name, value in changes.items()}}
    for name in without:
        del settings[name]
    node.start(*words_of(settings), environment={"JANJI_MASTER_KEY": MASTER}, make=False)
    ended, said = node.wait(30), node.stderr().strip().splitlines()
    c.checks.check(words, ended == 2 and len(said) > 0 and why in said[-1] and "janjid:" in said[-1] and not os.path.exists(node.data),
                   (ended, said[-3:], os.path.exists(node.data)))


def refused_starts(c):
    lacks = "knows who asks; what lacks: "
    refused(c, "production refuses an etcd in the clear", lacks + "https://", cluster__etcd=f"http://127.0.0.1:{c.etcd.port}")
    refused(c, "production refuses an etcd without an authority", lacks + "cluster.etcd_ca_file", ("cluster.etcd_ca_file",))
    refused(c, "production refuses an etcd that does not know who asks", lacks + "cluster.etcd_user with", ("cluster.etcd_user", "cluster.etcd_password_file"))
    refused(c, "a user without a password is refused", "given together", ("cluster.etcd_password_file",))
    refused(c, "a password in an endpoint is refused", "cluster.etcd_password_file", cluster__etcd=f"https://janji:{PASSWORD.split()[-1]}@127.0.0.1:1")
    refused(c, "production refuses links in the clear", "needs certificates", ("cluster.certificate_file", "cluster.key_file", "cluster.ca_file"))
    dev = Authority(c.checks.path("dev"), "dev", "Janji development")
    refused(c, "production refuses an authority made for development, for etcd too", "made for development", cluster__etcd_ca_file=dev.ca)
    for name, address in (("http", "0.0.0.0"), ("admin", "::"), ("http", "::ffff:0.0.0.0"), ("admin", "169.254.1.1")):
        refused(c, f"production refuses {name}.address = {address}, whatever is said is meant", "cluster.mode = production refuses that",
                **{f"{name}__address": address, "node__insecure_listeners": "true"})
    refused(c, "a listener that others reach needs a setting that says so", "node.insecure_listeners = true", http__address="0.0.0.0", cluster__mode="development")
    refused(c, "another node's certificate is refused where it is shown", "names janji://test/node/2 and not janji://test/node/3",
            cluster__certificate_file=c.ours.path("node2.pem"), cluster__key_file=c.ours.path("node2.key"))
    pem, key = c.ours.issue_for(3, "stale", days=-1)
    refused(c, "an expired certificate is refused where it is shown", "it has expired, at 20", cluster__certificate_file=pem, cluster__key_file=key)
    os.chmod(c.passwords, 0o644)
    refused(c, "a password that others can read is refused", "can be read by others: chmod 600 it")
    os.chmod(c.passwords, 0o600)
    seen = call(program("janjid"), "--data", c.checks.path("none"), *words_of({**c.settings(3), "http.address": "0.0.0.0"}), "--check-config")
    c.checks.check("--check-config judges the same", seen.code == 2 and "cluster.mode = production refuses that" in seen.err, seen)


def begin(checks):
    c = Secured(checks)
    refused_starts(c)
    c.etcd.make_users()
    refused(c, "production refuses an etcd that shows its records to whoever asks", "without certificate and password")
    c.etcd.enable()
    c.write_password("a wrong one")
    refused(c, "a wrong password is said", "the password of the user 'janji' is not right")
    c.write_password(PASSWORD)
    refused(c, "a role that lacks the cluster's keys is said, and which", "of all keys that begin with /janji/another/", cluster__name="another",
            **dict(zip(("cluster__certificate_file", "cluster__key_file"), c.ours.issue_for(3, "another3", "another"), strict=True)))
    for i in range(3):
        c.start(i)
    open_demo_round(c.nodes, [lambda path, n=n: request(n.port, "GET", path) for n in c.nodes], c.all_ready)
    wait_until(c.whole, 60 * SLOW, "every shard is on three replicas")
    checks.check("three nodes in production are a cluster, with the least that etcd can grant", all(c.books(i) for i in range(3)))
    return c


def tells_no_secret(c):
    """Where a password is not to be: the process list, the logs, the configuration that is shown, files of the data."""
    places = [c.nodes[0].data, c.nodes[0].log, c.nodes[0].out, c.etcd.log]
    found = subprocess.run(["grep", "-rlaF", PASSWORD, *places], capture_output=True, text=True).stdout.split()
    for node in c.nodes:
        for what in ("cmdline", "environ"):
            with open(f"/proc/{node.process.pid}/{what}", "rb") as file, contextlib.suppress(OSError):
                found += [f"{node.process.pid} {what}"] if PASSWORD.encode() in file.read() else []
    shown = call(program("janjid"), "--data", c.checks.path("none"), *words_of(c.settings(3)), "--check-config")
    c.checks.check("the password stands in no process list, log, shown configuration or file of the data",
                   not found and shown.code == 0 and PASSWORD not in shown.out + shown.err, (found, shown))


def hello(c, files, node, to, port, boot=(1 << 63) - 1, ca=None):
    """What a node answers to one with that certificate which says that it is `node`, and who takes certificates of `ca` alone."""
    context = ssl.create_default_context(cafile=ca or c.ours.ca)
    if files:
        context.load_cert_chain(*files)
    text = ("GET /janji/links HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nX-Janji-Links: 1\r\nX-Janji-Cluster: test\r\nX-Janji-Node: {node}\r\n"
            f"X-Janji-Boot: {boot}\r\nX-Janji-To: {to}\r\n\r\n")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as s, context.wrap_socket(s, server_hostname="127.0.0.1") as t:
            t.sendall(text.encode())
            said = b""
            while chunk := t.recv(4096):
                said += chunk
                if b"\r\n\r\n" in said and not said.startswith(b"HTTP/1.1 403"):
                    break
            return said.decode(errors="replace")
    except OSError as error:
        return f"{type(error).__name__}: {error}"


def registrations(c):
    key, end = (base64.b64encode(f"/janji/test/node{x}".encode()).decode() for x in "/0")
    kvs = c.etcd.must("/v3/kv/range", {"key": key, "range_end": end}).get("kvs", [])
    return {base64.b64decode(kv["key"]).decode(): base64.b64decode(kv["value"]).decode() for kv in kvs}


def impostors_that_dial(c):
    """Node 3 is dialled with certificates of others by somebody who says that it is node 2."""
    checks, log = c.checks, c.nodes[2]
    port = int(json.loads(registrations(c)["/janji/test/node/3"])["links"].rsplit(":", 1)[1])
    other = Authority(checks.path("other"), "other")
    named = c.ours.issue_for(2, "two")
    for words, files, why in (
            ("another node's certificate", c.ours.issue_for(1, "one"), "its certificate is of janji://test/node/1, not of janji://test/node/2"),
            ("a certificate without a name", c.ours.issue("unnamed"), "its certificate is of no node, not of janji://test/node/2"),
            ("a certificate of another cluster", c.ours.issue_for(2, "elsewhere", "other"), "its certificate is of janji://other/node/2"),
            ("an expired certificate", c.ours.issue_for(2, "expired", days=-1), "certificate has expired"),
            ("a certificate of another authority", other.issue_for(2), "the certificate that it shows is not taken: "),
            ("no certificate", None, "peer did not return a certificate")):
        answer = hello(c, files, 2, 3, port=port)
        wait_until(lambda why=why: any("a link was refused: 127.0.0.1: " in line and why in line for line in log.stderr().splitlines()), 20,
                   f"the log says: {why}")
        checks.check(f"{words} is not node 2, and the log says why", " 101 " not in answer, answer)
    answer = hello(c, named, 2, 3, port=port, boot=0)
    checks.check("with its own certificate it is, and is only told that it was started since", "boot 0" in answer, answer)
    before = len(log.stderr())
    for _ in range(60):
        hello(c, (c.ours.path("one.pem"), c.ours.path("one.key")), 2, 3, port=port)
    said = log.stderr()[before:].count("a link was refused")
    checks.check("of sixty refusals the log has some", 0 < said < 40, said)


def impostor_that_answers(c):
    """At the address of a node 4 somebody answers with node 2's certificate."""
    listening = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(c.ours.path("two.pem"), c.ours.path("two.key"))
    context.load_verify_locations(c.ours.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    heard = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                one, _ = listening.accept()
                with contextlib.suppress(OSError), context.wrap_socket(one, server_side=True) as t:
                    heard.append(t.recv(4096))

    threading.Thread(target=serve, daemon=True).start()
    text = json.loads(registrations(c)["/janji/test/node/3"])
    text.update(node=4, links=f"127.0.0.1:{listening.getsockname()[1]}")
    key = base64.b64encode(b"/janji/test/node/4").decode()
    c.etcd.must("/v3/kv/put", {"key": key, "value": base64.b64encode(json.dumps(text).encode()).decode()})
    c.each_has_said("no link to node 4: its certificate is of janji://test/node/2, not of janji://test/node/4")
    c.checks.check("who answers with another node's certificate is left, and hears nothing", heard and not any(heard), heard)
    c.etcd.must("/v3/kv/deleterange", {"key": key})
    listening.close()


def renewal(c):
    """All certificates, and their authority, are changed under the running cluster: first both authorities are taken, then new certificates
    are shown, then the old authority is not taken any more."""
    checks, old = c.checks, c.ours
    new = Authority(checks.path("new"), "new")

    def take(*authorities):
        with open(checks.path("ca.pem.new"), "w") as out:
            out.write("".join(open(a.ca).read() for a in authorities))
        os.rename(checks.path("ca.pem.new"), checks.path("ca.pem"))

    def hang_up():
        times = [n.stderr().count(READ_ANEW) for n in c.nodes]
        for n in c.nodes:
            n.process.send_signal(signal.SIGHUP)
        wait_until(lambda: all(n.stderr().count(READ_ANEW) > t for n, t in zip(c.nodes, times, strict=True)), 20 * SLOW, "certificates are read anew")

    def replace(file, pair):
        for kind, path in zip(("pem", "key"), pair, strict=True):
            with open(path) as one, open(old.path("being-written"), "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
                out.write(one.read())
            os.rename(old.path("being-written"), old.path(f"{file}.{kind}"))

    def restart(i):
        checks.equal("a node stops in an orderly way", c.nodes[i].stop(), 0)
        c.start(i)
        try:
            wait_until(lambda: c.ready(i) and c.whole(), 60 * SLOW, f"node {i + 1} is linked with the others again")
        except Stop as late:
            raise Stop(f"{late}: ready: {[c.ready(k) for k in range(3)]}; {c.nodes[i].stderr()[-1500:]}") from None
        return c.books(i)

    booked = []
    take(old, new)
    hang_up()
    booked.append(c.books(0))
    for i in (1, 2, 3):
        replace(f"node{i}", new.issue_for(i))
    hang_up()
    booked.append(c.books(1))
    booked.append(restart(2))
    replace("etcd", new.issue("etcd", "DNS:localhost"))  # which reads it at each handshake
    c.etcd.authority = new
    take(new)
    hang_up()
    booked.append(restart(0))
    checks.check("certificates and their authority are renewed under the running cluster, and citizens book", all(booked), booked)
    only_the_new_authority(c, old, new)


def only_the_new_authority(c, old, new):
    """Each node shows a certificate of the new authority and takes no other's."""
    links = registrations(c)
    for to in (1, 2, 3):
        dials = to % 3 + 1
        port = int(json.loads(links[f"/janji/test/node/{to}"])["links"].rsplit(":", 1)[1])
        answer = hello(c, new.issue_for(dials, "dials"), dials, to, port=port, boot=0, ca=new.ca)
        c.checks.check(f"node {to} is of the new authority, and takes its certificates", "boot 0" in answer, answer)
        before = len(c.nodes[to - 1].stderr())
        answer = hello(c, old.issue_for(dials, "late"), dials, to, port=port, boot=0, ca=new.ca)
        wait_until(lambda n=c.nodes[to - 1], b=before: "a link was refused: 127.0.0.1: the certificate that it shows is not taken: " in n.stderr()[b:],
                   20 * SLOW, "the log says that its certificate was refused")  # the line of the one before may come late
        c.checks.check(f"node {to} does not take the old one's any more", "boot 0" not in answer, answer)


def lines_while(c, words, change, mend):
    """What etcd refuses is said by every node, not too often, and bookings go on; when it is mended, without a restart, that is said too."""
    checks = c.checks
    before = [len(n.stderr()) for n in c.nodes]
    change()
    wait_until(lambda: all(words in n.stderr()[b:] for n, b in zip(c.nodes, before, strict=True)), 60 * SLOW, f"every node says: {words}")
    checks.check("bookings go on meanwhile", all(c.books(i) for i in range(3)))
    load = os.times()
    spent = [ticks(n) for n in c.nodes]
    wait_until(lambda: os.times().elapsed - load.elapsed > 3, 10, "it lasts for three seconds")
    busy = [(ticks(n) - s) / os.sysconf("SC_CLK_TCK") / 3 for n, s in zip(c.nodes, spent, strict=True)]
    lines = [n.stderr()[b:].count("\n") for n, b in zip(c.nodes, before, strict=True)]
    checks.check(f"nobody is busy with it, and the log is not filled: {words}", max(busy) < 0.5 and max(lines) < 60, (busy, lines))
    now = [len(n.stderr()) for n in c.nodes]
    mend()
    wait_until(lambda: all("etcd is back" in n.stderr()[b:] for n, b in zip(c.nodes, now, strict=True)), 60 * SLOW, "every node says that etcd is back")
    fine = wait_until(lambda: (lambda d: d if d.code == 0 else None)(c.nodes[0].ctl("check")), 60 * SLOW, "the cluster finds nothing wrong with itself")
    checks.check(f"mended without a restart: {words}", fine.code == 0 and all(n.alive() for n in c.nodes), fine)


def ticks(node):
    with open(f"/proc/{node.process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def secured(checks):
    c = begin(checks)
    tells_no_secret(c)
    impostors_that_dial(c)
    impostor_that_answers(c)
    lines_while(c, "the password of the user 'janji' is not right", lambda: c.etcd.password(OTHER), lambda: c.write_password(OTHER))
    lines_while(c, "lacks a permission", lambda: c.etcd.grants(False), lambda: c.etcd.grants(True))
    renewal(c)
    for i, n in enumerate(c.nodes):
        checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)


def parts(checks):
    if os.path.exists("/usr/bin/etcd"):
        checks.part(secured, checks)
    else:
        checks.skip("a cluster in production", "there is no etcd on this machine")


if __name__ == "__main__":
    run("cluster-secured", parts)
