# SPDX-License-Identifier: Apache-2.0
"""The stream of events, by Server-Sent Events and by WebSocket: whole, in order, resumed where it stopped, and closed to other sites' pages."""
import base64
import json
import os
import socket
import struct
import subprocess

import lab
from test_api import CONFIG
from test_records import call


class Reader:
    """GET /v1/events, event by event."""
    def __init__(self, d, query="", headers=(), upgrade=False):
        host, port = d.api_base[7:].split(":")
        self.socket = socket.create_connection((host, int(port)), 10)
        lines = ["GET /v1/events%s HTTP/1.1" % query, "Host: %s:%s" % (host, port)] + list(headers)
        if upgrade:
            lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                      "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.length = 0
        for line in iter(self.file.readline, b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                self.length = int(line.split(b":")[1])
            if not line:
                break

    def sse(self):
        """(id, type, object) of the next event."""
        fields = {}
        while True:
            line = self.file.readline().decode().rstrip("\n")
            if line.startswith(":"):
                continue
            if line:
                key, value = line.split(": ", 1)
                fields[key] = value
            elif fields:
                return fields.get("id"), fields["event"], json.loads(fields["data"])

    def frame(self):
        head = self.file.read(2)
        n = head[1] & 127
        if n == 126:
            n = struct.unpack(">H", self.file.read(2))[0]
        elif n == 127:
            n = struct.unpack(">Q", self.file.read(8))[0]
        return json.loads(self.file.read(n)) if head[0] & 15 == 1 else None

    def close(self):
        self.file.close()
        self.socket.close()


def one_call(d, tmp_path):
    phone = call(tmp_path, 200)
    lab.wait_for("the end", 15, lambda: phone.poll() is not None)


def until(reader, last):
    events = [reader.sse()]
    while events[-1][1] != last:
        events.append(reader.sse())
    return events


def test_a_call_is_told_and_can_be_told_again(daemons, tmp_path):
    d = daemons(CONFIG)
    reader = Reader(d)
    assert reader.status == 200
    one_call(d, tmp_path)
    events = until(reader, "call.ended")
    types = [e[1] for e in events]
    assert types.index("call.ringing") < types.index("call.answered") < types.index("call.ended"), types
    ids = [int(e[0]) for e in events]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    last = events[-1][2]
    assert last["type"] == "call.ended" and last["version"] == 1 and last["timestamp"].endswith("Z")
    assert last["data"]["cause"] and last["data"]["quality"]["tx_packets"] > 0 and "transcript" in last["data"]
    reader.close()

    again = Reader(d, headers=["Last-Event-ID: %d" % ids[0]])
    assert until(again, "call.ended") == events[1:]
    again.close()
    again = Reader(d, "?types=call.ended,line.*&after=%d" % (ids[0] - 1))
    assert again.sse() == events[-1]
    again.close()


def test_events_by_websocket(daemons, tmp_path):
    d = daemons(CONFIG)
    reader = Reader(d, "?types=call.*", upgrade=True)
    assert reader.status == 101
    one_call(d, tmp_path)
    events = []
    while not events or events[-1]["type"] != "call.ended":
        events.append(reader.frame())
    assert [e["type"] for e in events if e["type"] in ("call.ringing", "call.answered", "call.ended")] == ["call.ringing", "call.answered",
                                                                                                         "call.ended"]
    assert all(e["id"].isdigit() for e in events)
    reader.close()


def test_the_command_follows(daemons, tmp_path):
    d = daemons(CONFIG)
    with open(tmp_path / "out", "wb") as out:
        follower = subprocess.Popen([lab.TIPRING, "events", "call.*", "--api", d.api_base], stdout=out)
        try:
            lab.wait_for("a call it tells of", 20, lambda: one_call(d, tmp_path) or b"call.ended" in (tmp_path / "out").read_bytes())
        finally:
            lab.end_process(follower)
    assert b"the caller hung up" in (tmp_path / "out").read_bytes()
    bad = subprocess.run([lab.TIPRING, "events", "nothing", "--api", d.api_base], stderr=subprocess.PIPE, timeout=20)
    assert bad.returncode == 1 and b"types is a list" in bad.stderr, bad


def test_after_a_restart_the_gap_is_told(daemons, tmp_path):
    d = daemons(CONFIG)
    reader = Reader(d)
    one_call(d, tmp_path)
    last = until(reader, "call.ringing")[-1][0]
    reader.close()
    d.stop()
    d = daemons(CONFIG)
    one_call(d, tmp_path)
    reader = Reader(d, headers=["Last-Event-ID: " + last])
    id, kind, event = reader.sse()
    assert (id, kind, event["data"]["missed"]) == (None, "gap", None)
    assert reader.sse()[1] == "call.ringing"
    reader.close()


def test_a_reader_who_sleeps_holds_up_nobody(daemons, tmp_path):
    d = daemons(CONFIG)
    sleeper = Reader(d)
    sleeper.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    others = [Reader(d) for _ in range(10)]
    for _ in range(3):
        one_call(d, tmp_path)
    for reader in others:
        assert [e[1] for e in until(reader, "call.ended")]
        reader.close()
    sleeper.close()


def test_bad_questions_and_strange_pages_are_refused(daemons):
    d = daemons(CONFIG)
    for query, headers, status in (("?types=nothing", (), 400), ("?after=x", (), 400), ("?colour=red", (), 400), ("", ("Last-Event-ID: x",), 400),
                                   ("", ("Origin: https://evil.example",), 403)):
        reader = Reader(d, query, headers)
        assert reader.status == status, (query, headers, reader.status)
        assert json.loads(reader.file.read(reader.length))["detail"]
        reader.close()
    readers = [Reader(d) for _ in range(70)]
    assert [r.status for r in readers].count(200) == 64
    for r in readers:
        r.close()
    try:
        assert Reader(d, "", ("Origin: https://evil.example",), upgrade=True).status != 101
    except (IndexError, ConnectionError):
        pass  # it was closed without a word
    host, port = d.api_base[7:].split(":")
    with socket.create_connection((host, int(port)), 5) as s:
        s.sendall(b"GET /v1/calls HTTP/1.1\r\nHost: rebound.example:%s\r\n\r\n" % port.encode())
        assert s.recv(4096).split()[1] == b"403"
    assert d.get("/v1/health")["status"] == "ok"
