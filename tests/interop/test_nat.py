# SPDX-License-Identifier: Apache-2.0
"""The daemon behind every kind of NAT, a PBX outside: audio both ways by content, or the finding that says why not."""
import time

import pytest

import lab
import nat

CONFIG = """
sip: { listen: [ "udp:0.0.0.0:5060", "tcp:0.0.0.0:5060" ] }
lines:
  - { name: office, preset: freepbx, server: %s, extension: "1001", password: secret1001 }
agents:
  - { name: tone, brain: { kind: play, file: %s }, record: true }
routes:
  - { line: office, agent: tone }
""" % (nat.OUTSIDE, "%s")


@pytest.fixture(scope="module", autouse=True)
def possible():
    reason = nat.why_not()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def worlds(tmp_path):
    """world(kind, helps): the hosts, an Asterisk outside with or without FreePBX's NAT settings, the daemon inside."""
    made = []

    def world(kind, helps, tone):
        w = nat.World(kind)
        made.append(w.close)
        edit = (lambda t: t) if helps else lambda t: t.replace("rtp_symmetric=yes", "rtp_symmetric=no").replace(
            "rewrite_contact=yes", "rewrite_contact=no").replace("force_rport=yes", "force_rport=no")
        pbx = lab.Asterisk(tmp_path / "pbx", ip=nat.OUTSIDE, here=lambda: w.at(w.outside),
                           edit=lambda t: edit(t.replace("local_net=127.0.0.0/8\n", "")))
        made.append(pbx.stop)
        d = lab.Daemon(str(tmp_path / "tipring"), CONFIG % tone, ip="127.0.0.1", here=lambda: w.at(w.inside))
        made.append(d.stop)
        d.wait_line("office", "registered", 15)
        return d, pbx

    yield world
    for close in reversed(made):
        close()


def echoed(d, pbx):
    """The PBX rings us and sends back what it hears: our own 1000 Hz come back only if both ways work. Their share, and the call."""
    pbx.originate("1001", "Echo")
    call = d.wait_call(state="up")
    time.sleep(4)
    pbx.cli("channel request hangup all")
    ended = d.wait_call(state="ended")
    pcm, rate = lab.read_wav(d.wait_recording(ended["id"]))
    return lab.share(pcm[-2 * rate:], rate, 1000), ended


@pytest.mark.parametrize("kind", ["cone", "sym", "full", "alg"])
def test_audio_both_ways_with_the_pbx_helping(worlds, tone, kind):
    d, pbx = worlds(kind, True, tone)
    heard, ended = echoed(d, pbx)
    assert heard > 0.95 and not ended["findings"], (heard, ended["findings"])


@pytest.mark.parametrize("kind", ["cone", "full"])
def test_audio_both_ways_without_its_help(worlds, tone, kind):
    """Our own learning does it: the registrar tells our outside address, which we give in Contact and SDP."""
    d, pbx = worlds(kind, False, tone)
    assert nat.NAT_OUT in pbx.cli("pjsip show contacts")
    heard, ended = echoed(d, pbx)
    assert heard > 0.95 and not ended["findings"], (heard, ended["findings"])


def test_short_bindings_are_kept_open(worlds, tone):
    """The NAT forgets after ten seconds; a call that comes after half a minute of silence still arrives."""
    d, pbx = worlds("short", True, tone)
    time.sleep(32)
    heard, ended = echoed(d, pbx)
    assert heard > 0.95, ended["findings"]


def test_one_way_audio_is_named(worlds, tone):
    d, pbx = worlds("oneway", True, tone)
    pbx.originate("1001", "Milliwatt")
    call = d.wait_call(state="up")
    found = lab.wait_for("the finding", 6, lambda: d.get("/v1/calls/" + call["id"])["findings"])
    pbx.cli("channel request hangup all")
    assert found[0]["code"] == "no_audio_in" and found[0]["from_ms"] < 4500, found
    assert "nothing is heard from the other side" in found[0]["text"] and nat.OUTSIDE in found[0]["evidence"], found


def test_symmetric_without_help_is_named(worlds, tone):
    """Impossible for both: the PBX insists on the port we gave, the NAT opens another. It must be said, not just be silent."""
    d, pbx = worlds("sym", False, tone)
    pbx.originate("1001", "Milliwatt")
    call = d.wait_call(state="up")
    found = lab.wait_for("the finding", 6, lambda: d.get("/v1/calls/" + call["id"])["findings"])
    pbx.cli("channel request hangup all")
    assert found[0]["code"] == "no_audio_in", found
