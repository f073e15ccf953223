"""Starts the servers of a comparison on free loopback ports and one core, and ends them.

Every peer gets what it needs not to be held back: threads for all connections, bodies in memory,
no limit of requests on a connection, no logs, limits above the largest body. Absent on purpose:
tuning of Baleen; it runs with its defaults.
"""

import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import time

PACKAGES = {
    "c-icap": "/usr/bin/c-icap",
    "libc-icap-mod-virus-scan": "virus_scan.so",
    "clamav-daemon": "/usr/sbin/clamd",
}


def modules():
    """Where Debian keeps c-icap's modules on this architecture."""
    found = sorted(pathlib.Path("/usr/lib").glob("*/c_icap"))
    return found[0] if found else pathlib.Path("/usr/lib/c_icap")


def install_missing(packages=None):
    """Installs peers that are not there (as root; else says what to install)."""
    def is_there(path):
        return pathlib.Path(path).exists() or (modules() / path).exists()

    missing = [name for name, path in (packages or PACKAGES).items() if not is_there(path)]
    if not shutil.which("taskset"):
        missing.append("util-linux")
    if not missing:
        return
    if os.geteuid() != 0:
        raise RuntimeError(f"peers are missing: sudo apt-get install {' '.join(missing)}")
    print(f"installing {' '.join(missing)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # The packages start their services; ours are other processes on other ports.
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y",
               "--no-install-recommends", *missing]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)


class Server:
    """A running server: its processes, its port, its services, and words icap-load needs for it.

    `service` answers RESPMOD, `reqmod` REQMOD; where one service does both, it is not given.
    """

    def __init__(self, name, port, service, processes, reqmod=None, words=()):
        self.name = name
        self.port = port
        self.service = service
        self.processes = processes
        self.reqmod = reqmod or service
        self.words = list(words)

    def uri(self, method="respmod"):
        service = self.reqmod if method == "reqmod" else self.service
        return f"icap://127.0.0.1:{self.port}/{service}"

    def pids(self):
        return [process.pid for process in self.processes]


