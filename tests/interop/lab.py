# SPDX-License-Identifier: Apache-2.0
"""Real peers for the interop tests, all on loopback addresses of their own, all ended by pid.

    Daemon    a tipring with a configuration, and its API
    Asterisk  configured as FreePBX does it (asterisk/), from an unpacked Debian package
    Sipp      scenarios of sipp/
    Baresip   an ordinary phone
"""
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import wave

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
TIPRING = os.environ.get("TIPRING", os.path.join(HERE, "../../build/src/cli/tipring"))
CACHE = os.path.join(os.path.dirname(TIPRING), "../../interop")

PBX = "127.0.0.20"
US = "127.0.0.30"
PHONE = "127.0.0.41"


def wait_for(what, seconds, check):
    """The first true value of check(), asked every 50 ms; fails after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < end, "%s did not happen within %g s" % (what, seconds)
        time.sleep(0.05)


def end_process(process, grace=5):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# ---- sound ------------------------------------------------------------------------------------------------------------


def tone_wav(path, hz, seconds=20, rate=8000, level=0.5):
    t = numpy.arange(int(seconds * rate)) / rate
    pcm = (numpy.sin(2 * numpy.pi * hz * t) * level * 32767).astype("<i2")
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(rate)
        w.writeframes(pcm.tobytes())


def ulaw(pcm):
    """G.711 of int16, as SIPp streams it from a file."""
    pcm = pcm.astype(numpy.int32)
    sign = numpy.where(pcm < 0, 0x80, 0)
    mag = numpy.minimum(numpy.abs(pcm), 32635) + 132
    exp = numpy.floor(numpy.log2(mag)).astype(int) - 7
    return (~(sign | (exp << 4) | ((mag >> (exp + 3)) & 15)) & 255).astype(numpy.uint8)


def tone_ulaw(path, hz, seconds=20):
    t = numpy.arange(int(seconds * 8000)) / 8000
    ulaw(numpy.sin(2 * numpy.pi * hz * t) * 16000).tofile(str(path))


def read_wav(path, channel=0):
    """(samples as floats, rate) of one channel."""
    with wave.open(str(path)) as w:
        raw = numpy.frombuffer(w.readframes(w.getnframes()), "<i2").astype(float)
        return raw[channel::w.getnchannels()], w.getframerate()


def share(pcm, rate, hz, width=25):
    """Share of the energy within +-width Hz of a frequency, 0..1; 0 for silence."""
    if len(pcm) == 0 or numpy.sqrt(numpy.mean(pcm ** 2)) < 50:
        return 0.0
    spectrum = numpy.abs(numpy.fft.rfft(pcm * numpy.hanning(len(pcm)))) ** 2
    freqs = numpy.fft.rfftfreq(len(pcm), 1 / rate)
    return float(spectrum[numpy.abs(freqs - hz) <= width].sum() / spectrum.sum())


def gaps(pcm, rate, level=100):
    """Frames of 20 ms below that level between the first and the last loud one."""
    n = rate // 50
    loud = [numpy.abs(pcm[i:i + n]).max() > level for i in range(0, len(pcm) - n + 1, n)]
    if True not in loud:
        return None
    first, last = loud.index(True), len(loud) - loud[::-1].index(True)
    return loud[first:last].count(False)


# ---- a network of our own ------------------------------------------------------------------------------------------------


class Island:
    """A network namespace with an interface that is not the loopback: Asterisk names no loopback address as an ICE candidate.
    This process and all it starts live in it until leave()."""
    NEWNET = 0x40000000

    def __init__(self, *addresses):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        if self.libc.unshare(self.NEWNET) != 0:
            os.close(self.home)
            raise PermissionError("a network namespace needs root")
        for command in ["link set lo up", "link add shore type veth peer name sea", "link set shore up", "link set sea up"] + \
                ["addr add %s/24 dev shore" % a for a in addresses]:
            subprocess.run(["ip"] + command.split(), check=True)

    def leave(self):
        self.libc.setns(self.home, self.NEWNET)
        os.close(self.home)


# ---- tipring -------------------------------------------------------------------------------------------------------------


class Daemon:
    def __init__(self, folder, config, ip=US, api_port=8060, env=None, nofile=None, here=contextlib.nullcontext, api_ip=None):
        """here: a context in which processes are started and asked (a network namespace)."""
        self.here = here
        os.makedirs(folder, exist_ok=True)
        self.folder, self.ip = str(folder), ip
        self.api_base = "http://%s:%d" % (api_ip or ip, api_port)
        self.config_path = os.path.join(self.folder, "tipring.yaml")
        self.log_path = os.path.join(self.folder, "tipring.log")
        self.write(config)
        limit = "ulimit -n %d; " % nofile if nofile else ""
        self.log = open(self.log_path, "wb")
        with here():
            self.process = subprocess.Popen(["/bin/bash", "-c", limit + "exec \"$0\" serve -c \"$1\"", TIPRING, self.config_path],
                                            stdin=subprocess.DEVNULL, stderr=self.log, stdout=self.log, cwd=self.folder,
                                            env=dict(os.environ, **(env or {})))
        try:
            wait_for("the daemon's start", 60, self.is_up)
        except AssertionError:
            self.stop()
            raise AssertionError("the daemon did not start:\n" + self.text())

    def write(self, config):
        """The head that every test needs, then the test's own part."""
        head = "api: { listen: \"%s\" }\n" % self.api_base[7:]
        if "sip:" not in config.split("agents:")[0]:
            head += "sip: { listen: [ \"udp:%s:5060\", \"tcp:%s:5060\" ], max_calls: 3000 }\n" % (self.ip, self.ip)
        if "media:" not in config:
            head += "media: { port_min: 20000, port_max: 29999, record_dir: %s }\n" % os.path.join(self.folder, "rec")
        with open(self.config_path, "w") as f:
            f.write(head + config)

    def is_up(self):
        assert self.process.poll() is None, "tipring exited with %s:\n%s" % (self.process.returncode, self.text())
        try:
            return self.get("/v1/health")
        except (urllib.error.URLError, ConnectionError):
            return None

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.api_base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with self.here(), urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read())

    def get(self, path):
        status, doc = self.ask("GET", path)
        assert status == 200, (status, doc)
        return doc

    def line(self, name):
        return next(l for l in self.get("/v1/lines")["lines"] if l["name"] == name)

    def wait_line(self, name, state, seconds=10):
        return wait_for("line %s %s" % (name, state), seconds, lambda: self.line(name)["state"] == state and self.line(name))

    def calls(self, **match):
        return [c for c in self.get("/v1/calls?limit=1000")["calls"] if all(c.get(k) == v for k, v in match.items())]

    def wait_call(self, seconds=10, **match):
        """The newest call with these fields, whole."""
        found = wait_for("a call with %s" % match, seconds, lambda: self.calls(**match))
        return self.get("/v1/calls/" + found[0]["id"])

    def wait_recording(self, call_id, seconds=10):
        return wait_for("the recording", seconds, lambda: self.get("/v1/calls/" + call_id)["recording"])

    def said(self, call_id, who=None):
        return [l["text"] for l in self.get("/v1/calls/" + call_id)["transcript"] if who in (None, l["who"])]

    def text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def wait_text(self, words, seconds=5):
        """Until its log says so."""
        return wait_for("\"%s\" in the log" % words, seconds, lambda: words in self.text() and self.text())

    def stop(self):
        end_process(self.process, 10)
        self.log.close()
        return self.process.returncode


