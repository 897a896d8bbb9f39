"""Fifty agents behind five home routers, something random that goes wrong every few seconds, and operators at work
meanwhile; at the end nothing may be lost, left behind or grown. BENCHMARKS.md says what is measured and how."""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor

# The benchmarks' networks, accounts and tables.
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "Benchmarks"))

import census
import internet
import network
import plan
import report
import verdict
from faults import Faults
from lab import Lab, SmallDisks
from ledger import Ledger
from lookout import Lookout, Promises
from memory import RunMemory
from operations import Operations
from prober import Prober

SITES = 5
# How long a fleet may take until it is whole again when nothing is wrong any more.
BACK_S = 120
# A connection of the laptop's ends a minute after its last use.
SETTLE_S = 150
_LAST_OPERATIONS_S = 15
_MASTERS_S = 75
_CRASH = re.compile(r"^.*(?:Fatal error|[Ss]egmentation fault|\*\*\* ).*$", re.MULTILINE)


class Soak:
    def __init__(self, lab, options):
        self.lab, self.options = lab, options
        self.length_s = options.minutes * 60
        self.begun = time.monotonic()
        self.broken = []
        self.ledger = Ledger()
        self.faults = plan.faults(options.seed, self.length_s, SITES, options.agents)
        self.result = {"seed": options.seed, "minutes": options.minutes, "agents": options.agents}

    def say(self, text):
        print(f"{time.monotonic() - self.begun:6.0f} s  {text}", file=sys.stderr, flush=True)

    def complain(self, text, names):
        """A rule is broken; `names` are the devices that it concerns."""
        # What is killed at Ctrl-C breaks no rule.
        if self.lab.scratch.is_abandoned:
            return
        self.broken.append((text, names))
        self.say(f"BROKEN: {text}")

    def run(self):
        self.say(f"seed {self.options.seed}: {len(self.faults)} faults planned")
        self.lab.build()
        self.say("the boxes are there")
        self._until_online("at the start", 180)
        self.say("all agents are online")
        self._warm_up()
        before = self._settled(None)
        self.say(f"{self.options.agents} agents are up: {dict(before.processes)}")
        run_lives = self._endure()
        after = self._settled(before)
        self._judge(before, after, run_lives)

    # Before

    def _until_online(self, when, limit_s):
        """All are online, and with keys of their own unless that was put off: it is tried again within the hour only.
        Returns the seconds that it took."""
        begun = time.monotonic()
        while True:
            done = self.lab.laptop("fleet", "list", "--all", "--json", reuse=False)
            states = {d["name"]: d["state"] for d in json.loads(done.output)["devices"]} if done.status == 0 else {}
            missing = [box.name for box in self.lab.boxes if states.get(box.name) != "online"]
            if done.status == 0 and not missing and not census.is_replacing_keys(self.lab):
                return time.monotonic() - begun
            if time.monotonic() - begun > limit_s:
                if missing or done.status != 0:
                    self.complain(f"{when}: not online after {limit_s} s: {missing or done.errors}", missing[:3])
                else:
                    self.say(f"{when}: keys are still to be replaced")
                return limit_s
            time.sleep(0.5)

    def _warm_up(self):
        """What an agent takes once, for its first connections and sessions, is no growth."""
        for _ in range(2):
            self.lab.stop_server()
            self.lab.start_server()
            self._until_online("after HostA was started again", BACK_S)
        self.lab.laptop("fleet", "exec", "--all", "--", "true", reuse=False)

    def _settled(self, before):
        """What there is when what ends by itself has ended: as before, or only what is there for good."""
        lasting = {"run", "HostA's listener", "agent", "device sshd", "session on HostA"}
        until = time.monotonic() + SETTLE_S
        earlier = None
        while True:
            now = census.take(self.lab)
            is_quiet = set(now.processes) <= lasting if before is None else now.processes == before.processes
            if is_quiet and earlier == now.processes or time.monotonic() > until:
                return now
            earlier = now.processes
            time.sleep(3)

    # Meanwhile

    def _endure(self):
        ports = {box.name: box.port for box in self.lab.boxes}
        promises = Promises(ports)
        planned = plan.operations(self.options.seed, self.length_s - _LAST_OPERATIONS_S, self.options.agents)
        self.operations = Operations(
            self.lab, self.ledger, promises, planned, self.length_s - _MASTERS_S, self.complain)
        faults = Faults(self.lab, self.ledger, self.faults, self.complain)
        lookout = Lookout(self.lab, self.ledger, promises, self.complain)
        memory = RunMemory(self.lab)
        for thread in (Prober(self.lab.net.host, ports, self.ledger), lookout, memory, self.operations, faults):
            thread.start()
        while faults.is_alive():
            faults.join(30)
            self.say(f"{sum(t.over is not None for t in self.ledger.all())} of the devices' troubles are over, "
                     f"{len(self.ledger.waiting())} devices are not back yet, "
                     f"{len(self.operations.outcomes)} operations")
        stopped = time.monotonic()
        self._until_back(stopped)
        self.operations.join()
        self._until_online("after the last fault", BACK_S)
        lookout.end()
        memory.end()
        self.result |= {"looks": dict(lookout.looks), "most_load": lookout.most_load}
        self._reach_all()
        self._remove_visitors()
        return memory.lives()

    def _until_back(self, stopped):
        while self.ledger.waiting() and time.monotonic() - stopped < BACK_S:
            time.sleep(0.2)
        for name in self.ledger.waiting():
            self.complain(f"{name} did not answer within {BACK_S} s after the last fault", [name])
        for trouble in self.ledger.all():
            took_s = trouble.back - trouble.over if trouble.back else 0
            if trouble.is_alone and took_s > BACK_S:
                self.complain(f"{trouble.who} was back {took_s:.0f} s after {trouble.kind}", [trouble.who])
        last = dict.fromkeys((box.name for box in self.lab.boxes), stopped)
        for trouble in self.ledger.all():
            if trouble.who in last:
                last[trouble.who] = max(last[trouble.who], trouble.back or stopped + BACK_S)
        self.result["back_after_s"] = sorted(round(back - stopped, 1) for back in last.values())
        self.say(f"{self.result['back_after_s'][-1]} s after the last fault for the last device to answer")

    def _reach_all(self):
        def reach(box):
            done = self.lab.laptop("fleet", "ssh", box.name, "printenv", "BOX", reuse=False)
            if (done.status, done.output) != (0, f"{box.name}\n"):
                came = f"{done.status} {done.output!r} {done.errors}"
                self.complain(f"fleet ssh {box.name} at the end: {came}", [box.name])
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(reach, self.lab.boxes))

    def _remove_visitors(self):
        done = self.lab.laptop("fleet", "list", "--all", "--json", reuse=False)
        boxes = {box.name for box in self.lab.boxes}
        left = [d["name"] for d in json.loads(done.output)["devices"] if d["name"] not in boxes]
        if left:
            self.say(f"removing what operations could not: {', '.join(left)}")
            done = self.lab.laptop("fleet", "remove", "--yes", *left, reuse=False)
            if done.status != 0:
                self.complain(f"fleet remove at the end: {done.status} {done.errors}", [])

    # After

    def _judge(self, before, after, run_lives):
        devices = {box.device: box.name for box in self.lab.boxes}
        lived = verdict.growth(before.memory, after.memory)
        agents = {who: values for who, values in lived.items() if who in devices.values()}
        for text in verdict.leaks(before, after, devices, network.HOST_PORT):
            self.complain(text, [name for name in devices.values() if name in text.split()][:2])
        for text in verdict.grown(agents, run_lives):
            self.complain(text, [])
        for log in self.lab.home.glob("*.log"):
            for line in _CRASH.findall(log.read_text(errors="replace"))[:3]:
                self.complain(f"{log.name}: {line}", [log.stem])
        self.result |= {
            "faults": len(self.faults), "operations": len(self.operations.outcomes),
            "left_by_removed_devices": verdict.of_removed_devices(after, devices),
            "processes": dict(after.processes), "agents_kib": agents, "run_kib": run_lives,
            "recoveries": report.recoveries(self.ledger.all()), "took_s": round(time.monotonic() - self.begun),
            "broken": [text for text, _ in self.broken],
        }
        report.write(self.result, self.faults, self.ledger.all(), self.operations.outcomes)

    def show_logs(self):
        names = dict.fromkeys(name for _, names in self.broken for name in names)
        for log in [*(f"{name}.log" for name in list(names)[:5]), "server.log"]:
            lines = self.lab.text(log).splitlines()[-25:]
            print(f"--- the end of {log}", *lines, sep="\n", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--seed", help="the same seed makes the same faults; one is drawn if none is given")
    parser.add_argument("--json", help="a file for the figures")
    parser.add_argument("--keep", help="a new folder for all logs")
    parser.add_argument("--plan", action="store_true", help="show the faults, and make none")
    parser.add_argument("--where-possible", action="store_true", help="succeed where namespaces cannot be made")
    options = parser.parse_args()
    options.seed = options.seed or str(random.SystemRandom().randrange(1_000_000))
    if options.plan:
        for fault in plan.faults(options.seed, options.minutes * 60, SITES, options.agents):
            print(f"{fault.at_s:7.1f} s  {fault.kind} {fault.target}, {fault.lasts_s} s")
        return 0
    if (why := internet.obstacle()) is not None:
        print(f"soak skipped: {why}", file=sys.stderr)
        return 0 if options.where_possible else 1
    with SmallDisks(options.programs) as scratch:
        lab = Lab(scratch, os.getpid() % 1000, internet.Internet(
            0, SITES, options.agents, plan.SLOW_SITE, lambda box: plan.site_of(box, SITES)))
        soak = Soak(lab, options)
        try:
            soak.run()
            if soak.broken:
                soak.show_logs()
        finally:
            if options.keep:
                pathlib.Path(options.keep).mkdir(parents=True, exist_ok=True)
                for log in lab.home.glob("*.log"):
                    shutil.copy(log, options.keep)
            lab.close()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(soak.result, indent=1) + "\n")
    return 1 if soak.broken else 0


if __name__ == "__main__":
    sys.exit(main())
