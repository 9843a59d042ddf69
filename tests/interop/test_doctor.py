# SPDX-License-Identifier: Apache-2.0
"""`tipring doctor` against real peers and every kind of NAT: each fault yields the sentence that a support engineer would write."""
import contextlib
import json
import os
import re
import subprocess

import pytest

import certs
import lab
import nat
import sip_peer
import test_tls

CONFIG = """
api: { listen: "%s:8060" }
sip: { listen: [ "udp:%s:5060", "tcp:%s:5060" ], max_calls: 100%s }
media: { port_min: 20000, port_max: 20999 }
lines:
  - { name: office, %s }
agents:
  - { name: echo, brain: { kind: echo } }
routes:
  - { agent: echo }
"""


def examine(folder, line, *more, ip=lab.US, api="127.0.0.1", sip="", here=contextlib.nullcontext, timeout=60):
    """Runs it; returns (exit status, {id: finding} of the line, {id: finding} of the machine)."""
    os.makedirs(str(folder), exist_ok=True)
    path = os.path.join(str(folder), "tipring.yaml")
    with open(path, "w") as f:
        f.write(CONFIG % (api, ip, ip, sip, line))
    with here():
        run = subprocess.run([lab.TIPRING, "doctor", "--json", "-c", path] + list(more), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.DEVNULL, timeout=timeout)
    assert run.stdout, run.stderr
    doc = json.loads(run.stdout)
    print(json.dumps(doc, indent=1))
    found = {f["id"]: f for f in doc["findings"] if f.get("line")}
    assert doc["faults"] == sum(f["level"] == "fault" for f in doc["findings"]) and (run.returncode == 1) == (doc["faults"] > 0)
    return run.returncode, found, {f["id"]: f for f in doc["findings"] if not f.get("line")}


def faults(found):
    return [f["id"] for f in found.values() if f["level"] == "fault"]


def extension(user="1001", password="secret1001", server=lab.PBX, more=""):
    return "preset: freepbx, server: \"%s\", extension: \"%s\", password: \"%s\"%s" % (server, user, password, more)


# ---- with a PBX --------------------------------------------------------------------------------------------------------------


def test_a_line_that_is_well(pbx, tmp_path):
    code, found, host = examine(tmp_path, extension(), "--call", "600")
    assert code == 0 and not faults(found)
    assert {i: f["level"] for i, f in host.items()} == {"sip_ports": "ok", "rtp_ports": "ok", "file_limit": "ok"}
    assert found["registration"]["text"].startswith("registered as \"1001\" for ")
    assert found["audio"]["text"] == "audio goes both ways: our own tone came back"
    assert found["nat"]["text"] == "no NAT: the other side sees our own address"
    assert found["sip_alg"]["level"] == found["clock"]["level"] == found["codecs"]["level"] == "ok"
    assert found["reach_udp"]["text"].startswith("127.0.0.20:5060 answers over UDP in ")
    assert "secret1001" not in json.dumps(found)
    contacts = pbx.cli("pjsip show contacts")
    assert "1001" not in contacts, contacts


def test_for_people(pbx, tmp_path):
    examine(tmp_path, extension(password="not-this"))
    run = subprocess.run([lab.TIPRING, "doctor", "office", "-c", str(tmp_path / "tipring.yaml")], stdout=subprocess.PIPE, timeout=60)
    text = run.stdout.decode()
    assert run.returncode == 1 and "\033" not in text and "not-this" not in text
    assert "  FAULT    the system refuses the credentials of \"1001\": most likely the password is wrong\n" in text, text
    assert "           do: copy the password anew" in text and text.endswith("\n1 fault, 0 warnings.\n"), text
    run = subprocess.run([lab.TIPRING, "doctor", "attic", "-c", str(tmp_path / "tipring.yaml")], stderr=subprocess.PIPE, timeout=60)
    assert run.returncode == 4 and b"no line attic" in run.stderr


