"""What perf/faults knows to be right: requests whose answers are certain, and clocks beside them.

  judge   clean and infected bodies in every form, plain and with TLS; each answer is compared
  pulse   small requests at a steady pace on connections of their own: how long they wait
  control a process for each core of the server that only sleeps: how long the machine keeps it from running

Each runs in a process of its own, so that none waits for another's interpreter. Moments are seconds of the
monotonic clock, which all processes share; waits are seconds.
"""

import hashlib
import os
import random
import time

import icap_client

KIB = 1 << 10
LETTERS = b"nothing that is known"
# Nobody waits longer for an answer that is certain.
SECONDS_MAX = 60
# A body up to this size ends inside a preview or in the first read: no memory for it may be missing.
SMALL_MAX = 64 * KIB
PULSE_CONNECTIONS = 8
PULSE_EVERY = 0.005
CONTROL_EVERY = 0.001
# Behind a wrong answer, so that a server that is gone is not asked a million times.
AFTER_FAULT = 0.05
# Waits that are kept one by one, and how many of them at most.
LONG_WAIT = 0.005
LONG_HICCUP = 0.001
KEPT_MAX = 100_000


def judge(target, seed, until, found):
    """Asks until then; puts into `found` how many answers of each kind came, and what was wrong."""
    chance = random.Random(f"judge {seed}")
    tls = icap_client.unverified()
    counts = {"clean": 0, "blocked": 0, "refused": 0}
    wrong, certificates, longest = [], set(), 0.0
    connections = {}
    while time.monotonic() < until:
        is_tls = chance.random() < target.tls_share
        is_infected = chance.random() < 0.3
        message = drawn(target, chance, is_infected)
        began = time.monotonic()
        try:
            connection = connections.get(is_tls)
            if connection is None:
                port = target.tls_port if is_tls else target.port
                connection = icap_client.Connection(port, SECONDS_MAX, tls if is_tls else None)
                connections[is_tls] = connection
                if is_tls:
                    shown = connection.socket.getpeercert(binary_form=True)
                    certificates.add(hashlib.sha256(shown).hexdigest())
            outcome = judged(message, is_infected, connection.ask(message))
        except (OSError, ValueError) as fault:
            outcome = f"no answer: {fault}"
        longest = max(longest, time.monotonic() - began)
        if outcome in counts:
            counts[outcome] += 1
        elif len(wrong) < KEPT_MAX:
            wrong.append({"said": outcome, "tls": is_tls, "infected": is_infected,
                          "at": round(began, 3), "preview": message.preview,
                          "allow_204": message.allow_204,
                          "bytes": None if message.body is None else len(message.body)})
        # A new connection now and then, and behind a fault.
        if outcome not in counts or chance.random() < 0.02:
            hang_up(connections, is_tls)
        if outcome not in counts:
            time.sleep(AFTER_FAULT)
    found.put({"counts": counts, "wrong": wrong, "longest": longest, "certificates": len(certificates)})


def drawn(target, chance, is_infected):
    size = chance.choice([0, 1, 500, 1_024, 5_000, 60_000, 61_440, 200_000, 900_000])
    # Letters first: two random bytes can be the mark of an archive, which then is damaged.
    body = (LETTERS + chance.randbytes(size))[:size]
    if is_infected:
        body = icap_client.eicar() + body
    elif chance.random() < 0.1:
        body = None
    method = chance.choice(["RESPMOD", "RESPMOD", "REQMOD"])
    return icap_client.Message(
        f"{target.uri}/{method.lower()}", body, method, f"http://judge{chance.randrange(10_000)}.test/",
        preview=chance.choice([None, 0, 1_024, 61_440]), allow_204=chance.random() < 0.6)


