"""Asks, at HostA, the ports of devices to which something happened, until the banner of the device's sshd comes back.

It is what a person would see, and owes nothing to what our programs say. Devices to which something still happens are
left in peace: whoever asks makes a sign of life come from a device whose agent is stopped.
"""

import contextlib
import selectors
import socket
import threading
import time

import network

_EVERY_S = 0.25
_PATIENCE_S = 2.0
_AT_ONCE = 20


class Prober(threading.Thread):
    def __init__(self, namespace, ports, ledger):
        """`ports`: name to port."""
        super().__init__(daemon=True, name="prober")
        self._namespace, self._ports, self._ledger = namespace, ports, ledger
        self._selector = selectors.DefaultSelector()
        self._asked = {}
        self._last = {}

    def run(self):
        network.enter(self._namespace)
        while True:
            now = time.monotonic()
            for name in self._ledger.waiting():
                is_due = name not in self._asked and now - self._last.get(name, 0) >= _EVERY_S
                if is_due and len(self._asked) < _AT_ONCE:
                    self._ask(name, now)
            for key, _ in self._selector.select(0.05):
                self._hear(key.data, key.fileobj)
            for name, (connection, asked) in list(self._asked.items()):
                if time.monotonic() - asked > _PATIENCE_S:
                    self._leave(name, connection)

    def _ask(self, name, now):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", self._ports[name]))
        self._asked[name] = connection, now
        self._last[name] = now
        self._selector.register(connection, selectors.EVENT_READ, name)

    def _hear(self, name, connection):
        data = b""
        with contextlib.suppress(OSError):
            data = connection.recv(64)
        asked = self._asked[name][1]
        self._leave(name, connection)
        if data.startswith(b"SSH-"):
            self._ledger.answered(name, asked, time.monotonic())

    def _leave(self, name, connection):
        self._selector.unregister(connection)
        connection.close()
        del self._asked[name]
