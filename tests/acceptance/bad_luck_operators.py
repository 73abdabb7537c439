"""What bad luck an operator meets: a start that is refused in one sentence, and nothing lost once the cause is gone."""
import concurrent.futures
import os
import shutil
import socket
import subprocess
import time

import disk
import membership
from checks import wait_until
from citizens import Round, book, booking, confirmed, content, day, new_key, open_demo
from http_client import request
from node import SLOW, Node, call, ctl, load, program


class Operators:
    def __init__(self, checks, people):
        self.checks, self.people = checks, people
        self.count = 0

    def path(self, name):
        return os.path.join(self.node.data, name)

    def store_files(self, end):
        """Of the store, the newest last."""
        names = [n for n in os.listdir(self.path("store")) if n.endswith(end) or n.startswith(end)]
        return [self.path(f"store/{n}") for n in sorted(names)]

    def booked(self, name, how="kill", data=None, count=12):
        """A data directory with bookings, and the node gone: killed, stopped or still there."""
        self.node = Node(self.checks, name, data)
        self.node.start().ready()
        Round(self.checks.directory, "main", [("PUSAT", day(i), "09:00", "17:00", 500) for i in range(6)]).open_on(self.node)
        self.acknowledged = []
        for i in range(count):
            self.book_one(i)
        if how == "kill":
            self.node.kill()
        elif how == "stop":
            self.node.stop()

    def book_one(self, number):
        key, body = new_key(), booking(("PUSAT", day(number % 6)), self.people.one(), round_code="main")
        self.acknowledged.append((body, key, content(confirmed(self.node, body, key))))

    def refused(self, words, needle, *arguments, node=None, **options):
        node = node or self.node
        node.start(*arguments, **options)
        return self.says_why(words, needle, node.wait(), node.stderr())

    def says_why(self, words, needle, code, said):
        """One sentence: a single line that begins with the program's name, beside log lines that begin with their time."""
        lines = [line for line in said.splitlines() if line and not line.startswith("[20")]
        good = code not in (0, None) and code > 0 and len(lines) == 1 and lines[0].startswith("janjid: ") and needle in lines[0]
        return self.checks.check(f"{words}: janjid says so in one sentence and ends", good, f"exit {code}, stderr {said!r}, wanted {needle!r}")

    def all_there(self, words, *arguments):
        self.node.start(*arguments).ready()
        wrong = []
        for body, key, told in self.acknowledged:
            again = book(self.node, body, key)
            if again.status != 200 or content(again) != told:
                wrong.append(str(again))
        audit = ctl("--data", self.node.data, "audit")
        self.checks.check(f"{words}: all {len(self.acknowledged)} acknowledged bookings are there, the audit is clean", not wrong and
                          audit.code == 0, (wrong[:2], str(audit)))
        self.node.kill()


def spoil(path, share):
    """Turns some bytes round, at a share of the file."""
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        at = int(size * share)
        file.seek(at)
        old = file.read(64)
        file.seek(at)
        file.write(bytes(b ^ 0x5A for b in old))


class Damage:
    """A file, damaged for a while."""

    def __init__(self, path):
        self.path, self.kept = path, path + ".kept-by-the-test"

    def __enter__(self):
        directory = os.path.dirname(os.path.dirname(self.path))
        self.kept = os.path.join(os.path.dirname(directory), os.path.basename(self.path) + ".kept")
        shutil.copy2(self.path, self.kept)
        return self.path

    def __exit__(self, *_):
        shutil.move(self.kept, self.path)


def corrupt_store(o):
    o.booked("corrupt")
    with Damage(o.store_files(".log")[-1]) as wal:
        spoil(wal, o.checks.random.uniform(0.2, 0.6))
        o.refused("a write-ahead log that is damaged in its middle", "is damaged")
        done = ctl("--data", o.node.data, "audit")
        o.checks.check("and janjictl does not call it clean", done.code == 2 and "damaged" in done.err, done)
    o.all_there("the log as it was again")
    for name, words in (("CURRENT", "CURRENT is missing"), ("MANIFEST", "damaged")):
        with Damage(o.store_files(name)[-1]) as file:
            if name == "CURRENT":
                os.remove(file)
            else:
                spoil(file, 0.3)
            o.refused(f"a store whose {name} is {'gone' if name == 'CURRENT' else 'damaged'}", words)
        o.all_there(f"{name} as it was again")


