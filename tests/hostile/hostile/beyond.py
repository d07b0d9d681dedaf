"""B: attacks that no list names."""

import os
import random
import re
import threading
import time

from .client import statuses
from .daemon import until
from .fixture import check, row


@row("B1", "the overlay: renames, whiteouts, opaque folders, unnamed files, its work folder")
def _(t):
    refs = [t.client.reference(name, name.encode()) for name in ("a", "b", "d/x", "d/y", "e/f/g")]
    reply = t.py(
        """
import os, ctypes
os.chdir('/mnt/data')
def tried(f, *a):
    try: return f(*a)
    except OSError as e: return e.errno
out = []
out.append(tried(os.mknod, 'a2', 0o020000, os.makedev(0, 0)))
out.append(tried(os.setxattr, '.', 'trusted.overlay.opaque', b'y'))
out.append(tried(os.setxattr, 'd', 'user.overlay.opaque', b'y'))
out.append(tried(os.setxattr, 'd', 'user.overlay.redirect', b'/../../../etc'))
tried(os.rename, 'd', 'd2'); tried(os.unlink, 'a'); os.mkdir('a'); open('a/in', 'w').write('x')
tried(os.rename, 'b', 'e/f/b'); os.link('e/f/g', 'linked')
fd = os.open('.', os.O_TMPFILE | os.O_RDWR); os.write(fd, b'unnamed')
for p in ('/mnt/.work', '/mnt/.work/work', '/.podium', '/.podium/runs'):
    try: os.listdir(p); print('listed', p)
    except OSError: pass
import shutil
shutil.rmtree('d', ignore_errors=True); os.mkdir('d'); open('d/new', 'w').write('new')
""",
        files=refs,
    )
    names = sorted(f["name"] for f in reply.files)
    check(reply.stdout == "", "nothing of the work folders is seen", reply.stdout)
    check(
        set(names) >= {"a/in", "d/new", "e/f/b", "linked"}
        and set(reply.deleted_files) >= {"a", "b", "d/x", "d/y"},
        "what changed is told",
        (names, reply.deleted_files),
    )
    for ref in refs:
        check(
            t.client.download(ref["session_id"], ref["id"]).body == ref["name"].encode(),
            "blobs are untouched",
        )


@row("B2", "out through /proc: root, cwd, map_files, fd, mem")
def _(t):
    t.says(
        "py",
        """
import os, glob
bad = []
for p in ('/proc/self/root/../../..', '/proc/self/cwd/../../../..', '/proc/1/root', '/proc/1/cwd', '/proc/self/task/%d/root' % os.getpid(), '/proc/thread-self/root'):
    try: names = os.listdir(p)
    except OSError: continue
    if 'var' in names or 'root' in names: bad.append((p, names))
fd = os.open('/', os.O_PATH)
for _ in range(30):
    fd = os.open('..', os.O_PATH, dir_fd=fd)
if 'var' in os.listdir('/proc/self/fd/%d' % fd): bad.append('..')
try: open('/proc/self/oom_score_adj', 'w').write('-1000'); bad.append('oom_score_adj')
except OSError: pass
for p in glob.glob('/proc/[0-9]*'):
    if os.stat(p).st_uid == 0: bad.append(('a process of root', p, open(p + '/comm').read()))
print(bad if bad else 'ok')
""",
    )


@row("B2b", "it stays the first to die when memory is short", local=True)
def _(t):
    t.says(
        "bash",
        "(echo 0 > /proc/self/oom_score_adj) 2>/dev/null; [ $(cat /proc/self/oom_score_adj) = 1000 ] && echo ok",
    )


