# SPDX-License-Identifier: Apache-2.0
"""A bad network between two namespaces: packets cross it by two TUN devices and a thread that delays, loses, doubles and reorders them.

For kernels without sch_netem, and for runs that repeat: everything comes from a seed. Good for some hundred packets a second.
"""
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

from nat import World

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
NEAR, FAR = "198.51.100.2", "198.51.100.20"


class Way:
    """What happens to packets of one direction. Times in ms, shares in per cent.

    loss; burst=(into, out of): Gilbert's model, all lost in the bad state; delay; jitter: uniform on both sides of delay; duplicate;
    reorder: these skip the delay; outages: [(start s, length s)].
    """

    def __init__(self, loss=0, burst=None, delay=0, jitter=0, duplicate=0, reorder=0, outages=()):
        self.__dict__.update(locals())
        self.is_bad = False
        self.taken = self.lost = 0

    def due(self, now, since_start, rng):
        """When each copy of a packet that came now arrives; none: it is lost."""
        self.taken += 1
        if self.burst and rng.uniform(0, 100) < self.burst[self.is_bad]:
            self.is_bad = not self.is_bad
        if self.is_bad or any(a <= since_start < a + n for a, n in self.outages) or rng.uniform(0, 100) < self.loss:
            self.lost += 1
            return []
        copies = 2 if rng.uniform(0, 100) < self.duplicate else 1
        if rng.uniform(0, 100) < self.reorder:
            return [now] * copies
        return [now + max(0, self.delay + rng.uniform(-self.jitter, self.jitter)) / 1000] * copies


class Link:
    """near (198.51.100.2) and far (198.51.100.20) hosts, and the two ways between them."""

    def __init__(self, there, back, seed=1):
        self.names = ["tipring-%d-%s" % (os.getpid(), host) for host in ("near", "far")]
        self.near, self.far = self.names
        self.ways, self.rng, self.stopping = (there, back), random.Random(seed), False
        self.fds = []
        try:
            for name, addr in zip(self.names, (NEAR, FAR)):
                subprocess.run(["ip", "netns", "add", name], check=True)
                subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
                self.fds.append(self.tun(name, addr))
        except BaseException:
            self.close()
            raise
        self.started = time.monotonic()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    at = World.at

    def tun(self, name, addr):
        with self.at(name):
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"bad0", IFF_TUN | IFF_NO_PI))
        subprocess.run(["ip", "-n", name, "addr", "add", addr + "/24", "dev", "bad0"], check=True)
        subprocess.run(["ip", "-n", name, "link", "set", "bad0", "up"], check=True)
        return fd

    def carry(self):
        waiting, order = [], 0
        while not self.stopping:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, fd, packet = heapq.heappop(waiting)
                try:
                    os.write(fd, packet)
                except OSError:
                    pass
            wait = min(0.1, waiting[0][0] - now) if waiting else 0.1
            for fd in select.select(self.fds, [], [], max(wait, 0))[0]:
                side = self.fds.index(fd)
                try:
                    packet = os.read(fd, 65535)
                except OSError:
                    continue
                now = time.monotonic()
                for due in self.ways[side].due(now, now - self.started, self.rng):
                    order += 1
                    heapq.heappush(waiting, (due, order, self.fds[1 - side], packet))

    def close(self):
        self.stopping = True
        if hasattr(self, "thread"):
            self.thread.join()
        for fd in self.fds:
            os.close(fd)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
