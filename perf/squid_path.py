"""The whole path of perf/squid: an origin server, Squid, and one fetch that looks at every byte.

  wrk / fetch ──▶ Squid ──▶ nginx, static files
                    │ ICAP
                    ▼
                  Baleen, or c-icap

nginx (Debian's nginx-light), because it is never the bottleneck beside Squid and knows no scanner. Each size
has many files, and their first bytes change before each measurement, so that what a scanner remembers of a
body is of no use to it. Squid caches nothing, has one worker and its own folders; nothing of the machine's
own Squid or nginx is read or written.
"""

import hashlib
import http.client
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import time

import compare_servers
import icap_client

KIB, MIB = 1 << 10, 1 << 20
PACKAGES = {"squid": "/usr/sbin/squid", "nginx-light": "/usr/sbin/nginx", "wrk": "/usr/bin/wrk"}
# Bytes of a body: how many files of it.
FILES = {KIB: 16_384, 64 * KIB: 2_048, MIB: 128, 16 * MIB: 8}
STAMP_BYTES = 16
FETCH_SECONDS = 30
TICKS = os.sysconf("SC_CLK_TCK")

NGINX = """\
daemon off;
master_process off;
pid {scratch}/nginx.pid;
error_log {scratch}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 600;
    keepalive_requests 1000000000;
    default_type application/octet-stream;
    client_body_temp_path {scratch};
    proxy_temp_path {scratch};
    fastcgi_temp_path {scratch};
    uwsgi_temp_path {scratch};
    scgi_temp_path {scratch};
    server {{ listen 127.0.0.1:{port}; root {files}; }}
}}
"""
SQUID = """\
http_port 127.0.0.1:{port}
{user}visible_hostname squid.test
http_access allow all
cache deny all
workers 1
pid_filename {scratch}/squid.pid
coredump_dir {scratch}
cache_log {scratch}/cache.log
access_log none
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
"""
WRK = """\
local base, count, n
function init(args)
    base, count = args[1], tonumber(args[2])
    n = tonumber(args[3])
    wrk.headers["Host"] = args[4]
end
function request()
    n = n + 1
    return wrk.format("GET", base .. (n % count))
end
function done(summary, latency)
    local errors = summary.errors
    io.stdout:write(string.format(
        '{"requests": %d, "seconds": %f, "bytes": %d, "wrong": %d, "p50_us": %f, "p99_us": %f, "max_us": %f}\\n',
        summary.requests, summary.duration / 1e6, summary.bytes,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50), latency:percentile(99), latency.max))
end
"""


