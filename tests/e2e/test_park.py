# SPDX-License-Identifier: Apache-2.0
"""Parked callers: music, fetched by dialling the slot or by a phone that is rung, and never lost whatever happens.

The caller plays 1000 Hz, we 1500 Hz, our music is 600 Hz, the human plays 2000 Hz.
"""
import os
import subprocess
import time

import pytest

import lab
from test_recording import loud

CALLER, HUMAN, DEAD = "127.0.0.31", "127.0.0.32", "127.0.0.39"
OURS = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: tone, brain: { kind: play, file: %s }, record: true, music: %s }
routes:
  - { line: phones, agent: tone }
park: { slots: 701-702, lines: [ phones ], timeout_s: %d%s }
"""
PHONE = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: tone, brain: { kind: play, file: %s }, record: true }
routes:
  - { line: phones, agent: tone%s }
"""


class World:
    def __init__(self, daemons, folder, timeout_s=60, fallback="", human_route=""):
        for hz in (600, 1000, 1500, 2000):
            lab.tone_wav(folder / ("%d.wav" % hz), hz, 120)
        self.us = daemons(OURS % (folder / "1500.wav", folder / "600.wav", timeout_s, fallback), name="us")
        self.caller = daemons(PHONE % (folder / "1000.wav", ""), name="caller", ip=CALLER)
        self.human = daemons(PHONE % (folder / "2000.wav", human_route), name="human", ip=HUMAN)

    def call(self):
        _, call = self.caller.ask("POST", "/v1/calls", {"target": "sip:tone@" + lab.US})
        ours = lab.wait_for("the call", 10, lambda: self.us.calls(state="up", direction="inbound"))[0]["id"]
        time.sleep(0.7)
        return ours, call["id"]

    def park(self, ours, **body):
        status, doc = self.us.ask("POST", "/v1/calls/%s/park" % ours, body)
        return doc["slot"] if status == 202 else (status, doc["detail"])

    def heard(self, d, call, hz):
        return loud(os.path.join(d.folder, d.wait_recording(call)), 0, hz)

    def talk(self, call, human_call=None):
        """Caller and human hear each other; the caller hangs up and nobody is left."""
        theirs = human_call or self.human.wait_call(state="up", seconds=15)["id"]
        time.sleep(1.5)
        self.caller.ask("DELETE", "/v1/calls/" + call)
        lab.wait_for("the end of all", 10, lambda: self.us.get("/v1/health")["calls"] == 0)
        assert all(self.heard(self.caller, call, 2000)[-10:-2]), "the caller hears the human"
        assert all(self.heard(self.human, theirs, 1000)[-10:-2]), "the human hears the caller"


def dial(d, target):
    status, doc = d.ask("POST", "/v1/calls", {"target": "sip:%s@%s" % (target, lab.US)})
    assert status == 201, doc
    return doc["id"]


def test_park_and_dial_the_slot(daemons, tmp_path):
    w = World(daemons, tmp_path)
    ours, call = w.call()
    assert w.park(ours, slot=700) == (422, "slot 700 is none of park.slots")
    run = subprocess.run([lab.TIPRING, "park", ours, "702", "--api", w.us.api_base], stdout=subprocess.PIPE, timeout=10)
    assert run.returncode == 0 and run.stdout.decode() == "parked in 702: %s\n" % ours
    assert w.us.get("/v1/calls/" + ours)["parked"] == 702
    for what, body in (("park", {}), ("hold", {}), ("transfer", {"target": "1"}), ("supervise", {"target": "1"})):
        assert w.us.ask("POST", "/v1/calls/%s/%s" % (ours, what), body)[0] == 409, what
    time.sleep(1.5)
    # A second caller: the slot is taken, another is not, then none is left.
    two, second = w.call()
    assert w.park(two, slot=702) == (409, "slot 702 is taken")
    assert w.park(two) == 701
    three, third = w.call()
    assert w.park(three) == (409, "all slots are taken")
    assert w.us.get("/v1/calls/" + three)["state"] == "up"
    for c in (second, third):
        w.caller.ask("DELETE", "/v1/calls/" + c)
    lab.wait_for("their end", 5, lambda: w.us.get("/v1/health")["calls"] == 1)
    gone = dial(w.human, "701")
    lab.wait_for("the refusal", 5, lambda: w.human.get("/v1/calls/" + gone)["state"] == "ended")
    assert w.human.get("/v1/calls/" + gone)["sip_status"] == 404
    theirs = dial(w.human, "702")
    lab.wait_for("the two", 5, lambda: any("connected with" in s for s in w.us.said(ours)))
    assert "parked" not in w.us.get("/v1/calls/" + ours)
    w.talk(call, theirs)
    assert sum(w.heard(w.caller, call, 600)) >= 12, "music meanwhile"


