"""Starts whose settings contradict what the data was written as: refused in one sentence, with nothing left behind."""
import base64
import hashlib
import os

from node import Node, call, program


def tree_of(directory):
    """Everything a directory holds: names, modes, when written, what is in them."""
    found = {}
    for where, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(where, name)
            at = os.stat(path)
            with open(path, "rb") as file:
                found[os.path.relpath(path, directory)] = (at.st_mode, at.st_mtime_ns, at.st_size, hashlib.sha256(file.read()).hexdigest())
    return found


def held_in(etcd, prefix="/janji/"):
    """All keys of etcd below a prefix, with their values."""
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    asked = {"key": base64.b64encode(prefix.encode()).decode(), "range_end": base64.b64encode(end.encode()).decode()}
    return {base64.b64decode(kv["key"]).decode(): base64.b64decode(kv.get("value", "")).decode() for kv in etcd.ask("/v3/kv/range", asked).get("kvs", [])}


def put_in(etcd, name, text):
    etcd.ask("/v3/kv/put", {"key": base64.b64encode(name.encode()).decode(), "value": base64.b64encode(text.encode()).decode()})


def take_from(etcd, name):
    etcd.ask("/v3/kv/deleterange", {"key": base64.b64encode(name.encode()).decode()})


def words(settings):
    return [w for name, value in settings.items() for w in ("--set", f"{name}={value}")]


def refused(checks, what, data, settings, needles, master, etcd=None):
    """Ends with 2 and one sentence that has all of the needles; data and etcd are as before, and no file says where it would listen.
    `etcd`: one in which nobody else writes meanwhile."""
    ports = os.path.join(data, "janjid.ports")
    if os.path.exists(ports):
        os.remove(ports)  # of a node that was killed
    before, kept = tree_of(data), held_in(etcd) if etcd else {}
    node = Node(checks, f"refused-{len(checks.nodes)}", data=data)
    node.start(*words(settings), environment={"JANJI_MASTER_KEY": master} if master else None)
    ended = node.wait(60)
    said = [line for line in node.stderr().splitlines() if line and not line.startswith("[20")]
    checks.check(f"{what}: refused in one sentence that names both sides",
                 ended == 2 and len(said) == 1 and said[0].startswith("janjid: ") and all(n in said[0] for n in needles), (ended, node.stderr()[-600:], needles))
    after = tree_of(data)
    changed = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
    checks.check(f"{what}: nothing is left behind", not changed and (not etcd or held_in(etcd) == kept), (changed, sorted(kept)))


def checked(checks, what, data, settings, needle):
    """--check-config says the same; none: that it agrees."""
    done = call(program("janjid"), "--data", data, *words(settings), "--check-config")
    good = done.code == 0 and not done.err if needle is None else done.code == 2 and needle in done.err
    checks.check(f"{what}: janjid --check-config says so", good, done)
