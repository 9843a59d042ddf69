# SPDX-License-Identifier: Apache-2.0
"""Callers put through to somebody else, by a real PBX: each way, each way it can fail, and the caller is never lost.

1002 calls and plays 1000 Hz; 1001 is the daemon under test, whose agent plays 1500 Hz; 1003 is the human, who plays 2000 Hz.
"""
import time

import pytest

import lab

CONFIG = """lines:
  - { name: office, preset: freepbx, server: %s, extension: "%d", password: secret%d }
agents:
  - { name: tone, brain: { kind: play, file: %s }, record: true }
routes:
  - { line: office, agent: tone }
"""


@pytest.fixture
def people(daemons, pbx, tmp_path):
    made = {}
    for name, extension, ip, hz in (("us", 1001, "127.0.0.30", 1500), ("caller", 1002, "127.0.0.31", 1000), ("human", 1003, "127.0.0.32", 2000)):
        path = tmp_path / ("%d.wav" % hz)
        lab.tone_wav(path, hz, 60)
        made[name] = daemons(CONFIG % (lab.PBX, extension, extension, path), name=name, ip=ip)
    for d in made.values():
        d.wait_line("office", "registered")
    us, caller, human = made["us"], made["caller"], made["human"]
    _, call = caller.ask("POST", "/v1/calls", {"target": "1001", "agent": "tone"})
    ours = us.wait_call(state="up", direction="inbound")
    lab.wait_for("the answer", 10, lambda: caller.get("/v1/calls/" + call["id"])["state"] == "up")
    time.sleep(1)
    yield us, caller, human, ours["id"], call["id"]


def put_through(us, ours, **body):
    status, doc = us.ask("POST", "/v1/calls/%s/transfer" % ours, body)
    assert status == 202, doc


def tail(d, call, seconds=1.5):
    """The last seconds that this call's daemon heard of its peer."""
    pcm, rate = lab.read_wav(d.wait_recording(call))
    return pcm[-int(seconds * rate):], rate


def share(d, call, hz):
    pcm, rate = tail(d, call)
    return lab.share(pcm, rate, hz)


def nobody_left(us):
    lab.wait_for("the end of all legs", 10, lambda: us.get("/v1/health")["calls"] == 0)


def assert_they_talk(caller, human, caller_call):
    """Both hear each other for two seconds; then the caller hangs up and nobody is left."""
    theirs = human.wait_call(state="up", seconds=15)
    time.sleep(3)
    caller.ask("DELETE", "/v1/calls/" + caller_call)
    human.wait_call(state="ended")
    assert share(caller, caller_call, 2000) > 0.9, "the caller hears the human"
    assert share(human, theirs["id"], 1000) > 0.9, "the human hears the caller"


@pytest.mark.parametrize("mode", ["blind", "attended", "bridge"])
def test_the_caller_reaches_the_human(people, mode):
    us, caller, human, ours, call = people
    put_through(us, ours, target="1003", mode=mode)
    assert_they_talk(caller, human, call)
    ended = us.get("/v1/calls/" + ours)
    if mode == "bridge":
        assert ended["ended_by"] == "peer" and any("connected with" in s for s in us.said(ours)), ended
    else:
        assert ended["ended_by"] == "transferred", ended
    nobody_left(us)


@pytest.mark.parametrize("mode", ["blind", "attended", "bridge"])
@pytest.mark.parametrize("target,words", [("606", ""), ("9999", "exist"), ("1061", "")])
def test_the_caller_is_never_lost(people, mode, target, words):
    """Refused, unknown, not registered: the caller is back with the agent, and still hears it."""
    us, caller, human, ours, call = people
    put_through(us, ours, target=target, mode=mode)
    lab.wait_for("the return", 15, lambda: any("back to the agent" in s for s in us.said(ours, "system")))
    assert us.get("/v1/calls/" + ours)["state"] == "up"
    time.sleep(2)
    caller.ask("DELETE", "/v1/calls/" + call)
    assert share(caller, call, 1500) > 0.9, "the agent speaks again"


