"""How long `fleet provision --from` takes for many rows, against a real HostA on this machine: over its sshd, with the
registry on the disk. Run twice: the second run finds everything done."""

import argparse
import contextlib
import csv
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


def run(environment, *arguments):
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def host_a(folder, environment, rows):
    """HostA with the laptop logged in."""
    key = folder / "id_ed25519"
    port = free_port()
    run(environment, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    run(environment, "fleet-server", "init", "--address", "127.0.0.1", "--listen", f"127.0.0.1:{port}", "--ports",
        f"20000-{20000 + rows + 99}", "--operator", "anna", "--operator-key", f"{key}.pub")
    server = subprocess.Popen(["fleet-server", "run"], env=environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        while "ed25519" not in subprocess.run(["ssh-keyscan", "-T", "2", "-p", str(port), "127.0.0.1"],
                                              capture_output=True, text=True).stdout:
            if server.poll() is not None:
                raise SystemExit("fleet-server run ended")
        host_key = pathlib.Path(environment["FLEET_SERVER_HOME"]) / "ssh_host_ed25519_key.pub"
        fingerprint = run(environment, "ssh-keygen", "-lf", host_key).split()[1]
        account = run(environment, "id", "-un").strip()
        run(environment, "fleet", "login", f"{account}@127.0.0.1:{port}", "--host-key", fingerprint, "--identity", key)
        yield
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder of the release programs")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--limit", type=float, default=60, help="seconds that it may take")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fleet-bench."))
    programs = pathlib.Path(options.programs).resolve()
    environment = {
        "HOME": str(folder), "PATH": f"{programs}:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8",
        "FLEET_SERVER_HOME": str(folder / "fleet-server"), "FLEET_SHARE": str(REPOSITORY / "provisioning"),
    }
    try:
        with host_a(folder, environment, options.rows):
            with open(folder / "devices.csv", "w", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(["name", "user", "tags"])
                rows.writerows([f"kiosk-{n}", "pi", f"site=berlin;row={n}"] for n in range(1, options.rows + 1))
            command = ["fleet", "provision", "--from", folder / "devices.csv", "--bundle-dir", folder / "bundles"]
            took = []
            for _ in range(2):
                begun = time.monotonic()
                said = run(environment, *command)
                took.append(time.monotonic() - begun)
            size = sum(path.stat().st_size for path in (folder / "bundles").iterdir())
            print(said.strip().replace(str(folder), "FOLDER"))
            print(f"{options.rows} rows in {took[0]:.1f} s ({size / options.rows / 1e6:.1f} MB a bundle, "
                  f"{size / 1e9:.2f} GB in all); run again: {took[1]:.1f} s")
            return 0 if took[0] < options.limit else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
