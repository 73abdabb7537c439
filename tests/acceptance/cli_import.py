"""A round's files as spreadsheets and people save them, against a real node: read where they are certain, else refused all at once."""
import os

from citizens import Round, day

HEADER = "centre,date,opens,closes,capacity\n"
GOOD = [("DEWAN", "2021-06-07", "09:00", "17:00", 40), ("DEWAN", "2021-06-26", "09:00", "17:00", 40)]


class Files:
    def __init__(self, c, code):
        self.c, self.round = c, Round(c.checks.directory, code, GOOD)

    def slots(self, data):
        with open(self.round.file("slots.csv"), "wb") as out:
            out.write(data if isinstance(data, bytes) else data.encode())
        return self

    def imported(self, *options):
        return self.round.import_into(self.c.node, *options)

    def reads(self, words, data, *says):
        done = self.slots(data).imported("--dry-run")
        wanted = ("would import", "2021-06-07", "2021-06-26", *says)
        self.c.checks.check(f"slots {words} are read", done.code == 0 and all(w in done.out for w in wanted), done)

    def refuses(self, words, *says):
        done = self.imported()
        told = done.err.replace(self.round.directory + os.sep, "")
        good = done.code == 1 and all(w in told for w in says) and "nothing was imported" in told and self.round.code not in self.c.state()
        self.c.checks.check(f"{words}: refused with what to do", good, (says, done))


def read_where_certain(c):
    f = Files(c, "sheet")
    rows = HEADER + "".join(",".join(map(str, g)) + "\n" for g in GOOD)
    f.reads("with semicolons", rows.replace(",", ";"), "semicolons")
    f.reads("with tabs and Windows' line ends", rows.replace(",", "\t").replace("\n", "\r\n"))
    f.reads("with sep=; before them", "sep=;\r\n" + rows.replace(",", ";").replace("\n", "\r\n"))
    f.reads("with an old Mac's line ends", rows.replace("\n", "\r"))
    for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        f.reads(f"in {name}", rows.encode(name))
    f.reads("with empty rows, an empty column and blanks", "\n,,,,,\n Centre , DATE,opens,closes,Capacity,\n" +
            "".join(", ".join(map(str, g)) + " ,\n,,,,,\n\n" for g in GOOD))
    f.reads("with times as people write them", rows.replace("09:00", "9:00 AM").replace("17:00", "5.00 PTG"), "09:00")
    f.reads("with dates of which one decides for the others", rows.replace("2021-06-07", "7/6/2021").replace("2021-06-26", "26/6/2021"),
            "day/month/year", "7 June 2021")


def refused_at_once(c):
    f = Files(c, "bad")
    f.slots(HEADER + "DEWAN,3/4/21,09:00,17:00,40\nDEWAN,2021-06-31,9h,17:00,1.000\nNOPE,2021-06-07,09:00,17:00,1\n\"DEWAN,2021-06-08,09:00,17:00,1\n")
    with open(f.round.file("centres.csv"), "wb") as out:
        out.write("kode,name,state,district,latitude,longitude\nDEWAN,Dewan\u00e9,Johor,x,2,103\n".encode("latin-1"))
    f.round.write("round.toml", 'code = "bad"\nname = "\\u0085"\nmin_age = 18\ntime_zone = "Asia/Kuala_Lumpur"\n'
                                'opens_at = "noon"\ncloses_at = 2099-12-31T23:59:59+08:00\n')
    f.refuses("settings, encoding, columns and values", "round.toml:2:1: name: ", "round.toml:3:1: min_age: ", "is age_min meant?", "round.toml:5:1: opens_at: ",
              "centres.csv:1:1: kode: ", "centres.csv:1: code: The column code is missing", "centres.csv:2:12: The byte E9", "CSV UTF-8",
              'slots.csv:2:7: date: "3/4/21" can be read as', "write 2021-04-03 or", "slots.csv:3:7: date: ", "slots.csv:3:18: opens: ", "slots.csv:3:27: capacity: ",
              "slots.csv:5:1: A quoted field is not closed")
    f.round.write("round.toml", 'code = "bad"\nname = unquoted\n')
    f.refuses("settings that are no TOML", "round.toml:2:", "slots.csv:3:18: opens: ", "centres.csv:2:12: The byte E9")
    f.slots(b"PK\x03\x04" + bytes(200))
    f.refuses("a workbook", "slots.csv:1:1: This is a workbook")
    f = Files(c, "many")
    f.slots(HEADER + "DEWAN,x,09:00,17:00,40\n" * 5000)
    f.refuses("five thousand wrong rows", "slots.csv:2:7: ", "slots.csv:101:7: ", "slots.csv: There are 4900 more errors")
    twice = Files(c, "twice")
    twice.slots(HEADER + "DEWAN,2021-06-07,09:00,17:00,40\nDEWAN,2021-06-08,09:00,17:00,40\nDEWAN,2021-06-07,09:00,17:00,40\n")
    twice.refuses("a row that stands twice", "slots.csv:4:18: opens: ", "line 2")


def texts(c):
    change = ("capacity", "main", "DEWAN", day(1), "40", "--reason")
    for words, reason in (("a control character", "tea\u0085"), ("a line separator", "\u2028tea"), ("a turned direction", "\u202etea"),
                          ("a byte that is no UTF-8", b"tea\xe9".decode(errors="surrogateescape"))):
        c.works(f"a reason with {words} is refused", *change, reason, code=105 if "UTF-8" in words else 1)
    c.works("a pause for a reason that nobody sees is refused", "round", "pause", "main", "--reason", "\u3164 \u200b", code=1)
    c.checks.equal("and it is not paused", c.state()["main"], "open")


def told_when_done(c):
    f = Files(c, "sheet")
    done = f.slots(HEADER + "DEWAN,7/6/2021,09:00,17:00,40\nDEWAN,26/6/2021,09:00,17:00,40\n").imported()
    c.checks.check("what is imported says how dates were read", done.code == 0 and "7 June 2021" in done.out and c.state()["sheet"] == "imported", done)


ROWS = [read_where_certain, refused_at_once, texts]