def test_hold_and_resume_by_us(people):
    """The PBX takes the hold; the caller hears nothing of our agent meanwhile, and the agent again afterwards."""
    us, caller, human, ours, call = people
    assert us.ask("POST", "/v1/calls/%s/hold" % ours, {})[0] == 202
    assert us.ask("POST", "/v1/calls/%s/hold" % ours, {})[0] == 409
    time.sleep(3)
    assert us.get("/v1/calls/" + ours)["is_held"]
    assert us.ask("POST", "/v1/calls/%s/resume" % ours, {})[0] == 202
    time.sleep(2)
    trace = us.get("/v1/calls/%s/trace" % ours)["messages"]
    offers = [m["message"] for m in trace if m["direction"] == "out" and m["message"].startswith("INVITE")]
    assert len(offers) == 2 and "a=inactive" in offers[0] and "a=inactive" not in offers[1], offers
    assert us.get("/v1/calls/" + ours)["state"] == "up"
    caller.ask("DELETE", "/v1/calls/" + call)
    pcm, rate = lab.read_wav(caller.wait_recording(call))
    assert lab.share(pcm[-rate:], rate, 1500) > 0.9, "the agent is back"
    quiet = [lab.share(pcm[i:i + rate // 4], rate, 1500) for i in range(0, len(pcm) - rate, rate // 4)]
    assert sum(q < 0.5 for q in quiet) >= 8, "two seconds at least without the agent: %s" % quiet


def test_a_silent_target_gives_way_to_the_fallback(people):
    """605 rings and never answers: after its time the next one is tried, and meanwhile the caller hears ringing."""
    us, caller, human, ours, call = people
    put_through(us, ours, target="605", mode="bridge", ring_s=5, fallback=["606", "1003"])
    time.sleep(3)
    assert us.get("/v1/calls/" + ours)["state"] == "transferring"
    assert_they_talk(caller, human, call)
    pcm, rate = lab.read_wav(caller.wait_recording(call))
    rings = [lab.share(pcm[i:i + rate // 2], rate, 425) for i in range(0, len(pcm) - rate, rate // 2)]
    assert max(rings) > 0.9, "the caller heard no ringing: %s" % rings


def test_a_caller_who_gives_up_ends_everything(people):
    us, caller, human, ours, call = people
    put_through(us, ours, target="605", mode="bridge")
    time.sleep(1)
    caller.ask("DELETE", "/v1/calls/" + call)
    nobody_left(us)
    legs = us.calls(direction="outbound")
    assert legs and legs[0]["ended_by"] == "peer" and "hung up" in legs[0]["cause"], legs


def test_the_humans_hanging_up_ends_the_call(people):
    us, caller, human, ours, call = people
    put_through(us, ours, target="1003", mode="bridge")
    theirs = human.wait_call(state="up", seconds=15)
    time.sleep(1)
    human.ask("DELETE", "/v1/calls/" + theirs["id"])
    caller.wait_call(state="ended")
    nobody_left(us)


def test_a_supervisor_in_every_mode(people, daemons, tmp_path):
    """Caller (1000 Hz) and human (2000 Hz) are joined; the supervisor (2600 Hz, wideband) hears both, and is heard by whom the mode says."""
    us, caller, human, ours, call = people
    path = tmp_path / "2600.wav"
    lab.tone_wav(path, 2600, 60)
    boss = daemons(CONFIG % (lab.PBX, 1022, 1022, path), name="boss", ip="127.0.0.33")
    boss.wait_line("office", "registered")
    put_through(us, ours, target="1003", mode="bridge")
    theirs = human.wait_call(state="up", seconds=15)
    time.sleep(1)
    supervise = "/v1/calls/%s/supervise" % ours
    assert us.ask("POST", supervise, {"target": "1022", "mode": "nonsense"})[0] == 422
    assert us.ask("POST", supervise, {"target": "1022", "mode": "listen"})[0] == 202
    watching = boss.wait_call(state="up", seconds=15)
    stages, begin = [], {}
    for mode in ("listen", "whisper_human", "barge", "take_over", "listen"):
        assert us.ask("POST", supervise, {"mode": mode})[0] == 202
        time.sleep(0.7)
        begin[len(stages)] = [time.monotonic()]
        stages.append(mode)
        time.sleep(1.5)
    end = time.monotonic()
    boss.ask("DELETE", "/v1/calls/" + watching["id"])
    time.sleep(1.5)
    assert us.get("/v1/calls/" + ours)["state"] == "up"
    last = time.monotonic()
    caller.ask("DELETE", "/v1/calls/" + call)
    human.wait_call(state="ended")

    def heard(d, call_id, hz, stage):
        pcm, rate = lab.read_wav(d.wait_recording(call_id))
        at = len(pcm) - int((last - begin[stage][0]) * rate)
        return lab.share(pcm[at:at + rate], rate, hz) > 0.2

    for i, mode in enumerate(stages):
        assert heard(caller, call, 2600, i) == (mode in ("barge", "take_over")), mode
        assert heard(human, theirs["id"], 2600, i) == (mode in ("whisper_human", "barge", "take_over")), mode
        assert heard(caller, call, 2000, i) and heard(human, theirs["id"], 1000, i), mode
    pcm, rate = lab.read_wav(boss.wait_recording(watching["id"]))
    assert lab.share(pcm[-rate:], rate, 1000) > 0.2 and lab.share(pcm[-rate:], rate, 2000) > 0.2, "the supervisor hears both"
    pcm, rate = lab.read_wav(caller.wait_recording(call))
    assert lab.share(pcm[-rate:], rate, 2000) > 0.9, "the two talk on when the supervisor has left"
    assert end < last
