# SPDX-License-Identifier: Apache-2.0
"""Who has answered our call: baresip plays an answering machine, a person, a call screener, a fax and the network, as WAV files made
here by flite. What it received is checked: messages begin after the beep and are whole."""
import subprocess
import threading

import numpy
import pytest

import lab

pytestmark = [pytest.mark.skipif(not lab.has("baresip"), reason="baresip is not installed"),
              pytest.mark.skipif(not lab.has("flite"), reason="flite is not installed")]

MESSAGE = "This is Acme Dental. Your appointment is on Thursday at ten. Please call us back. Goodbye."

CONFIG = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - name: reminder
    greeting: "Hello, this is Acme Dental. I am calling about your appointment."
    company: Acme Dental
    record: true
    detect:
      voicemail: { say: "%s" }
  - name: plain
    greeting: "Hello."
routes:
  - { line: phones, agent: plain }
""" % MESSAGE


def flite(folder, text, voice="slt"):
    path = str(folder / "flite.wav")
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", path], check=True)
    pcm, rate = lab.read_wav(path)
    at = numpy.arange(int(len(pcm) * 8000 / rate)) * rate / 8000
    pcm = numpy.interp(at, numpy.arange(len(pcm)), numpy.convolve(pcm, numpy.ones(2) / 2, "same"))
    loud = numpy.flatnonzero(numpy.abs(pcm) > 300)
    return pcm[loud[0]:loud[-1]] * 6000 / numpy.abs(pcm).max()


def tone(hz, seconds):
    return 4000 * numpy.sin(2 * numpy.pi * hz * numpy.arange(int(seconds * 8000)) / 8000)


def quiet(seconds):
    return numpy.zeros(int(seconds * 8000))


class Answerer:
    """A phone that plays these pieces from the moment it answers. They begin with silence: baresip sends from another address than it
    names, and the source guard lets that in only after a second."""

    def __init__(self, folder, *pieces):
        import wave
        source = str(folder / "says.wav")
        with wave.open(source, "wb") as w:
            w.setnchannels(1)
            w.setsampwidth(2)
            w.setframerate(8000)
            w.writeframes(numpy.concatenate(pieces + (quiet(60),)).astype("<i2").tobytes())
        self.phone = lab.Baresip(folder / "phone", ["pcmu"], source=source)
        self.process = subprocess.Popen(["baresip", "-f", self.phone.folder, "-t", "70"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        lines = []
        self.reader = threading.Thread(target=lambda: lines.extend(self.process.stdout), daemon=True)
        self.reader.start()
        lab.wait_for("baresip's start", 20, lambda: any(b"ready" in l for l in lines))

    def stop(self):
        lab.end_process(self.process)
        self.reader.join(5)


@pytest.fixture
def answerer(tmp_path):
    made = []

    def start(*pieces):
        made.append(Answerer(tmp_path, *pieces))
        return made[-1]

    yield start
    for a in made:
        a.stop()


def call(d, *more):
    run = subprocess.run([lab.TIPRING, "call", "--api", d.api_base, "sip:phone@%s:5060" % lab.PHONE, "--agent", "reminder"] + list(more),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    assert run.returncode == 0, run.stdout
    return d.get("/v1/calls/last")["id"]


def ended(d, call_id, seconds):
    lab.wait_for("the end of the call", seconds, lambda: d.get("/v1/calls/" + call_id)["state"] == "ended")
    return d.get("/v1/calls/" + call_id)


def loud(pcm, rate, level=250):
    """First and last 20 ms frame above that level, in seconds."""
    n = rate // 50
    frames = [i for i in range(len(pcm) // n) if numpy.abs(pcm[i * n:(i + 1) * n]).max() > level]
    return (frames[0] / 50, (frames[-1] + 1) / 50) if frames else (None, None)


def test_a_message_is_left_after_the_beep_and_whole(daemons, tmp_path, answerer):
    d = daemons(CONFIG)
    greeting = flite(tmp_path, "Hi, you have reached Susan Miller. I can't come to the phone right now. Please leave a message after the beep.")
    phone = answerer(quiet(1.5), greeting, quiet(0.9), tone(1000, 0.4))
    beep_end = 1.5 + len(greeting) / 8000 + 0.9 + 0.4
    c = ended(d, call(d), 60)
    who = c["answered_by"]
    assert who["who"] == "voicemail" and who["confidence_percent"] >= 90, who
    assert c["cause"] == "a message was left on the voicemail" and who["did"] == "left the message", c
    assert abs(who["beep"]["hz"] - 1000) <= 5 and 340 <= who["beep"]["length_ms"] <= 440, who

    # Our own recording has both sides on one clock: left what we heard, right what we said.
    path = d.wait_recording(c["id"])
    left, rate = lab.read_wav(path, 0)
    right, _ = lab.read_wav(path, 1)
    beeps = [i / 50 for i in range(len(left) * 50 // rate) if lab.share(left[i * rate // 50:(i + 1) * rate // 50], rate, 1000, 60) > 0.9]
    first, last = loud(right, rate)
    assert beeps and beeps[-1] < first < beeps[-1] + 0.8, "beep until %.2f s, message from %.2f s" % (beeps[-1], first)

    # What the machine recorded is what we said, to its last word.
    phone.stop()
    heard, heard_rate = phone.phone.heard()
    heard_first, heard_last = loud(heard, heard_rate)
    assert abs((heard_last - heard_first) - (last - first)) <= 0.06, (heard_first, heard_last, first, last)
    assert heard_last - heard_first > 4, "the message takes more than four seconds"
    assert beep_end - 0.3 < heard_first < beep_end + 1.2, (beep_end, heard_first)
    assert MESSAGE in [l["text"] for l in c["transcript"] if l["who"] == "agent"]
    log = d.text()
    assert "call.who" in log and "who=voicemail" in log, log
    out = subprocess.run([lab.TIPRING, "show", "--api", d.api_base, c["id"]], stdout=subprocess.PIPE, timeout=30).stdout.decode()
    assert "Answered by: voicemail" in out and "left the message" in out, out


def test_the_agent_speaks_at_once_to_a_person(daemons, tmp_path, answerer):
    d = daemons(CONFIG)
    hello = flite(tmp_path, "Hello?")
    answerer(quiet(1.5), hello)
    call_id = call(d)
    c = lab.wait_for("the greeting", 20, lambda: [l for l in d.get("/v1/calls/" + call_id)["transcript"] if l["who"] == "agent"] and
                     d.get("/v1/calls/" + call_id))
    who = c["answered_by"]
    assert who["who"] == "human" and not who["revised"] and who["did"] == "the agent began", who
    d.ask("DELETE", "/v1/calls/" + call_id)
    ended(d, call_id, 10)
    path = d.wait_recording(call_id)
    left, rate = lab.read_wav(path, 0)
    right, _ = lab.read_wav(path, 1)
    _, hello_end = loud(left[:int(rate * 3.5)], rate)
    first, _ = loud(right, rate)
    assert hello_end < first < hello_end + 1.3, "hello ended at %.2f s, we spoke at %.2f s" % (hello_end, first)


def test_a_greeting_with_a_pause_is_known_by_its_beep(daemons, tmp_path, answerer):
    """"Hello." and a pause: the agent begins, hears that it was a machine, and leaves the message nevertheless."""
    d = daemons(CONFIG)
    answerer(quiet(1.5), flite(tmp_path, "Hello."), quiet(1.2), flite(tmp_path, "Peter is out. Talk to the machine."), quiet(0.8), tone(850, 0.3))
    c = ended(d, call(d), 60)
    assert c["answered_by"]["who"] == "voicemail" and c["answered_by"]["revised"], c["answered_by"]
    assert c["cause"] == "a message was left on the voicemail", c["cause"]
    path = d.wait_recording(c["id"])
    left, rate = lab.read_wav(path, 0)
    right, _ = lab.read_wav(path, 1)
    beeps = [i / 50 for i in range(len(left) * 50 // rate) if lab.share(left[i * rate // 50:(i + 1) * rate // 50], rate, 850, 60) > 0.9]
    _, last = loud(right, rate)
    assert last > beeps[-1] + 4, "the message was said whole behind the beep"


def test_a_call_screener_is_told_who_calls(daemons, tmp_path, answerer):
    d = daemons(CONFIG)
    asks = flite(tmp_path, "Hi, if you record your name and reason for calling, I'll see if this person is available.", "rms")
    answerer(quiet(1.5), asks, quiet(9), flite(tmp_path, "Yes, hello?"), quiet(1))
    call_id = call(d)

    def agent_lines():
        return [l["text"] for l in d.get("/v1/calls/" + call_id)["transcript"] if l["who"] == "agent"]

    lab.wait_for("the introduction", 30, lambda: any("Hello, this is Acme Dental calling." in t for t in agent_lines()))
    who = d.get("/v1/calls/" + call_id)["answered_by"]
    assert who["screened_at_ms"] is not None or who["who"] == "screening", who
    assert who["words"], who
    lab.wait_for("the person", 30, lambda: any("calling about your appointment" in t for t in agent_lines()))
    who = d.get("/v1/calls/" + call_id)["answered_by"]
    assert who["who"] == "human" and who["screened_at_ms"], who
    d.ask("DELETE", "/v1/calls/" + call_id)
    ended(d, call_id, 10)


def test_a_fax_machine_is_hung_up_on(daemons, answerer):
    d = daemons(CONFIG)
    answerer(quiet(1.5), tone(2100, 3.0))
    c = ended(d, call(d), 30)
    assert c["answered_by"]["who"] == "fax" and c["cause"] == "answered by a fax machine", c
    assert c["answered_by"]["speech_ms"] <= 700, c["answered_by"]


def test_the_network_says_that_there_is_no_such_number(daemons, tmp_path, answerer):
    d = daemons(CONFIG)
    answerer(quiet(1.5), tone(985.2, 0.38), tone(1370.6, 0.274), tone(1776.7, 0.38), quiet(0.2),
             flite(tmp_path, "The number you have dialed is not in service."))
    c = ended(d, call(d), 30)
    assert c["answered_by"]["who"] == "sit" and "no such number" in c["cause"], c


def test_detection_is_asked_for_by_the_call(daemons, tmp_path, answerer):
    """An agent without the key: by default it says its greeting into whatever answers, with --detect it hangs up on a voicemail."""
    d = daemons(CONFIG)
    greeting = flite(tmp_path, "You have reached the office of Doctor Brown. Please leave a message after the tone, and we will call you back.")
    answerer(quiet(1.5), greeting, quiet(0.5), tone(1400, 0.3))
    run = subprocess.run([lab.TIPRING, "call", "--api", d.api_base, "sip:phone@%s:5060" % lab.PHONE, "--agent", "plain", "--detect"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    assert run.returncode == 0, run.stdout
    c = ended(d, d.get("/v1/calls/last")["id"], 30)
    assert c["cause"] == "answered by a voicemail" and c["answered_by"]["did"] == "hung up", c
    assert not [l for l in c["transcript"] if l["who"] == "agent"], "nothing was said"
