# SPDX-License-Identifier: Apache-2.0
"""SIP over WebSocket (RFC 7118) as a browser's client does it: an INVITE to an agent, audio, BYE from either end."""
import base64
import hashlib
import os
import re
import socket
import ssl
import struct
import threading
import time

import numpy
import pytest

import certs
import lab

CONFIG = """
sip: {{ listen: [ "udp:{us}:5060", "ws:{us}:8088", "wss:{us}:8089" ], tls: {{ certificate: {cert}, key: {key} }}, origins: [ "https://console.example.com" ] }}
lines:
  - {{ name: phones, kind: local, allow: [ 127.0.0.0/8 ] }}
agents:
  - {{ name: tone, brain: {{ kind: play, file: {tone} }}, record: true }}
routes:
  - {{ line: phones, agent: tone }}
"""


@pytest.fixture
def made(tmp_path):
    return certs.Certs(tmp_path / "certs")


class Browser:
    """RFC 6455 by hand, masked as a browser's frames are."""

    def __init__(self, ca=None, origin="https://console.example.com", protocol="sip"):
        s = socket.create_connection((lab.US, 8089 if ca else 8088), timeout=10)
        if ca:
            s = ssl.create_default_context(cafile=ca).wrap_socket(s, server_hostname=lab.US)
        self.socket, self.pending = s, b""
        self.via = "WSS" if ca else "WS"
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(("GET /sip HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nOrigin: %s\r\n"
                             "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n"
                             "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
                             % (lab.US, origin, key, protocol)).encode())
        head = self.read_until(b"\r\n\r\n").decode()
        self.status = int(head.split()[1])
        if self.status == 101:
            accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
            assert "Sec-WebSocket-Accept: " + accept in head and "Sec-WebSocket-Protocol: sip" in head and "Extensions" not in head, head

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError
        self.pending += data

    def read_until(self, mark):
        while mark not in self.pending:
            self.more()
        head, _, self.pending = self.pending.partition(mark)
        return head + mark

    def take(self, n):
        while len(self.pending) < n:
            self.more()
        data, self.pending = self.pending[:n], self.pending[n:]
        return data

    def send(self, text, opcode=1):
        payload, mask = text.encode(), os.urandom(4)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack("!BH", 0xfe, len(payload))
        self.socket.sendall(head + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(payload)))

    def frame(self):
        first, length = self.take(2)
        if length == 126:
            length, = struct.unpack("!H", self.take(2))
        return first & 15, self.take(length).decode()

    def message(self):
        while True:
            opcode, text = self.frame()
            if opcode == 9:
                self.send(text, 10)
            elif opcode == 1:
                return text
            else:
                raise ConnectionResetError(opcode)

    def close(self):
        self.socket.close()