# ---- Asterisk ------------------------------------------------------------------------------------------------------------


class Asterisk:
    EMPTY = ("acl aeap agents amd ccss cdr_custom cdr_manager cel_custom chan_websocket cli_aliases followme pjproject "
             "pjsip_notify pjsip_wizard res_http_media_cache stir_shaken udptl websocket_client queues features manager http").split()

    def __init__(self, folder, ip=PBX, here=contextlib.nullcontext, edit=None):
        """edit: changes the text of pjsip.conf."""
        self.here, self.edit = here, edit
        self.root = os.path.abspath(os.path.join(CACHE, "asterisk"))
        os.makedirs(CACHE, exist_ok=True)
        subprocess.run([os.path.join(HERE, "fetch-asterisk"), self.root], check=True, stdout=subprocess.DEVNULL)
        self.var, self.ip, self.process = str(folder), ip, None
        for d in "etc lib run log spool agi rec spool/asterisk log/cdr-csv log/cdr-custom".split():
            os.makedirs(os.path.join(self.var, d), exist_ok=True)
        docs = os.path.join(self.var, "lib/documentation")
        if not os.path.lexists(docs):
            os.symlink(os.path.join(self.root, "usr/share/asterisk/documentation"), docs)
        libs = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib"]
        self.program = [os.path.join(self.root, "lib64/ld-linux-x86-64.so.2"), "--library-path",
                        ":".join(os.path.join(self.root, l) for l in libs), os.path.join(self.root, "usr/sbin/asterisk")]
        self.configure()
        self.start()

    def configure(self):
        subprocess.run([TIPRING, "cert", os.path.join(self.var, "tls"), "--name", "pbx.example.com", "--name", self.ip, "--force"], check=True,
                       stdout=subprocess.DEVNULL)
        modules = os.path.join(self.root, "usr/lib/x86_64-linux-gnu/asterisk/modules")
        fill = {"@ROOT@": self.root, "@VAR@": self.var, "@IP@": self.ip, "@MODULES@": modules}
        etc = os.path.join(self.var, "etc")
        for name in os.listdir(os.path.join(HERE, "asterisk")):
            with open(os.path.join(HERE, "asterisk", name)) as f:
                text = re.sub("@[A-Z]+@", lambda m: fill[m.group()], f.read())
            if self.edit and name == "pjsip.conf":
                text = self.edit(text)
            with open(os.path.join(etc, name), "w") as f:
                f.write(text)
        for name in self.EMPTY:
            open(os.path.join(etc, name + ".conf"), "w").close()
        for name in ("cdr", "cel"):
            with open(os.path.join(etc, name + ".conf"), "w") as f:
                f.write("[general]\nenable=no\n")
        with open(os.path.join(etc, "voicemail.conf"), "w") as f:
            f.write("[general]\n")

    def start(self):
        out = open(os.path.join(self.var, "log/stdout"), "ab")
        with self.here():
            self.process = subprocess.Popen(self.program + ["-f", "-C", os.path.join(self.var, "etc/asterisk.conf")],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=dict(os.environ, LC_ALL="C"),
                                            start_new_session=True)
        wait_for("Asterisk's start", 40, lambda: self.process.poll() is None and
                 "fully booted" in self.cli("core waitfullybooted"))

    def cli(self, command):
        run = subprocess.run(self.program + ["-C", os.path.join(self.var, "etc/asterisk.conf"), "-rx", command],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, env=dict(os.environ, LC_ALL="C"))
        return run.stdout.decode(errors="replace")

    def originate(self, extension, application):
        """Rings the extension from the PBX and runs an application on its channel once it answers."""
        return self.cli("channel originate PJSIP/%s application %s" % (extension, application))

    def channels(self):
        return self.cli("core show channels concise").strip()

    def stop(self):
        if self.process:
            end_process(self.process)
            self.process = None


