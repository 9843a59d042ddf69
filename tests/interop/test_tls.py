# SPDX-License-Identifier: Apache-2.0
"""SIP over TLS: with Asterisk, with certificates that are wrong, and with clients that misbehave."""
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

import certs
import lab
import test_asterisk


@pytest.fixture
def made(tmp_path):
    return certs.Certs(tmp_path / "certs")


def office(pbx, **more):
    fields = dict(server=lab.PBX, transport="tls", tls="{ ca: %s/tls/ca.pem }" % pbx.var)
    fields.update(more)
    return fields


def test_registers_and_calls_both_ways(daemons, pbx, tone):
    """No listener and no certificate of ours: what an extension behind NAT has. Plain RTP."""
    d = daemons(test_asterisk.config("tone", tone, **office(pbx)))
    d.wait_line("office", "registered")
    contacts = pbx.cli("pjsip show contacts")
    assert "transport=tls" in contacts.lower(), contacts

    pbx.originate("1001", "Record %s/rec/tls.wav,0,4" % pbx.var)
    call = d.wait_call(state="ended", seconds=30)
    pcm, rate = lab.read_wav(lab.wait_for("Asterisk's recording", 5, lambda: "%s/rec/tls.wav" % pbx.var))
    assert lab.share(pcm[rate:3 * rate], rate, 1000) > 0.95, call
    trace = d.get("/v1/calls/%s/trace" % call["id"])["messages"]
    assert trace and all(m["transport"] == "TLS" for m in trace)

    _, call = d.ask("POST", "/v1/calls", {"target": "600", "line": "office", "agent": "tone"})
    lab.wait_for("the answer", 10, lambda: d.get("/v1/calls/" + call["id"])["state"] == "up")
    time.sleep(3)
    assert d.ask("DELETE", "/v1/calls/" + call["id"])[0] == 202
    pcm, rate = lab.read_wav(d.wait_recording(call["id"]))
    assert lab.share(pcm[rate:2 * rate], rate, 1000) > 0.95
    net = d.get("/v1/stats")["net"]
    assert net["tls_handshakes"] == 1 and net["tls_failures"] == 0, net


def test_unknown_issuer_and_pin(daemons, pbx, tone):
    """Without the PBX' CA the line says what to do; the pin that it names is enough."""
    d = daemons(test_asterisk.config("tone", tone, **office(pbx, tls="{}")))
    detail = d.wait_line("office", "failed")["detail"]
    assert re.search(r"the certificate of 127\.0\.0\.20:5061 was issued by \"Tipring CA of .*\", which is not trusted here", detail), detail
    pin = re.search(r"sha256/[A-Za-z0-9+/]{43}=", detail).group()
    d.write(test_asterisk.config("tone", tone, **office(pbx, tls="{ pin: \"%s\" }" % pin)))
    assert d.ask("POST", "/v1/reload")[0] == 200
    d.wait_line("office", "registered")
    d.write(test_asterisk.config("tone", tone, **office(pbx, tls="{ pin: \"sha256/%s=\" }" % ("A" * 43))))
    assert d.ask("POST", "/v1/reload")[0] == 200
    assert "has another key than the pinned one" in d.wait_line("office", "failed")["detail"]


class Server:
    """A TLS server that answers nothing."""

    def __init__(self, cert, key, port=5061):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.socket = socket.create_server((lab.PHONE, port))
        self.socket.settimeout(20)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while True:
                connection, _ = self.socket.accept()
                connection.settimeout(5)
                try:
                    with self.context.wrap_socket(connection, server_side=True) as s:
                        while s.recv(4096):
                            pass
                except OSError:
                    pass
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.socket.shutdown(socket.SHUT_RDWR)  # ends accept
        self.thread.join(10)
        self.socket.close()


BAD_LINE = "lines:\n  - { name: office, server: %s, extension: \"1001\", password: x, transport: tls, tls: { ca: %s } }\n" \
           "agents:\n  - { name: echo, brain: { kind: echo } }\n"

