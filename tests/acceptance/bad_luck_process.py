"""What a node is as a process: who reads its log and goes away, who sends it signals, who else may read what it writes, who has its port
when it has died."""
import fcntl
import os
import signal
import socket
import stat
import subprocess
import threading
import time

from citizens import book
from node import SLOW, Node, call, program


NOBODYS = [signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGXFSZ,
           signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP, signal.SIGIO, signal.SIGSTKFLT, signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH,
           signal.SIGCONT, signal.SIGRTMIN, signal.SIGRTMIN + 3, signal.SIGRTMAX]


def command_of(node):
    return [program("janjid"), "--data", node.data, "--port", "0", "--admin-port", "0", "--set", "store.disk_low_mark=0", "--set",
            "store.ballast_mb=0"]


def started_by(o, shell):
    """o.node, by a shell's line that ends as the node."""
    o.node.process = subprocess.Popen(["sh", "-c", shell, "sh", *command_of(o.node)])
    o.node.started, o.node.log_from = time.monotonic(), 0
    return o.node.ready()


def log_reader_goes_away(o):
    """Its stderr and stdout are pipes, and whoever read them has ended."""
    o.booked("reader", "stop")
    node = Node(o.checks, "reader-again", o.node.data)
    started = subprocess.Popen([program("janjid"), "--data", node.data, "--port", "0", "--admin-port", "0", "--log-level", "debug", "--set",
                                "store.disk_low_mark=0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    node.process, node.log_from, node.started = started, 0, time.monotonic()
    node.ready()
    started.stdout.close()
    started.stderr.close()
    o.node = node
    for i in range(5):
        o.book_one(i)
        started.send_signal(signal.SIGHUP)
    o.checks.check("whoever read a node's log goes away: it serves, and says things to nobody", node.is_ready())
    started.terminate()
    o.checks.equal("and ends in an orderly way", started.wait(60), 0)


def signals(o):
    o.booked("signals", "stay")
    for one in NOBODYS:
        o.node.process.send_signal(one)
    o.book_one(1)
    o.checks.check("signals that are nobody's end nothing", o.node.alive())
    for stops in (signal.SIGQUIT, signal.SIGPWR, signal.SIGXCPU, signal.SIGINT):
        o.node.process.send_signal(stops)
        o.checks.equal(f"{stops.name} is an orderly stop", o.node.wait(), 0)
        o.node.start().ready()
    o.node.stop()

    def held_back():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})

    o.node.process = subprocess.Popen(command_of(o.node), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=held_back)
    o.node.started, o.node.log_from = time.monotonic(), 0
    o.node.ready()
    o.checks.equal("SIGTERM stops a node that was started with it held back", o.node.stop(), 0)
    o.all_there("after it")


def no_standard_streams(o):
    """Descriptors that are closed would be taken by the next file that is opened: lines of the log would stand in the store."""
    o.booked("closed", "stop")
    for words, closed in (("stdout and stderr", ">&- 2>&-"), ("all three standard streams", "<&- >&- 2>&-"), ("stderr", "2>&-"), ("stdin", "<&-"),
                          ("nothing, but stdout and stderr are on a full disk,", ">/dev/full 2>/dev/full")):
        node = started_by(o, f'exec "$@" {closed}')
        o.book_one(1)
        node.process.send_signal(signal.SIGHUP)
        o.checks.check(f"a node that was started with {words} closed serves", node.is_ready())
        o.checks.equal("and stops in an orderly way", node.stop(), 0)
        with open(os.path.join(node.data, "store", "CURRENT"), "rb") as current:
            o.checks.check("and nothing is written into its files but what belongs there", current.read().startswith(b"MANIFEST-"))
    done = call("sh", "-c", 'exec "$@" >/dev/full', "sh", program("janjid"), "--check-config")
    o.checks.check("a configuration that cannot be shown is no success", done.code == 2 and "cannot be written" in done.err, done)
    done = call("sh", "-c", 'exec "$@" >/dev/full', "sh", program("janjid"), "--help")
    o.checks.check("nor is a help that cannot be", done.code == 2, done)
    done = call("sh", "-c", 'exec "$@" >&- 2>&-', "sh", program("janjid"), "--data", "/dev/null/no", "--port", "0", "--admin-port", "0")
    o.checks.equal("a start that is refused where nobody can be told ends with its code", done.code, 2)
    o.node.start().ready()
    o.node.kill()
    o.all_there("after it")


