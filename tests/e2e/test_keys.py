# SPDX-License-Identifier: Apache-2.0
"""Keys: collected for somebody outside, sent by each method, and hidden while a sensitive part runs."""
import json
import os
import subprocess
import time

import lab
from test_recording import CALLER, OURS, Two


def collect(two, ours, **body):
    status, doc = two.us.ask("POST", "/v1/calls/%s/collect" % ours, body)
    return status if status == 202 else (status, doc["detail"])


def press(two, call, keys, method="auto"):
    status, doc = two.caller.ask("POST", "/v1/calls/%s/dtmf" % call, {"digits": keys, "method": method})
    assert status == 202, doc


def collected(two, ours):
    return lab.wait_for("the end of the entry", 10, lambda: two.us.get("/v1/calls/%s/collect" % ours)["end"] != "open" and
                        two.us.get("/v1/calls/" + ours)["collected"])


def digits(two, ours):
    return [l["text"] for l in two.us.get("/v1/calls/" + ours)["transcript"] if l.get("digits")]


def test_collect_ends_by_length_terminator_and_time(daemons, tmp_path):
    two = Two(daemons, tmp_path)
    ours, call = two.call()
    assert two.us.get("/v1/calls/%s/collect" % ours) == {"end": "none"}
    for bad in ({"most": 0}, {"most": 65}, {"most": "4"}, {"terminators": "x"}, {"first_ms": 1}, {"terminators": "1" * 17}):
        assert collect(two, ours, **bad)[0] == 422, bad
    assert collect(two, ours, most=4) == 202
    assert collect(two, ours, most=4)[0] == 409, "one at a time"
    press(two, call, "12,34")
    got = collected(two, ours)
    assert (got["end"], got["digits"]) == ("length", "1234"), got
    assert collect(two, ours) == 202
    press(two, call, "98#", "info")
    got = collected(two, ours)
    assert (got["end"], got["digits"]) == ("terminator", "98"), got
    assert collect(two, ours, terminators="*", inter_ms=600) == 202
    press(two, call, "5#")
    got = collected(two, ours)
    assert (got["end"], got["digits"]) == ("pause", "5#"), got
    assert collect(two, ours, first_ms=300) == 202
    got = collected(two, ours)
    assert (got["end"], got["digits"], got["number"]) == ("no_key", "", 4), got
    assert collect(two, ours) == 202 and collect(two, ours, stop=True) == 202
    assert two.us.get("/v1/calls/%s/collect" % ours)["end"] == "cancelled"
    # Without a collection they are the call's own again.
    press(two, call, "7")
    lab.wait_for("the key", 5, lambda: digits(two, ours)[-1] == "7")
    assert digits(two, ours) == ["1234", "98", "5#", "7"]
    assert collect(two, ours) == 202
    two.end(ours, call)
    assert two.us.get("/v1/calls/" + ours)["collected"]["end"] == "cancelled"
    assert collect(two, ours)[0] == 409


def test_each_method_of_sending(daemons, tmp_path):
    two = Two(daemons, tmp_path, ", record: true")
    ours, call = two.call()
    for method in ("rfc4733", "info"):
        assert collect(two, ours, most=3) == 202
        press(two, call, "1*D", method)
        assert collected(two, ours)["digits"] == "1*D", method
    trace = two.us.get("/v1/calls/%s/trace" % ours)["messages"]
    assert [m["message"].split("Signal=")[1][0] for m in trace if m["message"].startswith("INFO ")] == ["1", "*", "D"]
    time.sleep(0.5)
    press(two, call, "2", "inband")
    time.sleep(1)
    assert two.caller.ask("POST", "/v1/calls/%s/dtmf" % call, {"digits": "1", "method": "smoke"})[0] == 422
    run = subprocess.run([lab.TIPRING, "dtmf", call, "3", "--mode", "info", "--api", two.caller.api_base], stdout=subprocess.PIPE, timeout=10)
    assert run.returncode == 0 and call in run.stdout.decode()
    lab.wait_for("the key", 5, lambda: digits(two, ours)[-1] == "3")
    assert digits(two, ours) == ["1*D", "1*D", "3"]
    two.end(ours, call)
    pcm, rate = lab.read_wav(os.path.join(two.us.folder, two.us.wait_recording(ours)))
    n = rate // 25
    both = [min(lab.share(pcm[i:i + n], rate, 697, 40), lab.share(pcm[i:i + n], rate, 1336, 40)) for i in range(0, len(pcm) - n, n)]
    assert 1 <= sum(b > 0.15 for b in both) <= 4, "the 2 in the audio, and only that: %s" % both


