"""F10, P8, H8: multipart forms; and JSON that is meant to hurt (S5, S6, S7)."""

import json
import time

from .client import form, read_all, statuses
from .fixture import check, row


def post(t, kind, body, target="/upload", length=None, close_write=True):
    head = t.client.head(
        "POST",
        target,
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length is None else length}",
    )
    return statuses(t.client.raw(head + body, close_write=close_write))


def part(name="file", filename="a", content=b"x", boundary="B", extra=b""):
    return (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        ).encode()
        + extra
        + b"\r\n"
        + content
        + b"\r\n"
    )


END = b"--B--\r\n"
KIND = "multipart/form-data; boundary=B"
FORMS = [
    ("no boundary", "multipart/form-data", part() + END, 400),
    ("an empty boundary", "multipart/form-data; boundary=", part() + END, 400),
    ("a boundary of 71", "multipart/form-data; boundary=" + "b" * 71, part() + END, 400),
    ("a boundary of 1,018", "multipart/form-data; boundary=" + "b" * 1018, part() + END, 400),
    ("a boundary with a bad character", "multipart/form-data; boundary=a<b", part() + END, 400),
    ("a boundary that does not end", 'multipart/form-data; boundary="B', part() + END, 400),
    ("another boundary", "multipart/form-data; boundary=C", part() + END, 400),
    ("another type", "multipart/mixed; boundary=B", part() + END, 415),
    ("nothing", KIND, b"", 400),
    ("only the end", KIND, END, (400, 422)),
    ("no closing boundary", KIND, part(), 400),
    ("a cut closing boundary", KIND, part() + b"--B-", 400),
    ("a cut head", KIND, b"--B\r\nContent-Dispo", 400),
    (
        "no blank line",
        KIND,
        b"--B\r\nContent-Disposition: form-data; name=file\r\nx\r\n" + END,
        400,
    ),
    ("no disposition", KIND, b"--B\r\n\r\nx\r\n" + END, 400),
    (
        "two dispositions",
        KIND,
        part(extra=b'Content-Disposition: form-data; name="y"\r\n') + END,
        400,
    ),
    (
        "no name",
        KIND,
        b'--B\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx\r\n' + END,
        400,
    ),
    (
        "attachment",
        KIND,
        b'--B\r\nContent-Disposition: attachment; name="file"; filename="a"\r\n\r\nx\r\n' + END,
        400,
    ),
    (
        "an open quote",
        KIND,
        b'--B\r\nContent-Disposition: form-data; name="file; filename=a\r\n\r\nx\r\n' + END,
        400,
    ),
    (
        "a folded line",
        KIND,
        b'--B\r\nContent-Disposition: form-data;\r\n name="file"; filename="a"\r\n\r\nx\r\n' + END,
        400,
    ),
    ("NUL in the name", KIND, part(filename="a\0b") + END, 400),
    ("a long head", KIND, part(extra=b"X: " + b"x" * 100_000 + b"\r\n") + END, 400),
    ("1,000 head lines", KIND, part(extra=b"X: y\r\n" * 1000) + END, 400),
    ("10,000 parts", KIND, part() * 10_000 + END, (400, 413)),
    (
        "10,000 fields",
        KIND,
        b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n' * 10_000 + END,
        (400, 422),
    ),
    ("a preamble of 1 MB", KIND, b"p" * 1_000_000 + b"\r\n" + part() + END, 400),
    (
        "a field of 1 MB",
        KIND,
        b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
        + b"y" * 1_000_000
        + b"\r\n"
        + END,
        (400, 422),
    ),
    ("LF for line ends", KIND, (part() + END).replace(b"\r\n", b"\n"), 400),
    (
        "only a field",
        KIND,
        b'--B\r\nContent-Disposition: form-data; name="entity_id"\r\n\r\nx\r\n' + END,
        422,
    ),
    (
        "a bad entity",
        KIND,
        b'--B\r\nContent-Disposition: form-data; name="entity_id"\r\n\r\n../x\r\n' + part() + END,
        422,
    ),
    (
        "filename* in Latin-1",
        KIND,
        b"--B\r\nContent-Disposition: form-data; name=file; filename*=ISO-8859-1''%e9\r\n\r\nx\r\n"
        + END,
        (200, 400, 422),
    ),
    (
        "filename* with ..",
        KIND,
        b"--B\r\nContent-Disposition: form-data; name=file; filename=ok; filename*=UTF-8''..%2f..%2fx\r\n\r\nx\r\n"
        + END,
        (400, 422),
    ),
    (
        "filename* with NUL",
        KIND,
        b"--B\r\nContent-Disposition: form-data; name=file; filename*=UTF-8''a%00b\r\n\r\nx\r\n"
        + END,
        (400, 422),
    ),
    ("an epilogue", KIND, part() + END + b"e" * 100_000, 200),
    ("padding after the boundary", KIND, part().replace(b"--B\r\n", b"--B \t\r\n", 1) + END, 200),
    (
        "boundary-like data",
        KIND,
        part(content=b"\r\n--b\r\n--\r\n-\r\n--\r\r\n\r\n--A--") + END,
        200,
    ),
    ("a bare CR at the end", KIND, part(content=b"x\r") + END, 200),
]


