# SPDX-License-Identifier: Apache-2.0
"""The daemon as extension 1001 of an Asterisk that is configured as FreePBX does it."""
import re
import time

import lab


def line(extension="1001", **more):
    fields = dict(name="office", preset="freepbx", server=lab.PBX, extension="\"%s\"" % extension, password="secret" + extension)
    fields.update(more)
    return "lines:\n  - { %s }\n" % ", ".join("%s: %s" % (k, v) for k, v in fields.items())


AGENT = """agents:
  - { name: reception, greeting: "Thank you for calling. How can I help you?", record: true }
  - { name: echo, brain: { kind: echo }, record: true }
  - { name: tone, brain: { kind: play, file: %s }, record: true }
routes:
  - { line: office, agent: %s }
"""


def config(agent, tone, **more):
    return line(**more) + AGENT % (tone, agent)


def test_registers_and_unregisters(daemons, pbx, tone):
    d = daemons(config("echo", tone))
    d.wait_line("office", "registered")
    assert "1001" in pbx.cli("pjsip show contacts")
    assert d.stop() == 0
    lab.wait_for("the binding's removal", 5, lambda: "sip:1001" not in pbx.cli("pjsip show contacts"))


def test_authentication_id_differs(daemons, pbx, tone):
    d = daemons(config("echo", tone, extension="1051", auth_id="aUtHiD77"))
    d.wait_line("office", "registered")


def test_wrong_password_is_said_so(daemons, pbx, tone):
    d = daemons(config("echo", tone, password="hunter2-not-it"))
    failed = d.wait_line("office", "failed")
    assert "password" in failed["detail"].lower(), failed
    assert "hunter2" not in d.text() + str(d.get("/v1/lines")), "the secret is told"


def test_tcp(daemons, pbx, tone):
    d = daemons(config("echo", tone, transport="tcp"))
    d.wait_line("office", "registered")
    assert "transport=tcp" in pbx.cli("pjsip show contacts").lower()
    pbx.originate("1001", "Milliwatt")
    call = d.wait_call(state="up")
    time.sleep(2)
    pbx.cli("channel request hangup all")
    recording = d.wait_recording(d.wait_call(state="ended")["id"])
    pcm, rate = lab.read_wav(recording)
    assert lab.share(pcm[-rate:], rate, 1004) > 0.95, call


def test_a_call_from_the_pbx_is_heard(daemons, pbx, tone):
    d = daemons(config("tone", tone))
    d.wait_line("office", "registered")
    pbx.originate("1001", "Record %s/rec/heard.wav,0,4" % pbx.var)
    call = d.wait_call(state="ended", seconds=30)
    pcm, rate = lab.read_wav(lab.wait_for("Asterisk's recording", 5, lambda: "%s/rec/heard.wav" % pbx.var))
    assert lab.share(pcm[rate:3 * rate], rate, 1000) > 0.95
    assert lab.gaps(pcm[rate:3 * rate], rate) == 0
    assert call["codec"] == "PCMU"


def test_calls_another_extension(daemons, pbx, tone):
    """A call out to the PBX' echo, with credentials: our own tone comes back."""
    d = daemons(config("tone", tone))
    d.wait_line("office", "registered")
    status, call = d.ask("POST", "/v1/calls", {"target": "600", "line": "office", "agent": "tone"})
    assert status == 201, call
    lab.wait_for("the answer", 10, lambda: d.get("/v1/calls/" + call["id"])["state"] == "up")
    time.sleep(3)
    assert d.ask("DELETE", "/v1/calls/" + call["id"])[0] == 202
    pcm, rate = lab.read_wav(d.wait_recording(call["id"]))
    assert lab.share(pcm[rate:2 * rate], rate, 1000) > 0.95


def test_refusals_are_explained(daemons, pbx, tone):
    d = daemons(config("tone", tone))
    d.wait_line("office", "registered")
    for number, words in (("606", "not"), ("9999", "does not exist"), ("603", "busy")):
        status, call = d.ask("POST", "/v1/calls", {"target": number, "agent": "tone"})
        assert status == 201, call
        lab.wait_for("the end of " + number, 20, lambda: d.get("/v1/calls/" + call["id"])["state"] == "ended")
        ended = d.get("/v1/calls/" + call["id"])
        assert ended["sip_status"] >= 400 and words in ended["cause"], ended["cause"]


def test_strict_peer_with_100rel_and_session_timer(daemons, pbx, tone):
    d = daemons(config("tone", tone, extension="1061"))
    d.wait_line("office", "registered")
    _, call = d.ask("POST", "/v1/calls", {"target": "604", "agent": "tone"})
    lab.wait_for("the answer", 15, lambda: d.get("/v1/calls/" + call["id"])["state"] == "up")
    trace = "\n".join(m["message"] for m in d.get("/v1/calls/%s/trace" % call["id"])["messages"])
    assert "PRACK sip:" in trace and re.search(r"Session-Expires: *\d+", trace), trace
    d.ask("DELETE", "/v1/calls/" + call["id"])


