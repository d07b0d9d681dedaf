"""T1 to T8: time and the process tree of one run."""

import re
import signal
import time

from stalls import Stalls

from .daemon import read, until
from .fixture import check, row


@row("T1", "ignoring TERM, INT and HUP")
def _(t):
    t.py(
        """
import signal, time
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU): signal.signal(s, signal.SIG_IGN)
while True: time.sleep(1)
""",
        "timed_out",
        timeout=1000,
    )
    t.bash("trap '' TERM INT HUP; while :; do sleep 1; done", "timed_out", timeout=1000)


@row("T2", "a double fork with setsid is dead at the reply", local=True)
def _(t):
    t.py(
        """
import ctypes, os, time
ctypes.CDLL(None).prctl(15, b'left-over', 0, 0, 0)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2): os.close(fd)
        time.sleep(9999)
    os._exit(0)
time.sleep(.2)
"""
    )
    alive = [p for p in t.daemon.sandbox_processes() if p[1] == "left-over" and not doomed(p[0])]
    check(not alive, "nothing of the run lives", alive)
    gone = until(lambda: all(p[1] != "left-over" for p in t.daemon.sandbox_processes()))
    check(gone, "nothing of the run is left", t.daemon.sandbox_processes())


def doomed(pid):
    """Whether a process can never again run code of its own: it has ended, is ending, or has a
    SIGKILL that it has not taken yet. The kernel takes its memory down when it comes to it."""
    status, stat = read(f"/proc/{pid}/status"), read(f"/proc/{pid}/stat")
    if not status or not stat:
        return True
    killed = any(
        int(mask, 16) & 1 << signal.SIGKILL - 1
        for mask in re.findall(r"(?:SigPnd|ShdPnd):\t([0-9a-f]+)", status)
    )
    state, *rest = stat.rpartition(") ")[2].split()
    exiting = int(rest[5]) & 0x4  # PF_EXITING
    return killed or bool(exiting) or state in "ZX"


@row("T3", "a background child that holds stdout does not hold the reply")
def _(t):
    for lang, code in (
        ("bash", "sleep 60 & disown; nohup sleep 60 >/dev/null 2>&1 & echo done"),
        ("py", "import subprocess\nsubprocess.Popen(['sleep', '60'])\nprint('done')"),
    ):
        reply = t.run(lang, code)
        check(reply.stdout == "done\n" and reply.seconds < 3, "the reply comes at once", reply)


@row("T4", "a background child that writes past the limit")
def _(t):
    t.bash(
        "(while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done) & sleep 30",
        "output_limit",
        timeout=15000,
    )
    t.bash("(sleep 60) & sleep 60", "timed_out", timeout=1000)


@row("T5", "kill(-1), its parent, pid 1, other processes")
def _(t):
    t.says(
        "py",
        """
import os, signal, errno
bad = []
for pid in (1, os.getppid(), 2, 3):
    if pid == os.getpid(): continue
    for s in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT, 0):
        try:
            os.kill(pid, s); bad.append((pid, s))
        except PermissionError: pass
        except ProcessLookupError: pass
try: os.pidfd_open(1); fd = os.pidfd_open(1); signal.pidfd_send_signal(fd, signal.SIGKILL); bad.append('pidfd')
except OSError: pass
print(bad if bad else 'ok')
""",
    )
    reply = t.bash("kill -9 -1; echo unreached", ("completed", "signaled", "failed"))
    check(reply.seconds < 5, "killing all it may is the end of itself at most", reply)


@row("T5b", "telling the kernel to signal pid 1 on its behalf")
def _(t):
    t.says(
        "py",
        """
import fcntl, os, socket, signal, time, ctypes
a, b = socket.socketpair()
for who in (1, -1):
    for s in (signal.SIGKILL, signal.SIGTERM):
        try:
            fcntl.fcntl(a, fcntl.F_SETOWN, who)
            fcntl.fcntl(a, 10, int(s))  # F_SETSIG
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if who == -1: continue
            fcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
            b.send(b'x'); a.recv(1)
        except PermissionError: pass
time.sleep(.2)
print('ok')
""",
    )