def test_nothing_of_a_sensitive_entry_is_kept(daemons, tmp_path):
    """Neither in the record, the events, the log, the trace nor the recording: only who collects gets the keys, once."""
    two = Two(daemons, tmp_path, ", record: true")
    events = subprocess.Popen([lab.TIPRING, "events", "*", "--json", "--api", two.us.api_base], stdout=subprocess.PIPE)
    time.sleep(0.5)
    secret = "4929831"
    try:
        ours, call = two.call()
        time.sleep(1)
        cli = subprocess.Popen([lab.TIPRING, "collect", ours, "#", "-n", "20", "-q", "--api", two.us.api_base], stdout=subprocess.PIPE)
        lab.wait_for("the sensitive part", 5, lambda: two.us.get("/v1/calls/" + ours).get("is_sensitive"))
        time.sleep(0.3)
        press(two, call, secret, "info")
        press(two, call, "#", "info")
        out = cli.communicate(timeout=10)[0].decode()
        assert out == secret + " (terminator)\n", "who collects gets them"
        assert two.us.get("/v1/calls/%s/collect" % ours)["digits"] == "*" * 7, "and nobody else, later"
        assert "is_sensitive" not in two.us.get("/v1/calls/" + ours)
        # The same with an operator's switch, keys of RFC 4733 and nobody who collects.
        for state in ("on", "on", "off"):
            assert subprocess.run([lab.TIPRING, "sensitive", ours, state, "--api", two.us.api_base], stdout=subprocess.PIPE).returncode == 0
            if state == "on":
                press(two, call, secret)
                time.sleep(2)
        lab.wait_for("the keys", 5, lambda: len(digits(two, ours)) == 15)
        assert digits(two, ours) == ["*" * 7] + ["*"] * 14
        time.sleep(1)
        trace = json.dumps(two.us.get("/v1/calls/%s/trace" % ours))
        infos = [m["message"] for m in json.loads(trace)["messages"] if m["message"].startswith("INFO ")]
        assert len(infos) == 8 and all("Signal=*" in m for m in infos), infos
        two.end(ours, call)
        path = os.path.join(two.us.folder, two.us.wait_recording(ours))
        record = json.dumps(two.us.get("/v1/records/" + ours))
    finally:
        lab.end_process(events)
    said = events.stdout.read().decode()
    kinds = [json.loads(l)["type"] for l in said.splitlines()]
    assert kinds.count("call.sensitive") == 4 and kinds.count("call.collected") == 1, kinds
    for where, text in (("record", record), ("events", said), ("log", two.us.text())):
        assert secret not in text and "Signal=4" not in text, where
    for channel in (0, 1):
        pcm, rate = lab.read_wav(path, channel)
        quiet = sum(not pcm[i:i + rate // 10].any() for i in range(0, len(pcm), rate // 10))
        assert quiet >= 40 and pcm[:rate // 2].any() and pcm[-rate // 2:].any(), "the recording is silent meanwhile: %d" % quiet


def test_a_flow_asks_for_a_pin_that_nobody_keeps(daemons, tmp_path):
    (tmp_path / "pin.yaml").write_text(
        "flow: pin\nslots:\n  pin: { type: digits, length: 4, sensitive: yes, ask: \"What is your PIN?\" }\n  day: { type: date, ask: \"What day?\" }\n"
        "steps: { start: [ { fill: pin }, { say: \"Your PIN is {pin}.\" }, { fill: day }, { say: \"Thank you.\" } ] }\n")
    us = daemons("""
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: bank, flow: %s, record: true }
routes:
  - { line: phones, agent: bank }
""" % (tmp_path / "pin.yaml"), name="us")
    lab.tone_wav(tmp_path / "quiet.wav", 1000, 60, level=0)
    caller = daemons(OURS % (tmp_path / "quiet.wav", ""), name="caller", ip=CALLER)
    _, call = caller.ask("POST", "/v1/calls", {"target": "sip:bank@" + lab.US})
    ours = us.wait_call(state="up", direction="inbound")["id"]
    lab.wait_for("the question", 15, lambda: us.get("/v1/calls/" + ours).get("is_sensitive"))
    lab.wait_for("its end", 15, lambda: any("PIN?" in s for s in us.said(ours, "agent")))
    caller.ask("POST", "/v1/calls/%s/dtmf" % call["id"], {"digits": "8052#"})
    lab.wait_for("the next question", 20, lambda: any("What day?" in s for s in us.said(ours, "agent")))
    lab.wait_for("the end of the sensitive part", 5, lambda: "is_sensitive" not in us.get("/v1/calls/" + ours))
    caller.ask("DELETE", "/v1/calls/" + call["id"])
    us.wait_recording(ours)
    said = us.said(ours)
    assert "****" in said and not any(c in "8052" for s in said for c in s), said
    assert any("Your PIN is" in s for s in said), said
    assert "8052" not in us.text() + json.dumps(us.get("/v1/records/" + ours))
