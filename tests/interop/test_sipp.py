# SPDX-License-Identifier: Apache-2.0
"""SIPp against the daemon: calls with audio, cancels, re-INVITEs, retransmissions under loss, many at once."""
import pytest

import lab

pytestmark = pytest.mark.skipif(not lab.has("sipp"), reason="sipp is not installed")

CONFIG = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: echo, brain: { kind: echo }, record: true }
  - { name: ringing, brain: { kind: echo }, answer_after_ms: 30000 }
routes:
  - { line: phones, to: echo, agent: echo }
  - { line: phones, to: ringing, agent: ringing }
"""


def all_ok(code, stat, calls):
    assert code == 0, stat
    assert int(stat["SuccessfulCall(C)"]) == calls, stat
    assert int(stat["FailedCall(C)"]) == 0, stat


def test_a_call_with_audio(daemons, tmp_path):
    """A 1000 Hz tone is streamed, recorded by us, and echoed without a hole."""
    d = daemons(CONFIG)
    lab.tone_ulaw(tmp_path / "tone.ul", 1000)
    code, stat = lab.sipp(tmp_path, "uac_call.xml", lab.US + ":5060", "-m", "1", "-d", "3000", service="echo")
    all_ok(code, stat, 1)
    call = d.wait_call(state="ended")
    assert call["ended_by"] == "peer" and "hung up" in call["cause"]
    caller, rate = lab.read_wav(d.wait_recording(call["id"]))
    assert lab.share(caller[rate:2 * rate], rate, 1000) > 0.95
    us, _ = lab.read_wav(d.wait_recording(call["id"]), 1)
    assert lab.share(us[rate:2 * rate], rate, 1000) > 0.95
    assert lab.gaps(us[rate // 2:], rate) == 0
    assert call["quality"]["lost"] == 0 and call["quality"]["mos"] > 4.3


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_two_hundred_calls_at_once_with_audio(daemons, tmp_path, transport):
    d = daemons(CONFIG.replace(", record: true", ""))
    lab.tone_ulaw(tmp_path / "tone.ul", 1000)
    code, stat = lab.sipp(tmp_path, "uac_call.xml", lab.US + ":5060", "-t", transport, "-m", "200", "-r", "50", "-l", "200",
                          "-d", "6000", service="echo")
    all_ok(code, stat, 200)
    lab.wait_for("the end of all calls", 10, lambda: d.get("/v1/health")["calls"] == 0)
    ended = d.calls(state="ended")
    assert len(ended) == 200
    heard = [d.get("/v1/calls/" + c["id"])["quality"] for c in ended[:20]]
    # Six seconds are 300 packets a way; SIPp's own threads start and stop them a little off.
    assert all(q["rx_packets"] > 250 and q["tx_packets"] > 290 for q in heard), heard


def test_no_codec_in_common_is_488(daemons, tmp_path):
    d = daemons(CONFIG)
    code, _ = lab.sipp(tmp_path, "uac_g729.xml", lab.US + ":5060", "-m", "1", service="echo")
    assert code == 0
    assert "no codec" in d.wait_call(state="ended")["cause"]


def test_caller_gives_up(daemons, tmp_path):
    """CANCEL while it rings: 200 to the CANCEL, 487 to the INVITE, nothing is left over."""
    d = daemons(CONFIG)
    code, stat = lab.sipp(tmp_path, "uac_cancel.xml", lab.US + ":5060", "-m", "100", "-r", "50", service="ringing")
    all_ok(code, stat, 100)
    lab.wait_for("the end of all calls", 40, lambda: d.get("/v1/stats")["sip"]["sessions"] == 0)
    assert all("gave up" in c["cause"] for c in d.calls(state="ended"))


def test_hold_and_resume_by_reinvite(daemons, tmp_path):
    d = daemons(CONFIG)
    code, stat = lab.sipp(tmp_path, "uac_hold.xml", lab.US + ":5060", "-m", "20", "-r", "20", service="echo")
    all_ok(code, stat, 20)
    said = d.said(d.wait_call(state="ended")["id"])
    assert "put on hold by the other side" in said and "taken off hold" in said


def test_calls_survive_a_lossy_network(daemons, tmp_path):
    """SIPp loses one message in ten: retransmissions bring every call through."""
    d = daemons(CONFIG)
    code, stat = lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "100", "-r", "20", "-lost", "10", "-d", "500",
                          service="echo", timeout=90)
    all_ok(code, stat, 100)
    lab.wait_for("the end of all calls", 40, lambda: d.get("/v1/stats")["sip"]["sessions"] == 0)


def test_options_is_answered(daemons, tmp_path):
    daemons(CONFIG)
    code, stat = lab.sipp(tmp_path, "uac_options.xml", lab.US + ":5060", "-m", "10")
    all_ok(code, stat, 10)


def test_a_stranger_is_refused(daemons, tmp_path):
    d = daemons(CONFIG.replace("127.0.0.0/8", "127.0.0.99"))
    code, _ = lab.sipp(tmp_path, "uac_refused.xml", lab.US + ":5060", "-m", "1", service="echo")
    assert code == 0
    assert "belongs to no line" in d.wait_call(state="ended")["cause"]


@pytest.mark.skipif(not lab.has_ipv6(), reason="this machine has no IPv6 loopback address")
@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_ipv6(daemons, tmp_path, transport):
    d = daemons("sip: { listen: [ \"udp:[::1]:5060\", \"tcp:[::1]:5060\" ] }\n" + CONFIG.replace("127.0.0.0/8", "\"::1\""))
    lab.tone_ulaw(tmp_path / "tone.ul", 1000)
    code, stat = lab.sipp(tmp_path, "uac_call.xml", "[::1]:5060", "-t", transport, "-m", "1", "-d", "3000", ip="::1", port=5070,
                          service="echo")
    all_ok(code, stat, 1)
    caller, rate = lab.read_wav(d.wait_recording(d.wait_call(state="ended")["id"]))
    assert lab.share(caller[rate:2 * rate], rate, 1000) > 0.95
