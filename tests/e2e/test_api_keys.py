# SPDX-License-Identifier: Apache-2.0
"""Keys of the API: made, used, refused and taken away, while the daemon runs."""
import http.client
import json
import os
import socket
import ssl
import subprocess

import lab
from test_api import CONFIG


def keys(d, *args):
    run = subprocess.run([lab.TIPRING, "keys", "-c", d.config_path] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    return run.returncode, run.stdout.decode().strip(), run.stderr.decode()


def ask(d, method, path, key=None, body=None, connection=None):
    """Status, headers and document; on a connection of its own unless given one."""
    c = connection or http.client.HTTPConnection(d.api_base[7:], timeout=10)
    head = {"Content-Type": "application/json"}
    if key:
        head["Authorization"] = "Bearer " + key
    c.request(method, path, body, head)
    answer = c.getresponse()
    text = answer.read()
    if not connection:
        c.close()
    return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), json.loads(text) if text else None


def make(d, name, role):
    code, key, err = keys(d, "add", name, "--role", role)
    assert code == 0 and key.startswith("tipring_") and len(key) == 72, err
    return key


def wait_status(d, status, key=None):
    lab.wait_for("status %d" % status, 10, lambda: ask(d, "GET", "/v1/health", key)[0] == status)


def test_roles(daemons):
    d = daemons(CONFIG)
    assert ask(d, "GET", "/v1/health")[0] == 200
    by_role = dict((role, make(d, "the-" + role, role)) for role in ("read", "operate", "admin"))
    wait_status(d, 401)
    wait_status(d, 200, by_role["admin"])
    wait_status(d, 200, by_role["read"])

    status, head, doc = ask(d, "GET", "/v1/health")
    assert head["www-authenticate"].startswith("Bearer") and head["content-type"] == "application/problem+json"
    assert doc["status"] == 401 and doc["title"] == "Unauthorized" and "tipring keys add" in doc["detail"]
    for method, path, least in (("GET", "/v1/calls", "read"), ("GET", "/v1/records", "read"), ("DELETE", "/v1/calls/nothere", "operate"),
                                ("POST", "/v1/calls/nothere/hold", "operate"), ("DELETE", "/v1/records/nothere", "admin"),
                                ("POST", "/v1/reload", "admin")):
        may = False
        for role in ("read", "operate", "admin"):
            may = may or role == least
            status, _, doc = ask(d, method, path, by_role[role])
            assert (status not in (401, 403)) == may, (method, path, role, status, doc)
            assert may or ("role " + least in doc["detail"] and "the-" + role in doc["detail"]), doc
    assert ask(d, "GET", "/v1/nothere")[0] == 401
    assert ask(d, "GET", "/v1/nothere", by_role["read"])[0] == 404
    status, head, _ = ask(d, "PUT", "/v1/calls", by_role["read"])
    assert status == 405 and head["allow"] == "GET, POST"

    # A refusal leaves the connection in order, whatever body was under way.
    c = http.client.HTTPConnection(d.api_base[7:], timeout=10)
    for _ in range(3):
        assert ask(d, "POST", "/v1/calls", by_role["read"], json.dumps({"target": "x" * 9000}), c)[0] == 403
        assert ask(d, "GET", "/v1/health", by_role["read"], None, c)[0] == 200
    c.close()

    assert keys(d, "remove", "the-operate")[0] == 0
    wait_status(d, 401, by_role["operate"])
    assert ask(d, "GET", "/v1/health", by_role["read"])[0] == 200
    for key in by_role.values():
        assert key not in d.text() and key[8:] not in open(os.path.join(os.path.dirname(d.config_path), "api-keys")).read()


def test_wrong_keys_are_counted(daemons):
    d = daemons(CONFIG)
    key = make(d, "desk", "read")
    wait_status(d, 401)
    seen = [ask(d, "GET", "/v1/health", "tipring_%064d" % i) for i in range(12)]
    assert [s[0] for s in seen] == [401] * 10 + [429] * 2
    assert 1 <= int(seen[-1][1]["retry-after"]) <= 60
    assert ask(d, "GET", "/v1/health", key)[0] == 200
    assert d.text().count("api.wrong_key") == 10 and "tipring_00" not in d.text()
    assert ask(d, "GET", "/v1/health", "x" * 2000)[0] == 429