@row("F10a", f"{len(FORMS)} forms: each its status, nothing shown of the refused")
def _(t):
    for what, kind, body, wanted in FORMS:
        got = post(t, kind, body)
        check(
            len(got) == 1 and got[0] in (wanted if isinstance(wanted, tuple) else (wanted,)),
            f"{what}: {wanted}",
            got,
        )


@row("F10b", "a form whose length lies, one that stops, one byte a time", local=True)
def _(t):
    body, kind = form([("a.bin", b"x" * 3_000_000)])
    check(post(t, kind, body, length=len(body) + 100) == [400], "too short")
    check(post(t, kind, body, length=len(body) - 100)[:1] == [400], "too long")
    check(post(t, kind, body[:2_000_000]) == [400], "cut")
    with t.client.socket() as s:
        small, kind = form([("b.bin", b"y" * 300)])
        s.sendall(
            t.client.head("POST", "/upload", f"Content-Type: {kind}", "Transfer-Encoding: chunked")
        )
        for byte in small:
            s.sendall(b"1\r\n" + bytes([byte]) + b"\r\n")
        s.sendall(b"0\r\n\r\n")
        check(statuses(read_all(s)) == [200], "one byte a chunk is fine")
    with t.client.socket() as s:  # leaves in the middle
        s.sendall(
            t.client.head("POST", "/upload", f"Content-Type: {kind}", "Content-Length: 90000000")
            + body
        )


@row("F10c", "an upload beyond the limit: 413, bounded memory, nothing stored", local=True)
def _(t):
    before = t.daemon.rss()
    with t.client.socket(60) as s:
        head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n'
        s.sendall(
            t.client.head("POST", "/upload", f"Content-Type: {KIND}", "Content-Length: 280000000")
            + head
        )
        try:
            for _ in range(4200):
                s.sendall(b"z" * 65536)
        except OSError:
            pass
        check(statuses(read_all(s))[:1] == [413], "told so")
    check(t.daemon.rss() - before < 48 << 20, "memory is bounded", t.daemon.rss() - before)


@row("F10d", "two slow senders of large files do not keep others from sending")
def _(t):
    slow = []
    for i in range(6):
        s = t.client.socket()
        head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="slow"\r\n\r\n'
        s.sendall(
            t.client.head("POST", "/upload", f"Content-Type: {KIND}", "Content-Length: 200000000")
            + head
            + b"z" * 1_500_000
        )
        slow.append(s)
    time.sleep(0.5)
    try:
        reply = t.client.upload([("beside.bin", b"y" * 4_000_000)], timeout=6)
        check(
            reply.status_code == 200 and reply.seconds < 3, "an honest upload of 4 MB passes", reply
        )
        reply = t.py(
            "print(len(open('/mnt/data/in').read()))",
            files=[{**t.client.reference("in", b"1234"), "name": "in"}],
        )
        check(
            reply.stdout == "4\n" and reply.seconds < 3, "an honest run with a file passes", reply
        )
    finally:
        for s in slow:
            s.close()


@row("F10e", "a batch in which some are refused")
def _(t):
    reply = t.client.upload(
        [("fine", b"1"), ("../bad", b"2"), ("fine2", b"3")], target="/upload/batch"
    )
    check(
        reply.status_code == 200 and reply.message == "partial_success" and reply.failed == 1,
        "told one by one",
        reply,
    )
    many = t.client.upload([(f"f{i}", b"x") for i in range(205)], target="/upload/batch")
    check(
        many.filesLimitReached is True and many.succeeded == 200, "the limit of files is told", many
    )


@row("S5", "output with NUL, invalid UTF-8, lone surrogates, U+2028 is valid JSON")
def _(t):
    raw = b'\0\x01\x1b[31m\xff\xfe\xed\xa0\x80\xc0\xaf\xf5\x80\xe2\x80\xa8\xe2\x80\xa9"\\</script>\x7f\xc2\x85\xf0\x9f\x99'
    reply = t.py(f"import os\nos.write(1, {raw!r}); os.write(2, {raw!r})")
    text = reply.body.decode("utf-8")
    check(
        json.loads(text)["stdout"].startswith("\0\x01\x1b[31m\ufffd"), "parsed back", reply.stdout
    )
    check(not any(ord(c) < 0x20 for c in text), "no raw control in the JSON", text[:200])


