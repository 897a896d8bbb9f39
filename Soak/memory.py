"""The memory of `fleet-server run` over each of its lives, as faults end it now and then."""

import threading
import time

import census

_EVERY_S = 5
# What a process takes at its start is no growth; a life of less than a minute after that says nothing.
_SETTLED_S = 20
_LIFE_S = 60


class RunMemory(threading.Thread):
    def __init__(self, lab):
        super().__init__(daemon=True, name="memory")
        self._lab = lab
        self._over = threading.Event()
        self._lives = {}

    def run(self):
        while not self._over.wait(_EVERY_S):
            pid = self._lab.server.pid
            try:
                self._lives.setdefault(pid, []).append((time.monotonic(), census.private_memory(pid)))
            except (OSError, AttributeError):
                # It ended while it was looked at.
                continue

    def end(self):
        self._over.set()
        self.join()

    def lives(self):
        """The memory in KiB of each life that was long enough: when it had settled, and last."""
        found = []
        for samples in self._lives.values():
            settled = [(at, memory) for at, memory in samples if at - samples[0][0] >= _SETTLED_S]
            if settled and settled[-1][0] - settled[0][0] >= _LIFE_S:
                found.append((settled[0][1], settled[-1][1]))
        return found
