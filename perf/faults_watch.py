"""The server's memory, descriptors and threads during perf/faults, and what is said at the end.

Samples are taken once a second: moment (monotonic seconds), resident memory (KiB), descriptors, threads.
"""

import collections
import datetime
import pathlib
import re
import time

import faults_judge
import results

# Growth over the last half of the run that counts as flat: of the mean, and in units besides. Clients come
# and go, two dozen of them more or less at a time, each with a spooled body perhaps.
FLAT_SHARE = 0.10
FLAT = {"resident KiB": 8_192, "descriptors": 64, "threads": 2}
# Behind the run, without clients: what may be left open more than before it.
LEFT_OPEN_MAX = 4
LONGEST_SHOWN = 5


class Watch:
    """Looks at a process once a second."""

    def __init__(self, server):
        self.process = server.processes[0]
        self.samples = []
        self.first = self.sample(0.0)

    def sample(self, now):
        folder = pathlib.Path(f"/proc/{self.process.pid}")
        status = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", (folder / "status").read_text(), re.M))
        open_now = sum(1 for _ in (folder / "fd").iterdir())
        return now, int(status["VmRSS"]), open_now, int(status["Threads"])

    def lives(self):
        return self.process.poll() is None

    def look(self, now):
        """Takes a sample when a second is over; whether the process is still there."""
        if not self.lives():
            return False
        if not self.samples or now - self.samples[-1][0] >= 1:
            self.samples.append(self.sample(now))
        return True

    def is_back(self):
        """Whether the descriptors are what they were before the run."""
        return self.samples[-1][2] <= self.first[2] + LEFT_OPEN_MAX

    def trends(self, until):
        """For each column: name, value at a sixth and at the end, growth over the last half, whether flat."""
        samples = [sample for sample in self.samples if sample[0] <= until]
        if len(samples) < 6:
            return
        half = samples[len(samples) // 2:]
        for column, name in enumerate(FLAT, start=1):
            values = [sample[column] for sample in half]
            growth = slope(half, column) * (half[-1][0] - half[0][0])
            mean = sum(values) / len(values)
            early = around(samples, len(samples) // 6, column)
            late = around(samples, len(samples) - 1, column)
            yield name, early, late, growth, growth <= FLAT_SHARE * mean + FLAT[name]


def around(samples, place, column):
    """The mean of some samples around a place: one second alone says little."""
    near = samples[max(place - 5, 0):place + 6]
    return sum(sample[column] for sample in near) / len(near)


def slope(samples, column):
    """Least squares: units per second."""
    count = len(samples)
    mean_x = sum(sample[0] for sample in samples) / count
    mean_y = sum(sample[column] for sample in samples) / count
    above = sum((sample[0] - mean_x) * (sample[column] - mean_y) for sample in samples)
    below = sum((sample[0] - mean_x) ** 2 for sample in samples)
    return above / below if below else 0.0


def report(found, watch, storm_ended, reloads, journal):
    """Prints everything; 0 when all is well, 1 otherwise."""
    faults = []
    print("hostile clients: " + ", ".join(f"{count} x {name}" for name, count in found["deeds"].items()))
    print("reloads: " + ", ".join(f"{count} x {name}" for name, count in reloads["done"].items()))
    if not watch.lives() and watch.process.returncode != 0:
        faults.append(f"the server ended with code {watch.process.returncode}")
    if not reloads["last_came"]:
        faults.append("the last reload did not come into force")
    faults += said_answers(found)
    faults += said_trends(watch, storm_ended)
    said_waits(found)
    faults += said_journal(journal)
    for fault in faults:
        print(f"WRONG: {fault}")
    print("all is well" if not faults else f"{len(faults)} things are wrong")
    return 1 if faults else 0


def said_answers(found):
    judge, pulse = found["judge"], found["pulse"]
    counts = judge["counts"]
    wrong = judge["wrong"] + pulse["wrong"]
    print(f"judged: {sum(counts.values()) + len(judge['wrong']) + pulse['count']} requests: "
          f"{counts['clean'] + pulse['count'] - len(pulse['wrong'])} clean, {counts['blocked']} blocked, "
          f"{counts['refused']} refused for want of room, {len(wrong)} wrong; "
          f"longest wait {judge['longest']:.2f} s; {judge['certificates']} certificates seen")
    kinds = collections.Counter(one["said"] for one in wrong)
    for said, count in kinds.most_common(10):
        print(f"  {count} x {said}, first: {next(one for one in wrong if one['said'] == said)}")
    faults = [f"{len(wrong)} wrong answers"] if wrong else []
    if not counts["clean"] or not counts["blocked"]:
        faults.append("the judge got no answers")
    return faults


def said_trends(watch, storm_ended):
    faults, lines = [], [["", "before", "at 1/6", "at the end", "growth over the last half", "after"]]
    for column, (name, early, late, growth, is_flat) in enumerate(watch.trends(storm_ended), start=1):
        lines.append([name, f"{watch.first[column]:,}", f"{early:,.0f}", f"{late:,.0f}",
                      f"{growth:+,.0f}{'' if is_flat else ' NOT FLAT'}",
                      f"{watch.samples[-1][column]:,}"])
        if not is_flat:
            faults.append(f"{name} grew by {growth:,.0f} in the last half")
    print(results.aligned(lines))
    if len(lines) == 1:
        faults.append("too few samples")
    if watch.samples and not watch.is_back():
        faults.append(f"{watch.samples[-1][2]} descriptors were open behind the run, {watch.first[2]} before it")
    return faults


def said_waits(found):
    """The pulse's waits beside the machine's own hiccups; no fault by itself, because machines differ."""
    pulse = found["pulse"]
    controls = [one for name, one in found.items() if name.startswith("control")]
    lines = [["milliseconds", "p50", "p99", "p99.9", "max"]]
    for name, one in [("small requests", pulse), *((f"core {one['core']} alone", one) for one in controls)]:
        lines.append([name, *(results.show(one.get(key), 2) for key in ("p50", "p99", "p99.9", "max"))])
    print(results.aligned(lines))
    hiccups = [span for one in controls for span in one["long"]]
    ours = faults_judge.unexplained(pulse["long"], hiccups)
    print(f"small requests that waited longer than 5 ms: {len(pulse['long'])} of {pulse['count']}; "
          f"without the machine's share: {len(ours)}")
    # The journal has the time of day.
    offset = time.time() - time.monotonic()
    for began, took in sorted(ours, key=lambda one: -one[1])[:LONGEST_SHOWN]:
        moment = datetime.datetime.fromtimestamp(began + offset, datetime.timezone.utc)
        print(f"  {took * 1e3:.1f} ms from {moment:%H:%M:%S.%f}")


def said_journal(journal):
    levels = collections.Counter(re.findall(r"^\S+Z\s+(ERROR|WARN|INFO)\b", journal, re.M))
    print("journal: " + ", ".join(f"{count} x {level}" for level, count in sorted(levels.items())))
    errors = collections.Counter(
        re.sub(r"\d+", "N", line) for line in re.findall(r"^\S+Z\s+ERROR (.{0,120})", journal, re.M))
    for line, count in errors.most_common(5):
        print(f"  {count} x {line}")
    panics = re.findall(r"^.*panicked.*$", journal, re.M)
    return [f"{len(panics)} panics: {panics[0]}"] if panics else []
