"""Searches the memory of a process of ours, as root could, and says of each place whether it is locked and left out of cores."""
import re

CHUNK = 16 << 20


def mappings(pid):
    """(begin, end, name, flags) of all that can be read."""
    out = []
    with open(f"/proc/{pid}/smaps") as smaps:
        for line in smaps:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line)
            if head:
                begin, end, access, name = head.groups()
                out.append([int(begin, 16), int(end, 16), name, access, ()])
            elif line.startswith("VmFlags:"):
                out[-1][4] = tuple(line.split()[1:])
    return [(b, e, name, flags) for b, e, name, access, flags in out if access.startswith("r") and not name.startswith(("[vvar", "[vsyscall"))]


class Found:
    def __init__(self):
        self.kept, self.loose = set(), {}

    def __str__(self):
        return f"kept {sorted(self.kept)}, loose {self.loose}"


def search(pid, needles):
    """needles: name -> bytes. `kept`: names that lie in memory that is locked and in no core; `loose`: name -> where else."""
    found = Found()
    longest = max(len(n) for n in needles.values())
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, name, flags in mappings(pid):
            at = begin
            while at < end:
                try:
                    memory.seek(at)
                    data = memory.read(min(CHUNK, end - at))
                except OSError:
                    break
                if not data:
                    break
                for words, needle in needles.items():
                    place = data.find(needle)
                    if place < 0:
                        continue
                    if "lo" in flags and "dd" in flags:
                        found.kept.add(words)
                    else:
                        around = data[max(0, place - 40):place + len(needle) + 40]
                        found.loose.setdefault(words, []).append((name or "heap of a thread", hex(at + place), around))
                at += len(data) if at + len(data) >= end else len(data) - longest
    return found
