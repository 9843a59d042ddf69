# SPDX-License-Identifier: Apache-2.0
"""Dialogues by SIP and RTP between processes, several at a time: each a scripted caller (`tipring caller`), one daemon for all of
them. They start together, a few more than there are processors, and tests ask for the outcome of one."""
import concurrent.futures
import functools
import json
import os
import subprocess

import lab
import relay

DAEMON, DEMO_DAEMON, HUMAN, DEMO_PHONE = "127.0.0.71", "127.0.0.72", "127.0.0.60", "127.0.0.61"

CONFIG = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: reception, greeting: "Thank you for calling Acme Dental. How can I help you?", record: true,
      transfer: { human: "sip:person@%s:5070" } }
routes:
  - { line: phones, agent: reception }
"""

HUMAN_SCRIPT = """
answers:
  name: Sam
  linger_ms: 1000
  lines: [ "Front desk, this is Sam speaking." ]
"""

# Booking with everything in its place, in as few words as it takes.
BOOKING = """
  - I would like to make an appointment.
  - On Wednesday.
  - At ten o'clock in the morning.
  - Mary Johnson.
  - "Yes. <700> That is right."
  - { text: "No, thank you.", wait_ms: 1200 }
"""

SCRIPTS = {
    "happy": "lines:" + BOOKING,
    "corrected": """
lines:
  - I would like to make an appointment.
  - On Monday.
  - "At half past two."
  - Sarah Miller.
  - { text: "No, on Thursday.", wait_ms: 900 }
  - { text: "Yes, that is right.", wait_ms: 900 }
  - { text: "No, thank you.", wait_ms: 1200 }
""",
    "interrupting": """
lines:
  - I would like to make an appointment.
  - On Wednesday, please.
  - At ten o'clock in the morning.
  - Mary Johnson.
  - { text: "No, I said Friday.", interrupt_ms: 1500 }
  - { text: "Yes, that is right.", wait_ms: 900 }
  - { text: "No, thank you.", wait_ms: 1200 }
""",
    "silent": "patience_ms: 600000\nlinger_ms: 600000\nlines: [ { wait_ms: 600000 } ]\n",
    "noisy": "noise_dbfs: -52\nlines:" + BOOKING,
    "keys": """
lines:
  - { digits: "1" }
  - { digits: "3" }
  - { digits: "3" }
  - Mary Johnson.
  - { digits: "1" }
  - { digits: "2", wait_ms: 1200 }
""",
    "lossy": "lines:" + BOOKING,
    "bursty": "lines:" + BOOKING,
    "jittery": "lines:" + BOOKING,
    "human": """
linger_ms: 20000
lines: [ I want to talk to a person. ]
transferred:
  linger_ms: 800
  lines: [ "Hello Sam." ]
""",
}

NETWORKS = {
    "lossy": relay.random_loss(0.03),
    "bursty": relay.bursts(0.012, 0.6),
    "jittery": relay.jitter(60, 120),
}


class Outcome:
    def __init__(self, out, call, caller):
        self.out, self.call, self.caller = out, call, caller
        lines = call["transcript"] if call else []
        self.agent = [l for l in lines if l["who"] == "agent"]
        self.agent_text = " ".join(l["text"] for l in self.agent)
        self.heard_text = " | ".join(l["text"] for l in lines if l["who"] == "caller")

    def __str__(self):
        lines = ["%8.2f %s%s: %s" % (l["at_ms"] / 1000, l["who"], " (cut)" if l.get("interrupted") else "", l["text"])
                 for l in (self.call["transcript"] if self.call else [])]
        return "\n".join(lines + ["ended: %s, %s" % ((self.call or {}).get("ended_by"), (self.call or {}).get("cause")), self.out])


def in_two_tries(test):
    """The voices are never twice the same, and recognition is a matter of chance: one dialogue in ten may fail. Two in a row is a fault."""
    @functools.wraps(test)
    def run(dialogues, *args, **more):
        try:
            test(dialogues, *args, **more)
        except AssertionError as e:
            print("tried once more: %s" % e)
            dialogues.again()
            test(dialogues, *args, **more)
    return run


class Dialogues:
    def __init__(self, folder):
        self.folder = str(folder)
        self.pool = concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) + 2)
        self.daemon = lab.Daemon(os.path.join(self.folder, "daemon"), CONFIG % HUMAN, ip=DAEMON)
        self.demo_daemon = lab.Daemon(os.path.join(self.folder, "demo"), CONFIG % DEMO_PHONE, ip=DEMO_DAEMON)
        self.human = self.start("human-desk", HUMAN_SCRIPT, [], HUMAN)
        self.jobs = {"demo": [self.demo]}
        # The longest first.
        for i, name in enumerate(sorted(SCRIPTS, key=lambda n: -len(SCRIPTS[n]))):
            self.jobs[name] = [self.dialogue, name, "127.0.0.%d" % (100 + i), "127.0.0.%d" % (130 + i)]
        self.futures = {name: self.pool.submit(*job) for name, job in self.jobs.items()}

    def start(self, name, script, more, ip):
        path = os.path.join(self.folder, name + ".yaml")
        with open(path, "w") as f:
            f.write("name: %s\n%s" % (name, script) if "name:" not in script.split("\n")[0] else script)
        return subprocess.Popen([lab.TIPRING, "caller", path] + more + ["--listen", ip + ":5070", "--json"], cwd=self.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def dialogue(self, name, ip, relay_ip):
        network = None
        if name in NETWORKS:
            network = relay.Relay(relay_ip, DAEMON, NETWORKS[name], seed=len(name))
            network.start()
        process = self.start(name, SCRIPTS[name], ["sip:reception@%s:5060" % (relay_ip if network else DAEMON)], ip)
        try:
            out = process.communicate(timeout=240)[0].decode()
        finally:
            lab.end_process(process)
            if network:
                network.stop()
        found = self.daemon.calls(**{"from": name}) or [c for c in self.daemon.calls() if name in str(c.get("from"))]
        call = self.daemon.wait_call(id=found[0]["id"], state="ended") if found else None
        outcome = Outcome(out, call, json.loads(out) if out.startswith("{") else None)
        outcome.network = network
        return outcome

    def demo(self):
        run = subprocess.run([lab.TIPRING, "demo", "--api", self.demo_daemon.api_base, "--listen", DEMO_PHONE + ":5070", "--target",
                              "sip:reception@%s:5060" % DEMO_DAEMON], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
        outcome = Outcome(run.stdout.decode(), self.demo_daemon.get("/v1/calls/last"), None)
        outcome.code = run.returncode
        return outcome

    def result(self, name):
        self.asked = name
        return self.futures[name].result(300)

    def again(self):
        """Has the dialogue that was asked for last once more."""
        self.futures[self.asked] = self.pool.submit(*self.jobs[self.asked])

    def stop(self):
        for f in self.futures.values():
            f.cancel()
        self.pool.shutdown()
        lab.end_process(self.human)
        codes = [d.stop() for d in (self.daemon, self.demo_daemon)]
        assert codes == [0, 0], "the daemons ended with %s:\n%s" % (codes, self.daemon.text()[-3000:])
