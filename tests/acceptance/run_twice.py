"""./run as a newcomer uses it, twice on one data directory."""
import os
import re
import signal
import subprocess

from checks import run, wait_until
from node import ROOT, call, ctl
from http_client import request

QUICK_S = 10


def last_line(done):
    return done.out.strip().splitlines()[-1] if done.out.strip() else ""


def seconds_to_start(out):
    """From built to started, as ./run says."""
    at = {word: int(s) for word, s in re.findall(r"^run: (\w+) \((\d+) s\)$", out, flags=re.M)}
    return at["started"] - at["built"] if {"built", "started"} <= set(at) else 10 ** 6


def options(checks):
    done = call(f"{ROOT}/run", "--help")
    checks.check("./run --help names its options", done.code == 0 and all(o in done.out for o in ("--port", "--data", "--fresh")), done)
    for words, arguments in (("an unknown option", ["--fast"]), ("a port that is none", ["--port", "http"]), ("a value left out", ["--data"])):
        done = call(f"{ROOT}/run", *arguments)
        checks.check(f"./run with {words} says so and ends with 2", done.code == 2 and done.err.startswith("run: "), done)


def twice(checks):
    data = checks.path("data")
    for number in (1, 2):
        done = call(f"{ROOT}/run", "--check", "--data", data, seconds=900)
        checks.check(f"./run, time {number}: the printed lines work, it stops, the audit is clean", done.code == 0 and
                     re.fullmatch(r"\d+ passed, 0 failed", last_line(done)), done)
        report = ctl("--data", data, "--output", "json", "audit").json()
        checks.equal(f"bookings kept after time {number}", report.get("live"), number)
        seconds = seconds_to_start(done.out)
        checks.check(f"it started quickly, time {number} ({seconds} s)", seconds <= QUICK_S, done)


def serves_until_it_is_stopped(checks):
    data, out = checks.path("data"), checks.path("run.out")
    with open(out, "wb") as file:
        process = subprocess.Popen([f"{ROOT}/run", "--data", data, "--port", "0", "--admin-port", "0"], stdout=file, stderr=file)
    checks.undo.append(lambda: process.poll() is None and (process.terminate(), process.wait(30)))

    def said():
        with open(out) as text:
            return text.read()

    wait_until(lambda: "To stop:" in said() or process.poll() is not None, 300, "./run serves")
    port = re.search(r"open http://127\.0\.0\.1:(\d+)/ and book", said())
    checks.check("./run prints where it serves", port, said())
    checks.check("and serves there", request(int(port.group(1)), "GET", "/api/v1/rounds").status == 200)
    page = request(int(port.group(1)), "GET", "/")
    checks.check("whoever opens that address sees a page", page.status == 200 and b"<h1>" in page.body, page.status)
    lines = [line for line in said().splitlines() if " curl " in line]
    checks.check("with three lines that can be pasted, where the data is and how to stop it", len(lines) == 3 and data in said() and
                 f"kill {process.pid}" in said(), said())
    other = call(f"{ROOT}/run", "--check", "--data", data, seconds=300)
    checks.check("a second ./run on the same data is refused", other.code == 1 and "serving" in other.err, other)
    process.send_signal(signal.SIGTERM)
    checks.equal("stopped, it ends with 0", process.wait(60), 0)
    checks.check("and says where the bookings are", "stopped; the bookings are in" in said(), said()[-400:])
    checks.equal("the bookings are kept", ctl("--data", data, "--output", "json", "audit").json().get("live"), 2)


def parts(checks):
    if os.environ.get("JANJI_BUILD") not in (None, "", "release"):
        return checks.skip("./run", "it builds and starts the release build only")
    checks.part(options, checks)
    checks.part(twice, checks)
    checks.part(serves_until_it_is_stopped, checks)


if __name__ == "__main__":
    run("run", parts)
