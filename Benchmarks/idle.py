"""What an idle tunnel costs: IP bytes in both directions at the box's network interface, projected to a month."""

import argparse
import re
import sys
import threading
import time

import figures
import network
from contender import tunnel_behind_router
from world import Scratch

MONTH_S = 30 * 86_400


def meter(net):
    """Counts IP packets with their headers, at the box."""
    network.shell(f"""ip netns exec {net.box} nft -f - <<END
        table ip counted {{
          chain input {{ type filter hook input priority 0; iifname net0 counter; }}
          chain output {{ type filter hook output priority 0; oifname net0 counter; }}
        }}
END
    """)


def read(net):
    text = network.shell(f"ip netns exec {net.box} nft list table ip counted")
    return [(int(packets), int(size)) for packets, size in re.findall(r"packets (\d+) bytes (\d+)", text)]


def measure(scratch, number, kind, changes, minutes):
    with tunnel_behind_router(scratch, number, kind, **changes) as (world, _):
        # What belongs to the start has passed, and so has what the probe left.
        time.sleep(20)
        meter(world.net)
        begun = time.monotonic()
        time.sleep(minutes * 60)
        counted = read(world.net)
        return counted, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--profile", action="append", help="profiles of agent.json (default: normal and metered)")
    options = parser.parse_args()
    contenders = [("fleet-agent", {"profile": profile, "keepalive_s": None}, f"fleet-agent, {profile}")
                  for profile in options.profile or ["normal", "metered"]]
    contenders.append(("autossh", {}, "autossh, ServerAliveInterval 30"))
    results = {}
    with Scratch(options.programs) as scratch:
        def perform(number, kind, changes, title):
            try:
                results[title] = measure(scratch, number, kind, changes, options.minutes)
            except Exception as error:
                print(f"{title}: {error}", file=sys.stderr)

        threads = [threading.Thread(target=perform, args=(number, *contender))
                   for number, contender in enumerate(contenders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = []
    for kind, changes, title in contenders:
        if title not in results:
            continue
        ((packets_in, bytes_in), (packets_out, bytes_out)), took_s = results[title]
        month = (bytes_in + bytes_out) * MONTH_S / took_s / 1e6
        goal = "60" if changes.get("profile") == "normal" else "-"
        rows.append([title, f"{bytes_in} ({packets_in} packets)", f"{bytes_out} ({packets_out} packets)",
                     f"{month:.1f}", goal])
    print(f"Idle tunnels over {options.minutes:g} minutes, IP headers included:\n")
    print(figures.table(["", "bytes received", "bytes sent", "MB in a month of 30 days", "goal, at most"], rows))
    return 0 if len(rows) == len(contenders) else 1


if __name__ == "__main__":
    sys.exit(main())
