"""T9, T10, S10: the end of the daemon, its sudden death, reloads; each on a daemon of its own."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from .client import form
from .daemon import cgroup_bases, until
from .fixture import check, row


def together(count, work):
    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    return threads


def nothing_left(daemon, groups):
    """All processes of its sandboxes and its helpers are gone, its groups and mounts too."""
    check(
        until(lambda: not daemon.sandbox_processes()),
        "no process of a sandbox",
        daemon.sandbox_processes(),
    )
    check(until(lambda: not daemon.helpers()), "no helper", daemon.helpers())
    check(
        until(lambda: not [g for g in groups if g.exists()]),
        "no cgroup",
        [str(g) for g in groups if g.exists()],
    )
    with open("/proc/self/mountinfo") as f:
        check(str(daemon.folder) not in f.read(), "no mount")


@row("T9", "TERM with 20 runs: they finish, new ones are refused, no orphan", own=True)
def _(t):
    daemon = t.own_daemon(
        {"admission": {"runs": 20, "queue": 20, "queue_wait": "60s"}, "drain_timeout": "20s"}
    )
    client, groups = daemon.client(), cgroup_bases(f"podium-{daemon.spawner()}")
    answers = [None] * 20

    def one(i):
        answers[i] = client.exec("bash", f"sleep 2; echo {i}; echo kept > f{i}")

    threads = together(20, one)
    check(
        until(lambda: daemon.client().get("/health/detailed").json["runs"]["running"] == 20),
        "20 are running",
    )
    daemon.signal(signal.SIGTERM)
    time.sleep(0.3)
    try:
        late = client.exec("bash", "echo late", http_timeout=5)
        check(late.status_code == 503, "new ones are refused", late)
    except OSError:
        pass  # nobody listens any more: refused as well
    for thread in threads:
        thread.join(20)
    bad = [
        a
        for a in answers
        if a is None or a.status_code != 200 or a.status != "completed" or len(a.files) != 1
    ]
    check(not bad, "all 20 finish, files and all", bad[:2])
    daemon.process.wait(15)
    check(daemon.process.returncode == 0, "an orderly end", daemon.process.returncode)
    nothing_left(daemon, groups)


@row("T9b", "TERM with runs that do not end: cancelled and answered at the deadline", own=True)
def _(t):
    daemon = t.own_daemon({"drain_timeout": "2s"})
    client, groups, answers = daemon.client(), cgroup_bases(f"podium-{daemon.spawner()}"), []
    threads = together(
        12, lambda i: answers.append(client.exec("bash", "trap '' TERM; echo begun; sleep 30"))
    )
    time.sleep(0.8)
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    for thread in threads:
        thread.join(25)
    check(
        len(answers) == 12 and all(a.status == "cancelled" for a in answers),
        "all are told",
        answers[:2],
    )
    daemon.process.wait(15)
    check(time.monotonic() - began < 8, "soon after the deadline", time.monotonic() - began)
    nothing_left(daemon, groups)


@row("T9c", "TERM twice, three times, HUP between", own=True)
def _(t):
    daemon = t.own_daemon()
    client, answers = daemon.client(), []
    threads = together(6, lambda i: answers.append(client.exec("bash", "sleep 30")))
    time.sleep(0.6)
    for number in (
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGUSR1,
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGTERM,
    ):
        daemon.signal(number)
        time.sleep(0.05)
    for thread in threads:
        thread.join(10)
    daemon.process.wait(10)
    check(
        daemon.process.returncode == 0 and len(answers) == 6,
        "an orderly end",
        (daemon.process.returncode, len(answers)),
    )


@row("T10", "kill -9 in the middle of runs and uploads; the next start sweeps", own=True)
def _(t):
    daemon = t.own_daemon({"sessions": {"orphan_age": "1s", "sweep_interval": "1s"}})
    client, groups = daemon.client(), cgroup_bases(f"podium-{daemon.spawner()}")
    kept = client.reference("kept.txt", b"acknowledged")

    def run(i):
        try:
            client.exec(
                "bash",
                f"cat /mnt/data/kept.txt; head -c 3000000 /dev/urandom > out{i}; sleep {0.2 * i}",
                files=[kept],
            )
        except Exception:
            pass

    sockets = []
    for _ in range(4):
        body, kind = form([("half.bin", b"h" * 2_000_000)])
        s = client.socket()
        s.sendall(
            client.head("POST", "/upload", f"Content-Type: {kind}", f"Content-Length: {len(body)}")
            + body[:-100_000]
        )
        sockets.append(s)
    threads = together(8, run)
    time.sleep(1.1)
    daemon.process.kill()
    daemon.process.wait()
    for thread in threads:
        thread.join(10)
    for s in sockets:
        s.close()
    check(
        until(lambda: not daemon.sandbox_processes() and not daemon.helpers()),
        "runs die with the daemon",
        daemon.sandbox_processes(),
    )
    daemon.start()
    client = daemon.client()
    check(
        os.listdir(daemon.state / "runs") == [],
        "left-over runs are swept",
        os.listdir(daemon.state / "runs"),
    )
    check(not list(daemon.state.glob("blobs/tmp/*")), "half uploads are swept")
    check(
        client.download(kept["session_id"], kept["id"]).body == b"acknowledged",
        "what was acknowledged is there",
    )
    leftover = [g for g in groups if g.exists()]
    check(not leftover, "groups of the dead daemon are gone", [str(g) for g in leftover])
    import sqlite3

    made = client.request(
        "POST", "/api/v1/admin/backup", key=(daemon.state / "admin-key").read_text().strip()
    )
    with sqlite3.connect(f"file:{made.file}?mode=ro", uri=True) as db:
        check(db.execute("pragma integrity_check").fetchone() == ("ok",), "the database is whole")
        rows = db.execute("select session, id, size, sha256 from files").fetchall()
    import hashlib

    for session, file, size, digest in rows:
        body = client.download(session, file).body
        check(
            len(body) == size and hashlib.sha256(body).hexdigest() == digest,
            "nothing half is shown",
            (file, size, len(body)),
        )
    reply = client.exec("bash", "cat /mnt/data/kept.txt", files=[kept])
    check(reply.stdout == "acknowledged", "it works on", reply)


@row("T10b", "ten deaths by kill -9 at odd moments", own=True)
def _(t):
    daemon = t.own_daemon(pool=2)
    session = ""
    for i in range(6):
        client = daemon.client()
        answers = []

        def burst(k):
            try:
                answers.append(
                    client.exec("py", f"open('f{i}-{k}', 'w').write('{i}' * 5000)", http_timeout=10)
                )
            except Exception:
                pass

        threads = together(6, burst)
        time.sleep(0.02 + 0.03 * i)
        daemon.process.kill()
        daemon.process.wait()
        for thread in threads:
            thread.join(10)
        until(lambda: not daemon.helpers())
        daemon.start()
        client = daemon.client()
        for a in answers:
            if a.status_code != 200 or not a.files:
                continue
            session = a.session_id
            found = client.download(session, a.files[0]["id"])
            check(found.body == str(i).encode() * 5000, "what was answered is on disk", found)
    check(daemon.client().exec("py", "print(1)").stdout == "1\n", "it works on")


@row("T11", "the spawner is killed, and again: started anew, runs go on", own=True)
def _(t):
    daemon = t.own_daemon()
    client, answers = daemon.client(), []
    threads = together(4, lambda i: answers.append(client.exec("bash", "sleep 2; echo over")))
    time.sleep(0.5)
    for _ in range(2):
        first = daemon.spawner()
        os.kill(first, signal.SIGKILL)
        check(until(lambda: daemon.spawner() not in (0, first)), "there is a successor")
        check(until(lambda: client.exec("py", "print(1)").status_code == 200), "new runs are taken")
    for thread in threads:
        thread.join(10)
    check(
        len(answers) == 4 and all(a.stdout == "over\n" for a in answers),
        "runs in flight finish",
        answers[:1],
    )
    groups = cgroup_bases(f"podium-{daemon.spawner()}")
    daemon.stop()
    nothing_left(daemon, groups)


@row(
    "S10",
    "bad configurations and a storm of reloads with runs in flight: old one kept, all finish",
    own=True,
)
def _(t):
    daemon = t.own_daemon({"admission": {"runs": 10, "queue": 100, "queue_wait": "60s"}})
    client, answers = daemon.client(), []
    good = daemon.config_file.read_text()
    threads = together(40, lambda i: answers.append(client.exec("bash", "sleep .5; echo fine")))
    bad = [
        "",
        "{",
        "[]",
        "null",
        good[:-5],
        '{"limits":{"wall":"-1s"}}',
        '{"limits":{"memory":"99999999999TiB"}}',
        '{"nope":1}',
        "\0",
        good + good,
        good.replace('"runtime/job"', '"../../../etc/passwd"'),
        good.replace('"runtime/job"', '"/etc/passwd"'),
        "[" * 100_000,
        '{"listen":{"port":99999}}',
        "\xff",
    ]
    for text in bad:
        daemon.config_file.write_text(text)
        daemon.signal(signal.SIGHUP)
        time.sleep(0.12)
    daemon.config_file.write_text(good)
    for _ in range(10):
        daemon.signal(signal.SIGHUP)
        time.sleep(0.02)
    for thread in threads:
        thread.join(30)
    check(
        len(answers) == 40 and all(a.stdout == "fine\n" for a in answers),
        "all 40 finish",
        [a for a in answers if a.stdout != "fine\n"][:2],
    )
    check(
        until(lambda: daemon.logged(message="reloaded")),
        "the good one is taken",
        daemon.said()[-600:],
    )
    refusals = [line for line in daemon.log if "reload refused" in line["message"]]
    check(
        len(refusals) >= 5 and all(line.get("reason") for line in refusals),
        "each refusal says why",
        len(refusals),
    )


LOCK = "import sqlite3, sys, time\ndb = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=1)\ndb.execute('begin exclusive')\nprint('held', flush=True)\ntime.sleep(60)"


@row(
    "S11",
    "another program wants the database: in service it gets none; before the start errors say so, and it recovers",
    own=True,
)
def _(t):
    daemon = t.own_daemon()
    client = daemon.client()
    lock = ["/usr/bin/python3", "-c", LOCK, str(daemon.state / "podium.db")]
    other = subprocess.run(lock, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(
        other.returncode != 0 and "locked" in other.stderr,
        "another program is kept out",
        other.stderr,
    )
    check(client.upload([("a", b"x")]).status_code == 200, "an upload goes on")
    daemon.stop()
    holder = subprocess.Popen(lock, stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        daemon.start()
        client = daemon.client()
        plain = client.exec("py", "print(1)", http_timeout=30)
        check(plain.stdout == "1\n", "a run without files needs no writing", plain)
        stored = client.upload([("a", b"x")], timeout=60)
        check(stored.status_code in (500, 503), "an upload is refused", stored)
        check(client.get("/health").status_code == 200, "it is up")
        health = client.get("/health/detailed").json["database"]
        check(
            health["status"] != "healthy" and "locked" in str(health),
            "the health check tells",
            health,
        )
    finally:
        holder.kill()
        holder.wait()
    check(
        until(lambda: client.upload([("a", b"x")], timeout=30).status_code == 200),
        "it recovers",
    )


def set_immutable(files, on):
    """What even root cannot write to: every write fails, also by those who have the file open."""
    for file in files:
        subprocess.run(["chattr", "+i" if on else "-i", file], check=True)


@row(
    "S11b",
    "the database cannot be written, in service and at a start: told, degraded, nothing lost, recovers",
    own=True,
)
def _(t):
    daemon = t.own_daemon()
    client = daemon.client()
    kept = client.reference("kept", b"k" * 1000)
    files = lambda: [str(file) for file in daemon.state.glob("podium.db*")]

    def check_degraded(when, reads):
        plain = client.exec("py", "print(1)", http_timeout=30)
        check(plain.stdout == "1\n", f"{when}: a run without files goes on", plain)
        stored = client.upload([("lost", b"x")], timeout=60)
        check(
            stored.status_code in (500, 503)
            and not re.search(b"sqlite|podium[.]db", stored.body.lower()),
            f"{when}: an upload is refused",
            stored,
        )
        health = client.get("/health/detailed")
        check(
            health.json["database"]["status"] != "healthy",
            f"{when}: the health check tells",
            health,
        )
        check(client.get("/health").status_code == 200, f"{when}: it is up")
        if reads:
            check(
                client.download(kept["session_id"], kept["id"]).body == b"k" * 1000,
                f"{when}: what is there can be read",
            )

    def check_recovered(when):
        check(
            until(lambda: client.upload([("new", b"x")], timeout=30).status_code == 200),
            f"{when}: it recovers",
        )
        check(
            client.download(kept["session_id"], kept["id"]).body == b"k" * 1000,
            f"{when}: nothing acknowledged is lost",
        )

    held = files()
    try:
        set_immutable(held, True)
        check_degraded("in service", reads=True)
        set_immutable(held, False)
        check_recovered("in service")
        daemon.stop()
        held = files()
        set_immutable(held, True)
        daemon.start()
        client = daemon.client()
        check_degraded("from the start", reads=False)
    finally:
        set_immutable(held, False)
    check_recovered("from the start")


@contextlib.contextmanager
def small_ext4(size_mib):
    """A file system of its own that turns read-only at its first error, in service."""
    folder = tempfile.mkdtemp(prefix="podium-hostile-ext4-", dir="/var/tmp")
    image, disk = folder + "/image", folder + "/disk"
    os.chmod(folder, 0o755)
    os.mkdir(disk)
    with open(image, "wb") as f:
        f.truncate(size_mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    mount = lambda: subprocess.run(
        ["mount", "-o", "loop,errors=remount-ro", image, disk], check=True
    )
    mount()
    try:
        yield disk, mount
    finally:
        subprocess.run(["umount", "-l", disk], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def ext4_in_kernel(disk):
    """The kernel's folder of the file system mounted there, while it has one."""
    number = os.stat(disk).st_dev
    device = os.path.realpath(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    return pathlib.Path("/sys/fs/ext4") / os.path.basename(device)


def break_file_system(disk):
    """What ext4 does when the disk below it fails: no file can be written any more, mapped or not."""
    (ext4_in_kernel(disk) / "trigger_fs_error").write_text("1")


def unmount(disk):
    """A sandbox that is being made has a copy of all mounts for a moment, and with it the file
    system as it was: what is mounted again before that has ended is that one."""
    held = ext4_in_kernel(disk)
    subprocess.run(["umount", disk], check=True)
    check(until(lambda: not held.exists()), "the file system is not in use any more", held)


@row(
    "S11c",
    "the file system of the state turns read-only in service: no SIGBUS, told, nothing acknowledged is lost",
    own=True,
)
def _(t):
    with small_ext4(64) as (disk, mount):
        daemon = t.own_daemon({"state_dir": disk + "/state"}, state=disk + "/state")
        client = daemon.client()
        kept = [client.reference(f"kept{i}", b"k" * 1000) for i in range(20)]
        subprocess.run(
            ["sync", "-f", disk], check=True
        )  # what is mapped is clean now: to write to it asks the file system
        break_file_system(disk)
        stored = client.upload([("lost", b"x" * 200_000)], timeout=60)
        check(stored.status_code in (500, 503), "an upload is refused", stored)
        gone = client.request("DELETE", f"/files/{kept[1]['session_id']}/{kept[1]['id']}")
        check(gone.status_code == 503, "what has to be written to the database is refused", gone)
        for _ in range(3):
            plain = client.exec("py", "print(1)", http_timeout=30)
            check(plain.stdout == "1\n", "runs without files go on", plain)
        check(client.exec("bash", "echo 1", http_timeout=30).stdout == "1\n", "by one-off jobs too")
        check(client.get("/health").status_code == 200, "it is up")
        health = client.get("/health/detailed")
        check(health.json["database"]["status"] != "healthy", "the health check tells", health)
        check(
            client.download(kept[0]["session_id"], kept[0]["id"]).body == b"k" * 1000,
            "what is there can be read",
        )
        check(daemon.process.poll() is None, "the daemon has not ended", daemon.process.returncode)
        daemon.stop()
        unmount(disk)
        subprocess.run(
            ["fsck.ext4", "-p", "-f", os.path.dirname(disk) + "/image"],
            check=False,
            stdout=subprocess.DEVNULL,
        )
        mount()
        daemon.start()
        client = daemon.client()
        bad = [k for k in kept if client.download(k["session_id"], k["id"]).body != b"k" * 1000]
        check(not bad, "nothing acknowledged is lost", bad)
        check(client.upload([("new", b"x")]).status_code == 200, "it works on")
        daemon.stop()


@row("F13", "the disk of the state directory is full: told, nothing half kept, recovers", own=True)
def _(t):
    folder = tempfile.mkdtemp(prefix="podium-hostile-disk-", dir="/var/tmp")
    os.chmod(folder, 0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "small", folder], check=True)
    try:
        daemon = t.own_daemon({"state_dir": folder + "/state"}, state=folder + "/state")
        client = daemon.client()
        small = client.reference("small", b"s" * 1000)
        reply = client.upload([("big", b"b" * 40_000_000)])
        check(reply.status_code in (500, 503, 507), "a file that does not fit is refused", reply)
        run = client.exec("bash", "head -c 40000000 /dev/urandom > big; echo out")
        check(
            run.status_code == 200
            and run.stdout == "out\n"
            and not run.files
            and run.artifact_truncation,
            "the run is told, with its output",
            run,
        )
        check(client.exec("py", "print(1)").stdout == "1\n", "runs without files go on")
        check(
            client.download(small["session_id"], small["id"]).body == b"s" * 1000,
            "what is there can be read",
        )
        check(client.upload([("fits", b"f" * 100_000)]).status_code == 200, "what fits is taken")
        check(not list(daemon.state.glob("blobs/tmp/*")), "nothing half is kept")
        daemon.stop()
    finally:
        subprocess.run(["umount", "-l", folder], check=False)
        os.rmdir(folder)
