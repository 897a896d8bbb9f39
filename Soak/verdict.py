"""What was before and what is after: which rules are broken, as sentences."""

import statistics

# What stands beside a device's session, and for some minutes after the device was removed: locks and a few bytes that shut
# its old key out or count what it asks.
_LEFT_BEHIND = (".lock", ".cutoff", ".gate", ".named-keys")
MEDIAN_GROWTH = 0.05
# One process alone may have had a bad day, after which its heap is scattered, and two say little of a median.
SINGLE_GROWTH = 0.15
_FOR_A_MEDIAN = 3


def leaks(before, after, devices, listen_port):
    """`devices`: identity to name of those that should exist. What is there now and should not be."""
    broken = list(after.findings)
    for role in sorted(before.processes | after.processes):
        was, now = before.processes[role], after.processes[role]
        if was != now:
            broken.append(f"processes: {role}: {was} at the start, {now} at the end")
    for who, count in after.descriptors.items():
        if count > before.descriptors.get(who, 0):
            broken.append(f"open descriptors of {who}: {before.descriptors.get(who)} at the start, {count} at the end")
    leased = {int(line.split()[1]) for line in after.registry}
    if after.listeners != leased | {listen_port}:
        more, fewer = sorted(after.listeners - leased - {listen_port}), sorted(leased - after.listeners)
        broken.append(f"HostA listens on {more} besides the devices' ports, and not on {fewer} of them")
    if after.registry != after.key_file:
        broken.append(f"registry and key file differ: {sorted(after.registry ^ after.key_file)[:3]}")
    if {line.split()[0] for line in after.registry} != set(devices):
        broken.append(f"the registry has {len(after.registry)} devices, {len(devices)} should be there")
    sessions = {file.removeprefix("sessions/") for file in after.files if file.startswith("sessions/")}
    present = {file.removesuffix(".json") for file in sessions if file.endswith(".json")}
    if present != set(devices):
        broken.append(f"session files of others: {sorted(present - set(devices))}, "
                      f"missing: {sorted(set(devices) - present)}")
    strange = {file for file in sessions if not file.endswith((".json", *_LEFT_BEHIND))}
    strange |= {file for file in after.files if file.endswith(".new")}
    if strange:
        broken.append(f"files left: {sorted(strange)}")
    return broken


def of_removed_devices(census, devices):
    """How many files of devices that exist no more stand in sessions/, by their ending."""
    left = [file for file in census.files if file.startswith("sessions/") and
            file.removeprefix("sessions/").split(".")[0] not in devices]
    return {ending: sum(file.endswith(ending) for file in left) for ending in _LEFT_BEHIND}


def growth(before, after):
    """Of each process that lived through it all: its memory before and after, in KiB."""
    return {who: (memory, after[who][1]) for who, (pid, memory) in before.items()
            if after.get(who, (None, 0))[0] == pid}


def grown(agents, run_lives):
    """`agents`: what `growth` found of them; `run_lives`: the same of each long life of `fleet-server run`."""
    if not agents:
        return ["no agent lived from the start to the end, so that nothing can be said of its memory"]
    broken = []
    for what, pairs in (("the agents", list(agents.values())), ("fleet-server run", run_lives)):
        shares = [now / was - 1 for was, now in pairs]
        if len(shares) >= _FOR_A_MEDIAN and statistics.median(shares) >= MEDIAN_GROWTH:
            broken.append(f"the memory of {what} grew by {statistics.median(shares):.1%} in the median")
        broken += [f"the memory of one of {what} grew from {was} to {now} KiB"
                   for was, now in pairs if now / was - 1 >= SINGLE_GROWTH]
    return broken
