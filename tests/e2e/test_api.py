# SPDX-License-Identifier: Apache-2.0
"""The API and the sub-commands, with good and bad input."""
import http.client
import json
import socket
import subprocess

import lab

CONFIG = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: echo, brain: { kind: echo } }
routes:
  - { line: phones, agent: echo }
"""


def cli(d, *args):
    run = subprocess.run([lab.TIPRING, args[0], "--api", d.api_base] + list(args[1:]), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, timeout=30)
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def test_calls_show_trace_hangup(daemons, tmp_path):
    d = daemons(CONFIG)
    assert cli(d, "calls")[1] == "No calls yet.\n"
    phone = subprocess.Popen(["sipp", "-sf", lab.HERE + "/sipp/uac_plain.xml", "-s", "echo", "-i", lab.PHONE, "-p", "5060", "-m", "1",
                              "-d", "20000", "-nostdin", lab.US + ":5060"], cwd=str(tmp_path), stdout=subprocess.DEVNULL)
    try:
        call = d.wait_call(state="up")
        code, out, _ = cli(d, "calls", "--json")
        assert code == 0 and json.loads(out)["calls"][0]["id"] == call["id"]
        code, out, _ = cli(d, "show", call["id"])
        assert code == 0 and call["id"] in out and "phones" in out
        code, out, _ = cli(d, "trace", "last")
        assert code == 0 and "INVITE" in out and "200 OK" in out and "ACK" in out
        assert cli(d, "hangup", call["id"])[0] == 0
        ended = d.wait_call(state="ended")
        assert ended["cause"] == "ended by an operator" and ended["ended_by"] == "us"
        code, _, err = cli(d, "hangup", call["id"])
        assert code == 1 and "has ended" in err
    finally:
        lab.end_process(phone)


def test_exit_codes(daemons):
    d = daemons(CONFIG)
    assert cli(d, "show", "nothere")[0] == 4
    assert cli(d, "call")[0] == 2
    code, _, err = cli(d, "call", "5551234")
    assert code == 1 and "SIP URI" in err
    assert cli(d, "call", "sip:x@127.0.0.1", "--agent", "nobody")[0] == 4
    d.api_base = "http://127.0.0.1:9"
    code, _, err = cli(d, "calls")
    assert code == 3 and "tipring serve" in err


def test_an_unreachable_target_is_explained(daemons):
    d = daemons(CONFIG)
    status, call = d.ask("POST", "/v1/calls", {"target": "sip:nobody@127.0.0.99:5999"})
    assert status == 201, call
    lab.wait_for("the end", 40, lambda: d.get("/v1/calls/" + call["id"])["state"] == "ended")
    ended = d.get("/v1/calls/" + call["id"])
    assert ended["ended_by"] == "network" and ended["cause"] and ended["remedy"], ended


def test_bad_requests_get_problem_details(daemons):
    d = daemons(CONFIG)
    for method, path, body, status in (("GET", "/v1/nothere", None, 404), ("GET", "/v1/calls/x", None, 404),
                                       ("GET", "/v1/calls?limit=x", None, 400), ("POST", "/v1/calls", {"target": 5}, 422),
                                       ("POST", "/v1/calls", {}, 422), ("DELETE", "/v1/calls/x", None, 404)):
        got, doc = d.ask(method, path, body)
        assert got == status and doc["detail"] and doc["status"] == status, (path, got, doc)


def raw(d, data):
    host, port = d.api_base[7:].split(":")
    with socket.create_connection((host, int(port)), 5) as s:
        s.sendall(data)
        s.settimeout(5)
        got = b""
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
                if b"\r\n\r\n" in got and not b"Transfer" in got:
                    break
        except socket.timeout:
            pass
        return got


def test_hostile_bytes_do_no_harm(daemons):
    d = daemons(CONFIG)
    body = b"{not json"
    assert b" 400 " in raw(d, b"POST /v1/calls HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    big = b"x" * 200000
    assert b" 413 " in raw(d, b"POST /v1/calls HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(big), big))
    raw(d, b"\x00\xff" * 500)
    raw(d, b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n")
    assert d.get("/v1/health")["status"] == "ok"


def test_a_request_with_a_key_is_done_once(daemons):
    d = daemons(CONFIG)

    def place(key, **body):
        c = http.client.HTTPConnection(d.api_base[7:], timeout=10)
        c.request("POST", "/v1/calls", json.dumps(body), {"Content-Type": "application/json", "Idempotency-Key": key} if key is not None else {})
        answer = c.getresponse()
        doc = json.loads(answer.read())
        c.close()
        return answer.status, doc, answer.getheader("Idempotent-Replayed")

    target = "sip:x@127.0.0.39:5999"
    status, first, replayed = place("one", target=target)
    assert status == 201 and replayed is None, first
    for _ in range(3):
        status, doc, replayed = place("one", target=target)
        assert (status, doc["id"], replayed) == (201, first["id"], "true")
    assert place("one", target="sip:y@127.0.0.39:5999")[0] == 422
    assert place("two", target=target)[1]["id"] != first["id"]
    assert place("", target=target)[0] == 400 and place("x" * 256, target=target)[0] == 400 and place("x" * 255, target=target)[0] == 201
    assert len(d.calls()) == 3