class Media:
    """Plain RTP both ways: what it hears is kept."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((lab.PHONE, 0))
        self.socket.settimeout(0.2)
        self.port, self.heard, self.to, self.is_open = self.socket.getsockname()[1], b"", None, True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        sequence = 0
        while self.is_open:
            if self.to:
                self.socket.sendto(struct.pack("!BBHII", 0x80, 0, sequence & 0xffff, sequence * 160, 77) + b"\xff" * 160, self.to)
                sequence += 1
            end = time.monotonic() + 0.02
            while time.monotonic() < end:
                self.socket.settimeout(max(0.001, end - time.monotonic()))
                try:
                    self.heard += self.socket.recv(2000)[12:]
                except socket.timeout:
                    break

    def samples(self):
        u = ~numpy.frombuffer(self.heard, numpy.uint8)
        exponent, mantissa = (u >> 4) & 7, u & 15
        magnitude = (((mantissa.astype(int) << 3) + 132) << exponent) - 132
        return numpy.where(u & 128, -magnitude, magnitude).astype(float)

    def close(self):
        self.is_open = False
        self.thread.join(2)
        self.socket.close()


class Call:
    NAME = "k3h2g1.invalid"

    def __init__(self, browser, media):
        self.browser, self.media = browser, media
        self.id, self.tag, self.to = "%x" % time.monotonic_ns(), "b%x" % time.monotonic_ns(), "<sip:tone@%s>" % lab.US
        self.target = "sip:tone@" + lab.US

    def request(self, method, cseq, body=""):
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self.browser.send("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%s%d%s\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=%s\r\n"
                          "To: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:alice@%s;transport=ws>\r\n%sContent-Length: %d\r\n\r\n%s"
                          % (method, self.target, self.browser.via, self.NAME, self.id, cseq, method, self.tag, self.to, self.id, cseq, method,
                             self.NAME, kind, len(body), body))

    def begin(self):
        sdp = "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n".format(
            ip=lab.PHONE, port=self.media.port)
        self.request("INVITE", 1, sdp)
        while True:
            answer = self.browser.message()
            if not answer.startswith("SIP/2.0 1"):
                break
        assert answer.startswith("SIP/2.0 200"), answer
        assert re.search(r"Via: SIP/2.0/%s %s;.*received=127\.0\.0\.1" % (self.browser.via, self.NAME), answer), answer
        self.to = re.search(r"\r\nTo: (.*)\r\n", answer).group(1)
        self.target = re.search(r"\r\nContact: <(.*)>\r\n", answer).group(1)
        assert self.target.endswith(";transport=ws"), answer
        self.media.to = (re.search(r"c=IN IP4 (\S+)", answer).group(1), int(re.search(r"m=audio (\d+)", answer).group(1)))
        self.request("ACK", 1)


@pytest.mark.parametrize("is_secure", [False, True], ids=["ws", "wss"])
def test_a_browser_calls_an_agent(daemons, made, tone, is_secure):
    d = daemons(CONFIG.format(us=lab.US, cert=made.path("server.pem"), key=made.path("server.key"), tone=tone))
    browser, media = Browser(made.ca if is_secure else None), Media()
    assert browser.status == 101
    call = Call(browser, media)
    call.begin()
    time.sleep(2)
    pcm = media.samples()
    assert lab.share(pcm[4000:12000], 8000, 1000) > 0.95
    call.request("BYE", 2)
    assert browser.message().startswith("SIP/2.0 200")
    ended = d.wait_call(state="ended")
    assert ended["cause"].startswith("the caller hung up"), ended

    # Hung up by us: the BYE goes down the browser's connection, nothing else leads to a name that ends in .invalid.
    call = Call(browser, media)
    call.begin()
    up = d.wait_call(state="up")
    assert d.ask("DELETE", "/v1/calls/" + up["id"])[0] == 202
    bye = browser.message()
    assert bye.startswith("BYE sip:alice@%s;transport=ws SIP/2.0\r\nVia: SIP/2.0/%s %s:" % (Call.NAME, browser.via, lab.US)), bye
    browser.send("SIP/2.0 200 OK\r\n" + bye.split("\r\n", 1)[1])
    lab.wait_for("the end", 5, lambda: d.get("/v1/calls/" + up["id"])["state"] == "ended")
    trace = d.get("/v1/calls/%s/trace" % up["id"])["messages"]
    assert trace and all(m["transport"] == browser.via for m in trace)
    media.close()
    browser.close()


def test_origins_and_subprotocol(daemons, made, tone):
    d = daemons(CONFIG.format(us=lab.US, cert=made.path("server.pem"), key=made.path("server.key"), tone=tone))
    for origin, protocol, status in (("https://evil.example", "sip", 403), ("http://" + lab.US, "sip", 101), ("https://console.example.com", "chat", 400),
                                     ("https://console.example.com", "chat, sip", 101)):
        browser = Browser(origin=origin, protocol=protocol)
        assert browser.status == status, (origin, protocol, browser.status)
        browser.close()
    d.wait_text("pages of https://evil.example may not connect: add that origin to sip.origins")
    config = CONFIG.replace("https://console.example.com", "*")
    d.write(config.format(us=lab.US, cert=made.path("server.pem"), key=made.path("server.key"), tone=tone))
    assert d.ask("POST", "/v1/reload")[0] == 200
    browser = Browser(origin="https://evil.example")
    assert browser.status == 101
    browser.close()
