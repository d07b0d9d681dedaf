"""P and H of the pitfalls, S8: malformed HTTP by bare sockets."""

import socket
import threading
import time

from stalls import Stalls

from .client import read_all, statuses
from .fixture import check, row


def answered(t, data, *wanted, close_write=True, only=True):
    """Sends bytes; expects one answer of a wanted status (None: closed without one)."""
    got = statuses(t.client.raw(data, close_write=close_write))
    first = got[0] if got else None
    check(first in wanted, f"{data[:90]!r}: expected {wanted}", got)
    if only:
        check(len([s for s in got if s != 100]) <= 1, f"{data[:90]!r}: one answer alone", got)
    return first


HEAD_FAULTS = [
    # target, lines, wanted: what H1–H3, P1, P3, P6 of the pitfalls are about
    ("two lengths that agree", "/exec", ["Content-Length: 2", "Content-Length: 2"], 400),
    ("two lengths that differ", "/exec", ["Content-Length: 2", "Content-Length: 20"], 400),
    ("a list of lengths", "/exec", ["Content-Length: 2, 2"], 400),
    ("length with a sign", "/exec", ["Content-Length: +2"], 400),
    ("negative length", "/exec", ["Content-Length: -1"], 400),
    ("hexadecimal length", "/exec", ["Content-Length: 0x10"], 400),
    ("empty length", "/exec", ["Content-Length:"], 400),
    ("length beyond 64 bits", "/exec", ["Content-Length: 18446744073709551617"], 400),
    ("length just below 64 bits", "/exec", ["Content-Length: 9223372036854775807"], (400, 413)),
    ("length with spaces inside", "/exec", ["Content-Length: 1 0"], 400),
    ("length and chunked", "/exec", ["Content-Length: 5", "Transfer-Encoding: chunked"], 400),
    ("chunked and length", "/exec", ["Transfer-Encoding: chunked", "Content-Length: 5"], 400),
    ("chunked twice", "/exec", ["Transfer-Encoding: chunked, chunked"], (400, 501)),
    ("two codings", "/exec", ["Transfer-Encoding: gzip, chunked"], (400, 501)),
    ("chunked not last", "/exec", ["Transfer-Encoding: chunked, identity"], (400, 501)),
    ("xchunked", "/exec", ["Transfer-Encoding: xchunked"], (400, 501)),
    ("chunked with a parameter", "/exec", ["Transfer-Encoding: chunked;q=1"], (400, 501)),
    ("quoted chunked", "/exec", ['Transfer-Encoding: "chunked"'], (400, 501)),
    (
        "two coding headers",
        "/exec",
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        400,
    ),
    (
        "an underscore for the hyphen",
        "/exec",
        ["Transfer_Encoding: chunked", "Content-Length: 2"],
        (200, 400, 415, 422),
    ),
    ("space before the colon", "/exec", ["Content-Length : 2"], 400),
    ("a folded header", "/exec", ["X-A: b", " c"], 400),
    ("a folded coding", "/exec", ["Transfer-Encoding:", " chunked"], 400),
    ("a header without colon", "/exec", ["Nonsense"], 400),
    ("a header without name", "/exec", [": x"], 400),
    ("a name with a space", "/exec", ["X A: b"], 400),
    ("a name with NUL", "/exec", ["X\0A: b"], 400),
    ("a value with NUL", "/exec", ["X-A: b\0c"], 400),
    ("a value with a lone CR", "/exec", ["X-A: b\rContent-Length: 3"], 400),
    ("a value with a lone LF", "/exec", ["X-A: b\nContent-Length: 3"], 400),
    ("a value with VT", "/exec", ["Transfer-Encoding:\x0bchunked"], (400, 501)),
    ("a second Host", "/exec", ["Host: other"], 400),
    ("an expectation unknown", "/exec", ["Expect: 200-ok", "Content-Length: 2"], 417),
    ("compressed body", "/exec", ["Content-Encoding: gzip", "Content-Length: 2"], 415),
    ("101 headers", "/exec", [f"X-{i}: {i}" for i in range(101)], 431),
    ("a head of 20 KiB", "/exec", ["X-A: " + "a" * 20000], 431),
    (
        "a second key",
        "/exec",
        ["X-API-Key: other", "Content-Length: 2", "Content-Type: application/json"],
        400,
    ),
    (
        "key and bearer",
        "/exec",
        ["Authorization: Bearer x", "Content-Length: 2", "Content-Type: application/json"],
        400,
    ),
    ("absolute form", "http://localhost/exec", ["Content-Length: 2"], 400),
    ("a fragment", "/exec#x", ["Content-Length: 2"], 400),
    ("a control in the target", "/ex\x01ec", [], 400),
    ("a byte above 126 in the target", "/ex\xe9c", [], 400),
    ("a long target", "/" + "a" * 9000, [], (414, 431)),
    ("no slash", "exec", [], 400),
    ("a star with POST", "*", [], 400),
]