@row("B3", "descriptors that fly in circles, sockets in sockets in sockets")
def _(t):
    for _ in range(3):
        t.py(
            """
import array, os, socket
def send(over, *fds):
    over.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))])
dirs = [os.open(p, os.O_RDONLY) for p in ('/', '/mnt/data', '/proc', '/dev/null', '/proc/self/ns/net')]
for i in range(300):
    a, b = socket.socketpair(); c, d = socket.socketpair()
    for s in (a, b, c, d): s.setblocking(False)
    try: send(a, b.fileno(), *dirs); send(b, a.fileno()); send(c, a.fileno(), d.fileno()); send(d, c.fileno(), b.fileno())
    except OSError: break
x, y = socket.socketpair(); x.setblocking(False)
try:
    while True:
        p, q = socket.socketpair(); send(p, x.fileno(), y.fileno()); x, y = p, q
except OSError: pass
""",
            ("completed", "failed", "out_of_memory"),
        )


@row("B4", "sparse files of the allowed size, from many runs: disk and neighbours", local=True)
def _(t):
    code = "import os\nfor n in 'ab': os.truncate(os.open(n, os.O_CREAT | os.O_RDWR), 256 << 20)"
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(t.client.exec("py", code))) for _ in range(4)
    ]
    before = disk_used(t.daemon.state)
    for thread in threads:
        thread.start()
    time.sleep(0.4)
    beside = t.client.exec("py", "open('small', 'w').write('x')")
    check(beside.seconds < 2.5, "a run with a small file beside it", beside.seconds)
    for thread in threads:
        thread.join()
    check(
        all(a.status_code == 200 and len(a.files) == 2 for a in answers), "all is kept", answers[:1]
    )
    used = disk_used(t.daemon.state) - before
    check(used < 600 << 20, "holes cost no disk, or one copy at most", used)
    for a in answers:
        for f in a.files:
            t.client.request("DELETE", f"/files/{f['session_id']}/{f['id']}")


def disk_used(folder):
    total, seen = 0, set()
    for top, _, files in os.walk(folder):
        for name in files:
            try:
                info = os.lstat(os.path.join(top, name))
            except OSError:
                continue
            if info.st_ino not in seen:
                seen.add(info.st_ino)
                total += info.st_blocks * 512
    return total


@row(
    "B5",
    "limits that are the whole host's: asynchronous I/O, watches, timers, locks, queues",
    local=True,
)
def _(t):
    reply = t.py(
        """
import ctypes, os, fcntl, socket, select, signal
libc = ctypes.CDLL(None, use_errno=True)
def storm(what, f, most=100000):
    for i in range(most):
        try:
            if f(i) in (-1, False): break
        except OSError: break
    print(what, i)
ctx = ctypes.c_ulong(0)
def aio(i):
    c = ctypes.c_ulong(0); return libc.syscall(206, 20000, ctypes.byref(c))
storm('aio', aio, 100)
fd = libc.inotify_init(); storm('watch', lambda i: libc.inotify_add_watch(fd, b'/usr/share/doc' if i % 2 else b'/tmp', 1 << (i % 12)))
open('/tmp/l', 'w').truncate(1 << 20); l = os.open('/tmp/l', os.O_RDWR)
storm('locks', lambda i: fcntl.lockf(l, fcntl.LOCK_EX, 1, 2 * i))
storm('timers', lambda i: libc.timer_create(0, None, ctypes.byref(ctypes.c_void_p())))
storm('queues', lambda i: libc.mq_open(b'/q%d' % i, os.O_CREAT | os.O_RDWR, 0o600, None))
storm('shm', lambda i: libc.shmget(0, 4096, 0o1600)); storm('sem', lambda i: libc.semget(0, 100, 0o1600)); storm('msg', lambda i: libc.msgget(0, 0o1600))
storm('epoll', lambda i: select.epoll().fileno()); storm('memfd', lambda i: os.memfd_create('x'))
""",
        ("completed", "out_of_memory", "timed_out", "failed"),
        timeout=15000,
    )
    check(
        not re.search(r"aio [1-9]", reply.stdout or ""),
        "the host's asynchronous I/O is not taken",
        reply.stdout,
    )


@row("B6", "a storm of sync() beside an upload")
def _(t):
    done = []
    thread = threading.Thread(
        target=lambda: done.append(
            t.client.exec(
                "py",
                "import os\nfor _ in range(40): os.fork() if _ < 4 else None\nwhile True: os.sync()",
                timeout=4000,
            )
        )
    )
    thread.start()
    time.sleep(0.5)
    made = t.client.upload([("beside", b"z" * 3_000_000)])
    check(made.status_code == 200 and made.seconds < 4, "the upload passes", made)
    thread.join()
    t.expect(done[0], "timed_out")