def test_wrong_password(pbx, tmp_path):
    _, found, _ = examine(tmp_path, extension(password="not-this"))
    assert faults(found) == ["wrong_password"]
    f = found["wrong_password"]
    assert f["text"] == "the system refuses the credentials of \"1001\": most likely the password is wrong"
    assert f["evidence"] == "401 to REGISTER of \"1001\" as user \"1001\", realm \"asterisk\", FPBX-17.0.19(22)"


def test_wrong_authentication_id(pbx, tmp_path):
    _, found, _ = examine(tmp_path, extension(more=", auth_id: kT7mZ2q"))
    assert faults(found) == ["wrong_auth_id"]
    f = found["wrong_auth_id"]
    assert f["text"] == "the authentication id \"kT7mZ2q\" is wrong: with \"1001\" instead the same password is accepted"
    assert f["remedy"] == "take auth_id out of the line, or set it to \"1001\""
    # neither fits: it cannot be told which, and that is what it says
    _, found, _ = examine(tmp_path, extension("1051", "not-this", more=", auth_id: aUtHiD77"))
    assert faults(found) == ["wrong_password"]
    assert found["wrong_password"]["text"] == ("the system refuses the credentials: the password or the authentication id \"aUtHiD77\" is "
                                               "wrong; it does not say which")


def test_wrong_realm(pbx, tmp_path):
    _, found, _ = examine(tmp_path, extension("1053", "secret1053"))
    assert faults(found) == ["wrong_realm"]
    assert found["wrong_realm"]["text"] == ("the system refuses the credentials, and asks for those of the realm \"voice.example.com\", while "
                                            "the line says \"127.0.0.20\"")


def test_no_codec_in_common(pbx, tmp_path):
    _, found, _ = examine(tmp_path, extension("1022", "secret1022", more=", codecs: [ pcma ]"), "--call", "600")
    assert faults(found) == ["codecs"]
    assert found["codecs"]["text"] == "no codec in common: the other side refuses all that we offer (pcma) with 488"


def test_a_running_daemon_is_left_alone(pbx, daemons, tmp_path):
    d = daemons(CONFIG.split("\n", 2)[2].replace("sip: { listen: [ \"udp:%s:5060\", \"tcp:%s:5060\" ], max_calls: 100%s }\n", "").replace(
        "media: { port_min: 20000, port_max: 20999 }\n", "") % extension())
    d.wait_line("office", "registered")
    before = pbx.cli("pjsip show contacts")
    code, found, host = examine(tmp_path / "doctor", extension(), "--call", "600", api=lab.US)
    assert code == 0 and found["audio"]["level"] == "ok"
    assert found["registration"]["text"].startswith("registered by the running daemon; left alone")
    assert host["sip_ports"]["text"] == "the daemon is running and has 127.0.0.30:5060: the trials below use other ports"
    assert re.findall(r"sip:1001@\S+", pbx.cli("pjsip show contacts")) == re.findall(r"sip:1001@\S+", before) != []


# ---- with peers that err on purpose ------------------------------------------------------------------------------------------


def test_closed_port(tmp_path):
    _, found, _ = examine(tmp_path, extension(server="127.0.0.99"))
    assert faults(found) == ["reach_udp"]
    assert found["reach_udp"]["text"] == ("127.0.0.99:5060 over UDP: nothing listens there (connection refused): check address, port and "
                                          "transport")


