"""A small ICAP client for scripts that need to see each answer: messages as bytes, answers as values.

Blocking, one message at a time on a connection, with or without TLS. Absent on purpose: speed, which is
icap-load's, and judgement, which is the caller's.
"""

import socket
import ssl
import threading

CRLF2 = b"\r\n\r\n"
# Bodies up to this size are sent before the answer is read; larger ones at the same time.
SENT_FIRST_MAX = 64 << 10
ANSWER_BYTES_MAX = 256 << 20


def eicar():
    """The test file, put together here so that no scanner stops at this one."""
    return rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STAN" + b"DARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Message:
    """A RESPMOD or REQMOD: `front` is sent at once, `rest` behind 100 Continue (empty without a preview).

    `head` is the HTTP head that an echo has to carry, `body` its body (or None).
    """

    def __init__(self, uri, body, method="RESPMOD", url="http://load.test/", preview=None, allow_204=True):
        host = url.split("/")[2]
        verb = "POST" if method == "REQMOD" and body is not None else "GET"
        length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
        request = f"{verb} {url} HTTP/1.1\r\nHost: {host}\r\n".encode()
        if method == "REQMOD":
            self.head = heads = request + length + b"\r\n"
            parts = "req-hdr=0, req-body" if body is not None else "req-hdr=0, null-body"
        else:
            request += b"\r\n"
            status = b"200 OK" if body is not None else b"304 Not Modified"
            self.head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/octet-stream\r\n" + length + b"\r\n"
            heads = request + self.head
            kind = "res-body" if body is not None else "null-body"
            parts = f"req-hdr=0, res-hdr={len(request)}, {kind}"
        lines = [f"{method} {uri} ICAP/1.0", "Host: 127.0.0.1"]
        lines += ["Allow: 204"] if allow_204 else []
        lines += [f"Preview: {preview if body is not None else 0}"] if preview is not None else []
        lines += [f"Encapsulated: {parts}={len(heads)}", "", ""]
        self.body, self.allow_204, self.preview = body, allow_204, preview
        self.icap_head = "\r\n".join(lines).encode()
        self.front, self.rest = self.icap_head + heads, b""
        if body is None:
            return
        if preview is None:
            self.front += chunks(body) + b"0\r\n\r\n"
        elif len(body) <= preview:
            self.front += chunks(body) + b"0; ieof\r\n\r\n"
        else:
            self.front += chunks(body[:preview]) + b"0\r\n\r\n"
            self.rest = chunks(body[preview:]) + b"0\r\n\r\n"


def chunks(data):
    """The data in chunks of 64 KiB, without the last one."""
    pieces = (data[start:start + (1 << 16)] for start in range(0, len(data), 1 << 16))
    return b"".join(b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces)


class Answer:
    """What came back: ICAP status and fields (names in lower case), HTTP head, body (None without one)."""

    def __init__(self, status, fields, http, body, continued):
        self.status = status
        self.fields = fields
        self.http = http
        self.body = body
        self.continued = continued

    def infection(self):
        return self.fields.get("x-infection-found", "")

    def is_block(self):
        return self.status == 200 and self.http.startswith(b"HTTP/1.") and b" 403 " in self.http[:16]


def unverified():
    """TLS that believes every certificate: the script made it itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Connection:
    """One connection; `seconds` bound every wait."""

    def __init__(self, port, seconds, tls=None):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, message):
        """Sends a message and reads its answer."""
        self.send(message.front)
        status, fields = self.head()
        continued = status == 100
        if continued:
            self.send(message.rest)
            status, fields = self.head()
        http, body = self.encapsulated(fields)
        return Answer(status, fields, http, body, continued)

    def send(self, data):
        # A TLS session is for one thread at a time: there all of it goes first, which a server that answers
        # when it has all takes.
        if len(data) <= SENT_FIRST_MAX or isinstance(self.socket, ssl.SSLSocket):
            self.socket.sendall(data)
        else:
            threading.Thread(target=self.send_quietly, args=(data,), daemon=True).start()

    def send_quietly(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # Whoever reads the answer sees it, too.

    def head(self):
        first, *lines = self.until(CRLF2).decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        if version != "ICAP/1.0" or not rest[:3].isdigit():
            raise ValueError(f"not ICAP: {first[:80]!r}")
        pairs = (line.partition(":") for line in lines if line)
        return int(rest[:3]), {name.lower(): value.strip() for name, _, value in pairs}

    def encapsulated(self, fields):
        parts = [part.strip().partition("=") for part in fields.get("encapsulated", "null-body=0").split(",")]
        kind, _, size = parts[-1]
        http = self.exactly(int(size))
        if kind == "null-body":
            return http, None
        body = []
        while size := int(self.until(b"\r\n").split(b";")[0], 16):
            body.append(self.exactly(size))
            self.exactly(2)
        self.exactly(2)
        return http, b"".join(body)

    def more(self):
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise ConnectionError("closed before the answer was complete")
        self.pending += piece
        if len(self.pending) > ANSWER_BYTES_MAX:
            raise ValueError("an answer without end")

    def until(self, end):
        while end not in self.pending:
            self.more()
        found, _, self.pending = self.pending.partition(end)
        return found

    def exactly(self, size):
        while len(self.pending) < size:
            self.more()
        found, self.pending = self.pending[:size], self.pending[size:]
        return found
