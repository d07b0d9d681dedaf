"""An installed podiumd with a state directory, a port and a configuration of its own."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

_counter = 0


class Daemon:
    """`with Daemon(prefix, folder, port, config) as daemon:`; port 0: any free one."""

    def __init__(self, prefix, folder, port, config):
        global _counter
        _counter += 1
        self.prefix = prefix
        self.folder = Path(tempfile.mkdtemp(prefix="daemon-", dir=folder))
        self.folder.chmod(0o755)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            self.port = probe.getsockname()[1]
        self.uid_base = 600_000_000 + (os.getpid() % 1000) * 100_000 + _counter * 20_000
        self.file = self.folder / "podium.json"
        self.configure(config)
        self.log = open(self.folder / "log", "w")
        self.process = None

    def configure(self, config):
        # Languages and pods that the test does not use would only cost time.
        base = {
            "listen": {"port": self.port},
            "state_dir": str(self.folder / "state"),
            "sandbox": {"uid_base": self.uid_base},
        }
        plugins = {"pods": None, **config.get("plugins", {})}
        languages = {"py": None, **config.get("languages", {})}
        self.file.write_text(
            json.dumps({**base, **config, "plugins": plugins, "languages": languages}, indent=1)
        )

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.prefix / "bin/podiumd", "--config", self.file], stderr=self.log, cwd="/"
        )
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=2).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    raise RuntimeError("podiumd did not start: " + self.said()) from None
                time.sleep(0.02)
        self.key = (self.folder / "state/first-key").read_text().strip()
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def said(self):
        return (self.folder / "log").read_text()[-4000:]

    def alive(self):
        return self.process.poll() is None

    def reload(self, config):
        """Whether podiumd took the configuration."""
        self.configure(config)
        done = subprocess.run(
            [
                self.prefix / "bin/podium",
                "reload",
                "--state-dir",
                self.folder / "state",
                "--url",
                f"http://127.0.0.1:{self.port}",
            ],
            capture_output=True,
            text=True,
        )
        self.reloaded = f"{done.returncode}: {done.stdout}{done.stderr}"
        return done.returncode == 0

    def ask(self, path, body=None, content_type="application/json"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=body,
            headers={"X-API-Key": self.key, "Content-Type": content_type},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            return error.read()

    def exec_text(self, language, code, **more):
        return self.ask(
            "/exec", json.dumps({"lang": language, "code": code, **more}).encode()
        ).decode()

    def exec(self, language, code, **more):
        reply = json.loads(self.exec_text(language, code, **more))
        run = reply.get("result", reply)
        return run.get("run", run)

    def exec_lines(self, language, code, **more):
        return [json.loads(line) for line in self.exec_text(language, code, **more).splitlines()]

    def upload(self, name, content):
        boundary = uuid.uuid4().hex
        body = (
            (
                f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n"
            ).encode()
            + content
            + f"\r\n--{boundary}--\r\n".encode()
        )
        reply = json.loads(self.ask("/upload", body, f"multipart/form-data; boundary={boundary}"))
        if "files" not in reply:
            raise RuntimeError(f"upload: {reply}\n{self.said()}")
        return (
            reply.get("session_id") or reply.get("storage_session_id"),
            reply["files"][0].get("fileId") or reply["files"][0]["id"],
        )

    def download(self, file):
        return self.ask(f"/download/{file[0]}/{file[1]}")
