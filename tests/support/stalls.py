"""How long this machine kept everybody waiting, for bounds on time that are themselves a promise.

    stalls = Stalls()
    ...
    check(took <= 0.2 + stalls.lost(), ...)

One thread of the process sleeps 5 ms at a time and adds up what came on top. A virtual machine that
stood still, or whose processors were all taken, shows here; a daemon that is slow by itself does not.
"""

import threading
import time

NAP = 0.005


class Watcher:
    def __init__(self):
        self._lock = threading.Lock()
        self._lost, self._asleep_since = 0.0, time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()

    def lost(self):
        """Seconds until now, those of a sleep included that should have ended."""
        with self._lock:
            return self._lost + self._late()

    def _late(self):
        return max(0.0, time.monotonic() - self._asleep_since - NAP)

    def _watch(self):
        while True:
            time.sleep(NAP)
            with self._lock:
                self._lost += self._late()
                self._asleep_since = time.monotonic()


WATCHER = Watcher()


class Stalls:
    """From now on."""

    def __init__(self):
        self._before = WATCHER.lost()

    def lost(self):
        return WATCHER.lost() - self._before
