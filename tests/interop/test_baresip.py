# SPDX-License-Identifier: Apache-2.0
"""An ordinary phone calls the daemon: codecs by content."""
import pytest

import lab

pytestmark = pytest.mark.skipif(not lab.has("baresip"), reason="baresip is not installed")

CONFIG = """
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: echo, brain: { kind: echo }, record: true }
routes:
  - { line: phones, agent: echo }
"""


@pytest.mark.parametrize("codec,name", [("opus/48000/2", "opus"), ("G722/16000/1", "G722"), ("pcmu", "PCMU"), ("pcma", "PCMA")])
def test_echo(daemons, tmp_path, codec, name):
    """A tone goes out and comes back through each codec; we recorded it too. Wideband codecs carry 5 kHz."""
    d = daemons(CONFIG)
    is_wide = name in ("opus", "G722")
    hz, rate = (5000, 16000) if is_wide else (1000, 8000)
    source = tmp_path / "in.wav"
    lab.tone_wav(source, hz, rate=rate)
    phone = lab.Baresip(tmp_path / "phone", [codec], source=str(source))
    out = phone.call("sip:echo@%s" % lab.US, 5)
    call = d.wait_call(state="ended", seconds=15)
    assert call["codec"].lower() == name.lower(), out
    pcm, rate = lab.read_wav(d.wait_recording(call["id"]))
    assert lab.share(pcm[rate:2 * rate], rate, hz) > 0.9
    pcm, rate = phone.heard()
    assert lab.share(pcm[2 * rate:3 * rate], rate, hz) > 0.9
