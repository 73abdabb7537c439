"""A disk that is slow, hangs or fails while a node runs on it (tests/faults/slow_disk.cpp), and is well again when told."""
import errno
import mmap
import os
import struct

from node import ROOT, BUILD

LIBRARY = os.path.join(ROOT, "build", BUILD, "tests", "faults", "libslow_disk.so")
HEALTHY, SLOW, HUNG, FAILING = range(4)


def cannot():
    """Why there is no such disk here, or nothing."""
    if BUILD != "release":
        return "the library of a sanitizer has to be the first"
    return "" if os.path.exists(LIBRARY) else f"{LIBRARY} is not built"


class Disk:
    """Of one process at a time: environment() is what it is started with. `path`: the control file, made here."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.write(bytes(20))
        with open(path, "r+b") as file:
            self.control = mmap.mmap(file.fileno(), 20)

    def environment(self):
        return {"LD_PRELOAD": LIBRARY, "JANJI_SLOW_DISK": self.path}

    def put(self, condition, delay_ms=0, error=0):
        struct.pack_into("=II", self.control, 4, delay_ms, error)
        struct.pack_into("=I", self.control, 0, condition)  # last: what it means is there

    def healthy(self):
        self.put(HEALTHY)

    def slow(self, delay_ms):
        """Every sync takes this much longer."""
        self.put(SLOW, delay_ms=delay_ms)

    def hung(self):
        """No sync returns before the disk is told to be otherwise."""
        self.put(HUNG)

    def failing(self, error=errno.EIO):
        self.put(FAILING, error=error)

    @property
    def held(self):
        """How many syncs wait now."""
        return struct.unpack_from("=I", self.control, 12)[0]

    @property
    def asked(self):
        """How many syncs there have been."""
        return struct.unpack_from("=I", self.control, 16)[0]
