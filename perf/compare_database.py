"""A synthetic signature database in ClamAV's text formats, from a seed.

50,000 body patterns (.ndb), 500,000 MD5 digests (.hdb) and the EICAR test string. Lengths, shapes
and targets of the patterns and sizes of the digests follow what was measured on official
databases; the contents are noise, so that nothing harmless is ever found. Both servers read the
very same files.
"""

import hashlib
import math
import random

SEED = 20_240_607
PATTERNS, DIGESTS = 50_000, 500_000

# Where quantiles lie; between them lengths and sizes are drawn log-linearly.
PATTERN_BYTES = [(0.0, 8), (0.1, 16), (0.5, 35), (0.9, 500), (1.0, 1_500)]
DIGEST_SIZES = [
    (0.0, 68), (0.01, 471), (0.05, 2_973), (0.25, 12_167), (0.5, 65_024), (0.75, 190_557),
    (0.9, 962_560), (0.99, 4_500_000), (1.0, 60_000_000),
]

# ClamAV's target types with their share in percent: PE, normalised text, ELF, any, HTML, mail.
TARGETS = [(1, 43), (7, 19), (6, 16), (0, 7), (3, 10), (4, 5)]


def ensure(folder):
    """The folder of the database, generated when it is not there yet."""
    path = folder / f"database-{SEED}-{PATTERNS}-{DIGESTS}"
    done = path / "done"
    if not done.exists():
        path.mkdir(parents=True, exist_ok=True)
        generator = random.Random(SEED)
        write(path / "synthetic.ndb", ndb_lines(generator))
        write(path / "synthetic.hdb", hdb_lines(generator))
        done.touch()
    files = path / "clamav"
    files.mkdir(exist_ok=True)
    for name in ("synthetic.ndb", "synthetic.hdb"):
        link = files / name
        if not link.exists():
            link.hardlink_to(path / name)
    return files


def digest(folder):
    """SHA-256 over the database's files, for the record."""
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        whole.update(path.read_bytes())
    return whole.hexdigest()


def write(path, lines):
    with open(path, "w", encoding="ascii") as file:
        for line in lines:
            file.write(line + "\n")


def ndb_lines(generator):
    # Two halves, so that no scanner stops at this file.
    halves = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STAN", b"DARD-ANTIVIRUS-TEST-FILE!$H+H*"
    yield f"Eicar-Test-Signature:0:0:{b''.join(halves).hex()}"
    targets = [target for target, share in TARGETS for _ in range(share)]
    for index in range(PATTERNS):
        target = generator.choice(targets)
        offset = "EP+0" if target in (1, 6) and generator.random() < 0.05 else "*"
        yield f"Synthetic.Pattern-{index}:{target}:{offset}:{pattern(generator, target)}"


def pattern(generator, target):
    """One pattern: fixed parts of noise, a quarter of them with gaps of any kind."""
    length = max(8, round(draw(generator, PATTERN_BYTES)))
    shape = generator.random()
    parts = [fixed(generator, target, length)]
    if shape < 0.25:
        parts = join(generator, target, length, lambda: "*")
    elif shape < 0.43:
        parts = join(generator, target, length, lambda: gap(generator))
    elif shape < 0.53:
        parts = join(generator, target, length, lambda: "??" * generator.randint(1, 4))
    return "".join(parts)


def join(generator, target, length, between):
    """Two or three fixed parts of eight bytes at least with something between them."""
    count = 3 if length >= 40 and generator.random() < 0.3 else 2
    parts = []
    for index in range(count):
        if index:
            parts.append(between())
        parts.append(fixed(generator, target, max(8, length // count)))
    return parts


def gap(generator):
    least = generator.randint(1, 40)
    return generator.choice([f"{{{least}}}", f"{{{least}-{least + generator.randint(1, 60)}}}"])


def fixed(generator, target, length):
    """Noise; in text of text's letters, in programs with some of machine code's bytes."""
    if target in (3, 4, 7):
        letters = b"abcdefghijklmnopqrstuvwxyz0123456789"
        return bytes(generator.choices(letters, k=length)).hex()
    noise = bytearray(generator.randbytes(length))
    if target in (1, 6):
        # Behind eight bytes of noise, which keep the pattern from ever being found.
        for at in range(8, length - 2, 7):
            noise[at:at + 2] = generator.choice([b"\x8b\x45", b"\xff\x15", b"\x00\x00", b"\xe8\x10"])
    return noise.hex()


def hdb_lines(generator):
    for index in range(DIGESTS):
        size = round(draw(generator, DIGEST_SIZES))
        yield f"{generator.getrandbits(128):032x}:{size}:Synthetic.Digest-{index}"


def draw(generator, quantiles):
    """A number from log-linear quantiles."""
    place = generator.random()
    for (low, least), (high, most) in zip(quantiles, quantiles[1:]):
        if place <= high:
            share = (place - low) / (high - low)
            return math.exp(math.log(least) + share * (math.log(most) - math.log(least)))
    return quantiles[-1][1]
