"""What can befall a cluster in the laboratory. Each begins when it is called and returns what ends it."""
import base64
import glob
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys

from lab import CITIZENS, ETCD_QUOTA_BYTES, LINKS, MASTER, Host, must
from checks import Stop, wait_until
from node import Node, held

RELAY_PORT, RELAY_USER = 9999, 65534
COPIES_IP = "10.0.0.200"


class Faults:
    def __init__(self, cluster):
        self.c = cluster
        self.copies = None  # the host at which copies of disks are started

    def others(self, i):
        return [h.ip for k, h in enumerate(self.c.hosts) if k != i]

    # ---- processes
    def killed(self, i):
        """kill -9"""
        self.c.kill(i)
        return lambda: self.c.start(i)

    def frozen(self, i):
        """SIGSTOP"""
        pid = self.c.nodes[i].process.pid
        os.kill(pid, signal.SIGSTOP)
        return lambda: os.kill(pid, signal.SIGCONT)

    def stopped(self, i):
        """an orderly stop, as in a rolling restart"""
        code = self.c.nodes[i].stop()
        if code != 0:
            raise Stop(f"node {i + 1} ended with {code}: {self.c.nodes[i].stderr()[-500:]}")
        return lambda: self.c.start(i)

    def wiped(self, i):
        """kill -9, and the disk is lost"""
        self.c.wait_whole()  # as below
        self.c.kill(i)
        self.empty(self.c.nodes[i].data)
        return lambda: self.c.start(i)

    def zone_lost(self, i):
        """a whole zone is lost: kill -9 of its nodes and of its member of etcd"""
        zone = [k for k in range(len(self.c.nodes)) if k % 3 == i % 3]
        for k in zone:
            self.c.kill(k)
        back = self.etcd_member_killed(i)

        def heal():
            back()
            for k in zone:
                self.c.start(k)
        return heal

    # ---- the network
    def cut_off(self, i):
        """both ways from all other nodes, etcd and citizens"""
        h = self.c.hosts[i]
        undo = [h.rule("INPUT", "!", "-i", "lo", "-j", "DROP"), h.rule("OUTPUT", "!", "-o", "lo", "-j", "DROP")]
        return lambda: [u() for u in undo]

    def cut_from_nodes(self, i):
        """both ways from the other nodes only"""
        h = self.c.hosts[i]
        undo = [u for ip in self.others(i) for u in (h.rule("INPUT", "-s", ip, "-j", "DROP"), h.rule("OUTPUT", "-d", ip, "-j", "DROP"))]
        return lambda: [u() for u in undo]

    def cut_one_pair(self, i):
        """both ways between two nodes"""
        j = (i + 1) % len(self.c.hosts)
        h, ip = self.c.hosts[i], self.c.hosts[j].ip
        undo = [h.rule("INPUT", "-s", ip, "-j", "DROP"), h.rule("OUTPUT", "-d", ip, "-j", "DROP")]
        return lambda: [u() for u in undo]

    def deaf(self, i):
        """one way: it hears no other node, they hear it"""
        return self.c.hosts[i].deaf_to(*self.others(i))

    def mute(self, i):
        """one way: no other node hears it, it hears them"""
        undo = [h.deaf_to(self.c.hosts[i].ip) for k, h in enumerate(self.c.hosts) if k != i]
        return lambda: [u() for u in undo]

    def lossy(self, i):
        """one packet in ten is lost"""
        return self.c.hosts[i].rule("INPUT", "!", "-i", "lo", "-m", "statistic", "--mode", "random", "--probability", "0.1", "-j", "DROP")

    def narrow(self, i):
        """two megabits a second"""
        h = self.c.hosts[i]
        h.run("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "2mbit", "burst", "32k", "latency", "400ms")
        return lambda: h.run("tc", "qdisc", "del", "dev", "eth0", "root")

    def slow(self, i):
        """links delayed by 30 to 80 ms"""
        return self.relayed(i, "--delay-ms", "30", "--jitter-ms", "50")

    def half_open(self, i):
        """links whose far end goes away without a word, every two seconds"""
        return self.relayed(i, "--half-open-after", "2")

    def relayed(self, i, *options):
        h = self.c.hosts[i]
        command = [*h.inside, "setpriv", f"--reuid={RELAY_USER}", f"--regid={RELAY_USER}", "--clear-groups", sys.executable, "-B",
                   os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py"), "--port", str(RELAY_PORT), *options]
        relay = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.c.checks.undo.append(relay.kill)
        if relay.stdout.readline() != b"listens\n":
            raise Stop("the relay does not listen")
        to_links, to_relay = ("-p", "tcp", "--dport", str(LINKS)), ("-j", "REDIRECT", "--to-port", str(RELAY_PORT))
        undo = [h.rule("OUTPUT", "!", "-o", "lo", *to_links, "-m", "owner", "!", "--uid-owner", str(RELAY_USER), *to_relay, table="nat"),
                h.rule("PREROUTING", *to_links, *to_relay, table="nat")]
        self.break_links(h)

        def heal():
            for u in undo:
                u()
            relay.kill()
            relay.wait()
        return heal

    @staticmethod
    def break_links(host):
        """So that they are made again, through the relay or without it."""
        host.run("ss", "-K", "dport", "=", str(LINKS))
        host.run("ss", "-K", "sport", "=", str(LINKS))

    # ---- etcd
    def etcd_cut_from(self, i):
        """etcd cut off from one node"""
        return self.c.hosts[i].deaf_to(*[m.ip for m in self.c.etcd.members])

    def etcd_cut_from_all(self, _):
        """etcd cut off from all nodes"""
        ips = [m.ip for m in self.c.etcd.members]
        undo = [h.deaf_to(*ips) for h in self.c.hosts]
        return lambda: [u() for u in undo]

    def etcd_member_killed(self, i):
        """kill -9 of a member of etcd"""
        k = i % len(self.c.etcd.members)
        self.c.etcd.kill(k)
        return lambda: self.c.etcd.start(k)

    def etcd_member_frozen(self, i):
        """a member of etcd is frozen, its connections stay open"""
        process = self.c.etcd.processes[i % len(self.c.etcd.members)]
        process.send_signal(signal.SIGSTOP)
        return lambda: process.send_signal(signal.SIGCONT)

    def etcd_member_isolated(self, i):
        """a member of etcd is cut off from the other members, not from the nodes"""
        members = self.c.etcd.members
        member = members[i % len(members)]
        undo = [u for m in members if m is not member
                for u in (member.rule("INPUT", "-s", m.ip, "-j", "DROP"), member.rule("OUTPUT", "-d", m.ip, "-j", "DROP"))]
        return lambda: [u() for u in undo]

    def etcd_full(self, _):
        """etcd is full"""
        etcd, piece = self.c.etcd, base64.b64encode(b"\0" * (1 << 20)).decode()
        for n in range(2 * ETCD_QUOTA_BYTES >> 20):
            if "header" not in etcd.ask("/v3/kv/put", {"key": base64.b64encode(b"filler%d" % n).decode(), "value": piece}):
                break
        wait_until(etcd.alarms, 30, "etcd raises its alarm")
        return etcd.make_room

    # ---- disks
    def removed_directory(self, i):
        """the directory of a running node is removed"""
        self.c.wait_whole()  # as below
        node = self.c.nodes[i]
        self.empty(node.data)

        def heal():
            if node.alive():
                self.c.kill(i)
            else:
                self.ended_as_expected(i, {2, 3})
            self.c.start(i)
        return heal

    def rolled_back(self, i):
        """a disk is put back as it was before"""
        before = self.copy_of_disk(i)

        def heal():
            # A shard that has dropped a slow replica would be left with one disk, which is an operator's to decide about.
            self.c.wait_whole()
            self.c.kill(i)
            self.empty(self.c.nodes[i].data)
            shutil.copytree(before, self.c.nodes[i].data, dirs_exist_ok=True)
            shutil.rmtree(before)
            self.c.start(i)
        return heal

    def rolled_back_starts(self, i):
        """a disk is put back as it was before its node's last start or last two"""
        heal = self.rolled_back(i)
        for _ in range(self.c.checks.random.choice((1, 2))):
            self.stopped(i)()
            wait_until(lambda: self.c.ready(i), 60, f"node {i + 1} is ready")
        return heal

    def cloned(self, i):
        """a copy of a disk is started beside its original, and refused"""
        copy = self.start_copy(i, self.copy_of_disk(i))
        self.refused(copy, "the copy of a disk")
        return lambda: shutil.rmtree(copy.data)

    def cloned_first(self, i):
        """a copy of a disk is started in place of its original, which is started after it, and refused"""
        self.stopped(i)
        copy = self.start_copy(i, self.copy_of_disk(i))
        host = self.host_of_copies()
        wait_until(lambda: self.c.serves(copy, host), 60, "the copy is ready")
        self.c.start(i)
        self.refused(self.c.nodes[i], "the original of a disk whose copy serves")

        def heal():
            copy.kill()
            shutil.rmtree(copy.data)
            self.c.start(i)
        return heal

    def copy_of_disk(self, i):
        """As of one moment, as a snapshot of a volume is: a running node is held while it is copied."""
        node, to = self.c.nodes[i], self.c.checks.path(f"copy{i + 1}")
        with held(node):
            shutil.copytree(node.data, to)
        return to

    def host_of_copies(self):
        if self.copies is None:
            self.copies = Host("copies", COPIES_IP)
        return self.copies

    def start_copy(self, i, data):
        node = Node(self.c.checks, f"copy{i + 1}", data)
        self.c.start_as(i, node, self.host_of_copies(), environment={"JANJI_MASTER_KEY": MASTER})
        return node

    @staticmethod
    def refused(node, what):
        """A start that does not go on beside another of the same identity, and says so."""
        wait_until(lambda: not node.alive(), 60, f"{what} is refused")
        if node.process.returncode != 2:
            raise Stop(f"{what} ended with {node.process.returncode}: {node.stderr()[-500:]}")

    @staticmethod
    def empty(directory):
        for name in os.listdir(directory):  # the directory may be a mount
            path = os.path.join(directory, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)

    def full(self, i):
        """a full disk (of a node whose data has a mount of its own)"""
        node = self.c.nodes[i]
        filler = os.path.join(self.c.nodes[i].data, "filler")
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(b"\0" * (1 << 20))
                    file.flush()
            except OSError:
                pass
        wait_until(lambda: not node.alive(), 60, f"node {i + 1} ends because its disk is full")
        self.ended_as_expected(i, {3})

        def heal():
            os.remove(filler)
            self.c.start(i)
        return heal

    def failing_syncs(self, i):
        """every sync of one node fails"""
        self.c.disks[i].failing()
        wait_until(lambda: not self.c.nodes[i].alive(), 30, f"node {i + 1} ends because its disk fails")

        def heal():
            if not self.ended_as_expected(i, {3}):
                raise Stop(f"node {i + 1} still runs")
            self.c.start(i)
        return heal

    def few_descriptors(self, i):
        """no more files and connections than one node has open just then, and strangers who want some"""
        node, ip = self.c.nodes[i], self.c.hosts[i].ip
        pid = node.process.pid
        free = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")), free[1]))
        strangers = [socket.socket() for _ in range(100)]
        for s in strangers:
            s.setblocking(False)
            s.connect_ex((ip, CITIZENS))

        def heal():
            for s in strangers:
                s.close()
            if self.ended_as_expected(i, {3}):  # its store could not open its next file
                return self.c.start(i)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, free)
        return heal

    def slow_disk(self, i):
        """every sync of one node takes 200 ms more"""
        self.c.disks[i].slow(200)
        return self.c.disks[i].healthy

    def hung_disk(self, i):
        """no sync of one node returns"""
        self.c.disks[i].hung()
        wait_until(lambda: self.c.disks[i].held > 0 or not self.c.nodes[i].alive(), 30, f"a sync of node {i + 1} hangs")
        return self.c.disks[i].healthy

    # ---- clocks
    def clock_step(self, i):
        """a clock is set two hours on or back, and right again"""
        file = self.c.checks.path(f"clock{i + 1}")

        def set_by(seconds):
            with open(f"{file}.new", "w") as out:
                out.write(f"{seconds:+d}s")
            os.rename(f"{file}.new", file)
        set_by(0)
        library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not library:
            raise Stop("faketime is not installed")
        self.restart_under(i, ("env", f"LD_PRELOAD={library[0]}", f"FAKETIME_TIMESTAMP_FILE={file}", "FAKETIME_NO_CACHE=1",
                               "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"))
        set_by(self.c.checks.random.choice((7200, -7200)))

        def heal():
            set_by(0)
            self.stopped(i)()
        return heal

    def restart_under(self, i, before):
        self.stopped(i)
        self.c.start(i, before=before)
        wait_until(lambda: self.c.ready(i), 60, f"node {i + 1} is ready")

    def ended_as_expected(self, i, codes):
        node = self.c.nodes[i]
        if node.alive():
            return False
        if node.process.returncode not in codes:
            raise Stop(f"node {i + 1} ended with {node.process.returncode}: {node.stderr()[-500:]}")
        return True


def small_disk(path, image, megabytes):
    """A file system of its own at `path`, to be filled; one that reserves nothing ahead."""
    os.makedirs(path, exist_ok=True)
    with open(image, "wb") as file:
        file.truncate(megabytes << 20)
    must("mkfs.ext2", "-q", "-m", "0", image)
    must("mount", "-o", "loop", image, path)
    lost_and_found = os.path.join(path, "lost+found")
    if os.path.isdir(lost_and_found):
        os.rmdir(lost_and_found)
