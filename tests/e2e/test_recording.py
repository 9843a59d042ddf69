# SPDX-License-Identifier: Apache-2.0
"""Recordings: from the beginning or on demand, in parts, paused, with consent, through kill -9 and a full disk."""
import json
import os
import signal
import subprocess
import time

import pytest

import lab

CALLER = "127.0.0.31"
OURS = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: tone, brain: { kind: play, file: %s }%s }
routes:
  - { line: phones, agent: tone }
"""


class Two:
    """We play 1500 Hz, who calls us 1000 Hz."""

    def __init__(self, daemons, folder, more="", **how):
        for hz in (1000, 1500):
            lab.tone_wav(folder / ("%d.wav" % hz), hz, 120)
        self.daemons, self.config, self.how = daemons, OURS % (folder / "1500.wav", more), how
        self.us = daemons(self.config, name="us", **how)
        self.caller = daemons(OURS % (folder / "1000.wav", ""), name="caller", ip=CALLER)

    def call(self):
        status, call = self.caller.ask("POST", "/v1/calls", {"target": "sip:tone@" + lab.US})
        assert status == 201, call
        ours = self.us.wait_call(state="up", direction="inbound")["id"]
        return ours, call["id"]

    def end(self, ours, call):
        self.caller.ask("DELETE", "/v1/calls/" + call)
        return lab.wait_for("the end", 10, lambda: self.us.calls(state="ended") and self.us.get("/v1/calls/" + ours))

    def record(self, ours, action):
        status, doc = self.us.ask("POST", "/v1/calls/%s/recording" % ours, {"action": action})
        return status if status == 202 else (status, doc["detail"])

    def whole(self, ours, files=1):
        """The call once all its recordings are complete."""
        def check():
            doc = self.us.get("/v1/calls/" + ours)
            return len(doc["recordings"]) == files and all(r["complete"] for r in doc["recordings"]) and doc
        return lab.wait_for("%d complete recordings" % files, 10, check)

    def path(self, name):
        return os.path.join(self.us.folder, name)


def loud(path, channel, hz, rate=8000):
    """For each tenth of a second: whether this tone is there."""
    pcm, rate = lab.read_wav(path, channel)
    n = rate // 10
    return [lab.share(pcm[i:i + n], rate, hz, 60) > 0.8 for i in range(0, len(pcm) - n + 1, n)]


def runs(heard):
    """How often the same, one after the other; what lasts less than three tenths of a second is an edge."""
    found = []
    for is_heard in heard:
        if found and found[-1][0] == is_heard:
            found[-1][1] += 1
        else:
            found.append([is_heard, 1])
    whole = []
    for is_heard, n in found:
        if whole and (n < 3 or whole[-1][0] == is_heard):
            whole[-1][1] += n
        elif n >= 3:
            whole.append([is_heard, n])
    return whole


def test_start_pause_resume_stop(daemons, tmp_path):
    two = Two(daemons, tmp_path)
    events = subprocess.Popen([lab.TIPRING, "events", "call.ringing,call.recording", "--json", "--api", two.us.api_base],
                              stdout=subprocess.PIPE)
    time.sleep(0.5)
    try:
        ours, call = two.call()
        assert json.loads(events.stdout.readline())["type"] == "call.ringing"
        assert "recording_state" not in two.us.get("/v1/calls/" + ours)
        assert two.record(ours, "stop") == (409, "the call is up and its recording off")
        assert two.record(ours, "pause")[0] == 409 and two.record(ours, "sing")[0] == 422
        assert two.record(ours, "start") == 202
        assert two.record(ours, "start")[0] == 409
        time.sleep(1.5)
        assert two.record(ours, "pause") == 202
        assert two.us.get("/v1/calls/" + ours)["recording_state"] == "paused"
        time.sleep(1)
        assert two.record(ours, "resume") == 202
        time.sleep(1.5)
        assert two.record(ours, "stop") == 202
        assert two.whole(ours)["recording_state"] == "off"
        for action in ("start", "pause", "stop"):
            run = subprocess.run([lab.TIPRING, "record", ours, action, "--api", two.us.api_base], stdout=subprocess.PIPE, timeout=10)
            assert run.returncode == 0 and ours in run.stdout.decode()
            time.sleep(0.3)
        done = two.whole(ours, 2)
        two.end(ours, call)
    finally:
        lab.end_process(events)
    first, second = (two.path(r["file"]) for r in done["recordings"])
    assert done["recording"] == done["recordings"][0]["file"] and second.endswith(ours + "-2.wav")
    for channel, hz in ((0, 1000), (1, 1500)):
        on, off, again = runs(loud(first, channel, hz))
        assert on[0] and not off[0] and again[0] and min(on[1], off[1], again[1]) >= 6, (on, off, again)
        pcm, rate = lab.read_wav(first, channel)
        middle = (on[1] + off[1] // 2) * rate // 10
        assert not pcm[middle - rate // 4:middle + rate // 4].any(), "a pause is silence, bit for bit"
    states = [json.loads(line)["data"]["recording_state"] for line in events.stdout.read().decode().splitlines()]
    # "off" once more when the file is complete
    assert states == ["on", "paused", "on", "off", "off"] + ["on", "paused", "off", "off"], states
    assert not [f for f in os.listdir(os.path.dirname(first)) if f.endswith(".part")]


def test_nothing_is_recorded_before_consent(daemons, tmp_path):
    lab.tone_wav(tmp_path / "consent.wav", 700, 1.5)
    two = Two(daemons, tmp_path, ", record: true, record_consent: %s" % (tmp_path / "consent.wav"))
    ours, call = two.call()
    assert two.us.get("/v1/calls/" + ours)["recording_state"] == "prompt"
    assert two.us.ask("POST", "/v1/calls/%s/hold" % ours, {})[0] == 409
    lab.wait_for("the recording", 5, lambda: two.us.get("/v1/calls/" + ours)["recording_state"] == "on")
    time.sleep(1.5)
    # Once a call: the second part begins without it.
    assert two.record(ours, "stop") == 202 and two.record(ours, "start") == 202
    assert two.us.get("/v1/calls/" + ours)["recording_state"] == "on"
    assert two.caller.ask("POST", "/v1/calls/%s/recording" % call, {"action": "start"})[0] == 202
    two.end(ours, call)
    assert "the caller was told of the recording" in two.us.said(ours, "system")
    first = two.path(two.whole(ours, 2)["recordings"][0]["file"])
    ours_heard, said = loud(first, 1, 1500), loud(first, 1, 700)
    assert sum(said) <= 1 and sum(ours_heard) >= 10, (said, ours_heard)


def test_consent_is_heard_by_the_caller(daemons, tmp_path):
    lab.tone_wav(tmp_path / "consent.wav", 700, 1.5)
    two = Two(daemons, tmp_path, ", record_consent: %s" % (tmp_path / "consent.wav"))
    ours, call = two.call()
    assert two.caller.ask("POST", "/v1/calls/%s/recording" % call, {"action": "start"})[0] == 202
    time.sleep(1)
    assert two.record(ours, "start") == 202
    lab.wait_for("the recording", 5, lambda: two.us.get("/v1/calls/" + ours)["recording_state"] == "on")
    time.sleep(1.5)
    two.end(ours, call)
    path = two.caller.wait_recording(call)
    prompt, agent = (loud(os.path.join(two.caller.folder, path), 0, hz) for hz in (700, 1500))
    assert 12 <= sum(prompt) <= 16, prompt
    first, last = prompt.index(True), len(prompt) - prompt[::-1].index(True)
    assert any(agent[:first]) and not any(agent[first + 1:last - 1]) and sum(agent[last:]) >= 8, (prompt, agent)


def test_a_killed_daemon_leaves_a_whole_file(monkeypatch, daemons, tmp_path):
    monkeypatch.setenv("TIPRING_EXPECT_CRASH", "1")
    two = Two(daemons, tmp_path, ", record: true")
    ours, _ = two.call()
    time.sleep(3)
    two.us.process.send_signal(signal.SIGKILL)
    two.us.process.wait()
    folder = os.path.join(two.us.folder, "rec")
    assert os.listdir(folder) == [ours + ".wav.part"]
    again = daemons(two.config, name="us")
    assert os.listdir(folder) == [ours + ".wav"]
    heard = loud(os.path.join(folder, ours + ".wav"), 1, 1500)
    assert 22 <= len(heard) and all(heard[3:-1]), heard
    record = again.get("/v1/records/" + ours)
    assert record["state"] == "cut_off" and record["recordings"][0]["file"].endswith(ours + ".wav"), record
    assert again.ask("DELETE", "/v1/records/" + ours)[0] == 202
    lab.wait_for("the recording's deletion", 5, lambda: os.listdir(folder) == [])


def test_a_full_disk_is_counted_and_said(daemons, tmp_path):
    """The recording has a silent hole as long as the disk is full; the call goes on."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(small)]).returncode:
        pytest.skip("a file system of its own needs root")
    try:
        two = Two(daemons, tmp_path, ", record: true }\nmedia: { port_min: 20000, port_max: 29999, record_dir: %s" % small)
        ours, call = two.call()
        time.sleep(2)
        with open(small / "ballast", "wb") as f:
            try:
                f.write(b"x" * 5000000)
            except OSError:
                pass
        bad = lab.wait_for("the complaint", 10, lambda: [p for p in two.us.get("/v1/health")["problems"] if "recording" in p])
        assert bad == ["recordings of 1 calls are not written: No space left on device"], bad
        time.sleep(1)
        os.unlink(small / "ballast")
        lab.wait_for("its end", 20, lambda: not [p for p in two.us.get("/v1/health")["problems"] if "recording" in p])
        time.sleep(1)
        two.end(ours, call)
        done = two.whole(ours)
        stats = two.us.get("/v1/stats")["recordings"]
        assert done["recording_lost_ms"] >= 1000 and stats["lost_ms"] == done["recording_lost_ms"], (done, stats)
        heard = loud(done["recording"], 1, 1500)
        assert all(heard[3:15]) and not all(heard) and all(heard[-8:-1]), heard
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_an_agent_waits_for_the_consent_prompt(daemons, tmp_path):
    """Its greeting comes after the prompt, whole."""
    lab.tone_wav(tmp_path / "consent.wav", 700, 2)
    config = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: talker, greeting: "Hello, this is Acme Dental. How can I help you today?", record: true, record_consent: %s }
