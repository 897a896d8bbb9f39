"""How long `fleet exec` takes on many devices: as many real agents as devices, a real HostA, and one sshd that stands for
the sshd of every device, all on this machine."""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time

import figures
import network
from world import BOX_SSHD_PORT, Scratch, World


def provision(world, count):
    """The devices' configuration files, made by one `fleet provision --from`."""
    names = [f"box-{number:03}" for number in range(count)]
    with open(world.home / "devices.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["name", "user", "tags"])
        rows.writerows([name, world.name, "site=bench"] for name in names)
    os.chown(world.home / "devices.csv", world.uid, world.uid)
    world.run(world.net.host, "fleet", "provision", "--from", "devices.csv", "--bundle-dir", "bundles", "--sshd-port",
              BOX_SSHD_PORT)
    files = []
    for name in names:
        world.run(world.net.host, "tar", "-xzf", f"bundles/{name}.tar.gz", "--exclude=fleet-agent-*/fleet-agent")
        files.append(world.home / f"fleet-agent-{name}" / "agent.json")
    return files


def let_in(world):
    """The operator's key opens every device."""
    world.run(world.net.host, "sh", "-c",
              "mkdir -m 700 .ssh && cp operator .ssh/id_ed25519 && cp operator.pub .ssh/authorized_keys")


def wait_until_online(world, count):
    """Every device is online, and has the key that it made itself."""
    def settled():
        listed = json.loads(world.run(world.net.host, "fleet", "list", "--all", "--json"))["devices"]
        online = sum(device["state"] == "online" for device in listed)
        print(f"  {online} of {count} online", file=sys.stderr)
        keys = (world.home / "fleet-server" / "authorized_keys").read_text()
        return online == count and ' replace"' not in keys and ' next"' not in keys
    until = time.monotonic() + 600
    while not settled():
        if time.monotonic() > until:
            raise RuntimeError("not every device came online")
        time.sleep(2)


def run_exec(world, count, parallel, *more):
    """The seconds of one `fleet exec`, and those of processor time that it and the ssh of it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(
        world.command(world.net.host, ["fleet", "exec", "--all", "--json", "--parallel", parallel, *more, "--", "true"]),
        capture_output=True, text=True, env=world.environment, cwd=world.home, timeout=600)
    took = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    results = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or sum(result["state"] == "ok" for result in results) != count:
        raise RuntimeError(f"fleet exec ended with {done.returncode}: {done.stderr}")
    waited = [result["duration_s"] for result in results]
    return took, cpu, figures.median(waited), figures.worst(waited)


def idle_share(seconds=5):
    """How much of this machine's processors other programs leave."""
    def read():
        values = [int(value) for value in open("/proc/stat").readline().split()[1:]]
        return values[3] + values[4], sum(values)
    idle, total = read()
    time.sleep(seconds)
    idle_after, total_after = read()
    return (idle_after - idle) / (total_after - total)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--parallel", type=int, nargs="+", default=[8, 32, 64])
    parser.add_argument("--limit", type=float, default=30, help="seconds that it may take with the default limit")
    options = parser.parse_args()

    rows, usual = [], []
    with Scratch(options.programs) as scratch:
        world = World(scratch, 0, network.DirectNetwork(0))
        try:
            world.make_host()
            let_in(world)
            world.start_box_sshd()
            for number, file in enumerate(provision(world, options.devices)):
                world.start(world.net.box, ["fleet-agent", "run", "--config", file], "agents.log")
                if number % 20 == 19:
                    time.sleep(1)
            wait_until_online(world, options.devices)
            print(f"{idle_share():.0%} of the processors are idle before the trials", file=sys.stderr)
            for parallel in options.parallel:
                for trial in range(options.trials):
                    took, cpu, median, worst = run_exec(world, options.devices, parallel)
                    print(f"--parallel {parallel}: {took:.1f} s, {cpu:.1f} s of processor time on the laptop's side",
                          file=sys.stderr)
                    rows.append([parallel, trial + 1, f"{took:.1f}", f"{options.devices / took:.1f}", f"{median:.2f}",
                                 f"{worst:.2f}", f"{cpu:.1f}"])
                    if parallel == 32:
                        usual.append(took)
        finally:
            world.close()

    print(f"`fleet exec --all -- true` on {options.devices} devices:\n")
    print(figures.table(["--parallel", "trial", "seconds", "devices a second", "one device, median s", "worst s",
                         "processor seconds of the laptop"], rows))
    if usual and max(usual) > options.limit:
        print(f"\nthe default took {max(usual):.1f} s, {options.limit} s are the limit", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
