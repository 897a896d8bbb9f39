"""What happens when: the faults and the operations of a soak, decided by its seed alone."""

import dataclasses
import random

# How long what was hit is left alone afterwards, so that most recoveries belong to one fault.
_REST_S = 8
_FEW = 3


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of fault."""
    sentence: str
    # What it happens to: "HostA", "site" or "box". Nothing else happens to the same one meanwhile.
    scope: str
    # How long it lasts, at least and at most.
    lasts_s: tuple
    # Of a fault of HostA: whether it ends every tunnel, so that all devices are asked whether they are back. Otherwise
    # a few are, which should not have noticed.
    ends_all: bool = False
    # Whether it ends `fleet-server run`. Such faults come in the first half alone, so that the memory of a `run` that
    # lived through all the others can be looked at.
    ends_run: bool = False
    # Whether nothing can come from a device meanwhile, so that HostA must not call it online for long.
    silences: bool = False


KINDS = {
    "restart": Kind("HostA stopped and started again", "HostA", (0.5, 4), ends_all=True, ends_run=True),
    "run-killed": Kind("fleet-server run killed, started again", "HostA", (0.5, 5), ends_run=True),
    "run-stopped": Kind("fleet-server run stopped (SIGSTOP)", "HostA", (3, 15)),
    "sshd-killed": Kind("HostA's listening sshd killed", "HostA", (1, 1)),
    "registry-locked": Kind("registry locked by somebody", "HostA", (3, 15)),
    "disk-full": Kind("HostA's disk full", "HostA", (3, 15)),
    "nat-forgotten": Kind("router forgets its NAT table", "site", (0, 0)),
    "new-address": Kind("router has a new address", "site", (0, 0)),
    "black-hole": Kind("router swallows everything", "site", (5, 45), silences=True),
    "loss": Kind("20 to 30 % of the packets lost", "site", (10, 30)),
    "slow-line": Kind("300 ms more in each direction", "site", (10, 30)),
    "link-down": Kind("box without its cable", "box", (2, 40), silences=True),
    "agent-killed": Kind("agent killed, started again", "box", (0.2, 3), silences=True),
    "agent-stopped": Kind("agent stopped (SIGSTOP)", "box", (5, 50), silences=True),
    "session-killed": Kind("HostA's session of the device killed", "box", (0, 0)),
    "session-stopped": Kind("HostA's session of the device stopped (SIGSTOP)", "box", (5, 30)),
    "box-sshd-down": Kind("device's own sshd away", "box", (3, 15)),
}
# Only one site has a line whose delay can be changed.
SLOW_SITE = 0

OPERATIONS = {"ssh": 8, "exec": 2, "copy": 3, "rekey": 1, "visit": 2}


@dataclasses.dataclass(frozen=True)
class Fault:
    at_s: float
    kind: str
    # The number of the site or the box; 0 for HostA.
    target: int
    lasts_s: float
    # The numbers of the boxes that are asked afterwards whether they are back.
    asked: tuple
    # Of "loss": how much.
    percent: int


@dataclasses.dataclass(frozen=True)
class Operation:
    at_s: float
    kind: str
    # The numbers of the boxes that it is about.
    boxes: tuple


def faults(seed, length_s, sites, boxes):
    """The faults of `length_s` seconds, all of them over by then."""
    draw = random.Random(f"faults {seed}")
    numbers = {"HostA": [0], "site": list(range(sites)), "box": list(range(boxes))}
    busy_until = {}
    deck, planned, now = [], [], 0.0
    while (now := round(now + draw.uniform(1.5, 4.5), 1)) < length_s:
        # From a deck with every kind in it, so that none is missing for long.
        if len(deck) < len(KINDS):
            deck += draw.sample(sorted(KINDS), len(KINDS))
        if now > length_s / 2:
            deck = [kind for kind in deck if not KINDS[kind].ends_run]
        for kind in deck:
            fault = _fault(draw, now, kind, numbers, busy_until, sites)
            if fault and now + fault.lasts_s <= length_s:
                busy_until[KINDS[kind].scope, fault.target] = now + fault.lasts_s + _REST_S
                planned.append(fault)
                deck.remove(kind)
                break
    return planned


def _fault(draw, now, kind, numbers, busy_until, sites):
    scope = KINDS[kind].scope
    free = [number for number in numbers[scope] if busy_until.get((scope, number), 0) <= now]
    if kind == "slow-line":
        free = [number for number in free if number == SLOW_SITE]
    if not free:
        return None
    target, boxes = draw.choice(free), numbers["box"]
    if scope == "box":
        asked = [target]
    elif scope == "site":
        asked = [box for box in boxes if site_of(box, sites) == target]
    else:
        asked = boxes if KINDS[kind].ends_all else draw.sample(boxes, min(_FEW, len(boxes)))
    lasts_s = round(draw.uniform(*KINDS[kind].lasts_s), 1)
    return Fault(now, kind, target, lasts_s, tuple(asked), draw.randint(20, 30))


def site_of(box, sites):
    return box % sites


def operations(seed, length_s, boxes):
    """The operations of `length_s` seconds."""
    draw = random.Random(f"operations {seed}")
    planned, now = [], 0.0
    while (now := round(now + draw.uniform(1, 4), 1)) < length_s:
        kind = draw.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
        count = min(10, boxes) if kind == "exec" else 1
        planned.append(Operation(now, kind, tuple(sorted(draw.sample(range(boxes), count)))))
    return planned
