"""HostA on a small disk of its own, a laptop, and boxes with an sshd and an agent each."""

import collections
import json
import os
import signal
import subprocess
import time

import network
from exec import let_in, provision
from world import BOX_SSHD_PORT, Scratch, World

DISK_MIB = 24
# What a command of the laptop came to; `status` is None for one that did not end in time.
Done = collections.namedtuple("Done", "status output errors begun ended")


class SmallDisks(Scratch):
    """A scratch folder in which file systems may be mounted."""

    is_abandoned = False

    def _abandon(self, number, frame):
        self.is_abandoned = True
        super()._abandon(number, frame)

    def __exit__(self, *_):
        network.shell(f"for m in {self.path}/world-*/fleet-server; do umount -l $m 2>/dev/null || :; done")
        super().__exit__()


class Lab(World):
    def __init__(self, scratch, number, internet):
        super().__init__(scratch, number, internet)
        self.disk = self.home / "fleet-server"
        self.boxes = []
        self.server = None

    def build(self):
        self.disk.mkdir()
        options = f"size={DISK_MIB}m,mode=700,uid={self.uid},gid={self.uid}"
        network.shell(f"mount -t tmpfs -o {options} fleet-soak {self.disk}")
        self.make_host()
        let_in(self)
        (self.home / "box_sshd_config").write_text(
            f"Port {BOX_SSHD_PORT}\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nStrictModes no\n"
            "MaxStartups 1000\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "Subsystem sftp internal-sftp\n")
        for namespace, file in zip(self.net.boxes, provision(self, len(self.net.boxes))):
            self.boxes.append(Box(self, namespace, file))
        self.run(self.net.host, "sh", "-ec", "for n in $*; do ssh-keygen -q -t ed25519 -N '' -f $n.key; done", "sh",
                 *(box.name for box in self.boxes))
        for box in self.boxes:
            box.start_sshd()
            box.start_agent()

    # HostA

    @property
    def listener(self):
        """The process id of HostA's listening sshd."""
        pids = self.session_pids(network.HOST_PORT)
        return pids[0] if len(pids) == 1 else None

    def sessions(self, box):
        """The processes of HostA's sshd that hold the listener of a box's port."""
        return self.session_pids(box.port)

    def kill_server(self):
        """`fleet-server run` alone: its sshd, and the tunnels, stay."""
        self.server.kill()
        self.server.wait()

    def fill_disk(self):
        """No byte is free any more."""
        with open(self.disk / "filler", "wb", buffering=0) as file:
            for size in (1 << 16, 4096, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    pass

    def empty_disk(self):
        (self.disk / "filler").unlink()

    def lock_registry(self):
        """Somebody writes to the registry and does not come to an end. Returns the process that does."""
        script = ("import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None); "
                  "c.execute('BEGIN EXCLUSIVE'); sys.stdin.read()")
        words = ["/usr/bin/python3", "-I", "-c", script, self.disk / "registry.db"]
        return self.start(self.net.host, words, "lock.log", stdin=subprocess.PIPE)

    def unlock_registry(self, holder):
        holder.stdin.close()
        holder.wait(20)

    # The laptop

    def laptop(self, *arguments, limit_s=90, reuse=True):
        """Runs a command of the operator's."""
        environment = self.environment if reuse else self.environment | {"FLEET_REUSE": "0"}
        begun = time.monotonic()
        process = subprocess.Popen(
            self.command(self.net.laptop, arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", env=environment, cwd=self.home, start_new_session=True)
        try:
            output, errors = process.communicate(timeout=limit_s)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
            status = None
        return Done(status, output, errors, begun, time.monotonic())


class Box:
    """A device: its sshd and its agent, which this program starts again as a service manager would."""

    def __init__(self, lab, namespace, configuration):
        self.lab, self.namespace, self.configuration = lab, namespace, configuration
        self.name = configuration.parent.name.removeprefix("fleet-agent-")
        settings = json.loads(configuration.read_text())
        self.port, self.device = settings["port"], settings["device"]
        self.agent = self.sshd = None

    def start_sshd(self):
        """What a session on the box finds in $BOX says which one it is, and so does the host key."""
        words = ["/usr/sbin/sshd", "-D", "-e", "-f", self.lab.home / "box_sshd_config",
                 "-h", self.lab.home / f"{self.name}.key", "-o", f"SetEnv=BOX={self.name}"]
        self.sshd = self.lab.start(self.namespace, words, f"{self.name}-sshd.log")

    def stop_sshd(self):
        self.sshd.terminate()
        self.sshd.wait(20)

    def start_agent(self):
        self.agent = self.run_agent(self.configuration, self.log)

    def run_agent(self, configuration, log):
        return self.lab.start(self.namespace, ["fleet-agent", "run", "--config", configuration], log)

    def kill_agent(self):
        self.agent.kill()
        self.agent.wait()

    @property
    def log(self):
        return f"{self.name}.log"