@row("B7", "page cache: a program throws out what others run on")
def _(t):
    t.py(
        """
import os, time
end = time.time() + 3
while time.time() < end:
    for top, _, files in os.walk('/usr/lib/python3'):
        for f in files:
            try:
                fd = os.open(os.path.join(top, f), os.O_RDONLY); os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED); os.close(fd)
            except OSError: pass
        if time.time() > end: break
"""
    )


@row("B8", "400 senders without a key, each with almost 4 MiB of body", local=True)
def _(t):
    before, sockets = t.daemon.rss(), []
    piece = b'{"lang":"py","code":"' + b"x" * ((4 << 20) - 100)
    try:
        for _ in range(400):
            s = t.client.socket()
            s.sendall(
                t.client.head(
                    "POST",
                    "/exec",
                    "Content-Type: application/json",
                    f"Content-Length: {4 << 20}",
                    key=False,
                )
            )
            s.settimeout(0.5)
            sockets.append(s)
            try:
                s.sendall(piece)
            except OSError:
                pass
        grown = t.daemon.rss() - before
        check(grown < 600 << 20, "what strangers make the daemon hold is bounded", grown)
    finally:
        for s in sockets:
            s.close()


@row("B9", "80 bodies of 45 MB from one who has a key: bounded memory, or refused", local=True)
def _(t):
    before, peak, answers = t.daemon.rss(), 0, []
    body = b'{"lang":"py","code":"import time; time.sleep(.1)\\n#' + b"x" * 45_000_000 + b'"}'

    def send():
        answers.append(t.client.exec("py", body, http_timeout=90).status_code)

    threads = [threading.Thread(target=send, daemon=True) for _ in range(80)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, t.daemon.rss())
        time.sleep(0.05)
    check(len(answers) == 80 and set(answers) <= {200, 503}, "each has its answer", answers)
    check(200 in answers and 503 in answers, "some are taken, some refused", answers)
    check(peak - before < 1500 << 20, "the memory is bounded", peak - before)
    until(lambda: t.daemon.rss() - before < 100 << 20)
    check(t.daemon.rss() - before < 200 << 20, "and given back", t.daemon.rss() - before)


