"""R: memory, processes, output, disk, time of the processor."""

import time

from stalls import Stalls

from .fixture import check, row


@row("R1a", "a fork bomb in Python")
def _(t):
    reply = t.py(
        """
import os
while True:
    try: os.fork()
    except OSError: pass
""",
        "process_limit",
        timeout=3000,
    )
    check(reply.seconds < 6, "its tree is gone a second after the limit", reply.seconds)


@row("R1b", "a fork bomb in bash")
def _(t):
    reply = t.bash(":(){ :|:& };: ; sleep 30", "process_limit", timeout=3000)
    check(reply.seconds < 6, "its tree is gone a second after the limit", reply.seconds)


@row("R2", "10,000 threads")
def _(t):
    reply = t.py(
        """
import threading, time
made = 0
for _ in range(10000):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    made += 1
""",
        "process_limit",
    )
    check("can't start new thread" in reply.stderr, "Python says why", reply.stderr)


@row("R3", "touching 8 GiB keeps what was printed before")
def _(t):
    reply = t.py(
        """
print('before', flush=True)
b = bytearray(8 << 30)
for i in range(0, len(b), 4096): b[i] = 1
print('after')
""",
        "out_of_memory",
    )
    check(reply.stdout == "before\n", "the partial output is kept", reply.stdout)
    check("memory" in reply.message, "the message names memory", reply.message)


@row("R3b", "doubling a string in bash")
def _(t):
    t.bash(
        "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done", ("out_of_memory", "failed"), timeout=30000
    )


@row("R4", "32 children of 100 MB each are killed together")
def _(t):
    began = time.monotonic()
    t.py(
        """
import os, time
for i in range(32):
    if os.fork() == 0:
        b = bytearray(100 << 20)
        for j in range(0, len(b), 4096): b[j] = 1
        time.sleep(60)
time.sleep(60)
""",
        "out_of_memory",
        timeout=20000,
    )
    check(time.monotonic() - began < 15, "no sleeping child is waited for")


@row("R5a", "/dev/shm counts as the run's memory")
def _(t):
    t.bash(
        "for i in 1 2 3 4; do head -c 200000000 /dev/zero > /dev/shm/$i || exit 9; done",
        ("out_of_memory", "disk_limit"),
    )
    again = t.bash(
        "head -c 250000000 /dev/zero > /dev/shm/a && rm /dev/shm/a && "
        "head -c 250000000 /dev/zero > /dev/shm/b && ls /dev/shm"
    )
    check(
        again.stdout == "b\n", "what was freed can be used again, nothing of before is there", again
    )


@row("R5b", "memfd counts as the run's memory")
def _(t):
    t.py(
        """
import os
for i in range(20):
    fd = os.memfd_create('m')
    for _ in range(100): os.write(fd, b'x' * (1 << 20))
""",
        "out_of_memory",
    )


