"""Looks at what `fleet list` says every few seconds, and whether it can be true."""

import collections
import json
import os
import threading
import time

from ledger import HOST_A, OVERLOADED

_EVERY_S = 3
# A tunnel is stale when nothing came for three keepalives, which the profile `normal` sends every 10 s; and a moment.
PROMISE_S = 3 * 10 + 5
# While these happen no list can be had, and a little after them, until HostA's sshd is started again.
HOST_AWAY = {"restart", "run-killed", "sshd-killed", OVERLOADED}
HOST_GRACE_S = 5
_STATES = {"online", "stale", "offline", "unknown", "duplicate"}


class Lookout(threading.Thread):
    def __init__(self, lab, ledger, promises, complain):
        """`promises`: names of devices to whether HostA has acknowledged that they are there, and since when."""
        super().__init__(daemon=True, name="lookout")
        self._lab, self._ledger, self._promises, self._complain = lab, ledger, promises, complain
        self._over = threading.Event()
        self.looks = collections.Counter()
        self.most_load = 0.0
        self._unanswered = 0

    def end(self):
        self._over.set()
        self.join()

    def run(self):
        while not self._over.wait(_EVERY_S):
            try:
                self._look()
            except Exception as error:
                self._complain(f"the list could not be judged: {error!r}", [])

    def _look(self):
        self.most_load = max(self.most_load, os.getloadavg()[0])
        for box in self._lab.boxes:
            agent, now = box.agent, time.monotonic()
            if agent.poll() is not None and not set(self._ledger.around([box.name], now, now, 0)) - {OVERLOADED}:
                self._complain(f"the agent of {box.name} ended by itself with {agent.returncode}", [box.name])
                box.start_agent()
        promised = self._promises.standing()
        done = self._lab.laptop("fleet", "list", "--all", "--json", limit_s=60)
        around = self._ledger.around([HOST_A], done.begun, done.ended, HOST_GRACE_S)
        self.looks[f"status {done.status}"] += 1
        if done.status != 0:
            is_explained = done.status == 6 and HOST_AWAY & set(around)
            # Whoever sees once that HostA does not answer asks again; packets are lost here all the time.
            self._unanswered += done.status == 6 and not is_explained
            if done.status != 6 or self._unanswered > 1:
                self._complain(f"fleet list ended with {done.status} ({', '.join(around) or 'nothing wrong'}): "
                               f"{done.errors.strip()}", [])
            return
        self._unanswered = 0
        devices = json.loads(done.output)["devices"]
        for device in devices:
            self.looks[device["state"]] += 1
            if device["state"] not in _STATES:
                self._complain(f"{device['name']} is {device['state']}", [device["name"]])
            silent_s = self._ledger.silent_for(device["name"], done.begun, done.ended)
            if device["state"] == "online" and silent_s > PROMISE_S:
                self._complain(f"fleet list says online for {device['name']}, from which nothing can have come for "
                               f"{silent_s:.1f} s", [device["name"]])
        for what in ("port", "name"):
            twice = [value for value, count in collections.Counter(d[what] for d in devices).items() if count > 1]
            if twice:
                self._complain(f"the {what} {twice} stands twice in the list", [])
        listed = {device["name"] for device in devices}
        for name, is_there in promised.items():
            # What changed while the list was made may be told either way.
            if self._promises.standing().get(name) == is_there != (name in listed):
                self._complain(f"HostA acknowledged that {name} is {'there' if is_there else 'gone'}, "
                               "and the list says otherwise", [name])


class Promises:
    """What HostA has acknowledged of devices that come and go."""

    def __init__(self, names):
        self._lock = threading.Lock()
        self._there = dict.fromkeys(names, True)

    def is_there(self, name):
        with self._lock:
            self._there[name] = True

    def is_gone(self, name):
        with self._lock:
            self._there[name] = False

    def is_open(self, name):
        """Until the answer to what is asked for now."""
        with self._lock:
            self._there.pop(name, None)

    def standing(self):
        with self._lock:
            return dict(self._there)
