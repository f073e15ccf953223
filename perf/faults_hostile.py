"""The hostile clients of perf/faults: each a function that does one bad thing to a server and goes away.

Everything is drawn from the seed. They run in a process of their own, below everything else, so that what
the judge sees is the server's doing. How a server answers them is not looked at here: the judge's answers,
the server's memory and its journal tell whether they did harm.
"""

import os
import random
import socket
import ssl
import struct
import threading
import time

import icap_client

KIB, MIB = 1 << 10, 1 << 20
CLIENTS = 32
# A client that hangs for longer gives up.
SECONDS_MAX = 20
# Bodies that fill the memory: so many at once.
BIG_AT_ONCE = 4
BIG_BYTES = 64 * MIB


class Target:
    """The server's two ports, how many seconds it waits for a head, the share of TLS (0 to 1), and what is
    done to it (names of DEEDS)."""

    def __init__(self, port, tls_port, patience, tls_share, deeds):
        self.port = port
        self.tls_port = tls_port
        self.patience = patience
        self.tls_share = tls_share
        self.deeds = deeds
        self.uri = f"icap://127.0.0.1:{port}"


def run(target, seed, until, counts):
    """All clients until that moment (monotonic); `counts` gets how often each thing was done."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    big = threading.BoundedSemaphore(BIG_AT_ONCE)
    done = {}
    threads = [threading.Thread(target=client, args=(target, f"{seed}-{number}", until, big, done))
               for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts.put(dict(sorted(done.items())))


def client(target, seed, until, big, done):
    chance = random.Random(seed)
    names = target.deeds
    weights = [DEEDS[name][1] for name in names]
    while time.monotonic() < until:
        name = chance.choices(names, weights)[0]
        is_tls = chance.random() < target.tls_share
        label = f"{name}, TLS" if is_tls else name
        # Two threads may count at the same moment; the loss of one in thousands is no harm.
        done[label] = done.get(label, 0) + 1
        try:
            if name == "big bodies":
                with big:
                    deed(name, target, chance, is_tls)
            else:
                deed(name, target, chance, is_tls)
        except (OSError, ValueError):
            pass  # Reset, timed out, refused: what such clients have to expect.


def deed(name, target, chance, is_tls):
    raw = socket.create_connection(("127.0.0.1", target.tls_port if is_tls else target.port), SECONDS_MAX)
    with raw:
        connection = raw
        if name in ("slow reader", "never reads"):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
        # Some never get as far as a session: the deed is done to the handshake.
        if is_tls and chance.random() < 0.9:
            connection = icap_client.unverified().wrap_socket(raw)
        DEEDS[name][0](connection, target, chance)
        if connection is not raw:
            connection.close()


def message(target, chance, large=False):
    """A message that would be right, in one of many forms."""
    sizes = [MIB, 4 * MIB] if large else [0, 1, 1_000, 1_024, 20_000, 65_536, 300_000]
    body = None if not large and chance.random() < 0.15 else chance.randbytes(chance.choice(sizes))
    if body and chance.random() < 0.2:
        body = icap_client.eicar() + body
    method = chance.choice(["REQMOD", "RESPMOD"])
    return icap_client.Message(
        f"{target.uri}/{method.lower()}", body, method, f"http://h{chance.randrange(1_000)}.test/x",
        preview=chance.choice([None, None, 0, 1_024, 61_440]),
        allow_204=not large and chance.random() < 0.7)


def linger_off(connection):
    """Closing it now sends a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drain(connection, until):
    connection.settimeout(max(until - time.monotonic(), 0.01))
    while connection.recv(1 << 16):
        if time.monotonic() > until:
            return


def reset(connection, target, chance):
    """Any part of a message, perhaps a part of the answer, then a reset."""
    whole = message(target, chance)
    data = whole.front + whole.rest
    connection.sendall(data[:chance.randrange(len(data) + 1)])
    if chance.random() < 0.5:
        connection.settimeout(chance.random() * 0.2)
        try:
            connection.recv(chance.randrange(1, 4_096))
        except OSError:
            pass
    linger_off(connection)


