"""podiumd as a user starts it, and what can be seen of it from outside."""

import hashlib
import json
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from .client import Client

_next_uid_base = 600_000_000 + os.getpid() % 30_000 * 20_000
_UIDS = 8_200  # two for each of 4096 sandboxes


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "replace")
    except OSError:
        return ""


def processes():
    """(pid, parent, name, uid) of every process."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        status = read(f"/proc/{pid}/status")
        found = re.search(r"Name:\t(.*)\n(?:.*\n)*?PPid:\t(\d+)\n(?:.*\n)*?Uid:\t(\d+)", status)
        if found:
            yield int(pid), int(found[2]), found[1], int(found[3])


def until(look, seconds=30.0, every=0.02):
    """The first true value of look(), or the last one when the time is up."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen or time.monotonic() > end:
            return seen
        time.sleep(every)


def cgroup_folders(name):
    """How many groups there are below "podium-<pid>" in all hierarchies."""
    return sum(1 for base in cgroup_bases(name) for entry in os.scandir(base) if entry.is_dir())


def cgroup_bases(name):
    top = pathlib.Path("/sys/fs/cgroup")
    return [p for p in [top / name, *top.glob(f"*/{name}")] if p.is_dir()]


COLD_PYTHON = {
    "aliases": ["python"],
    "runtimes": ["jobs"],
    "source": "main.py",
    "command": ["/usr/bin/python3", "{source}"],
    "environment": {"PYTHONUNBUFFERED": "1", "PYTHONPATH": "/mnt/data", "MPLBACKEND": "Agg"},
}


