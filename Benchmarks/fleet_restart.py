"""HostA is killed with all its sessions and started again: how long, and how many tries, until every agent is back."""

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
from world import Scratch, World

AWAY_S = 5
LIMIT_S = 120


def syn_count(net):
    """SYNs of the box that came to HostA's port, and how many of them nothing listened for."""
    text = network.shell(f"ip netns exec {net.host} nft list table ip counted")
    return [int(count) for count in re.findall(r"packets (\d+)", text)]


def count_syns(net):
    network.shell(f"""ip netns exec {net.host} nft -f - <<END
        table ip counted {{
          chain input {{
            type filter hook input priority 0;
            iifname net0 tcp dport {network.HOST_PORT} tcp flags & (syn|ack) == syn counter
          }}
          chain output {{
            type filter hook output priority 0;
            oifname net0 tcp sport {network.HOST_PORT} tcp flags & (rst|ack) == (rst|ack) tcp sequence 0 counter
          }}
        }}
END
    """)


def kill_host(world):
    """SIGKILL to the server and to every sshd of HostA: nothing says goodbye."""
    for pid in network.shell(f"ip netns pids {world.net.host}").split():
        if int(pid) != os.getpid():
            os.kill(int(pid), signal.SIGKILL)
    world.server.wait()


def all_back(namespace, ports):
    """The time at which each port answered, asked one after another in threads of HostA's namespace."""
    times = {}

    def watch(port):
        network.enter(namespace)
        times[port] = probe.first_banner(port, LIMIT_S)

    threads = [threading.Thread(target=watch, args=(port,)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--settle", type=float, default=65, help="seconds that all tunnels stand before the kill")
    options = parser.parse_args()

    rows = []
    with Scratch(options.programs) as scratch:
        net = network.DirectNetwork(0)
        world = World(scratch, 0, net)
        try:
            world.make_host()
            world.start_box_sshd()
            agents = [Contender(world, "fleet-agent", f"box-{number:02}") for number in range(options.agents)]
            count_syns(net)
            for agent in agents:
                agent.start()
            ports = [agent.port for agent in agents]
            if None in all_back(net.host, ports).values():
                raise RuntimeError("not every agent came up")
            for trial in range(options.trials):
                time.sleep(options.settle)
                before = syn_count(net)
                kill_host(world)
                time.sleep(AWAY_S)
                start = time.monotonic()
                world.start_server()
                times = all_back(net.host, ports)
                dials, refused = (after - earlier for after, earlier in zip(syn_count(net), before))
                took = [None if at is None else at - start for at in times.values()]
                rows.append((took, (dials - refused) / len(agents), dials / len(agents)))
                print(f"trial {trial + 1}: last back after {figures.seconds(figures.worst(took), LIMIT_S)} s, "
                      f"{rows[-1][1]:.2f} tries that HostA answered, {rows[-1][2]:.2f} SYNs each", file=sys.stderr)
        finally:
            world.close()

    print(f"{options.agents} agents on one address, HostA killed and started again {AWAY_S} s later, "
          f"{options.trials} trials; seconds from its start:\n")
    print(figures.table(
        ["trial", "half are back", "all are back", "tries each that HostA answered (goal: at most 2.5)",
         "SYNs each, those sent while nothing listened included"],
        [[number + 1, figures.seconds(figures.median(took), LIMIT_S), figures.seconds(figures.worst(took), LIMIT_S),
          f"{tries:.2f}", f"{syns:.2f}"] for number, (took, tries, syns) in enumerate(rows)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
