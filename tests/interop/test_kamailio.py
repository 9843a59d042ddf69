# SPDX-License-Identifier: Apache-2.0
"""Two Tiprings behind a Kamailio that balances and fails over. A third one calls through it; audio goes there and back again."""
import os
import re
import signal
import subprocess
import time

import pytest

import lab

BALANCER, FIRST, SECOND = "127.0.0.50", "127.0.0.31", "127.0.0.32"

pytestmark = pytest.mark.skipif(not lab.has("kamailio"), reason="kamailio is not installed")

GATEWAY = """
sip: {{ listen: [ "udp:{ip}:5060" ], max_calls: {calls} }}
lines:
  - {{ name: balancer, kind: trunk, server: %s }}
agents:
  - {{ name: echo, brain: {{ kind: echo }} }}
routes:
  - {{ line: balancer, agent: echo }}
""" % BALANCER

CALLER = """
lines:
  - { name: out, kind: trunk, server: %s }
agents:
  - { name: tone, brain: { kind: play, file: %%s }, record: true }
""" % BALANCER


class Kamailio:
    def __init__(self, folder, targets):
        self.folder = str(folder)
        os.makedirs(self.folder)
        with open(os.path.join(lab.HERE, "kamailio.cfg")) as f:
            text = f.read().replace("@IP@", BALANCER).replace("@DIR@", self.folder)
        self.write("kamailio.cfg", text)
        self.write("dispatcher.list", "".join("1 sip:%s:5060\n" % t for t in targets))
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(["kamailio", "-f", self.path("kamailio.cfg"), "-DD", "-E", "-m", "64", "-M", "8", "-w", self.folder,
                                         "-Y", self.folder, "-P", self.path("pid")],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def is_active(self, ip):
        """Whether it sends calls there: flags that begin with I are of one that it has given up."""
        run = subprocess.run(["kamcmd", "-s", "unix:" + self.path("ctl"), "dispatcher.list"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        found = re.search(r"URI: sip:%s:5060\s+FLAGS: (\w)" % re.escape(ip), run.stdout.decode())
        return bool(found) and found.group(1) != "I"

    def text(self):
        with open(self.path("log"), errors="replace") as f:
            return f.read()

    def close(self):
        lab.end_process(self.process)
        self.log.close()
        print("---- kamailio\n" + self.text()[-3000:])


@pytest.fixture
def cluster(daemons, tmp_path, tone):
    """cluster(calls): the two gateways, each with room for so many calls, the balancer and the caller."""
    made = []

    def start(calls=100):
        gateways = [daemons(GATEWAY.format(ip=ip, calls=calls), name="gateway-" + ip[-1], ip=ip) for ip in (FIRST, SECOND)]
        made.append(Kamailio(tmp_path / "kamailio", (FIRST, SECOND)))
        lab.wait_for("both targets to be active", 20, lambda: all(made[0].is_active(ip) for ip in (FIRST, SECOND)))
        return gateways, made[0], daemons(CALLER % tone, name="caller")

    yield start
    for k in made:
        k.close()


def dial(d):
    status, call = d.ask("POST", "/v1/calls", {"target": "+4930123", "line": "out", "agent": "tone"})
    assert status < 300, call
    lab.wait_for("the answer", 15, lambda: d.get("/v1/calls/" + call["id"])["state"] in ("up", "ended"))
    record = d.get("/v1/calls/" + call["id"])
    assert record["state"] == "up", record
    return record


def finish(d, call):
    d.ask("DELETE", "/v1/calls/" + call["id"])
    pcm, rate = lab.read_wav(d.wait_recording(call["id"]))
    return lab.share(pcm[-rate // 2:], rate, 1000)


def counts(gateways):
    return [len(g.calls()) for g in gateways]


def test_calls_are_shared_and_end_through_it(cluster):
    gateways, _, caller = cluster()
    calls = [dial(caller) for _ in range(6)]
    assert counts(gateways) == [3, 3]
    time.sleep(2)
    assert all(finish(caller, c) > 0.95 for c in calls), "the tone does not come back"
    # The BYE takes the way that Record-Route says.
    for g in gateways:
        lab.wait_for("the ends", 5, lambda: all(c["state"] == "ended" for c in g.calls()))
        for c in g.calls():
            ended = g.get("/v1/calls/" + c["id"])
            assert ended["cause"].startswith("the caller hung up"), ended
            bye = [m["message"] for m in g.get("/v1/calls/%s/trace" % c["id"])["messages"] if m["message"].startswith("BYE ")]
            assert bye and bye[0].count("\r\nVia: ") == 2, bye

    # Hung up by a gateway: through it too.
    call = dial(caller)
    gateway = gateways[0] if gateways[0].calls(state="up") else gateways[1]
    up = gateway.wait_call(state="up")
    gateway.ask("DELETE", "/v1/calls/" + up["id"])
    ended = lab.wait_for("the end", 5, lambda: (c := caller.get("/v1/calls/" + call["id"]))["state"] == "ended" and c)
    assert ended["ended_by"] == "peer", ended


def test_a_gateway_that_falls_silent_is_left_within_two_seconds(cluster):
    gateways, kamailio, caller = cluster()
    silent, alive = gateways
    before = counts(gateways)[1]
    silent.process.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    try:
        took = []
        while kamailio.is_active(FIRST) or not took:
            took.append(dial(caller))
            assert time.monotonic() - stopped < 20, "it is never given up"
        given_up = time.monotonic() - stopped
        after = [dial(caller) for _ in range(3)]
    finally:
        silent.process.send_signal(signal.SIGCONT)
    slow, fast = max(c["answered_after_ms"] for c in took), max(c["answered_after_ms"] for c in after)
    assert slow <= 2000 and fast <= 500, (slow, fast)
    assert len(alive.calls()) - before == len(took) + len(after)
    print("silent gateway: the slowest call while it was not known %d ms, given up after %.1f s, then %d ms" % (slow, given_up, fast))
    time.sleep(1)
    assert all(finish(caller, c) > 0.95 for c in took + after)
    # The one that was silent is asked again once it answers OPTIONS.
    lab.wait_for("its return", 15, lambda: kamailio.is_active(FIRST))
    had = len(silent.calls())
    calls = [dial(caller) for _ in range(4)]
    assert len(silent.calls()) - had == 2
    time.sleep(1)
    assert all(finish(caller, c) > 0.95 for c in calls)


def test_a_full_gateway_says_so_at_once(cluster):
    """503 makes the balancer try the next one; with both full the caller is told."""
    gateways, kamailio, caller = cluster(calls=2)
    calls = [dial(caller) for _ in range(2)]
    assert counts(gateways) == [1, 1]
    # Fill the first from beside the balancer; the next two calls have to end up on the second.
    status, _ = gateways[0].ask("POST", "/v1/calls", {"target": "sip:x@127.0.0.77", "agent": "echo", "line": "balancer"})
    assert status < 300
    third = dial(caller)
    assert len(gateways[1].calls(state="up")) == 2 and third["answered_after_ms"] < 500, (counts(gateways), third)
    status, call = caller.ask("POST", "/v1/calls", {"target": "+4930123", "line": "out", "agent": "tone"})
    refused = lab.wait_for("the refusal", 10, lambda: (c := caller.get("/v1/calls/" + call["id"]))["state"] == "ended" and c)
    assert refused["sip_status"] == 500, refused  # a proxy makes 500 of it: RFC 3261 §16.7, number 6
    time.sleep(1)
    assert all(finish(caller, c) > 0.95 for c in calls + [third])
