# SPDX-License-Identifier: Apache-2.0
"""Conferences of many legs: who hears whom, by tones; coming, going, muting, being left alone."""
import os
import subprocess
import time

import lab
from test_park import PHONE
from test_recording import OURS

TONES = {"127.0.0.31": 700, "127.0.0.32": 1000, "127.0.0.33": 1600, "127.0.0.34": 2300}


class Table:
    """Phones that play a tone each; all but the last have called us."""

    def __init__(self, daemons, folder, callers=3):
        lab.tone_wav(folder / "ours.wav", 3000, 120)
        self.us = daemons(OURS % (folder / "ours.wav", ""), name="us")
        self.phones, self.ours, self.calls = [], [], []
        for ip, hz in TONES.items():
            lab.tone_wav(folder / ("%d.wav" % hz), hz, 120, level=0.15)
            self.phones.append(daemons(PHONE % (folder / ("%d.wav" % hz), ""), name=ip, ip=ip))
        for phone in self.phones[:callers]:
            known = {c["id"] for c in self.us.calls()}
            self.calls.append(phone.ask("POST", "/v1/calls", {"target": "sip:tone@" + lab.US})[1]["id"])
            self.ours.append(lab.wait_for("the call", 10, lambda: [c["id"] for c in self.us.calls(state="up") if c["id"] not in known])[0])

    def ask(self, method, path="", body=None, status=202):
        got, doc = self.us.ask(method, "/v1/conferences" + path, body)
        assert got == status, (method, path, body, got, doc)
        return doc

    def end(self):
        for phone, call in zip(self.phones, self.calls):
            phone.ask("DELETE", "/v1/calls/" + call)
        lab.wait_for("the end of all", 10, lambda: self.us.get("/v1/health")["calls"] == 0)
        assert self.ask("GET", status=200) == {"conferences": []}

    def heard(self, n, ends, call=None):
        """For each stage, whose tones this phone heard in the middle second of it; ends: seconds before its call's end."""
        d = self.phones[n]
        pcm, rate = lab.read_wav(os.path.join(d.folder, d.wait_recording(call or self.calls[n])))
        stages = []
        for end in ends:
            piece = pcm[len(pcm) - int((end + 0.9) * rate):len(pcm) - int(end * rate)]
            stages.append({hz for hz in list(TONES.values()) + [3000] if lab.share(piece, rate, hz, 20) > 0.1})
        return stages


def test_everybody_hears_the_others(daemons, tmp_path):
    t = Table(daemons, tmp_path)
    k = t.ask("POST", body={"calls": t.ours[:2]}, status=201)
    assert [m["call"] for m in k["members"]][::-1] == t.ours[:2] and not any(m["muted"] for m in k["members"])
    at = "/" + k["id"]
    t.ask("POST", at + "/members", {"call": t.ours[2]})
    t.ask("POST", at + "/members", {"target": "sip:tone@127.0.0.34"})
    last = t.phones[3].wait_call(state="up")["id"]
    lab.wait_for("all four", 5, lambda: not any(m["ringing"] for m in t.ask("GET", at, status=200)["members"]))
    assert len(t.ask("GET", at, status=200)["members"]) == 4
    marks = [time.monotonic()]
    time.sleep(1.7)
    t.ask("POST", "%s/members/%s" % (at, t.ours[0]), {"muted": True})
    marks.append(time.monotonic())
    time.sleep(1.7)
    t.ask("DELETE", "%s/members/%s" % (at, t.ours[1]))
    t.ask("POST", "%s/members/%s" % (at, t.ours[0]), {"muted": False})
    marks.append(time.monotonic())
    time.sleep(1.7)
    assert t.us.get("/v1/calls/" + t.ours[1])["cause"] == "taken out of the conference"
    end = time.monotonic()
    t.ask("DELETE", at)
    t.end()
    everybody = set(TONES.values())
    own = list(TONES.values())
    for n, call in ((0, None), (2, None), (3, last)):
        ends = [end - m - 1.4 for m in marks]
        stages = t.heard(n, ends, call)
        want = [everybody, everybody - {700}, everybody - {1000}]
        assert stages == [w - {own[n]} for w in want], (n, stages)


