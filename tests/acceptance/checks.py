"""Named checks that are counted and said, one line each, and the one line at the end that ./test adds up."""
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback


class Stop(Exception):
    """Something without which the rest of a part makes no sense."""


def wait_until(condition, seconds, what):
    """Polls until condition() is true and returns what it said; a bound, never a sleep of a fixed length."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Stop(f"not within {seconds} s: {what}")
        time.sleep(0.01)


class Checks:
    def __init__(self, name):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.begun = time.monotonic()
        self.seed = int(os.environ.get("JANJI_STEP_SEED") or random.SystemRandom().randrange(1 << 32))
        self.random = random.Random(self.seed)
        self.directory = tempfile.mkdtemp(prefix=f"janji-{name}-")
        self.nodes = []
        self.undo = []
        print(f"seed {self.seed} (again: JANJI_STEP_SEED={self.seed})", flush=True)

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def check(self, words, good, detail=""):
        """What a citizen or an operator would have seen; detail is shown when it is not so."""
        if good:
            self.passed += 1
            print(f"ok      {words}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {words}: {str(detail)[:1500]}", flush=True)
        return bool(good)

    def equal(self, words, found, expected):
        return self.check(words, found == expected, f"found {found!r}, expected {expected!r}")

    def skip(self, words, reason):
        self.skipped += 1
        print(f"skipped {self.name}: {words}: {reason}", flush=True)

    def say(self, words):
        print(f"        {words}", flush=True)

    def part(self, function, *arguments):
        """Runs one part; what it throws is one failure, and the others go on. Says how long it took."""
        begun = time.monotonic()
        try:
            function(*arguments)
        except Stop as stop:
            self.check(function.__name__.replace("_", " "), False, stop)
        except Exception:  # noqa: BLE001 a part that breaks down is a failure like any other
            self.check(function.__name__.replace("_", " "), False, traceback.format_exc())
        self.say(f"{function.__name__} took {time.monotonic() - begun:.1f} s")

    def finish(self):
        for node in self.nodes:
            node.kill()
        for undo in reversed(self.undo):
            undo()
        keep = os.environ.get("JANJI_KEEP") and (self.failed > 0 or os.environ["JANJI_KEEP"] == "always")
        if keep:
            print(f"kept: {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
        if self.failed:
            print(f"with seed {self.seed}")
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"took {time.monotonic() - self.begun:.0f} s")
        print(f"{self.name}: {self.passed} passed, {self.failed} failed{skipped}", flush=True)
        return 0 if self.failed == 0 and self.passed + self.skipped > 0 else 1


def interrupted(*_):
    raise KeyboardInterrupt  # ends what was started, as Ctrl-C does


def run(name, parts):
    """The whole of a program: its parts one after the other, and an orderly end whatever happens."""
    checks = Checks(name)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        parts(checks)
    except KeyboardInterrupt:
        checks.check("ran to its end", False, "interrupted")
    except Exception:  # noqa: BLE001
        checks.check("ran to its end", False, traceback.format_exc())
    sys.exit(checks.finish())
