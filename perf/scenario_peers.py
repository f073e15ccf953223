"""The peers of `perf/scenarios` beyond those of `perf/compare`, each started the way it works best.

  c-icap libclamav   virus_scan with ClamAV's library inside its own process
  e2guardian         ICAP mode, contents scanned through a clamd of its own
  exav               its own ICAP daemon
  bare echo          `benches/bare.rs`: receives and sends as Baleen does, and does nothing else

What a peer cannot do is not written here: every scenario is tried with every peer, and the table says
what came of it. `KNOWN` explains such an outcome where its reason is known.
"""

import getpass
import pathlib
import shutil

import compare_servers
import engine_peers
import machine

NAMES = ["bare-echo", "c-icap-echo", "c-icap-virus-scan", "c-icap-libclamav", "e2guardian", "exav"]
# They scan nothing: nothing infected is sent to them, and the table says so.
ECHOES = {"bare echo", "c-icap echo"}

# Server, workload, what was wrong: why.
KNOWN = {
    ("e2guardian", "infected", "connection closed before the answer was complete"):
        "behind a block page it closes without having said so, and the next request is lost",
    ("exav", "streams", "a clean body was blocked"):
        "64 MiB of text: its scan budget was exhausted, with its defaults",
}


def started(name, starter, databases, tools):
    """Starts one peer: its server, or why there is none."""
    if name == "c-icap-echo":
        return starter.c_icap_echo()
    if name == "c-icap-virus-scan":
        return starter.c_icap_virus_scan(databases)
    own = {"bare-echo": bare_echo, "c-icap-libclamav": libclamav, "e2guardian": e2guardian, "exav": exav}
    return own[name](starter, databases, tools)


def versions(tools):
    """What the record says of them."""
    return {
        "e2guardian": machine.package("e2guardian"),
        "libclamav": machine.package("libclamav12"),
        "exav": machine.output(tools.exav, "--version") if tools.exav else None,
    }


def bare_echo(starter, _, tools):
    """Our own echo without a server around it, built like a bench."""
    if not tools.bare:
        (tools.bare,) = machine.built([("bench", "bare")], profile="quick")
    port = compare_servers.free_port()
    command = [tools.bare.resolve(), f"127.0.0.1:{port}"]
    return compare_servers.Server("bare echo", port, "echo", [starter.start("bare-echo", command)])


def libclamav(starter, databases, _):
    """virus_scan with clamav_mod, which reads its database from where the library was told to.

    That is /var/lib/clamav, and no setting names another folder. So c-icap gets a view of the files of its
    own (a mount namespace), in which the folder of the comparison lies there; the machine's stays as it is.
    """
    port = compare_servers.free_port()
    shell = f'mount --bind "$0" {CLAMAV_FOLDER} && exec "$@"'
    pathlib.Path(CLAMAV_FOLDER).mkdir(exist_ok=True)

    def wrapped(command):
        return ["unshare", "--mount", "--map-root-user", "sh", "-ec", shell,
                databases.resolve(), *command]

    service = LIBCLAMAV_MODULE.format(scratch=starter.scratch) + compare_servers.VIRUS_SCAN.format(
        engine="clamav")
    return compare_servers.Server("c-icap libclamav", port, "avscan", [
        starter.c_icap("c-icap-libclamav", port, service, wrapped),
    ])


def e2guardian(starter, databases, _):
    """e2guardian's ICAP mode, with Debian's own lists and phrases as they come.

    A proxy sends each request through its REQMOD service and hands on X-ICAP-E2G of the answer
    (`adaptation_masterx_shared_names`); `E2G` is what it answers here. It offers no preview, and its block
    page has status 200 without X-Infection-Found.
    """
    clamd, clamd_socket = starter.clamd("e2guardian-clamd", databases)
    port = compare_servers.free_port()
    scratch = starter.scratch / "e2guardian"
    scratch.mkdir()
    scanner = scratch / "clamdscan.conf"
    scanner.write_text(f"plugname = 'clamdscan'\nclamdudsfile = '{clamd_socket}'\n")
    user = getpass.getuser()
    # It wants two descriptors for each.
    workers = min(starter.threads, compare_servers.many_files() // 2 - 100)
    own = {
        "filterip": "127.0.0.1", "filterports": compare_servers.free_port(), "icapport": port,
        "contentscanner": scanner, "filecachedir": scratch, "pidfilename": scratch / "pid",
        "loglocation": scratch / "access.log", "daemonuser": user, "daemongroup": user,
        # No logs, a worker for every connection, bodies up to those of the largest scenario.
        "nodaemon": "on", "nologger": "on", "loglevel": 0, "httpworkers": workers,
        "maxcontentramcachescansize": 32 << 10, "maxcontentfilecachescansize": 100 << 10,
    }
    # Not needed for ICAP: a second listener.
    left_out = {"transparenthttpsport", *own}
    lines = [line for line in DEBIAN_E2GUARDIAN.read_text().splitlines()
             if line.partition("=")[0].strip() not in left_out]
    settings = scratch / "e2guardian.conf"
    settings.write_text("\n".join([*lines, *(f"{key} = '{value}'" for key, value in own.items())]) + "\n")
    # It looks for the settings of its group beside its own.
    shutil.copy(DEBIAN_E2GUARDIAN.with_name("e2guardianf1.conf"), scratch)
    process = starter.start("e2guardian", ["/usr/sbin/e2guardian", "-N", "-c", settings])
    return compare_servers.Server(
        "e2guardian", port, "response", [process, clamd], reqmod="request",
        words=["--field", f"X-ICAP-E2G: {E2G}", "--block", "page"])


def exav(starter, databases, tools):
    """exav's ICAP listener; no limit of requests on a connection, as for the others."""
    port = compare_servers.free_port()
    address = f"icap://127.0.0.1:{port}/avscan?max-connections=20000"
    command = [tools.exav, "-d", databases, "--listen", address, "--icap-max-requests", "off",
               "--icap-max-header-bytes", "64K", "--quiet"]
    return compare_servers.Server("exav", port, "avscan", [starter.start("exav", command)])


def found_exav(tools, out):
    """The program: named, on the path, or built once (a quarter of an hour on two cores)."""
    found = pathlib.Path(tools.exav or shutil.which("exav") or engine_peers.installed_exav(out))
    if not found.exists():
        raise RuntimeError(f"no exav: name it with --exav, or see {out}/exav-install.log")
    return found.resolve()


def needed(names):
    """Packages of these peers, each with a file that it brings."""
    own = {"e2guardian": str(DEBIAN_E2GUARDIAN)} if "e2guardian" in names else {}
    return compare_servers.PACKAGES | own


CLAMAV_FOLDER = "/var/lib/clamav"
DEBIAN_E2GUARDIAN = pathlib.Path("/etc/e2guardian/e2guardian.conf")
# User, kind of answer, group, and flags, as its REQMOD answers for a page that no list names.
E2G = "-,G,0,0,0,"
LIBCLAMAV_MODULE = """\
Module common clamav_mod.so
clamav_mod.TmpDir {scratch}
clamav_mod.MaxScanSize 400M
clamav_mod.MaxFileSizeInArchive 100M
"""
