"""A machine to install packages on: a root of Debian 12, started by ./boot in namespaces of its own."""

import os
import shutil
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))


class Failed(Exception):
    """What a case expected and did not find."""


def expect(truth, what):
    if not truth:
        raise Failed(what)


def eventually(what, look, seconds=60):
    """What `look` returns, as soon as that is true."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        expect(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Machine:
    """`command`: what is process 1, in the root; without it, systemd. It has a loopback of its own, or this machine's
    network."""

    serial = 0

    def __init__(
        self, root, command=("/lib/systemd/systemd", "--system"), prepare=None, shares_network=False
    ):
        Machine.serial += 1
        self.scratch = tempfile.mkdtemp(prefix="podium-machine-")
        os.chmod(self.scratch, 0o755)
        self.name = f"podium-test-{os.getpid()}-{Machine.serial}"
        self.said = os.path.join(self.scratch, "console")
        os.makedirs(os.path.join(self.scratch, "upper"))
        if prepare:
            prepare(os.path.join(self.scratch, "upper"))
        with open(self.said, "w") as console:
            self.process = subprocess.Popen(
                [os.path.join(HERE, "boot"), root, self.scratch, self.name, *command],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=os.environ | ({"SHARE_NETWORK": "1"} if shares_network else {}),
                start_new_session=True,
            )
        self.pid = eventually("the machine's process 1", self._find_init)

    def _find_init(self):
        expect(self.process.poll() is None, f"the machine did not start: {self.console()}")
        if open(f"/proc/{self.process.pid}/comm").read().strip() != "unshare":
            return None
        children = open(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read().split()
        # The shell that mounts becomes the command by exec.
        if children and open(f"/proc/{children[0]}/comm").read().strip() not in (
            "bash",
            "unshare",
            "env",
        ):
            return int(children[0])
        return None

    def console(self):
        return open(self.said, errors="replace").read()[-3000:]

    def start(self, words, **more):
        """A process in the machine."""
        return subprocess.Popen(
            [
                "nsenter",
                "--target",
                str(self.pid),
                "--all",
                "env",
                "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL=C.UTF-8",
                "HOME=/root",
                "DEBIAN_FRONTEND=noninteractive",
                *words,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def run(self, *words, stdin="", status=0, seconds=120):
        """Its output; fails when it does not end with `status` (None: however it ends)."""
        process = self.start(words, stdin=subprocess.PIPE)
        try:
            out, err = process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failed(f"{' '.join(words)} did not end within {seconds} s") from None
        expect(
            status is None or process.returncode == status,
            f"{' '.join(words)} ended with {process.returncode}, not {status}:\n{out}{err}",
        )
        self.last_status, self.last_error = process.returncode, err
        return out

    def shell(self, script, **more):
        return self.run("bash", "-c", script, **more)

    def write(self, path, text):
        self.run("sh", "-c", 'cat >"$1"', "sh", path, stdin=text)

    def copy_in(self, source, target):
        with open(source, "rb") as data:
            subprocess.run(
                [
                    "nsenter",
                    "--target",
                    str(self.pid),
                    "--all",
                    "sh",
                    "-c",
                    'cat >"$1"',
                    "sh",
                    target,
                ],
                stdin=data,
                check=True,
            )

    def end(self):
        """Ends every process of it and removes what it wrote."""
        self.process.kill()  # its unshare, which takes process 1 along
        self.process.wait(timeout=30)
        for top, _, _ in os.walk("/sys/fs/cgroup"):
            if os.path.basename(top) == self.name:
                self._remove_group(top)
        shutil.rmtree(self.scratch, ignore_errors=True)

    @staticmethod
    def _remove_group(group):
        for folder, _, _ in os.walk(group, topdown=False):
            for _ in range(50):
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    time.sleep(0.05)  # its last process is on its way out
