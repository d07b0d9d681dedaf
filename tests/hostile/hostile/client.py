"""HTTP clients: a well-behaved one for /exec and files, and bare sockets for everything else."""

import http.client
import json
import os
import socket
import time
import urllib.parse

from stalls import Stalls


class Reply:
    """An answer: status, headers, body, and the members of its JSON as attributes.

    seconds: how long it took, less what the machine itself stood still meanwhile."""

    def __init__(self, status, headers, body, seconds):
        self.status_code, self.headers, self.body, self.seconds = status, headers, body, seconds

    @property
    def json(self):
        return json.loads(self.body.decode("utf-8"))

    def __getattr__(self, name):
        try:
            return self.json.get(name)
        except (ValueError, AttributeError, UnicodeDecodeError):
            raise AttributeError(
                f"{name}: the answer is {self.status_code} {self.body[:300]!r}"
            ) from None

    def __repr__(self):
        return f"{self.status_code} {self.body[:600]!r} after {self.seconds:.2f} s"


class Client:
    """Every request on a connection of its own, so that none depends on another."""

    def __init__(self, url, key):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.key = parts.hostname, parts.port or 80, key

    def request(self, method, target, body=None, headers=None, timeout=90, key=None):
        began, stalls = time.monotonic(), Stalls()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            sent = {"X-API-Key": key or self.key, **(headers or {})}
            try:
                connection.request(method, target, body, {k: v for k, v in sent.items() if v})
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all was sent: the answer is there to be read
            answer = connection.getresponse()
            whole = answer.read()
            seconds = time.monotonic() - began - stalls.lost()
            return Reply(answer.status, answer.headers, whole, seconds)
        finally:
            connection.close()

    def get(self, target, **more):
        return self.request("GET", target, **more)

    def exec(self, lang, code, key=None, http_timeout=90, **fields):
        body = (
            code
            if isinstance(code, bytes)
            else json.dumps({"lang": lang, "code": code, **fields}, ensure_ascii=True).encode()
        )
        return self.request(
            "POST",
            "/exec",
            body,
            {"Content-Type": "application/json"},
            key=key,
            timeout=http_timeout,
        )

    def upload(self, files, key=None, fields=(), target="/upload", timeout=90):
        """files: [(name, bytes)]. Returns the reply."""
        body, kind = form(files, fields)
        return self.request("POST", target, body, {"Content-Type": kind}, key=key, timeout=timeout)

    def reference(self, name, content, key=None):
        """Uploads one file and returns what /exec wants to hear of it."""
        reply = self.upload([(name, content)], key=key)
        assert reply.status_code == 200, reply
        return {"id": reply.files[0]["fileId"], "name": name, "session_id": reply.session_id}

    def download(self, session, file, **more):
        return self.get(f"/download/{session}/{file}", **more)

    # -------------------------------------------------------------- bare sockets

    def socket(self, timeout=20):
        s = socket.create_connection((self.host, self.port), timeout=timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def raw(self, data, timeout=20, close_write=False):
        """Sends bytes, returns all that comes until the end of the stream."""
        with self.socket(timeout) as s:
            try:
                s.sendall(data)
                if close_write:
                    s.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it may have answered and closed already
            return read_all(s)

    def head(self, method="POST", target="/exec", *lines, key=True):
        """A request head as bytes, with a Host and the key."""
        text = [f"{method} {target} HTTP/1.1", "Host: localhost"]
        if key:
            text.append(f"X-API-Key: {self.key}")
        return "\r\n".join([*text, *lines, "", ""]).encode("latin-1")

    def exec_bytes(self, lang="py", code="print(1)", **fields):
        """A whole POST /exec."""
        body = json.dumps({"lang": lang, "code": code, **fields}).encode()
        return (
            self.head(
                "POST", "/exec", "Content-Type: application/json", f"Content-Length: {len(body)}"
            )
            + body
        )


def read_all(s):
    """Until the end of the stream, a reset or the socket's time-out."""
    pieces = []
    while True:
        try:
            piece = s.recv(65536)
        except (ConnectionResetError, BrokenPipeError, socket.timeout, TimeoutError):
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)


def statuses(stream):
    """The status codes of the answers in a stream of bytes, framed as the heads say."""
    found = []
    while stream:
        end = stream.find(b"\r\n\r\n")
        if not stream.startswith(b"HTTP/1.1 ") or end < 0:
            found.append(None)  # bytes that are no answer: the stream is out of step
            break
        head, stream = stream[:end].decode("latin-1"), stream[end + 4 :]
        status = int(head[9:12])
        found.append(status)
        if status == 100:
            continue
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
        if fields.get("transfer-encoding") == "chunked":
            while stream:
                size, _, rest = stream.partition(b"\r\n")
                stream = rest[int(size, 16) + 2 :]
                if int(size, 16) == 0:
                    break
        else:
            stream = stream[int(fields.get("content-length", 0)) :]
    return found


def form(files, fields=(), boundary=None):
    """A multipart/form-data body and its media type."""
    boundary = boundary or "hostile-" + os.urandom(12).hex()
    out = []
    for name, value in fields:
        out.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        )
        out.append(value.encode() + b"\r\n")
    for name, content in files:
        raw = name if isinstance(name, bytes) else name.encode()
        out.append(
            f"--{boundary}\r\n".encode()
            + b'Content-Disposition: form-data; name="file"; filename="'
            + raw
            + b'"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
        )
    out.append(f"--{boundary}--\r\n".encode())
    return b"".join(out), f"multipart/form-data; boundary={boundary}"
