"""The tunnel beside OpenSSH's own client, `ssh -N -R` with its default ciphers, in one run. Prints Markdown tables.

Contenders take turns round by round, so that what else the machine does meets all of them.
"""

import argparse
import hashlib
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time

import figures
import network
import probe
from contender import Contender
from world import Scratch, World

MEBIBYTE = 1 << 20


# The client's side, on HostA's loopback

def ask(port, line):
    """A connection through the tunnel to the service, with its banner read and the line sent."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    banner = b""
    while not banner.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            connection.close()
            raise ConnectionError("closed before the banner")
        banner += byte
    connection.sendall(line.encode() + b"\n")
    return connection


def exactly(connection, count):
    left = count
    while left > 0:
        data = connection.recv(min(left, MEBIBYTE))
        if not data:
            raise ConnectionError(f"{left} bytes are missing")
        left -= len(data)


def side_by_side(function, count):
    """Runs it in as many threads of this thread's namespace. Returns what each returned, or its exception."""
    results = [None] * count

    def perform(index):
        try:
            results[index] = function(index)
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=perform, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def bulk(port, channels, size, upwards):
    """MB/s of all channels together. Upwards is towards the box."""
    connections = [ask(port, f"{'sink' if upwards else 'source'} {size}") for _ in range(channels)]
    start = time.monotonic()

    def move(index):
        connection = connections[index]
        with connection:
            if upwards:
                block = memoryview(bytes(MEBIBYTE))
                for _ in range(size // MEBIBYTE):
                    connection.sendall(block)
                exactly(connection, 1)
            else:
                exactly(connection, size)

    for result in side_by_side(move, channels):
        if result is not None:
            raise result
    return channels * size / (time.monotonic() - start) / 1e6


def round_trips(port, count, every_s=0.02):
    """Milliseconds from a byte to its echo, one byte each `every_s`."""
    times = []
    with ask(port, "echo") as connection:
        for _ in range(count):
            start = time.perf_counter()
            connection.sendall(b"x")
            connection.recv(1)
            took = time.perf_counter() - start
            times.append(took * 1000)
            time.sleep(max(0, every_s - took))
    return times


def round_trips_beside_bulk(port, count):
    stream = ask(port, f"source {1 << 40}")

    def drain():
        try:
            while stream.recv(MEBIBYTE):
                pass
        except OSError:
            pass

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        time.sleep(0.5)
        return round_trips(port, count)
    finally:
        stream.shutdown(socket.SHUT_RDWR)
        thread.join()
        stream.close()


def write_pairs(port, count):
    """Milliseconds from the first of two small writes to the one answer to both."""
    times = []
    with ask(port, "pair") as connection:
        for _ in range(count):
            start = time.perf_counter()
            connection.sendall(b"1")
            connection.sendall(b"2")
            connection.recv(1)
            times.append((time.perf_counter() - start) * 1000)
            time.sleep(0.01)
    return times


def busy(port, channels, size):
    """So many channels at once, each echoing bytes of its own. Returns (how many came back whole, why one did not)."""
    def exchange(index):
        content = random.Random(index).randbytes(size)
        with ask(port, "echo") as connection:
            def send():
                try:
                    connection.sendall(content)
                except OSError:
                    pass

            writer = threading.Thread(target=send)
            writer.start()
            received, left = hashlib.sha256(), size
            while left > 0 and (data := connection.recv(65_536)):
                received.update(data)
                left -= len(data)
            if left:
                connection.shutdown(socket.SHUT_RDWR)
            writer.join()
            return not left and received.digest() == hashlib.sha256(content).digest()

    results = side_by_side(exchange, channels)
    reasons = [repr(result) for result in results if result is not True]
    return results.count(True), reasons[0] if reasons else None


# The processes

def memory_KiB(contender, file, field):
    total = 0
    for pid in contender.pids():
        with open(f"/proc/{pid}/{file}") as text:
            total += sum(int(number) for number in re.findall(rf"^{field}:\s+(\d+) kB", text.read(), re.MULTILINE))
    return total


def private_dirty_KiB(contender):
    """Private dirty memory, without what belongs to the library that makes time run faster."""
    total, is_counted = 0, True
    for pid in contender.pids():
        with open(f"/proc/{pid}/smaps") as text:
            for line in text:
                if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                    is_counted = "fast_time" not in line
                elif is_counted and line.startswith("Private_Dirty:"):
                    total += int(line.split()[1])
    return total


def packets_sent(contender):
    """How many packets with data the contender's connection to HostA sent."""
    world = contender.world
    text = network.shell(f"ip netns exec {world.net.box} ss -Htinp 'dport = :{network.HOST_PORT}'")
    pids = contender.pids()
    for connection in re.split(r"\n(?=\S)", text):
        if any(f"pid={pid}," in connection for pid in pids):
            return int(re.search(r"data_segs_out:(\d+)", connection).group(1))
    raise RuntimeError(f"{contender.kind} has no connection: {world.text(contender.log)[-800:]}")


class Bench:
    def __init__(self, world):
        self.world = world

    def contender(self, kind, name, **changes):
        return Contender(self.world, kind, name, **changes)

    def up(self, contender):
        contender.start()
        if probe.first_banner(contender.port, 30) is None:
            raise RuntimeError(f"{contender.kind} did not come up: {self.world.text(contender.log)[-800:]}")
        contender.settle()
        return contender

    def time_start(self, contender):
        """Milliseconds from the process's start to a banner through its forward."""
        gate = contender.start_gated()
        time.sleep(0.2)
        start = time.monotonic()
        gate.write(b"go\n")
        gate.close()
        answered = probe.first_banner(contender.port, 30, every_s=0.004)
        if answered is None:
            raise RuntimeError(f"{contender.kind} did not come up: {self.world.text(contender.log)[-800:]}")
        contender.stop()
        return (answered - start) * 1000


def profile(contender, seconds, work):
    """Shares of the CPU time of the contender by whose code it is, sampled by perf while `work` runs."""
    data = contender.world.scratch.path / "perf.data"
    recorder = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-o", data, "-p",
         ",".join(map(str, contender.pids())), "--", "sleep", str(seconds)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while recorder.poll() is None:
        work()
    text = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso"], capture_output=True, text=True).stdout
    shares, total = {}, 0
    for line in text.splitlines():
        match = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)\s*$", line)
        if not match:
            continue
        symbol, module = match.groups()
        total += 1
        shares[owner(symbol, module)] = shares.get(owner(symbol, module), 0) + 1
    return {name: 100 * count / total for name, count in shares.items()} if total else {}


