# SPDX-License-Identifier: Apache-2.0
"""Encrypted media with Asterisk: who encrypts with whom, proven by the audio that comes through."""
import time

import pytest

import lab
from test_asterisk import AGENT, line


def config(agent, tone, extension, **more):
    return line(extension, **more) + AGENT % (tone, agent)


def dial(d, number, agent):
    status, call = d.ask("POST", "/v1/calls", {"target": number, "agent": agent})
    assert status in (200, 201, 202), call
    return call["id"]


def echo_of_our_tone(d, seconds=3):
    """Calls the PBX's echo; what we play must come back. The call's record."""
    call = dial(d, "600", "tone")
    lab.wait_for("the answer", 10, lambda: d.get("/v1/calls/" + call)["state"] in ("up", "ended"))
    time.sleep(seconds)
    record = d.get("/v1/calls/" + call)
    d.ask("DELETE", "/v1/calls/" + call)
    assert record["state"] == "up", record
    pcm, rate = lab.read_wav(d.wait_recording(call))
    assert lab.share(pcm[-rate:], rate, 1000) > 0.95, record
    return d.get("/v1/calls/" + call)


def milliwatt_to_us(d, pbx, extension, seconds=3):
    """The PBX calls us and plays 1004 Hz; our echo goes back. The call's record."""
    pbx.originate(extension, "Milliwatt")
    call = d.wait_call(state="up")["id"]
    time.sleep(seconds)
    pbx.cli("channel request hangup all")
    lab.wait_for("the end", 10, lambda: d.get("/v1/calls/" + call)["state"] == "ended")
    pcm, rate = lab.read_wav(d.wait_recording(call))
    assert lab.share(pcm[-rate:], rate, 1004) > 0.95
    return d.get("/v1/calls/" + call)


def assert_clean(record, scheme):
    q = record["quality"]
    assert (record["security"] or "").startswith(scheme), record["security"]
    assert q["unauthentic_packets"] == 0 and q["replayed_packets"] == 0 and q["invalid_packets"] == 0, q


@pytest.mark.parametrize("extension", ["1081", "1082"])
@pytest.mark.parametrize("srtp", ["optional", "required"])
def test_sdes_both_ways(daemons, pbx, tone, extension, srtp):
    d = daemons(config("echo", tone, extension, srtp=srtp))
    d.wait_line("office", "registered")
    assert_clean(echo_of_our_tone(d), "SDES, A")
    assert_clean(milliwatt_to_us(d, pbx, extension), "SDES, A")


def test_optional_with_a_peer_that_cannot(daemons, pbx, tone):
    d = daemons(config("echo", tone, "1001", srtp="optional"))
    d.wait_line("office", "registered")
    assert echo_of_our_tone(d)["security"] is None
    assert milliwatt_to_us(d, pbx, "1001")["security"] is None


def test_required_with_a_peer_that_cannot(daemons, pbx, tone):
    """Nothing is heard in clear: our offer is refused by it, its offer by us, both in words."""
    d = daemons(config("echo", tone, "1001", srtp="required"))
    d.wait_line("office", "registered")
    dial(d, "600", "tone")
    ours = d.wait_call(state="ended", direction="outbound")
    assert ours["sip_status"] == 488, ours
    pbx.originate("1001", "Milliwatt")
    theirs = d.wait_call(state="ended", direction="inbound")
    assert theirs["sip_status"] == 488 and "srtp: required" in theirs["cause"], theirs


def test_off_with_a_peer_that_demands(daemons, pbx, tone):
    d = daemons(config("echo", tone, "1081", srtp="off"))
    d.wait_line("office", "registered")
    pbx.originate("1081", "Milliwatt")
    refused = d.wait_call(state="ended", direction="inbound")
    assert refused["sip_status"] == 488 and "srtp: optional" in refused["cause"], refused


@pytest.fixture
def island(tmp_path):
    """An Asterisk on an address that it names in ICE. We are 198.51.100.30 there."""
    try:
        place = lab.Island("198.51.100.20", "198.51.100.30")
    except PermissionError as e:
        pytest.skip(str(e))
    try:
        asterisk = lab.Asterisk(tmp_path / "pbx", ip="198.51.100.20")
        yield asterisk
        asterisk.stop()
    finally:
        place.leave()


