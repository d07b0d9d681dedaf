"""What every row has in common.

A row is a function with @row("R1", "what it does"). It gets an Attack, with which it starts what it
starts and says what it expects. Around every row the suite itself checks that

  - a harmless run in another session, at the same time, succeeds within twice its normal time;
  - afterwards nothing is left behind (see Daemon.traces), and the daemon is up;
  - the daemon logged no error.
"""

import re
import statistics
import threading
import time
import traceback

from stalls import Stalls

from .daemon import Daemon, until

ROWS = []
HARMLESS = "print(sum(range(1000)))"
SLACK_SECONDS = 0.6  # for a noisy machine of two cores


class Row:
    def __init__(self, name, title, run, **options):
        self.name, self.title, self.run = name, title, run
        self.own = options.pop("own", False)  # wants to start and stop daemons of its own
        self.local = options.pop("local", False)  # looks at the daemon's process or files
        self.log_ok = options.pop("log_ok", None)  # errors in the log that belong to the attack
        self.neighbour = options.pop("neighbour", True)
        assert not options, options


def row(name, title, **options):
    """own: starts daemons of its own. local: needs a daemon of this machine. log_ok: a pattern of
    messages of level error that the attack may cause."""

    def add(run):
        ROWS.append(Row(name, title, run, **options))
        return run

    return add


class Failed(Exception):
    """A row did not get what it expected."""


class Skipped(Exception):
    """A row cannot be shown on this machine; says why."""


def check(holds, what, seen=None):
    if not holds:
        raise Failed(what if seen is None else f"{what}; seen: {seen!r}"[:1500])


class Attack:
    """What a row works with."""

    def __init__(self, suite):
        self.suite, self.daemon, self.client = suite, suite.daemon, suite.client
        self._own = []

    def run(self, lang, code, status="completed", **fields):
        """Runs code and expects an answer 200 with that status (or one of several)."""
        reply = self.client.exec(lang, code, **fields)
        self.expect(reply, status)
        return reply

    def expect(self, reply, status):
        wanted = (status,) if isinstance(status, str) else status
        check(reply.status_code == 200, f"expected 200 with status {status}", reply)
        check(reply.status in wanted, f"expected status {status}", reply)

    def py(self, code, status="completed", **fields):
        return self.run("py", code, status, **fields)

    def bash(self, code, status="completed", **fields):
        return self.run("bash", code, status, **fields)

    def says(self, lang, code, **fields):
        """Runs code that judges for itself: it prints "ok" in its last line, or what is wrong."""
        reply = self.run(lang, code, ("completed", "failed"), **fields)
        lines = reply.stdout.strip().splitlines()
        check(lines and lines[-1] == "ok", "the program found a hole", (reply.stdout, reply.stderr))
        return reply

    def refused(self, reply, *codes):
        check(reply.status_code in codes, f"expected status {codes}", reply)
        return reply

    def own_daemon(self, config=None, **more):
        """Another daemon, ended with the row."""
        daemon = Daemon(self.suite.prefix, config, **more)
        self._own.append(daemon)
        return daemon.start()

    def second_key(self):
        return self.suite.second_key()

    def end(self):
        for daemon in self._own:
            daemon.discard()


