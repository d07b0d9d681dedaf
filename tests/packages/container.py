"""packaging/container/Dockerfile, followed without an image registry: its steps in a root of Debian 12, its command
as process 1 of namespaces, its health check inside."""

import glob
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

from machine import Failed, Machine, eventually, expect

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
KNOWN = {"FROM", "COPY", "RUN", "EXPOSE", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "CMD"}


def read_recipe():
    """[(instruction, rest)] of the Dockerfile."""
    steps = []
    with open(os.path.join(TOP, "packaging/container/Dockerfile")) as recipe:
        for line in recipe:
            if line.strip() and not line.startswith("#"):
                word, rest = line.strip().split(None, 1)
                expect(word in KNOWN, f"the Dockerfile has {word}, which this test does not know")
                steps.append((word, rest))
    return steps


class Container:
    def __init__(self, root, packages):
        self.root, self.packages, self.machine = root, packages, None
        self.steps = read_recipe()
        self.built = tempfile.mkdtemp(prefix="podium-image-")

    def end(self):
        if self.machine:
            self.machine.end()
        shutil.rmtree(self.built, ignore_errors=True)

    def only(self, word):
        found = [rest for name, rest in self.steps if name == word]
        expect(len(found) == 1, f"{len(found)} {word} in the Dockerfile, expected one")
        return found[0]

    # ---- the cases, in order

    def builds(self):
        """every step of the Dockerfile works in a root of Debian 12"""
        expect(
            self.only("FROM").startswith("debian:bookworm"),
            "another base than the root of this test",
        )
        image = os.path.join(self.built, "all")
        for folder in ("upper", "work", "all"):
            os.mkdir(os.path.join(self.built, folder))
        subprocess.run(
            [
                "mount",
                "-t",
                "overlay",
                "overlay",
                "-o",
                f"lowerdir={self.root},upperdir={self.built}/upper,workdir={self.built}/work",
                image,
            ],
            check=True,
        )
        try:
            shutil.copy("/etc/resolv.conf", image + "/etc/resolv.conf")
            for word, rest in self.steps:
                if word == "COPY":
                    self._copy(image, shlex.split(rest))
                elif word == "RUN":
                    self._run(image, rest)
        finally:
            subprocess.run(["umount", image], check=True)

    def _copy(self, image, words):
        target = image + words[-1]
        for pattern in words[:-1]:
            # The packages under test, wherever they were built.
            files = glob.glob(
                os.path.join(self.packages, os.path.basename(pattern))
                if pattern.startswith("build/deb/")
                else os.path.join(TOP, pattern)
            )
            expect(files, f"COPY {pattern}: there is no such file")
            os.makedirs(target if target.endswith("/") else os.path.dirname(target), exist_ok=True)
            for file in files:
                shutil.copy(file, target)

    @staticmethod
    def _run(image, command):
        # No service is started: as in an image, there is nothing that could.
        done = subprocess.run(
            [
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "chroot",
                image,
                "env",
                "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "DEBIAN_FRONTEND=noninteractive",
                "LC_ALL=C.UTF-8",
                "sh",
                "-c",
                command,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        expect(done.returncode == 0, f"RUN {command}: {done.returncode}\n{done.stdout[-2000:]}")

    def starts(self):
        """its command is process 1, with the capabilities that the documents name, and gets ready"""
        words = json.loads(self.only("CMD"))
        with open(os.path.join(TOP, "docs/operations.md")) as text:
            line = next(line for line in text if line.startswith("SYS_ADMIN "))
        names = ",".join("+" + name.lower() for name in line.split())
        upper = os.path.join(self.built, "upper")
        self.machine = Machine(
            self.root,
            ["/usr/bin/setpriv", "--bounding-set", "-all," + names, *words],
            prepare=lambda target: subprocess.run(["cp", "-a", upper + "/.", target], check=True),
        )
        eventually("the container is healthy", lambda: self.healthy(), 60)

    def healthy(self):
        check = self.only("HEALTHCHECK")
        words = json.loads(check[check.index("CMD ") + 4 :])
        expect(
            self.machine.process.poll() is None,
            f"the container has ended: {self.machine.console()}",
        )
        self.machine.run(*words, status=None)
        return self.machine.last_status == 0

    def runs_programs(self):
        """bash, Python with pandas and JavaScript answer in it"""
        for lang, code in (
            ("bash", "echo $((6*7))"),
            ("js", "console.log(6*7)"),
            ("py", "import pandas as p; print(p.Series([42]).sum())"),
        ):
            out = self.machine.run("podium", "exec", "--text", "--lang", lang, "-", stdin=code)
            expect(out == "42\n", f"{lang}: {out!r}")

    def listens_on_all_addresses(self):
        """it listens on every address of the container"""
        expect("0.0.0.0:8000" in self.machine.run("ss", "-ltn"), "it does not")

    def unhealthy_is_seen(self):
        """the health check fails while the daemon hangs"""
        # From outside: nobody in there can stop process 1.
        os.kill(self.machine.pid, signal.SIGSTOP)
        expect(not self.healthy(), "the health check succeeds although the daemon is stopped")
        os.kill(self.machine.pid, signal.SIGCONT)
        eventually("it is healthy again", self.healthy)

    def stops_in_order(self):
        """its stop signal ends it within ten seconds, as docker stop allows"""
        expect(self.only("STOPSIGNAL") == "SIGTERM", "another signal than this test sends")
        began = time.monotonic()
        os.kill(self.machine.pid, signal.SIGTERM)
        try:
            self.machine.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            raise Failed("it still runs after 10 s") from None
        return f"{time.monotonic() - began:.1f} s"


CASES = [
    "builds",
    "starts",
    "runs_programs",
    "listens_on_all_addresses",
    "unhealthy_is_seen",
    "stops_in_order",
]
