"""Keys of a cluster whose etcd was put back to before a round: nodes put them back from their disks, none is made anew, and one person
cannot book twice. A key file of somebody else is refused."""
import shutil

from checks import wait_until
from citizens import People, book, booking, confirmed
from cluster import Cluster, whole
from cluster_parts import MASTER, open_demo_round
from http_client import request
from node import SLOW, Node

PLACE = ("WTCKL", "2021-06-08")


def exchange_etcd(c, data):
    c.etcd.kill()
    shutil.rmtree(c.etcd.data)
    shutil.copytree(data, c.etcd.data)
    c.etcd.start()


def answer_of(node, person):
    """What a person who asks to book is told, once anything is known."""
    def known():
        said = book(node, booking(PLACE, person))
        return said if said.status not in (429, 503, 504) else None
    return wait_until(known, 60 * SLOW, "a booking is answered")


def etcd_of_before(c):
    checks = c.checks
    wait_until(lambda: whole(c), 60 * SLOW, "every shard is on three replicas")
    before = checks.path("keys-etcd-before")
    c.etcd.kill()
    shutil.copytree(c.etcd.data, before)
    c.etcd.start()
    open_demo_round(c.nodes, [lambda path, n=n: request(n.port, "GET", path) for n in c.nodes], c.all_ready)
    person = People(checks.random).one()
    confirmed(c.nodes[0], booking(PLACE, person))
    for i, n in enumerate(c.nodes):
        checks.equal(f"node {i + 1} stops in an orderly way", n.stop(), 0)
    exchange_etcd(c, before)
    shutil.rmtree(c.nodes[2].data)
    for i in range(3):
        c.start(i)
    c.all_ready()
    wait_until(lambda: whole(c), 90 * SLOW, "every shard is on three replicas again, one of them on a new disk")
    told = [answer_of(n, person) for n in (c.nodes[2], c.nodes[0])]
    checks.check("after etcd was put back to before the round, a person who has a booking is told so at every node, one with a new disk too",
                 all(a.status == 409 and a.json().get("code") == "already_booked" for a in told), told)
    other = People(checks.random).one()
    checks.equal("and others book there", answer_of(c.nodes[2], other).status, 201)


def keys_of_others(c):
    checks, three = c.checks, c.nodes[2]
    stranger = Node(checks, "keys-stranger").start(environment={"JANJI_MASTER_KEY": MASTER}).ready()
    checks.equal("a stranger stops", stranger.stop(), 0)
    checks.equal("node 3 stops", three.stop(), 0)
    own = f"{three.data}/keys"
    shutil.copy(own, f"{own}.kept")
    shutil.copy(f"{stranger.data}/keys", own)
    c.start(2, listens=False)
    ended = three.wait(60)
    checks.check("a key file that is not the store's is refused", ended == 2 and "is not the key file that the store" in three.stderr(),
                 (ended, three.stderr()[-400:]))
    shutil.copy(f"{own}.kept", own)
    c.start(2)
    wait_until(lambda: c.ready(2) and whole(c), 90 * SLOW, "with its own it comes back")
    checks.check("with its own key file it comes back", True)


def keys(checks):
    c = Cluster(checks, "keys")
    etcd_of_before(c)
    keys_of_others(c)
    for n in c.nodes:
        n.kill()
    c.etcd.kill()