class Servers:
    """Starts servers and ends exactly those, whatever happens between.

    `core` is a list for taskset, `threads` how many connections a peer with a thread for each can hold.
    """

    def __init__(self, scratch, core, threads=100):
        self.scratch = scratch
        self.core = core
        self.threads = threads
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A second Ctrl-C does not leave servers behind.
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        handlers = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
        # The last one started ends first: c-icap before its clamd.
        for process in reversed(self.running):
            end(process)
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def start(self, name, command):
        log = open(self.scratch / f"{name}.log", "wb")
        # A session of its own: children can be ended with it, and Ctrl-C reaches only us.
        process = subprocess.Popen(
            ["taskset", "-c", str(self.core), *map(str, command)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            cwd=self.scratch,
        )
        log.close()
        self.running.append(process)
        return process

    def baleen(self, binary, databases, group, icapd="", root=""):
        """Baleen with its defaults; `icapd` and `root` are further lines of those sections."""
        port = free_port()
        state = self.scratch / f"baleen-{group}"
        state.mkdir()
        settings = self.scratch / f"baleen-{group}.conf"
        text = (f"[Root]\nStateDir = {state}\n{root}\n"
                f"[ICAPD]\nListenAddress = 127.0.0.1:{port}\n{icapd}")
        # Without a database of its own, Baleen scans for the EICAR test file.
        if any(databases.iterdir()):
            text += f"\n[ScanEngine]\nDatabaseDir = {databases}\n"
        settings.write_text(text)
        command = [pathlib.Path(binary).resolve(), "serve", "--config", settings]
        process = self.start(f"baleen-{group}", command)
        return Server("baleen", port, "respmod", [process], reqmod="reqmod")

    def c_icap_echo(self):
        port = free_port()
        return Server("c-icap echo", port, "echo", [
            self.c_icap("c-icap-echo", port, "Service echo srv_echo.so\n"),
        ])

    def c_icap_virus_scan(self, databases):
        clamd, clamd_socket = self.clamd("clamd", databases)
        port = free_port()
        service = CLAMD_MODULE.format(socket=clamd_socket) + VIRUS_SCAN.format(engine="clamd")
        return Server("c-icap virus_scan", port, "avscan", [
            self.c_icap("c-icap-virus-scan", port, service), clamd,
        ])

    def clamd(self, name, databases):
        """A clamd of its own: its process and its socket."""
        scratch = self.scratch / name
        scratch.mkdir()
        clamd_socket = scratch / "clamd.socket"
        settings = self.scratch / f"{name}.conf"
        settings.write_text(CLAMD.format(
            socket=clamd_socket, databases=databases, scratch=scratch
        ))
        clamd = self.start(name, ["/usr/sbin/clamd", "--config-file", settings])
        # clamd opens its socket when the database is loaded; who asks it looks for it at start.
        wait_for(clamd, name, self.scratch, clamd_socket.exists)
        return clamd, clamd_socket

    def c_icap(self, name, port, service, wrapped=lambda command: command):
        """c-icap with a service; `wrapped` may put another command around its own."""
        scratch = self.scratch / name
        scratch.mkdir()
        settings = self.scratch / f"{name}.conf"
        settings.write_text(
            C_ICAP.format(port=port, scratch=scratch, modules=modules(), threads=self.threads,
                          spare=2 * self.threads) + service
        )
        return self.start(name, wrapped(["/usr/bin/c-icap", "-N", "-f", settings]))

    def wait_ready(self, server):
        """Until the server answers OPTIONS."""
        name = server.name
        wait_for(server.processes[0], name, self.scratch, lambda: answers_options(server))


def wait_for(process, name, scratch, is_ready, seconds=240):
    """Waits until something holds, unless the process ends before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            logs = "".join(log.read_text(errors="replace")[-400:] for log in scratch.glob("*.log"))
            raise RuntimeError(f"{name} ended with code {process.returncode}:\n{logs}")
        if is_ready():
            return
        time.sleep(0.1)
    raise RuntimeError(f"{name} is not ready after {seconds} s")


def answers_options(server):
    try:
        return options_answer(server).startswith("ICAP/1.0 200")
    except OSError:
        return False


def options_answer(server, seconds=1):
    """The head of the server's answer to OPTIONS, as far as the first packet has it."""
    request = (
        f"OPTIONS {server.uri()} ICAP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        "Encapsulated: null-body=0\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        connection.sendall(request.encode("ascii"))
        return connection.recv(4096).decode("latin-1")


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def many_files():
    """Lets this process and those it starts open as many files as the machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def end(process):
    """Ends a process that we started, and its children: gently, then surely."""
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        try:
            # The session is the process' own: nobody else's processes are in it.
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        if not session_lives(process.pid):
            return


def session_lives(session):
    """Whether a process of the session is left, for two seconds at most."""
    for _ in range(20):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


# One process with threads for every connection; keep-alive without end; bodies up to 32 MiB stay
# in memory instead of a file; without an AccessLog line there is no access log.
C_ICAP = """\
PidFile {scratch}/c-icap.pid
CommandsSocket {scratch}/c-icap.ctl
Timeout 300
KeepAliveTimeout 600
MaxKeepAliveRequests -1
StartServers 1
MaxServers 1
ThreadsPerChild {threads}
MinSpareThreads 1
MaxSpareThreads {spare}
MaxRequestsPerChild 0
Port 127.0.0.1:{port}
ServerName compare
TmpDir {scratch}
MaxMemObject 33554432
DebugLevel 0
Pipelining on
ModulesDir {modules}
ServicesDir {modules}
TemplateDir /usr/share/c_icap/templates/
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog {scratch}/server.log
"""

# Debian's own alias, but for objects of every size of the test; no early data, so that 204 stays
# possible, which is cheaper for it than an echo.
CLAMD_MODULE = """\
Module common clamd_mod.so
clamd_mod.ClamdSocket {socket}
"""
VIRUS_SCAN = """\
Service antivirus_module virus_scan.so
ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple
virus_scan.DefaultEngine {engine}
virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE
virus_scan.SendPercentData 5
virus_scan.StartSendPercentDataAfter 1024M
virus_scan.MaxObjectSize 100M
"""

# Threads for every connection, limits above the largest body, no self check during the run.
CLAMD = """\
Foreground yes
LocalSocket {socket}
FixStaleSocket yes
DatabaseDirectory {databases}
OfficialDatabaseOnly no
TemporaryDirectory {scratch}
MaxThreads 32
MaxQueue 400
MaxConnectionQueueLength 200
StreamMaxLength 100M
MaxScanSize 400M
MaxFileSize 100M
ReadTimeout 300
CommandReadTimeout 300
SelfCheck 0
"""
