# SPDX-License-Identifier: Apache-2.0
"""Three hosts in network namespaces: inside (10.77.0.2) -- a NAT of some kind (10.77.0.1 | 198.51.100.1) -- outside (198.51.100.20).

    cone    masquerade that keeps ports; filters by address and port, as most routers do
    sym     another outside port for every destination
    full    cone, and everything from outside is let in
    short   cone that forgets a UDP binding after ten seconds
    alg     cone with the kernel's SIP helper rewriting SIP bodies
    oneway  cone that drops the audio coming in
"""
import contextlib
import ctypes
import os
import subprocess
import threading

INSIDE, NAT_IN, NAT_OUT, OUTSIDE = "10.77.0.2", "10.77.0.1", "198.51.100.1", "198.51.100.20"
CLONE_NEWNET = 0x40000000

RULES = """
table ip nat {
  chain pre  { type nat hook prerouting priority -100; }
  chain post { type nat hook postrouting priority 100; oifname "out0" %s; }
}
table ip fw {
  ct helper sip { type "sip" protocol udp; }
  chain help { type filter hook prerouting priority -150; }
  chain forw { type filter hook forward priority 0; policy drop;
    iifname "in0" accept
    ct state established,related accept
    ct status dnat accept
  }
}
"""
MORE = {
    "full": "add rule ip nat pre iifname out0 meta l4proto udp dnat to " + INSIDE,
    "alg": "add rule ip fw help udp dport 5060 ct helper set sip",
    "oneway": "insert rule ip fw forw iifname out0 udp sport 10000-20000 drop",
}


def run(*argv, **more):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


class World:
    def __init__(self, kind):
        self.names = ["tipring-%d-%s" % (os.getpid(), host) for host in ("inside", "nat", "outside")]
        self.inside, self.box, self.outside = self.names
        try:
            self.build(kind)
        except BaseException:
            self.close()
            raise

    def build(self, kind):
        for name in self.names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        for host, at, box_at, addr, box_addr in ((self.inside, "eth0", "in0", INSIDE, NAT_IN), (self.outside, "eth0", "out0", OUTSIDE, NAT_OUT)):
            run("ip", "link", "add", at, "netns", host, "type", "veth", "peer", "name", box_at, "netns", self.box)
            for name, link, a in ((host, at, addr), (self.box, box_at, box_addr)):
                run("ip", "-n", name, "addr", "add", a + "/24", "dev", link)
                run("ip", "-n", name, "link", "set", link, "up")
        run("ip", "-n", self.inside, "route", "add", "default", "via", NAT_IN)
        self.sysctl("net.ipv4.ip_forward=1")
        if kind == "short":
            self.sysctl("net.netfilter.nf_conntrack_udp_timeout=10")
            self.sysctl("net.netfilter.nf_conntrack_udp_timeout_stream=10")
        self.nft(RULES % ("masquerade random,fully-random" if kind == "sym" else "masquerade"))
        if kind in MORE:
            self.nft(MORE[kind])

    def sysctl(self, setting):
        key, value = setting.split("=")
        with self.at(self.box), open("/proc/sys/" + key.replace(".", "/"), "w") as f:
            f.write(value)

    def nft(self, text):
        run("ip", "netns", "exec", self.box, "nft", "-f", "-", input=text.encode())

    @contextlib.contextmanager
    def at(self, name):
        """This thread is on that host for a while."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/%d/task/%d/ns/net" % (os.getpid(), threading.get_native_id())) as here, open("/run/netns/" + name) as there:
            if libc.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                libc.setns(here.fileno(), CLONE_NEWNET)

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def why_not():
    """Why such a world cannot be made here; None when it can."""
    try:
        World("cone").close()
    except FileNotFoundError as e:
        return "%s is not installed" % e.filename
    except (subprocess.CalledProcessError, OSError) as e:
        return "no network namespaces or no NAT in this kernel: %s" % (getattr(e, "output", b"") or str(e).encode()).decode().strip()
    return None
