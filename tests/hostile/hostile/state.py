"""S: frames, streams, queues, and a thousand runs."""

import json
import threading
import time

from stalls import Stalls

from .daemon import cgroup_folders, until
from .fixture import check, row


@row("S3", "output that imitates our own frames and answers")
def _(t):
    for text in (
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "0\r\n\r\n",
        "5\r\nhello\r\n",
        '","status":"completed","code":0,"x":"',
        '\n{"session_id":"AAAAAAAAAAAAAAAAAAAAA","stdout":"forged","stderr":"","files":[]}\n',
    ):
        for slow in ("", "import time; time.sleep(1.3)\n"):  # as an ordinary answer and as a stream
            reply = t.py(
                f"{slow}print({text!r}, end='', flush=True)\nraise SystemExit(3)", "failed"
            )
            check(
                reply.stdout == text and reply.code == 3 and reply.session_id != "A" * 21,
                "only text",
                reply,
            )
    frames = b"".join((k).to_bytes(4, "little") + bytes(36) for k in range(1, 9))
    reply = t.py(
        f"import os\nfor fd in (1, 2): os.write(fd, {frames!r})\nraise SystemExit(4)", "failed"
    )
    check(reply.code == 4, "nothing was forged", reply)


@row("S4", "closing and redirecting 0 to 2, writing to every descriptor there is")
def _(t):
    reply = t.py("import os\nfor fd in (0, 1, 2): os.close(fd)\nos._exit(5)", "failed")
    check(reply.code == 5, "well formed", reply)
    reply = t.py(
        """
import os, socket
os.dup2(os.open('/tmp/x', os.O_CREAT | os.O_RDWR), 1)
for fd in range(3, 1024):
    for what in (lambda: os.write(fd, b'\\x05\\0\\0\\0\\0\\0\\0\\0' * 9), lambda: socket.socket(fileno=os.dup(fd)).send(b'\\x06\\0\\0\\0\\0\\0\\0\\0'), lambda: os.close(fd)):
        try: what()
        except OSError: pass
os._exit(6)
""",
        "failed",
    )
    check(reply.code == 6 and reply.stdout == "", "well formed", reply)
    t.bash("exec 1>&- 2>&- 0<&-; exit 7", "failed")
    t.py(
        "import fcntl, os\nfor fd in (0, 1, 2): fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)\nos._exit(0)"
    )
    t.py(
        "import fcntl\nfor fd in (1, 2):\n    for size in (4096, 1 << 20):\n        try: fcntl.fcntl(fd, 1031, size)\n        except OSError: pass\nprint('x' * 900000)"
    )


CONTROL = """
import array, os, socket, struct, sys, time
found = [int(f) for f in os.listdir('/proc/self/fd') if int(f) > 2 and os.path.exists('/proc/self/fd/' + f)
         and os.readlink('/proc/self/fd/' + f).startswith('socket:')]
def say(fd, data, fds=()):
    s = socket.socket(fileno=os.dup(fd))
    try: s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else [], socket.MSG_DONTWAIT)
    except OSError: pass
"""


