"""How long HostA takes for `list` and `select`, by the whole process that sshd would start: a fleet of N devices, a fifth
of them online.

The registry's rows and the session files are written by this script as fleet-server writes them; `fleet-server init`
made the registry. Every device was seen once, so that each has a session file. For each that is online there is a
real listener on its port and a real connection over the loopback, which the kernel counts as it does any other, twice
here, because both ends are on this machine. Some processes called `sshd` hold them, thousands of devices each, in the
place of an sshd for each device.
"""

import argparse
import base64
import contextlib
import json
import os
import pathlib
import random
import resource
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import figures

SIZES = [100, 1_000, 10_000, 100_000]
# Below the kernel's ephemeral ports there is no room for more; above that, several devices share a number (see `register`).
FIRST_PORT, PORTS = 1_100, 31_000
DEVICES_FOR_A_HOLDER = 4_000
HOLDER_NAME = b"sshd"
START_TIME_FIELD = 21
SITES = ["berlin", "bonn", "lyon", "oslo", "porto"]


def public_key(kind=b"ssh-ed25519"):
    blob = len(kind).to_bytes(4, "big") + kind + (32).to_bytes(4, "big") + random.randbytes(32)
    return f"{kind.decode()} {base64.b64encode(blob).decode()}"


def boot_id():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def free_ports(count):
    """Ports on which nobody listens, in the order in which leases take them."""
    ports = []
    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        if len(ports) == count:
            break
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            ports.append(port)
    return ports


def hold(ports, report):
    """A process called sshd with a listener and an established connection for each port; tells its identity and the
    connections, then waits until its parent's end of the pipe is closed."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pathlib.Path("/proc/self/comm").write_bytes(HOLDER_NAME)
    kept, connections = [], []
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
        for number, port in enumerate(ports):
            listener = socket.create_server(("127.0.0.1", port))
            device = socket.create_connection(
                server.getsockname(), source_address=(f"127.1.{number >> 7}.{(number & 127) + 1}", 0))
            carrier = server.accept()[0]
            device.sendall(b"x")
            kept += [listener, device, carrier]
            connections.append("{} {} {} {}".format(*device.getsockname(), *device.getpeername()))
    ticks = int(pathlib.Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[START_TIME_FIELD - 2])
    with os.fdopen(report, "w") as pipe:
        json.dump({"start_time": ticks, "connections": connections}, pipe)
    sys.stdin.buffer.read()


@contextlib.contextmanager
def tunnels(ports):
    """What HostA's kernel and process table show of these devices: (pid, start time, SSH_CONNECTION) of each."""
    holders, found = [], []
    try:
        for first in range(0, len(ports), DEVICES_FOR_A_HOLDER):
            share = ports[first:first + DEVICES_FOR_A_HOLDER]
            reader, writer = os.pipe()
            holder = subprocess.Popen(
                [sys.executable, __file__, "--hold", str(writer)], stdin=subprocess.PIPE, pass_fds=[writer])
            os.close(writer)
            holders.append(holder)
            holder.stdin.write(json.dumps(share).encode() + b"\n")
            holder.stdin.flush()
            with os.fdopen(reader) as pipe:
                told = json.load(pipe)
            found += [(holder.pid, told["start_time"], connection) for connection in told["connections"]]
        yield found
    finally:
        for holder in holders:
            holder.stdin.close()
        for holder in holders:
            holder.wait()


def session(pid, start_time, connection, number):
    address = connection.split()[0]
    return json.dumps({
        "v": 1, "sshd": {"pid": pid, "start_time": start_time, "boot_id": boot_id()}, "connection": connection,
        "claimed_s": int(time.time()) - 60, "predecessor_seen_s": None,
        # An hour between keepalives, so that nothing needs to be sent to stay online.
        "claim": {"v": 1, "agent_version": "0.1.0", "boot_id": f"00000000-0000-4000-8000-{number:012x}",
                  "keepalive_s": 3600, "profile": "normal",
                  "facts": {"arch": "aarch64", "hostname": f"box-{number}", "kernel": "6.1.0-18-arm64",
                            "os": "Debian GNU/Linux 12 (bookworm)"}, "host_keys": []},
        "device_sshd": "up",
        "history": {"claimants": [{"boot_id": f"00000000-0000-4000-8000-{number:012x}", "address": address,
                                   "since_s": int(time.time()) - 60}]},
    }, separators=(",", ":")) + "\n"


def without_seals(path):
    """The registry as another SQLite may write it: without seals in its pages, which fleet-server adds when it opens it."""
    with contextlib.closing(sqlite3.connect(path)) as sealed:
        statements = list(sealed.iterdump())
    for suffix in ["", "-wal", "-shm"]:
        pathlib.Path(f"{path}{suffix}").unlink(missing_ok=True)
    registry = sqlite3.connect(path)
    registry.executescript("\n".join(statements))
    return registry