class Origin:
    """nginx with files of every size; on the core of the load."""

    def __init__(self, starter, sizes, chance):
        self.scratch = starter.scratch / "origin"
        self.files = self.scratch / "files"
        self.port = compare_servers.free_port()
        self.chance = chance
        for size in sizes:
            folder = self.files / str(size)
            folder.mkdir(parents=True)
            body = chance.randbytes(size)
            for number in range(FILES[size]):
                (folder / str(number)).write_bytes(body)
        (self.files / "eicar").write_bytes(icap_client.eicar())
        settings = self.scratch / "nginx.conf"
        settings.write_text(NGINX.format(scratch=self.scratch, port=self.port, files=self.files))
        self.process = starter.start("nginx", ["/usr/sbin/nginx", "-c", settings, "-p", self.scratch])
        compare_servers.wait_for(self.process, "nginx", starter.scratch, lambda: listens(self.port))

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def stamp(self, size):
        """Makes all bodies of a size new ones."""
        for path in (self.files / str(size)).iterdir():
            with open(path, "r+b") as file:
                # Letters: no two random bytes that mark an archive.
                file.write(self.chance.randbytes(STAMP_BYTES // 2).hex().encode())

    def digest(self, path):
        return hashlib.sha256((self.files / path).read_bytes()).hexdigest()


class Way:
    """A Squid, with the ICAP server behind it (or none)."""

    def __init__(self, name, port, process, server=None, scans=False):
        self.name = name
        self.port = port
        self.process = process
        self.server = server
        self.scans = scans

    def pids(self):
        return [self.process.pid, *(self.server.pids() if self.server else [])]


def squid(starter, name, baleen, server=None, scans=False):
    """Starts a Squid; with a server, with the lines that `baleen squid setup` writes, pointed at it."""
    folder = starter.scratch / f"squid-{name}".replace(" ", "-")
    folder.mkdir()
    port = compare_servers.free_port()
    settings = folder / "squid.conf"
    settings.write_text(SQUID.format(port=port, scratch=folder, user=user_line(folder)))
    if server:
        subprocess.run(
            [baleen, "squid", "setup", "-y", "--squid-config", settings, "--icapd-host", "127.0.0.1",
             "--icapd-port", str(server.port)], check=True, capture_output=True, timeout=60)
        text = settings.read_text()
        for ours, theirs in (("/reqmod\n", server.reqmod), ("/respmod\n", server.service)):
            text = text.replace(ours, f"/{theirs}\n")
        settings.write_text(text)
    process = starter.start(folder.name, ["/usr/sbin/squid", "-N", "-f", settings])
    compare_servers.wait_for(process, folder.name, starter.scratch, lambda: listens(port))
    return Way(name, port, process, server, scans)


def user_line(folder):
    """Started by root, Squid becomes somebody else, who has to own its folder."""
    if os.geteuid() != 0:
        return ""
    user = pwd.getpwnam("proxy")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return f"cache_effective_user {user.pw_name}\n"


def listens(port):
    try:
        http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
        return True
    except OSError:
        return False


def fetch(way, url):
    """One download through a proxy: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", way.port, timeout=FETCH_SECONDS)
    try:
        connection.request("GET", url)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def faults(way, origin, size, count):
    """Downloads some files of a size: what is wrong with them, in words."""
    wrong = {}
    for number in range(count):
        path = f"{size}/{number}"
        try:
            status, body = fetch(way, origin.url(path))
        except (OSError, http.client.HTTPException) as fault:
            return [f"no answer: {fault or type(fault).__name__}"]
        if status != 200:
            wrong[f"status {status}"] = wrong.get(f"status {status}", 0) + 1
        elif hashlib.sha256(body).hexdigest() != origin.digest(path):
            wrong["another body"] = wrong.get("another body", 0) + 1
    return [f"{count} x {what}" for what, count in wrong.items()]


def eicar_passes(way, origin):
    """Whether the test file comes through."""
    _, body = fetch(way, origin.url("eicar"))
    return icap_client.eicar() in body


def wrk(tools, way, origin, size, connections, seconds):
    """Loads one way: wrk's figures, its own CPU share in percent, the path's CPU microseconds a request."""
    script = origin.scratch / "load.lua"
    if not script.exists():
        script.write_text(WRK)
    first = origin.chance.randrange(FILES[size])
    command = [
        "taskset", "-c", tools.load_core, "wrk", "-t", 1, "-c", connections, "-d", f"{seconds}s",
        "--timeout", "120s", "-s", script, f"http://127.0.0.1:{way.port}", "--",
        origin.url(f"{size}/"), FILES[size], first, f"127.0.0.1:{origin.port}",
    ]
    before, own, began = cpu(way.pids()), os.times(), time.monotonic()
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=seconds + 60)
    took, after, used = time.monotonic() - began, os.times(), cpu(way.pids()) - before
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"wrk: {(done.stderr or done.stdout).strip()}")
    result = json.loads(lines[-1])
    own = after.children_user + after.children_system - own.children_user - own.children_system
    result["load_cpu_percent"] = own / took * 100
    result["cpu_us_per_request"] = used / result["requests"] * 1e6 if result["requests"] else None
    return result


def cpu(pids):
    """Seconds of CPU that these processes and their ended children have had."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def room_for(sizes):
    """Refuses to fill a disk."""
    needed = sum(size * FILES[size] for size in sizes) * 5 // 4
    free = shutil.disk_usage("/tmp").free
    if free < needed:
        raise RuntimeError(f"{needed >> 20} MiB of files are needed, {free >> 20} MiB are free")