def test_hold_with_music(daemons, pbx, tone):
    """Another extension (a tipring that holds by re-INVITE is not needed: the PBX holds by its own feature) hears music while on hold."""
    d = daemons(config("echo", tone))
    d.wait_line("office", "registered")
    _, call = d.ask("POST", "/v1/calls", {"target": "630", "agent": "echo"})
    lab.wait_for("the answer", 10, lambda: d.get("/v1/calls/" + call["id"])["state"] == "up")
    time.sleep(4)
    d.ask("DELETE", "/v1/calls/" + call["id"])
    pcm, rate = lab.read_wav(d.wait_recording(call["id"]))
    level = (pcm[2 * rate:4 * rate] ** 2).mean() ** 0.5
    assert level > 100, "no music was heard: rms %g" % level


def two(daemons, pbx, tone, number):
    """1002 plays a tone to 1001, which records and echoes. Returns both daemons and the caller's call id."""
    callee = daemons(config("echo", tone), name="callee")
    caller = daemons(config("tone", tone, extension="1002"), name="caller", ip="127.0.0.31")
    callee.wait_line("office", "registered")
    caller.wait_line("office", "registered")
    _, call = caller.ask("POST", "/v1/calls", {"target": number, "agent": "tone"})
    lab.wait_for("the answer", 10, lambda: caller.get("/v1/calls/" + call["id"])["state"] == "up")
    return callee, caller, call["id"]


def test_extension_to_extension(daemons, pbx, tone):
    callee, caller, call = two(daemons, pbx, tone, "1001")
    time.sleep(3)
    caller.ask("DELETE", "/v1/calls/" + call)
    heard, rate = lab.read_wav(callee.wait_recording(callee.wait_call(state="ended")["id"]))
    assert lab.share(heard[rate:2 * rate], rate, 1000) > 0.95
    back, rate = lab.read_wav(caller.wait_recording(call))
    assert lab.share(back[rate:2 * rate], rate, 1000) > 0.95


def test_direct_media(daemons, pbx, tone):
    """Without dial options the PBX re-INVITEs both ends to each other at once: audio goes on, straight between them."""
    callee, caller, call = two(daemons, pbx, tone, "81001")
    time.sleep(5)
    record = caller.get("/v1/calls/" + call)
    trace = caller.get("/v1/calls/%s/trace" % call)["messages"]
    caller.ask("DELETE", "/v1/calls/" + call)
    back, rate = lab.read_wav(caller.wait_recording(call))
    assert sum(m["direction"] == "in" and m["message"].startswith("INVITE") for m in trace) >= 1, "no re-INVITE came"
    assert record["remote_rtp"].startswith(lab.US), record["remote_rtp"]
    assert lab.share(back[3 * rate:4 * rate], rate, 1000) > 0.95


def test_dtmf_both_ways(daemons, pbx, tone):
    d = daemons(config("echo", tone))
    d.wait_line("office", "registered")
    _, call = d.ask("POST", "/v1/calls", {"target": "608", "agent": "echo"})
    lab.wait_for("the answer", 10, lambda: d.get("/v1/calls/" + call["id"])["state"] == "up")
    time.sleep(0.5)
    assert d.ask("POST", "/v1/calls/%s/dtmf" % call["id"], {"digits": "4711"})[0] == 202
    path = "%s/rec/dtmf608" % pbx.var
    assert lab.wait_for("the digits", 10, lambda: __import__("os").path.exists(path) and open(path).read().strip()) == "4711"
    lab.wait_for("the end", 15, lambda: d.get("/v1/calls/" + call["id"])["state"] == "ended")
    digits = [l["text"] for l in d.get("/v1/calls/" + call["id"])["transcript"] if l.get("digits")]
    assert "".join(digits) == "4711"


def test_thirty_seconds_of_a_silent_agent(daemons, pbx, tone):
    """FreePBX ends calls without RTP after 30 s: an agent that has nothing to say must not be cut off."""
    d = daemons(config("reception", tone))
    d.wait_line("office", "registered")
    pbx.originate("1001", "Wait 40")
    d.wait_call(state="up")
    time.sleep(36)
    assert d.calls(state="up"), d.wait_call(state="ended")
    pbx.cli("channel request hangup all")
    d.wait_call(state="ended")


def test_pbx_restart(daemons, tmp_path, tone):
    """The PBX goes and comes back with no memory of us: we are on the line again within seconds of its return."""
    pbx = lab.Asterisk(tmp_path / "pbx", ip="127.0.0.21")
    try:
        d = daemons(config("tone", tone, server="127.0.0.21", keepalive_s=5, keepalive_options="true"))
        d.wait_line("office", "registered")
        pbx.stop()
        lab.wait_for("the loss to be noticed", 40, lambda: d.line("office")["state"] != "registered")
        pbx.start()
        d.wait_line("office", "registered", 25)
        lab.wait_for("the PBX to know us", 5, lambda: "1001" in pbx.cli("pjsip show contacts"))
    finally:
        pbx.stop()
