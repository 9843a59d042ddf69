# SPDX-License-Identifier: Apache-2.0
"""Lines at work: fail-over between two PBXes behind one name, trunks of a carrier, limits, routing, many lines at once."""
import os
import re
import signal
import subprocess
import time

import lab
import pytest
import sip_peer

SIP = "sip: { listen: [ \"udp:%s:5060\", \"tcp:%s:5060\" ], max_calls: 3000, dns: \"127.0.0.5:5353\" }\n" % (lab.US, lab.US)
AGENTS = """agents:
  - { name: echo, brain: { kind: echo } }
  - { name: night, brain: { kind: echo } }
  - { name: tone, brain: { kind: play, file: %s }, record: true }
"""


@pytest.fixture
def names():
    servers = []

    def start(srv, a):
        servers.append(sip_peer.NameServer(srv, a))
        return servers[-1]

    yield start
    for s in servers:
        s.close()


@pytest.fixture
def peers():
    """Peers of sip_peer, closed with the test."""
    made = []

    def make(kind, *args, **more):
        made.append(kind(*args, **more))
        return made[-1]

    yield make
    for p in made:
        p.close()


@pytest.fixture(scope="module")
def two_pbxes(tmp_path_factory):
    try:
        both = [lab.Asterisk(tmp_path_factory.mktemp("pbx%d" % i), ip="127.0.0.%d" % (22 + i)) for i in range(2)]
    except subprocess.CalledProcessError:
        pytest.skip("no Asterisk: its packages cannot be fetched here")
    yield both
    for p in both:
        p.process.send_signal(signal.SIGCONT)
        p.stop()


def dial(d, number, **more):
    status, call = d.ask("POST", "/v1/calls", dict({"target": number}, **more))
    assert status == 201, call
    return call["id"]


def up_after(d, call, seconds=15):
    """Milliseconds until it was answered."""
    lab.wait_for("the answer", seconds, lambda: d.get("/v1/calls/" + call)["state"] in ("up", "ended"))
    record = d.get("/v1/calls/" + call)
    assert record["state"] == "up", record
    return record["answered_after_ms"]


# ---- fail-over ---------------------------------------------------------------------------------------------------------


def test_the_second_srv_target_has_the_call_within_two_seconds(daemons, two_pbxes, names, tone):
    """Two PBXes behind one name. The first stops answering without a word (the worst case: no ICMP), comes back, dies for good."""
    first, second = two_pbxes
    names({"_sip._udp.pbx.test": [(10, 0, 5060, "one.pbx.test"), (20, 0, 5060, "two.pbx.test")]},
          {"one.pbx.test": [first.ip], "two.pbx.test": [second.ip]})
    d = daemons(SIP + "lines:\n  - { name: office, preset: freepbx, server: pbx.test, extension: \"1001\", password: secret1001 }\n" +
                AGENTS % tone + "routes:\n  - { agent: echo }\n")
    d.wait_line("office", "registered")
    assert [t["address"] for t in d.line("office")["targets"]] == [first.ip + ":5060", second.ip + ":5060"]
    plain = up_after(d, dial(d, "600", agent="tone"))

    first.process.send_signal(signal.SIGSTOP)
    try:
        call = dial(d, "600", agent="tone")
        silent = up_after(d, call)
        notes = d.said(call, "system")
        assert any("does not answer: trying %s" % second.ip in n for n in notes), notes
        again = up_after(d, dial(d, "600", agent="tone"))
        moved = lab.wait_for("the registration with the second", 10, lambda: "1001" in second.cli("pjsip show contacts"))
        print("answered: plainly %d ms, first target silent %d ms, the call after that %d ms" % (plain, silent, again))
        assert silent <= 2000 and again <= 500 and moved
        # calls in come from the second now
        second.originate("1001", "Milliwatt")
        d.wait_call(direction="inbound", state="up")
        second.cli("channel request hangup all")
    finally:
        first.process.send_signal(signal.SIGCONT)
    back = time.monotonic()
    lab.wait_for("the first to be up again", 20, lambda: d.line("office")["targets"][0]["state"] == "up")
    up = time.monotonic() - back
    lab.wait_for("the return to it", 50, lambda: d.line("office")["targets"][0]["registered"])
    print("first target up again %.1f s after it came back, registration back after %.1f s" % (up, time.monotonic() - back))

    first.stop()  # refused datagrams now
    refused = up_after(d, dial(d, "600", agent="tone"))
    print("first target gone: %d ms" % refused)
    assert refused <= 2000
    for c in d.calls(state="up"):
        d.ask("DELETE", "/v1/calls/" + c["id"])
    first.start()


