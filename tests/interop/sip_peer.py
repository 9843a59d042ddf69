# SPDX-License-Identifier: Apache-2.0
"""A SIP peer whose every word a test decides: carrier, registrar, name server. UDP, one thread, no retransmissions of its own.

    Peer        sends and receives requests; keeps what came
    Registrar   answers every REGISTER at once and keeps when it came
    NameServer  SRV and A from a table
"""
import hashlib
import random
import re
import socket
import struct
import threading
import time

SDP = ("v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
       "a=sendrecv\r\n")


def header(message, name):
    """The first header of that name; "" when there is none."""
    m = re.search(r"^%s: *(.*?)\r?$" % re.escape(name), message, re.I | re.M)
    return m.group(1) if m else ""


def status(message):
    m = re.match(r"SIP/2.0 (\d+)", message)
    return int(m.group(1)) if m else 0


class Peer:
    def __init__(self, ip, port=5060):
        self.ip, self.port = ip, port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ip, port))
        self.socket.settimeout(0.1)
        self.received = []  # (time, message, from)
        self.answer = None  # called with each request: (status line, more header lines, body) or None for silence
        self.alive = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.alive:
            try:
                data, source = self.socket.recvfrom(65535)
            except socket.timeout:
                continue
            except OSError:
                return
            message = data.decode(errors="replace")
            if not message.strip():
                continue
            self.received.append((time.monotonic(), message, source))
            if message.startswith("SIP/2.0") or message.startswith("ACK"):
                continue
            reply = self.answer(message) if self.answer else ("200 OK", "", "")
            if reply:
                self.reply(message, source, *reply)

    def reply(self, request, source, line, more="", body=""):
        to = header(request, "To")
        if ";tag=" not in to and not line.startswith("100"):
            to += ";tag=peer%d" % random.randrange(10 ** 9)
        via = re.findall(r"^Via:.*?$", request, re.I | re.M)
        head = ["SIP/2.0 " + line] + [v.strip() for v in via] + ["From: " + header(request, "From"), "To: " + to,
                                                                "Call-ID: " + header(request, "Call-ID"),
                                                                "CSeq: " + header(request, "CSeq")]
        text = "\r\n".join(head) + "\r\n" + more
        if body:
            text += "Contact: <sip:%s:%d>\r\nContent-Type: application/sdp\r\n" % (self.ip, self.port)
        self.socket.sendto((text + "Content-Length: %d\r\n\r\n%s" % (len(body), body)).encode(), source)

    def sdp(self, port=7000):
        return SDP % (self.ip, self.ip, port)

    def requests(self, method):
        return [m for _, m, _ in self.received if m.startswith(method + " ")]

    def wait(self, check, seconds=5):
        end = time.monotonic() + seconds
        seen = 0
        while time.monotonic() < end:
            while seen < len(self.received):
                if check(self.received[seen][1]):
                    return self.received[seen][1]
                seen += 1
            time.sleep(0.01)
        raise AssertionError("nothing of the kind came; received: %s" % [m.split("\r\n")[0] for _, m, _ in self.received])

    # ---- calls to the daemon

    def invite(self, target, to="1000", from_="<sip:+4930111@carrier.test>", more="", call_id=None, cseq=1, auth=""):
        """Sends an INVITE and returns its final answer; acknowledges it."""
        call_id = call_id or "call%d" % random.randrange(10 ** 9)
        tag = "t%d" % random.randrange(10 ** 9)
        uri = "sip:%s@%s" % (to, target)
        branch = "z9hG4bK%d" % random.randrange(10 ** 9)
        body = self.sdp()

        def request(method, to_value, extra, body):
            return ("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;rport;branch=%s\r\nMax-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\n"
                    "Call-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:%s:%d>\r\n%s%sContent-Length: %d\r\n\r\n%s" % (
                        method, uri, self.ip, self.port, branch, from_, tag, to_value, call_id, cseq, method, self.ip, self.port,
                        extra, "Content-Type: application/sdp\r\n" if body else "", len(body), body)).encode()

        host, port = target.split(":") if ":" in target else (target, 5060)
        self.socket.sendto(request("INVITE", "<%s>" % uri, more + auth, body), (host, int(port)))
        final = self.wait(lambda m: status(m) >= 200 and header(m, "Call-ID") == call_id and
                          header(m, "CSeq") == "%d INVITE" % cseq)
        self.socket.sendto(request("ACK", header(final, "To"), "", ""), (host, int(port)))
        final_call = (final, call_id, tag, uri, (host, int(port)), from_)
        return final_call

    def bye(self, call):
        final, call_id, tag, uri, where, from_ = call
        text = ("BYE %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;rport;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s\r\n"
                "Call-ID: %s\r\nCSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n" % (
                    re.sub("[<>]", "", header(final, "Contact").split(";")[0]) or uri, self.ip, self.port, random.randrange(10 ** 9),
                    from_, tag, header(final, "To"), call_id))
        self.socket.sendto(text.encode(), where)

    def authorization(self, challenge, user, password, uri, method="INVITE"):
        value = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        h = hashlib.md5 if value.get("algorithm", "MD5").upper() == "MD5" else hashlib.sha256
        digest = lambda s: h(s.encode()).hexdigest()
        ha1 = digest("%s:%s:%s" % (user, value["realm"], password))
        response = digest("%s:%s:00000001:abc:auth:%s" % (ha1, value["nonce"], digest("%s:%s" % (method, uri))))
        return ('Authorization: Digest username="%s",realm="%s",nonce="%s",uri="%s",qop=auth,nc=00000001,cnonce="abc",'
                'algorithm=%s,response="%s"\r\n' % (user, value["realm"], value["nonce"], uri, value.get("algorithm", "MD5"), response))

    def close(self):
        self.alive = False
        self.thread.join()
        self.socket.close()