def test_a_phone_is_rung_for_a_parked_caller(daemons, tmp_path):
    """The API rings a phone; one that refuses or doesn't exist leaves the caller parked, with music."""
    w = World(daemons, tmp_path)
    ours, call = w.call()
    assert w.us.ask("POST", "/v1/calls/%s/retrieve" % ours, {"target": "sip:x@" + HUMAN})[0] == 409, "not parked"
    assert w.park(ours) == 701
    assert w.us.ask("POST", "/v1/calls/%s/retrieve" % ours, {})[0] == 422
    for nobody in ("sip:x@%s:5999" % DEAD, "sip:tone@" + lab.US + ":5999"):
        assert w.us.ask("POST", "/v1/calls/%s/retrieve" % ours, {"target": nobody, "ring_s": 2})[0] == 202
        lab.wait_for("its failure", 10, lambda: w.us.get("/v1/calls/" + ours)["state"] == "up")
        assert w.us.get("/v1/calls/" + ours)["parked"] == 701
    assert sum("still parked in 701" in s for s in w.us.said(ours)) == 2
    time.sleep(1.5)
    run = subprocess.run([lab.TIPRING, "retrieve", ours, "sip:tone@" + HUMAN, "--api", w.us.api_base], stdout=subprocess.PIPE, timeout=10)
    assert run.returncode == 0
    w.talk(call)
    music, human = w.heard(w.caller, call, 600), w.heard(w.caller, call, 2000)
    assert all(music[human.index(True) - 14:human.index(True) - 4]), "music until the phone answers: %s %s" % (music, human)


@pytest.mark.parametrize("fallback", ["", ", fallback: [ \"sip:x@127.0.0.39:5999\", \"sip:nobody@127.0.0.32:5998\" ]"])
def test_whom_nobody_fetches_is_back_with_the_agent(daemons, tmp_path, fallback):
    w = World(daemons, tmp_path, timeout_s=2, fallback=fallback)
    ours, call = w.call()
    assert w.park(ours) == 701
    lab.wait_for("the return", 90, lambda: any("back to the agent" in s or "1500" in s for s in w.us.said(ours)) or
                 ("parked" not in w.us.get("/v1/calls/" + ours) and w.us.get("/v1/calls/" + ours)["state"] == "up"))
    time.sleep(1.5)
    w.caller.ask("DELETE", "/v1/calls/" + call)
    assert all(w.heard(w.caller, call, 1500)[-10:-2]), "the agent again"