@pytest.mark.parametrize("how", ["silent", "gone"])
def test_the_registration_moves_to_the_second_srv_target(daemons, peers, names, tone, how):
    """Registered by name, then the first is no more. In this order: OPTIONS that it does not answer, REGISTER to the second, calls from there.
    How soon is a matter of health_s: the first silence is asked about again within 3 s, the second one moves the registration."""
    one, two = peers(sip_peer.Registrar, "127.0.0.71", expires=3600), peers(sip_peer.Registrar, "127.0.0.72", expires=3600)
    names({"_sip._udp.pbx.test": [(10, 0, 5060, "one.pbx.test"), (20, 0, 5060, "two.pbx.test")]},
          {"one.pbx.test": [one.ip], "two.pbx.test": [two.ip]})
    d = daemons(SIP + "lines:\n  - { name: office, server: pbx.test, extension: \"1001\", password: x, health_s: 1 }\n" + AGENTS % tone +
                "routes:\n  - { agent: echo }\n")
    d.wait_line("office", "registered")
    assert len(one.times()) == 1 and not two.times()
    lab.wait_for("OPTIONS", 5, lambda: one.requests("OPTIONS"))
    if how == "silent":
        one.answer = lambda m: None
    else:
        one.close()
    died = time.monotonic()
    lab.wait_for("a REGISTER at the second", 15, two.times)
    took = two.times()[0] - died
    if how == "silent":
        asked = [t for t, m, _ in one.received if m.startswith("OPTIONS") and died < t < two.times()[0]]
        assert len(asked) >= 2 and len(one.times()) == 1, "it was left without being asked"
    call = two.invite(lab.US, to="1001")
    assert sip_peer.status(call[0]) == 200, "a call from the second is not taken"
    two.bye(call)
    line = d.wait_line("office", "registered")
    assert [t["registered"] for t in line["targets"]] == [False, True] and line["targets"][0]["state"] == "down", line
    print("%s: registered with the second %.1f s after the first died" % (how, took))
    assert took <= (8 if how == "silent" else 5)


def test_a_trunk_that_says_503_is_left_at_once_and_comes_back(daemons, peers, tone):
    one, two = peers(sip_peer.Peer, "127.0.0.71"), peers(sip_peer.Peer, "127.0.0.72")
    full = ("503 Service Unavailable", "Retry-After: 5\r\n", "")
    one.answer = lambda m: full if m.startswith("INVITE") else ("200 OK", "", "")
    two.answer = lambda m: ("200 OK", "", two.sdp() if m.startswith("INVITE") else "")
    d = daemons("lines:\n  - { name: carrier, preset: generic-trunk, servers: [ 127.0.0.71, 127.0.0.72 ], extension: \"+4930111\",\n"
                "      numbers: { country: \"49\" }, health_s: 2 }\n" + AGENTS % tone + "routes:\n  - { agent: echo }\n")
    lab.wait_for("OPTIONS", 5, lambda: all(t["state"] == "up" for t in d.line("carrier")["targets"]))
    assert up_after(d, dial(d, "+4940222", agent="echo")) < 500
    assert len(one.requests("INVITE")) == 1 and len(two.requests("INVITE")) == 1
    assert up_after(d, dial(d, "+4940222", agent="echo")) < 500
    assert len(one.requests("INVITE")) == 1, "the target that said 503 was asked again"
    one.answer = two.answer
    lab.wait_for("the first to come back", 15, lambda: d.line("carrier")["targets"][0]["state"] == "up")
    before = len(one.requests("INVITE"))
    up_after(d, dial(d, "+4940222", agent="echo"))
    assert len(one.requests("INVITE")) == before + 1
    # all gone: the line says so, and a call ends with a reason
    for p in (one, two):
        p.answer = lambda m: None
    lab.wait_for("the line to be down", 20, lambda: d.line("carrier")["state"] == "failed")
    assert "no server of the line answers" in d.line("carrier")["detail"]


