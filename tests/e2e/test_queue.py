# SPDX-License-Identifier: Apache-2.0
"""Callers in line for a person: in order, with music and positions, and never lost whatever the persons do.

Callers play 1000 Hz, our agent 1500 Hz, our music is 600 Hz, the person plays 2000 Hz.
"""
import os
import socket
import subprocess
import time

import pytest

import lab
from test_park import CALLER, HUMAN, PHONE
from test_recording import loud

OURS = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: tone, brain: { kind: play, file: %s }, music: %s }
routes:
  - { line: phones, agent: tone }
queues:
  - { name: sales, rest_s: 1, %s }
"""
PERSON, NOBODY = "sip:tone@" + HUMAN, "sip:x@127.0.0.39:5999"


class Office:
    def __init__(self, daemons, folder, queue, agent=None):
        for hz in (600, 1000, 1500, 2000):
            lab.tone_wav(folder / ("%d.wav" % hz), hz, 120)
        config = OURS % (folder / "1500.wav", folder / "600.wav", queue)
        if agent:
            config = config.replace("name: tone, brain: { kind: play, file: %s }" % (folder / "1500.wav"), agent)
        self.us = daemons(config, name="us")
        self.caller = daemons(PHONE % (folder / "1000.wav", ""), name="caller", ip=CALLER)
        self.human = daemons(PHONE % (folder / "2000.wav", ""), name="human", ip=HUMAN)

    def call(self):
        known = {c["id"] for c in self.us.calls()}
        call = self.caller.ask("POST", "/v1/calls", {"target": "sip:tone@" + lab.US})[1]["id"]
        ours = lab.wait_for("the call", 10, lambda: [c["id"] for c in self.us.calls(state="up") if c["id"] not in known])[0]
        time.sleep(0.3)
        return ours, call

    def queue(self, ours, **body):
        status, doc = self.us.ask("POST", "/v1/calls/%s/queue" % ours, body or {"name": "sales"})
        return status if status == 202 else (status, doc["detail"])

    def position(self, ours):
        place = self.us.get("/v1/calls/" + ours).get("queue")
        return place and place["position"]

    def hang_up(self, call):
        self.caller.ask("DELETE", "/v1/calls/" + call)

    def nobody_left(self):
        # A leg to somebody who never said a word cannot be cancelled: it ends by itself, after its 64*T1.
        lab.wait_for("the end of all", 60, lambda: self.us.get("/v1/health")["calls"] == 0)

    def heard(self, call, hz):
        return loud(os.path.join(self.caller.folder, self.caller.wait_recording(call)), 0, hz)

    def is_joined(self, ours):
        return any("connected with" in s for s in self.us.said(ours))


def test_one_after_the_other(daemons, tmp_path):
    """One person, three callers: the first is joined at once, the others hear music and move up."""
    o = Office(daemons, tmp_path, 'members: [ "%s" ], max_callers: 2' % PERSON)
    calls = [o.call() for _ in range(4)]
    assert o.queue(calls[0][0], name="nowhere") == (404, "there is no queue nowhere")
    run = subprocess.run([lab.TIPRING, "queue", calls[0][0], "sales", "--api", o.us.api_base], stdout=subprocess.PIPE, timeout=10)
    assert run.returncode == 0 and calls[0][0] in run.stdout.decode()
    lab.wait_for("the first", 10, lambda: o.is_joined(calls[0][0]))
    assert o.queue(calls[1][0]) == 202 and o.queue(calls[2][0]) == 202
    assert o.queue(calls[3][0]) == (409, "the line of sales is full")
    assert o.us.get("/v1/calls/" + calls[3][0])["state"] == "up"
    assert o.queue(calls[1][0])[0] == 409, "once"
    for what, body in (("transfer", {"target": "1"}), ("park", {}), ("hold", {}), ("supervise", {"target": "1"})):
        assert o.us.ask("POST", "/v1/calls/%s/%s" % (calls[1][0], what), body)[0] == 409, what
    time.sleep(2.5)
    assert [o.position(c[0]) for c in calls] == [None, 1, 2, None]
    o.hang_up(calls[0][1])
    lab.wait_for("the second", 10, lambda: o.is_joined(calls[1][0]))
    lab.wait_for("the third's moving up", 5, lambda: o.position(calls[2][0]) == 1)
    assert not o.is_joined(calls[2][0])
    # Who gives up waiting is not missed; who is taken out is with the agent.
    assert o.queue(calls[3][0]) == 202
    lab.wait_for("the fourth's place", 5, lambda: o.position(calls[3][0]) == 2)
    o.hang_up(calls[2][1])
    lab.wait_for("the fourth's moving up", 5, lambda: o.position(calls[3][0]) == 1)
    assert o.queue(calls[3][0], leave=True) == 202 and o.position(calls[3][0]) is None
    time.sleep(1)
    for c in (calls[1], calls[3]):
        o.hang_up(c[1])
    o.nobody_left()
    assert sum(o.heard(calls[1][1], 600)) >= 15 and sum(o.heard(calls[1][1], 2000)) >= 5, "music, then the person"
    assert all(o.heard(calls[3][1], 1500)[-7:-2]), "the agent again"


@pytest.mark.parametrize("fallback", ["", ', fallback: [ "%s", "sip:nobody@127.0.0.32:5998" ]' % NOBODY])
def test_nobody_is_ever_free(daemons, tmp_path, fallback):
    """Members that do not answer, fall-backs neither: the agent again."""
    o = Office(daemons, tmp_path, 'members: [ "%s" ], ring_s: 3, max_wait_s: 6%s' % (NOBODY, fallback))
    ours, call = o.call()
    assert o.queue(ours) == 202
    lab.wait_for("the return", 90, lambda: o.us.get("/v1/calls/" + ours)["state"] == "up" and o.position(ours) is None)
    assert any("nobody of sales was free in time" in s for s in o.us.said(ours))
    time.sleep(1.5)
    o.hang_up(call)
    o.nobody_left()
    assert all(o.heard(call, 1500)[-9:-2]) and sum(o.heard(call, 600)) >= 15


def test_the_fallback_takes_over(daemons, tmp_path):
    o = Office(daemons, tmp_path, 'members: [ "%s" ], ring_s: 3, max_wait_s: 5, fallback: [ "%s" ]' % (NOBODY, PERSON))
    ours, call = o.call()
    assert o.queue(ours) == 202
    lab.wait_for("the person", 60, lambda: o.is_joined(ours))
    time.sleep(1.5)
    o.hang_up(call)
    o.nobody_left()
    assert all(o.heard(call, 2000)[-9:-2])


def test_the_next_member_when_one_does_not_answer(daemons, tmp_path):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.38", 5060))
    o = Office(daemons, tmp_path, 'members: [ "sip:x@127.0.0.38", "%s" ], ring_s: 3' % PERSON)
    ours, call = o.call()
    assert o.queue(ours) == 202
    lab.wait_for("the person", 30, lambda: o.is_joined(ours))
    # A second caller whose member rings hangs up: the leg to it ends too.
    second, other = o.call()
    assert o.queue(second) == 202
    lab.wait_for("ringing", 20, lambda: o.us.get("/v1/calls/" + second)["state"] == "transferring")
    o.hang_up(other)
    o.hang_up(call)
    o.nobody_left()
    silent.close()


def test_the_position_is_said(daemons, tmp_path):
    """In the agent's voice, between pieces of music; the caller is joined while or after it, all the same."""
    o = Office(daemons, tmp_path, 'members: [ "%s" ], ring_s: 3, announce_s: 5, announce: "Your place is {position}, please wait."' % NOBODY,
               agent="name: tone, greeting: \"Hello, one moment.\", transfer: { human: \"queue:sales\" }")
    ours, call = o.call()
    lab.wait_for("the greeting", 20, lambda: any("one moment" in s for s in o.us.said(ours, "agent")))
    assert o.us.ask("POST", "/v1/calls/%s/transfer" % ours, {"target": "queue:sales"})[0] == 202
    lab.wait_for("two announcements", 60, lambda: sum("Your place is 1, please wait." in s for s in o.us.said(ours, "agent")) >= 2)
    assert o.position(ours) == 1
    assert o.queue(ours, leave=True) == 202 or lab.wait_for("leaving", 10, lambda: o.queue(ours, leave=True) == 202)
    lab.wait_for("the agent's word", 20, lambda: len(o.us.said(ours, "agent")) >= 4)
    o.hang_up(call)
    o.nobody_left()
    music = o.heard(call, 600)
    assert sum(music) >= 40 and not all(music), music
