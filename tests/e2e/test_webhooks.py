# SPDX-License-Identifier: Apache-2.0
"""Webhooks against a consumer that answers well, badly, slowly or not at all."""
import base64
import hashlib
import hmac
import http.server
import json
import subprocess
import threading
import time

import lab
from test_api import CONFIG
from test_records import call

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD = "whsec_" + base64.b64encode(bytes(range(40, 72))).decode()
PORT = 8099


class Consumer:
    def __init__(self, answers=()):
        """answers: a status each, then 200; a pair has Retry-After."""
        self.answers, self.got, consumer = list(answers), [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = consumer.answers.pop(0) if consumer.answers else 200
                status, retry = answer if isinstance(answer, tuple) else (answer, None)
                consumer.got.append((status, dict((k.lower(), v) for k, v in self.headers.items()), body, time.monotonic()))
                self.send_response(status)
                if retry:
                    self.send_header("Retry-After", str(retry))
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer((lab.US, PORT), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def good(self):
        return [json.loads(body) for status, _, body, _ in self.got if 200 <= status < 300]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def config(more=""):
    return CONFIG + "webhooks:\n  - { url: \"http://%s:%d/hook\", secret: \"%s\", retry_s: 1, allow_private: yes%s }\n" % (lab.US, PORT, SECRET, more)


def one_call(tmp_path):
    phone = call(tmp_path, 100)
    lab.wait_for("the end", 15, lambda: phone.poll() is not None)


def verify(headers, body, secret=SECRET):
    key = base64.b64decode(secret[6:])
    signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    mac = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert mac in headers["webhook-signature"].split(" "), headers
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_a_call_is_delivered_signed(daemons, tmp_path):
    consumer = Consumer()
    d = daemons(config(", previous_secret: \"%s\"" % OLD))
    one_call(tmp_path)
    lab.wait_for("the end is told", 15, lambda: [e for e in consumer.good() if e["type"] == "call.ended"])
    assert [e["type"] for e in consumer.good()] == ["call.ringing", "call.answered", "call.ended"]
    for _, headers, body, _ in consumer.got:
        verify(headers, body)
        verify(headers, body, OLD)
        assert headers["content-type"] == "application/json"
    assert len({h["webhook-id"] for _, h, _, _ in consumer.got}) == 3
    hook = d.get("/v1/stats")["webhooks"][0]
    assert hook["delivered"] == 3 and hook["waiting"] == 0 and hook["lost"] == 0, hook
    consumer.stop()


def test_failures_are_tried_again_with_the_same_id(daemons, tmp_path):
    consumer = Consumer([500, 302, (429, 2)])
    d = daemons(config(", events: [ call.ended ]"))
    one_call(tmp_path)
    lab.wait_for("it is delivered in the end", 30, lambda: d.get("/v1/stats")["webhooks"][0]["failed_attempts"] >= 1)
    assert d.get("/v1/health")["status"] in ("degraded", "ok")
    one_call(tmp_path)
    # the first waits for a minute now (5 s, then 5 min, here 1 s and 1 min): its second attempt is what counts
    lab.wait_for("the second call is delivered", 40, lambda: consumer.good())
    ids = [h["webhook-id"] for _, h, _, _ in consumer.got]
    assert ids[0] in ids[1:], ids
    at = {i: [t for s, h, _, t in consumer.got if h["webhook-id"] == i] for i in ids}
    assert all(b - a >= 0.8 for times in at.values() for a, b in zip(times, times[1:])), at
    consumer.stop()


def test_what_waits_outlives_the_daemon_and_a_dead_consumer(daemons, tmp_path):
    d = daemons(config(", events: [ call.ended ]"))
    one_call(tmp_path)
    lab.wait_for("an attempt fails", 20, lambda: d.get("/v1/stats")["webhooks"][0]["failed_attempts"] >= 1)
    health = d.get("/v1/health")
    assert health["status"] == "degraded" and "webhook" in health["problems"][0], health
    d.stop()
    consumer = Consumer()
    d = daemons(config(", events: [ call.ended ]"))
    lab.wait_for("it is delivered after all", 70, consumer.good)
    assert [e["type"] for e in consumer.good()] == ["call.ended"]
    lab.wait_for("nothing waits", 10, lambda: d.get("/v1/stats")["webhooks"][0]["waiting"] == 0)
    assert d.get("/v1/health")["status"] == "ok"
    consumer.stop()


def test_gone_is_gone(daemons, tmp_path):
    consumer = Consumer([410])
    d = daemons(config())
    one_call(tmp_path)
    lab.wait_for("it is given up", 20, lambda: d.get("/v1/stats")["webhooks"][0]["gone"])
    seen = len(consumer.got)
    one_call(tmp_path)
    d.wait_call(state="ended")
    assert len(consumer.got) == seen == 1
    consumer.stop()


def test_bad_endpoints_are_refused_with_their_remedy(tmp_path):
    path = tmp_path / "tipring.yaml"
    for more, words in (("url: \"ftp://x\", secret: \"%s\"" % SECRET, "https://"), ("url: \"http://x.example/\", secret: \"%s\"" % SECRET, "allow_private"),
                        ("url: \"https://x.example/\"", "secret"), ("url: \"https://x.example/\", secret: \"abc\"", "openssl rand"),
                        ("url: \"https://x.example/\", secret: \"%s\", events: [ nothing ]" % SECRET, "docs/events.md")):
        path.write_text(CONFIG + "webhooks:\n  - { %s }\n" % more)
        run = subprocess.run([lab.TIPRING, "check", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        out = run.stdout.decode()
        assert run.returncode == 1 and words in out and "tipring.yaml:" in out and SECRET not in out, out


def test_private_addresses_need_to_be_allowed(daemons, tmp_path):
    consumer = Consumer()
    d = daemons(CONFIG + "webhooks:\n  - { url: \"https://%s:%d/hook\", secret: \"%s\", retry_s: 1 }\n" % (lab.US, PORT, SECRET))
    one_call(tmp_path)
    lab.wait_for("the refusal", 20, lambda: "private" in d.get("/v1/stats")["webhooks"][0]["why"])
    assert not consumer.got
    consumer.stop()