def test_a_target_that_answers_late_does_not_ring_on(daemons, peers, tone):
    """The first target wakes after the call went to the second: its answer is acknowledged and ended."""
    one, two = peers(sip_peer.Peer, "127.0.0.71"), peers(sip_peer.Peer, "127.0.0.72")
    one.answer = lambda m: None if m.startswith("INVITE") else ("200 OK", "", "")
    two.answer = lambda m: ("200 OK", "", two.sdp() if m.startswith("INVITE") else "")
    d = daemons("lines:\n  - { name: carrier, preset: generic-trunk, servers: [ 127.0.0.71, 127.0.0.72 ], extension: \"+4930111\" }\n" +
                AGENTS % tone + "routes:\n  - { agent: echo }\n")
    time.sleep(1)
    took = up_after(d, dial(d, "+4940222", agent="echo"))
    assert 1300 <= took <= 2000, took
    _, request, source = next(r for r in one.received if r[1].startswith("INVITE"))
    one.reply(request, source, "200 OK", "", one.sdp())
    one.wait(lambda m: m.startswith("ACK"))
    one.wait(lambda m: m.startswith("BYE"))


# ---- trunks --------------------------------------------------------------------------------------------------------------

CARRIER = "127.0.0.71"
TRUNK = """lines:
  - name: carrier
    preset: generic-trunk
    server: %s
    extension: "+49301000"
    caller_id: "+49301000"
    numbers: { country: "49", out: national }
    max_calls: 2
    max_calls_per_second: 20
%s""" % (CARRIER, AGENTS)
ROUTES = """calendars:
  - { name: never, hours: { mon: "00:00-00:01" }, holidays: [ "01-01" ], zone: Europe/Berlin }
routes:
  - { line: carrier, dids: [ "+493010050-99", "+49301001" ], agent: echo }
  - { line: carrier, from: anonymous, reject: 433 }
  - { line: carrier, to: "+4930200*", outside: never, agent: night }
"""


def test_dids_identity_and_diversion(daemons, peers, tone):
    carrier = peers(sip_peer.Peer, CARRIER)
    d = daemons(TRUNK % tone + ROUTES)
    call = carrier.invite(lab.US, to="03010055", from_="<sip:0151234567@carrier.test>",
                          more="P-Asserted-Identity: \"Ann\" <sip:0151234567@carrier.test>\r\n"
                               "Diversion: <sip:030999888@carrier.test>;reason=no-answer\r\nAccept-Language: de, en\r\n")
    assert sip_peer.status(call[0]) == 200, call[0]
    record = d.wait_call(state="up")
    assert record["agent"] == "echo" and record["line"] == "carrier"
    assert record["caller"] == {"number": "+49151234567", "name": "Ann", "asserted": True, "private": False,
                                "diverted_from": "+4930999888", "diverted_why": "no-answer", "dialled_first": "+4930999888",
                                "diversions": 1, "language": "de"}, record["caller"]
    carrier.bye(call)
    d.wait_call(state="ended")
    # number ranges end where they end; a withheld number is a caller like another
    assert sip_peer.status(carrier.invite(lab.US, to="030100100")[0]) == 404
    assert sip_peer.status(carrier.invite(lab.US, to="0302001", from_="<sip:anonymous@anonymous.invalid>")[0]) == 433
    call = carrier.invite(lab.US, to="0302001")
    assert d.wait_call(state="up")["agent"] == "night"
    carrier.bye(call)


def test_strangers_have_no_line_and_names_are_addresses(daemons, peers, names, tone):
    """A trunk known by its name takes calls from what the name resolves to, without allow."""
    names({"_sip._udp.carrier.test": [(1, 1, 5060, "edge.carrier.test")]}, {"edge.carrier.test": [CARRIER]})
    carrier, stranger = peers(sip_peer.Peer, CARRIER), peers(sip_peer.Peer, "127.0.0.79")
    d = daemons(SIP + (TRUNK % tone).replace("server: " + CARRIER, "server: carrier.test") + ROUTES)
    lab.wait_for("the name", 5, lambda: d.line("carrier")["targets"])
    call = carrier.invite(lab.US, to="03010055")
    assert sip_peer.status(call[0]) == 200
    carrier.bye(call)
    assert sip_peer.status(stranger.invite(lab.US, to="03010055")[0]) == 403