def test_sub_commands_and_events(daemons):
    d = daemons(CONFIG)
    assert keys(d, "list")[1].startswith("No keys")
    assert keys(d, "add", "desk")[0] == 2 and keys(d, "add", "a b", "--role", "read")[0] == 1
    key = make(d, "desk", "read")
    assert keys(d, "add", "desk", "--role", "read")[0] == 1 and keys(d, "remove", "nobody")[0] == 4
    wait_status(d, 401)

    def calls(*args, **env):
        run = subprocess.run([lab.TIPRING, "calls", "--api", d.api_base] + list(args), env=dict(os.environ, **env), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, timeout=30)
        return run.returncode, run.stderr.decode()

    code, err = calls()
    assert code == 1 and "tipring keys add" in err
    assert calls("--key", key)[0] == 0 and calls(TIPRING_API_KEY=key)[0] == 0
    assert [k["name"] for k in json.loads(keys(d, "list", "--json")[1])["keys"]] == ["desk"]

    host, port = d.api_base[7:].split(":")
    for head, good in (("", False), ("Authorization: Bearer %s\r\n" % key, True)):
        assert ask(d, "GET", "/v1/events")[0] == 401
        with socket.create_connection((host, int(port)), timeout=10) as s:
            s.sendall(("GET /v1/events HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s\r\n" % (host, head)).encode())
            try:
                first = s.recv(100)
            except ConnectionResetError:
                first = b""
            assert (b" 101 " in first) == good, first
    assert keys(d, "remove", "desk")[0] == 0
    wait_status(d, 200)


def test_beyond_loopback_with_a_certificate(tmp_path):
    folder, certs = tmp_path / "d", str(tmp_path / "certs")
    subprocess.run([lab.TIPRING, "cert", certs, "--name", "localhost", "--name", "127.0.0.1"], check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "d").mkdir()
    path = folder / "tipring.yaml"

    def config(listen, tls):
        path.write_text("api: { listen: \"%s\"%s }\nsip: { listen: [ \"udp:127.0.0.1:15060\" ] }\n" % (listen, tls) + CONFIG)

    config("0.0.0.0:18060", "")
    run = subprocess.run([lab.TIPRING, "check", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    assert run.returncode == 1 and b"needs tls: { certificate" in run.stdout, run.stdout
    config("0.0.0.0:18060", ", tls: { certificate: %s/server.pem, key: %s/server.key }" % (certs, certs))
    env = dict(os.environ, TIPRING_API="https://localhost:18060", TIPRING_API_CA=certs + "/ca.pem")
    log = open(str(folder / "log"), "wb")
    daemon = subprocess.Popen([lab.TIPRING, "serve", "-c", str(path)], cwd=str(folder), stdout=log, stderr=log)

    def ask(*args, **more):
        run = subprocess.run([lab.TIPRING, "calls"] + list(args), env=dict(env, **more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
        return run.returncode, run.stderr.decode()

    def serial():
        return ssl.get_server_certificate(("127.0.0.1", 18060))

    try:
        # Without a key nobody gets in, though there is none yet.
        lab.wait_for("the API", 20, lambda: "a key is wanted" in ask()[1])
        key = subprocess.run([lab.TIPRING, "keys", "-c", str(path), "add", "desk", "--role", "read"], stdout=subprocess.PIPE, timeout=30).stdout.decode().strip()
        lab.wait_for("the key", 10, lambda: ask("--key", key)[0] == 0)
        assert "is not trusted" in ask("--key", key, TIPRING_API_CA="/etc/ssl/certs/ca-certificates.crt")[1]
        with socket.create_connection(("127.0.0.1", 18060), timeout=10) as s:  # no HTTP in clear
            s.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try:
                assert b" 200 " not in s.recv(200)
            except ConnectionResetError:
                pass
        before = serial()
        subprocess.run([lab.TIPRING, "cert", certs, "--name", "localhost", "--name", "127.0.0.1", "--force"], check=True, stdout=subprocess.DEVNULL)
        lab.wait_for("the new certificate", 15, lambda: ask("--key", key) and serial() != before)
        assert ask("--key", key)[0] == 0
    finally:
        lab.end_process(daemon)


def test_a_broken_file_is_named_at_the_start(tmp_path):
    (tmp_path / "tipring.yaml").write_text("api: { listen: \"127.0.0.1:18060\" }\nrecords: { enabled: no }\nsip: { listen: [ \"udp:127.0.0.1:15060\" ] }\n" + CONFIG)
    (tmp_path / "api-keys").write_text("desk root 00 1\n")
    run = subprocess.run([lab.TIPRING, "serve", "-c", str(tmp_path / "tipring.yaml")], cwd=str(tmp_path), stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=60)
    assert run.returncode == 1 and b"api-keys:1: " in run.stdout and b"tipring keys" in run.stdout, run.stdout
