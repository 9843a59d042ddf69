# SPDX-License-Identifier: Apache-2.0
"""Scanners and thieves, from an address that is not this host's."""
import socket
import time

import pytest

import impair
import lab
import nat

CONFIG = """
sip: { listen: [ "udp:0.0.0.0:5060", "tcp:0.0.0.0:5060" ] }
toll: { allow: [ "+49" ], calls_per_hour: 2 }
lines:
  - { name: office, kind: trunk, server: "198.51.100.77", allow: [ "198.51.100.77" ] }
agents:
  - { name: echo, brain: { kind: echo } }
routes:
  - { line: office, agent: echo }
"""

REQUEST = ("%s sip:100@198.51.100.2 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK%d;rport\r\nMax-Forwards: 70\r\n"
           "From: <sip:100@198.51.100.20>;tag=1\r\nTo: <sip:100@198.51.100.2>\r\nCall-ID: %d\r\nCSeq: 1 %s\r\n"
           "Contact: <sip:100@198.51.100.20>\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def far(tmp_path):
    reason = nat.why_not()
    if reason:
        pytest.skip(reason)
    try:
        link = impair.Link(impair.Way(), impair.Way())
    except OSError as e:
        pytest.skip("no TUN devices here: %s" % e)
    d = lab.Daemon(str(tmp_path / "tipring"), CONFIG, ip="127.0.0.1", here=lambda: link.at(link.near))
    yield d, link
    d.stop()
    link.close()


def ask(link, method, number):
    """One request of a stranger over UDP; the answer, or None."""
    with link.at(link.far):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.3)
    try:
        s.sendto((REQUEST % (method, number, number, method)).encode(), (impair.NEAR, 5060))
        return s.recv(65535)
    except socket.timeout:
        return None
    finally:
        s.close()


def test_strangers_hear_nothing_and_are_banned(far):
    d, link = far
    for i, method in enumerate(["OPTIONS", "REGISTER", "INVITE", "OPTIONS"]):
        assert ask(link, method, i) is None
    net = d.get("/v1/stats")["net"]
    assert net["strangers"] == 4 and net["bans"] == 0, net
    assert "sip.stranger" in d.text() and "allow" in d.text()
    for i in range(10, 20):
        ask(link, "INVITE", i)
    net = d.get("/v1/stats")["net"]
    assert net["bans"] == 1 and net["banned"] >= 8, net
    assert "sip.banned" in d.text()
    with link.at(link.far):
        s = socket.create_connection((impair.NEAR, 5060), 2)
    s.settimeout(3)
    assert s.recv(100) == b"", "a banned address gets no connection either"
    s.close()
    assert d.get("/v1/calls")["calls"] == []


def test_the_toll_budget_is_kept(far):
    d, _ = far
    for target, words in (("+88213000", "toll.allow"), ("+4930", None), ("+4931", None), ("+4932", "calls_per_hour"), ("200", None)):
        status, doc = d.ask("POST", "/v1/calls", {"target": target, "line": "office", "agent": "echo"})
        assert status == (403 if words else 201), (target, status, doc)
        assert not words or words in doc["detail"], doc
    time.sleep(0.1)
    assert d.text().count("toll.refused") == 2