def test_channel_and_rate_limits_answer_as_carriers_expect(daemons, peers, tone):
    carrier = peers(sip_peer.Peer, CARRIER)
    d = daemons(TRUNK % tone + ROUTES)
    calls = [carrier.invite(lab.US, to="03010055") for _ in range(2)]
    assert [sip_peer.status(c[0]) for c in calls] == [200, 200]
    full = carrier.invite(lab.US, to="03010055")[0]
    assert sip_peer.status(full) == 503 and sip_peer.header(full, "Retry-After"), full
    status, answer = d.ask("POST", "/v1/calls", {"target": "+4940", "agent": "echo"})
    assert status == 429 and "all its 2 calls" in answer["detail"], answer
    line = d.line("carrier")
    assert (line["calls"], line["max_calls"], line["refused_channels"]) == (2, 2, 2), line
    for c in calls:
        carrier.bye(c)
    lab.wait_for("room", 5, lambda: d.line("carrier")["calls"] == 0)
    call = carrier.invite(lab.US, to="03010055")
    assert sip_peer.status(call[0]) == 200
    carrier.bye(call)
    # another configuration while it runs: one call a second, and busy instead of 503
    d.write((TRUNK % tone).replace("max_calls_per_second: 20", "max_calls_per_second: 1\n    full_status: 486") + ROUTES)
    assert d.ask("POST", "/v1/reload")[0] == 200
    statuses = [sip_peer.status(carrier.invite(lab.US, to="030999")[0]) for _ in range(3)]
    assert statuses == [404, 503, 503], statuses


def test_calls_in_may_have_to_prove_themselves(daemons, peers, tone):
    carrier = peers(sip_peer.Peer, CARRIER)
    d = daemons((TRUNK % tone).replace("    max_calls: 2\n", "    inbound: { user: carrier, password: s3cret }\n") + ROUTES)
    first = carrier.invite(lab.US, to="03010055", call_id="proof")
    assert sip_peer.status(first[0]) == 401, first[0]
    assert not d.calls(), "a call that proved nothing is in the list"
    challenges = re.findall(r"^WWW-Authenticate: (.*?)\r?$", first[0], re.M)
    assert [("SHA-256" in c, "MD5" in c) for c in challenges] == [(True, False), (False, True)], challenges
    uri = "sip:03010055@" + lab.US
    wrong = carrier.authorization(challenges[0], "carrier", "wrong", uri)
    assert sip_peer.status(carrier.invite(lab.US, to="03010055", call_id="proof2", auth=wrong)[0]) == 401
    for number, challenge in enumerate(challenges):
        fresh = carrier.invite(lab.US, to="03010055", call_id="fresh%d" % number)[0]
        challenge = re.findall(r"^WWW-Authenticate: (.*?)\r?$", fresh, re.M)[number]
        right = carrier.authorization(challenge, "carrier", "s3cret", uri)
        call = carrier.invite(lab.US, to="03010055", call_id="right%d" % number, cseq=2, auth=right)
        assert sip_peer.status(call[0]) == 200, call[0]
        carrier.bye(call)


def test_what_we_say_of_ourselves(daemons, peers, tone):
    carrier = peers(sip_peer.Peer, CARRIER)
    carrier.answer = lambda m: ("486 Busy Here", "", "") if m.startswith("INVITE") else ("200 OK", "", "")
    d = daemons(TRUNK % tone + ROUTES)

    def sent(**more):
        before = len(carrier.requests("INVITE"))
        dial(d, more.pop("target", "+4940222"), agent="echo", **more)
        lab.wait_for("the INVITE", 5, lambda: len(carrier.requests("INVITE")) > before)
        return carrier.requests("INVITE")[-1]

    m = sent()
    assert m.startswith("INVITE sip:040222@%s SIP" % CARRIER), m
    assert "sip:0301000@" in sip_peer.header(m, "From") and "sip:0301000@" in sip_peer.header(m, "P-Asserted-Identity"), m
    m = sent(target="0043123456789", caller_id="+49301000123", caller_name="Front desk")
    assert m.startswith("INVITE sip:0043123456789@") and '"Front desk" <sip:0301000123@' in sip_peer.header(m, "From"), m
    m = sent(withhold_number=True)
    assert "anonymous.invalid" in sip_peer.header(m, "From") and sip_peer.header(m, "Privacy") == "id", m
    assert "sip:0301000@" in sip_peer.header(m, "P-Asserted-Identity"), m
    status, answer = d.ask("POST", "/v1/calls", {"target": "+49", "caller_name": "a\r\nX-Evil: 1"})
    assert status >= 400, answer


