# SPDX-License-Identifier: Apache-2.0
"""ICE through a real NAT: a daemon inside, another outside, coturn outside. Audio by content, and which path was found."""
import os
import re
import subprocess
import time

import pytest

import lab
import nat

pytestmark = pytest.mark.skipif(not lab.has("turnserver"), reason="coturn is not installed")

CONFIG = """
sip: { listen: [ "udp:%(ip)s:5060" ] }
media: { port_min: 20000, port_max: 29999, record_dir: %(rec)s }
lines:
  - { name: friends, kind: local, allow: [ 0.0.0.0/0 ], %(media)s }
agents:
  - { name: echo, brain: { kind: echo }, record: true }
  - { name: tone, brain: { kind: play, file: %(tone)s }, record: true }
routes:
  - { line: friends, agent: echo }
"""

SERVERS = "stun: \"%s:3478\", turn: { server: \"%s:3478\", user: u, password: secret }" % (nat.OUTSIDE, nat.OUTSIDE)


@pytest.fixture(scope="module", autouse=True)
def possible():
    reason = nat.why_not()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def worlds(tmp_path, tone):
    """world(kind, inside, outside): the hosts, coturn, and the two daemons with these media settings."""
    made = []

    def world(kind, inside, outside):
        w = nat.World(kind)
        made.append(w.close)
        with w.at(w.outside):
            log = open(os.path.join(str(tmp_path), "coturn.log"), "wb")
            turn = subprocess.Popen(["turnserver", "-n", "--listening-ip=" + nat.OUTSIDE, "--relay-ip=" + nat.OUTSIDE, "--lt-cred-mech",
                                     "--user=u:secret", "--realm=test", "--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers",
                                     "--min-port=49152", "--max-port=49999", "--log-file=stdout", "--verbose",
                                     "--pidfile=" + os.path.join(str(tmp_path), "coturn.pid")],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        made.append(lambda: lab.end_process(turn))

        def start(name, host, ip, media):
            text = CONFIG % dict(ip=ip, rec=tmp_path / name / "rec", media=media, tone=tone)
            d = lab.Daemon(str(tmp_path / name), text, ip=ip, here=lambda: w.at(host), api_ip="127.0.0.1")
            made.append(lambda: (d.stop(), print("---- %s\n%s" % (name, d.text()[-4000:]))))
            return d

        return w, start("inside", w.inside, nat.INSIDE, inside), start("outside", w.outside, nat.OUTSIDE, outside)

    yield world
    for close in reversed(made):
        close()


def call_out(a, b, seconds=4):
    """The one inside calls; its tone comes back from the echo outside. Both records."""
    status, call = a.ask("POST", "/v1/calls", {"target": "sip:echo@" + nat.OUTSIDE, "agent": "tone", "line": "friends"})
    assert status < 300, call
    lab.wait_for("the answer", 10, lambda: a.get("/v1/calls/" + call["id"])["state"] in ("up", "ended"))
    time.sleep(seconds)
    ours, theirs = a.get("/v1/calls/" + call["id"]), b.wait_call(line="friends")
    a.ask("DELETE", "/v1/calls/" + call["id"])
    assert ours["state"] == "up", ours
    pcm, rate = lab.read_wav(a.wait_recording(call["id"]))
    ours = a.get("/v1/calls/" + call["id"])
    assert lab.share(pcm[-rate:], rate, 1000) > 0.95, (ours["path"], ours["quality"], theirs["path"], theirs["quality"])
    return ours, theirs


@pytest.mark.parametrize("kind", ["cone", "sym", "full"])
@pytest.mark.parametrize("keys", ["dtls: true", "srtp: required"])
def test_straight_through_the_nat(worlds, kind, keys):
    """The one outside is lite, as a server with a public address: our checks open the NAT, whatever its kind."""
    _, a, b = worlds(kind, "%s, ice: full, %s" % (keys, SERVERS), "srtp: optional, ice: lite")
    ours, theirs = call_out(a, b)
    assert ours["path"] == "%s to host" % ("prflx" if kind == "sym" else "srflx"), ours["path"]
    assert ours["security"].startswith("DTLS, " if "dtls" in keys else "SDES, "), ours["security"]
    assert ours["remote_rtp"].startswith(nat.OUTSIDE) and theirs["remote_rtp"].startswith(nat.NAT_OUT), (ours, theirs)
    assert ours["quality"]["unauthentic_packets"] == 0


@pytest.mark.parametrize("keys", ["dtls: true", "srtp: required", "srtp: off"])
def test_through_the_relay(worlds, keys, tmp_path):
    """A firewall lets nothing out but SIP and the TURN server: coturn relays, checked and encrypted end to end."""
    w, a, b = worlds("cone", "%s, ice: full, %s" % (keys, SERVERS), "srtp: optional, ice: full")
    w.nft("insert rule ip fw forw iifname out0 udp sport != { 3478, 5060 } drop; insert rule ip fw forw iifname in0 udp dport != { 3478, 5060 } drop")
    ours, theirs = call_out(a, b, 6)
    assert ours["path"] == "relay to host", ours["path"]
    assert theirs["path"] == "host to relay", theirs["path"]
    assert re.match(re.escape(nat.OUTSIDE) + r":49\d{3}$", theirs["remote_rtp"]), theirs["remote_rtp"]
    log = (tmp_path / "coturn.log").read_text()
    assert "CHANNEL_BIND processed, success" in log and "ALLOCATE processed, success" in log, log[-2000:]
    lab.wait_for("the allocation to be given back", 5, lambda: "refreshed, realm=<test>, username=<u>, lifetime=0" in
                 (tmp_path / "coturn.log").read_text() or "delete: realm=<test>" in (tmp_path / "coturn.log").read_text())


def test_no_path_is_said_so(worlds):
    """The same firewall without a relay: the call ends with the reason, not with silence."""
    w, a, b = worlds("cone", "dtls: true, ice: full", "srtp: optional, ice: full")
    w.nft("insert rule ip fw forw udp dport != 5060 drop")
    _, call = a.ask("POST", "/v1/calls", {"target": "sip:echo@" + nat.OUTSIDE, "agent": "tone", "line": "friends"})
    ended = lab.wait_for("the end", 25, lambda: (c := a.get("/v1/calls/" + call["id"]))["state"] == "ended" and c)
    other = b.wait_call(line="friends")
    assert "no pair of addresses works" in ended["cause"], ended
    assert "turn" in (ended["remedy"] or other["remedy"]), (ended, other)


def test_wrong_turn_password_leaves_the_other_candidates(worlds, tmp_path):
    _, a, b = worlds("cone", "dtls: true, ice: full, " + SERVERS.replace("secret", "wrong"), "srtp: optional, ice: lite")
    ours, _ = call_out(a, b)
    assert ours["path"] == "srflx to host", ours["path"]


def test_stun_without_ice(worlds):
    """No ICE: the address in our description is the one that the STUN server saw, so that the other side knows where to send."""
    _, a, b = worlds("full", "stun: \"%s:3478\"" % nat.OUTSIDE, "srtp: off")
    ours, theirs = call_out(a, b)
    trace = a.get("/v1/calls/%s/trace" % ours["id"])["messages"]
    invite = next(m["message"] for m in trace if m["message"].startswith("INVITE"))
    assert "c=IN IP4 %s" % nat.NAT_OUT in invite, invite
    assert theirs["remote_rtp"].startswith(nat.NAT_OUT)