def judged(message, is_infected, answer):
    """`clean`, `blocked`, `refused` (for want of memory, and said so), or what is wrong."""
    is_small = message.body is None or len(message.body) <= SMALL_MAX
    # X-Infection-Found of what could not be looked at has type 2: neither clean nor infected.
    is_unscanned = answer.is_block() and answer.infection().startswith("Type=2")
    # With memory and spool full nobody is let in, and is told so; a small one that is let in is scanned.
    if answer.status == 503:
        return "refused"
    if is_unscanned:
        return f"a small one was not scanned: {answer.infection()}" if is_small else "refused"
    if answer.is_block():
        return "blocked" if is_infected else f"a clean one was blocked: {answer.infection()}"
    if is_infected:
        return f"an infected one was let through: {answer.status}"
    if answer.status == 204:
        may = message.allow_204 or message.preview is not None and not answer.continued
        return "clean" if may else "204 where it is not allowed"
    if answer.status != 200:
        return f"ICAP status {answer.status}"
    if answer.http.split(b"\r\n")[0] != message.head.split(b"\r\n")[0]:
        return f"another head came back: {answer.http[:60]!r}"
    return "clean" if answer.body == message.body else "another body came back"


def pulse(target, until, found):
    """A small clean request every few milliseconds; puts percentiles and the long waits into `found`."""
    chance = random.Random("pulse")
    connections, waits, long_ones, wrong, number = {}, [], [], [], 0
    while (began := time.monotonic()) < until:
        message = icap_client.Message(
            f"{target.uri}/respmod", LETTERS + chance.randbytes(KIB - len(LETTERS)), preview=KIB)
        place = number % PULSE_CONNECTIONS
        number += 1
        try:
            if place not in connections:
                connections[place] = icap_client.Connection(target.port, SECONDS_MAX)
            outcome = judged(message, False, connections[place].ask(message))
        except (OSError, ValueError) as fault:
            outcome = f"no answer: {fault}"
            hang_up(connections, place)
        took = time.monotonic() - began
        keep(waits, long_ones, began, took, LONG_WAIT)
        if outcome != "clean" and len(wrong) < KEPT_MAX:
            wrong.append({"said": outcome, "pulse": True, "at": round(began, 3)})
        time.sleep(max(PULSE_EVERY - took, 0))
    found.put({"wrong": wrong, "count": number, "long": long_ones, **percentiles(waits)})


def hang_up(connections, key):
    """Closes a connection if there is one; the next request makes another."""
    if connection := connections.pop(key, None):
        connection.socket.close()


def control(core, until, found):
    """Sleeps a millisecond again and again on this core; puts how much longer it took into `found`."""
    os.sched_setaffinity(0, {core})
    waits, long_ones = [], []
    while (began := time.monotonic()) < until:
        time.sleep(CONTROL_EVERY)
        keep(waits, long_ones, began, time.monotonic() - began - CONTROL_EVERY, LONG_HICCUP)
    found.put({"core": core, "long": long_ones, **percentiles(waits)})


def keep(waits, long_ones, began, took, limit):
    """Every wait counts in steps of 10 microseconds; long ones are kept with their moment."""
    step = min(int(took * 1e5), 10_000_000)
    while len(waits) <= step:
        waits.append(0)
    waits[step] += 1
    if took > limit and len(long_ones) < KEPT_MAX:
        long_ones.append((began, took))


def percentiles(waits):
    """p50, p99, p99.9 and the longest, in milliseconds, from counts by 10 microseconds."""
    total, found, seen = sum(waits), {}, 0
    wanted = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)]
    for step, count in enumerate(waits):
        seen += count
        while wanted and total and seen >= total * wanted[0][1]:
            found[wanted.pop(0)[0]] = step / 100
    return found | {"max": (len(waits) - 1) / 100 if waits else None}


def unexplained(long_ones, hiccups):
    """The waits that are still long when the machine's own hiccups in the same time are taken off.

    Both are (moment, seconds); a hiccup of any core counts for what it has in common with the wait.
    """
    ours = []
    hiccups = merged(hiccups)
    for began, took in long_ones:
        common = sum(max(min(began + took, start + length) - max(began, start), 0)
                     for start, length in hiccups if start < began + took and start + length > began)
        if took - common > LONG_WAIT:
            ours.append((began, took - common))
    return ours


def merged(spans):
    """Spans of time without those that lie over each other."""
    out = []
    for start, length in sorted(spans):
        if out and start <= out[-1][0] + out[-1][1]:
            last, had = out[-1]
            out[-1] = (last, max(had, start + length - last))
        else:
            out.append((start, length))
    return out