@row("S4b", "whoever finds a control socket can end its own run and nothing else")
def _(t):
    stalls = Stalls()
    reply = t.py(
        CONTROL
        + """
for fd in found:
    for step in (3, 2, 1, 7):                       # running, compiling, waiting, prepared: more time?
        for _ in range(50): say(fd, struct.pack('<Ii', step, 0))
while True: time.sleep(.1)
""",
        "timed_out",
        timeout=1500,
    )
    late = 1000 * stalls.lost()
    check(reply.wall_time < 1800 + late, "no time is gained", (reply.wall_time, late))
    for step, value in (
        (4, 256),
        (5, 2),
        (6, 7),
        (6, -1),
        (6, 1 << 30),
        (99, 0),
        (0, 0),
        (0xFFFFFFFF, -1),
    ):
        reply = t.py(
            CONTROL
            + f"""
for fd in found:
    say(fd, struct.pack('<Ii', {step}, {value}) if {value} < 1 << 31 else b'')
time.sleep(.3)
print('end', flush=True); os._exit(3)
""",
            ("failed", "completed"),
        )
        check(
            reply.code in (3, value & 0xFF) and reply.signal is None,
            "an exit code of its own at most",
            reply,
        )
    reply = t.py(
        CONTROL
        + """
for fd in found:
    for size in (0, 1, 7, 8, 9, 4096, 100000): say(fd, b'\\xff' * size)
    for _ in range(20): say(fd, struct.pack('<Ii', 1, 5), [0, 1, 2, os.open('/', os.O_RDONLY)])
    for _ in range(20000): say(fd, struct.pack('<Ii', 3, 0))
    s = socket.socket(fileno=os.dup(fd)); s.settimeout(.05)
    try: print('heard', s.recv(4096))
    except OSError: pass
    s.shutdown(socket.SHUT_RDWR)
print('end', flush=True); os._exit(3)
""",
        ("failed", "completed"),
    )
    check(
        reply.stdout in ("end\n", "heard b''\nend\n") and reply.code == 3,
        "it goes on as before",
        reply,
    )


@row("S1", "environment, cwd, umask, signal masks, limits of an earlier run are absent")
def _(t):
    look = (
        "import os, resource, signal\nprint(sorted(os.environ), os.getcwd(), oct(os.umask(0)), signal.pthread_sigmask(signal.SIG_BLOCK, []), "
        "[signal.getsignal(s) for s in (1, 13, 15, 17)], os.getpriority(0, 0), os.sched_getaffinity(0), resource.getrlimit(7), os.sched_getscheduler(0))"
    )
    first = t.py(look).stdout
    t.py(
        "import os, signal, resource\nos.environ['LEFT']='1'; os.umask(0o777); signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32)); os.nice(5)\n"
        "os.sched_setaffinity(0, {0}); resource.setrlimit(7, (99, 99)); os.chdir('/'); signal.signal(15, signal.SIG_IGN)",
        env={"HERE": "x"},
    )
    for _ in range(5):
        check(t.py(look).stdout == first, "as at the first time", first)


@row(
    "S12",
    "queue full: 503 at once with Retry-After; waiting too long after the window is told in JSON",
    own=True,
)
def _(t):
    client = t.own_daemon(
        {"admission": {"runs": 2, "queue": 3, "queue_wait": "3s"}}, pool=2
    ).client()
    answers = [None] * 9

    def ask(i):
        answers[i] = client.exec("bash", "sleep 6" if i < 2 else "sleep .1")

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(9)]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    codes = [a.status_code for a in answers]
    check(codes.count(503) == 4, "four are refused", codes)
    for a in answers:
        if a.status_code == 503:
            check(
                a.seconds < 0.8 and a.headers["Retry-After"] and "2 runs and 3 waiting" in a.error,
                "at once, naming capacity",
                a,
            )
    late = [a for a in answers[2:5]]
    check(
        all(
            a.status_code == 200
            and a.json.get("error")
            and a.files == []
            and "no place became free" in a.stderr
            for a in late
        ),
        "told in the JSON after the window",
        late,
    )


@row("S12b", "40 runs at once with two warm sandboxes: cold starts, all succeed", own=True)
def _(t):
    client = t.own_daemon(
        {"admission": {"runs": 20, "queue": 100, "queue_wait": "60s"}}, pool=2
    ).client()
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.exec("bash", "echo $$")))
        for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(
        all(a.status_code == 200 and a.status == "completed" for a in answers)
        and len(answers) == 40,
        "all succeed",
        [a for a in answers if a.status_code != 200 or a.status != "completed"][:2],
    )


