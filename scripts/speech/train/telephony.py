# SPDX-License-Identifier: Apache-2.0
"""What both trainings need: speech to train on, noise, telephone lines, the recogniser's cepstra, networks.

The speech is that of Debian's prompts in French (June Wallack), Italian (Carlo Flora) and Russian (Maxim Topal):
asterisk-core-sounds-{fr,it}-g722 under CC-BY-SA 3.0, -ru-g722 under CC-BY 3.0. No English, and no voice of the test set.
"""
import glob
import os
import subprocess
import wave

import numpy as np
from scipy.signal import butter, firwin, lfilter, resample_poly, sosfilt

RATE = 16000
PACKAGES = ["asterisk-core-sounds-%s-g722" % language for language in ("fr", "it", "ru")]
ACTIVE = 0.08 * 32768  # RMS that speech is brought to, -22 dBFS


def voices(build):
    """A long row of samples for each voice, of RMS ACTIVE; fetches and decodes what is missing."""
    root = os.path.join(os.path.abspath(build), "speech", "train")
    os.makedirs(root, exist_ok=True)
    result = []
    for package in PACKAGES:
        kept = os.path.join(root, package + ".npy")
        if not os.path.exists(kept):
            if not glob.glob(os.path.join(root, package + "_*.deb")):
                subprocess.run(["apt-get", "download", "-q", package], cwd=root, check=True, stderr=subprocess.DEVNULL)
            files = os.path.join(root, package)
            subprocess.run(["dpkg", "-x", glob.glob(os.path.join(root, package + "_*.deb"))[0], files], check=True)
            np.save(kept, decoded(build, files))
        result.append(np.load(kept).astype(np.float32))
    return result


def decoded(build, files):
    sources = sorted(glob.glob(os.path.join(files, "**", "*.g722"), recursive=True))
    sources = [s for s in sources if "silence" not in s and "beep" not in s and "tone" not in s]
    jobs = "".join("%s %s\n" % (os.path.relpath(s), os.path.relpath(s[:-5] + ".wav")) for s in sources)
    subprocess.run([os.path.join(build, "bench", "speech_g722")], input=jobs, text=True, check=True)
    pieces = []
    for s in sources:
        with wave.open(s[:-5] + ".wav") as w:
            x = np.frombuffer(w.readframes(w.getnframes()), dtype="<i2").astype(float)
        loud = x[np.abs(x) > 200]
        if len(loud) > RATE / 8:
            pieces.append(x / np.sqrt((loud**2).mean()) * ACTIVE)
    return np.clip(np.concatenate(pieces), -32768, 32767).astype(np.int16)


def other_speaker(x, rng):
    """The same speech by a longer or shorter throat: resampled."""
    up = int(rng.integers(18, 24))
    return x if up == 20 else resample_poly(x, up, 20)


# ---- noise


def coloured(n, exponent, rng):
    f = np.fft.rfftfreq(n)
    f[0] = f[1]
    x = np.fft.irfft((rng.normal(size=len(f)) + 1j * rng.normal(size=len(f))) / f ** (exponent / 2), n)
    return x / x.std()


def babble(n, raws, rng):
    x = np.zeros(n)
    for _ in range(int(rng.integers(3, 8))):
        raw = raws[rng.integers(len(raws))]
        at = int(rng.integers(len(raw) - n))
        x += raw[at : at + n]
    return x / (x.std() + 1)


def noise(n, raws, rng):
    kind = rng.integers(5)
    if kind == 0:
        x = babble(n, raws, rng)
    elif kind == 1:
        x = coloured(n, rng.uniform(0, 2), rng)
    elif kind == 2:  # a car, a fan
        x = sosfilt(butter(2, rng.uniform(200, 1500), fs=RATE, output="sos"), rng.normal(size=n))
    else:
        t = np.arange(n) / RATE
        hum = sum(rng.uniform(0, 1) * np.sin(2 * np.pi * 60 * k * t + k) for k in range(1, 8))
        x = rng.uniform(0, 1) * babble(n, raws, rng) + rng.uniform(0, 1) * coloured(n, 1, rng) + rng.uniform(0, 0.3) * hum
    return x / x.std()


# ---- lines


PSTN = firwin(161, [280, 3450], pass_zero=False, fs=8000)


def mulaw(x):
    magnitude = np.minimum(np.abs(x), 32635) + 132
    step = 2.0 ** (np.floor(np.log2(magnitude)) - 4)
    return np.sign(x) * ((np.floor(magnitude / step) + 0.5) * step - 132)


def telephone(x, rng):
    """16 kHz in, 8 kHz out: mostly the band of the old network, mu-law or the finer A-law's like."""
    y = resample_poly(x, 1, 2)
    kind = rng.random()
    if kind < 0.6:
        y = np.convolve(y, PSTN, "same")
    elif kind < 0.8:
        lo, hi = rng.uniform(60, 350), rng.uniform(3300, 3800)
        y = np.convolve(y, firwin(121, [lo, hi], pass_zero=False, fs=8000), "same")
    return mulaw(y + rng.normal(size=len(y)) * rng.uniform(0.5, 20))


# ---- the recogniser's cepstra (mfcc.c)


WINDOW, HOP, BANDS, CEPSTRA = 410, 160, 25, 13


def mel(hz):
    return 2595 * np.log10(1 + hz / 700)


def triangles(lo, hi, count, bins, step, is_rounded):
    edges = 700 * (10 ** (np.linspace(mel(lo), mel(hi), count + 2) / 2595) - 1)
    if is_rounded:
        edges = np.floor(edges / step + 0.5) * step
    f = np.arange(bins) * step
    rows = [
        np.clip(np.minimum((f - a) / (b - a), (c - f) / (c - b)), 0, None) * 2 / (c - a)
        for a, b, c in zip(edges, edges[1:], edges[2:])
    ]
    return np.array(rows)


MEL = triangles(130, 6800, BANDS, 257, RATE / 512, True)
HAMMING = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))
COSINE = np.array(
    [
        np.sqrt((2 if c else 1) / BANDS) * np.cos(np.pi * c * (np.arange(BANDS) + 0.5) / BANDS) * (1 + 11 * np.sin(np.pi * c / 22))
        for c in range(CEPSTRA)
    ]
)


def frames_of(x, window, hop):
    count = (len(x) - window) // hop + 1
    return np.lib.stride_tricks.sliding_window_view(x, window)[:: hop][:count]


def cepstra(x):
    y = np.append(x[0], x[1:] - 0.97 * x[:-1])
    power = np.abs(np.fft.rfft(frames_of(y, WINDOW, HOP) * HAMMING, 512)) ** 2
    return np.log(power @ MEL.T + 1e-4) @ COSINE.T