def owner(symbol, module):
    if "kernel" in module or module.startswith("["):
        return "kernel"
    if "libc.so" in module or "ld-linux" in module:
        return "libc"
    if "fleet-agent" not in module:
        return "other"
    # Swift's own runtime counts as ours: nobody else in the process calls it.
    if re.match(r"\$[sS]|_?swift_|main$|Fleet|.*(FleetAgent|FleetSSH|FleetProtocol)", symbol):
        return "fleet-agent"
    if "libssh2" in symbol:
        return "libssh2"
    return "libcrypto and zlib"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keepalives", type=int, default=8640, help="before idle memory is read (default: a day's worth)")
    parser.add_argument("--part", choices=PARTS, action="append", help="only these (default: all)")
    options = parser.parse_args()
    parts = options.part or list(PARTS)
    rows = []
    with Scratch(options.programs) as scratch:
        for number, part in enumerate(parts):
            net = network.DirectNetwork(number)
            limits = ["RekeyLimit=16M"] if part == "rekey" else []
            world = World(scratch, number, net, sshd_options=limits)

            def perform():
                network.enter(net.host)
                world.make_host()
                if part in ("start", "memory"):
                    world.start_box_sshd()
                else:
                    world.start_service()
                return PARTS[part](Bench(world), options)

            print(f"{part} ...", file=sys.stderr, flush=True)
            try:
                rows += perform()
            except Exception as error:
                print(f"{part}: {error!r}", file=sys.stderr)
                rows.append([part, "failed", "", "", "", ""])
            finally:
                network.enter_initial()
                world.close()
    print(figures.table(["what", "fleet-agent", "beside it", "", "ratio", "goal, at most (MB/s: at least)"], rows))
    return 0


def row(what, mine, other, name, goal, unit, digits=2):
    ratio = mine / other if other else float("nan")
    return [what, f"{mine:.{digits}f} {unit}", f"{other:.{digits}f} {unit}", name, f"{ratio:.2f}", goal]


def part_start(bench, options):
    # A device that came by a bundle also asks its own sshd for its host keys, at each start; ssh has no such errand.
    contenders = {
        "fleet-agent": bench.contender("fleet-agent", "start-agent", report_host_keys=False),
        "of a bundle": bench.contender("fleet-agent", "start-bundle"),
        "ssh": bench.contender("ssh", "start-ssh"),
        "autossh + ssh": bench.contender("autossh", "start-autossh"),
    }
    times = {name: [] for name in contenders}
    for _ in range(options.starts):
        for name, contender in contenders.items():
            times[name].append(bench.time_start(contender))
    medians = {name: figures.median(values) for name, values in times.items()}
    what = f"process start to forward standing, median of {options.starts}"
    return [
        row(what, medians["fleet-agent"], medians["autossh + ssh"], "autossh + ssh", "0.4", "ms", 0),
        row(what, medians["fleet-agent"], medians["ssh"], "ssh", "-", "ms", 0),
        row(f"{what}, device of a bundle", medians["of a bundle"], medians["autossh + ssh"], "autossh + ssh", "0.4",
            "ms", 0),
    ]


def part_memory(bench, options):
    # A keepalive each second of a time that runs twenty times faster.
    contenders = [bench.up(bench.contender(kind, f"memory-{kind}", time_rate=20, alive_s=1, keepalive_s=1))
                  for kind in ("fleet-agent", "autossh")]
    while min(map(packets_sent, contenders)) < options.keepalives:
        time.sleep(2)
    mine, other = map(private_dirty_KiB, contenders)
    return [row(f"private dirty memory, idle, after {options.keepalives} keepalives", mine, other, "autossh + ssh", "1.0",
                "KiB", 0)]


def part_busy(bench, options):
    figures_of = {}
    for kind in ("fleet-agent", "ssh"):
        contender = bench.up(bench.contender(kind, f"busy-{kind}"))
        whole, reason = busy(contender.port, 200, 2 * MEBIBYTE)
        figures_of[kind] = memory_KiB(contender, "status", "VmHWM"), whole
        if reason:
            print(f"busy, {kind}: {whole} of 200 whole; {reason}", file=sys.stderr)
        contender.stop()
    (mine, whole), (other, whole_other) = figures_of["fleet-agent"], figures_of["ssh"]
    return [row(f"peak memory, 200 channels echo 2 MiB each (whole: {whole} and {whole_other})", mine / 1024,
                other / 1024, "ssh", "0.1", "MiB", 1)]


def part_delay(bench, options):
    contenders = [bench.up(bench.contender(kind, f"delay-{kind}")) for kind in ("fleet-agent", "ssh")]
    rows = []
    for what, measure in (("one byte and its echo every 20 ms", lambda port: round_trips(port, 300)),
                          ("the same beside a bulk stream", lambda port: round_trips_beside_bulk(port, 300))):
        times = {contender.kind: [] for contender in contenders}
        for _ in range(options.rounds):
            for contender in contenders:
                times[contender.kind] += measure(contender.port)
        for label, share, goal in (("p50", 0.5, "1.1"), ("p99", 0.99, "1.5")):
            rows.append(row(f"{what}, {label}", figures.quantile(times["fleet-agent"], share),
                            figures.quantile(times["ssh"], share), "ssh", goal, "ms"))
    return rows


def part_pairs(bench, options):
    contenders = [bench.up(bench.contender(kind, f"pairs-{kind[:3]}-{number}"))
                  for number, kind in enumerate(("fleet-agent", "ssh with a session", "ssh"))]
    times = {contender.kind: [] for contender in contenders}
    for _ in range(options.rounds):
        for contender in contenders:
            times[contender.kind] += write_pairs(contender.port, 200)
    rows = []
    for label, share in (("p50", 0.5), ("p99", 0.99)):
        for kind in ("ssh with a session", "ssh"):
            rows.append(row(f"two small writes, then an answer, {label}", figures.quantile(times["fleet-agent"], share),
                            figures.quantile(times[kind], share), kind, "1.1" if " " in kind else "-", "ms"))
    slow = sum(1 for value in times["fleet-agent"] if value >= 35)
    rows.append(["of these, 35 ms or longer", f"{slow} of {len(times['fleet-agent'])}", "", "", "", "0"])
    return rows


def part_bulk(bench, options):
    contenders = [bench.up(bench.contender(kind, f"bulk-{kind}")) for kind in ("fleet-agent", "ssh")]
    rows = []
    for channels in (1, 10):
        for upwards in (False, True):
            speeds = {contender.kind: [] for contender in contenders}
            for _ in range(options.rounds):
                for contender in contenders:
                    speeds[contender.kind].append(bulk(contender.port, channels, 256 // channels * MEBIBYTE, upwards))
            rows.append(row(f"bulk {'to' if upwards else 'from'} the box, {channels} channel{'s' * (channels > 1)}",
                            figures.median(speeds["fleet-agent"]), figures.median(speeds["ssh"]), "ssh", "0.75",
                            "MB/s", 0))
    return rows


def part_rekey(bench, options):
    contender = bench.up(bench.contender("fleet-agent", "rekey"))
    whole, reason = busy(contender.port, 200, 2 * MEBIBYTE)
    if reason:
        print(f"rekey: {reason}", file=sys.stderr)
    return [["200 channels at once, 2 MiB there and back each, RekeyLimit 16M on HostA: came back whole",
             f"{whole} of 200", "", "", "", "200"]]


def part_profile(bench, options):
    contender = bench.up(bench.contender("fleet-agent", "profile"))
    rows = []
    for upwards in (False, True):
        shares = profile(contender, 6, lambda: bulk(contender.port, 1, 64 * MEBIBYTE, upwards))
        text = ", ".join(f"{name} {share:.1f} %" for name, share in sorted(shares.items(), key=lambda item: -item[1]))
        rows.append([f"CPU time in bulk {'to' if upwards else 'from'} the box, sampled by perf", text, "", "", "",
                     "fleet-agent 2 %"])
    return rows


PARTS = {"start": part_start, "delay": part_delay, "pairs": part_pairs, "bulk": part_bulk, "busy": part_busy,
         "rekey": part_rekey, "profile": part_profile, "memory": part_memory}


if __name__ == "__main__":
    sys.exit(main())