def damaged_tables(o):
    """What a start does not read, the audit does."""
    o.booked("tables", "stop")
    o.node.start().ready()
    o.node.stop()
    blobs = o.store_files(".blob")
    with Damage(max(blobs, key=os.path.getsize)) as blob:
        spoil(blob, 0.5)
        done = ctl("--data", o.node.data, "audit")
        o.checks.check("old entries of the log that are damaged: the audit says so and is not clean", done.code == 2 and
                       "damaged" in done.err, done)
        exported = ctl("--data", o.node.data, "export")
        o.checks.check("and no export is made of half of it", exported.code == 2 and not exported.out, exported)
    o.all_there("the entries as they were again")


def truncated_log(o):
    o.booked("truncated")
    wal = o.store_files(".log")[-1]
    with Damage(wal):
        os.remove(wal)
        o.refused("a store whose write-ahead log is gone", "log is missing")
    o.all_there("the log put back")
    for i in range(3):
        o.node.start().ready()
        o.book_one(i)
        o.node.kill()
        wal = o.store_files(".log")[-1]
        share = o.checks.random.uniform(0.3, 0.9)
        with Damage(wal):
            os.truncate(wal, int(os.path.getsize(wal) * share))
            o.refused(f"a write-ahead log that is cut at {share:.0%} of its length", "shorter than it was")
        o.all_there("the whole log put back")


def wrong_key_file(o):
    o.booked("keys")
    with Damage(o.path("master.key")) as file:
        for words, text, mode, needle in (("another master key", "ab" * 32, 0o600, "does not open"),
                                          ("a master key that is not one", "hello", 0o600, "64 hexadecimal digits"),
                                          ("a master key that others can read", None, 0o644, "chmod 600")):
            if text:
                with open(file, "w") as out:
                    out.write(text + "\n")
            os.chmod(file, mode)
            o.refused(words, needle)
        os.remove(file)
        o.refused("no master key", "no master key")
        o.checks.check("and none is made in its place", not os.path.exists(file))
        o.refused("a master key from the environment that is another", "does not open", environment={"JANJI_MASTER_KEY": "cd" * 32})
    o.all_there("the master key put back")
    with Damage(o.path("keys")) as file:
        os.truncate(file, os.path.getsize(file) - 20)
        o.refused("a key file that is cut short", "is damaged")
        os.remove(file)
        o.refused("no key file, though there are bookings", "/keys and its master key back")
        o.checks.check("and none is made in its place", not os.path.exists(file))
    o.all_there("the key file put back")
    other = o.path("other.key")
    shutil.move(o.path("master.key"), other)
    o.refused("a master key file named in the configuration that is not there", "no master key", "--master-key-file", o.path("none"))
    o.all_there("the master key at another place", "--master-key-file", other)


