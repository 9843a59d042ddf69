# SPDX-License-Identifier: Apache-2.0
"""What a telephone line does to sound, and the sounds it makes itself. 16 kHz in, RMS 1 unless said otherwise."""
import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.linalg import solve_toeplitz
from scipy.signal import butter, firwin, lfilter, resample_poly, sosfilt

from sounds import RATE

FULL = 32768.0


def level(dbov):
    return FULL * 10 ** (dbov / 20)


def unit(x):
    return x / (np.sqrt((x ** 2).mean()) + 1e-9)


# ---- noise ------------------------------------------------------------------------------------------------------------------

def coloured(rng, n, slope):
    """Noise whose power falls with f^slope: 0 white, 1 pink, 2 brown."""
    x = rng.standard_normal(next_fast_len(n), dtype=np.float32)
    if slope == 0:
        return unit(x[:n])
    shape = np.maximum(np.arange(len(x) // 2 + 1), 20 / RATE * len(x)) ** (-slope / 2)
    return unit(irfft(rfft(x) * shape.astype(np.float32), len(x))[:n])


def wander(rng, n, hz, depth_db):
    """A gain that drifts with about that frequency."""
    points = max(int(n / RATE * hz) + 3, 4)
    return 10 ** (np.interp(np.linspace(0, points - 1, n), np.arange(points), rng.normal(size=points)) * depth_db / 20)


def partials(amplitudes, phase, offsets=None):
    """A sum of harmonics, from a table of one period."""
    cycle = np.zeros(4096)
    for k, a in enumerate(amplitudes, 1):
        cycle += a * np.sin(2 * np.pi * k * np.arange(4096) / 4096 + (offsets[k - 1] if offsets is not None else 0))
    return cycle.astype(np.float32)[(phase * (4096 / (2 * np.pi))).astype(np.int64) & 4095]


def hum(rng, n, base=None):
    base = base or rng.choice([50.0, 60.0]) * rng.uniform(0.998, 1.002)
    k = np.arange(1, rng.integers(5, 21))
    return unit(partials(rng.uniform(0, 1, len(k)) / k ** rng.uniform(0.3, 1.5), 2 * np.pi * base * np.arange(n) / RATE,
                         rng.uniform(0, 6.3, len(k))))


def car(rng, n):
    """Rolling and wind below, an engine's harmonics that drift."""
    phase = 2 * np.pi * np.cumsum(rng.uniform(20, 60) * wander(rng, n, 0.3, 1.0)) / RATE
    engine = partials(1 / np.arange(1, 12), phase, rng.uniform(0, 6.3, 11))
    return unit(coloured(rng, n, rng.uniform(1.3, 2.2)) + rng.uniform(0, 0.5) * unit(engine))


def street(rng, n):
    """Passing cars, wind, now and then a horn or a knock."""
    x = coloured(rng, n, 1.0) * wander(rng, n, 0.4, 5)
    for _ in range(rng.integers(0, 4)):
        m = int(rng.uniform(0.1, 0.7) * RATE)
        at = rng.integers(0, n - m)
        t = np.arange(m) / RATE
        f = rng.uniform(300, 500)
        x[at:at + m] += rng.uniform(0.3, 1.5) * sum(partials(1 / np.arange(1, 7), 2 * np.pi * f * r * t) for r in (1, 1.25))
    return unit(x + 0.7 * knocks(rng, n)).astype(np.float32)


def knocks(rng, n):
    """Keyboards, doors, handling: short decaying resonances."""
    x = np.zeros(n, np.float32)
    for _ in range(rng.integers(2, int(n / RATE * 5) + 3)):
        m = int(rng.uniform(0.005, 0.15) * RATE)
        at = rng.integers(0, n - m)
        t = np.arange(m) / RATE
        body = rng.standard_normal(m, dtype=np.float32) * rng.uniform(0, 1) + np.sin(2 * np.pi * rng.uniform(100, 2500) * t)
        x[at:at + m] += body * np.exp(-t / (m / RATE / 5)) * 10 ** (rng.uniform(-20, 0) / 20)
    return unit(x)


def breaths(rng, n):
    """Breath and wind on the microphone: swells of coloured noise."""
    x = coloured(rng, n, rng.uniform(0, 1.5))
    gain = np.zeros(n)
    at = 0
    while at < n:
        m = int(rng.uniform(0.2, 1.2) * RATE)
        gain[at:at + m] += np.hanning(m)[:n - at] * 10 ** (rng.uniform(-15, 0) / 20)
        at += m + int(rng.uniform(0.3, 3) * RATE)
    return unit(x * gain).astype(np.float32)


def fan(rng, n):
    t = np.arange(n) / RATE
    beat = 1 + rng.uniform(0, 0.7) * np.sin(2 * np.pi * rng.uniform(3, 30) * t)
    return unit(coloured(rng, n, rng.uniform(0, 1.5)) * beat + rng.uniform(0, 0.5) * hum(rng, n, rng.uniform(60, 400)))


def babble(rng, n, voices, talkers=None):
    y = np.zeros(n, np.float32)
    for _ in range(talkers or rng.integers(4, 11)):
        at = -rng.integers(0, RATE)
        pool = voices[rng.integers(len(voices))]
        gain = 10 ** (rng.uniform(-6, 0) / 20)
        while at < n:
            x = pool[rng.integers(len(pool))]
            lo, hi = max(at, 0), min(at + len(x), n)
            if hi > lo:
                y[lo:hi] += gain * x[lo - at:hi - at]
            at += len(x) + rng.integers(200, RATE // 2)
    return unit(y)


def far(rng, x):
    """The same from across a room: little but echo, no highs."""
    m = int(rng.uniform(0.15, 0.5) * RATE)
    h = rng.normal(size=m) * np.exp(-np.arange(m) / (m / 6))
    h[0] += rng.uniform(0, 6)
    size = next_fast_len(len(x) + m)
    y = irfft(rfft(x, size) * rfft(h.astype(np.float32), size))[:len(x)]
    return unit(lfilter(*butter(1, rng.uniform(1500, 5000), fs=RATE), y)).astype(np.float32)


NOISES = {
    "white": lambda rng, n: coloured(rng, n, 0),
    "coloured": lambda rng, n: coloured(rng, n, rng.uniform(-0.5, 2)),
    "lively": lambda rng, n: unit(coloured(rng, n, rng.uniform(0, 1.5)) * wander(rng, n, rng.uniform(0.3, 8), rng.uniform(2, 8))),
    "hum": lambda rng, n: unit(hum(rng, n) + rng.uniform(0.01, 0.3) * coloured(rng, n, 0)),
    "car": car, "street": street, "knocks": knocks, "breaths": breaths, "fan": fan,
}

# ---- tones ------------------------------------------------------------------------------------------------------------------

CALL_TONES = [  # (frequencies, cadence in seconds: on, off, ...)
    ((350, 440), (1e9,)), ((425,), (1e9,)), ((440, 480), (2, 4)), ((425,), (1, 4)), ((400, 450), (.4, .2, .4, 2)),
    ((480, 620), (.5, .5)), ((425,), (.5, .5)), ((480, 620), (.25, .25)), ((425,), (.25, .25)), ((400,), (.375, .375)),
    ((425,), (.2, .2, .2, .6)), ((1100,), (.5, 3)), ((2100,), (3.3, .3)), ((1400,), (.4, 15)), ((440,), (.3, 9)), ((600,), (1e9,)),
]
SIT = [(913.8, 985.2), (1370.6, 1428.5), (1776.7,)]
DTMF = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))


def sines(freqs, n, phase=0.0):
    t = np.arange(n) / RATE
    return sum(np.sin(2 * np.pi * f * t + phase) for f in freqs) / np.sqrt(len(freqs) / 2)


def with_edges(x, edge=0.004):
    m = min(int(edge * RATE), len(x) // 2)
    x[:m] *= np.linspace(0, 1, m)
    x[len(x) - m:] *= np.linspace(1, 0, m)
    return x


def cadence(rng, freqs, pattern, n):
    x = np.zeros(n)
    at, k = 0, 0
    while at < n:
        m = min(int(min(pattern[k % len(pattern)], 1000) * RATE), n - at)
        if k % 2 == 0:
            x[at:at + m] = with_edges(sines(freqs, m, rng.uniform(0, 6.3)))
        at, k = at + m, k + 1
    return x


def sit(rng, n):
    x = np.zeros(n)
    at = 0
    while at < n:
        for k in range(3):
            m = min(int(rng.choice([0.274, 0.38]) * RATE), n - at)
            x[at:at + m] = with_edges(sines([rng.choice(SIT[k])], m))
            at += m
        at += int(rng.uniform(0.5, 3) * RATE)
    return x


def dtmf(rng, n, twist_db=None):
    x = np.zeros(n)
    at = 0
    while at < n:
        m, gap = int(rng.uniform(0.05, 0.3) * RATE), int(rng.uniform(0.04, 0.6) * RATE)
        if at + m > n:
            break
        a = 10 ** ((rng.uniform(-6, 6) if twist_db is None else twist_db) / 20)
        low, high = rng.choice(DTMF[0]), rng.choice(DTMF[1])
        x[at:at + m] = with_edges(sines([low], m) + a * sines([high], m))
        at += m + gap
    return unit(x)


def fax(rng, n):
    """V.21 preamble or a modem's carrier: frequency shift keying."""
    rate = rng.choice([75, 300, 1200])
    bits = np.repeat(rng.integers(0, 2, n // (RATE // rate) + 1), RATE // rate)[:n]
    base, shift = rng.choice([(1750, 100), (1080, 100), (1700, 400)])
    return np.sin(2 * np.pi * np.cumsum(base + shift * (2.0 * bits - 1)) / RATE)


def any_tone(rng, n):
    kind = rng.integers(0, 8)
    if kind < 3:
        freqs, pattern = CALL_TONES[rng.integers(len(CALL_TONES))]
        x = cadence(rng, [f * rng.uniform(0.98, 1.02) for f in freqs], [p * rng.uniform(0.8, 1.2) for p in pattern], n)
    elif kind < 5:
        x = dtmf(rng, n)
    elif kind == 5:
        x = sit(rng, n)
    elif kind == 6:
        x = cadence(rng, rng.uniform(250, 3000, rng.integers(1, 4)), rng.uniform(0.08, 2, 4), n)
    else:
        x = fax(rng, n)
    return unit(x).astype(np.float32)


# ---- music made here: tracks are few, so rhythms and chords are added to them ---------------------------------------------------

def tune(rng, n):
    """Notes of plucked, blown or sawed timbres over a beat."""
    x = np.zeros(n)
    beat = rng.uniform(0.15, 0.6)
    scale = 55 * 2 ** (rng.integers(0, 12) / 12) * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19, 21, 23, 24, 31, 36]) / 12)
    decay, most, slope = rng.uniform(0.05, 2), rng.integers(1, 25), rng.uniform(0.5, 2)
    vibrato = rng.uniform(0, 0.012) if rng.random() < 0.4 else 0
    at = 0.0
    while at < n / RATE:
        for _ in range(rng.integers(1, 5)):
            m = min(int(beat * rng.choice([0.5, 1, 1, 2, 4]) * RATE), n - int(at * RATE))
            if m < 50:
                continue
            t = np.arange(m) / RATE
            f = rng.choice(scale) * rng.choice([1, 2, 4])
            phase = 2 * np.pi * f * (t + vibrato / 35 * np.sin(2 * np.pi * 5.5 * t))
            note = partials(np.arange(1, max(min(most, int(7000 / f)), 1) + 1) ** -slope, phase)
            s = int(at * RATE)
            x[s:s + m] += with_edges(note * np.exp(-t / decay), 0.005)
        if rng.random() < 0.5:
            m = min(int(0.08 * RATE), n - int(at * RATE))
            s = int(at * RATE)
            x[s:s + m] += rng.uniform(0.5, 3) * rng.normal(size=m) * np.exp(-np.arange(m) / (0.015 * RATE))
        at += beat * rng.choice([0.5, 1, 1, 2])
    return unit(x).astype(np.float32)


# ---- voices made stranger -----------------------------------------------------------------------------------------------------

def robot(rng, x):
    """The same words in one pitch: linear prediction with a pulse train in the place of the voice, as machines used to speak."""
    n, order, hop = 480, 20, 240
    window = np.hanning(n)
    period = RATE / rng.uniform(75, 260)
    wander_share = rng.choice([0.0, 0.02, 0.1])
    pulses = np.zeros(len(x) + n)
    at = 0.0
    while at < len(pulses):
        pulses[int(at)] = 1
        at += period * (1 + wander_share * np.sin(at / RATE * 5))
    pulses = lfilter([1], [1, -rng.uniform(0.6, 0.95)], pulses) * np.sqrt(period)
    hiss = rng.standard_normal(len(pulses))
    y = np.zeros(len(x) + n)
    for k in range(0, len(x) - n, hop):
        frame = x[k:k + n] * window
        r = np.array([frame[:n - lag] @ frame[lag:] for lag in range(order + 1)], np.float64)
        if r[0] < 1e-6:
            continue
        r[0] *= 1.0001
        a = solve_toeplitz(r[:-1], r[1:])
        gain = np.sqrt(max(r[0] - a @ r[1:], 0) / (window ** 2).sum())
        is_voiced = r[1] > 0.6 * r[0]
        source = (pulses if is_voiced else hiss)[k:k + n]
        y[k:k + n] += lfilter([gain], np.concatenate([[1], -a]), source) * window
    return unit(y[:len(x)]).astype(np.float32)


# ---- the line -----------------------------------------------------------------------------------------------------------------

def narrow(x, low=280, high=3450):
    """To 8 kHz through the band of a telephone line; low 0: only sampled down. No delay."""
    y = resample_poly(x, 1, 2)
    if low:
        y = lfilter(firwin(161, [low, high], pass_zero=False, fs=8000), 1, np.concatenate([y, np.zeros(80)]))[80:]
    return y


def activity_heard(x):
    """Frames of 10 ms with speech, of what a telephone lets through: an s that nobody can hear is no speech."""
    y = narrow(x)
    power = (y[:len(y) // 80 * 80].reshape(-1, 80) ** 2).mean(1)
    return power > max(power.max() * 10 ** -3.5, 1e-9) if len(power) else np.zeros(0, bool)


def to_int(x):
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


def clip_softly(x, top):
    return np.tanh(x / top) * top


def colour(rng, x):
    """A telephone's own frequency response."""
    y = sosfilt(butter(1, rng.uniform(300, 2500), btype="low", fs=RATE, output="sos"), x)
    return x + rng.uniform(-0.6, 1.5) * y
