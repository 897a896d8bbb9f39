"""What is known to be wrong at each moment, and how long it took until a device was back."""

import dataclasses
import os
import threading
import time

HOST_A = "HostA"
OVERLOADED = "machine overloaded"
# Of this machine's load, beside its processors: above it a login takes longer than its ten seconds by itself.
_OVERLOAD = 5


@dataclasses.dataclass(eq=False)
class Trouble:
    """One fault, as it concerns one device or HostA. Times are monotonic seconds."""
    kind: str
    who: str
    begun: float
    # When nothing could come from the device any more, if that is so.
    silent_since: float = None
    # When the fault itself was over, and when the device answered again.
    over: float = None
    back: float = None
    # Whether nothing else was wrong with the same device.
    is_alone: bool = True


class Ledger:
    """Shared by all threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._troubles = []
        self._open = {}
        self._touched = {}

    def begin(self, kind, who):
        """Something is done to these devices from now on."""
        with self._lock:
            begun = [Trouble(kind, name, time.monotonic()) for name in who]
            for trouble in begun:
                others = self._open.setdefault(trouble.who, [])
                for other in others:
                    other.is_alone = trouble.is_alone = False
                others.append(trouble)
                self._troubles.append(trouble)
            return begun

    def silence(self, troubles):
        for trouble in troubles:
            trouble.silent_since = time.monotonic()

    def end(self, troubles):
        """The fault is over. A device is in trouble until it has answered, HostA is not."""
        with self._lock:
            for trouble in troubles:
                trouble.over = time.monotonic()
                if trouble.who == HOST_A:
                    self._close(trouble, trouble.over)

    def touch(self, who):
        """Somebody wants something of these devices, whose kernels acknowledge it also where the agent is stopped."""
        with self._lock:
            self._touched.update((name, time.monotonic()) for name in who)

    def waiting(self):
        """The devices to which nothing happens any more, and of which nobody knows that they are back."""
        with self._lock:
            return [name for name, open_ in self._open.items() if open_ and all(t.over is not None for t in open_)]

    def answered(self, who, asked, now):
        """The device answered now, to a question asked then."""
        with self._lock:
            for trouble in list(self._open.get(who, [])):
                if trouble.over is not None and trouble.over <= asked:
                    self._close(trouble, now)

    def _close(self, trouble, now):
        trouble.back = now
        self._open[trouble.who].remove(trouble)

    def all(self):
        with self._lock:
            return list(self._troubles)

    def around(self, who, begun, ended, grace_s):
        """The kinds of what was wrong with any of these between the two times, or shortly before."""
        general = [OVERLOADED] if os.getloadavg()[0] > _OVERLOAD * os.cpu_count() else []
        with self._lock:
            return general + sorted({trouble.kind for trouble in self._troubles
                                     if trouble.who in who and trouble.begun <= ended
                                     and (trouble.back is None or trouble.back + grace_s >= begun)})

    def silent_for(self, who, begun, ended):
        """For how long nothing could have come from the device at the first time, if it lasted until the second."""
        with self._lock:
            return max((begun - max(trouble.silent_since, self._touched.get(who, 0))
                        for trouble in self._open.get(who, []) if trouble.silent_since and
                        (trouble.over is None or trouble.over >= ended)), default=0)
