# SPDX-License-Identifier: Apache-2.0
"""Calls over a bad network: they hold, what can be hidden is hidden, and what cannot is said."""
import time

import pytest

import impair
import lab
import nat

CONFIG = """
sip: { listen: [ "udp:0.0.0.0:5060", "tcp:0.0.0.0:5060" ] }
lines:
  - { name: office, preset: freepbx, server: %s, extension: "1001", password: secret1001 }
agents:
  - { name: tone, brain: { kind: play, file: %%s }, record: true }
routes:
  - { line: office, agent: tone }
""" % impair.FAR


@pytest.fixture(scope="module", autouse=True)
def possible():
    reason = nat.why_not()
    if reason:
        pytest.skip(reason)
    try:
        impair.Link(impair.Way(), impair.Way()).close()
    except OSError as e:
        pytest.skip("no TUN devices here: %s" % e)


@pytest.fixture
def link(tmp_path, tone):
    """link(way): the PBX far away over two such ways, the daemon near."""
    made = []

    def start(**way):
        l = impair.Link(impair.Way(**way), impair.Way(**way), seed=7)
        made.append(l.close)
        pbx = lab.Asterisk(tmp_path / "pbx", ip=impair.FAR, here=lambda: l.at(l.far), edit=lambda t: t.replace("local_net=127.0.0.0/8\n", ""))
        made.append(pbx.stop)
        d = lab.Daemon(str(tmp_path / "tipring"), CONFIG % tone, ip="127.0.0.1", here=lambda: l.at(l.near))
        made.append(d.stop)
        d.wait_line("office", "registered", 40)
        return l, d, pbx

    yield start
    for close in reversed(made):
        close()


def echo(d, pbx, seconds):
    """Our tone, there and back again: what is left of it, and the call."""
    pbx.originate("1001", "Echo")
    d.wait_call(state="up", seconds=20)
    time.sleep(seconds)
    pbx.cli("channel request hangup all")
    ended = d.wait_call(state="ended", seconds=20)
    pcm, rate = lab.read_wav(d.wait_recording(ended["id"]))
    return pcm, rate, ended


def test_loss_and_jitter_are_hidden(link):
    _, d, pbx = link(loss=5, delay=40, jitter=30)
    pcm, rate, call = echo(d, pbx, 8)
    assert lab.share(pcm[-4 * rate:], rate, 1000) > 0.7
    quality = call["quality"]
    assert quality["lost"] > 5 and quality["mos_min"] > 2.0, quality
    assert [f["code"] for f in call["findings"]][:1] == ["loss_in"], call["findings"]


def test_bursts_reordering_and_doubles_are_survived(link):
    _, d, pbx = link(burst=(1, 30), duplicate=5, reorder=5, delay=30)
    pcm, rate, call = echo(d, pbx, 8)
    assert lab.share(pcm[-4 * rate:], rate, 1000) > 0.7
    assert call["quality"]["duplicates"] > 0 and call["quality"]["reordered"] > 0, call["quality"]


def test_an_outage_is_named_and_the_call_goes_on(link):
    l, d, pbx = link()
    pbx.originate("1001", "Echo")
    call = d.wait_call(state="up", seconds=20)
    time.sleep(2)
    begin = time.monotonic() - l.started
    for way in l.ways:
        way.outages = [(begin, 6)]
    found = lab.wait_for("the finding", 8, lambda: d.get("/v1/calls/" + call["id"])["findings"])
    assert found[0]["code"] == "audio_in_stopped", found
    lab.wait_for("its end", 10, lambda: d.get("/v1/calls/" + call["id"])["findings"][0]["over"])
    time.sleep(2)
    pbx.cli("channel request hangup all")
    ended = d.wait_call(state="ended", seconds=20)
    pcm, rate = lab.read_wav(d.wait_recording(ended["id"]))
    assert lab.share(pcm[-rate:], rate, 1000) > 0.9, "the tone is back after the outage"
