"""Network namespaces: made, entered by a thread, and removed again with everything that runs in them."""

import contextlib
import ctypes
import glob
import os
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
PREFIX = "fleet-bench-"
_initial = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

HOST_ADDRESS = "203.0.113.1"
HOST_PORT = 2222


def shell(script, check=True):
    """Runs a shell script as root and returns what it wrote."""
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{script}\nended with {done.returncode}: {done.stderr}")
    return done.stdout


def enter(namespace):
    """Moves the calling thread, and nothing else, into a namespace."""
    with open(f"/run/netns/{namespace}") as file:
        if _libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")


def enter_initial():
    """Moves the calling thread back to where the benchmark was started."""
    if _libc.setns(_initial, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def remove(namespaces):
    """Kills what runs in the namespaces, by process id, and deletes them."""
    for name in namespaces:
        for _ in range(50):
            pids = shell(f"ip netns pids {name}", check=False).split()
            if not pids:
                break
            for pid in pids:
                # This process's own threads stand in namespaces, too.
                if int(pid) != os.getpid():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
            if set(pids) == {str(os.getpid())}:
                break
            time.sleep(0.05)
        shell(f"ip netns del {name}", check=False)


def remove_leftovers():
    """Removes what an earlier benchmark left that was killed itself."""
    names = [os.path.basename(path) for path in glob.glob(f"/run/netns/{PREFIX}*")]
    remove([name for name in names if not os.path.exists(f"/proc/{name[len(PREFIX):].split('-')[0]}")])


def remove_own():
    """Removes every namespace of this process, whatever still runs there."""
    remove([os.path.basename(path) for path in glob.glob(f"/run/netns/{PREFIX}{os.getpid()}-*")])


class Router:
    """A home router: masquerades, forwards what its own side begins, and drops whatever it did not see begin."""

    def __init__(self, namespace):
        """Its interfaces are called wan0 and lan0."""
        self.namespace = namespace

    def masquerade(self):
        # A flow that the router did not see begin is dead without a word: that is what 'loose 0' is for.
        shell(f"""
            ip netns exec {self.namespace} sh -c '
              echo 1 >/proc/sys/net/ipv4/ip_forward
              nft -f -
              echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose' <<END
            table ip home {{
              chain forward {{
                type filter hook forward priority 0; policy drop;
                ct state established,related accept
                ct state new iifname lan0 accept
              }}
              chain input {{
                type filter hook input priority 0; policy drop;
                iifname {{ lo, lan0 }} accept
              }}
              chain postrouting {{
                type nat hook postrouting priority 100;
                oifname wan0 masquerade
              }}
            }}
END
        """)

    def forget_translations(self):
        shell(f"ip netns exec {self.namespace} conntrack -F 2>/dev/null")

    def open_black_hole(self):
        """Takes every packet and forwards none, without a word to either side."""
        shell(f"""ip netns exec {self.namespace} nft -f - <<END
            table ip hole {{
              chain forward {{ type filter hook forward priority -300; policy drop; }}
              chain input {{ type filter hook input priority -300; policy drop; }}
            }}
END
        """)

    def close_black_hole(self):
        shell(f"ip netns exec {self.namespace} nft delete table ip hole")


class HomeNetwork:
    """The box stands behind a home router that masquerades and drops whatever it did not see begin.

    hosta 203.0.113.1 -- 203.0.113.2 router 192.168.77.1 -- 192.168.77.2 box
    """

    def __init__(self, number):
        stem = f"{PREFIX}{os.getpid()}-{number}"
        self.host, self.router, self.box = f"{stem}-a", f"{stem}-r", f"{stem}-b"
        self.namespaces = [self.host, self.router, self.box]
        self._gateway = Router(self.router)
        try:
            shell(f"""
                for n in {self.host} {self.router} {self.box}; do ip netns add $n; ip -n $n link set lo up; done
                ip -n {self.router} link add wan0 type veth peer name net0 netns {self.host}
                ip -n {self.router} link add lan0 type veth peer name net0 netns {self.box}
                ip -n {self.host} addr add {HOST_ADDRESS}/24 dev net0
                ip -n {self.host} link set net0 up
                ip -n {self.router} addr add 203.0.113.2/24 dev wan0
                ip -n {self.router} addr add 192.168.77.1/24 dev lan0
                ip -n {self.router} link set wan0 up
                ip -n {self.router} link set lan0 up
                ip -n {self.box} addr add 192.168.77.2/24 dev net0
                ip -n {self.box} link set net0 up
                ip -n {self.box} route add default via 192.168.77.1
            """)
            self._gateway.masquerade()
        except BaseException:
            self.remove()
            raise

    def change_router_address(self):
        shell(f"""
            ip -n {self.router} addr del 203.0.113.2/24 dev wan0
            ip -n {self.router} addr add 203.0.113.9/24 dev wan0
        """)
        self.forget_translations()

    def forget_translations(self):
        self._gateway.forget_translations()

    def switch_router_off(self):
        shell(f"""
            ip -n {self.router} link set lan0 down
            ip -n {self.router} link set wan0 down
            ip netns exec {self.router} conntrack -F 2>/dev/null
        """)

    def switch_router_on(self):
        shell(f"ip -n {self.router} link set wan0 up; ip -n {self.router} link set lan0 up")

    def open_black_hole(self):
        self._gateway.open_black_hole()

    def close_black_hole(self):
        self._gateway.close_black_hole()

    def remove(self):
        remove(self.namespaces)


class DirectNetwork:
    """HostA and the box on one cable, for what is measured without faults."""

    def __init__(self, number):
        stem = f"{PREFIX}{os.getpid()}-{number}"
        self.host, self.box = f"{stem}-a", f"{stem}-b"
        self.namespaces = [self.host, self.box]
        try:
            shell(f"""
                for n in {self.host} {self.box}; do ip netns add $n; ip -n $n link set lo up; done
                ip -n {self.box} link add net0 type veth peer name net0 netns {self.host}
                ip -n {self.host} addr add {HOST_ADDRESS}/24 dev net0
                ip -n {self.host} link set net0 up
                ip -n {self.box} addr add 203.0.113.2/24 dev net0
                ip -n {self.box} link set net0 up
            """)
        except BaseException:
            self.remove()
            raise

    def remove(self):
        remove(self.namespaces)