@pytest.mark.parametrize("answer,asks,id_,text", [
    ("404 Not Found", True, "unknown_user", "the system does not know the extension \"1001\""),
    ("403 Forbidden", False, "not_allowed",
     "the system forbids the registration before it has asked for a password: we are not allowed from this address"),
    ("403 Forbidden", True, "not_allowed", "the system forbids the registration after it has seen the credentials: password wrong, or this "
     "extension may not register from here"),
    ("503 Service Unavailable", True, "registration", None),
], ids=["unknown", "not-from-here", "forbidden", "unavailable"])
def test_refusals(tmp_path, answer, asks, id_, text):
    peer = sip_peer.Peer(lab.PHONE)

    def reply(message):
        if message.startswith("OPTIONS"):
            return "200 OK", "Date: Thu, 01 Jan 2015 00:00:00 GMT\r\n", ""
        if asks and "Authorization:" not in message:
            return "401 Unauthorized", "WWW-Authenticate: Digest realm=\"x\", nonce=\"1\", qop=\"auth\"\r\n", ""
        return answer, "", ""

    peer.answer = reply
    try:
        _, found, _ = examine(tmp_path, extension(server=lab.PHONE))
    finally:
        peer.close()
    assert faults(found) == [id_]
    assert found[id_]["text"] == text or text is None
    assert re.match(r"our clock and the other side's are \d{9} s apart: ours is ahead$", found["clock"]["text"])


def test_silence_names_the_transport_that_answers(pbx, tmp_path):
    subprocess.run("nft add table ip doctor; nft add chain ip doctor in '{ type filter hook input priority 0; }'; "
                   "nft add rule ip doctor in ip daddr 127.0.0.20 udp dport 5060 drop", shell=True, check=True)
    try:
        _, found, _ = examine(tmp_path, extension())
    finally:
        subprocess.run("nft delete table ip doctor", shell=True, check=True)
    assert faults(found) == ["reach_udp"]
    assert found["reach_udp"]["text"] == "127.0.0.20:5060 does not answer OPTIONS over UDP"
    assert found["reach_udp"]["remedy"] == "it answers over TCP: set \"transport: tcp\" on the line, or open UDP for us on the way there"


def test_expired_certificate(tmp_path):
    made = certs.Certs(tmp_path / "certs")
    with test_tls.Server(*made.make("expired", san="IP:" + lab.PHONE, days=-1)):
        _, found, _ = examine(tmp_path, extension(server=lab.PHONE, more=", transport: tls, tls: { ca: %s }" % made.ca))
    assert faults(found) == ["certificate"]
    assert re.match(r"the certificate of 127\.0\.0\.41:5061 expired on 20\d\d-\d\d-\d\d \d\d:\d\d UTC: it has to be renewed there "
                    r"\(or the clock of this machine is wrong\)$", found["certificate"]["text"])


def test_a_name_with_srv_records(pbx, tmp_path):
    names = sip_peer.NameServer({"_sip._udp.pbx.example.test": [(10, 1, 5060, "one.example.test"), (20, 1, 5060, "two.example.test")]},
                                {"one.example.test": [lab.PBX], "two.example.test": ["127.0.0.21"], "pbx.example.test": ["127.0.0.22"]})
    try:
        _, found, _ = examine(tmp_path, extension(server="pbx.example.test"), sip=", dns: \"%s\"" % names.address)
    finally:
        names.alive = False
        names.thread.join()
        names.socket.close()
    assert found["name"]["text"] == "pbx.example.test is 127.0.0.20:5060, 127.0.0.21:5060, tried in this order"
    assert found["name"]["evidence"] == "NAPTR 0, SRV 2 (_sip._udp), A 1, AAAA 0 records"
    assert found["registration"]["level"] == "ok"


def test_codecs_of_an_answer_to_options(tmp_path):
    peer = sip_peer.Registrar(lab.PHONE)
    peer.answer = lambda m: ("200 OK", "", peer.sdp()) if m.startswith("OPTIONS") else peer.take(m)
    try:
        _, fine, _ = examine(tmp_path, extension(server=lab.PHONE))
        _, none, _ = examine(tmp_path, extension(server=lab.PHONE, more=", codecs: [ opus ]"))
    finally:
        peer.close()
    assert fine["codecs"]["text"] == "codecs in common: pcmu, pcma"
    assert faults(none) == ["codecs"]
    assert none["codecs"]["text"] == "no codec in common: we have opus, the other side has PCMU, PCMA"


def test_a_name_that_is_none(tmp_path):
    _, found, _ = examine(tmp_path, extension(server="pbx.invalid"))
    assert faults(found) == ["name"]
    assert found["name"]["text"] == "the name pbx.invalid cannot be resolved"