def removed_while_running(o):
    """What was opened takes writes though nobody will find them again: the operator hears it, in one look."""
    o.booked("removed", "stay")
    store, away, aside = o.path("store"), o.path("away"), o.checks.path("removed-aside")
    admin = ("--admin", f"127.0.0.1:{o.node.admin_port}", "--token-file", o.checks.path("removed-token"))
    with open(admin[-1], "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as out:
        out.write(o.node.token())

    def status():
        return call(program("janjictl"), *admin, "status")

    def says(words, needle):
        done = wait_until(lambda: (d if (d := status()).code == 2 and needle in d.out else None), 30 * SLOW, f"status says {needle!r} when {words}")
        o.checks.check(f"{words} under a running node: status is broken and says so", "broken" in done.out and "directory_wrong" in done.out, done)

    def well(words):
        wait_until(lambda: status().code == 0, 30 * SLOW, f"status is healthy when {words} again")

    well("nothing is wrong")
    os.rename(store, away)
    says("the store is gone", "store cannot be found")
    disk_said = call(program("janjictl"), *admin, "disk")
    o.checks.check("and nobody is told of free bytes that cannot be known", disk_said.code == 1 and "cannot be told" in disk_said.err, disk_said)
    os.mkdir(store)
    says("another store is in its place", "store is another directory")
    os.rmdir(store)
    os.rename(away, store)
    well("the store is back")
    for kind, marks in (("manifest", "MANIFEST-"), ("newest write-ahead log", ".log")):
        name = max(n for n in os.listdir(store) if marks in n)
        os.rename(os.path.join(store, name), aside)
        says(f"the {kind} is gone", "the next start needs it")
        os.rename(aside, os.path.join(store, name))
        well(f"the {kind} is back")
    os.rename(o.path("keys"), aside)
    says("the key file is gone", "keys cannot be found")
    os.rename(aside, o.path("keys"))
    well("the key file is back")
    os.mkdir(aside)
    for name in os.listdir(o.node.data):
        os.rename(o.path(name), os.path.join(aside, name))
    says("everything in the directory is gone", "cannot be found")
    for name in os.listdir(aside):
        os.rename(os.path.join(aside, name), o.path(name))
    well("everything is back")
    o.node.kill()
    o.all_there("after it")


def port_taken(o):
    o.booked("port")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        o.refused("the citizens' port is taken", "already in use", "--port", port)
        o.refused("the operators' port is taken", "already in use", "--admin-port", port)
    o.refused("an address that is not one", "not an address", "--bind", "nowhere")
    o.all_there("another port")


def configuration(o):
    o.booked("configuration")
    file = o.checks.path("node.toml")
    rows = (("an unknown key", "[http]\nport = 0\nprot = 1\n", ':3:1: there is no setting "http.prot"'),
            ("an unknown section", "[htpp]\nport = 1\n", ':1:2: there is no section "htpp"'),
            ("a key outside a section", "port = 1\n", "outside a section"),
            ("a port that is too large", "[http]\nport = 70000\n", "from 0 to 65535"),
            ("a word where a number belongs", "[http]\nport = \"many\"\n", "whole number"),
            ("a file that is not TOML", "[http\n", ":1:"))
    for words, text, needle in rows:
        with open(file, "w") as out:
            out.write(text)
        o.refused(f"the configuration has {words}", needle, "--config", file)
        done = call(program("janjictl"), "config", "validate", file)
        o.checks.check(f"and janjictl config validate says the same ({words})", done.code == 2 and needle in done.err, done)
    with open(file, "w") as out:
        out.write("[admin]\nprot = 1\n[http]\n port = 70000\n")
    for words in (("janjid", "--config", file), ("janjictl", "config", "validate", file)):
        done = call(program(words[0]), *words[1:])
        o.checks.check(f"{words[0]} tells both faults of a file, each with its line and column", done.code == 2 and
                       f'{file}:2:1: there is no setting "admin.prot"\n{file}:4:2: http.port must be' in done.err, done)
    for name, value, needle in (("JANJI_MASTER_KEY_FILE", "/nowhere", "JANJI_NODE_MASTER_KEY_FILE names"), ("JANJI_MASTERKEY", "ab" * 32, "JANJI_MASTER_KEY"),
                                ("JANJI_LOG", "debug", "no such setting"), ("JANJI_HTTP_PORT_TCP", "9", "no such setting")):
        o.refused(f"{name}, which is none of its variables", needle, environment={name: value})
    o.refused("an unknown setting on the command line", 'no setting "nope.nope"', "--set", "nope.nope=1")
    o.refused("another number of shards than the data has", "64 shards", "--set", "node.shards=32")
    o.all_there("the configuration put right")


def anothers_settings(o):
    """A cluster's settings on the data of a node that is alone: no etcd is asked, and nothing is changed."""
    o.booked("alone")
    settings = {"cluster.name": "somewhere", "cluster.node": 3, "cluster.etcd": "http://127.0.0.1:1"}
    needles = ["was written by a node that is alone", "cluster.name says somewhere"]
    membership.refused(o.checks, "a cluster's name on the data of a node that is alone", o.node.data, settings, needles, None)
    membership.checked(o.checks, "a cluster's name on the data of a node that is alone", o.node.data, settings, needles[1])
    membership.checked(o.checks, "its own settings", o.node.data, {}, None)
    with Damage(o.path("store/membership")) as file:
        os.remove(file)
        membership.refused(o.checks, "the same on data of an earlier version", o.node.data, settings, needles, None)
        with open(file, "w") as out:
            out.write("{")
        membership.refused(o.checks, "what cannot be read of whose data it is", o.node.data, {}, ["store/membership", "put the file back"], None)
        os.remove(file)
        o.all_there("started without, as data of an earlier version")
        o.checks.check("whose it is stands there from then on", os.path.exists(file))
    o.all_there("the file put back")
    role = o.checks.path("role")
    os.makedirs(role)
    membership.refused(o.checks, "a role without a cluster", role, {"cluster.role": "store"}, ["cluster.role is for a node of a cluster"], None)


def second_process(o):
    o.booked("second", "stay")
    second = Node(o.checks, "second-again", o.node.data)
    ports = o.path("janjid.ports")
    shutil.copy2(ports, o.checks.path("ports"))
    o.refused("a second process on the same data", "in use by another process", node=second)
    shutil.copy2(o.checks.path("ports"), ports)
    o.book_one(0)
    o.checks.check("and the first goes on serving and booking", o.node.alive() and o.node.is_ready())
    o.node.kill()
    o.all_there("after it")


# ------------------------------------------------------------------ disks


def mount(o, name, size):
    """A small disk of its own; none where that needs rights we do not have."""
    where = o.checks.path(name)
    os.makedirs(where)
    if os.geteuid() != 0:
        return None, "mounting a small disk needs root"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "janji", where], capture_output=True, text=True)
    if done.returncode != 0:
        return None, f"a small disk cannot be mounted here: {done.stderr.strip()}"
    o.checks.undo.append(lambda: subprocess.run(["umount", "-l", where], capture_output=True))
    return where, ""


