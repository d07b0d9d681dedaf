"""Follows docs/plugin-guide.md: writes its files, makes its changes, runs its commands, compares outputs.

Blocks: `sh` is run; `sh background` is started and ended at the end; `text` must occur in what the last `sh` printed;
`LANGUAGE file=PATH` is that file; with replace="LINE" it replaces the block that begins with that line; with
before="LINE" it is put before that line. Any other block is an error: no snippet goes unused.
"""
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request


class Wrong(Exception):
    pass


def minio_options():
    """An instance of storage/minio whose server is not there."""
    values = {
        "endpoint": "http://127.0.0.1:1",
        "bucket": "podium-conform",
        "access_key": "key",
        "secret_key": "secret",
        "attempts": "1",
        "connect_timeout": "50ms",
        "timeout": "100ms",
    }
    return [word for name, value in values.items() for word in ("--option", f"{name}={value}")]


def blocks(text):
    for match in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text.count("\n", 0, match.start()) + 1
        words = shlex.split(match[1])
        yield line, words[0] if words else "", dict(
            word.split("=", 1) if "=" in word else (word, True) for word in words[1:]
        ), match[2]


def replaced(content, first, new, language):
    """The block that begins with the line `first`: to the next line of its indentation that closes it."""
    lines = content.splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if line.startswith(first)]
    if len(starts) != 1:
        raise Wrong(f"{len(starts)} lines begin with {first!r}")
    begin = end = starts[0]
    indent = first[: len(first) - len(first.lstrip())]
    whole = lines[begin].rstrip()
    if language == "cpp" and not whole.endswith((";", ">")):
        while lines[end].rstrip() not in (indent + "}", indent + "};"):
            end += 1
    return "".join(lines[:begin]) + new + "".join(lines[end + 1 :])


def before(content, first, new):
    at = content.index(first)
    return content[:at] + new + content[at:]


class Shell:
    """One shell for all commands, so that cd and export last."""

    def __init__(self, folder):
        self.folder, self.prelude = folder, "export CMAKE_CXX_COMPILER_LAUNCHER=ccache"
        self.output, self.children = "", []

    def run(self, script):
        mark = "--- where and what ---"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{self.prelude}\n{script}\necho '{mark}'; pwd"],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise Wrong(f"status {done.returncode} of\n{script}\n{done.stdout}")
        self.output, _, where = done.stdout.partition(mark)
        self.folder = where.strip()
        self.prelude += "".join(
            "\n" + line for line in script.splitlines() if line.startswith("export ")
        )

    def start(self, script, ready):
        log = tempfile.TemporaryFile("w+")
        child = subprocess.Popen(
            ["bash", "-c", f"{self.prelude}\nexec {script.strip()}"],
            cwd=self.folder,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        self.children.append(child)
        until = time.monotonic() + 60
        while True:
            try:
                return urllib.request.urlopen(ready, timeout=2).close()
            except OSError:
                if child.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise Wrong(f"{script} does not come up:\n{log.read()}") from None
                time.sleep(0.05)

    def end(self):
        for child in self.children:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def follow(guide, prefix, folder, port, daemon):
    """Raises Wrong with the line of the block that does not hold."""
    folder.mkdir(mode=0o755)
    probe = daemon(prefix, folder, port, {})  # picks a free port and a range of users
    probe.log.close()
    state = folder / "state"
    shell = Shell(folder)
    own = {
        "/opt/podium": str(prefix),
        "/tmp/echo-state": str(state),
        ":8000": f":{probe.port}",
        '"port": 8000},': f'"port": {probe.port}}},\n  "sandbox": {{"uid_base": {probe.uid_base}}},',
    }
    count = 0
    try:
        for line, language, words, text in blocks(guide.read_text()):
            for from_, to in own.items():
                text = text.replace(from_, to)
            try:
                take(shell, language, words, text, f"http://127.0.0.1:{probe.port}/ready")
            except Wrong as wrong:
                raise Wrong(f"{guide.name}:{line}: {wrong}") from None
            count += 1
    finally:
        shell.end()
        shutil.rmtree(state, ignore_errors=True)
    if count < 10:
        raise Wrong(f"{guide.name} has {count} blocks: is it read rightly?")
    print(f"  {count} blocks", flush=True)


def take(shell, language, words, text, ready):
    if language == "sh" and "background" in words:
        shell.start(text, ready)
    elif language == "sh" and not words:
        shell.run(text)
    elif language == "text" and not words:
        if text.strip() not in shell.output:
            raise Wrong(f"expected {text.strip()!r} in\n{shell.output}")
    elif "file" in words:
        path = f"{shell.folder}/{words['file']}"
        content = text
        if "replace" in words or "before" in words:
            with open(path) as file:
                old = file.read()
            content = (
                replaced(old, words["replace"], text, language)
                if "replace" in words
                else before(old, words["before"], text)
            )
        with open(path, "w") as file:
            file.write(content)
    else:
        raise Wrong(f"a block of '{language}' that nobody uses")
