"""How long this machine kept everybody waiting, for bounds on time that are themselves a promise.

    with Stalls() as stalls:
        ...
        check(took <= 0.2 + stalls.lost(), ...)

A thread sleeps 5 ms at a time and adds up what came on top. A virtual machine that stood still, or
whose processors were all taken, shows here; a daemon that is slow by itself does not.
"""

import threading
import time

NAP = 0.005


class Stalls:
    def __init__(self):
        self._lock, self._over = threading.Lock(), threading.Event()
        self._lost, self._asleep_since = 0.0, time.monotonic()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._asleep_since = time.monotonic()
        self._watcher.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._watcher.join()

    def lost(self):
        """Seconds since the beginning, those of a sleep included that should have ended by now."""
        with self._lock:
            return self._lost + self._late()

    def _late(self):
        return max(0.0, time.monotonic() - self._asleep_since - NAP)

    def _watch(self):
        while not self._over.is_set():
            time.sleep(NAP)
            with self._lock:
                self._lost += self._late()
                self._asleep_since = time.monotonic()
