# SPDX-License-Identifier: Apache-2.0
"""Synthetic speech, and what a telephone line makes of it."""
import os
import subprocess
import wave
import zlib

import numpy as np

RATE = 8000


def read(path):
    with wave.open(path) as w:
        return np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(float)


def to_8k(path, out):
    subprocess.run(["sox", path, "-r", str(RATE), "-c", "1", "-b", "16", out, "rate", "-h"], check=True, stderr=subprocess.DEVNULL)


def speak(voice, text, cache):
    name = "%s-%08x.wav" % (voice.replace(":", "_"), zlib.crc32(text.encode()))
    path, raw = os.path.join(cache, name), os.path.join(cache, "raw.wav")
    if not os.path.exists(path):
        engine, which = voice.split(":")
        if engine == "espeak":
            subprocess.run(["espeak-ng", "-v", which, "-s", "160", "-w", raw, text], check=True)
        elif engine == "flite":
            subprocess.run(["flite", "-voice", which, "-t", text, "-o", raw], check=True)
        else:
            subprocess.run(["text2wave", "-eval", "(voice_%s)" % which, "-o", raw], input=text.encode(), check=True,
                           stderr=subprocess.DEVNULL)
        to_8k(raw, path)
    return trim(read(path))


def trim(x):
    """Without the silence at both ends."""
    loud = np.flatnonzero(np.abs(x) > np.abs(x).max() * 0.01)
    return x[loud[0]:loud[-1] + 1]


def band(x):
    """A telephone line: 280 to 3450 Hz."""
    f = np.fft.rfft(x, len(x) + 400)
    hz = np.fft.rfftfreq(len(x) + 400, 1 / RATE)
    low, high = np.clip((hz - 220) / 120, 0, 1), np.clip((3550 - hz) / 200, 0, 1)
    return np.fft.irfft(f * low * high)[:len(x)]


def active_rms(x):
    p = (x[:len(x) // 160 * 160].reshape(-1, 160) ** 2).mean(1)
    return np.sqrt(p[p > p.max() * 1e-3].mean())


def ulaw(x):
    x = np.clip(np.round(x), -32635, 32635).astype(int)
    m = np.abs(x) + 132
    e = np.floor(np.log2(m)).astype(int) - 7
    v = (((((m >> (e + 3)) & 15) << 3) + 132) << e) - 132
    return np.where(x < 0, -v, v)