ENDS = [
    ("py", "pass", 0, None),
    ("py", "raise SystemExit(1)", 1, None),
    ("py", "import os; os._exit(137)", 137, None),
    ("py", "import os; os._exit(255)", 255, None),
    ("py", "import os; os._exit(124)", 124, None),
    ("py", "import os; os.abort()", None, "SIGABRT"),
    ("py", "import os; os.kill(os.getpid(), 9)", None, "SIGKILL"),
    ("py", "import os; os.kill(os.getpid(), 15)", None, "SIGTERM"),
    ("py", "import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 3)", None, "SIGRTMIN+3"),
    ("bash", "exit 0", 0, None),
    ("bash", "exit 1", 1, None),
    ("bash", "exit 137", 137, None),
    ("bash", "exit 255", 255, None),
    ("bash", "kill -9 $$", None, "SIGKILL"),
    ("bash", "kill -TERM $$", None, "SIGTERM"),
    ("bash", "no-such-command", 127, None),
]


@row("T6", "exact exit codes and signals")
def _(t):
    for lang, code, exit_code, signal in ENDS:
        reply = t.run(lang, code, ("completed", "failed", "signaled"))
        check(
            (reply.code, reply.signal) == (exit_code, signal),
            f"{code}: {exit_code}, {signal}",
            reply,
        )


@row("T7", "a fork race against the killer", local=True)
def _(t):
    for _ in range(3):
        t.py(
            """
import os
while True:
    try:
        if os.fork() > 0: os._exit(0) if os.getpid() % 7 else None
    except OSError: pass
""",
            ("process_limit", "timed_out", "completed", "output_limit"),
            timeout=700,
        )


@row("T7b", "pids that run away: every generation forks once and dies")
def _(t):
    t.py(
        """
import os
if os.fork() > 0:
    import time; time.sleep(30)
os.setsid()
while True:
    try:
        if os.fork() > 0: os._exit(0)
    except OSError: pass
""",
        ("timed_out", "process_limit"),
        timeout=1500,
    )


def leave(client, how, seconds=0.5, code="import time; time.sleep(30)"):
    """Starts a run and leaves; returns the moment of leaving."""
    s = client.socket()
    s.sendall(client.exec_bytes("py", code))
    time.sleep(seconds)
    if how == "reset":
        s.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")  # SO_LINGER of 0: close is a reset
        s.close()
    elif how == "half":
        s.shutdown(1)
    else:
        s.close()
    return time.monotonic(), s


@row("T8", "a client that leaves: cancelled in 200 ms, the place free in 1 s", local=True)
def _(t):
    for how in ("close", "reset", "half"):
        for seconds in (0.5, 1.6):  # before and after the first byte of a stream
            before = len(t.daemon.requests(client_left=True))
            stalls = Stalls()
            left, held = leave(t.client, how, seconds)
            gone = until(lambda: len(t.daemon.requests(client_left=True)) > before, 20)
            lost = stalls.lost()
            took = time.monotonic() - left - lost
            check(
                gone,
                f"the log tells of the leaving ({how} after {seconds} s)",
                t.daemon.said()[-800:],
            )
            line = t.daemon.requests(client_left=True)[-1]
            late = line["client_left_ms"] - 1000 * (seconds + lost)
            check(late < 250, f"noticed within 200 ms ({how})", line)
            check(
                line["run_status"] == "cancelled" and took < 1.2,
                "cancelled, place free in 1 s",
                (took, lost, line),
            )
            held.close()


# No neighbour: these clients are honest, and it would rightly wait in the queue behind them.
@row(
    "T8b", "50 clients that leave at once while more wait in the queue", local=True, neighbour=False
)
def _(t):
    sockets = []
    for _ in range(50):
        s = t.client.socket()
        s.sendall(t.client.exec_bytes("bash", "sleep 30"))
        sockets.append(s)
    time.sleep(0.7)
    for s in sockets:
        s.close()

    def idle():
        runs = t.client.get("/health/detailed").json.get("runs", {})
        return runs.get("running", 1) == 0 and runs.get("waiting", 1) == 0

    check(
        until(idle, 20),
        "all places are free again",
        t.client.get("/health/detailed").json.get("runs"),
    )
    seconds = t.py("print(1)").seconds
    check(seconds < 1, "and the next run does not wait", seconds)
