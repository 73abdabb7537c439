"""One janjid under test, and janjictl beside it."""
import contextlib
import json
import os
import signal
import subprocess
import time

from checks import Stop, wait_until
from http_client import request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("JANJI_BUILD") or "release"
APPS = os.path.join(ROOT, "build", BUILD, "apps")
SLOW = 1 if BUILD == "release" else 8  # sanitizers take their time


def program(name):
    for place in (os.path.join(APPS, name), os.path.join(APPS, "load", name)):
        if os.path.exists(place):
            return place
    raise Stop(f"{APPS}/{name} is not built")


def last_lines(path, count=12):
    with open(path, errors="replace") as text:
        return "".join(text.readlines()[-count:])


class Node:
    """Ends with the program, whatever becomes of the checks: finish() kills what is left by its pid."""

    def __init__(self, checks, name="data", data=None):
        self.data = data or checks.path(name)
        self.log = checks.path(f"{name}.stderr")
        self.out = checks.path(f"{name}.stdout")
        self.process = None
        self.port = self.admin_port = 0
        self.enter = ()  # what puts a command where this node runs
        self.janjid = program("janjid")
        checks.nodes.append(self)

    def start(self, *arguments, environment=None, before=(), make=True):
        """Starts without waiting. Low-disk refusals are off unless asked for: the machine's disk is not what is tested."""
        if make:
            os.makedirs(self.data, exist_ok=True)
        try:
            os.remove(os.path.join(self.data, "janjid.ports"))
        except OSError:
            pass
        command = [*before, self.janjid, "--data", self.data]
        for option, value in (("--port", "0"), ("--admin-port", "0")):
            if option not in arguments:
                command += [option, value]
        if not any("disk_low_mark" in a for a in arguments):
            command += ["--set", "store.disk_low_mark=0", "--set", "store.ballast_mb=0"]
        command += arguments
        self.started = time.monotonic()
        with open(self.out, "ab") as out, open(self.log, "ab") as log:
            self.log_from = log.tell()
            self.process = subprocess.Popen(command, stdout=out, stderr=log, env={**os.environ, **(environment or {})})
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def read_ports(self):
        try:
            with open(os.path.join(self.data, "janjid.ports")) as file:
                ports = json.load(file)
        except (OSError, ValueError):
            return False
        self.port, self.admin_port = ports["port"], ports["admin_port"]
        return True

    def is_ready(self):
        if not self.alive():
            raise Stop(f"janjid ended with {self.process.returncode}: {self.stderr()}")
        if not self.read_ports():
            return False
        try:
            return request(self.admin_port, "GET", "/readyz").status == 200
        except OSError:
            return False

    def ready(self, seconds=60):
        wait_until(self.is_ready, seconds * SLOW, "janjid is ready")
        self.ready_s = time.monotonic() - self.started
        return self

    def stderr(self):
        """What this start has said so far."""
        with open(self.log, "rb") as log:
            log.seek(self.log_from)
            return log.read().decode(errors="replace")

    def wait(self, seconds=30):
        try:
            return self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired as late:
            raise Stop(f"janjid did not end: {self.stderr()[-500:]}") from late

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        if self.alive():
            self.process.kill()
            self.process.wait()

    def memory_mb(self):
        """What of it is in memory."""
        with open(f"/proc/{self.process.pid}/status") as text:
            return next(int(line.split()[1]) // 1024 for line in text if line.startswith("VmRSS"))

    def token(self):
        with open(os.path.join(self.data, "admin.token")) as file:
            return file.read().strip()

    def admin(self, method, path, body=None):
        return request(self.admin_port, method, path, body, {"Authorization": f"Bearer {self.token()}"})

    def ctl(self, *arguments, **options):
        return call(*self.enter, program("janjictl"), "--data", self.data, *arguments, **options)


@contextlib.contextmanager
def held(node):
    """Nothing of a node runs meanwhile; one that does not run is left alone. A signal that stops is sent, not obeyed, when kill() returns: on
    a busy machine a thread writes on for a while."""
    def state(task):
        try:
            with open(f"/proc/{node.process.pid}/task/{task}/stat") as text:
                return text.read().rpartition(")")[2].split()[0]
        except OSError:
            return "gone"

    alive = node.alive()
    if alive:
        node.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: all(state(t) == "T" for t in os.listdir(f"/proc/{node.process.pid}/task")), 20, "the node is held")
    try:
        yield
    finally:
        if alive:
            node.process.send_signal(signal.SIGCONT)


class Ended:
    """What a program that has ended said."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            return {}

    def __str__(self):
        return f"exit {self.code}, stdout {self.out[-600:]!r}, stderr {self.err[-600:]!r}"


def call(*command, seconds=120, environment=None):
    done = subprocess.run(command, capture_output=True, timeout=seconds * SLOW, env={**os.environ, **(environment or {})})
    return Ended(done)


def ctl(*arguments, seconds=120, environment=None):
    return call(program("janjictl"), *arguments, seconds=seconds, environment=environment)


def load(*arguments, seconds=300):
    return call(program("janji-load"), *arguments, seconds=seconds)