def log_that_nobody_reads(o):
    """Its stderr is a pipe that is full, and whoever holds its other end does not read: neither serving nor stopping waits for that."""
    o.booked("unread", "stop")
    for words, both in (("stderr", False), ("stdout and stderr", True)):
        reads, writes = os.pipe()
        fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writes, False)
        try:
            while os.write(writes, b"x" * 512):
                pass
        except BlockingIOError:
            os.set_blocking(writes, True)
        node = o.node
        node.process = subprocess.Popen([*command_of(node), "--log-level", "debug", "--set", "stop.limit_ms=5000"],
                                        stdout=writes if both else subprocess.DEVNULL, stderr=writes)
        node.started, node.log_from = time.monotonic(), 0
        node.ready()
        body, key, _ = o.acknowledged[0]
        for _ in range(200):
            book(node, body, key)
        o.book_one(2)
        node.process.send_signal(signal.SIGHUP)
        o.checks.check(f"whoever holds a node's {words} does not read: it serves and books", node.is_ready())
        begun = time.monotonic()
        node.process.terminate()
        o.checks.equal("and stops in an orderly way", node.wait(), 0)
        o.checks.check("within its limit", time.monotonic() - begun < 8 * SLOW, time.monotonic() - begun)
        told = subprocess.Popen([*command_of(node), "--set", "node.shards=3"], stdout=writes, stderr=writes)
        o.checks.equal("a start that is refused does not wait for who is told", told.wait(30 * SLOW), 2)
        os.close(writes)
        os.close(reads)
    o.all_there("after it")


def log_that_is_read_late(o):
    """Lines that nobody read in time are counted, and the count is said when they are read again."""
    o.booked("late", "stop")
    node = o.node
    node.process = subprocess.Popen([*command_of(node), "--log-level", "debug"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    node.started, node.log_from = time.monotonic(), 0
    node.ready()
    fcntl.fcntl(node.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
    body, key, _ = o.acknowledged[0]
    for _ in range(5000):  # each has a line, and 4,096 of them wait
        book(node, body, key)
    said = []
    reader = threading.Thread(target=lambda: said.extend(node.process.stderr.read().decode(errors="replace").splitlines()))
    reader.start()
    node.process.terminate()
    o.checks.equal("a node whose log is read late stops in an orderly way", node.wait(), 0)
    reader.join()
    o.checks.check("the last line is there, and how many were dropped", said[-1].endswith("stopped") and
                   any("lines were dropped before this one" in line for line in said), said[-3:])
    o.all_there("after it")


def nobody_elses_files(o):
    o.booked("private", "stay")
    open_to_others = []
    for where, names, files in os.walk(o.node.data):
        for name in names + files:
            path = os.path.join(where, name)
            if stat.S_IMODE(os.lstat(path).st_mode) & 0o077:
                open_to_others.append(path)
    o.checks.check("no file of a node can be read by others", not open_to_others, open_to_others[:5])
    with open(f"/proc/{o.node.process.pid}/limits") as limits:
        core = next(line.split()[4] for line in limits if line.startswith("Max core file size"))
    o.checks.equal("it writes no core, which would hold keys and names", core, "0")
    out = o.checks.path("exported.jsonl")
    done = o.node.ctl("export", "--to", out)
    o.checks.check("nor what is exported", done.code == 0 and stat.S_IMODE(os.stat(out).st_mode) == 0o600, done)
    o.node.kill()
    alone = Node(o.checks, "private-new", o.checks.path("made", "by", "itself"))
    alone.start(make=False).ready()
    o.checks.equal("a directory that a node makes is nobody else's", stat.S_IMODE(os.stat(alone.data).st_mode), 0o700)
    alone.kill()


def a_stranger_has_its_port(o):
    """A node died, its file of ports is still there, and somebody else listens where it did."""
    o.booked("stranger", "stay")
    port = o.node.admin_port
    ports = o.path("janjid.ports")
    o.node.kill()
    o.checks.check("a node that died leaves its file of ports", os.path.exists(ports))
    heard = []
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        other.settimeout(3)

        def listen():
            try:
                heard.append(other.accept()[0].recv(4096))
            except OSError:
                pass

        thread = threading.Thread(target=listen)
        thread.start()
        done = o.node.ctl("status")
        other.shutdown(socket.SHUT_RDWR)
        thread.join()
    o.checks.check("who has its port since is sent nothing, and the operator is told that no node runs", not heard and done.code == 2 and
                   "is of one that has ended" in done.err, (heard, str(done)))
    o.node.start().ready()
    o.checks.equal("the next start is found", o.node.ctl("status").code, 0)
    o.checks.equal("it stops in an orderly way", o.node.stop(), 0)
    o.checks.check("and takes the file with it", not os.path.exists(ports))


ROWS = [log_reader_goes_away, no_standard_streams, log_that_nobody_reads, log_that_is_read_late, signals, nobody_elses_files, a_stranger_has_its_port]