def half_close(connection, target, chance):
    """All of a message or a part of it, and no more to come; the answer is read to its end."""
    whole = message(target, chance)
    data = whole.front if chance.random() < 0.6 else whole.front[:chance.randrange(1, len(whole.front) + 1)]
    connection.sendall(data)
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(1)
        connection.unwrap()
    else:
        connection.shutdown(socket.SHUT_WR)
    drain(connection, time.monotonic() + 3)


def stall(connection, target, chance):
    """A pause in the head, in the preview or in the body, shorter or longer than the server waits."""
    whole = message(target, chance)
    data = whole.front + whole.rest
    places = [len(whole.icap_head), len(whole.front), len(data)]
    cut = chance.randrange(1, chance.choice(places) + 1)
    connection.sendall(data[:cut])
    time.sleep(chance.choice([0.05, 0.5, 0.9, 1.5]) * target.patience)
    if chance.random() < 0.5:
        connection.sendall(data[cut:])
        drain(connection, time.monotonic() + 2)


def garbage(connection, _, chance):
    """Bytes that mean nothing, or nearly."""
    start = chance.choice([b"", b"GET / HTTP/1.1\r\n\r\n", b"OPTIONS ", b"RESPMOD icap://", b"\x16\x03\x01"])
    connection.sendall(start + chance.randbytes(chance.choice([1, 100, 10_000, 200_000])))
    drain(connection, time.monotonic() + 1)


def mutated(connection, target, chance):
    """A message with a few bytes or lines changed, doubled or left out."""
    whole = message(target, chance)
    data = bytearray(whole.front)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(data))
        end = min(at + chance.choice([1, 1, 4, 40]), len(data))
        deeds = [chance.randbytes(end - at), b"", bytes(data[at:end]) * 2, b"\r\n", b"0", b"99999999999"]
        data[at:end] = chance.choice(deeds)
        if not data:
            return
    connection.sendall(data)
    drain(connection, time.monotonic() + 1)


def pipelined(connection, target, chance):
    """Several messages without waiting for answers."""
    all_of_them = b"".join(message(target, chance).front for _ in range(chance.randrange(2, 9)))
    connection.sendall(all_of_them)
    drain(connection, time.monotonic() + 2)


def slow_reader(connection, target, chance):
    """A body that has to come back, fetched in small pieces."""
    whole = message(target, chance, large=True)
    data = whole.front + whole.rest
    if isinstance(connection, ssl.SSLSocket):
        # A TLS session is for one thread at a time.
        connection.sendall(data)
    else:
        threading.Thread(target=quietly, args=(connection, data), daemon=True).start()
    until = time.monotonic() + chance.uniform(1, 6)
    while time.monotonic() < until and connection.recv(2_048):
        time.sleep(0.02)
    linger_off(connection)


def never_reads(connection, target, chance):
    """Bodies that have to come back, and nobody fetches them."""
    connection.settimeout(chance.uniform(0.5, 3))
    for _ in range(4):
        whole = message(target, chance, large=True)
        connection.sendall(whole.front + whole.rest)
    time.sleep(chance.uniform(0.5, 3))


def big_bodies(connection, target, chance):
    """More than the memory holds, without leave for 204, at the speed of the machine."""
    piece = b"10000\r\n" + chance.randbytes(64 * KIB) + b"\r\n"
    whole = icap_client.Message(f"{target.uri}/respmod", b"", allow_204=False)
    connection.sendall(whole.front[:-len(b"0\r\n\r\n")])
    for _ in range(BIG_BYTES // (64 * KIB)):
        connection.sendall(piece)
    if chance.random() < 0.5:
        connection.sendall(b"0\r\n\r\n")
    drain(connection, time.monotonic() + chance.uniform(0, 5))


def churn(*_):
    """Connects and goes."""


def quietly(connection, data):
    try:
        connection.sendall(data)
    except (OSError, ValueError):
        pass


# Name: what is done, and how often in relation to the others.
DEEDS = {
    "reset": (reset, 20), "half-close": (half_close, 10), "stall": (stall, 10), "garbage": (garbage, 8),
    "mutated": (mutated, 20), "pipelined": (pipelined, 6), "slow reader": (slow_reader, 4),
    "never reads": (never_reads, 3), "big bodies": (big_bodies, 3), "connect and go": (churn, 6),
}
