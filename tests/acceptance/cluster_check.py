"""`janjictl check` says what is so, also where what is shown looks well: a directory that somebody has removed, shards that give no answer,
a clock that was set while the node ran, an etcd that is full."""
import base64
import glob
import os
import signal

from checks import wait_until
from cluster import begin, whole
from node import SLOW


def says(c, i, words, seconds=60):
    """The answer of `check` at a node once all the words are in it, with its exit code."""
    last = []

    def said():
        last[:] = [c.nodes[i].ctl("check")]
        return last[0] if all(w in last[0].out for w in words) else None

    try:
        return wait_until(said, seconds * SLOW, "")
    except Exception as late:
        raise type(late)(f"check never said {words}: {last[0]}") from None


def wrong(c, i, line, words):
    done = says(c, i, [line, *words])
    named = [t for t in done.out.splitlines() if line in t]
    return done.code != 0 and any(t.startswith("WRONG") for t in named) and not done.out.rstrip().endswith("healthy"), done


def fine_again(c, words):
    wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas")
    wait_until(lambda: c.nodes[0].ctl("check").code == 0, 60 * SLOW, words)


def a_removed_directory(c):
    three = c.nodes[2]
    os.rename(three.data, three.data + ".away")
    try:
        c.checks.check("a directory that was taken away is named by check at another node",
                       *wrong(c, 0, "directories", ["node 3", "cannot be found"]))
        os.mkdir(three.data)
        c.checks.check("and another one in its place is not taken for it", *wrong(c, 0, "directories", ["node 3", "another directory"]))
        os.rmdir(three.data)
    finally:
        os.rename(three.data + ".away", three.data)
    fine_again(c, "and nothing is wrong when it is back")


def shards_without_a_quorum(c):
    for node in c.nodes[1:]:
        node.process.send_signal(signal.SIGSTOP)
    try:
        good, done = wrong(c, 0, "shards answer", ["no answer from"])
        c.checks.check("shards that cannot answer are named", good and done.out.rstrip().endswith("broken"), done)
    finally:
        for node in c.nodes[1:]:
            node.process.send_signal(signal.SIGCONT)
    fine_again(c, "and nothing is wrong when their nodes go on")


def a_clock_that_is_set(c):
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library:
        return c.checks.skip("a clock that is set", "faketime is not installed")
    three, stamp = c.nodes[2], c.checks.path("clock")
    with open(stamp, "w") as out:
        out.write("+0s\n")
    c.checks.equal("a node stops in an orderly way", three.stop(), 0)
    c.start(2, before=("env", f"LD_PRELOAD={library[0]}", f"FAKETIME_TIMESTAMP_FILE={stamp}", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"))
    wait_until(lambda: c.ready(2), 60 * SLOW, "it is back, with its clock right")
    fine_again(c, "a clock that is right is no matter")
    with open(stamp, "w") as out:
        out.write("+600s\n")
    good, done = wrong(c, 0, "clocks", ["ahead of this node's: 3: "])
    ahead = float(done.out.split("ahead of this node's: 3: ")[1].split()[0])
    c.checks.check("a clock that is set while the node runs is named, with how far", good and 590 < ahead < 610, done)
    with open(stamp, "w") as out:
        out.write("+0s\n")
    fine_again(c, "and no more when it is right again")


def a_full_etcd(c):
    junk = base64.b64encode(os.urandom(200_000)).decode()
    for n in range(200):
        answer = c.etcd.ask("/v3/kv/put", {"key": base64.b64encode(b"junk%d" % n).decode(), "value": junk})
        if "exceeded" in str(answer):
            break
    c.checks.check("etcd is full", "exceeded" in str(answer), answer)
    c.checks.check("an etcd that takes no more is named, though it still shows what it holds", *wrong(c, 0, "store takes writes", ["space exceeded"]))


def truth(checks):
    os.environ["ETCD_QUOTA_BACKEND_BYTES"] = str(8 << 20)
    try:
        c = begin(checks, "truth")
    finally:
        del os.environ["ETCD_QUOTA_BACKEND_BYTES"]
    fine_again(c, "a cluster that is well finds nothing wrong with itself")
    a_removed_directory(c)
    shards_without_a_quorum(c)
    a_clock_that_is_set(c)
    a_full_etcd(c)
    for node in c.nodes:
        node.kill()
    c.etcd.kill()
