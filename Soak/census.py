"""What there is: processes, descriptors, listeners, files, memory, and what the registry and the key file say."""

import collections
import dataclasses
import os
import pathlib
import re

import network

_PROC = pathlib.Path("/proc")


@dataclasses.dataclass
class Census:
    # How many processes, by role.
    processes: collections.Counter
    # Open descriptors, by who holds them.
    descriptors: dict
    # Private dirty memory in KiB: by the same names, with the process id, because another life is another matter.
    memory: dict
    # TCP ports that somebody listens on at HostA.
    listeners: set
    # Files below HostA's folder, relative to it.
    files: set
    # Device, port and key, as the registry and the key file have them; `findings` says what is wrong with the registry.
    registry: set
    key_file: set
    findings: list


def take(lab):
    processes, watched = _processes(lab)
    registry, findings = _registry(lab)
    return Census(
        processes=processes,
        descriptors={who: _descriptors(pid) for who, pid in watched.items()},
        memory={who: (pid, private_memory(pid)) for who, pid in watched.items()},
        listeners={int(line.split()[3].rsplit(":", 1)[1])
                   for line in network.shell(f"ip netns exec {lab.net.host} ss -Hltn").splitlines()},
        files={str(path.relative_to(lab.disk)) for path in lab.disk.rglob("*") if path.is_file()},
        registry=registry, key_file=_key_file(lab), findings=findings)


def _watched(lab):
    watched = {box.name: box.agent.pid for box in lab.boxes} | {"run": lab.server.pid, "listener": lab.listener}
    return {who: pid for who, pid in watched.items() if pid and (_stat(pid) or "?Z")[1] != "Z"}


def _processes(lab):
    """How many of each role live in our namespaces, and the processes whose descriptors and memory are looked at."""
    watched = _watched(lab)
    known = {pid: "agent" for pid in watched.values()}
    known |= {lab.server.pid: "run", watched.get("listener"): "HostA's listener"}
    known |= {box.sshd.pid: "device sshd" for box in lab.boxes}
    found = collections.Counter()
    living = {}
    names = {os.stat(f"/run/netns/{name}").st_ino: name for name in lab.net.namespaces}
    places = {lab.net.host: "HostA", lab.net.laptop: "laptop"}
    for path in _PROC.glob("[0-9]*"):
        try:
            namespace = names.get(os.stat(path / "ns" / "net").st_ino)
        except OSError:
            continue
        state = _stat(int(path.name))
        if namespace is None or state is None or int(path.name) == os.getpid():
            continue
        pid, name, where = int(path.name), state[0], places.get(namespace, "box")
        living[pid] = state
        if where == "HostA" and name.startswith("sshd"):
            name = "session"
        found[known.get(pid) or f"{name} on {where}"] += 1
    # A process that ended and was not waited for has no namespace any more.
    for path in _PROC.glob("[0-9]*"):
        state = _stat(int(path.name))
        if state and state[1] == "Z" and state[2] in living:
            found[f"defunct {state[0]} below {living[state[2]][0]}"] += 1
    return found, watched


def _stat(pid):
    """Name, state and parent of a process; None if it is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
    return name, rest[0], int(rest[1])


def _descriptors(pid):
    return len(os.listdir(_PROC / str(pid) / "fd"))


def private_memory(pid):
    """KiB that this process alone has written to."""
    text = (_PROC / str(pid) / "smaps_rollup").read_text()
    return int(re.search(r"^Private_Dirty:\s+(\d+)", text, re.M).group(1))


_QUESTIONS = """
import sqlite3, sys
registry = sqlite3.connect(sys.argv[1], timeout=20)
for row in registry.execute("select 'lease', device, port, key from leases join devices on id = device"):
    print(*row)
for row in registry.execute("select * from pragma_integrity_check where integrity_check <> 'ok'"):
    print("found", *row)
for row in registry.execute("select * from pragma_foreign_key_check"):
    print("found a row without its parent:", *row)
"""


def _registry(lab):
    """Read by the account that owns it, so that no file beside it belongs to anybody else."""
    text = lab.run(lab.net.host, "/usr/bin/python3", "-I", "-c", _QUESTIONS, lab.disk / "registry.db")
    rows = [line.split(" ", 1) for line in text.splitlines()]
    return {value for word, value in rows if word == "lease"}, [value for word, value in rows if word == "found"]


def _key_file(lab):
    text = (lab.disk / "authorized_keys").read_text()
    return {" ".join(found) for found in re.findall(r'device (\w+) (\d+)[^"]*" (\S+ \S+) fleet:', text)}


def is_replacing_keys(lab):
    """Whether HostA waits for one of the boxes to replace its key, or has two keys of one."""
    text = (lab.disk / "authorized_keys").read_text()
    return any(f"device {box.device} {box.port} {word}" in text for box in lab.boxes for word in ("replace", "next"))