def test_an_agent_goes_on_when_nobody_came(daemons, tmp_path):
    """The agent that waited speaks again, and the music is over."""
    lab.tone_wav(tmp_path / "600.wav", 600, 120)
    lab.tone_wav(tmp_path / "quiet.wav", 1000, 60, level=0)
    us = daemons((OURS % ("x", tmp_path / "600.wav", 2, "")).replace("brain: { kind: play, file: x }", 'greeting: "Hello, one moment."'), name="us")
    caller = daemons(PHONE % (tmp_path / "quiet.wav", ""), name="caller", ip=CALLER)
    _, call = caller.ask("POST", "/v1/calls", {"target": "sip:tone@" + lab.US})
    ours = us.wait_call(state="up", direction="inbound")["id"]
    lab.wait_for("the greeting", 20, lambda: any("one moment" in s for s in us.said(ours, "agent")))
    assert us.ask("POST", "/v1/calls/%s/park" % ours, {})[0] == 202
    lab.wait_for("the return", 20, lambda: any("back to the agent" in s for s in us.said(ours)))
    said = len(us.said(ours, "agent"))
    lab.wait_for("its words", 20, lambda: len(us.said(ours, "agent")) > said)
    caller.ask("DELETE", "/v1/calls/" + call["id"])
    music = loud(os.path.join(caller.folder, caller.wait_recording(call["id"])), 0, 600)
    assert sum(music) >= 15 and not any(music[-8:-1]), music


def test_the_fallback_takes_over_in_time(daemons, tmp_path):
    w = World(daemons, tmp_path, timeout_s=2, fallback=", fallback: [ \"sip:x@127.0.0.39:5999\", \"sip:tone@127.0.0.32\" ]")
    ours, call = w.call()
    assert w.park(ours) == 701
    w.human.wait_call(state="up", seconds=60)
    w.talk(call)


def test_a_human_parks_the_caller_and_gets_the_call_back(daemons, tmp_path):
    """Parked out of a conversation: the human leaves, is rung again when nobody came, and the caller is with the human once more."""
    w = World(daemons, tmp_path, timeout_s=2)
    ours, call = w.call()
    assert w.us.ask("POST", "/v1/calls/%s/transfer" % ours, {"target": "sip:tone@" + HUMAN, "mode": "bridge"})[0] == 202
    first = w.human.wait_call(state="up", seconds=15)["id"]
    time.sleep(1)
    assert w.park(ours) == 701
    lab.wait_for("the human's leaving", 5, lambda: w.human.get("/v1/calls/" + first)["state"] == "ended")
    again = lab.wait_for("the second call", 15, lambda: w.human.calls(state="up"))[0]["id"]
    assert again != first
    w.talk(call, again)


def test_nobody_comes_and_nobody_is_there(daemons, tmp_path):
    """The human is gone for good: whoever answered first begins anew."""
    w = World(daemons, tmp_path, timeout_s=2)
    ours, call = w.call()
    assert w.us.ask("POST", "/v1/calls/%s/transfer" % ours, {"target": "sip:tone@" + HUMAN, "mode": "bridge"})[0] == 202
    w.human.wait_call(state="up", seconds=15)
    time.sleep(1)
    assert w.park(ours, fallback=["sip:x@%s:5998" % HUMAN]) == 701
    lab.wait_for("the return", 60, lambda: "parked" not in w.us.get("/v1/calls/" + ours))
    assert w.us.get("/v1/calls/" + ours)["state"] == "up"
    time.sleep(2)
    w.caller.ask("DELETE", "/v1/calls/" + call)
    assert all(w.heard(w.caller, call, 1500)[-10:-2]), "the tone again"


def test_races(daemons, tmp_path):
    """Two phones dial one slot, a rung phone and a dialled slot, a caller who hangs up meanwhile: at most one gets the caller, nobody hangs."""
    w = World(daemons, tmp_path)
    for round in range(4):
        ours, call = w.call()
        slot = w.park(ours)
        legs = [dial(w.human, str(slot)), dial(w.human, str(slot))]
        w.us.ask("POST", "/v1/calls/%s/retrieve" % ours, {"target": "sip:tone@" + HUMAN})
        if round % 2:
            w.caller.ask("DELETE", "/v1/calls/" + call)
        time.sleep(1.5)
        up = w.human.calls(state="up")
        assert len(up) == (0 if round % 2 else 1), (round, up, legs)
        w.caller.ask("DELETE", "/v1/calls/" + call)
        lab.wait_for("the end of all", 10, lambda: w.us.get("/v1/health")["calls"] == 0 and w.human.get("/v1/health")["calls"] == 0)
