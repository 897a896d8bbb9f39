"""What keeps a tunnel up: fleet-agent, or OpenSSH's client, alone or kept by autossh. Same HostA, same key rights."""

import contextlib
import json
import os
import signal
import subprocess

import network
import probe
import world as worlds


@contextlib.contextmanager
def tunnel_behind_router(scratch, number, kind, **changes):
    """A world of its own whose box has a tunnel that is up; meanwhile the calling thread stands at HostA."""
    net = network.HomeNetwork(number)
    world = worlds.World(scratch, number, net)
    try:
        network.enter(net.host)
        world.make_host()
        world.start_box_sshd()
        contender = Contender(world, kind, **changes)
        contender.start()
        if probe.first_banner(contender.port, 60) is None:
            raise RuntimeError(f"{kind} did not come up: {world.text(contender.log)[-800:]}")
        contender.settle()
        yield world, contender
    finally:
        network.enter_initial()
        world.close()


class Contender:
    """One device's tunnel, started and killed as its supervisor would.

    `kind` is `fleet-agent`, `autossh`, `ssh`, or `ssh with a session`, which opens a session beside its forward and
    so needs an sshd that gives it one. `alive_s` is OpenSSH's ServerAliveInterval; `time_rate` how much faster the
    time of its programs runs; `changes` go into agent.json.
    """

    def __init__(self, world, kind, name="kitchen-pi", alive_s=30, time_rate=1, **changes):
        self.world, self.kind, self.name, self.alive_s, self.time_rate = world, kind, name, alive_s, time_rate
        self.folder = world.provision(name, **changes)
        settings = json.loads((self.folder / "agent.json").read_text())
        self.port, self.target = settings["port"], settings["sshd_port"]
        self.key = self.folder / settings["key_file"]
        self.log = f"{name}.log"
        self.process = None

    @property
    def has_session(self):
        return self.kind == "ssh with a session"

    def command(self):
        if self.time_rate == 1:
            return self.own_command()
        library = self.world.scratch.fast_time()
        return ["env", f"LD_PRELOAD={library}", f"FAST_TIME={self.time_rate}", *self.own_command()]

    def own_command(self):
        if self.kind == "fleet-agent":
            return ["fleet-agent", "run", "--config", self.folder / "agent.json"]
        host_port = worlds.PLAIN_SSHD_PORT if self.has_session else network.HOST_PORT
        return [
            *(["autossh", "-M", "0"] if self.kind == "autossh" else ["ssh"]), *([] if self.has_session else ["-N"]),
            "-R", f"127.0.0.1:{self.port}:127.0.0.1:{self.target}", "-o", f"ServerAliveInterval={self.alive_s}",
            "-o", "ServerAliveCountMax=3", "-o", "ExitOnForwardFailure=yes", "-F", "none", "-i", self.key,
            "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={self.world.home}/known_hosts", "-p", host_port,
            f"{self.world.name}@{network.HOST_ADDRESS}",
        ]

    def start(self):
        stdin = subprocess.DEVNULL
        if self.has_session:
            self.world.start_plain_sshd(self.key, self.port)
            # A standard input that never ends keeps the session open.
            stdin = subprocess.PIPE
        self.process = self.world.start(self.world.net.box, self.command(), self.log, stdin=stdin)

    def settle(self):
        """Waits until the device has replaced the key of its bundle, which takes its port over once."""
        if self.kind == "fleet-agent":
            self.world.wait_for("a key of its own",
                                lambda: "the device's key is replaced" in self.world.text(self.log), 60)
            probe.first_banner(self.port, 60)

    def start_gated(self):
        """Starts it as far as its own program; it goes on when a line is written to the returned file."""
        self.process = self.world.start_gated(self.world.net.box, self.command(), self.log)
        return self.process.stdin

    def kill(self):
        """SIGKILL to all of it, as a service manager does when the main process was killed."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it and waits until HostA has let go of the port."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self.world.wait_for("the port is free", lambda: not self.world.session_pids(self.port), 30)

    def pids(self):
        """The processes that it consists of."""
        return [int(pid) for pid in network.shell(f"pgrep -g {self.process.pid}", check=False).split()]