FAULTS = [
    ("expired", dict(san="IP:" + lab.PHONE, days=-1), r"the certificate of 127\.0\.0\.41:5061 expired on 20\d\d-\d\d-\d\d \d\d:\d\d UTC: it has to"),
    ("wrong", dict(san="DNS:mail.example.org"), r"is for mail\.example\.org, not for 127\.0\.0\.41: use a name that it has"),
    ("self", dict(san="IP:" + lab.PHONE, is_self_signed=True), r"is self-signed \(\"self\"\) and not known here: give it as tls\.ca"),
]


@pytest.mark.parametrize("name,params,words", FAULTS, ids=[f[0] for f in FAULTS])
def test_certificates_that_are_wrong(daemons, made, name, params, words):
    with Server(*made.make(name, **params)):
        d = daemons(BAD_LINE % (lab.PHONE, made.ca))
        detail = d.wait_line("office", "failed")["detail"]
        assert re.search(words, detail), detail

        # The same as the cause of a call.
        _, call = d.ask("POST", "/v1/calls", {"target": "200", "line": "office", "agent": "echo"})
        lab.wait_for("the call's end", 10, lambda: d.get("/v1/calls/" + call["id"])["state"] == "ended")
        ended = d.get("/v1/calls/" + call["id"])
        assert ended["cause"].startswith("the called side cannot be reached: ") and re.search(words, ended["cause"]), ended


def test_plain_port_and_closed_port(daemons, pbx, made):
    d = daemons(BAD_LINE % (lab.PBX + ":5060", made.ca))
    detail = d.wait_line("office", "failed", 20)["detail"]
    assert "127.0.0.20:5060" in detail and "check that this port speaks TLS" in detail, detail
    d.write(BAD_LINE % (lab.PBX + ":5099", made.ca))
    d.ask("POST", "/v1/reload")
    lab.wait_for("the other sentence", 10, lambda: "nothing listens there (connection refused)" in (d.line("office")["detail"] or ""))


# ---- our own listener ----------------------------------------------------------------------------------------------------

LISTEN = """
sip: {{ listen: [ "udp:{us}:5060", "tcp:{us}:5060", "tls:{us}:5061" ], tls: {{ certificate: {cert}, key: {key} }} }}
lines:
  - {{ name: phones, kind: local, allow: [ 127.0.0.0/8 ] }}
agents:
  - {{ name: echo, brain: {{ kind: echo }} }}
routes:
  - {{ line: phones, agent: echo }}
"""


def listen(cert, key):
    return LISTEN.format(us=lab.US, cert=cert, key=key)


def connect(ca=None, port=5061, **more):
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = ca is not None
    if not ca:
        context.verify_mode = ssl.CERT_NONE
    for key, value in more.items():
        setattr(context, key, value)
    s = socket.create_connection((lab.US, port), timeout=5)
    return context.wrap_socket(s, server_hostname=lab.US)


def options(number):
    return ("OPTIONS sip:x@{us} SIP/2.0\r\nVia: SIP/2.0/TLS {us}:9;rport;branch=z9hG4bK{n}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@{us}>\r\n"
            "Call-ID: {n}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n").format(us=lab.US, n=number).encode()


def is_served(ca, number):
    with connect(ca) as s:
        s.sendall(options(number))
        return s.recv(4096).startswith(b"SIP/2.0 200")