@row("H1", f"{len(HEAD_FAULTS)} faults of heads: each refused, none runs a second request")
def _(t):
    hidden = b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n"
    for what, target, lines, wanted in HEAD_FAULTS:
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        try:
            answered(t, t.client.head("POST", target, *lines) + b"{}" + hidden, *wanted)
        except Exception as failure:
            raise type(failure)(f"{what}: {failure}") from None


RAW = [
    (b"POST /exec HTTP/1.1\r\n\r\n", 400),
    (b"GET /health HTTP/1.0\r\n\r\n", 200),
    (b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n", (400, 505)),
    (b"GET /health HTTP/1.2\r\nHost: x\r\n\r\n", (200, 400, 505)),
    (b"GET /health\r\n\r\n", 400),
    (b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET /health HTTP/1.1 \r\nHost: x\r\n\r\n", (400, 505)),
    (b"GET\t/health HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"get /health HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405)),
    (b"GE(T /health HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"CONNECT localhost:80 HTTP/1.1\r\nHost: x\r\n\r\n", (400, 405)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500, (400, None)),
    (b"\0" * 100, 400),
    (b"\r\n" * 50, (400, None)),
    (b"\n\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\nHost: x\n\n", 400),
    (b"HTTP/1.1 200 OK\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\nHost: u@h\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\nHost:\r\n\r\n", (200, 400)),
    (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", (401, 404, 405)),
    (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 204),
    (b"A" * 70000, (400, 414, 431)),
    (b"GET /" + b"%" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (400, 401, 404)),
    (b"POST /exec HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", (400, 401, 415)),
]


@row("H2", f"{len(RAW)} requests that are none")
def _(t):
    for data, wanted in RAW:
        answered(t, data, *(wanted if isinstance(wanted, tuple) else (wanted,)))


CHUNKS = [
    (b"5\r\nhello\r\n0\r\n\r\n", "good"),
    (b"5;ext=1\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", "good"),
    (b"-5\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"+5\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"0x5\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"5 \r\nhello\r\n0\r\n\r\n", "either"),
    (b" 5\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"5\nhello\n0\n\n", "bad"),
    (b"5\r\nhello0\r\n\r\n", "bad"),
    (b"5\r\nhelloX\r\n0\r\n\r\n", "bad"),
    (b"4\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"6\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"10000000000000005\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "bad"),
    (b"5;" + b"a" * 40000 + b"\r\nhello\r\n0\r\n\r\n", "either"),
    (b"5\r\nhello\r\n", "bad"),
    (b"5\r\nhe", "bad"),
    (b"5\r\nhello\r\n0\r\n", "bad"),
    (b"5\r\nhello\r\n0\r\n" + b"T: x\r\n" * 20000 + b"\r\n", "bad"),
    (b"zz\r\n", "bad"),
    (b'5;"\r\n\r\n0\r\n\r\nGET /ready HTTP/1.1\r\n"\r\nhello\r\n0\r\n\r\n', "either"),
]


@row("H3", f"{len(CHUNKS)} chunked bodies: cut, lying, overlong")
def _(t):
    head = t.client.head(
        "POST", "/exec", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    for body, kind in CHUNKS:
        # "hello" is no JSON: a body that was read whole is told so by 400 too, but in JSON's words.
        stream = t.client.raw(head + body, close_write=True)
        got = statuses(stream)
        check(
            got == [400] or got == [413] or (kind == "bad" and got == [431]),
            f"{body[:60]!r}: refused once",
            got,
        )
        read_whole = b"expected a value" in stream or b"column" in stream
        if kind != "either":
            check(read_whole == (kind == "good"), f"{body[:60]!r} is {kind}", stream[-300:])
    code = b'{"lang":"py","code":"print(7)"}'
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in code) + b"0\r\n\r\n"
    check(
        b'"stdout":"7\\n"' in t.client.raw(head + pieces),
        "one byte a chunk is a body like any other",
    )


@row(
    "P1", "encoded words, controls and long ids are not echoed into headers or the log", local=True
)
def _(t):
    for value in (
        "=?utf-8?Q?abc=0D=0ASet-Cookie:_x=3D1?=",
        "a" * 65,
        "a b",
        "x\x7fy",
        "%0d%0aSet-Cookie: x",
        "a;b",
        "\xe9",
        "<script>",
    ):
        stream = t.client.raw(
            t.client.head("GET", "/ready", f"X-Request-ID: {value}", f"X-A: {value}"),
            close_write=True,
        )
        check(
            b"Set-Cookie" not in stream and value.encode("latin-1") not in stream,
            f"{value!r} is not echoed",
            stream[:600],
        )
    for target in ("/nope/\x1b[31m", "/=?utf-8?Q?=0A?=", "/%0a%0dlevel=error", "/\xe2\x80\xae"):
        t.client.raw(t.client.head("GET", target), close_write=True)
    check("\x1b" not in t.daemon.said(), "no escape sequence in the log")


@row("P2", "an unread body is never the next request")
def _(t):
    hidden = t.client.head("GET", "/ready")
    for target, lines in (
        ("/nope", []),
        ("/exec", ["Content-Type: text/plain"]),
        ("/exec", []),
        ("/ready", []),
        ("/upload", ["Content-Type: text/plain"]),
        ("/files/x/y/z", []),
    ):
        data = t.client.head("POST", target, *lines, f"Content-Length: {len(hidden)}") + hidden
        got = statuses(t.client.raw(data, close_write=True))
        check(len(got) == 1 and got[0] >= 400, f"{target}: one answer, an error", got)
    for method in ("GET", "DELETE", "HEAD"):
        data = t.client.head(method, "/health", f"Content-Length: {len(hidden)}") + hidden
        check(
            len(statuses(t.client.raw(data, close_write=True))) == 1,
            f"{method} with a body: one answer",
        )


@row("P3", "POST without a length and without chunks does not wait")
def _(t):
    for target in ("/exec", "/upload", "/upload/batch"):
        began, stalls = time.monotonic(), Stalls()
        got = statuses(
            t.client.raw(t.client.head("POST", target, "Content-Type: application/json"))
        )
        took = time.monotonic() - began - stalls.lost()
        check(
            got and 400 <= got[0] < 500 and took < 3, f"{target} is answered at once", (got, took)
        )


@row("P4", "a body shorter than it said, of JSON and of a form")
def _(t):
    body = b'{"lang":"py","code":"print(1)"}'
    data = (
        t.client.head(
            "POST", "/exec", "Content-Type: application/json", f"Content-Length: {len(body) + 5}"
        )
        + body
    )
    answered(t, data, 400)
    check(
        not any(r for r in [t.client.raw(data[:-20], close_write=True)] if b" 200 " in r),
        "nothing was run",
    )


@row("P7", "what a handler does not expect is an answer, never a silent close")
def _(t):
    for body in (
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"true",
        b"{}",
        b'{"lang":1,"code":1}',
        b'{"lang":{},"code":[]}',
        b'{"lang":"py"}',
        b'{"code":"x"}',
        b'{"lang":"py","code":null}',
        b'{"lang":"cobol","code":"x"}',
        b'{"lang":"py","code":" \\n\\t "}',
        b'{"lang":"","code":"x"}',
        b'{"lang":"py","code":"1","files":{}}',
        b'{"lang":"py","code":"1","files":[1]}',
        b'{"lang":"py","code":"1","files":[[]]}',
        b'{"lang":"py","code":"1","env":[]}',
        b'{"lang":"py","code":"1","env":{"a":1}}',
        b'{"lang":"py","code":"1","stdin":1}',
        b'{"lang":"py","code":"1","timeout":"x"}',
        b'{"lang":"py","code":"1","timeout":-1}',
        b'{"lang":"py","code":"1","timeout":0}',
        b'{"lang":"py","code":"1","session_id":1}',
        b'{"lang":"py","code":"1","entity_id":"../x"}',
        b'{"lang":"py","code":"1","args":"\\"open"}',
    ):
        reply = t.client.exec("", body)
        t.refused(reply, 400, 422)
        check(
            isinstance(reply.error, str) and reply.request_id, "an error of the agreed form", reply
        )


@row("H4", "HEAD has no body, Expect is met only when the body will be read")
def _(t):
    stream = t.client.raw(t.client.head("HEAD", "/health"), close_write=True)
    check(stream.startswith(b"HTTP/1.1 200") and stream.endswith(b"\r\n\r\n"), "no body", stream)
    for target, kind, wanted in (
        ("/exec", "application/json", 100),
        ("/nope", "application/json", 404),
        ("/exec", "text/plain", 415),
    ):
        with t.client.socket() as s:
            s.sendall(
                t.client.head(
                    "POST",
                    target,
                    f"Content-Type: {kind}",
                    "Content-Length: 31",
                    "Expect: 100-continue",
                )
            )
            first = s.recv(4096)
            check(int(first[9:12]) == wanted, f"{target} {kind}: {wanted}", first[:60])
            if wanted == 100:
                s.sendall(b'{"lang":"py","code":"print(1)"}')
                check(b'"stdout":"1\\n"' in read_all(s), "then it is run")
    answered(
        t,
        t.client.head(
            "POST",
            "/exec",
            "Content-Type: application/json",
            "Content-Length: 99999999999",
            "Expect: 100-continue",
        ),
        413,
    )


@row("H5", "slow loris in head and body, a reader that does not read")
def _(t):
    lazy = [t.client.socket(40) for _ in range(60)]
    for i, s in enumerate(lazy):
        s.sendall(
            [
                b"P",
                t.client.head("POST", "/exec")[:40],
                t.client.head(
                    "POST", "/exec", "Content-Type: application/json", "Content-Length: 500"
                )
                + b"{",
            ][i % 3]
        )
    # One that drips: a byte each time, so that no read waits long.
    began, ended, stalls = time.monotonic(), {}, Stalls()
    drip = lazy[:3]
    while len(ended) < 3 and time.monotonic() - began < 25:
        for i, s in enumerate(drip):
            if i in ended:
                continue
            try:
                s.send(b"x")
                s.settimeout(0.01)
                if s.recv(1) == b"":
                    ended[i] = time.monotonic() - began
                else:
                    ended[i] = time.monotonic() - began
            except (socket.timeout, TimeoutError):
                pass
            except OSError:
                ended[i] = time.monotonic() - began
        time.sleep(0.3)
    check(len(ended) == 3 and max(ended.values()) < 18 + stalls.lost(), "dripping is ended", ended)
    for s in lazy[3:]:
        s.settimeout(10)
        got = read_all(s)
        check(
            got == b"" or b" 408 " in got.split(b"\r\n")[0] + b" ",
            "the silent are told 408 or closed",
            got[:60],
        )
        s.close()


@row("H5b", "a client that does not read its megabyte of answer", local=True)
def _(t):
    held = []
    for _ in range(12):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.settimeout(5)
        s.connect((t.client.host, t.client.port))
        s.sendall(t.client.exec_bytes("py", "print('\\x01' * 1000000)"))
        held.append(s)
    time.sleep(2)
    reply = t.py("print(1)")
    check(reply.seconds < 3, "places are not held by who does not read", reply.seconds)
    for s in held:
        s.close()


@row("H6", "an answer to an early error arrives, though the body is still being sent")
def _(t):
    for target, kind in (
        ("/nope", "application/json"),
        ("/exec", "text/plain"),
        ("/upload", "application/json"),
    ):
        with t.client.socket() as s:
            s.sendall(
                t.client.head("POST", target, f"Content-Type: {kind}", "Content-Length: 30000000")
            )

            def pour():
                try:
                    for _ in range(460):
                        s.sendall(b"x" * 65536)
                except OSError:
                    pass

            thread = threading.Thread(target=pour, daemon=True)
            thread.start()
            got = statuses(read_all(s))
            check(got and got[0] in (404, 415), f"{target}: the error arrives", got)
            thread.join(10)


@row("S8a", "2,000 idle connections and 2,000 half heads beside honest work")
def _(t):
    sockets = []
    try:
        for i in range(2000):
            s = t.client.socket()
            sockets.append(s)
            if i % 2:
                s.sendall(b"POST /exec HTTP/1.1\r\nHost:")
        for _ in range(3):
            check(t.py("print(1)").seconds < 2, "honest work goes on")
    finally:
        for s in sockets:
            s.close()


@row("S8b", "pipelining: every request has its own answer, or the connection ends")
def _(t):
    one = t.client.exec_bytes("py", "print(1)")
    for data in (
        one * 2,
        one + t.client.head("GET", "/ready"),
        t.client.head("GET", "/ready") * 20,
        one + b"garbage" * 1000,
    ):
        got = statuses(t.client.raw(data, close_write=False))
        check(got and all(s in (200, 400) for s in got) and got[0] == 200, "in step", got)


@row("S8c", "half-close after the request, and a flood of bytes during a run")
def _(t):
    with t.client.socket() as s:
        s.sendall(t.client.exec_bytes("py", "import time; time.sleep(20)"))
        time.sleep(0.3)
        try:
            for _ in range(400):
                s.sendall(b"F" * 65536)
        except OSError:
            pass
        s.settimeout(6)
        read_all(s)
    check(t.py("print(1)").seconds < 3, "the place of the flooder is free")
