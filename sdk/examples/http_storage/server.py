#!/usr/bin/python3
"""A blob server for http_storage: ./server.py --folder DIR [--port N]. Prints the port it listens on.

No keys, no TLS: for tests and trusted networks.
"""
import argparse
import os
import re
import tempfile
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = re.compile(r"/([0-9a-f]+)/([0-9a-f]*)")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", length=None, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.close_connection = True

    def file(self):
        """The folder of the space, and the file of the key: 100 digits a folder, as names have bounds."""
        url = urllib.parse.urlsplit(self.path)
        match = PATH.fullmatch(url.path)
        if not match:
            raise ValueError(self.path)
        folder = os.path.join(self.server.folder, match[1][-200:])
        digits = match[2]
        parts = [
            digits[i : i + 100] + ("+" if i + 100 < len(digits) else "")
            for i in range(0, len(digits), 100)
        ]
        return (
            folder,
            os.path.join(folder, *parts) if parts else None,
            urllib.parse.parse_qs(url.query),
        )

    def body(self):
        """Pieces of the request's body. Raises EOFError when it ends early."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            yield from self.exactly(int(self.headers.get("Content-Length", 0)))
            return
        while True:
            line = self.rfile.readline(64).strip()
            if not line:
                raise EOFError("the sender left")
            size = int(line, 16)
            yield from self.exactly(size)
            self.rfile.readline(2)
            if size == 0:
                return

    def exactly(self, left):
        while left > 0:
            piece = self.rfile.read1(min(left, 65536))
            if not piece:
                raise EOFError("the sender left")
            left -= len(piece)
            yield piece

    def do_PUT(self):
        folder, file, _ = self.file()
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.server.folder, delete=False) as new:
            try:
                for piece in self.body():
                    new.write(piece)
                new.flush()
                os.fsync(new.fileno())
            except EOFError:
                os.unlink(new.name)
                self.close_connection = True
                return
        os.rename(new.name, file)
        self.answer(200)

    def do_GET(self):
        folder, file, query = self.file()
        if file is None:
            return self.list(folder, query.get("prefix", [""])[0])
        try:
            with open(file, "rb") as blob:
                size = os.fstat(blob.fileno()).st_size
                offset, length = (self.headers.get("X-Range") or "0 end").split()
                offset = int(offset)
                length = max(size - offset, 0) if length == "end" else int(length)
                if offset + length > size:
                    return self.answer(416)
                blob.seek(offset)
                self.answer(200, blob.read(length))
        except FileNotFoundError:
            self.answer(404)

    def list(self, folder, prefix):
        lines = []
        for parent, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(parent, name)
                digits = os.path.relpath(path, folder).replace("+/", "")
                if digits.startswith(prefix):
                    status = os.stat(path)
                    lines.append(f"{digits} {status.st_size} {status.st_mtime_ns // 1_000_000}")
        self.answer(200, "\n".join(lines).encode())

    def do_HEAD(self):
        _, file, _ = self.file()
        try:
            if file is None:
                return self.answer(200)
            status = os.stat(file)
            self.answer(
                200,
                length=status.st_size,
                headers=[("X-Modified-Ms", str(status.st_mtime_ns // 1_000_000))],
            )
        except FileNotFoundError:
            self.answer(404)

    def do_DELETE(self):
        _, file, _ = self.file()
        try:
            os.unlink(file)
        except FileNotFoundError:
            pass
        self.answer(200)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # a client that leaves is nothing to print a traceback for


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    server = Server(("127.0.0.1", args.port), Handler)
    server.folder = args.folder
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