def test_certificate_is_changed_while_it_runs(daemons, made):
    cert, key = made.make("ours", "IP:" + lab.US)
    d = daemons(listen(cert, key))
    old = connect(made.ca)
    first = old.getpeercert()["serialNumber"]

    with open(cert, "w") as f:
        f.write("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    d.reload()
    d.wait_text("config.kept")
    assert "%s: the certificate is damaged" % cert in d.text()
    status, answer = d.ask("POST", "/v1/reload")
    assert status == 422 and any(cert in e for e in answer["errors"]), answer
    with connect(made.ca) as s:
        assert s.getpeercert()["serialNumber"] == first

    made.make("ours", "IP:" + lab.US, days=-1)
    assert d.ask("POST", "/v1/reload")[0] == 422
    d.wait_text("%s: the certificate has expired" % cert)

    made.make("ours", "IP:" + lab.US)
    assert d.ask("POST", "/v1/reload")[0] == 200
    with connect(made.ca) as s:
        assert s.getpeercert()["serialNumber"] != first
    old.sendall(options(1))  # the old connection lives on
    assert old.recv(4096).startswith(b"SIP/2.0 200")
    old.close()


def test_expired_at_start_is_said(daemons, made):
    d = daemons(listen(*made.make("ours", "IP:" + lab.US, days=-1)))
    d.wait_text("tls.certificate_expired")


def test_clients_have_to_show_certificates(daemons, made):
    config = listen(made.path("server.pem"), made.path("server.key")).replace("key: ", "ca: %s, verify_clients: true, key: " % made.ca)
    d = daemons(config)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with connect(made.ca) as s:
            s.sendall(options(1))
            if not s.recv(4096):
                raise ConnectionResetError
    d.wait_text("showed no client certificate, which sip.tls.verify_clients wants")
    context = ssl.create_default_context(cafile=made.ca)
    context.load_cert_chain(*made.make("phone", "DNS:phone.example.com"))
    with context.wrap_socket(socket.create_connection((lab.US, 5061), timeout=5), server_hostname=lab.US) as s:
        s.sendall(options(2))
        assert s.recv(4096).startswith(b"SIP/2.0 200")


def test_a_line_is_known_by_its_clients_certificate(daemons, made, tone):
    """Mutual TLS between two of ours. Only who shows the carrier's name gets the carrier's line; the others have another, or none."""
    for name in ("carrier", "guest"):
        made.make(name, "DNS:%s.example.net" % name)
    callee = daemons(listen(made.path("server.pem"), made.path("server.key")).split("agents:")[0].split("lines:")[0].replace(
        "key: ", "ca: %s, key: " % made.ca) + """
lines:
  - { name: carrier, kind: trunk, client_certificate: [ carrier.example.net, backup.example.net ] }
  - { name: others, kind: local, allow: [ 127.0.0.33/32 ] }
agents:
  - { name: echo, brain: { kind: echo } }
routes:
  - { line: carrier, agent: echo }
  - { line: others, agent: echo }
""", name="callee")

    def caller(ip, certificate):
        keys = ", certificate: %s, key: %s" % (made.path(certificate + ".pem"), made.path(certificate + ".key")) if certificate else ""
        return daemons("lines:\n  - { name: peer, kind: trunk, server: %s, transport: tls, tls: { ca: %s%s } }\n"
                       "agents:\n  - { name: tone, brain: { kind: play, file: %s }, record: true }\n" % (lab.US, made.ca, keys, tone),
                       name="caller-" + ip, ip=ip)

    for ip, certificate, line in (("127.0.0.31", "carrier", "carrier"), ("127.0.0.32", "guest", None), ("127.0.0.33", None, "others"),
                                  ("127.0.0.34", None, None)):
        d = caller(ip, certificate)
        _, call = d.ask("POST", "/v1/calls", {"target": "sip:echo@%s" % lab.US, "line": "peer", "agent": "tone"})
        record = lab.wait_for("the answer", 10, lambda: (c := d.get("/v1/calls/" + call["id"]))["state"] in ("up", "ended") and c)
        if not line:
            assert record["state"] == "ended" and record["sip_status"] == 403, record
            continue
        assert record["state"] == "up", record
        assert [c["line"] for c in callee.calls(state="up")] == [line]
        time.sleep(1.5)
        d.ask("DELETE", "/v1/calls/" + call["id"])
        pcm, rate = lab.read_wav(d.wait_recording(call["id"]))
        assert lab.share(pcm[-rate:], rate, 1000) > 0.9
        lab.wait_for("its end", 5, lambda: not callee.calls(state="up"))


def test_odd_clients_harm_nobody(daemons, made):
    d = daemons(listen(made.path("server.pem"), made.path("server.key")))
    slow = [socket.create_connection((lab.US, 5061)) for _ in range(300)]
    for i, s in enumerate(slow):
        s.sendall(b"\x16\x03\x01\x02\x00"[:1 + i % 5])
    assert is_served(made.ca, 1)

    for junk in (os.urandom(5000), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", options(2), b"\x80\x2e\x01\x00\x02" + bytes(40)):
        with socket.create_connection((lab.US, 5061), timeout=5) as s:
            s.sendall(junk)
            try:
                while s.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    assert is_served(made.ca, 3)

    half = connect(made.ca)
    half.shutdown(socket.SHUT_WR)
    s_client = subprocess.run(["openssl", "s_client", "-connect", lab.US + ":5061", "-tls1_2"], input=b"R\nR\nR\n", timeout=20,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert b"RENEGOTIATING" in s_client.stdout
    for old in (["-tls1"], ["-tls1_1"]):
        run = subprocess.run(["openssl", "s_client", "-connect", lab.US + ":5061", "-cipher", "DEFAULT@SECLEVEL=0"] + old, input=b"",
                             timeout=20, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert b"Cipher is (NONE)" in run.stdout or b"Cipher    : 0000" in run.stdout, run.stdout
    assert is_served(made.ca, 4)
    d.wait_text("on our TLS port")

    # They are gone by themselves.
    slow[-1].settimeout(15)
    try:
        while slow[-1].recv(100):
            pass
    except ConnectionResetError:
        pass
    for s in slow:
        s.close()
    half.close()


def test_certificates_are_made_by_one_command(daemons, tmp_path):
    folder = str(tmp_path / "fresh")
    run = subprocess.run([lab.TIPRING, "cert", folder, "--name", lab.US], stdout=subprocess.PIPE, check=True)
    assert b"tls:0.0.0.0:5061" in run.stdout
    again = subprocess.run([lab.TIPRING, "cert", folder], stderr=subprocess.PIPE)
    assert again.returncode == 1 and b"is there already: --force" in again.stderr
    assert os.stat(os.path.join(folder, "server.key")).st_mode & 0o777 == 0o600
    daemons(listen(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key")))
    assert is_served(os.path.join(folder, "ca.pem"), 1)


def test_two_daemons_call_each_other(daemons, made, tone):
    """A trunk over TLS whose both ends show certificates: ours to ours."""
    server, key = made.path("server.pem"), made.path("server.key")
    config = listen(server, key).replace("key: ", "ca: %s, verify_clients: true, key: " % made.ca)
    callee = daemons(config, name="callee")
    caller = daemons("lines:\n  - { name: peer, kind: trunk, server: %s, transport: tls, allow: [ %s ], tls: { ca: %s, certificate: %s, key: %s } }\n"
                     "agents:\n  - { name: tone, brain: { kind: play, file: %s }, record: true }\n"
                     % (lab.US, lab.US, made.ca, server, key, tone), name="caller", ip="127.0.0.31")
    _, call = caller.ask("POST", "/v1/calls", {"target": "sips:echo@%s" % lab.US, "line": "peer", "agent": "tone"})
    lab.wait_for("the answer", 10, lambda: caller.get("/v1/calls/" + call["id"])["state"] == "up")
    time.sleep(2)
    caller.ask("DELETE", "/v1/calls/" + call["id"])
    pcm, rate = lab.read_wav(caller.wait_recording(call["id"]))
    assert lab.share(pcm[rate:2 * rate], rate, 1000) > 0.9
    ended = callee.wait_call(state="ended")
    trace = "\n".join(m["message"] for m in callee.get("/v1/calls/%s/trace" % ended["id"])["messages"])
    assert "Contact: <sips:" in trace, trace
