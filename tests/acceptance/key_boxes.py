"""Opens what a node has wrapped, as whoever holds its files and a master key could: to know the keys that must not be found anywhere else.
XChaCha20 as draft-irtf-cfrg-xchacha has it; the tags are not looked at."""
import hashlib
import struct

PAGE = 4096
SECRET_AT, SECRET_BYTES = 18, 32


def block(key, counter_and_nonce):
    """The twenty rounds, before the state is added."""
    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            s[z] ^= s[x]
            s[z] = (s[z] << turn | s[z] >> (32 - turn)) & 0xFFFFFFFF
    start = struct.unpack("<16I", b"expand 32-byte k" + key + counter_and_nonce)
    s = list(start)
    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for column in range(4):
            quarter(column, (column + 1) % 4 + 4, (column + 2) % 4 + 8, (column + 3) % 4 + 12)
    return start, s


def opened(key, box):
    """The first 32 bytes in a box: its nonce stands before it."""
    _, s = block(key, box[:16])
    subkey = struct.pack("<8I", *s[:4], *s[12:])
    start, s = block(subkey, struct.pack("<II", 1, 0) + box[16:24])
    stream = struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(start, s)))
    return bytes(a ^ b for a, b in zip(box[24:56], stream))


def secret_of(data, number):
    """A round's secret, out of its place in DATA/keys.rounds."""
    with open(f"{data}/keys.rounds", "rb") as file:
        file.seek((number + 1) * PAGE)
        page = file.read(PAGE)
    return page[SECRET_AT:SECRET_AT + SECRET_BYTES] if page.startswith(b"janji-secret") else None


def keys_of(data, master, number):
    """A round's keys by name, out of DATA/keys and DATA/keys.rounds."""
    under = hashlib.blake2b(b"janji key of a round" + secret_of(data, number), key=bytes.fromhex(master), digest_size=32).digest()
    out = {}
    with open(f"{data}/keys") as file:
        for line in file:
            name, _, box = line.strip().partition(" secret ")
            if name in (f"citizen/{number}", f"data/{number}"):
                out[name] = opened(under, bytes.fromhex(box))
    return out
