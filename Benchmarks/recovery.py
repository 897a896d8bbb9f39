"""How long until a device answers again, after what happens to networks and machines. Prints a Markdown table.

Every trial has a world of its own; many wait at the same time. The fault comes 65 to 95 s after the tunnel came up,
which is a random phase of every keepalive interval.
"""

import argparse
import os
import random
import signal
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import figures
import probe
from contender import tunnel_behind_router
from world import Scratch

LIMIT_S = 300


def session_ends(world, contender):
    pids = world.session_pids(contender.port)
    start = time.monotonic()
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    world.wait_for("the session's end", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10)
    return start


def sshd_restarts(world, contender):
    start = time.monotonic()
    world.stop_server()
    time.sleep(max(0, start + 2 - time.monotonic()))
    threading.Thread(target=world.start_server, daemon=True).start()
    return start


def router_has_a_new_address(world, contender):
    start = time.monotonic()
    world.net.change_router_address()
    return start


def router_forgets(world, contender):
    start = time.monotonic()
    world.net.forget_translations()
    return start


def router_is_off(world, contender):
    world.net.switch_router_off()
    time.sleep(20)
    world.net.switch_router_on()
    return time.monotonic()


def black_hole(world, contender):
    world.net.open_black_hole()
    time.sleep(120)
    world.net.close_black_hole()
    return time.monotonic()


def agent_is_killed(world, contender):
    start = time.monotonic()
    contender.kill()
    contender.start()
    return start


# key: what happens, how, goal for the median and the worst in seconds
FAULTS = {
    "session": ("HostA ends the session", session_ends, 1, 3),
    "restart": ("HostA's sshd restarted (2 s away)", sshd_restarts, 3.5, 6),
    "address": ("router has a new address, silently", router_has_a_new_address, 10, 16),
    "forgets": ("router forgets its NAT table, silently", router_forgets, 10, 16),
    "off": ("router off for 20 s with carrier loss: after it is back", router_is_off, 3, 6),
    "hole": ("120 s black hole: after it is back", black_hole, 4, 8),
    "killed": ("killed with SIGKILL, restarted at once", agent_is_killed, 2, 4),
}
# Those for which the other contender waits long come first, so that the whole run takes less time.
LONG_FIRST = ["hole", "address", "forgets", "off", "restart", "killed", "session"]


def trial(scratch, number, kind, fault, settle_s, untouched_s, keep):
    """One world, one fault. Returns the seconds until the device answered again, or None after the limit."""
    with tunnel_behind_router(scratch, number, kind) as (world, contender):
        time.sleep(random.uniform(*settle_s))
        start = FAULTS[fault][1](world, contender)
        time.sleep(untouched_s)
        answered = probe.first_banner(contender.port, LIMIT_S - (time.monotonic() - start))
        took = None if answered is None else answered - start
        if keep:
            with open(os.path.join(keep, f"{fault}-{kind}-{number}.log"), "w") as file:
                file.write(f"took {took}\n{world.text(contender.log)}\n--- HostA:\n{world.text('server.log')}")
        return took


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--worlds", type=int, default=36, help="how many at the same time")
    parser.add_argument("--only", choices=["fleet-agent", "autossh"], action="append")
    parser.add_argument("--fault", choices=list(FAULTS), action="append")
    parser.add_argument("--settle", type=float, nargs=2, default=[65, 95], metavar="S",
                        help="how long a tunnel stands before the fault, between these two")
    parser.add_argument("--untouched", type=float, default=0, metavar="S",
                        help="nobody asks the port for the first S seconds: a touched port keeps a dead session alive")
    parser.add_argument("--keep", help="an existing folder for the logs of all trials")
    options = parser.parse_args()
    kinds = options.only or ["fleet-agent", "autossh"]
    faults = [fault for fault in LONG_FIRST if fault in (options.fault or FAULTS)]
    jobs = [(kind, fault) for kind in reversed(kinds) for fault in faults for _ in range(options.trials)]
    results = {(kind, fault): [] for kind in kinds for fault in faults}
    failures = []
    lock = threading.Lock()
    begun = time.monotonic()

    with Scratch(options.programs) as scratch:
        def perform(number, kind, fault):
            try:
                took = trial(scratch, number, kind, fault, options.settle, options.untouched, options.keep)
            except Exception:
                with lock:
                    failures.append(f"{kind}, {fault}: {traceback.format_exc()}")
                return
            with lock:
                results[kind, fault].append(took)
                print(f"{time.monotonic() - begun:5.0f} s: {FAULTS[fault][0]}: {kind} "
                      f"{figures.seconds(took, LIMIT_S)} s", file=sys.stderr, flush=True)

        with ThreadPoolExecutor(options.worlds) as pool:
            for number, (kind, fault) in enumerate(jobs):
                pool.submit(perform, number, kind, fault)

    rows = []
    missed = False
    for key in FAULTS:
        if key not in faults:
            continue
        sentence, _, goal_median, goal_worst = FAULTS[key]
        row = [sentence, f"{goal_median:g} / {goal_worst:g}"]
        for kind in kinds:
            values = results[kind, key]
            if not values:
                row += ["-", "-"]
                continue
            row += [f"{figures.seconds(figures.median(values), LIMIT_S)} / "
                    f"{figures.seconds(figures.worst(values), LIMIT_S)}",
                    " ".join(figures.seconds(value, LIMIT_S)
                             for value in sorted(values, key=lambda v: LIMIT_S if v is None else v))]
            if kind == "fleet-agent":
                missed |= figures.median(values) > goal_median or figures.worst(values) > goal_worst
        rows.append(row)
    head = ["fault", "goal"]
    for kind in kinds:
        head += [kind, "all trials"]
    print(f"Seconds until the device answers again, median / worst of {options.trials} trials:\n")
    print(figures.table(head, rows))
    print(f"\n{len(jobs)} trials in {time.monotonic() - begun:.0f} s, {options.worlds} at a time.")
    if missed:
        print("A goal was missed.")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
