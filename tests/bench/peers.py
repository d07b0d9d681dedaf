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