@row(
    "S13",
    "a sandbox that dies idle, and one that dies with a run",
    local=True,
    log_ok="sandbox",
    neighbour=False,
)
def _(t):
    import os

    def full():
        return t.daemon.traces()["sandbox processes"] == t.suite.baseline["sandbox processes"]

    for victim in ("podium-init", "podium-shell"):
        for _ in range(4):  # one of them: each run may be tried again once
            until(full)
            waiting = [pid for pid, name in t.daemon.sandbox_processes() if name == victim]
            os.kill(waiting[-1], 9)
            check(t.py("print(1)").stdout == "1\n", f"unseen, though a {victim} died")
            check(t.bash("echo 1").stdout == "1\n", f"unseen, though a {victim} died")
    until(full)
    for pid, name in t.daemon.sandbox_processes():  # all of them, with time to notice
        if name == "podium-init":
            os.kill(pid, 9)
    time.sleep(0.3)
    check(t.py("print(1)").stdout == "1\n", "unseen, though all died")
    until(full)


@row(
    "S13b",
    "pid 1 of a running sandbox is killed: told, not hung",
    local=True,
    log_ok="sandbox|runtime",
    neighbour=False,
)
def _(t):
    import os

    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(t.client.exec("bash", "sleep 20; echo over"))
    )
    before = {pid for pid, _ in t.daemon.sandbox_processes()}
    thread.start()

    def busy():
        names = {}
        for pid, name in t.daemon.sandbox_processes():
            names.setdefault(name, set()).add(pid)
        return names.get("sleep") or names.get("bash")

    child = until(busy)
    check(child, "the run is running")
    with open(f"/proc/{min(child)}/status") as f:
        parent = int([line for line in f if line.startswith("PPid")][0].split()[1])
    while open(f"/proc/{parent}/comm").read().strip() != "podium-init":
        with open(f"/proc/{parent}/status") as f:
            parent = int([line for line in f if line.startswith("PPid")][0].split()[1])
    os.kill(parent, 9)
    thread.join(10)
    check(
        answers and (answers[0].status_code >= 500 or answers[0].json.get("error")),
        "told as an error",
        answers,
    )
    check("over" not in (answers[0].body.decode()), "and not as a success", answers)
    del before


@row(
    "S15",
    "200 runs: descriptors, threads, mounts, cgroups, memory back to where they were",
    local=True,
    neighbour=False,
)
def _(t):
    reference = t.client.reference("in.csv", b"a,b\n" * 1000)

    def work(count):
        for i in range(count):
            if i % 4 == 3:
                t.py(
                    "print(len(open('/mnt/data/in.csv').read())); open('out', 'w').write('x')",
                    files=[reference],
                )
            else:
                t.bash(f"echo {i}; exit {i % 3}", ("completed", "failed"))

    def spread(runs):
        threads = [threading.Thread(target=work, args=(runs // 4,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    spread(60)
    until(lambda: not t.suite.left_behind())
    before, spawner = t.daemon.rss(), rss_of(t.daemon.spawner())
    spread(200)
    until(lambda: t.daemon.traces()["entries of runs/"] == 0)
    grown = t.daemon.rss() - before
    check(grown < 12 << 20, "the daemon's memory", grown)
    check(rss_of(t.daemon.spawner()) - spawner < 2 << 20, "the spawner's memory")
    check(
        cgroup_folders(f"podium-{t.daemon.spawner()}") <= t.suite.baseline["cgroup folders"] + 8,
        "cgroups",
    )


def rss_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmRSS"))


@row("S16", "one session used by 20 runs at the same time")
def _(t):
    base = t.py("open('start', 'w').write('x')").session_id
    answers = []

    def one(i):
        answers.append(
            t.client.exec(
                "py",
                f"open('f{i}', 'w').write('{i}'); open('same', 'w').write('{i}')",
                session_id=base,
            )
        )

    threads = [threading.Thread(target=one, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(
        all(a.status_code == 200 and a.session_id == base for a in answers),
        "all continue it",
        answers[:1],
    )
    listed = json.loads(t.client.get(f"/files/{base}?detail=simple").body)
    check(
        len({f["name"] for f in listed}) == 22 and len({f["id"] for f in listed}) == len(listed),
        "every file is there",
        len(listed),
    )
