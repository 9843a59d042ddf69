# SPDX-License-Identifier: Apache-2.0
"""Call control with real peers: keys that an Asterisk presses, a phone that dials a parked caller or sits in a conference."""
import threading
import time

import pytest

import lab

OFFICE = """lines:
  - { name: office, preset: freepbx, server: %s, extension: "1001", password: secret1001 }
agents:
  - { name: echo, brain: { kind: echo }, record: true }
routes:
  - { line: office, agent: echo }
"""
PHONES = """lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: tone, brain: { kind: play, file: %s }, record: true }
routes:
  - { line: phones, agent: tone }
park: { slots: 701-709, lines: [ phones ] }
"""
needs_baresip = pytest.mark.skipif(not lab.has("baresip"), reason="baresip is not installed")


def test_keys_that_a_pbx_presses_are_collected(daemons, pbx):
    """Asterisk sends them as telephone-events; the entry ends by its terminator, and nothing of a sensitive one is kept."""
    d = daemons(OFFICE % lab.PBX)
    d.wait_line("office", "registered")
    pbx.originate("1001", "SendDTMF ww4711#,250,120")
    call = d.wait_call(state="up")["id"]
    assert d.ask("POST", "/v1/calls/%s/collect" % call, {"terminators": "#", "sensitive": True})[0] == 202
    got = lab.wait_for("the entry", 15, lambda: d.get("/v1/calls/" + call)["collected"]["end"] != "open" and
                       d.get("/v1/calls/%s/collect" % call))
    assert (got["end"], got["digits"]) == ("terminator", "4711"), got
    lab.wait_for("the end", 15, lambda: d.get("/v1/calls/" + call)["state"] == "ended")
    assert [l["text"] for l in d.get("/v1/calls/" + call)["transcript"] if l.get("digits")] == ["****"]


@pytest.mark.parametrize("method", ["rfc4733", "inband"])
def test_keys_that_a_pbx_reads(daemons, pbx, method):
    """By telephone-event, and in the audio: Asterisk's Read hears the one, and a recording of ours of its echo the other."""
    d = daemons(OFFICE % lab.PBX)
    d.wait_line("office", "registered")
    _, call = d.ask("POST", "/v1/calls", {"target": "608" if method == "rfc4733" else "600", "agent": "echo"})
    lab.wait_for("the answer", 10, lambda: d.get("/v1/calls/" + call["id"])["state"] == "up")
    time.sleep(1)
    assert d.ask("POST", "/v1/calls/%s/dtmf" % call["id"], {"digits": "4711" if method == "rfc4733" else "5", "method": method})[0] == 202
    if method == "rfc4733":
        path = "%s/rec/dtmf608" % pbx.var
        lab.wait_for("the digits", 10, lambda: __import__("os").path.exists(path) and open(path).read().strip() == "4711")
    time.sleep(1.5)
    d.ask("DELETE", "/v1/calls/" + call["id"])
    pcm, rate = lab.read_wav(d.wait_recording(call["id"]))
    n = rate // 25
    both = [min(lab.share(pcm[i:i + n], rate, 770, 40), lab.share(pcm[i:i + n], rate, 1336, 40)) for i in range(0, len(pcm) - n, n)]
    assert (max(both) > 0.2) == (method == "inband"), both


def phone_call(tmp_path, target, hz, seconds):
    """An ordinary phone calls and plays a tone; returns it and the thread that waits for its end."""
    lab.tone_wav(tmp_path / "phone.wav", hz, 60)
    phone = lab.Baresip(tmp_path / "phone", ["pcmu"], source=str(tmp_path / "phone.wav"))
    thread = threading.Thread(target=phone.call, args=("sip:%s@%s" % (target, lab.US), seconds))
    thread.start()
    return phone, thread


def ours_and_caller(daemons, tmp_path):
    for hz in (1000, 1500):
        lab.tone_wav(tmp_path / ("%d.wav" % hz), hz, 60)
    us = daemons(PHONES % (tmp_path / "1500.wav"), name="us")
    caller = daemons(PHONES % (tmp_path / "1000.wav"), name="caller", ip="127.0.0.31")
    _, call = caller.ask("POST", "/v1/calls", {"target": "sip:tone@" + lab.US})
    return us, caller, us.wait_call(state="up")["id"], call["id"]


@needs_baresip
def test_a_phone_dials_a_parked_caller(daemons, tmp_path):
    us, caller, ours, call = ours_and_caller(daemons, tmp_path)
    time.sleep(0.5)
    assert us.ask("POST", "/v1/calls/%s/park" % ours, {"slot": 705})[0] == 202
    phone, thread = phone_call(tmp_path, "705", 2000, 5)
    thread.join()
    lab.wait_for("the end", 15, lambda: caller.get("/v1/calls/" + call)["state"] == "ended")
    pcm, rate = phone.heard()
    assert lab.share(pcm[2 * rate:3 * rate], rate, 1000) > 0.9, "the phone hears the caller"
    pcm, rate = lab.read_wav(caller.wait_recording(call))
    assert lab.share(pcm[-2 * rate:-rate], rate, 2000) > 0.9, "the caller hears the phone"


@needs_baresip
def test_a_phone_in_a_conference(daemons, tmp_path):
    """The phone plays 2000 Hz, the caller 1000 Hz."""
    us, caller, ours, call = ours_and_caller(daemons, tmp_path)
    known = {c["id"] for c in us.calls()}
    phone, thread = phone_call(tmp_path, "tone", 2000, 6)
    theirs = lab.wait_for("the phone", 10, lambda: [c["id"] for c in us.calls(state="up") if c["id"] not in known])[0]
    status, k = us.ask("POST", "/v1/conferences", {"calls": [ours, theirs]})
    assert status == 201 and len(k["members"]) == 2, k
    thread.join()
    lab.wait_for("its end", 10, lambda: us.get("/v1/calls/" + theirs)["state"] == "ended")
    assert us.get("/v1/calls/" + ours)["state"] == "up"
    us.ask("DELETE", "/v1/conferences/" + k["id"])
    pcm, rate = phone.heard()
    assert lab.share(pcm[3 * rate:4 * rate], rate, 1000) > 0.9, "the phone hears the caller"
    pcm, rate = lab.read_wav(caller.wait_recording(call))
    heard = [lab.share(pcm[i:i + rate // 2], rate, 2000) > 0.9 for i in range(0, len(pcm) - rate // 2, rate // 2)]
    assert sum(heard) >= 4, "the caller hears the phone: %s" % heard