def register(home, ports, count, online):
    """Writes the devices; `online` are those of the first ports."""
    now = int(time.time())
    registry = without_seals(home / "registry.db")
    with registry:
        if count > len(ports):
            # There are not so many ports: several devices have one number, which no real registry allows.
            registry.executescript("DROP TABLE leases; CREATE TABLE leases (port INTEGER, device TEXT UNIQUE, leased_s INTEGER);")
        order = list(range(count))
        random.shuffle(order)
        for position, number in enumerate(order):
            device = f"{number + 1:016x}"
            registry.execute(
                "INSERT INTO devices (id, name, key, user, host_keys_from_first_claim, provisioned_s, provisioned_by, enrolled_s,"
                " enrolled_by, last_seen_s) VALUES (?, ?, ?, 'pi', 0, ?, 'anna', ?, 'anna', ?)",
                (device, f"box-{number}", public_key(), now - 90_000, now - 90_000, now - 3_600))
            # Those that are online have ports of their own.
            port = ports[position] if position < len(online) else ports[len(online) + position % (len(ports) - len(online))]
            registry.execute("INSERT INTO leases VALUES (?, ?, ?)", (port, device, now - 90_000))
            for key, value in [("site", SITES[number % len(SITES)]), ("rack", str(number % 40)), ("kind", "kiosk")]:
                registry.execute("INSERT INTO tags VALUES (?, ?, ?)", (device, key, value))
            for place in range(2):
                registry.execute("INSERT INTO host_keys VALUES (?, ?, ?)", (device, place, public_key()))
            seen = online[position] if position < len(online) else (
                (1 << 22) - 1 - position % 1000, 1, f"198.51.100.{number % 250 + 1} {number % 60_000 + 1024} 192.0.2.1 2222")
            (home / "sessions" / f"{device}.json").write_text(session(*seen, number))
    registry.close()


def measure(program, environment, home, request, body, runs):
    """Whole-process times in ms: (median, worst, median of CPU time), and what came of the last run."""
    took, cpu = [], []
    output = home / "output"
    for _ in range(runs):
        with open(output, "wb") as sink:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            begun = time.perf_counter()
            subprocess.run([program, "operator", "anna"], env={**environment, "SSH_ORIGINAL_COMMAND": request}, stdout=sink,
                           input=body, check=True)
            took.append((time.perf_counter() - begun) * 1000)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
    lines = output.read_bytes().splitlines()
    return statistics.median(took), max(took), statistics.median(cpu), [json.loads(line) for line in lines]


def trial(program, count, most_online, runs):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fleet-bench."))
    home = folder / "fleet-server"
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "FLEET_SERVER_HOME": str(home)}
    try:
        (folder / "anna.pub").write_text(public_key() + "\n")
        subprocess.run([program, "init", "--address", "127.0.0.1", "--operator", "anna", "--operator-key", folder / "anna.pub"],
                       env=environment, check=True, capture_output=True)
        (home / "sessions").mkdir(exist_ok=True)
        ports = free_ports(count)
        wanted = min(count // 5, most_online, len(ports))
        with tunnels(ports[:wanted]) as online:
            register(home, ports, count, online)
            everything = measure(program, environment, home, "list", b"", runs)
            states = [line["state"] for line in everything[3][1:]]
            if len(states) != count or states.count("online") != wanted:
                raise SystemExit(f"of {count} devices {len(states)} are listed and {states.count('online')} online, not {wanted}")
            one = measure(program, environment, home, "select", b'{"v":1,"select":["box-7"]}\n', runs)
            if one[3][0]["count"] != 1:
                raise SystemExit("select did not find its device")
            size = (home / "output").stat().st_size
            return [f"{count:,}", f"{wanted:,}", f"{everything[0]:.0f}", f"{everything[1]:.0f}", f"{everything[2]:.0f}",
                    f"{one[0]:.0f}", f"{one[1]:.0f}", f"{one[2]:.0f}"], everything[0], size
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    if sys.argv[1] == "--hold":
        hold(json.loads(sys.stdin.buffer.readline()), int(sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--most-online", type=int, default=20_000)
    parser.add_argument("--limit", type=float, default=300, help="ms that the median of 10,000 devices may take")
    options = parser.parse_args()
    random.seed(1)
    program = pathlib.Path(options.programs).resolve() / "fleet-server"
    rows, within = [], True
    for count in options.sizes:
        row, median_ms, _ = trial(program, count, options.most_online, options.runs)
        rows.append(row)
        within = within and (count != 10_000 or median_ms < options.limit)
    print(figures.table(
        ["devices", "online", "list, median ms", "worst", "CPU ms", "select of one, median ms", "worst", "CPU ms"], rows))
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
