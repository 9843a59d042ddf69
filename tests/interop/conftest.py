# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

import pytest

import lab


@pytest.fixture
def daemons(tmp_path):
    """Starts daemons and ends them with the test; its log is shown when the test fails."""
    started = []

    def start(config, name="tipring", **more):
        d = lab.Daemon(os.path.join(str(tmp_path), name), config, **more)
        started.append(d)
        return d

    yield start
    for d in started:
        code = d.stop()
        print("---- %s (exit %s)\n%s" % (d.folder, code, d.text()[-6000:]))
        assert code == 0 or os.environ.get("TIPRING_EXPECT_CRASH"), "the daemon ended with %s" % code


@pytest.fixture(scope="session")
def pbx(tmp_path_factory):
    """One Asterisk for all tests of the session."""
    try:
        asterisk = lab.Asterisk(tmp_path_factory.mktemp("asterisk"))
    except subprocess.CalledProcessError:
        pytest.skip("no Asterisk: its packages cannot be fetched here")
    yield asterisk
    asterisk.stop()


@pytest.fixture
def tone(tmp_path):
    path = tmp_path / "tone1000.wav"
    lab.tone_wav(path, 1000)
    return path
