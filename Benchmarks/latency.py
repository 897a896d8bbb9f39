"""How long `fleet ssh NAME true` takes when HostA is far from the laptop and the device far from HostA, beside `ssh -J`.

Every packet waits in user space for half of its cable's round trip time (delay_line.py). The contenders take turns; what
is kept in the background for the next command is ended between them where the next one is to begin without it.
"""

import argparse
import os
import subprocess
import sys
import time

import delay_line
import figures
import network
import world as worlds

_PLAIN_PORT = worlds.PLAIN_SSHD_PORT
_TRUE = ("true",)


class Lab:
    """HostA, its box and a laptop that is logged in, and what `ssh -J` needs for the same way."""

    def __init__(self, scratch, rtt_s):
        self.net = delay_line.DistantNetwork(0, rtt_s)
        self.world = worlds.World(scratch, 0, self.net)

    def __enter__(self):
        world, home = self.world, self.world.home
        world.make_host()
        world.start_box_sshd()
        folder = world.provision("kitchen-pi")
        world.start(self.net.box, ["fleet-agent", "run", "--config", folder / "agent.json"], "agent.log")
        world.wait_for("a key of its own", lambda: "the device's key is replaced" in world.text("agent.log"), 120)
        world.wait_for("the device is back", lambda: "online" in world.run(self.net.host, "fleet", "list"), 60)
        # The person's key, and the files in which ssh looks for it without being told.
        world.run(self.net.host, "sh", "-ec", """
            mkdir -m 700 .ssh run
            cp operator .ssh/id_ed25519; cp operator.pub .ssh/id_ed25519.pub; cp operator.pub .ssh/authorized_keys""")
        world.environment["XDG_RUNTIME_DIR"] = str(home / "run")
        port = world.run(self.net.host, "fleet", "list", "--json").split('"port":')[1].split(",")[0]
        self._start_jump_host(port)
        self.end_background()
        return self

    def _start_jump_host(self, port):
        """A second sshd at HostA, where the account may forward to any port, as one needs it for `ssh -J`."""
        world, home = self.world, self.world.home
        (home / "jump_sshd_config").write_text(
            f"ListenAddress {network.HOST_ADDRESS}:{_PLAIN_PORT}\nHostKey {home}/fleet-server/ssh_host_ed25519_key\n"
            "PidFile none\nUsePAM no\nStrictModes no\n")
        world.start(self.net.host, ["/usr/sbin/sshd", "-D", "-e", "-f", home / "jump_sshd_config"], "jump.log")
        world.wait_for("the jump host's sshd", lambda: world.listens(self.net.host, _PLAIN_PORT), 20)
        host_key = (home / "fleet-server/ssh_host_ed25519_key.pub").read_text()
        (home / ".ssh/known_hosts").write_text(
            f"[{network.HOST_ADDRESS}]:{_PLAIN_PORT} {host_key}[127.0.0.1]:{port} {(home / 'box_host_key.pub').read_text()}")
        login = f"{world.name}@127.0.0.1"
        self.jump = ["ssh", "-J", f"{world.name}@{network.HOST_ADDRESS}:{_PLAIN_PORT}", "-p", port, login, *_TRUE]

    def seconds(self, *command):
        """From the laptop."""
        begun = time.monotonic()
        self.world.run(self.net.laptop, *command)
        return time.monotonic() - begun

    def end_background(self):
        folder = self.world.home / "run/fleet"
        for socket in folder.iterdir() if folder.exists() else []:
            if socket.is_socket():
                subprocess.run(self.world.command(
                    self.net.laptop, ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "--", "socket"]),
                    capture_output=True, env=self.world.environment, check=False)

    def __exit__(self, *_):
        self.world.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--rtt-ms", type=int, default=100, help="of each of the two cables")
    options = parser.parse_args()
    # Packets are late by what the machine is late: other programs' work would be taken for distance.
    os.nice(-19)
    names = ["ssh -J", "first", "warm HostA", "repeated", "off", "list", "list again"]
    took = {name: [] for name in names}
    fleet = ["fleet", "ssh", "kitchen-pi", *_TRUE]
    with worlds.Scratch(options.programs) as scratch, Lab(scratch, options.rtt_ms / 1000) as lab:
        for _ in range(options.trials):
            took["ssh -J"].append(lab.seconds(*lab.jump))
            took["first"].append(lab.seconds(*fleet))
            took["repeated"].append(lab.seconds(*fleet))
            lab.end_background()
            took["list"].append(lab.seconds("fleet", "list"))
            took["list again"].append(lab.seconds("fleet", "list"))
            took["warm HostA"].append(lab.seconds(*fleet))
            lab.end_background()
            took["off"].append(lab.seconds("env", "FLEET_REUSE=0", *fleet))
    jump_s = figures.median(took["ssh -J"])
    goals = {"first": 1.0, "warm HostA": 0.7, "repeated": 0.2}
    titles = {
        "ssh -J": "`ssh -J HostA -p PORT ... true`", "first": "`fleet ssh NAME true`, the first",
        "warm HostA": "the same, after another command has reached HostA", "repeated": "the same device again",
        "off": "the first, with FLEET_REUSE=0", "list": "`fleet list`, the first", "list again": "`fleet list` again",
    }
    rows = []
    for name in names:
        median_s = figures.median(took[name])
        rows.append([titles[name], f"{median_s:.2f} s", f"{median_s / jump_s:.2f}", goals.get(name, "-"),
                     " ".join(f"{value:.2f}" for value in sorted(took[name]))])
    print(f"{options.trials} trials, {options.rtt_ms} ms laptop-HostA, {options.rtt_ms} ms HostA-device")
    print(figures.table(["command", "median", "of `ssh -J`", "goal, at most", "all trials"], rows))
    return 0 if all(figures.median(took[name]) <= goal * jump_s for name, goal in goals.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