def test_bad_requests(daemons, tmp_path):
    t = Table(daemons, tmp_path, callers=2)
    for body, status in (({"calls": "x"}, 422), ({"calls": ["nobody"]}, 404), ({"calls": [5]}, 404)):
        t.ask("POST", body=body, status=status)
    k = t.ask("POST", body={}, status=201)["id"]
    assert t.ask("GET", status=200)["conferences"] == [{"id": k, "members": []}]
    t.ask("GET", "/nothere", status=404)
    t.ask("POST", "/%s/members" % k, {}, status=422)
    t.ask("POST", "/%s/members" % k, {"call": t.ours[0], "target": "5"}, status=422)
    t.ask("POST", "/%s/members" % k, {"target": "sip:tone@127.0.0.34"}, status=409)
    t.ask("POST", "/%s/members" % k, {"call": t.ours[0], "muted": True})
    t.ask("POST", "/%s/members" % k, {"call": t.ours[0]}, status=409)
    t.ask("POST", "/%s/members/%s" % (k, t.ours[1]), {"muted": True}, status=404)
    t.ask("POST", "/%s/members/%s" % (k, t.ours[0]), {"muted": 1}, status=422)
    t.ask("GET", "/%s/chairs" % k, status=404)
    for what, body in (("transfer", {"target": "1"}), ("park", {}), ("supervise", {"target": "1"})):
        assert t.us.ask("POST", "/v1/calls/%s/%s" % (t.ours[0], what), body)[0] == 409, what
    second = t.ask("POST", body={"calls": [t.ours[0]]}, status=409)
    assert t.ours[0] in second["detail"]

    def tipring(*args):
        run = subprocess.run([lab.TIPRING, "conference", *args, "--api", t.us.api_base], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=10)
        return run.returncode, run.stdout.decode()

    code, out = tipring("open", t.ours[1])
    assert code == 0 and t.ours[1] in out, out
    mine = out.split()[0]
    assert tipring("add", mine, "sip:tone@127.0.0.34") == (0, "added to: %s\n" % mine)
    t.phones[3].wait_call(state="up")
    assert tipring("mute", mine, t.ours[1])[0] == 0
    code, out = tipring()
    assert code == 0 and out.count("muted") == 2 and k in out and mine in out, out
    assert tipring("unmute", mine, t.ours[1])[0] == 0 and tipring("remove", mine, "c9-0")[0] == 4 and tipring("dance")[0] == 2
    assert tipring("close", mine)[0] == 0
    lab.wait_for("their end", 5, lambda: t.us.get("/v1/calls/" + t.ours[1])["state"] == "ended")
    assert t.us.get("/v1/calls/" + t.ours[1])["cause"] == "the conference was closed"
    t.ask("DELETE", "/" + k)
    lab.wait_for("the end of all", 10, lambda: t.us.get("/v1/health")["calls"] == 0)


def test_a_joined_pair_comes_together_and_who_is_left_alone_is_with_the_agent(daemons, tmp_path):
    t = Table(daemons, tmp_path, callers=2)
    assert t.us.ask("POST", "/v1/calls/%s/transfer" % t.ours[0], {"target": "sip:tone@127.0.0.33", "mode": "bridge"})[0] == 202
    human = t.phones[2].wait_call(state="up")["id"]
    time.sleep(0.5)
    k = t.ask("POST", body={"calls": t.ours}, status=201)
    assert len(k["members"]) == 3
    time.sleep(2)
    joined = time.monotonic()
    # A phone that is not there changes nothing.
    t.ask("POST", "/%s/members" % k["id"], {"target": "sip:x@127.0.0.39:5999"})
    t.phones[2].ask("DELETE", "/v1/calls/" + human)
    t.phones[1].ask("DELETE", "/v1/calls/" + t.calls[1])
    lab.wait_for("the agent again", 60, lambda: "nobody else was left in the conference" in t.us.said(t.ours[0]))
    time.sleep(1.5)
    assert t.us.get("/v1/calls/" + t.ours[0])["state"] == "up"
    end = time.monotonic()
    t.phones[0].ask("DELETE", "/v1/calls/" + t.calls[0])
    lab.wait_for("the end of all", 10, lambda: t.us.get("/v1/health")["calls"] == 0)
    stages = t.heard(0, [end - joined + 0.3, 0.3])
    assert stages == [{1000, 1600}, {3000}], stages


def test_a_conference_of_twenty(daemons, tmp_path):
    """Many come at once and leave in any order; the last one's end ends it."""
    t = Table(daemons, tmp_path, callers=1)
    k = t.ask("POST", body={"calls": t.ours}, status=201)["id"]
    for n in range(19):
        t.ask("POST", "/%s/members" % k, {"target": "sip:tone@127.0.0.%d" % (32 + n % 3)})
    lab.wait_for("all of them", 10, lambda: [m["ringing"] for m in t.ask("GET", "/" + k, status=200)["members"]] == [False] * 20)
    time.sleep(2)
    members = [m["call"] for m in t.ask("GET", "/" + k, status=200)["members"]]
    end = time.monotonic()
    t.phones[0].ask("DELETE", "/v1/calls/" + t.calls[0])
    for m in members[::3]:
        t.us.ask("DELETE", "/v1/calls/" + m)
    t.ask("DELETE", "/" + k)
    lab.wait_for("the end of all", 10, lambda: t.us.get("/v1/health")["calls"] == 0)
    assert t.ask("GET", status=200) == {"conferences": []} and end
    assert t.heard(0, [0.5]) == [{1000, 1600, 2300}]
