"""What every measurement needs: the programs, cores to put them on, and the facts about the machine.

A figure without its command and its machine is worth nothing, so each script prints both.
"""

import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def facts():
    """Where, when and with which command it is measured."""
    return {
        "command": shlex.join([f"perf/{pathlib.Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": output("git", "describe", "--always", "--dirty", "--abbrev=12"),
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
        "kernel": platform.release(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def say(about):
    """Prints facts, one to a line."""
    for name, value in about.items():
        print(f"- {name}: {value}")
    print(flush=True)


def folder_name(about):
    """The folder of the machine's records."""
    return re.sub(r"[^a-z0-9]+", "-", f"{about['cpu']} {about['cores']} cores".lower()).strip("-")


def output(*command):
    """The first line that a program says, or why it says none."""
    try:
        done = subprocess.run(
            [*map(str, command)], capture_output=True, text=True, cwd=ROOT, check=False)
    except OSError as fault:
        return str(fault)
    return (done.stdout or done.stderr).strip().split("\n")[0]


def loaded(command, seconds):
    """What icap-load says with `--json`; it may not take longer than this."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=seconds, check=False)
    # 1 is a wrong answer, which the figures name.
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(f"icap-load failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def package(name):
    """The version of a Debian package."""
    return output("dpkg-query", "-W", "-f=${Version}", name)


def cpu_model():
    found = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return found.group(1) if found else platform.machine()


def built(wanted, profile="release"):
    """Builds programs, each a kind and a name (`bin`, `baleen`): where cargo put them."""
    command = ["cargo", "build", "--profile", profile, "--message-format",
               "json-render-diagnostics"]
    command += [word for kind, name in wanted for word in (f"--{kind}", name)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found = {}
    for message in map(json.loads, done.stdout.splitlines()):
        if message.get("executable"):
            target = message["target"]
            found[target["kind"][0], target["name"]] = pathlib.Path(message["executable"])
    return [found[one] for one in wanted]


def servers(tools, with_baleen=True, with_load=True):
    """Builds `baleen` and `icap-load`, unless they were named."""
    wanted = [("bin", "icap-load")] if with_load and not tools.icap_load else []
    wanted += [("bin", "baleen")] if with_baleen and not tools.baleen else []
    for (_, name), path in zip(wanted, built(wanted) if wanted else []):
        setattr(tools, name.replace("-", "_"), path)
    for path in filter(None, (tools.icap_load, tools.baleen)):
        if not path.exists():
            raise RuntimeError(f"{path} does not exist")


def cores(tools):
    """A core for the servers, another for the load, from those that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    if tools.server_core is None:
        tools.server_core = usable[0]
    if tools.load_core is None:
        tools.load_core = usable[1 % len(usable)]
    if tools.server_core == tools.load_core:
        print("warning: one core for servers and load: ratios hold, absolute figures do not")


def add_options(parser):
    """The options of every script that loads a server."""
    parser.add_argument("--baleen", type=pathlib.Path, help="binary (else cargo build --release)")
    parser.add_argument("--icap-load", type=pathlib.Path, help="binary (else cargo build --release)")
    parser.add_argument("--server-core", type=int, help="core of the servers (first usable)")
    parser.add_argument("--load-core", type=int, help="core of the load (second usable)")


def run(main):
    """Runs a script to its exit code: 0 all is well, 1 a wrong answer, 2 it could not be measured."""
    # A signal ends the run as an exception, so that servers and scratch files go with it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda caught, _: sys.exit(128 + caught))
    try:
        sys.exit(main())
    except (RuntimeError, OSError, subprocess.SubprocessError) as fault:
        print(f"{pathlib.Path(sys.argv[0]).name}: {fault}", file=sys.stderr)
        sys.exit(2)
