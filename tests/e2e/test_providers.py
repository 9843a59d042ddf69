# SPDX-License-Identifier: Apache-2.0
"""Agents whose ears, mind and voice are in the network: a scripted caller, the daemon, and a server that speaks OpenAI's interfaces."""
import json
import os
import subprocess

import lab
import pytest
from standin import KEY, Standin

DAEMON, HERE, PHONE = "127.0.0.81", "127.0.0.82", "127.0.0.83"

CONFIG = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
providers:
  - { name: good, kind: openai-chat, url: "%(url)s/good/v1", key: %(key)s, model: m, temperature: 0.2, max_tokens: 80, extra: { reasoning_effort: low } }
  - { name: down, kind: openai-chat, url: "%(url)s/down/v1", key: %(key)s, model: m }
  - { name: slow, kind: openai-chat, url: "%(url)s/slow/v1", key: %(key)s, model: m }
  - { name: cut, kind: openai-chat, url: "%(url)s/cut/v1", key: %(key)s, model: m }
  - { name: stranger, kind: openai-chat, url: "%(url)s/good/v1", key: wrong, model: m }
  - { name: ears, kind: openai-transcription, url: "%(url)s/good/v1/", key: %(key)s, model: ears }
  - { name: voice, kind: openai-speech, url: "%(url)s/good/v1", key: %(key)s, model: tts, voice: coral }
agents:
  - { name: a, greeting: "Acme, how can I help?", instructions: "You are Ann of Acme.", record: true, brain: %(brain)s }
routes:
  - { line: phones, agent: a }
"""

LINES = """
name: caller
patience_ms: 12000
lines:
  - What are your opening hours?
  - { text: Goodbye., wait_ms: 900 }
"""


def ann(messages):
    """Answers the first thing that the caller says, takes leave after the second."""
    said = [m for m in messages if m["role"] == "user" and not m["content"].startswith("[")]
    if not said:
        return "Hello?", []
    return ("We are open until six o'clock.", []) if len(said) < 2 else ("Goodbye.", [("hang_up", {"reason": "done"})])


@pytest.fixture
def world(daemons, tmp_path):
    servers = []

    def begin(brain, answer=ann, lines=LINES, heard="when are you open", expect_end=True):
        standin = Standin(HERE, answer, heard)
        servers.append(standin)
        d = lab.Daemon(tmp_path / ("daemon%d" % len(servers)), CONFIG % {"url": standin.url, "key": KEY, "brain": brain}, ip=DAEMON)
        servers.append(d)
        script = tmp_path / "caller.yaml"
        script.write_text(lines)
        run = subprocess.run([lab.TIPRING, "caller", str(script), "sip:a@%s" % DAEMON, "--listen", PHONE + ":5070", "--json"], cwd=str(tmp_path),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=90)
        calls = lab.wait_for("the record", 15, lambda: [c for c in d.get("/v1/calls")["calls"] if c["state"] == "ended"])
        call = d.get("/v1/calls/" + calls[0]["id"])
        agent = [l["text"] for l in call["transcript"] if l["who"] == "agent"]
        return standin, d, call, agent, run.stdout.decode(errors="replace")

    yield begin
    for s in servers:
        s.stop()


def test_a_model_answers_and_ends_the_call(world):
    standin, d, call, agent, out = world("{ kind: pipeline, llm: good }")
    assert agent == ["Acme, how can I help?", "We are open until six o'clock.", "Goodbye."], (agent, out)
    assert call["ended_by"] == "agent", call
    first, second = standin.asked
    assert first["model"] == "m" and first["stream"] and first["temperature"] == 0.2 and first["max_tokens"] == 80
    assert first["reasoning_effort"] == "low" and {t["function"]["name"] for t in first["tools"]} == {"transfer", "hang_up"}
    assert [m["role"] for m in first["messages"]] == ["system", "assistant", "user"]
    assert "You are Ann of Acme." in first["messages"][0]["content"] and first["messages"][2]["content"] == "what are your opening hours"
    assert [m["content"] for m in second["messages"][2:4]] == ["what are your opening hours", "We are open until six o'clock."]
    assert KEY not in d.text()


def test_ears_and_voice_in_the_network(world):
    # The voice is a tone, which our caller does not take for speech: she goes on when her patience ends.
    standin, d, call, agent, out = world("{ kind: pipeline, stt: ears, llm: good, tts: voice }", lines=LINES.replace("12000", "3000"))
    assert agent[1:] == ["We are open until six o'clock.", "Goodbye."], (agent, out)
    heard = [l["text"] for l in call["transcript"] if l["who"] == "caller"]
    assert heard == ["when are you open", "when are you open"]
    for u in standin.utterances:
        assert u["rate"] in (8000, 16000) and 0.3 < u["seconds"] < 10 and u["peak"] > 500 and u["model"] and u["language"], u
    assert {s["voice"] for s in standin.spoken} == {"coral"} and {s["response_format"] for s in standin.spoken} == {"pcm"}
    recording = os.path.join(d.folder, d.wait_recording(call["id"]))
    assert lab.share(*lab.read_wav(recording, channel=1), 1000) > 0.9  # what we said is the tone that came


@pytest.mark.parametrize("first", ["down", "slow", "cut", "stranger"])
def test_another_mind_takes_the_turn(world, first):
    """The caller hears one answer, whatever became of the first mind."""
    standin, d, call, agent, out = world("{ kind: pipeline, llm: [ %s, good ] }" % first)
    said = " ".join(agent)
    assert said.count("We are open until six o'clock.") == 1 and "technical problem" not in said, (agent, out)
    assert "llm.failed llm=%s" % first in d.text()


def test_the_embedded_mind_is_the_last_resort(world):
    standin, d, call, agent, out = world("{ kind: pipeline, llm: [ down, embedded ] }")
    assert "We are open Monday to Friday, from 8 am to 6 pm." in " ".join(agent), (agent, out)
    assert call["ended_by"] == "agent", call


def test_without_another_mind_the_caller_is_told(world):
    standin, d, call, agent, out = world("{ kind: pipeline, llm: stranger }")
    assert standin.refused >= 1
    assert "Incorrect API key provided" in d.text() + json.dumps(call)
    assert call["ended_by"] == "agent" and len(agent) >= 2, (agent, call)  # the apology


def test_what_brains_name_is_checked(tmp_path):
    path = tmp_path / "t.yaml"
    for text, faults in (
            ("providers:\n  - { name: x, kind: openai-speech, url: \"ftp://x\", model: m }\n", ("t.yaml:2: provider x: url", "\"voice\" is missing")),
            ("providers:\n  - { name: x, kind: openai-speech, url: \"https://x\", model: m, voice: v }\nagents:\n"
             "  - { name: a, brain: { llm: [ x, nobody ] } }\n",
             ("t.yaml:4: agent a: brain.llm: provider x is of kind openai-speech; wanted is openai-chat", "there is no provider \"nobody\""))):
        path.write_text(text)
        run = subprocess.run([lab.TIPRING, "check", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        assert run.returncode == 1
        for words in faults:
            assert words in run.stdout.decode(), run.stdout
