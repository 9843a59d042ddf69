# SPDX-License-Identifier: Apache-2.0
"""What becomes of a call: booked, transferred, ended politely. Times are asserted in the simulations, not here."""
import pytest

from dialogues import in_two_tries


def assert_booked(o, day, name="Mary Johnson"):
    booked = " ".join(l["text"] for l in o.agent if "booked" in l["text"])
    assert day in booked, "%s was not booked:\n%s" % (day, o)
    assert name.split()[0] in o.agent_text, "the name was not read back:\n%s" % o
    assert o.call["ended_by"] == "agent", "it did not end with the agent's good-bye:\n%s" % o
    assert "oodbye" in o.agent_text, str(o)


@in_two_tries
def test_an_appointment_is_booked(dialogues):
    o = dialogues.result("happy")
    assert_booked(o, "Wednesday")
    assert o.caller["answered"] and len(o.call["turns"]) >= 5


@in_two_tries
def test_a_correction_changes_the_booking(dialogues):
    o = dialogues.result("corrected")
    assert_booked(o, "Thursday", "Sarah Miller")


@in_two_tries
def test_an_interruption_is_heard_and_answered(dialogues):
    o = dialogues.result("interrupting")
    assert_booked(o, "Friday")
    assert any(l.get("interrupted") for l in o.agent), "what was not heard is not in the transcript:\n%s" % o


@in_two_tries
def test_silence_ends_politely(dialogues):
    o = dialogues.result("silent")
    assert o.call["ended_by"] == "agent" and o.heard_text == "", str(o)
    assert o.agent_text.count("still there") >= 2 and "oodbye" in o.agent_text, str(o)


@in_two_tries
def test_noise_is_talked_over(dialogues):
    assert_booked(dialogues.result("noisy"), "Wednesday")


@in_two_tries
def test_keys_do_as_well_as_words(dialogues):
    o = dialogues.result("keys")
    assert_booked(o, "Wednesday")
    assert o.call["transcript"] and any(l.get("digits") for l in o.call["transcript"]), str(o)


@pytest.mark.parametrize("network", ["lossy", "bursty", "jittery"])
@in_two_tries
def test_a_bad_network_is_survived(dialogues, network):
    o = dialogues.result(network)
    assert o.network.passed > 500, "the call went through the relay"
    assert network == "jittery" or o.network.lost > 10
    assert_booked(o, "Wednesday")


@in_two_tries
def test_who_wants_a_person_gets_one(dialogues):
    o = dialogues.result("human")
    assert o.call["ended_by"] == "transferred", str(o)
    assert o.caller["reached_another"], str(o)