@row("S6", "code of 50 MB, empty, with BOM, CRLF, NUL, lone surrogates, deep nesting")
def _(t):
    reply = t.py("print(1)\n" + "#" * 50_000_000, timeout=25000)
    check(reply.stdout == "1\n", "50 MB of code run", reply.stderr)
    t.refused(t.client.exec("py", "#" * 54_600_000), 413)
    for code in ("", "  \r\n\t", "\n" * 1000):
        t.refused(t.client.exec("py", code), 400)
    check(t.py("\ufeffprint(2)").stdout == "2\n", "a BOM is Python's own business")
    check(
        t.bash("echo 3\r\necho 4\r\n", ("completed", "failed")).stdout.startswith("3"),
        "CRLF is bash's own business",
    )
    t.expect(t.client.exec("py", "print(1)\0print(2)"), ("failed", "completed"))
    t.refused(t.client.exec("py", b'{"lang":"py","code":"print(\'\\ud800\')"}'), 400)
    t.py("(" * 100_000, "failed")
    t.py("x = " + "[" * 5000 + "]" * 5000, ("failed", "signaled"))
    t.bash(
        "$(" * 20_000,
        ("failed", "signaled", "out_of_memory", "process_limit", "timed_out"),
        timeout=8000,
    )


JSONS = [
    ("deep arrays", b'{"lang":"py","code":"1","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("deep objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ("only brackets", b"[" * 5_000_000),
    ("a million digits", b'{"lang":"py","code":"1","timeout":' + b"9" * 1_000_000 + b"}"),
    ("a huge exponent", b'{"lang":"py","code":"1","timeout":1e999999999}'),
    ("NaN", b'{"lang":"py","code":"1","timeout":NaN}'),
    ("Infinity", b'{"lang":"py","code":"1","timeout":Infinity}'),
    ("bytes behind", b'{"lang":"py","code":"1"} {}'),
    ("NUL behind", b'{"lang":"py","code":"1"}\0'),
    ("a comment", b'{"lang":"py",/**/"code":"1"}'),
    ("a trailing comma", b'{"lang":"py","code":"1",}'),
    ("single quotes", b"{'lang':'py','code':'1'}"),
    ("cut", b'{"lang":"py","code":"1'),
    ("invalid UTF-8", b'{"lang":"py","code":"\xff"}'),
    ("overlong UTF-8", b'{"lang":"py","code":"\xc0\xaf"}'),
    ("a surrogate in UTF-8", b'{"lang":"py","code":"\xed\xa0\x80"}'),
    ("a raw newline in a string", b'{"lang":"py","code":"a\nb"}'),
    ("a BOM", b'\xef\xbb\xbf{"lang":"py","code":"1"}'),
    ("UTF-16", '{"lang":"py","code":"1"}'.encode("utf-16")),
    ("half an escape", b'{"lang":"py","code":"\\u12"}'),
    ("an unknown escape", b'{"lang":"py","code":"\\x41"}'),
    ("leading zero", b'{"lang":"py","code":"1","timeout":01}'),
    ("hexadecimal", b'{"lang":"py","code":"1","timeout":0x10}'),
    ("a plus", b'{"lang":"py","code":"1","timeout":+1}'),
    ("two million values", b'{"lang":"py","code":"1","x":[' + b"0," * 2_000_000 + b"0]}"),
]


@row("S7", f"{len(JSONS)} JSON documents that are meant to hurt: 4xx, quick, bounded memory")
def _(t):
    before = t.daemon.rss() if t.daemon else 0
    for what, body in JSONS:
        reply = t.client.exec("", body)
        check(
            reply.status_code in (400, 413, 422) and reply.seconds < 3,
            f"{what}: refused quickly",
            reply,
        )
        check(len(reply.body) < 2000, f"{what}: it is not echoed", len(reply.body))
    if t.daemon:
        check(t.daemon.rss() - before < 200 << 20, "memory is bounded", t.daemon.rss() - before)


@row("S7b", "duplicate keys, a million keys, keys of the prototype")
def _(t):
    reply = t.client.exec(
        "", b'{"lang":"cobol","code":"print(1)","lang":"py","__proto__":{},"constructor":1,"":2}'
    )
    check(reply.status_code in (200, 400), "one of both, said or run", reply)
    many = (
        b'{"lang":"py","code":"print(1)",'
        + b",".join(b'"k%d":0' % i for i in range(400_000))
        + b"}"
    )
    reply = t.client.exec("", many)
    check(reply.status_code in (200, 400, 413) and reply.seconds < 4, "in time", reply.seconds)
    same = (
        b'{"lang":"py","code":"print(1)",' + b",".join(b'"same":0' for i in range(400_000)) + b"}"
    )
    check(t.client.exec("", same).seconds < 4, "in time")
