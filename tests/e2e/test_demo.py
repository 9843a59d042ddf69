# SPDX-License-Identifier: Apache-2.0
"""The demo call, as `make run` shows it: two processes, real SIP and RTP, speech recognised and synthesised."""
import os

import numpy

import lab
from dialogues import in_two_tries

CONFIG = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: reception, greeting: "Thank you for calling Acme Dental. How can I help you?", record: true,
      transfer: { human: "sip:person@127.0.0.1:5070" } }
routes:
  - { line: phones, agent: reception }
"""


@in_two_tries
def test_the_customer_is_understood_and_reaches_a_person(dialogues):
    o = dialogues.result("demo")
    assert o.code == 0, o
    call = o.call
    booked = " ".join(l["text"] for l in o.agent if "booked" in l["text"])
    assert "appointment" in o.heard_text and "thursday" in o.heard_text and "mary johnson" in o.heard_text, o
    assert "Thursday" in booked and "10" in booked, "the corrected appointment was booked: %s" % o
    assert any(l.get("interrupted") for l in o.agent), "she interrupted once, and what was not heard is not in the transcript: %s" % o
    assert call["ended_by"] == "transferred"
    assert len(call["turns"]) >= 6
    for words in ("SIP, as the daemon saw it", "INVITE", "Turns:", "MOS", "Recording"):
        assert words in o.out, words


@in_two_tries
def test_the_recording_has_both_sides_in_turn(dialogues):
    o = dialogues.result("demo")
    path = dialogues.demo_daemon.wait_recording(o.call["id"])
    left, rate = lab.read_wav(path, 0)
    right, _ = lab.read_wav(path, 1)
    assert len(left) == len(right)
    frame = rate // 2
    both = [(numpy.abs(left[i:i + frame]).max() > 500, numpy.abs(right[i:i + frame]).max() > 500)
            for i in range(0, len(left) - frame, frame)]
    assert sum(a for a, _ in both) >= 8 and sum(b for _, b in both) >= 20
    # They speak in turn: at the same time only around the interruption.
    assert sum(a and b for a, b in both) <= len(both) // 5, both
    assert os.path.getsize(path) > 44


def test_an_english_greeting_is_heard_word_by_word(daemons, tmp_path):
    """What goes out is speech: the greeting's length and rhythm, without holes inside words."""
    d = daemons(CONFIG)
    lab.tone_ulaw(tmp_path / "tone.ul", 1000)
    code, _ = lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "1", "-d", "6000")
    assert code == 0
    right, rate = lab.read_wav(d.wait_recording(d.wait_call(state="ended")["id"]), 1)
    n = rate // 50
    loud = [numpy.abs(right[i:i + n]).max() > 400 for i in range(0, len(right) - n, n)]
    assert 80 < sum(loud) < 260, "%d loud frames: the greeting lasts about three seconds" % sum(loud)
