# SPDX-License-Identifier: Apache-2.0
"""An offer with the same audio twice, encrypted and plain, as some phone systems make it: one is taken, the other refused in its place.

A relay between two daemons adds the second stream to the caller's offer and takes it out of the answer; the audio goes straight."""
import re
import socket
import threading
import time

import pytest

import lab

RELAY, CALLEE = "127.0.0.70", "127.0.0.31"
DEAD = {"RTP/AVP": "m=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
        "RTP/SAVP": "m=audio 9 RTP/SAVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
                    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"}

CONFIG = """
media: {{ port_min: 20000, port_max: 29999, record_dir: {rec} }}
lines:
  - {{ name: peer, kind: trunk, server: {server}, allow: [ 127.0.0.0/8 ], codecs: [ pcmu ], srtp: {srtp} }}
agents:
  - {{ name: echo, brain: {{ kind: echo }} }}
  - {{ name: tone, brain: {{ kind: play, file: {tone} }}, record: true }}
routes:
  - {{ agent: echo }}
"""


class Relay(threading.Thread):
    """One call's SIP over UDP, from the caller to the callee and back; the ACK and what follows goes without it."""

    def __init__(self, extra, is_first):
        super().__init__(daemon=True)
        self.extra, self.is_first, self.caller, self.is_over = extra, is_first, None, False
        self.answer = ""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((RELAY, 5060))
        self.socket.settimeout(0.1)
        self.start()

    @staticmethod
    def with_body(message, body):
        head = message.split("\r\n\r\n", 1)[0]
        return re.sub(r"(?im)^(Content-Length|l): *\d+", "Content-Length: %d" % len(body), head) + "\r\n\r\n" + body

    def offer(self, body):
        """The stream that leads nowhere comes before or behind the real one."""
        session, media = body.split("m=audio", 1)
        parts = (DEAD[self.extra], "m=audio" + media)
        return session + "".join(parts if self.is_first else parts[::-1])

    def strip(self, body):
        self.answer = body
        session, *streams = re.split(r"(?=m=audio)", body)
        return session + streams[1 if self.is_first else 0]

    def run(self):
        while not self.is_over:
            try:
                data, source = self.socket.recvfrom(65535)
            except socket.timeout:
                continue
            message = data.decode()
            body = message.split("\r\n\r\n", 1)[1] if "\r\n\r\n" in message else ""
            is_from_caller = source[0] == lab.US
            if is_from_caller:
                self.caller = source
            if "m=audio" in body:
                message = self.with_body(message, (self.offer if is_from_caller else self.strip)(body))
            if is_from_caller or self.caller:
                self.socket.sendto(message.encode(), (CALLEE, 5060) if is_from_caller else self.caller)

    def close(self):
        self.is_over = True
        self.join()
        self.socket.close()


@pytest.mark.parametrize("is_first", [True, False], ids=["refused first", "refused second"])
@pytest.mark.parametrize("caller,callee,extra,security", [
    ("off", "off", "RTP/SAVP", None), ("required", "required", "RTP/AVP", "SDES, "), ("required", "optional", "RTP/AVP", "SDES, ")])
def test_one_of_two_streams_is_taken(daemons, tmp_path, tone, caller, callee, extra, security, is_first):
    b = daemons(CONFIG.format(server=RELAY, srtp=callee, tone=tone, rec=tmp_path / "b"), name="callee", ip=CALLEE)
    a = daemons(CONFIG.format(server=RELAY, srtp=caller, tone=tone, rec=tmp_path / "a"), name="caller")
    relay = Relay(extra, is_first)
    try:
        _, call = a.ask("POST", "/v1/calls", {"target": "sip:echo@" + RELAY, "line": "peer", "agent": "tone"})
        record = lab.wait_for("the answer", 10, lambda: (c := a.get("/v1/calls/" + call["id"]))["state"] in ("up", "ended") and c)
        assert record["state"] == "up", record
        time.sleep(2)
        theirs = b.wait_call(state="up")
        a.ask("DELETE", "/v1/calls/" + call["id"])
        streams = re.findall(r"m=audio (\d+) (\S+)", relay.answer)
        assert len(streams) == 2 and [s[0] == "0" for s in streams] == [is_first, not is_first], relay.answer
        assert streams[0 if is_first else 1][1] == extra, relay.answer
        pcm, rate = lab.read_wav(a.wait_recording(call["id"]))
        assert lab.share(pcm[-rate:], rate, 1000) > 0.95, (record, theirs)
        for r in (record, theirs):
            assert (r["security"] or "").startswith(security or "") and bool(r["security"]) == bool(security), r
    finally:
        relay.close()