def remount(where, option):
    return subprocess.run(["mount", "-o", f"remount,{option}", where], capture_output=True, text=True).returncode == 0


def no_disk_space(o):
    where, why = mount(o, "full", "128m")
    if not where:
        return o.checks.skip("no disk space", why)
    node = o.node = Node(o.checks, "full-node", os.path.join(where, "data"))
    node.start().ready()
    open_demo(node)
    record = o.checks.path("full.record")
    done = load("book", "--target", f"http://127.0.0.1:{node.port}", "--record", record, "--duration", "60", "--notes-bytes", "3000",
                "--people", "4", "--party-share", "1", "--round", "2021-3", "--quiet", "--drain", "0",
                "--seed", str(o.checks.seed), "--requests", "40000")
    o.says_why("no disk space is left while citizens book", "No space left", node.wait(), node.stderr())
    o.refused("a start on the full disk", "no disk space left")
    o.refused("and once more", "no disk space left")
    o.checks.check("the disk has room again", remount(where, "size=512m"))
    node.start().ready()
    export = o.checks.path("full.export")
    exported = node.ctl("export", "--to", export)
    audited = load("audit", "--record", record, "--export", export, "--output", "json")
    o.checks.check(f"once there is room, all {audited.json().get('confirmations')} acknowledged bookings are there", exported.code == 0 and
                   audited.code == 0 and audited.json().get("confirmations", 0) > 1000, (str(done), str(audited)))
    audit = node.ctl("audit")
    o.checks.check("and the audit is clean", audit.code == 0, audit)
    node.kill()


def low_disk(o):
    where, why = mount(o, "low", "128m")
    if not where:
        return o.checks.skip("a disk that is nearly full", why)
    o.booked("low-node", "stop", os.path.join(where, "data"), count=3)
    o.node.start("--set", "store.disk_low_mark=0.10", "--set", "store.ballast_mb=1").ready()
    filler = os.path.join(where, "filler")
    with open(filler, "wb") as out:
        disk = os.statvfs(where)
        out.write(b"\0" * (disk.f_bavail * disk.f_frsize - (4 << 20)))

    def somebody_books():
        return book(o.node, booking(("PUSAT", day(0)), o.people.one(), round_code="main"))

    answer = wait_until(lambda: (a := somebody_books()).status != 201 and a, 30, "new bookings are refused on a nearly full disk")
    o.checks.check("a disk that is nearly full: new bookings get 503 storage_low and when to ask again", answer.code == "storage_low" and answer.status == 503 and
                   "retry-after" in answer.headers, answer)
    done = o.node.ctl("status")
    o.checks.check("the operator's status is degraded", done.code == 1 and "degraded" in done.out, done)
    before = o.node.ctl("--output", "json", "disk").json()
    released = o.node.ctl("disk", "release")
    after = o.node.ctl("--output", "json", "disk").json()
    o.checks.check("the ballast can be given back", before.get("ballast_bytes", 0) > 0 and released.code == 0 and
                   after.get("ballast_bytes") == 0 and after["free_bytes"] > before["free_bytes"], (before, str(released), after))
    os.remove(filler)
    answer = wait_until(lambda: (a := somebody_books()).status != 503 and a, 30, "bookings are taken again once there is room")
    o.checks.check("once there is room, bookings are taken again", answer.status == 201, answer)
    o.node.kill()
    o.all_there("after it")


