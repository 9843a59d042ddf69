# SPDX-License-Identifier: Apache-2.0
"""WebRTC from a real browser: Chromium, headless, calls an agent over SIP on a WebSocket, with ICE, DTLS-SRTP and Opus.

Its microphone is a file with one tone, our agent plays another; each has to arrive at the other end. `make test-browser` runs it.
"""
import contextlib
import http.server
import json
import os
import queue
import subprocess
import sys
import threading
import urllib.parse

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../interop"))
import certs  # noqa: E402
import lab  # noqa: E402

CONFIG = """
sip: {{ listen: [ "udp:{us}:5060", "ws:{us}:8088", "wss:{us}:8089" ], tls: {{ certificate: {cert}, key: {key} }}, origins: [ "{origin}" ] }}
lines:
  - {{ name: browsers, kind: local, allow: [ 127.0.0.0/8 ], {media} }}
agents:
  - {{ name: tone, brain: {{ kind: play, file: {tone} }}, record: true }}
routes:
  - {{ line: browsers, agent: tone }}
"""
FLAGS = ("--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking --disable-sync "
         "--disable-component-update --disable-quic --use-fake-ui-for-media-stream --use-fake-device-for-media-stream "
         "--autoplay-policy=no-user-gesture-required --allow-loopback-in-peer-connection --ignore-certificate-errors").split()
OURS, THEIRS = 1000, 440


class Page(http.server.ThreadingHTTPServer):
    """Serves the phone and takes its report."""

    def __init__(self):
        self.reports = queue.Queue()
        super().__init__(("127.0.0.1", 0), Handler)
        self.origin = "http://127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        is_page = self.path.startswith("/phone.html")
        with open(os.path.join(HERE, "phone.html"), "rb") as f:
            body = f.read() if is_page else b""
        self.answer(200 if is_page else 404, body)

    def do_POST(self):
        self.server.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(204, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def page():
    p = Page()
    yield p
    p.shutdown()
    p.server_close()


@pytest.fixture
def tones(tmp_path):
    """What we play, and what the browser's microphone hears."""
    for name, hz, rate in (("ours", OURS, 8000), ("theirs", THEIRS, 48000)):
        lab.tone_wav(tmp_path / (name + ".wav"), hz, 20, rate)
    return str(tmp_path / "ours.wav"), str(tmp_path / "theirs.wav")


@contextlib.contextmanager
def chromium(folder, url, microphone):
    log = open(os.path.join(folder, "chromium.log"), "wb")
    process = subprocess.Popen(["chromium", "--user-data-dir=" + os.path.join(folder, "profile"),
                                "--use-file-for-fake-audio-capture=" + microphone] + FLAGS + [url],
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, HOME=folder))
    try:
        yield process
    finally:
        lab.end_process(process)
        log.close()
        with open(os.path.join(folder, "chromium.log"), errors="replace") as f:
            print("---- chromium\n" + f.read()[-3000:])


@pytest.fixture
def daemon(tmp_path, page, tones):
    """daemon(media): with those media keys on the browsers' line."""
    made = certs.Certs(tmp_path / "certs")
    started = []

    def start(media):
        started.append(lab.Daemon(str(tmp_path / "tipring"), CONFIG.format(
            us=lab.US, cert=made.path("server.pem"), key=made.path("server.key"), origin=page.origin, media=media, tone=tones[0])))
        return started[-1]

    yield start
    for d in started:
        code = d.stop()
        print("---- tipring (exit %s)\n%s" % (code, d.text()[-6000:]))
        assert code == 0, "the daemon ended with %s" % code


def assert_heard_by_the_browser(report):
    """The loudest frequency is our tone's in nearly all quarters of a second once audio flows."""
    settled = report["hz"][4:]
    right = [hz for hz, db in settled if abs(hz - OURS) <= 12 and db > -60]
    assert len(settled) >= 8 and len(right) >= 0.9 * len(settled), report["hz"]


def assert_heard_by_us(d, call):
    pcm, rate = lab.read_wav(d.wait_recording(call))
    assert len(pcm) > 3 * rate
    assert lab.share(pcm[-2 * rate:], rate, THEIRS) > 0.9


@pytest.mark.parametrize("scheme,media,who", [("ws", "dtls: true, ice: lite", "us"), ("wss", "dtls: true, ice: full", "them"),
                                              ("wss", "srtp: optional, ice: lite", "us")])
def test_a_page_calls_an_agent(tmp_path, page, daemon, tones, scheme, media, who):
    d = daemon(media)
    query = urllib.parse.urlencode({"ws": "%s://%s:%d/sip" % (scheme, lab.US, 8089 if scheme == "wss" else 8088),
                                    "target": "sip:tone@%s;transport=ws" % lab.US, "seconds": 5, "hangup": who})
    with chromium(str(tmp_path), page.origin + "/phone.html?" + query, tones[1]):
        report = page.reports.get(timeout=60)
        print(json.dumps(report, indent=1))
        assert report["outcome"] == "heard", report
        if who == "them":
            up = d.wait_call(state="up")
            assert d.ask("DELETE", "/v1/calls/" + up["id"])[0] == 202
        ended = d.wait_call(state="ended")
    assert_heard_by_the_browser(report)
    assert_heard_by_us(d, ended["id"])
    ended = d.get("/v1/calls/" + ended["id"])
    quality = ended["quality"]
    assert ended["security"].startswith("DTLS, ") and ended["codec"] == "opus", ended
    assert report["codec"] == "audio/opus" and report["dtls"].startswith("connected"), report
    assert quality["unauthentic_packets"] == 0 and quality["invalid_packets"] == 0, quality
    print("chromium over %s: %s, %s, MOS %s; the browser: %s" % (scheme, ended["security"], ended["path"], quality["mos"], report["inbound"]))