def test_keys_as_info(daemons, peers, tone):
    carrier = peers(sip_peer.Peer, CARRIER)
    carrier.answer = lambda m: ("200 OK", "", carrier.sdp() if m.startswith("INVITE") else "")
    d = daemons((TRUNK % tone).replace("    max_calls: 2\n", "    dtmf: info\n") + ROUTES)
    call = dial(d, "+4940222", agent="echo")
    up_after(d, call)
    assert d.ask("POST", "/v1/calls/%s/dtmf" % call, {"digits": "1,2#"})[0] == 202
    lab.wait_for("three INFOs", 5, lambda: len(carrier.requests("INFO")) == 3)
    assert [re.search(r"Signal=(.)", m).group(1) for m in carrier.requests("INFO")] == ["1", "2", "#"]
    assert all(sip_peer.header(m, "Content-Type") == "application/dtmf-relay" for m in carrier.requests("INFO"))


# ---- routing of calls out, and what the tests say ---------------------------------------------------------------------------

TWO_LINES = """lines:
  - { name: one, preset: generic-trunk, server: 127.0.0.71, extension: "+49301", numbers: { country: "49" }, max_calls: 4 }
  - { name: two, preset: generic-trunk, server: 127.0.0.72, extension: "+49302", numbers: { country: "49" }, max_calls: 4 }
%s
routes:
  - { line: one, agent: echo }
outbound:
  - { to: "+49*", line: [ one, two ], choose: load, caller_id: "+49300" }
  - { to: "+*", line: [ two, one ], prefix: "" }
"""


def test_lines_for_calls_out_are_chosen_by_rule_and_load(daemons, peers, tone):
    one, two = peers(sip_peer.Peer, "127.0.0.71"), peers(sip_peer.Peer, "127.0.0.72")
    for p in (one, two):
        p.answer = lambda m, p=p: ("200 OK", "", p.sdp() if m.startswith("INVITE") else "")
    d = daemons(TWO_LINES % (AGENTS % tone))
    for _ in range(4):
        up_after(d, dial(d, "040222", agent="echo"))
    assert (len(one.requests("INVITE")), len(two.requests("INVITE"))) == (2, 2)
    assert "sip:+49300@" in sip_peer.header(one.requests("INVITE")[0], "From")
    call = dial(d, "+43123456", agent="echo")
    up_after(d, call)
    assert d.get("/v1/calls/" + call)["line"] == "two"
    assert "outbound rule in line" in d.get("/v1/calls/" + call)["route"]
    status, answer = d.ask("POST", "/v1/calls", {"target": "112"})
    assert status == 404 and "no outbound rule fits 112" in answer["detail"], answer


def test_route_test_says_who_answers_and_why(daemons, tone):
    d = daemons(TRUNK % tone + ROUTES)
    status, doc = d.ask("POST", "/v1/route-test", {"to": "03020011", "from": "0151", "at": "2026-11-23T00:00"})
    assert status == 200 and doc["agent"] is None and doc["reject"] == 404, doc
    assert [r["fits"] for r in doc["routes"]] == [False, False, False]
    assert "wants a time outside never (open, Mon 00:00 in Europe/Berlin)" in doc["routes"][2]["why"], doc
    run = subprocess.run([lab.TIPRING, "route-test", "--api", d.api_base, "--to", "03020011", "--at", "2026-11-24T12:00"],
                         stdout=subprocess.PIPE)
    text = run.stdout.decode()
    assert run.returncode == 0 and "goes to agent night" in text and "03020011 (+493020011)" in text, text
    file_run = subprocess.run([lab.TIPRING, "route-test", "-c", d.config_path, "--to", "03020011", "--at", "2026-11-24T12:00"],
                              stdout=subprocess.PIPE)
    assert file_run.stdout == run.stdout
    assert d.ask("POST", "/v1/route-test", {"from": "1"})[0] == 422
    assert d.ask("POST", "/v1/route-test", {"to": "1", "at": "tomorrow"})[0] == 422


