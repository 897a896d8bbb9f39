"""Descriptors and memory of one agent over many channels and many reconnects: they must stay flat.

A reconnect is the silent kind, which makes the agent dial beside its old connection: the router forgets its table, and
the agent, which sends a keepalive each second here, notices. Every tenth is the loud kind: HostA ends the connection.
The agent's time runs ten times faster, so that what it waits for comes sooner; the kernel's and HostA's does not.
"""

import argparse
import os
import re
import signal
import sys
import threading
import time

import figures
import network
import probe
from contender import Contender
from tunnel import ask
from world import Scratch, World

TIME_RATE = 10


def state(contender):
    """Open descriptors, private dirty memory in KiB."""
    pid = contender.process.pid
    with open(f"/proc/{pid}/smaps_rollup") as file:
        memory = int(re.search(r"^Private_Dirty:\s+(\d+)", file.read(), re.MULTILINE).group(1))
    return len(os.listdir(f"/proc/{pid}/fd")), memory


def open_channels(port, count, at_once):
    """So many connections through the tunnel, each with one byte there and back."""
    def work():
        for _ in range(count // at_once):
            with ask(port, "echo") as connection:
                connection.sendall(b"x")
                if connection.recv(1) != b"x":
                    raise ConnectionError("the byte did not come back")

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def settled(contender):
    time.sleep(3)
    return state(contender)


def reconnect(world, contender, is_loud):
    """Ends the connection and waits until a new session of HostA's holds the port and answers."""
    old = world.session_pids(contender.port)
    if is_loud:
        for pid in old:
            os.kill(pid, signal.SIGTERM)
    else:
        world.net.forget_translations()
    world.wait_for("a new session", lambda: (now := world.session_pids(contender.port)) and now != old, 60)
    if probe.first_banner(contender.port, 60) is None:
        raise RuntimeError("the tunnel did not come back")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--channels", type=int, default=10_000)
    parser.add_argument("--reconnects", type=int, default=1_000)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end the reconnects after these")
    options = parser.parse_args()
    rows = []

    def note(what, contender):
        descriptors, memory = settled(contender)
        rows.append([what, descriptors, memory])
        print(*rows[-1], file=sys.stderr, flush=True)

    with Scratch(options.programs) as scratch:
        net = network.HomeNetwork(0)
        world = World(scratch, 0, net)
        try:
            world.make_host()
            world.start_service()
            contender = Contender(world, "fleet-agent", time_rate=TIME_RATE, keepalive_s=1, report_host_keys=False)
            network.enter(net.host)
            contender.start()
            if probe.first_banner(contender.port, 60) is None:
                raise RuntimeError(f"the agent did not come up: {world.text(contender.log)[-800:]}")
            contender.settle()
            note("up", contender)
            done = 0
            for share in (0.1, 0.4, 0.5):
                open_channels(contender.port, int(options.channels * share), 20)
                done += int(options.channels * share)
                note(f"after {done} channels", contender)
            until = time.monotonic() + options.minutes * 60
            step = max(1, options.reconnects // 5)
            for number in range(1, options.reconnects + 1):
                reconnect(world, contender, is_loud=number % 10 == 0)
                is_last = number == options.reconnects or time.monotonic() > until
                if number % step == 0 or number == step // 5 or is_last:
                    note(f"after {number} reconnects", contender)
                if is_last:
                    break
        finally:
            network.enter_initial()
            world.close()
    print(figures.table(["one agent", "open descriptors", "private dirty memory, KiB"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
