"""Other programs that scan with the same set: clamd, exav, Hyperscan.

Daemons are asked over a Unix socket to SCAN a file by its path, so that loading a database is not in
the time. Everything is pinned to one core. Absent on purpose: Vectorscan, which Debian cannot install
beside Hyperscan: it is the same interface, so put it in Hyperscan's place and run again.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import compare_servers

PACKAGES = {
    "clamav-daemon": "/usr/sbin/clamd",
    "libhyperscan-dev": "/usr/include/hs/hs.h",
    "gcc": "/usr/bin/gcc",
}
EXAV = "0.0.2"
CLAMD = """LocalSocket {socket}
DatabaseDirectory {database}
Foreground yes
DisableCache yes
MaxThreads 2
SelfCheck 0
LogFile {log}
MaxScanSize 2000M
MaxFileSize 2000M
StreamMaxLength 2000M
MaxScanTime 0
PhishingSignatures no
PhishingScanURLs no
"""


def install_missing():
    """Installs what is not there (as root; else says what to install)."""
    missing = [package for package, path in PACKAGES.items() if not pathlib.Path(path).exists()]
    if not missing:
        return
    if os.geteuid() != 0:
        raise RuntimeError(f"missing: sudo apt-get install {' '.join(missing)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y",
               "--no-install-recommends", *missing]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


def lines(text):
    """The measurements a program printed."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def run(command, seconds, core):
    """Runs a program that prints measurements; what it said, and what it cost at most."""
    command = ["taskset", "-c", str(core), *map(str, command)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return [{"what": "failed", "why": f"not done after {seconds} s"}]
    if done.returncode:
        return [{"what": "failed", "why": reason(done.stderr)}]
    return lines(done.stdout)


def reason(stderr):
    """Why a program failed: its last line, or where and why it panicked."""
    said = [line.strip() for line in stderr.splitlines() if line.strip()]
    for place, line in enumerate(said):
        if " panicked at " in line:
            return " ".join(said[place:place + 2])
    return said[-1] if said else "it said nothing"


def hyperscan(here, out, rounds, literals, inputs, seconds, core):
    """Compiles the small program beside this file and runs it."""
    program = out / "engine-hyperscan"
    source = here / "engine_hyperscan.c"
    subprocess.run(["gcc", "-O2", "-Wall", "-o", program, source, "-lhs"], check=True)
    return run([program, rounds, literals, *inputs], seconds, core)


class Daemon:
    """A daemon that speaks clamd's protocol."""

    def __init__(self, name, command, path, core, log):
        self.name, self.path = name, path
        self.began = time.time()
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core), *map(str, command)],
                stdout=file, stderr=file, start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        compare_servers.end(self.process)

    def ask(self, command, seconds=600):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(seconds)
            line.connect(str(self.path))
            line.sendall(f"z{command}\0".encode())
            answer = b""
            while not answer.endswith(b"\0"):
                part = line.recv(4_096)
                if not part:
                    break
                answer += part
        return answer.rstrip(b"\0\n").decode(errors="replace")

    def wait_ready(self, seconds):
        """Seconds until it answers; nothing when it ends or takes too long."""
        while time.time() - self.began < seconds:
            if self.process.poll() is not None:
                return None
            try:
                if self.ask("PING", 5) == "PONG":
                    return time.time() - self.began
            except OSError:
                pass
            time.sleep(0.2)
        return None

    def resident_kib(self):
        """Of the process and its children, shared memory counted once."""
        total = 0
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(entry.name)) == self.process.pid:
                    text = (entry / "smaps_rollup").read_text()
                    total += sum(int(row.split()[1]) for row in text.splitlines()
                                 if row.startswith("Pss:"))
            except (OSError, ValueError):
                continue
        return total

    def measure(self, rounds, inputs, seconds):
        """Throughput of each input, and memory."""
        ready = self.wait_ready(seconds)
        if ready is None:
            return [{"what": "failed", "why": f"not ready after {time.time() - self.began:.0f} s"}]
        found = [{"what": "compile", "engine": self.name, "ms": ready * 1e3,
                  "rss_kib": self.resident_kib()}]
        for path in inputs:
            best, answer = None, ""
            for _ in range(rounds):
                start = time.perf_counter()
                answer = self.ask(f"SCAN {path}")
                took = time.perf_counter() - start
                best = took if best is None else min(best, took)
            if "ERROR" in answer:
                found.append({"what": "failed", "why": answer})
                continue
            found.append({
                "what": "throughput", "engine": self.name, "input": path.name,
                "mb_per_s": path.stat().st_size / 1e6 / best, "detected": "FOUND" in answer,
            })
        return found


def clamd(out, rounds, database, inputs, seconds, core):
    """Debian's clamd with the same files, without its cache of clean digests."""
    path, configuration = out / "clamd.socket", out / "clamd.conf"
    path.unlink(missing_ok=True)
    configuration.write_text(
        CLAMD.format(socket=path, database=database, log=out / "clamd.log"), encoding="ascii"
    )
    command = ["/usr/sbin/clamd", "--config-file", configuration]
    with Daemon("clamd", command, path, core, out / "clamd.out") as daemon:
        return daemon.measure(rounds, inputs, seconds)


def installed_exav(out):
    """Where cargo puts exav, which is built once: a quarter of an hour on two cores."""
    root = out / "exav"
    program = root / "bin" / "exav"
    if not program.exists():
        print(f"building exav {EXAV}", flush=True)
        command = ["cargo", "install", "exav", "--version", EXAV, "--locked", "--root", root]
        # Outside of the repository: whatever ends this early, no foreign sources are left in it.
        with open(out / "exav-install.log", "wb") as log, tempfile.TemporaryDirectory() as scratch:
            subprocess.run([*map(str, command), "--target-dir", scratch],
                           stdout=log, stderr=log, check=False)
    return program


def exav(program, out, rounds, database, inputs, seconds, core):
    """exav's own clamd listener."""
    found = program or shutil.which("exav") or installed_exav(out)
    program = pathlib.Path(found).resolve()
    if not program.exists():
        return [{"what": "failed", "why": f"cargo install exav {EXAV}: see {out}/exav-install.log"}]
    path = out / "exav.socket"
    path.unlink(missing_ok=True)
    command = [program, "-d", database, "--listen", f"clamd://{path}", "--workers", "1"]
    with Daemon("exav", command, path, core, out / "exav.out") as daemon:
        return daemon.measure(rounds, inputs, seconds)
