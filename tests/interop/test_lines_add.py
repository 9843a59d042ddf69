# SPDX-License-Identifier: Apache-2.0
"""`tipring lines add` against Asterisk: from nothing to an answered call, and every way it can go wrong."""
import json
import os
import pty
import re
import select
import subprocess
import time

import lab


def add(folder, *more, password="secret1001", server=lab.PBX, extension="1001", system="freepbx", config="tipring.yaml", timeout=60):
    """Runs it without questions; returns (exit code, what it printed)."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "pw"), "w") as f:
        f.write(password + "\n")
    run = subprocess.run([lab.TIPRING, "lines", "add", "--yes", "--system", system, "--server", server, "--extension", extension,
                          "--password-file", os.path.join(folder, "pw"), "-c", os.path.join(folder, config)] + list(more),
                         cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
    return run.returncode, run.stdout.decode()


def read(folder, name="tipring.yaml"):
    with open(os.path.join(folder, name)) as f:
        return f.read()


def test_from_nothing_to_an_answered_call_in_under_a_minute(pbx, tmp_path):
    folder = str(tmp_path)
    began = time.monotonic()
    code, text = add(folder)
    added = time.monotonic() - began
    print(text)
    assert code == 0, text
    for words in ("registered", "a call to itself", "both ways: our tone came back", "Line freepbx was added"):
        assert words in text, text
    assert oct(os.stat(os.path.join(folder, "freepbx.secret")).st_mode)[-3:] == "600"
    assert "secret1001" not in read(folder) + text
    log = open(os.path.join(folder, "log"), "wb")
    daemon = subprocess.Popen([lab.TIPRING, "serve", "-c", os.path.join(folder, "tipring.yaml")], cwd=folder, stdout=log, stderr=log)
    try:
        lab.wait_for("the registration", 30, lambda: "1001" in pbx.cli("pjsip show contacts"))
        pbx.originate("1001", "Milliwatt")
        lab.wait_for("the answer", 30, lambda: "call.answered" in open(log.name).read())
        took = time.monotonic() - began
        print("lines add %.1f s; an answered call after %.1f s in all" % (added, took))
        assert took < 60
    finally:
        pbx.cli("channel request hangup all")
        lab.end_process(daemon, 10)
        log.close()


def test_questions_are_five_at_most_and_the_password_is_not_echoed(pbx, tmp_path):
    """As a person at a terminal, with an authentication id that differs (3CX asks for it)."""
    folder = str(tmp_path)
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(lab.TIPRING, [lab.TIPRING, "lines", "add", "-c", "tipring.yaml"])
    seen = ""

    def expect(pattern, seconds=20):
        nonlocal seen
        end = time.monotonic() + seconds
        while not re.search(pattern, seen):
            assert time.monotonic() < end, "no %s in:\n%s" % (pattern, seen)
            if select.select([fd], [], [], 0.1)[0]:
                try:
                    seen += os.read(fd, 4096).decode()
                except OSError:
                    break
        assert re.search(pattern, seen), seen

    for question, answer in ((r"1\. Which system.*: ", "3cx"), (r"2\. .*: ", lab.PBX), (r"3\. .*: ", "1051"),
                             (r"4\. Authentication ID: ", "aUtHiD77"), (r"5\. Authentication Password: ", "secret1051")):
        expect(question)
        time.sleep(0.2)
        os.write(fd, (answer + "\n").encode())
    expect(r"was added to|was written", 60)
    os.waitpid(pid, 0)
    print(seen)
    assert "6. " not in seen
    assert "secret1051" not in seen
    assert "registered" in seen and "FAIL" not in seen
    assert 'auth_id: "aUtHiD77"' in read(folder) and "preset: 3cx" in read(folder)
    assert read(folder, "3cx.secret") == "secret1051\n"


def test_failures_say_what_to_do_and_write_nothing(pbx, tmp_path):
    folder = str(tmp_path)
    code, text = add(folder, password="not-this")
    assert code == 1 and "FAIL" in text and "password" in text and "Secret" in text, text
    assert "not-this" not in text
    code, text = add(folder, server="pbx.invalid")
    assert code == 1 and "cannot be resolved" in text and "spelling" in text, text
    code, text = add(folder, server="127.0.0.99")
    assert code == 1 and "FAIL" in text and "firewall" in text, text
    assert sorted(os.listdir(folder)) == ["pw"], os.listdir(folder)


HAND_WRITTEN = """# Our phones. Ask Kim before you change this.
lines:
  - name: softphones      # the lab
    kind: local

# who answers
agents:
  - name: reception
  - { name: echo, brain: { kind: echo } }

routes:
  - { line: softphones, agent: echo }   # always
"""


def test_a_file_written_by_hand_keeps_all_that_is_in_it(pbx, tmp_path):
    folder = str(tmp_path)
    with open(os.path.join(folder, "tipring.yaml"), "w") as f:
        f.write(HAND_WRITTEN)
    code, text = add(folder, "--agent", "echo", "--name", "office", "--test-number", "600")
    assert code == 0, text
    assert "600 answered" in text and "both ways" in text, text
    now = read(folder)
    kept = iter(now.splitlines())
    assert all(any(line == k for k in kept) for line in HAND_WRITTEN.splitlines()), now
    assert "  - name: office\n    preset: freepbx\n" in now and "  - { line: office, agent: echo }" in now
    assert "${file:office.secret}" in now
    check = subprocess.run([lab.TIPRING, "check", os.path.join(folder, "tipring.yaml")], stdout=subprocess.PIPE)
    assert check.returncode == 0 and b"2 lines, 2 agents, 2 routes" in check.stdout, check.stdout
    # the same name again, and a file that cannot be added to
    assert add(folder, "--agent", "echo", "--name", "office")[0] == 1
    with open(os.path.join(folder, "flow.yaml"), "w") as f:
        f.write("lines: [ { name: x, kind: local } ]\nagents: [ { name: a } ]\n")
    code, text = add(folder, "--no-test", "--name", "two", config="flow.yaml")
    assert code == 1 and "by hand" in text, text
    assert read(folder, "flow.yaml").startswith("lines: [ { name: x") and not os.path.exists(os.path.join(folder, "two.secret"))


def test_for_programs(pbx, tmp_path):
    code, text = add(str(tmp_path), "--json")
    doc = json.loads(text)
    assert code == 0 and doc["written"] and [s["step"] for s in doc["steps"]][:3] == ["address", "reachable", "registered"], doc
    assert all(s["verdict"] == "ok" for s in doc["steps"]), doc
