"""What a node is as a process: who reads its log and goes away, who sends it signals, who else may read what it writes, who has its port
when it has died."""
import os
import signal
import socket
import stat
import subprocess
import threading
import time

from node import Node, program


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
    for one in (signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGXFSZ):
        o.node.process.send_signal(one)
    o.book_one(1)
    o.checks.check("signals that are nobody's end nothing", o.node.alive())
    o.node.process.send_signal(signal.SIGQUIT)
    o.checks.equal("SIGQUIT is an orderly stop", o.node.wait(), 0)
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


ROWS = [log_reader_goes_away, signals, nobody_elses_files, a_stranger_has_its_port]
