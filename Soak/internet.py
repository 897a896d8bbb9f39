"""HostA, a laptop, and sites of boxes behind home routers, each in a network namespace, and what can happen to them.

laptop 203.0.113.3 -- 203.0.113.1 hosta (a bridge) --+-- 203.0.113.11 router 192.168.77.1 (a bridge) --+-- .10 box
                      |                              +-- 203.0.113.12 router ...                       +-- .11 box
                      |                              '-- ...                                           '-- ...
                      '-- a line whose delay can be changed -- 203.0.113.10 router ...
"""

import os

import network
from delay_line import DelayLine

_USUAL_DELAY_S = 0
_LONG_DELAY_S = 0.3


def obstacle():
    """Why namespaces cannot be made here; None if they can."""
    if os.getuid() != 0:
        return "it needs root, for network namespaces"
    name = f"{network.PREFIX}{os.getpid()}-probe"
    try:
        network.shell(f"""
            ip netns add {name}
            echo 'table ip probe {{ chain c {{ type nat hook postrouting priority 100; masquerade; }}; }}' |
              ip netns exec {name} nft -f -
            ip -n {name} tuntap add dev probe0 mode tun
        """)
    except RuntimeError as error:
        return f"network namespaces, nftables or tun are refused: {error}"
    finally:
        network.shell(f"ip netns del {name}", check=False)
    return None


class Internet:
    def __init__(self, number, sites, boxes, slow_site, site_of):
        """`site_of(box)` is the number of the box's site."""
        stem = f"{network.PREFIX}{os.getpid()}-{number}"
        self.host, self.laptop = f"{stem}-a", f"{stem}-l"
        self.boxes = [f"{stem}-b{box}" for box in range(boxes)]
        self.sites = [Site(self.host, f"{stem}-r{site}", site) for site in range(sites)]
        self.namespaces = [self.host, self.laptop, *self.boxes, *(site.router.namespace for site in self.sites)]
        self.line = None
        try:
            network.shell("\n".join(f"ip netns add {name}; ip -n {name} link set lo up" for name in self.namespaces))
            network.shell(f"""
                ip -n {self.host} link add br0 type bridge
                ip -n {self.host} addr add {network.HOST_ADDRESS}/24 dev br0
                ip -n {self.host} link set br0 up
                ip -n {self.host} link add laptop0 type veth peer name net0 netns {self.laptop}
                ip -n {self.host} link set laptop0 master br0 up
                ip -n {self.laptop} addr add 203.0.113.3/24 dev net0
                ip -n {self.laptop} link set net0 up
            """)
            for number, site in enumerate(self.sites):
                if number == slow_site:
                    self.line = DelayLine(_USUAL_DELAY_S, (self.host, "line0"), (site.router.namespace, "wan0"))
                site.connect("line0" if number == slow_site else None)
                site.join([box for index, box in enumerate(self.boxes) if site_of(index) == number])
        except BaseException:
            self.remove()
            raise

    def lengthen_line(self):
        self.line.delay_s = _LONG_DELAY_S

    def shorten_line(self):
        self.line.delay_s = _USUAL_DELAY_S

    def unplug(self, box):
        network.shell(f"ip -n {box} link set net0 down")

    def plug_in(self, box):
        # The address stays with the interface, the way out does not.
        network.shell(f"ip -n {box} link set net0 up; ip -n {box} route replace default via 192.168.77.1")

    def remove(self):
        if self.line:
            self.line.close()
            self.line = None
        network.remove(self.namespaces)


class Site:
    """A home router and what is behind it."""

    def __init__(self, host, router, number):
        self.host, self.router = host, network.Router(router)
        self.addresses = [f"203.0.113.{10 + number}", f"203.0.113.{110 + number}"]

    def connect(self, line):
        """`line`: HostA's end of the slow line; None for a cable of the site's own."""
        router = self.router.namespace
        if line is None:
            cable = f"site{self.addresses[0].split('.')[-1]}"
            network.shell(f"""
                ip -n {self.host} link add {cable} type veth peer name wan0 netns {router}
                ip -n {self.host} link set {cable} master br0 up
            """)
        else:
            network.shell(f"ip -n {self.host} link set {line} up")
            for address in self.addresses:
                network.shell(f"ip -n {self.host} route add {address}/32 dev {line}")
        network.shell(f"""
            ip -n {router} addr add {self.addresses[0]} peer {network.HOST_ADDRESS} dev wan0
            ip -n {router} link set wan0 up
            ip -n {router} link add lan0 type bridge
            ip -n {router} addr add 192.168.77.1/24 dev lan0
            ip -n {router} link set lan0 up
        """)
        self.router.masquerade()

    def join(self, boxes):
        for number, box in enumerate(boxes):
            network.shell(f"""
                ip -n {self.router.namespace} link add box{number} type veth peer name net0 netns {box}
                ip -n {self.router.namespace} link set box{number} master lan0 up
                ip -n {box} addr add 192.168.77.{10 + number}/24 dev net0
                ip -n {box} link set net0 up
                ip -n {box} route add default via 192.168.77.1
            """)

    def change_address(self):
        """The other one of two; what was on its way by the first is lost."""
        old, new = self.addresses
        network.shell(f"""
            ip -n {self.router.namespace} addr del {old} peer {network.HOST_ADDRESS} dev wan0
            ip -n {self.router.namespace} addr add {new} peer {network.HOST_ADDRESS} dev wan0
        """)
        self.addresses = [new, old]
        self.router.forget_translations()

    def begin_losing(self, percent):
        network.shell(f"""ip netns exec {self.router.namespace} nft -f - <<END
            table ip loss {{
              chain forward {{
                type filter hook forward priority -300;
                numgen random mod 100 < {percent} drop
              }}
            }}
END
        """)

    def stop_losing(self):
        network.shell(f"ip netns exec {self.router.namespace} nft delete table ip loss")
