"""janji-load, each mode and option once, on a small round of its own."""
import json

from citizens import Round, day
from node import Node, load

PLACES = 240


def started(checks, name):
    node = Node(checks, name)
    node.start().ready()
    Round(checks.directory, name, [("MUAT", day(i), "09:00", "17:00", PLACES // 4) for i in range(4)]).open_on(node)
    return node, ("--target", f"http://127.0.0.1:{node.port}", "--quiet", "--output", "json", "--seed", str(checks.seed))


def book_browse_and_mixed(checks):
    node, common = started(checks, "mixed")
    record, export = checks.path("load.record"), checks.path("load.export")
    done = load("book", *common, "--requests", "60", "--connections", "4", "--record", record, "--people", "3", "--party-share", "0.2",
                "--retry-share", "0.3", "--cancel-share", "0.2", "--move-share", "0.2", "--second-share", "0.2", "--notes-bytes", "500",
                "--audit-admin", f"http://127.0.0.1:{node.admin_port}", "--admin-token-file", f"{node.data}/admin.token", "--audit-sample", "5")
    checks.check("janji-load book: all kinds of requests, and the node's audit at the end", done.code == 0, done)
    with open(record) as lines:
        kinds = {json.loads(line).get("o") for line in list(lines)[1:]}
    checks.check("the record has bookings, cancellations, moves and second tries", kinds == {"book", "cancel", "move", "second"}, kinds)
    exported = node.ctl("export", "--to", export)
    audited = load("audit", "--record", record, "--export", export, "--output", "json")
    checks.check("janji-load audit: every promise was kept", exported.code == 0 and audited.code == 0 and audited.json().get("clean"), audited)
    with open(export) as file:
        lines = file.readlines()
    dropped = next(json.loads(line)["reference"] for line in lines if json.loads(line)["status"] == "confirmed")
    with open(export, "w") as file:  # a moved booking has a line for each place: all of them go
        file.writelines(line for line in lines if json.loads(line)["reference"] != dropped)
    audited = load("audit", "--record", record, "--export", export, "--output", "json")
    checks.check("one booking taken out of the export is a phantom yes, exit 1", audited.code == 1 and
                 audited.json().get("breaches", {}).get("phantom_yes") == 1, audited)
    again = load("replay", "--record", record, "--target", f"http://127.0.0.1:{node.port}", "--notes-bytes", "500", "--output", "json")
    checks.check("janji-load replay: every promise is told again", again.code == 0 and again.json().get("same", 0) >= 40, again)
    browsed = load("browse", *common, "--duration", "1", "--rate", "200")
    checks.check("janji-load browse, at a rate", browsed.code == 0, browsed)
    mixed = load("mixed", *common, "--requests", "100", "--connections", "4", "--first", "5000")
    checks.check("janji-load mixed", mixed.code == 0, mixed)
    node.kill()


def fill(checks):
    node, common = started(checks, "fill")
    record, export = checks.path("fill.record"), checks.path("fill.export")
    done = load("fill", *common, "--connections", "16", "--record", record, "--fill-extra", "0.2")
    checks.check("janji-load fill ends when every window is full", done.code == 0, done)
    exported = node.ctl("export", "--to", export)
    audited = load("audit", "--record", record, "--export", export, "--expect-full", "--output", "json")
    found = audited.json()
    checks.check(f"all {PLACES} places are taken, none twice, nobody was told full before", exported.code == 0 and audited.code == 0 and
                 found.get("entries_live") == PLACES, audited)
    again = load("replay", "--record", checks.path("load.record"), "--target", f"http://127.0.0.1:{node.port}", "--output", "json")
    checks.check("janji-load replay on a node that does not have those bookings: exit 1", again.code == 1 and again.json().get("same") == 0, again)
    node.kill()


def misuse(checks):
    node, common = started(checks, "misuse")
    for words, arguments in (("no target", ("book", "--requests", "1")),
                             ("a target that is not an address", ("book", "--target", "here", "--requests", "1")),
                             ("a target that is not this machine", ("book", "--target", "http://192.0.2.1:80", "--requests", "1")),
                             ("crash-record without a record", ("crash-record", *common)),
                             ("shares beyond the whole", ("book", *common, "--cancel-share", "0.7", "--move-share", "0.7")),
                             ("a round that is not there", ("book", *common, "--round", "tiada", "--requests", "1"))):
        done = load(*arguments)
        checks.check(f"janji-load with {words} is a misuse, said on stderr", done.code == 2 and done.err.startswith("janji-load: "), done)
    done = load("audit", "--record", "/dev/null")
    checks.check("janji-load audit of what is no record is a misuse", done.code == 2 and done.err, done)
    node.kill()
    done = load("book", *common, "--requests", "5", "--slots", f"{checks.directory}/round-misuse/slots.csv")
    checks.check("janji-load without a node ends early, exit 3, and says why", done.code == 3 and "cannot connect" in done.out + done.err, done)


ROWS = [book_browse_and_mixed, fill, misuse]