@row("B11", "the end at the very moment of the limit, 80 times")
def _(t):
    def one(i):
        reply = t.client.exec("bash", f"sleep 0.0{i % 10}{i % 7}; echo x > f", timeout=20 + i)
        seen.append((reply.status_code, reply.status))

    seen = []
    for base in range(0, 80, 8):
        threads = [threading.Thread(target=one, args=(base + i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    check(
        len(seen) == 80 and set(seen) <= {(200, "completed"), (200, "timed_out")},
        "each ends as one or the other",
        set(seen),
    )


@row("B12", "150 clients that leave at random moments, of runs with files")
def _(t):
    chance = random.Random(7)
    refs = [t.client.reference("in", b"x" * 10_000)]

    def one():
        try:
            with t.client.socket() as s:
                kind = chance.random()
                data = t.client.exec_bytes(
                    "bash",
                    "cat /mnt/data/in > out; head -c 2000000 /dev/zero > big; sleep .05; echo done",
                    files=refs,
                )
                s.sendall(data[: int(len(data) * chance.random())] if kind < 0.2 else data)
                time.sleep(chance.random() * 0.25)
                if kind > 0.6:
                    s.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")
        except OSError:
            pass

    for _ in range(15):
        threads = [threading.Thread(target=one) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@row("B13", "files removed, changed and downloaded while runs use them")
def _(t):
    for _ in range(10):
        ref = t.client.reference("in", b"content" * 5000)
        answers = []

        def run():
            answers.append(
                t.client.exec(
                    "bash", "sleep .1; wc -c < /mnt/data/in; echo y >> /mnt/data/in", files=[ref]
                )
            )

        def drop():
            time.sleep(random.random() * 0.12)
            answers.append(t.client.request("DELETE", f"/files/{ref['session_id']}/{ref['id']}"))

        def fetch():
            answers.append(t.client.download(ref["session_id"], ref["id"]))

        threads = [threading.Thread(target=f) for f in (run, drop, fetch, run, drop)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check(all(a.status_code in (200, 404) for a in answers), "no error of ours", answers)
        for a in answers:
            if (
                a.body.startswith(b'{"session_id"')
                and "no longer" not in a.stderr
                and "warning" not in a.stderr
            ):
                check(a.stdout == "35000\n", "all of it or none of it", a)


@row("B14", "1,000 references, one file under 1,000 names, and 1,001")
def _(t):
    ref = t.client.reference("a", b"x")
    reply = t.bash("ls /mnt/data | wc -l", files=[{**ref, "name": f"n{i}"} for i in range(1000)])
    check(reply.stdout == "1000\n", "all are there", reply)
    t.refused(
        t.client.exec("bash", "true", files=[{**ref, "name": f"n{i}"} for i in range(1001)]),
        400,
        413,
        422,
    )
    deep = "/".join(["é" * 12] * 10)
    t.bash(f"cat '/mnt/data/{deep}'", files=[{**ref, "name": deep}])
    t.bash("true", files=[{**ref, "name": "x/" * i + f"f{i}"} for i in range(10)])
    t.bash(
        "true",
        files=[{"id": "A" * 21, "session_id": "B" * 21, "name": "gone"}, {"name": "nothing"}, {}],
    )


@row("B15", "files that are read-only stay so", local=False)
def _(t):
    made = t.client.upload([("ro.txt", b"fixed")], fields=[("read_only", "true")])
    ref = {"id": made.files[0]["fileId"], "name": "ro.txt", "session_id": made.session_id}
    reply = t.bash(
        "echo changed > /mnt/data/ro.txt; rm -f /mnt/data/ro.txt; echo new > /mnt/data/ro.txt; cat /mnt/data/ro.txt",
        ("completed", "failed"),
        files=[ref],
    )
    check(reply.files == [] and reply.deleted_files == [], "it is never emitted", reply)
    check(t.client.download(ref["session_id"], ref["id"]).body == b"fixed", "and unchanged")


@row("B16", "ranges and conditions that are odd")
def _(t):
    ref = t.client.reference("r.bin", bytes(range(256)) * 4)
    target = f"/download/{ref['session_id']}/{ref['id']}"
    for given, wanted, length in (
        ("bytes=0-0", 206, 1),
        ("bytes=-1", 206, 1),
        ("bytes=1023-", 206, 1),
        ("bytes=0-99999999", 206, 1024),
        ("bytes=1024-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-2", 200, 1024),
        ("bytes=a-b", 200, 1024),
        ("bytes=0-1,3-4", (200, 206), None),
        ("items=0-1", 200, 1024),
        ("bytes=18446744073709551615-", (200, 416), None),
        ("bytes=-18446744073709551615", (200, 206), 1024),
        ("bytes=0-0" + ",0-0" * 2000, (200, 431), None),
        ("bytes=--1", 200, 1024),
        ("bytes= 0 - 1", (200, 206), None),
        ("", 200, 1024),
    ):
        reply = t.client.get(target, headers={"Range": given})
        check(
            reply.status_code in (wanted if isinstance(wanted, tuple) else (wanted,)),
            f"{given[:40]}: {wanted}",
            reply,
        )
        check(
            length is None or len(reply.body) == length,
            f"{given[:40]}: {length} bytes",
            len(reply.body),
        )
    check(t.client.request("HEAD", target).body == b"", "HEAD has no body")


@row("B18", "what is said in errors: no paths, no keys, no traces")
def _(t):
    seen = []
    for reply in (
        t.client.get("/nothing"),
        t.client.exec("", b"{"),
        t.client.exec("cobol", "x"),
        t.client.upload([("../x", b"")]),
        t.client.get("/download/x/y"),
        t.client.exec("py", "x", files=[{"id": 1}]),
        t.client.request(
            "POST", "/exec", b"x", {"Content-Type": "application/json"}, key="sk-wrong"
        ),
    ):
        seen.append(reply)
        text = reply.body.decode()
        check(
            not re.search(r"/(var|work|home|root|usr|etc)/|\.cpp|std::|0x[0-9a-f]{6}", text),
            "nothing of the inside",
            reply,
        )
        check(t.client.key not in text and "sk-wrong" not in text, "no key", reply)


@row("B19", "the tmpfs: every inode and every byte gone, then an honest end")
def _(t):
    t.py(
        """
import os
try:
    for i in range(100000): os.symlink('x' * 4000, '/tmp/s%d' % i)
except OSError: pass
try:
    for i in range(100): os.setxattr('/mnt/data', 'user.%d' % i, b'x' * 60000)
except OSError: pass
try:
    with open('/mnt/data/fill', 'wb') as f:
        while True: f.write(b'x' * (1 << 20))
except OSError: pass
print('end')
""",
        ("completed", "disk_limit", "failed", "out_of_memory"),
        timeout=20000,
    )


@row("B20", "names that collide when they are made fit to be listed")
def _(t):
    reply = t.py(
        """
import os
for n in (b'x\\xff', b'x%FF', b'x\\xfe', 'e\\u0301'.encode(), '\\u00e9'.encode(), b'n' * 255, b'n' * 254 + b'\\n', b'a\\\\b', b'a%5Cb', b'a\\nb', b'a%0Ab', b'.', b' '):
    try: open(b'/mnt/data/' + n, 'wb').write(n)
    except OSError: pass
for i in range(15):
    d = '/mnt/data/' + '/'.join('d' for _ in range(i + 1)); os.makedirs(d, exist_ok=True); open(d + '/f', 'w').write(str(i))
"""
    )
    names = [f["name"] for f in reply.files]
    check(len(names) == len(set(names)), "every name is one file's", sorted(names))
    for f in reply.files:
        check(t.client.download(f["session_id"], f["id"]).status_code == 200, "each can be had", f)


@row("B21", "upgrade, priorities, hop-by-hop headers, proxies' headers")
def _(t):
    for lines in (
        ["Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"],
        ["Connection: Upgrade", "Upgrade: websocket"],
        ["Connection: close, X-API-Key"],
        ["Connection: Content-Length"],
        [
            "X-Forwarded-For: 127.0.0.1",
            "X-Real-IP: 127.0.0.1",
            "X-Original-URL: /metrics",
            "X-HTTP-Method-Override: DELETE",
        ],
        ["TE: trailers", "Trailer: X-API-Key"],
        ["Proxy-Connection: keep-alive"],
    ):
        got = statuses(t.client.raw(t.client.head("GET", "/ready", *lines), close_write=True))
        check(got == [200] or got == [400], f"{lines}: an ordinary answer", got)


@row("B22", "input that a program never reads, reads slowly, or that it writes to itself")
def _(t):
    t.py("import time; time.sleep(.3)", stdin="x" * 20_000_000)
    t.py("import os\nfor _ in range(50): os.read(0, 1)", stdin="x" * 3_000_000)
    t.py("import os\nos.close(0)\nimport time; time.sleep(.2)", stdin="x" * 3_000_000)
    reply = t.py("import sys; print(len(sys.stdin.buffer.read()))", stdin="\0\u2028é" * 100_000)
    check(reply.stdout == "600000\n", "NUL and all arrive", reply)


@row("B23", "code and output that are all escapes: six bytes for one")
def _(t):
    data = b'{"lang":"py","code":"print(1)\\n#' + b"\\u0001" * 8_000_000 + b'"}'
    reply = t.client.exec("py", data)
    check(reply.status_code in (200, 413) and reply.seconds < 8, "read in time", reply.seconds)
    reply = t.py("import os\nos.write(1, b'\\x01' * 1000000); os.write(2, b'\\xff' * 1000000)")
    check(
        len(reply.stdout) == 1_000_000 and reply.seconds < 4,
        "written in time",
        (len(reply.stdout), reply.seconds),
    )
