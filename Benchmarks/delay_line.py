"""Cables that are slow: packets between network namespaces, held back in user space for a fixed time."""

import collections
import fcntl
import os
import select
import struct
import threading
import time

import network

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000


def _open_tun(namespace, name):
    """A network interface whose packets this process reads and writes. It goes when the file is closed."""
    opened = []

    def make():
        network.enter(namespace)
        file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
        opened.append(file)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if not opened:
        raise RuntimeError(f"no tun interface can be made in {namespace}")
    return opened[0]


class DelayLine:
    """A cable between two namespaces on which every packet takes `delay_s`, in each direction."""

    def __init__(self, delay_s, left, right):
        """`left` and `right`: (namespace, interface)."""
        self.delay_s = delay_s
        self.files = [_open_tun(*left), _open_tun(*right)]
        self.wake_read, self.wake_write = os.pipe()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        waiting = collections.deque()
        poll = select.poll()
        for file in (*self.files, self.wake_read):
            poll.register(file, select.POLLIN)
        while True:
            pause_s = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            for file, _ in poll.poll(None if pause_s is None else pause_s * 1000):
                if file == self.wake_read:
                    return
                other = self.files[1 - self.files.index(file)]
                try:
                    while True:
                        packet = os.read(file, 65536)
                        waiting.append((time.monotonic() + self.delay_s, other, packet))
                except OSError:
                    pass
            while waiting and waiting[0][0] <= time.monotonic():
                _, file, packet = waiting.popleft()
                try:
                    os.write(file, packet)
                except OSError:
                    pass

    def close(self):
        os.write(self.wake_write, b".")
        self.thread.join()
        for file in (*self.files, self.wake_read, self.wake_write):
            os.close(file)


class DistantNetwork:
    """The laptop and the box are both far from HostA: `rtt_s` there and back, each.

    laptop 198.51.100.2 ~~~~ 203.0.113.1 hosta 203.0.113.1 ~~~~ 192.0.2.2 box
    """

    def __init__(self, number, rtt_s):
        stem = f"{network.PREFIX}{os.getpid()}-{number}"
        self.laptop, self.host, self.box = f"{stem}-l", f"{stem}-a", f"{stem}-b"
        self.namespaces = [self.laptop, self.host, self.box]
        self.lines = []
        try:
            network.shell("\n".join(f"ip netns add {name}; ip -n {name} link set lo up" for name in self.namespaces))
            for namespace, address, there in ((self.laptop, "198.51.100.2", "laptop0"), (self.box, "192.0.2.2", "box0")):
                self.lines.append(DelayLine(rtt_s / 2, (namespace, "net0"), (self.host, there)))
                network.shell(f"""
                    ip -n {namespace} addr add {address} peer {network.HOST_ADDRESS} dev net0
                    ip -n {self.host} addr add {network.HOST_ADDRESS} peer {address} dev {there}
                    ip -n {namespace} link set net0 up
                    ip -n {self.host} link set {there} up
                """)
        except BaseException:
            self.remove()
            raise

    def remove(self):
        for line in self.lines:
            line.close()
        self.lines = []
        network.remove(self.namespaces)