@pytest.mark.parametrize("ice", ["full", "lite"])
def test_webrtc_endpoint_both_ways(daemons, island, tone, ice):
    """Asterisk as a browser's phone sees it: DTLS, ICE, one port. We offer, then it offers."""
    d = daemons(config("echo", tone, "1091", server="198.51.100.20", dtls="true", ice=ice), ip="198.51.100.30", api_ip="127.0.0.1")
    d.wait_line("office", "registered")
    ours = echo_of_our_tone(d, 4)
    assert_clean(ours, "DTLS, A")
    assert ours["path"].startswith("host to"), ours["path"]
    theirs = milliwatt_to_us(d, island, "1091", 4)
    assert_clean(theirs, "DTLS, A")
    assert theirs["path"], theirs


OURSELVES = """
sip: { listen: [ "udp:%(ip)s:5060" ] }
media: { port_min: 20000, port_max: 29999, record_dir: %(rec)s }
lines:
  - { name: friends, kind: local, allow: [ 127.0.0.0/8 ], %(media)s }
agents:
  - { name: echo, brain: { kind: echo }, record: true }
  - { name: tone, brain: { kind: play, file: %(tone)s }, record: true }
routes:
  - { line: friends, agent: echo }
"""

TURN = "turn: { server: \"127.0.0.61:3478\", user: u, password: p }"


def two_tiprings(daemons, tmp_path, tone, caller, callee):
    """One calls the other; its tone comes back from the echo. Both records."""
    def start(name, ip, media):
        return daemons(OURSELVES % dict(ip=ip, rec=tmp_path / name / "rec", media=media, tone=tone), name=name, ip=ip)

    a, b = start("a", "127.0.0.30", caller), start("b", "127.0.0.31", callee)
    status, call = a.ask("POST", "/v1/calls", {"target": "sip:echo@127.0.0.31", "agent": "tone", "line": "friends"})
    assert status == 202 or status == 200 or status == 201, call
    lab.wait_for("the answer", 10, lambda: a.get("/v1/calls/" + call["id"])["state"] in ("up", "ended"))
    time.sleep(4)
    ours, theirs = a.get("/v1/calls/" + call["id"]), b.wait_call(line="friends")
    a.ask("DELETE", "/v1/calls/" + call["id"])
    assert ours["state"] == "up", ours
    pcm, rate = lab.read_wav(a.wait_recording(call["id"]))
    assert lab.share(pcm[-rate:], rate, 1000) > 0.95, (ours, theirs)
    return ours, theirs


@pytest.mark.parametrize("caller,callee,scheme", [
    ("srtp: off", "srtp: optional", None),
    ("srtp: optional", "srtp: optional", "SDES, AEAD_AES_256_GCM"),
    ("srtp: optional", "srtp: required", "SDES, AEAD_AES_256_GCM"),
    ("srtp: required", "srtp: optional", "SDES, AEAD_AES_256_GCM"),
    ("dtls: true", "srtp: optional", "DTLS, AEAD_AES_256_GCM"),
    ("dtls: true, ice: full", "srtp: optional, ice: full", "DTLS, AEAD_AES_256_GCM"),
    ("dtls: true, ice: full", "srtp: optional, ice: lite", "DTLS, AEAD_AES_256_GCM"),
    ("dtls: true, ice: full", "srtp: optional", "DTLS, AEAD_AES_256_GCM"),
    ("ice: full", "ice: full", None),
])
def test_two_of_ours(daemons, tmp_path, tone, caller, callee, scheme):
    ours, theirs = two_tiprings(daemons, tmp_path, tone, caller, callee)
    for record in (ours, theirs):
        assert record["security"] == scheme, record["security"]
        assert record["quality"] is None or record["quality"]["unauthentic_packets"] == 0
        assert bool(record["path"]) == ("ice: full" in caller and "ice" in callee), record["path"]
