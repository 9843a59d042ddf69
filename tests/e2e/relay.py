# SPDX-License-Identifier: Apache-2.0
"""A bad network between a caller and a daemon: relays one call's SIP, points its SDP at itself, and loses, delays and reorders RTP."""
import heapq
import random
import re
import selectors
import socket
import threading
import time


def random_loss(share):
    """Every packet on its own."""
    return lambda rng, state: None if rng.random() < share else 0.0


def bursts(enter, stay):
    """Several in a row (Gilbert's model): what Wi-Fi and busy links do."""
    def fate(rng, state):
        state["bad"] = rng.random() < (stay if state.get("bad") else enter)
        return None if state["bad"] else 0.0
    return fate


def jitter(most_ms, spike_ms):
    """Each packet waits a time of its own, so that some overtake others; now and then the whole line stalls."""
    def fate(rng, state):
        now = time.monotonic()
        if rng.random() < 0.003:
            state["stall"] = now + spike_ms / 1000
        return rng.random() * most_ms / 1000 + max(state.get("stall", 0) - now, 0)
    return fate


class Relay(threading.Thread):
    """Callers dial ip:5060; the daemon is at target:5060. One call at a time."""

    def __init__(self, ip, target, fate, seed):
        super().__init__(daemon=True)
        self.ip, self.target, self.fate = ip, (target, 5060), fate
        self.rng, self.states = random.Random(seed), {}
        self.selector, self.due, self.order = selectors.DefaultSelector(), [], 0
        self.sip = self.open(5060)
        self.caller = None
        # Facing the caller, facing the daemon; each RTP and RTCP. Where a packet that arrives goes: (socket, address).
        self.rtp = {name: (self.open(port), self.open(port + 1)) for name, port in (("caller", 40000), ("daemon", 40010))}
        self.remote = {}
        self.lost = self.passed = 0
        self.stopping = False

    def open(self, port):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((self.ip, port))
        s.setblocking(False)
        self.selector.register(s, selectors.EVENT_READ)
        return s

    def rewrite(self, data, faces):
        """Points the SDP of a message at the side of ours that faces its reader; remembers whose it was."""
        head, _, body = data.partition(b"\r\n\r\n")
        if b"application/sdp" not in head.lower():
            return data
        ip = re.search(rb"^c=IN IP4 (\S+)", body, re.M).group(1).decode()
        port = int(re.search(rb"^m=audio (\d+)", body, re.M).group(1))
        self.remote["daemon" if faces == "caller" else "caller"] = (ip, port)
        mine = self.rtp[faces][0].getsockname()[1]
        body = re.sub(rb"(?m)^c=IN IP4 \S+", b"c=IN IP4 " + self.ip.encode(), body)
        body = re.sub(rb"(?m)^m=audio \d+", b"m=audio %d" % mine, body)
        body = re.sub(rb"(?m)^a=rtcp:\d+[^\r\n]*\r\n", b"", body)
        head = re.sub(rb"(?im)^(Content-Length|l):\s*\d+", b"Content-Length: %d" % len(body), head)
        return head + b"\r\n\r\n" + body

    def on_sip(self, data, source):
        if source == self.target:
            if self.caller:
                self.sip.sendto(self.rewrite(data, "caller"), self.caller)
        else:
            self.caller = source
            self.sip.sendto(self.rewrite(data, "daemon"), self.target)

    def on_rtp(self, data, came_in, index):
        goes_out = "daemon" if came_in == "caller" else "caller"
        if goes_out not in self.remote:
            return
        ip, port = self.remote[goes_out]
        wait = 0.0 if index else self.fate(self.rng, self.states.setdefault(came_in, {}))
        if wait is None:
            self.lost += 1
            return
        self.passed += 1
        self.order += 1
        heapq.heappush(self.due, (time.monotonic() + wait, self.order, self.rtp[goes_out][index], data, (ip, port + index)))

    def receive(self, s):
        try:
            data, source = s.recvfrom(65536)
        except OSError:
            return
        if s is self.sip:
            self.on_sip(data, source)
            return
        for name, pair in self.rtp.items():
            if s in pair:
                self.on_rtp(data, name, pair.index(s))

    def run(self):
        while not self.stopping:
            timeout = max(min(self.due[0][0] - time.monotonic(), 0.2), 0) if self.due else 0.2
            for key, _ in self.selector.select(timeout):
                self.receive(key.fileobj)
            while self.due and self.due[0][0] <= time.monotonic():
                _, _, s, data, to = heapq.heappop(self.due)
                try:
                    s.sendto(data, to)
                except OSError:
                    pass

    def stop(self):
        self.stopping = True
        self.join(2)
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