def read_only_disk(o):
    where, why = mount(o, "ro", "256m")
    if not where:
        return o.checks.skip("a read-only disk", why)
    o.booked("ro-node", "kill", os.path.join(where, "data"))
    o.checks.check("the disk is read-only", remount(where, "ro"))
    o.refused("a read-only disk", "read-only")
    o.checks.check("the disk can be written again", remount(where, "rw"))
    o.all_there("after it")


def disk_of(o, name, words):
    """The disk of a node that has bookings, to fail or hang; none where there can be no such disk."""
    if why := disk.cannot():
        return o.checks.skip(words, why)
    o.booked(name)
    return disk.Disk(o.checks.path(f"{name}-disk"))


def failing_sync(o):
    if not (under := disk_of(o, "sync", "a failing sync")):
        return
    o.node.start(environment=under.environment()).ready()
    o.book_one(1)
    under.failing()
    told = "the connection ended"
    try:
        told = book(o.node, booking(("PUSAT", day(0)), o.people.one(), round_code="main")).status
    except OSError:
        pass
    o.checks.check("a booking whose sync fails is not confirmed", told not in (200, 201), told)
    o.says_why("a sync that fails", "failed", o.node.wait(), o.node.stderr())
    o.refused("a start on a disk whose syncs fail", "Input/output error", environment=under.environment())
    o.all_there("the disk works again")


def hanging_sync(o):
    if not (under := disk_of(o, "hung", "a disk that hangs")):
        return
    o.node.start(environment=under.environment()).ready()
    o.book_one(1)
    under.slow(200)
    begun = time.monotonic()
    o.book_one(2)
    o.checks.check("on a slow disk a booking is confirmed no earlier than it is there", time.monotonic() - begun >= 0.2)
    under.hung()
    with concurrent.futures.ThreadPoolExecutor() as citizen:
        asked = citizen.submit(o.book_one, 3)
        wait_until(lambda: under.held > 0, 30 * SLOW, "a sync hangs")
        read = request(o.node.port, "GET", "/api/v1/rounds")
        o.checks.check("while the disk hangs a booking waits, and what is read is answered", read.status == 200 and not asked.done(), read)
        under.healthy()
        asked.result(30 * SLOW)
    o.checks.check("and is confirmed when the disk goes on", o.node.alive())
    hung_for_good(o, under)
    o.node.kill()
    o.all_there("after it")


def hung_for_good(o, under):
    """A disk that does not come back is said to operators, wherever they ask."""
    under.hung()
    with concurrent.futures.ThreadPoolExecutor() as citizen:
        citizen.submit(book, o.node, booking(("PUSAT", day(2)), o.people.one(), round_code="main"))
        broken = wait_until(lambda: (d := o.node.ctl("status")).code == 2 and d, 30 * SLOW, "status says broken")
        o.checks.check("the operator's status is broken, and says why", "disk_wrong" in broken.out and "has not come back for" in broken.out, broken)
        checked = o.node.ctl("check")
        o.checks.check("so does check", checked.code == 2 and "has not come back for" in checked.out, checked)
        verbose = request(o.node.admin_port, "GET", "/readyz?verbose").body.decode()
        o.checks.check("and /readyz?verbose", "writes: an operation of the disk has not come back" in verbose, verbose)
        preflight = o.node.ctl("round", "preflight", "main")
        o.checks.check("no round is ready to be opened", preflight.code == 1 and '"check":"disk answers","ok":false' in preflight.out, preflight)
        under.healthy()
    wait_until(lambda: o.node.ctl("status").code == 0, 30 * SLOW, "status is healthy")