class Neighbour(threading.Thread):
    """Harmless runs, one after the other, each in a session of its own, until stopped."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.stopping = client, threading.Event()
        self.times, self.bad = [], []

    def run(self):
        while True:
            try:
                began, stalls = time.monotonic(), Stalls()
                reply = self.client.exec("py", HARMLESS, http_timeout=60)
                self.times.append(time.monotonic() - began - stalls.lost())
                if (
                    reply.status_code != 200
                    or reply.status != "completed"
                    or reply.stdout != "499500\n"
                ):
                    self.bad.append(repr(reply))
            except OSError as error:
                self.bad.append(repr(error))
            if self.stopping.wait(0.15):
                return

    def verdict(self, normal):
        check(not self.bad, "a harmless run beside it failed", self.bad[:3])
        # The median: one run that met a compiler of somebody else says nothing.
        allowed = 2 * normal + SLACK_SECONDS
        seen = statistics.median(self.times) if self.times else 0
        check(
            seen <= allowed,
            f"harmless runs beside it took {seen:.2f} s, normal is {normal:.2f} s",
            [round(t, 2) for t in self.times],
        )


class Suite:
    """Runs rows against one daemon: one of our own, or one that runs already."""

    def __init__(self, prefix=None, client=None):
        self.prefix, self.daemon, self.client = prefix, None, client
        self.baseline, self.normal, self._second = {}, 0, None
        if client is None:
            self.daemon = Daemon(prefix).start()
            self.client = self.daemon.client()
        self._warm_up()

    def _warm_up(self):
        """Everything that is made once is made now: threads, spare networks, statements."""
        threads = [
            threading.Thread(target=self.client.exec, args=("py", "import time; time.sleep(.3)"))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        made = self.client.upload([("warm.bin", b"x" * 3_000_000)])
        check(made.status_code == 200, "uploads do not work at all", made)
        self.client.download(made.session_id, made.files[0]["fileId"])
        self.client.exec(
            "bash",
            "head -c 2000000 /dev/zero > /mnt/data/out",
            files=[{"id": made.files[0]["fileId"], "session_id": made.session_id}],
        )
        times = []
        for _ in range(7):
            reply = self.client.exec("py", HARMLESS)
            check(reply.status == "completed", "a harmless run does not work at all", reply)
            times.append(reply.seconds)
        self.normal = statistics.median(times)
        if self.daemon:
            self._settle()

    def _settle(self):
        seen = []

        def steady():
            seen.append(self.daemon.traces())
            return len(seen) > 4 and all(s == seen[-1] for s in seen[-5:])

        # A zygote that still imports shows in nothing: looks alone would find all at rest before it.
        check(until(self.daemon.pools_full, 120, every=0.3), "the pools fill", self.daemon.said())
        until(steady, 60, every=0.3)
        self.baseline = seen[-1]

    def second_key(self):
        if self.daemon is None:
            raise Skipped("needs a daemon whose keys may be changed")
        if self._second is None:
            self._second = self.daemon.add_key("hostile-second")
        return self._second

    def left_behind(self):
        """What is not as it was and does not become so; empty when all is."""
        # These may shrink, and grow by what is kept ready for the next run.
        slack = {
            "descriptors of the daemon": 0,
            "descriptors of the spawner": 12,
            "threads of the daemon": 0,
        }

        def differences():
            now = self.daemon.traces()
            return {
                what: (self.baseline[what], now[what])
                for what in now
                if now[what] != self.baseline[what]
                and not (what in slack and now[what] <= self.baseline[what] + slack[what])
            }

        left = differences()
        # It takes milliseconds, or seconds where others have the processors; a leak takes for ever.
        end = time.monotonic() + 30
        while left and time.monotonic() < end:
            time.sleep(0.05)
            left = differences()
        return left

    def try_row(self, one):
        """None when it passed, else what went wrong. Skipped is passed on."""
        if self.daemon is None and (one.own or one.local):
            raise Skipped("needs a daemon started by the suite")
        mark = len(self.daemon.log) if self.daemon else 0
        attack, problems = Attack(self), []
        neighbour = Neighbour(self.client) if one.neighbour else None
        try:
            if neighbour:
                neighbour.start()
            try:
                one.run(attack)
            finally:
                if neighbour:
                    neighbour.stopping.set()
                    neighbour.join(60)
                attack.end()
            if neighbour:
                neighbour.verdict(self.normal)
        except Skipped:
            raise
        except Failed as failure:
            problems.append(str(failure))
        except Exception:
            problems.append(traceback.format_exc(limit=-4).strip())
        problems += self._aftermath(one, mark)
        return "\n".join(problems) or None

    def _aftermath(self, one, mark):
        problems = []
        try:
            ready = self.client.get("/ready", timeout=10)
            if ready.status_code != 200:
                problems.append(f"the daemon is not ready: {ready}")
        except OSError as error:
            problems.append(f"the daemon is down: {error}")
        if self.daemon is None:
            return problems
        if self.daemon.process.poll() is not None:
            problems.append(
                f"the daemon ended: {self.daemon.process.returncode}\n{self.daemon.said()}"
            )
            self._restart()
            return problems
        left = self.left_behind()
        if left:
            problems.append(
                "left behind: "
                + ", ".join(f"{what} (was {was}, is {now})" for what, (was, now) in left.items())
            )
            self._settle()  # the next row is not to pay for this one
        for line in self.daemon.log[mark:]:
            if line.get("level") not in ("error", "stderr"):
                continue
            if not (one.log_ok and re.search(one.log_ok, str(line))):
                problems.append(f"logged an error: {line}")
        return problems

    def _restart(self):
        self.daemon.discard()
        self.daemon = Daemon(self.prefix).start()
        self.client, self._second = self.daemon.client(), None
        self._warm_up()

    def close(self):
        if self.daemon:
            self.daemon.discard()