# ---- SIPp ------------------------------------------------------------------------------------------------------------------


def sipp(folder, scenario, target, *more, ip=PHONE, port=5060, service="reception", timeout=60):
    """Runs a scenario to its end; returns (exit code, counters of its last statistics line)."""
    os.makedirs(folder, exist_ok=True)
    stat = os.path.join(str(folder), "stat-%d.csv" % time.monotonic_ns())
    where = ["-sn", scenario] if "/" not in scenario and not scenario.endswith(".xml") else \
        ["-sf", os.path.join(HERE, "sipp", scenario)]
    run = subprocess.run(["sipp"] + where + ["-s", service, "-i", ip, "-p", str(port), "-mi", ip, "-mp", "7000", "-nostdin",
                                             "-trace_stat", "-stf", stat, "-fd", "1", "-timeout", "%ds" % timeout] + list(more) + [target],
                         cwd=str(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout + 30)
    with open(os.path.join(str(folder), "sipp.out"), "wb") as f:
        f.write(run.stdout)
    with open(stat) as f:
        rows = [l.rstrip(";\n").split(";") for l in f if l.strip()]
    return run.returncode, dict(zip(rows[0], rows[-1]))


# ---- baresip ---------------------------------------------------------------------------------------------------------------


class Baresip:
    """A phone without registrar; codecs as baresip names them, audio from and to files (sndfile)."""

    def __init__(self, folder, codecs, ip=PHONE, port=5060, source=None, account="", user="phone"):
        os.makedirs(folder, exist_ok=True)
        self.folder = str(folder)
        rate = 16000 if any(c.split("/")[0].lower() in ("opus", "g722") for c in codecs) else 8000
        source = source or os.path.join(self.folder, "tone.wav")
        if not os.path.exists(source):
            tone_wav(source, 1000, rate=rate)
        modules = "/usr/lib/baresip/modules"
        with open(os.path.join(self.folder, "config"), "w") as f:
            f.write("\n".join([
                "poll_method epoll", "sip_listen %s:%d" % (ip, port), "call_max_calls 4", "audio_player aufile,/dev/null",
                "audio_source aufile," + source, "audio_alert aufile,/dev/null", "ausrc_srate %d" % rate, "auplay_srate %d" % rate,
                "ausrc_channels 1", "auplay_channels 1", "audio_txmode thread", "ausrc_format s16", "auplay_format s16",
                "auenc_format s16", "audec_format s16", "audio_buffer 20-160", "rtcp_mux no", "jitter_buffer_type fixed",
                "jitter_buffer_delay 5-10", "net_interface " + ip, "module_path " + modules, "module g711.so", "module g722.so",
                "module opus.so", "module aufile.so", "module sndfile.so", "module_tmp uuid.so", "module_tmp account.so",
                "module_app menu.so", "module_app debug_cmd.so", "snd_path " + self.folder, "opus_bitrate 28000"]) + "\n")
        with open(os.path.join(self.folder, "accounts"), "w") as f:
            f.write("<sip:%s@%s>;regint=0;answermode=auto;audio_codecs=%s;%s\n" % (user, ip, ",".join(codecs), account))
        open(os.path.join(self.folder, "contacts"), "w").close()
        with open(os.path.join(self.folder, "uuid"), "w") as f:
            f.write("11111111-2222-3333-4444-555555555555")

    def call(self, target, seconds):
        """Dials, talks that long, and ends. Returns what it printed."""
        run = subprocess.run(["baresip", "-f", self.folder, "-t", str(seconds), "-e", "d" + target], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds + 30)
        return run.stdout.decode(errors="replace")

    def heard(self):
        """What it received, as (samples, rate)."""
        files = sorted(n for n in os.listdir(self.folder) if n.startswith("dump-") and n.endswith("-dec.wav"))
        assert files, "baresip received nothing"
        return read_wav(os.path.join(self.folder, files[-1]))


def has_ipv6():
    """Whether ::1 is there: containers often lack it."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def has(program):
    return shutil.which(program) is not None