class Daemon:
    """One podiumd with a state directory, a port and a range of sandbox users of its own."""

    cold = False  # Python by one-off jobs and not by pods

    def __init__(self, prefix, config=None, pool=4, state=None):
        global _next_uid_base
        self.prefix = pathlib.Path(prefix)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="podium-hostile-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.state = pathlib.Path(state) if state else self.folder / "state"
        self.uid_base, _next_uid_base = _next_uid_base, _next_uid_base + 20_000
        self.config = {
            "listen": {"address": "127.0.0.1", "port": 0},
            "state_dir": str(self.state),
            "user": account(),
            "log": {"format": "json"},
            "sandbox": {"uid_base": self.uid_base},
            # As many wait after an attack as before it, so that what is left behind can be counted.
            "plugins": {
                "jobs": {"library": "runtime/job", "options": {"min": pool, "max": pool}},
                "pods": {"library": "runtime/python-pod", "options": {"min": 2, "max": 2}},
            },
            **({"languages": {"py": COLD_PYTHON}} if Daemon.cold else {}),
        }
        for key, value in (config or {}).items():
            self.config[key] = (
                {**self.config.get(key, {}), **value} if key == "languages" else value
            )
        self.config_file = self.folder / "podium.json"
        self.log, self.process, self.url, self.key = [], None, "", ""

    def start(self):
        self.config_file.write_text(json.dumps(self.config, indent=1))
        self.log = []
        self.process = subprocess.Popen(
            [self.prefix / "bin/podiumd", "--config", self.config_file],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        threading.Thread(target=self._follow, args=(self.process.stderr,), daemon=True).start()
        ready = until(lambda: self.logged(message="ready") or self.process.poll() is not None, 30)
        if not self.logged(message="ready"):
            raise RuntimeError(f"podiumd did not start ({ready}):\n{self.said()}")
        self.url = f"http://127.0.0.1:{self.logged(message='ready')['port']}"
        self.key = read(self.state / "first-key").strip() or self.key
        return self

    def _follow(self, stream):
        log = self.log
        for line in stream:
            try:
                log.append(json.loads(line))
            except ValueError:
                log.append({"level": "stderr", "message": line.rstrip("\n")})

    def logged(self, **fields):
        for line in list(self.log):
            if all(line.get(k) == v for k, v in fields.items()):
                return line
        return None

    def requests(self, **fields):
        return [
            line
            for line in list(self.log)
            if line.get("message") == "request" and all(line.get(k) == v for k, v in fields.items())
        ]

    def said(self):
        return "\n".join(json.dumps(line) for line in self.log[-60:])

    def client(self):
        return Client(self.url, self.key)

    def add_key(self, name):
        """A key of another principal, taken over by SIGHUP. Returns it."""
        key = "sk-" + secrets.token_urlsafe(24)
        file = self.state / "keys.json"
        text = json.loads(file.read_text())
        text["keys"].append({"id": name, "sha256": hashlib.sha256(key.encode()).hexdigest()})
        file.write_text(json.dumps(text))
        self.signal(signal.SIGHUP)
        if not until(lambda: self.client().get("/metrics", key=key).status_code == 200):
            raise RuntimeError("a key that was added is not taken")
        return key

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(45)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process and self.process.returncode

    def discard(self):
        self.stop()
        until(lambda: not self.sandbox_processes() and not self.helpers())
        shutil.rmtree(self.folder, ignore_errors=True)

    # -------------------------------------------------------------- what is seen from outside

    @property
    def pid(self):
        return self.process.pid

    def helpers(self):
        """Its supervisor and spawner: they name the state directory on their command line."""
        own = f"--runs={self.state}/runs"
        return [
            int(pid)
            for pid in filter(str.isdigit, os.listdir("/proc"))
            if own in read(f"/proc/{pid}/cmdline").split("\0")
        ]

    def spawner(self):
        for pid, _, name, _ in processes():
            if name == "podium-spawner" and f"--runs={self.state}/runs" in read(
                f"/proc/{pid}/cmdline"
            ):
                return pid
        return 0

    def sandbox_processes(self):
        """All with a user of this daemon's range, and all below its spawner."""
        everyone = list(processes())
        below = {self.spawner()} - {0}
        grown = True
        while grown:
            more = {pid for pid, parent, _, _ in everyone if parent in below} - below
            below |= more
            grown = bool(more)
        below.discard(self.spawner())
        return sorted(
            {
                (pid, name)
                for pid, _, name, uid in everyone
                if pid in below or self.uid_base <= uid < self.uid_base + _UIDS
            }
        )

    def traces(self):
        """What must be again as it was before an attack: name → number (or text)."""
        spawner = self.spawner()
        names = [name for _, name in self.sandbox_processes()]
        return {
            "the daemon's pid": self.pid if self.process.poll() is None else 0,
            "the spawner's pid": spawner,
            "sandbox processes": len(names),
            "names of sandbox processes": sorted(set(names)),
            "cgroup folders": cgroup_folders(f"podium-{spawner}"),
            "entries of runs/": len(os.listdir(self.state / "runs")),
            "staged uploads": len(list(self.state.glob("blobs/tmp/*"))),
            "mounts of the host": read("/proc/self/mountinfo").count(str(self.folder)),
            "mounts of the spawner": len(read(f"/proc/{spawner}/mountinfo").splitlines()),
            "descriptors of the daemon": self.descriptors(),
            "threads of the daemon": len(os.listdir(f"/proc/{self.pid}/task")),
            "descriptors of the spawner": len(os.listdir(f"/proc/{spawner}/fd")),
        }

    def pools_full(self):
        """As many sandboxes wait as are wanted, in every pool that is not left out."""

        def pools(detail):
            if "available" in detail and "target" in detail:
                yield detail
            for part in detail.values():
                if isinstance(part, dict):
                    yield from pools(part)

        health = self.client().get("/health/detailed").json
        found = [
            p for plugin in health["plugins"].values() for p in pools(plugin.get("detail", {}))
        ]
        return found and all(
            p.get("left_out") or p["available"] >= p["target"] and p["starting"] == 0 for p in found
        )

    def descriptors(self):
        """Of the daemon, without those of the database: its few readers connect when first needed."""
        count = 0
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                count += "podium.db" not in os.readlink(f"/proc/{self.pid}/fd/{fd}")
            except OSError:
                pass  # closed meanwhile
        return count

    def rss(self):
        """Resident bytes of the daemon."""
        found = re.search(r"VmRSS:\s+(\d+) kB", read(f"/proc/{self.pid}/status"))
        return int(found[1]) * 1024 if found else 0


def account():
    """podium's own account where there is one."""
    try:
        pwd.getpwnam("podium")
        return "podium"
    except KeyError:
        return "nobody"
