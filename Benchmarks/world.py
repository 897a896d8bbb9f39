"""HostA, a box and an operator's laptop, as an unprivileged account that exists only for these processes."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import network

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
BOX_SSHD_PORT = 2022
PLAIN_SSHD_PORT = 2223
_FIRST_UID = 63_000


class Scratch:
    """A folder for one run, with the programs, which an unprivileged account can read. Removed at the end."""

    def __init__(self, programs):
        network.remove_leftovers()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._abandon)
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="fleet-bench."))
        self.path.chmod(0o755)
        (self.path / "bin").mkdir()
        for name in ("fleet", "fleet-agent", "fleet-server"):
            shutil.copy(pathlib.Path(programs) / name, self.path / "bin" / name)
        shutil.copytree(REPOSITORY / "provisioning" / "device", self.path / "device")
        # Pages of a file that is not on the disk yet count as private dirty memory of whoever runs it alone.
        os.sync()

    def _abandon(self, number, _):
        """Ends everything at once: threads that wait for minutes are not waited for."""
        network.remove_own()
        self.__exit__()
        os._exit(128 + number)

    def __enter__(self):
        return self

    def share(self, file):
        """A copy of the file that the unprivileged account can read."""
        return shutil.copy(file, self.path)

    def fast_time(self):
        """The library that makes a program's time run faster."""
        library = self.path / "fast_time.so"
        if not library.exists():
            subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o", library,
                            REPOSITORY / "Benchmarks" / "fast_time.c"], check=True)
        return library

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class World:
    """One HostA with its box. Everything of it ends with `close`."""

    # Making a world takes two CPU seconds, and many are made at once.
    _making = threading.Semaphore(3)

    def __init__(self, scratch, number, net, sshd_options=()):
        self.scratch, self.net = scratch, net
        self.home = scratch.path / f"world-{number}"
        self.uid = _FIRST_UID + number
        self.name = f"bench{number}"
        self.processes = []
        self.sshd_options = sshd_options
        self.home.mkdir()
        passwd = pathlib.Path("/etc/passwd").read_text()
        self.passwd = self.home / "passwd"
        self.passwd.write_text(f"{passwd}{self.name}:x:{self.uid}:{self.uid}::{self.home}:/bin/sh\n")
        os.chown(self.home, self.uid, self.uid)
        self.environment = {
            "HOME": str(self.home), "USER": self.name, "LOGNAME": self.name, "SHELL": "/bin/sh", "LANG": "C.UTF-8",
            "PATH": f"{scratch.path}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "FLEET_SERVER_HOME": f"{self.home}/fleet-server", "FLEET_SHARE": str(scratch.path),
            "AUTOSSH_GATETIME": "0",
        }

    # Running programs

    def command(self, namespace, arguments):
        inner = 'mount --bind "$1" /etc/passwd && shift && exec "$@"'
        return ["nsenter", f"--net=/run/netns/{namespace}", "--", "unshare", "--mount", "--propagation", "private",
                "sh", "-c", inner, "sh", str(self.passwd), "setpriv", "--reuid", str(self.uid), "--regid",
                str(self.uid), "--clear-groups", "--inh-caps=-all", "--", *map(str, arguments)]

    def start(self, namespace, arguments, log, stdin=subprocess.DEVNULL):
        """Starts a program in a process group of its own; what it writes goes to `log` in the world's folder."""
        with open(self.home / log, "ab") as file:
            process = subprocess.Popen(self.command(namespace, arguments), stdin=stdin, stdout=file, stderr=file,
                                       env=self.environment, cwd=self.home, start_new_session=True)
        self.processes.append(process)
        return process

    def start_gated(self, namespace, arguments, log):
        """The same, but the program itself starts when a line comes on standard input: all before it is done then."""
        gate = ["sh", "-c", 'read -r go && exec "$@" </dev/null', "sh", *arguments]
        return self.start(namespace, gate, log, stdin=subprocess.PIPE)

    def run(self, namespace, *arguments, check=True, input_text=""):
        done = subprocess.run(self.command(namespace, arguments), input=input_text, capture_output=True, text=True,
                              env=self.environment, cwd=self.home, timeout=120)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def text(self, log):
        path = self.home / log
        return path.read_text(errors="replace") if path.exists() else ""

    # HostA

    def make_host(self):
        with World._making:
            host = self.net.host
            self.run(host, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "operator")
            self.run(host, "fleet-server", "init", "--address", network.HOST_ADDRESS, "--listen",
                     f"{network.HOST_ADDRESS}:{network.HOST_PORT}", "--ports", "20000-20999", "--operator", "anna",
                     "--operator-key", "operator.pub")
            if self.sshd_options:
                self._wrap_sshd()
            self.start_server()
            line = self.run(host, "ssh-keygen", "-lf", "fleet-server/ssh_host_ed25519_key.pub")
            self.run(host, "fleet", "login", f"{self.name}@{network.HOST_ADDRESS}:{network.HOST_PORT}", "--host-key",
                     line.split()[1], "--identity", self.home / "operator")
            key = " ".join((self.home / "fleet-server/ssh_host_ed25519_key.pub").read_text().split()[:2])
            (self.home / "known_hosts").write_text(f"[{network.HOST_ADDRESS}]:{network.HOST_PORT} {key}\n")

    def _wrap_sshd(self):
        """HostA writes sshd's configuration itself, so further options come from a script in sshd's place."""
        options = " ".join(f"-o {option}" for option in self.sshd_options)
        wrapper = self.home / "sshd"
        wrapper.write_text(f'#!/bin/sh\nexec /usr/sbin/sshd {options} "$@"\n')
        wrapper.chmod(0o755)
        settings = next((self.home / "fleet-server").glob("*.json"))
        text = settings.read_text().replace('"/usr/sbin/sshd"', json.dumps(str(wrapper)))
        settings.write_text(text)

    def start_server(self):
        self.server = self.start(self.net.host, ["fleet-server", "run"], "server.log")
        self.wait_for("HostA's sshd", lambda: self.listens(self.net.host, network.HOST_PORT), 30)

    def stop_server(self):
        self.server.terminate()
        self.server.wait(20)

    def session_pids(self, port):
        """The processes of HostA's sshd that hold the listener on a device's port."""
        text = network.shell(f"ip netns exec {self.net.host} ss -Hltnp 'sport = :{port}'", check=False)
        return sorted({int(pid) for pid in re.findall(r"pid=(\d+)", text)})

    def listens(self, namespace, port):
        return bool(network.shell(f"ip netns exec {namespace} ss -Hltn 'sport = :{port}'", check=False).strip())

    def start_plain_sshd(self, key, port):
        """A second sshd like HostA's, whose sessions run cat, for a client that opens a session beside its forward."""
        public = self.run(self.net.host, "ssh-keygen", "-y", "-f", key).strip()
        (self.home / "plain_keys").write_text(
            f'restrict,port-forwarding,permitlisten="127.0.0.1:{port}",command="cat" {public}\n')
        (self.home / "plain_sshd_config").write_text(
            f"ListenAddress {network.HOST_ADDRESS}:{PLAIN_SSHD_PORT}\n"
            f"HostKey {self.home}/fleet-server/ssh_host_ed25519_key\n"
            f"AuthorizedKeysFile {self.home}/plain_keys\nPidFile none\nUsePAM no\nStrictModes no\n")
        self.start(self.net.host, ["/usr/sbin/sshd", "-D", "-e", "-f", self.home / "plain_sshd_config"], "plain.log")
        self.wait_for("the plain sshd", lambda: self.listens(self.net.host, PLAIN_SSHD_PORT), 20)
        host_key = (self.home / "known_hosts").read_text().split(None, 1)[1]
        with open(self.home / "known_hosts", "a") as file:
            file.write(f"[{network.HOST_ADDRESS}]:{PLAIN_SSHD_PORT} {host_key}")

    # The box

    def start_service(self):
        """The benchmark's own service in the place of the box's sshd."""
        program = self.scratch.share(REPOSITORY / "Benchmarks" / "service.py")
        self.start(self.net.box, ["/usr/bin/python3", "-I", program, BOX_SSHD_PORT], "service.log")
        self.wait_for("the service", lambda: self.listens(self.net.box, BOX_SSHD_PORT), 20)

    def start_box_sshd(self):
        self.run(self.net.box, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "box_host_key")
        (self.home / "box_sshd_config").write_text(
            f"Port {BOX_SSHD_PORT}\nListenAddress 127.0.0.1\nHostKey {self.home}/box_host_key\nPidFile none\n"
            "UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "MaxStartups 1000\n")
        self.start(self.net.box, ["/usr/sbin/sshd", "-D", "-e", "-f", self.home / "box_sshd_config"], "box-sshd.log")
        self.wait_for("the box's sshd", lambda: self.listens(self.net.box, BOX_SSHD_PORT), 20)

    def provision(self, name, **changes):
        """Provisions a device by a bundle. Returns its folder on the box; `changes` go into agent.json, None removes."""
        with World._making:
            bundle = self.home / f"{name}.tar"
            self.run(self.net.host, "fleet", "provision", name, "--user", self.name, "--bundle", bundle, "--sshd-port",
                     BOX_SSHD_PORT)
            folder = self.home / f"fleet-agent-{name}"
            self.run(self.net.host, "tar", "-xf", bundle, "-C", self.home)
            bundle.unlink()
            (folder / "fleet-agent").unlink()
        path = folder / "agent.json"
        settings = json.loads(path.read_text())
        settings.update(changes)
        settings = {key: value for key, value in settings.items() if value is not None}
        path.write_text(json.dumps(settings) + "\n")
        return folder

    def wait_for(self, what, condition, limit_s):
        until = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > until:
                said = self.text("server.log")[-800:]
                raise RuntimeError(f"{what} did not happen in {self.name}; HostA said: {said}")
            time.sleep(0.05)

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.net.remove()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.home, ignore_errors=True)
