"""Is the device's sshd there? Asked through HostA's port on loopback, as an operator's session would be."""

import contextlib
import selectors
import socket
import time


def first_banner(port, limit_s, every_s=0.1, patience_s=1.0):
    """Asks every `every_s` seconds, each time with a new connection that is given up after `patience_s`.

    Returns the monotonic time at which the first SSH banner came back, or None after `limit_s`.
    The calling thread must stand in HostA's namespace.
    """
    selector = selectors.DefaultSelector()
    begun = {}
    next_start = time.monotonic()
    until = next_start + limit_s

    def give_up(connection):
        selector.unregister(connection)
        connection.close()
        del begun[connection]

    try:
        while (now := time.monotonic()) < until:
            if now >= next_start:
                connection = socket.socket()
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", port))
                selector.register(connection, selectors.EVENT_READ)
                begun[connection] = now
                next_start = max(next_start + every_s, now)
            for key, _ in selector.select(max(0, min(next_start - time.monotonic(), every_s))):
                data = b""
                with contextlib.suppress(OSError):
                    data = key.fileobj.recv(64)
                if data.startswith(b"SSH-"):
                    return time.monotonic()
                give_up(key.fileobj)
            for connection in [c for c, start in begun.items() if now - start > patience_s]:
                give_up(connection)
        return None
    finally:
        for connection in list(begun):
            give_up(connection)
        selector.close()