routes:
  - { line: phones, agent: talker }
""" % (tmp_path / "consent.wav")
    us = daemons(config, name="us")
    lab.tone_wav(tmp_path / "quiet.wav", 1000, 60, level=0)
    caller = daemons(OURS % (tmp_path / "quiet.wav", ", record: true"), name="caller", ip=CALLER)
    _, call = caller.ask("POST", "/v1/calls", {"target": "sip:talker@" + lab.US})
    ours = us.wait_call(state="up", direction="inbound")["id"]
    lab.wait_for("the greeting", 15, lambda: any("Acme Dental" in s for s in us.said(ours, "agent")))
    time.sleep(4)
    caller.ask("DELETE", "/v1/calls/" + call["id"])
    greeting = next(l for l in us.get("/v1/calls/" + ours)["transcript"] if l["who"] == "agent")
    assert "interrupted" not in greeting and greeting["text"].endswith("today?"), greeting
    path = os.path.join(caller.folder, caller.wait_recording(call["id"]))
    prompt = loud(path, 0, 700)
    pcm, rate = lab.read_wav(path)
    n = rate // 10
    end = len(prompt) - prompt[::-1].index(True)
    assert 17 <= sum(prompt) <= 21 and all(prompt[prompt.index(True):end]), "the prompt, and nothing over it: %s" % prompt
    assert sum(abs(pcm[i * n:(i + 1) * n]).max() > 500 for i in range(end, len(prompt))) > 15, "then the greeting"