@row("R5c", "System V shared memory and message queues count, and go")
def _(t):
    t.py(
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
for i in range(64):
    shm = libc.shmget(0, ctypes.c_size_t(64 << 20), 0o1666)
    if shm < 0: break
    at = libc.shmat(shm, None, 0)
    ctypes.memset(at, 1, 64 << 20)
    libc.shmdt(ctypes.c_void_p(at))
""",
        "out_of_memory",
    )


@row("R5d", "bytes parked in pipes and sockets count as the run's memory")
def _(t):
    t.py(
        """
import os, socket, fcntl, time
kept, total = [], 0
for child in range(20):
    if os.fork(): continue
    try:
        while True:
            a, b = socket.socketpair()
            a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            a.setblocking(False)
            kept.append((a, b))
            try:
                while True: a.send(b'x' * 65536)
            except BlockingIOError: pass
    except OSError: time.sleep(60)
time.sleep(60)
""",
        ("out_of_memory", "timed_out"),
        timeout=12000,
    )


@row("R5e", "bytes parked in TCP sockets on loopback do not take the host's")
def _(t):
    reply = t.py(
        """
import socket, os, time
listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen(1000)
kept = []
for child in range(8):
    if os.fork(): continue
    try:
        while True:
            a = socket.socket(); a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
            a.connect(listener.getsockname()); b, _ = listener.accept(); a.setblocking(False)
            kept.append((a, b))
            try:
                while True: a.send(b'x' * (1 << 20))
            except BlockingIOError: pass
    except OSError: time.sleep(60)
time.sleep(60)
""",
        ("out_of_memory", "timed_out", "failed"),
        timeout=6000,
    )
    made = t.client.upload([("beside.bin", b"y" * 4_000_000)])
    check(made.status_code == 200 and made.seconds < 5, "an upload right after it works", made)
    return reply


FLOODS = {
    "R6a": ("endless stdout", "import os\nwhile True: os.write(1, b'x' * 65536)"),
    "R6b": ("endless stderr", "import os\nwhile True: os.write(2, b'x' * 65536)"),
    "R6c": (
        "both at once",
        "import os\nwhile True: os.write(1, b'o' * 9999); os.write(2, b'e' * 9999)",
    ),
    "R6d": ("1 GB on one line", "import sys\nfor _ in range(1000): sys.stdout.write('€' * 333333)"),
    "R6e": ("one byte a write", "import os\nwhile True: os.write(1, b'x')"),
    "R6f": (
        "a pipe in packet mode",
        "import os, fcntl\nfcntl.fcntl(1, fcntl.F_SETFL, os.O_DIRECT)\n"
        "while True: os.write(1, b'x' * 15)",  # each is read by itself
    ),
}


def flood(name, title, code):
    @row(name, title + " is cut with a marker, on a character", local=False)
    def _(t):
        before = t.daemon.rss() if t.daemon else 0
        reply = t.py(code, "output_limit", timeout=30000)
        longest = max(reply.stdout, reply.stderr, key=len)
        check("was cut here" in longest, "there is a marker", longest[-200:])
        check("\ufffd" not in longest, "no character is halved", longest[-200:])
        check(
            len(longest.encode()) < (1 << 20) + 1000,
            "at most the limit and the marker",
            len(longest),
        )
        if t.daemon:
            grown = t.daemon.rss() - before
            check(grown < 64 << 20, "the daemon's memory is bounded", grown)


for _name, (_title, _code) in FLOODS.items():
    flood(_name, _title, _code)


@row("R7", "one byte every 10 ms, for 6 s")
def _(t):
    reply = t.py(
        "import os, time\nwhile True: os.write(1, b'.'); time.sleep(.01)", "timed_out", timeout=6000
    )
    check(300 <= len(reply.stdout.strip()) <= 640, "what was written is there", len(reply.stdout))


@row("R8", "four spinning threads: quota held, wall limit within 10 %")
def _(t):
    stalls = Stalls()
    reply = t.py(
        """
import os
for _ in range(3): os.fork()
while True: pass
""",
        "timed_out",
        timeout=4000,
    )
    late = 1000 * stalls.lost()
    check(3900 <= reply.wall_time <= 4400 + late, "the wall limit holds", (reply.wall_time, late))
    # By the same clock: what a machine that stands still adds to the one it adds to the other.
    check(reply.cpu_time <= reply.wall_time * 1.15, "one core is one core", reply)


@row("R9", "sleep(9999) times out with the output so far")
def _(t):
    for lang, code in (
        ("py", "print('so far', flush=True)\nimport time; time.sleep(9999)"),
        ("bash", "echo so far; sleep 9999"),
    ):
        stalls = Stalls()
        reply = t.run(lang, code, "timed_out", timeout=1500)
        late = 1000 * stalls.lost()
        check(reply.stdout == "so far\n", "the output so far", reply.stdout)
        check(reply.wall_time <= 1650 + late, "within 10 %", (reply.wall_time, late))


@row("R10", "a 100 GB sparse file is named and costs no disk")
def _(t):
    reply = t.py(
        """
import os
for name, size in (('huge', 100 << 30), ('big', 256 << 20)):
    try: os.truncate(os.open(name, os.O_CREAT | os.O_RDWR), size)
    except OSError as e: print(name, e)
os.truncate(os.open('over', os.O_CREAT | os.O_RDWR), 1)
""",
        ("completed", "disk_limit"),
    )
    check("huge" in reply.stdout, "100 GB are refused inside", reply)


@row("R11", "filling the disk is an error inside; neighbours can write")
def _(t):
    reply = t.bash(
        "head -c 1000000000 /dev/zero > /mnt/data/a; for i in $(seq 9); do "
        "head -c 100000000 /dev/zero > /tmp/$i || exit 7; done",
        ("disk_limit", "out_of_memory"),
    )
    check(reply.code is None or reply.code != 0, "the program was told", reply)
    made = t.client.upload([("beside.bin", b"y" * 1_000_000)])
    check(made.status_code == 200, "a neighbour can write", made)


@row("R12", "a million empty files are bounded and quickly listed")
def _(t):
    reply = t.py(
        """
import os, errno
made = 0
try:
    for i in range(1000000):
        os.close(os.open('f%d' % i, os.O_CREAT)); made += 1
except OSError as e:
    print(made, errno.errorcode[e.errno])
"""
    )
    made = int(reply.stdout.split()[0])
    check(
        made <= 10_050 and "ENOSPC" in reply.stdout, "the number of files is bounded", reply.stdout
    )
    check(
        len(reply.files) <= 200 and reply.artifact_truncation,
        "what was left out is told",
        len(reply.files),
    )
    listed = t.client.get(f"/files/{reply.session_id}")
    check(listed.status_code == 200 and listed.seconds < 2, "listed in time", listed.seconds)


@row("R12b", "a million hard links to one file are bounded too")
def _(t):
    reply = t.py(
        """
import os
os.mkdir('/tmp/d'); open('/tmp/d/a', 'w').close()
made = 0
try:
    for i in range(1000000): os.link('/tmp/d/a', '/tmp/d/%d' % i); made += 1
except OSError as e: print(made)
"""
    )
    check(int(reply.stdout.split()[-1]) <= 66_000, "links are bounded", reply.stdout)


@row("R13", "a crash dumps no core")
def _(t):
    reply = t.py("import ctypes; ctypes.string_at(0)", "signaled")
    check(reply.signal == "SIGSEGV" and not reply.files, "a signal, no core file", reply)


COMPILED = {
    "source": "main.c",
    "compile": ["/usr/bin/cc", "-O1", "-o", "/mnt/code/program", "{source}"],
    "command": ["/mnt/code/program"],
    "runtimes": ["jobs"],
    "limits": {"compile_wall": "5s", "compile_memory": "256MiB"},
}


@row("R14", "compile bombs: the compiler is named", own=True)
def _(t):
    client = t.own_daemon({"languages": {"c": COMPILED}}, pool=2).client()
    doubling = (
        "#define A0 x,x\n"
        + "".join(f"#define A{i} A{i-1},A{i-1},A{i-1},A{i-1}\n" for i in range(1, 16))
        + "int x; int main(){int y[]={A15};}"
    )
    for code in (
        doubling,
        '#include "main.c"\n#include "main.c"\n',
        "int main[1u<<30]={-1};",
        '#include "/dev/zero"\n',
        "not C",
    ):
        reply = client.exec("c", code)
        t.expect(reply, ("compile_error", "timed_out"))
        check("compile" in reply.message, "the compiler is named", reply.message)
        check(reply.seconds < 12, "in time", reply.seconds)
    reply = client.exec("c", '#include <stdio.h>\nint main(){puts("fine");}')
    check(reply.stdout == "fine\n", "an honest program is compiled", reply)


@row("R15", "CPU: a fork of spinners per process slot leaves neighbours their share")
def _(t):
    t.py(
        """
import os
for _ in range(100):
    if os.fork() == 0:
        while True: pass
while True: pass
""",
        "timed_out",
        timeout=4000,
    )