class Registrar(Peer):
    def __init__(self, ip, expires=60):
        self.expires = expires
        super().__init__(ip)
        self.answer = self.take

    def take(self, message):
        return ("200 OK", "Expires: %d\r\n" % self.expires if message.startswith("REGISTER") else "", "")

    def times(self):
        return [t for t, m, _ in self.received if m.startswith("REGISTER")]


class NameServer:
    """srv: {name: [(priority, weight, port, target)]}, a: {name: [ip]}; NXDOMAIN for the rest. Both may be changed while it runs."""

    def __init__(self, srv, a, ip="127.0.0.5", port=5353):
        self.srv, self.a, self.address = srv, a, "%s:%d" % (ip, port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ip, port))
        self.socket.settimeout(0.1)
        self.alive, self.queries = True, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def name(text):
        return b"".join(bytes([len(l)]) + l.encode() for l in text.split(".")) + b"\0"

    def records(self, name, kind):
        if kind == 33:
            return [struct.pack("!HHH", p, w, port) + self.name(t) for p, w, port, t in self.srv.get(name, [])]
        return [socket.inet_aton(ip) for ip in self.a.get(name, [])] if kind == 1 else []

    def run(self):
        while self.alive:
            try:
                query, source = self.socket.recvfrom(2000)
            except socket.timeout:
                continue
            self.queries += 1
            at, labels = 12, []
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
                at += 1 + query[at]
            name, kind = ".".join(labels), struct.unpack("!H", query[at + 1:at + 3])[0]
            found = self.records(name, kind)
            known = name in self.srv or name in self.a
            reply = query[:2] + struct.pack("!HHHHH", 0x8580 | (0 if known else 3), 1, len(found), 0, 0) + query[12:at + 5]
            for data in found:
                reply += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 30, len(data)) + data
            self.socket.sendto(reply, source)

    def close(self):
        self.alive = False
        self.thread.join()
        self.socket.close()