def test_a_reload_leaves_running_calls_and_registrations_alone(daemons, peers, tone):
    carrier, registrar = peers(sip_peer.Peer, CARRIER), peers(sip_peer.Registrar, "127.0.0.73")
    extension = "  - { name: ext, server: 127.0.0.73, extension: \"7\", password: x }\n"
    config = TRUNK % tone + ROUTES
    config = config.replace("lines:\n", "lines:\n" + extension)
    d = daemons(config)
    d.wait_line("ext", "registered")
    call = carrier.invite(lab.US, to="03010055")
    d.wait_call(state="up")
    registered = len(registrar.times())
    d.write(config.replace("max_calls: 2", "max_calls: 1").replace("agent: echo }", "agent: night }"))
    assert d.ask("POST", "/v1/reload")[0] == 200
    time.sleep(1)
    assert len(registrar.times()) == registered, "an unchanged line registered again"
    assert d.line("ext")["state"] == "registered"
    assert d.wait_call(state="up")["agent"] == "echo"
    assert d.line("carrier")["calls"] == 1
    assert sip_peer.status(carrier.invite(lab.US, to="03010055")[0]) == 503
    carrier.bye(call)
    lab.wait_for("room", 5, lambda: d.line("carrier")["calls"] == 0)
    call = carrier.invite(lab.US, to="03010055")
    assert d.wait_call(state="up")["agent"] == "night"
    carrier.bye(call)
    # what is gone from the file unregisters
    d.write(config.replace(extension, ""))
    assert d.ask("POST", "/v1/reload")[0] == 200
    registrar.wait(lambda m: m.startswith("REGISTER") and sip_peer.header(m, "Expires") == "0")


# ---- figures ---------------------------------------------------------------------------------------------------------------


def test_two_hundred_lines_register_without_a_burst(daemons, peers, tone):
    registrar = peers(sip_peer.Registrar, "127.0.0.73", expires=30)
    lines = "".join("  - { name: l%d, server: 127.0.0.73, extension: \"%d\", password: x, expires_s: 30, keepalive_s: 0 }\n" % (i, 5000 + i)
                    for i in range(200))
    d = daemons("lines:\n" + lines + AGENTS % tone + "routes:\n  - { agent: echo }\n")
    began = time.monotonic()
    lab.wait_for("all registrations", 20, lambda: sum(l["state"] == "registered" for l in d.get("/v1/lines")["lines"]) == 200)
    took = time.monotonic() - began
    time.sleep(75)
    times = registrar.times()
    assert all(l["state"] == "registered" for l in d.get("/v1/lines")["lines"])
    start = times[0]
    windows = {}
    for t in times:
        windows[int((t - start) / 0.1)] = windows.get(int((t - start) / 0.1), 0) + 1
    first, later = max(n for w, n in windows.items() if w < 30), max(n for w, n in windows.items() if w >= 30)
    print("200 lines registered after %.1f s; at most %d REGISTERs in 100 ms at the start, %d later; %d in all" %
          (took, first, later, len(times)))
    assert took < 10 and first <= 30 and later <= 30 and len(times) > 500


def test_the_first_call_is_answered_within_a_second_of_the_start(daemons, pbx, tone, tmp_path):
    """Started, registered, called by the PBX and answered: measured from the exec of the daemon. Without speech models, whose loading
    is the engines' affair and takes longer than everything here."""
    folder = tmp_path / "quick"
    os.makedirs(str(folder))
    config = folder / "tipring.yaml"
    config.write_text("api: { listen: \"%s:8060\" }\nsip: { listen: [ \"udp:%s:5060\" ] }\n"
                      "lines:\n  - { name: office, preset: freepbx, server: %s, extension: \"1001\", password: secret1001 }\n"
                      "agents:\n  - { name: echo, brain: { kind: echo } }\nroutes:\n  - { agent: echo }\n" % (lab.US, lab.US, lab.PBX))
    log = open(str(folder / "log"), "wb")
    began = time.monotonic()
    process = subprocess.Popen([lab.TIPRING, "serve", "-c", str(config)], cwd=str(folder), stdout=log, stderr=log)
    try:
        lab.wait_for("the registration", 10, lambda: b"line.registered" in open(log.name, "rb").read())
        registered = time.monotonic() - began
        pbx.originate("1001", "Milliwatt")
        lab.wait_for("the answer", 10, lambda: b"call.answered" in open(log.name, "rb").read())
        answered = time.monotonic() - began
        text = open(log.name).read()
        print("registered %.0f ms after the start, a call answered after %.0f ms (with what the PBX' command line takes)\n%s" %
              (registered * 1000, answered * 1000, text))
        setup = int(re.search(r"call.answered.*setup_ms=(\d+)", text).group(1))
        assert registered * 1000 + setup <= 1000
    finally:
        pbx.cli("channel request hangup all")
        lab.end_process(process, 10)
        log.close()
