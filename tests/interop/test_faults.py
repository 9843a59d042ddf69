# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the field, done on purpose."""
import os
import socket
import time

import lab

LOCAL = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: echo, brain: { kind: echo } }
routes:
  - { line: phones, agent: echo }
"""

UNREACHABLE = """
lines:
  - { name: office, server: "127.0.0.77", extension: "1001", password: x }
"""


def test_registrar_unreachable(daemons):
    d = daemons(UNREACHABLE)
    failed = d.wait_line("office", "failed", 40)
    assert failed["detail"] and failed["retry_in_ms"] is not None, failed


def test_bad_configuration_is_refused_at_start(tmp_path):
    import subprocess
    path = tmp_path / "bad.yaml"
    path.write_text("lines:\n  - name: a\n    servr: x\n")
    run = subprocess.run([lab.TIPRING, "check", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.returncode == 1
    assert ("%s:3: \"servr\" is not a key here: did you mean \"server\"?" % path) in run.stderr.decode()


def test_bad_reload_keeps_the_old_configuration(daemons, tmp_path):
    d = daemons(LOCAL)
    d.write(LOCAL.replace("kind: echo", "kind: ehco"))
    d.reload()
    lab.wait_for("the refusal", 5, lambda: "config.kept" in d.text())
    assert "did you mean echo?" in d.text()
    code, _ = lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "1", "-d", "200", service="echo")
    assert code == 0
    d.write(LOCAL.replace("name: echo", "name: parrot").replace("agent: echo", "agent: parrot"))
    assert d.ask("POST", "/v1/reload")[0] == 200
    code, _ = lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "1", "-d", "200", service="echo")
    assert code == 0
    assert d.wait_call(state="ended", agent="parrot")


def test_port_range_used_up(daemons, tmp_path):
    """Two pairs of ports, three calls: the third gets 503 with Retry-After, and the reason names the remedy."""
    d = daemons(LOCAL + "media: { port_min: 20000, port_max: 20003 }\n")
    code, stat = lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "3", "-r", "100", "-d", "2000", service="echo")
    assert int(stat["SuccessfulCall(C)"]) == 2 and int(stat["FailedCall(C)"]) == 1, stat
    ended = lab.wait_for("all three", 10, lambda: len(d.calls(state="ended")) == 3 and d.calls(state="ended"))
    refused = [c for c in ended if c["sip_status"] == 503]
    assert len(refused) == 1 and "media.port_min" in refused[0]["cause"]
    trace = d.get("/v1/calls/%s/trace" % refused[0]["id"])["messages"]
    assert any("Retry-After: " in m["message"] for m in trace)


def test_file_descriptors_used_up(daemons, tmp_path):
    """Calls beyond the process' descriptors are refused in words; the others go on, and afterwards all is as before."""
    d = daemons(LOCAL, nofile=60)
    code, stat = lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "60", "-r", "100", "-d", "2000", service="echo")
    assert int(stat["SuccessfulCall(C)"]) > 5 and int(stat["FailedCall(C)"]) > 5, stat
    lab.wait_for("the end of all calls", 20, lambda: d.get("/v1/health")["calls"] == 0)
    assert any("descriptors" in (c["cause"] or "") for c in d.calls(state="ended"))
    time.sleep(6)  # freed ports rest for five seconds
    code, stat = lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "3", "-d", "200", service="echo")
    assert code == 0, stat


def test_rtp_stops(daemons, tmp_path):
    """A peer that sends no audio: noted after three seconds, ended after the configured time with cause and remedy."""
    d = daemons(LOCAL + "media: { port_min: 20000, port_max: 20999, timeout_s: 5 }\n")
    lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "1", "-d", "20000", service="echo", timeout=12)
    call = d.wait_call(state="ended", seconds=5)
    assert call["ended_by"] == "network" and "no audio" in call["cause"] and call["remedy"]
    assert any("nothing is heard from the other side" in s for s in d.said(call["id"], "system"))


def test_missing_speech_model_is_named(tmp_path):
    import subprocess
    (tmp_path / "tipring.yaml").write_text("api: { listen: \"127.0.0.30:8060\" }\nsip: { listen: [ \"udp:127.0.0.30:5060\" ] }\n"
                                            "agents:\n  - { name: reception }\n")
    run = subprocess.run([lab.TIPRING, "serve", "-c", str(tmp_path / "tipring.yaml")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=dict(os.environ, TIPRING_POCKETSPHINX_MODEL="/nonexistent"), timeout=30)
    assert run.returncode == 1
    assert b"/nonexistent" in run.stderr and b"pocketsphinx-en-us" in run.stderr, run.stderr


def test_address_in_use_is_named(daemons):
    import subprocess
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.30", 5060))
    try:
        d = None
        try:
            d = daemons(LOCAL)
        except AssertionError as e:
            assert "127.0.0.30:5060" in str(e) and "another SIP program" in str(e), str(e)
        assert d is None
    finally:
        taken.close()
    assert subprocess


def test_a_silent_caller_is_diagnosed_within_seconds(daemons, tmp_path):
    """SIPp sends no RTP: the call says so, with evidence and remedy, while it lasts."""
    d = daemons(LOCAL)
    lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "1", "-d", "5000", service="echo")
    found = d.wait_call(state="ended")["findings"]
    assert [f["code"] for f in found] == ["no_audio_in"], found
    assert "nothing is heard from the other side" in found[0]["text"] and "127.0.0.41:7000" in found[0]["remedy"], found
    assert found[0]["from_ms"] < 4500 and not found[0]["over"], found