def older_key_file(o):
    before = Node(o.checks, "older-keys")
    before.start().ready()
    before.stop()
    shutil.copy(os.path.join(before.data, "keys"), o.checks.path("keys-of-before"))
    o.booked("older-keys")
    soon = []
    for i in range(8):  # the node dies as soon as it has said that the round is there
        round_code = f"soon-{i}"
        o.node.start().ready()
        shutil.copy(o.path("keys"), o.checks.path("keys-of-soon"))
        Round(o.checks.directory, round_code, [("PUSAT", day(0), "09:00", "17:00", 5)]).import_into(o.node)
        o.node.kill()
        with Damage(o.path("keys")) as file:
            shutil.copy(o.checks.path("keys-of-soon"), file)
            o.node.start()
            wait_until(lambda: not o.node.alive() or o.node.is_ready(), 60 * SLOW, "it has refused the key file, or serves")
            soon.append(f"it lacks the keys of the round {round_code}" in o.node.stderr())
            o.node.kill()
    o.checks.equal("a key file of a moment before a round is refused, however soon after the import the node has died", soon, [True] * 8)
    with Damage(o.path("keys")) as file:
        shutil.copy(o.checks.path("keys-of-before"), file)
        o.refused("a key file of before a round, with which everybody could book again", "it lacks the keys of the round main")
        o.refused("and a second time", "it lacks the keys of the round main")
    o.all_there("the key file put back")


def empty_token_and_another_user(o):
    o.booked("token")
    with open(o.path("admin.token"), "w"):
        pass
    o.all_there("an operators' token that was left empty is made anew")
    o.checks.check("and it is one", len(o.node.token()) >= 16)
    os.chmod(o.path("admin.token"), 0o644)
    o.refused("an operators' token that others can read", "chmod 600")
    os.chmod(o.path("admin.token"), 0o600)
    o.node.start().ready()
    os.chmod(o.path("admin.token"), 0o640)
    sent = o.node.ctl("status")
    o.checks.check("nor does janjictl take such a one", sent.code == 2 and "chmod 600" in sent.err, sent)
    os.chmod(o.path("admin.token"), 0o600)
    o.node.kill()
    if os.geteuid() != 0:
        o.checks.skip("a start as another user", "this is not root")
        return
    os.chmod(o.checks.directory, 0o755)  # else the way there is what may not be entered, and the node's own directory is never looked at
    os.chmod(o.node.data, 0o700)
    o.refused("a start as a user who may not enter the directory", "keys cannot be looked at: Permission denied",
              before=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
    os.chmod(o.checks.directory, 0o700)


def stop_on_a_hung_disk(o):
    if not (under := disk_of(o, "stop-hung", "a stop on a disk that hangs")):
        return
    for words, limit_ms, again in (("told to stop", 1_000, False), ("told to stop once more", 60_000, True)):
        under.healthy()
        o.node.start("--set", f"stop.limit_ms={limit_ms}", environment=under.environment()).ready()
        o.book_one(1)
        under.hung()
        with concurrent.futures.ThreadPoolExecutor() as citizen:
            citizen.submit(book, o.node, booking(("PUSAT", day(2)), o.people.one(), round_code="main"))
            try:
                wait_until(lambda: under.held > 0, 30 * SLOW, "a sync hangs")
                o.node.process.terminate()
                wait_until(lambda: "signal 15: stopping" in o.node.stderr(), 10 * SLOW, "it has begun to stop")
                begun = time.monotonic()
                wait_until(lambda: not again or time.monotonic() - begun > 2, 10, "it is not the same stop any more")
                if again:
                    o.node.process.terminate()
                o.says_why(f"a node whose disk hangs is {words}", "what was acknowledged is on disk", o.node.wait(), o.node.stderr())
                o.checks.equal("with the code for a stop that did not end", o.node.process.returncode, 4)
            finally:
                under.healthy()
                o.node.kill()
        o.all_there(f"after it was {words}")


ROWS = [corrupt_store, damaged_tables, truncated_log, wrong_key_file, older_key_file, removed_while_running, port_taken, configuration, anothers_settings, second_process, no_disk_space, low_disk,
        read_only_disk, failing_sync, hanging_sync, empty_token_and_another_user, stop_on_a_hung_disk]