# ---- behind a NAT ------------------------------------------------------------------------------------------------------------------

SECOND = "198.51.100.21"


@pytest.fixture
def worlds(tmp_path):
    """world(kind): the hosts, with an Asterisk and a STUN server of two addresses outside; returns examine() from inside."""
    reason = nat.why_not()
    if reason:
        pytest.skip(reason)
    made = []

    def world(kind, stun=True):
        w = nat.World(kind)
        made.append(w.close)
        pbx = lab.Asterisk(tmp_path / "pbx", ip=nat.OUTSIDE, here=lambda: w.at(w.outside),
                           edit=lambda t: t.replace("local_net=127.0.0.0/8\n", ""))
        made.append(pbx.stop)
        nat.run("ip", "-n", w.outside, "addr", "add", SECOND + "/24", "dev", "eth0")
        if stun and not lab.has("turnserver"):
            pytest.skip("coturn is not installed")
        if stun:
            with w.at(w.outside):
                log = open(os.path.join(str(tmp_path), "coturn.log"), "wb")
                turn = subprocess.Popen(["turnserver", "-n", "-S", "--listening-ip=" + nat.OUTSIDE, "--listening-ip=" + SECOND, "--no-tls", "--no-dtls",
                                         "--no-cli", "--log-file=stdout", "--pidfile=" + os.path.join(str(tmp_path), "coturn.pid")],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            made.append(lambda: lab.end_process(turn))
        more = ["--stun", nat.OUTSIDE] if stun else []
        return lambda *m, **k: examine(tmp_path / "in", extension(server=nat.OUTSIDE), *more, *m, ip="0.0.0.0",
                                       here=lambda: w.at(w.inside), **k)

    yield world
    for close in reversed(made):
        close()


@pytest.mark.parametrize("kind,level,text", [
    ("cone", "ok", "port-restricted cone NAT: one outside port, open to the ports that we have sent to"),
    ("full", "ok", "full cone NAT: one outside port, open to everybody"),
    ("sym", "warning", "symmetric NAT: every destination sees another outside port, so nobody can be told where to send audio"),
])
def test_kind_of_nat(worlds, kind, level, text):
    code, found, _ = worlds(kind)("--call", "600")
    assert (found["nat"]["level"], found["nat"]["text"]) == (level, text)
    assert code == 0 and found["audio"]["level"] == "ok" and found["sip_alg"]["level"] == "ok"
    assert re.match(r"STUN 198\.51\.100\.20: 10\.77\.0\.2:\d+ is seen as 198\.51\.100\.1:\d+, from elsewhere as 198\.51\.100\.1:\d+$",
                    found["nat"]["evidence"])


def test_nat_without_stun(worlds):
    _, found, _ = worlds("cone", stun=False)()
    assert found["nat"]["text"] == "behind a NAT that keeps our port; of what kind only a STUN server can tell (--stun HOST)"


def test_alg(worlds):
    _, found, _ = worlds("alg", stun=False)()
    assert found["sip_alg"]["level"] == "warning"
    assert found["sip_alg"]["text"] == ("a SIP ALG on the way rewrites the answers: they say that the server sees our private address, which it "
                                        "cannot")
    assert found["sip_alg"]["evidence"] == "received and rport of the answer: 10.77.0.2:5060"
    assert "SIP ALG" in found["sip_alg"]["remedy"]


def test_mapping_life(worlds):
    _, found, _ = worlds("short")("--long", timeout=180)
    assert found["mapping_life"]["level"] == "note"
    assert re.match(r"the NAT forgets an unused UDP mapping after 5 to 10 s$|the NAT forgets an unused UDP mapping after 10 to 20 s$",
                    found["mapping_life"]["text"])


def test_blocked_audio(worlds):
    _, found, _ = worlds("oneway", stun=False)("--call", "600")
    assert faults(found) == ["no_audio_in"]
    assert found["no_audio_in"]["text"] == "nothing is heard from the other side: its audio does not reach us"
