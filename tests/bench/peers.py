"""What else runs programs in sandboxes, for the tables of tests/bench/run."""
import json, shutil, socket, subprocess, sys, tempfile, time, urllib.request
from pathlib import Path

# The same programs as Podium is given, as command lines.
COMMANDS = {
    "bash": ["/bin/bash", "-c", "true"],
    "py": ["/usr/bin/python3", "-c", "print(1)"],
    "js": ["/usr/bin/node", "-e", "console.log(1)"],
}

BWRAP = [
    "bwrap",
    "--unshare-all",
    "--ro-bind",
    "/",
    "/",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
]


class Container:
    """A container for every run, with limits of the kind that Podium's runs have, by an OCI runtime."""

    RUNTIMES = ("crun", "runc")
    TREES = ("usr", "etc")  # of this machine, read-only

    def __init__(self, runtime, command):
        self.bundle = Path(tempfile.mkdtemp(prefix="podium-bench-peer-", dir="/var/tmp"))
        for folder in (*self.TREES, "proc", "tmp", "dev"):
            (self.bundle / "rootfs" / folder).mkdir(parents=True)
        for link in ("bin", "sbin", "lib", "lib64"):
            (self.bundle / "rootfs" / link).symlink_to(f"usr/{link}")
        (self.bundle / "config.json").write_text(json.dumps(self.spec(command)))
        # $$ names the container: several run at once.
        script = f'exec {runtime} run -b {self.bundle} "podium-bench-$$"'
        self.command = ["/bin/sh", "-c", script]

    @classmethod
    def spec(cls, command):
        mount = lambda to, kind, source, *options: {
            "destination": to,
            "type": kind,
            "source": source,
            "options": list(options),
        }
        return {
            "ociVersion": "1.0.2",
            "root": {"path": "rootfs", "readonly": True},
            "process": {
                "args": command,
                "cwd": "/tmp",
                "env": ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8"],
                "user": {"uid": 65534, "gid": 65534},
                "noNewPrivileges": True,
                "rlimits": [{"type": "RLIMIT_CPU", "soft": 30, "hard": 30}],
            },
            "mounts": [
                mount("/proc", "proc", "proc"),
                mount("/tmp", "tmpfs", "tmpfs", "nosuid", "nodev"),
                # Else the runtime makes its links in the rootfs, which several runs share.
                mount("/dev", "tmpfs", "tmpfs", "nosuid", "mode=755"),
                *(mount(f"/{t}", "bind", f"/{t}", "rbind", "ro") for t in cls.TREES),
            ],
            "linux": {
                "resources": {"memory": {"limit": 512 << 20}, "pids": {"limit": 128}},
                "namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts", "network")],
            },
        }

    def refusal(self):
        """What the runtime says when it cannot run here; None when it can."""
        r = subprocess.run(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return None if r.returncode == 0 else r.stderr.decode(errors="replace").strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.bundle, ignore_errors=True)


NO_GO_JUDGE = "not measured: no program was given (--go-judge PATH)"


class GoJudge:
    """A go-judge server with limits of the kind that Podium's runs have."""

    def __init__(self, program):
        self.dir = Path(tempfile.mkdtemp(prefix="podium-bench-peer-", dir="/var/tmp"))
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = open(self.dir / "log", "w")
        self.process = subprocess.Popen(
            [program, "-http-addr", f"127.0.0.1:{self.port}", "-dir", self.dir, "-silent"],
            cwd=self.dir,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        until = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/version", timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.stop()
                    sys.exit(f"{program} did not start: " + (self.dir / "log").read_text())
                time.sleep(0.02)

    @staticmethod
    def request(lang):
        """The body of POST /run for one of COMMANDS."""
        return json.dumps(
            {
                "cmd": [
                    {
                        "args": COMMANDS[lang],
                        "env": ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8"],
                        "files": [
                            {"content": ""},
                            {"name": "stdout", "max": 1 << 20},
                            {"name": "stderr", "max": 1 << 20},
                        ],
                        "cpuLimit": 30_000_000_000,
                        "clockLimit": 30_000_000_000,
                        "memoryLimit": 512 << 20,
                        "procLimit": 128,
                    }
                ]
            }
        )

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
