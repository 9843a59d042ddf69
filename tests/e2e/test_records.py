# SPDX-License-Identifier: Apache-2.0
"""Calls on record: found after a restart, marked when the daemon was killed, kept going when the disk is not there."""
import csv
import io
import json
import os
import signal
import subprocess

import lab
from test_api import CONFIG, cli


def call(tmp_path, ms):
    """A softphone's call that lasts ms."""
    return subprocess.Popen(["sipp", "-sf", lab.HERE + "/sipp/uac_plain.xml", "-s", "echo", "-i", lab.PHONE, "-p", "5060", "-m", "1", "-d",
                             str(ms), "-nostdin", lab.US + ":5060"], cwd=str(tmp_path), stdout=subprocess.DEVNULL)


def ended_calls(d, n):
    lab.wait_for("%d calls on record" % n, 15, lambda: len([r for r in d.get("/v1/records")["records"] if r["state"] == "ended"]) >= n)


def test_records_outlive_the_daemon(daemons, tmp_path):
    d = daemons(CONFIG)
    assert d.get("/v1/records") == {"records": [], "before": None}
    phone = call(tmp_path, 300)
    lab.wait_for("the end", 15, lambda: phone.poll() is not None)
    ended_calls(d, 1)
    record = d.get("/v1/records")["records"][0]
    d.stop()
    d = daemons(CONFIG)
    whole = d.get("/v1/records/" + record["id"])
    assert whole["ended_by"] == "peer" and whole["codec"] == "PCMU" and whole["duration_ms"] >= 300, whole
    assert d.ask("GET", "/v1/calls/" + record["id"])[0] == 404
    code, out, _ = cli(d, "show", record["id"])
    assert code == 0 and record["id"] in out
    code, out, _ = cli(d, "records")
    assert code == 0 and record["id"] in out
    code, out, _ = cli(d, "records", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0 and [r["id"] for r in rows] == [record["id"]] and rows[0]["ended_by"] == "peer", out
    backup = str(tmp_path / "copy.db")
    run = subprocess.run([lab.TIPRING, "records", "backup", backup, "-c", d.config_path], cwd=d.folder, stdout=subprocess.PIPE, timeout=30)
    assert run.returncode == 0 and os.path.getsize(backup) > 0
    code, _, _ = cli(d, "records", "forget", record["id"])
    assert code == 0
    lab.wait_for("it is forgotten", 10, lambda: d.ask("GET", "/v1/records/" + record["id"])[0] == 404)


def test_a_killed_daemon_leaves_its_calls_marked(daemons, tmp_path):
    folder = tmp_path / "tipring"  # the fixture's own folder; it must not mind the kill
    d = lab.Daemon(folder, CONFIG)
    phone = call(tmp_path, 200)
    try:
        lab.wait_for("the end", 15, lambda: phone.poll() is not None)
        ended_calls(d, 1)
        phone = call(tmp_path, 60000)
        running = d.wait_call(state="up")
        lab.wait_for("it is on record", 10, lambda: d.ask("GET", "/v1/records/" + running["id"])[1].get("state") == "up")
        d.process.send_signal(signal.SIGKILL)
        d.process.wait(10)
    finally:
        d.stop()
        lab.end_process(phone)
    d = daemons(CONFIG)
    record = d.get("/v1/records/" + running["id"])
    assert record["state"] == "cut_off" and record["last_state"] == "up" and "stopped" in record["cause"], record
    assert sorted(r["state"] for r in d.get("/v1/records")["records"]) == ["cut_off", "ended"]


def test_filters_pages_and_bad_questions(daemons, tmp_path):
    d = daemons(CONFIG)
    for i in range(3):
        phone = call(tmp_path, 50)
        lab.wait_for("the end", 15, lambda: phone.poll() is not None)
    ended_calls(d, 3)
    first = d.get("/v1/records?limit=2&direction=inbound")
    rest = d.get("/v1/records?limit=2&direction=inbound&before=%d" % first["before"])
    assert len(first["records"]) == 2 and len(rest["records"]) == 1 and rest["before"] is None
    assert not d.get("/v1/records?direction=outbound")["records"] and not d.get("/v1/records?to=2020-01-01")["records"]
    assert len(d.get("/v1/records?from=2020-01-01T00:00&line=phones&agent=echo")["records"]) == 3
    for query, words in (("limit=0", "limit"), ("limit=x", "limit"), ("from=yesterday", "2026"), ("colour=red", "known are"), ("from", "key=value"),
                         ("direction=up", "inbound"), ("before=-1", "before")):
        status, doc = d.ask("GET", "/v1/records?" + query)
        assert status == 400 and words in doc["detail"], (query, doc)
    assert d.ask("GET", "/v1/records/nothere")[0] == 404 and d.ask("DELETE", "/v1/records/nothere")[0] == 404
    assert d.ask("POST", "/v1/records", {})[0] == 405
    assert d.ask("GET", "/v1/records?from=" + "1" * 600)[0] in (400, 414)


def test_calls_go_on_without_a_disk(daemons, tmp_path):
    d = daemons(CONFIG + "records: { file: away/calls.db }\n")
    health = lab.wait_for("it says so", 10, lambda: d.get("/v1/health")["status"] == "degraded" and d.get("/v1/health"))
    assert "away/calls.db" in health["problems"][0] or "cannot be made" in health["problems"][0], health
    phone = call(tmp_path, 100)
    lab.wait_for("the end", 15, lambda: phone.poll() is not None)
    assert phone.returncode == 0
    d.wait_call(state="ended")
    os.mkdir(os.path.join(d.folder, "away"))
    lab.wait_for("it recovers", 20, lambda: d.get("/v1/health")["status"] == "ok")
    ended_calls(d, 1)
    assert d.get("/v1/health")["records"]["lost"] == 0


def test_no_records_when_none_are_wanted(daemons):
    d = daemons(CONFIG + "records: { enabled: no }\n")
    status, doc = d.ask("GET", "/v1/records")
    assert status == 404 and "records.enabled" in doc["detail"]
    assert not os.path.exists(os.path.join(d.folder, "tipring.db"))
    assert json.loads(cli(d, "stats", "--json")[1])
