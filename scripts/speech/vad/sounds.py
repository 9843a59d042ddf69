# SPDX-License-Identifier: Apache-2.0
"""Recorded and synthetic voices and music for the voice detector, fetched as Debian packages into a cache and never installed.

Everything is mono at 16 kHz, float32. Voices are scaled to an RMS of 1 where they speak. English is for testing only.
"""
import glob
import os
import re
import struct
import subprocess
import sys
import wave

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CACHE = os.environ.get("TIPRING_SPEECH_CACHE", os.path.join(ROOT, "build", "speech"))
TOOL = os.environ.get("VAD_TOOL", os.path.join(ROOT, "build", "scripts", "speech", "vad", "vad_tool"))
RATE = 16000

# Recorded voices: package -> what its copyright file says. The Spanish prompts of asterisk-core-sounds are not among them: their
# voice is the one of the English prompts, which the test needs for itself.
TRAIN = {
    "asterisk-core-sounds-fr-g722": "CC-BY-SA-3.0",
    "asterisk-core-sounds-it-g722": "CC-BY-3.0",
    "asterisk-core-sounds-ru-g722": "CC-BY-3.0",
    "asterisk-prompt-it-menardi-wav": "CC-BY-SA-3.0-IT",
    "asterisk-prompt-fr-armelle": "BSD-like",
}
# Only listened to by the evaluation: nothing of them ends up in the weights.
TEST = {
    "asterisk-core-sounds-en-g722": "CC-BY-SA-3.0",
    "asterisk-prompt-es-co": "GPL-2",
}
MUSIC = "asterisk-moh-opsound-g722"
MUSIC_TEST = ("manolo_camp-morning_coffee", "reno_project-system")
# No speech in them, or not only.
NO_SPEECH = ("silence/", "/beep", "tt-monkeys", "-2tone", "confbridge-join.", "confbridge-leave.", "-glorious-")

# espeak-ng voices to train with: languages other than English, and its variants of timbre.
ESPEAK_TRAIN = [lang + variant for lang, variant in zip(
    ("de", "es", "fr-fr", "pl", "nl", "pt-br", "ru", "sv", "tr", "cs", "fi", "hu", "ro", "el", "da", "hr", "nb", "ca", "sk", "bg", "lv", "sw", "id", "it"),
    ("+m1", "+m3", "+f2", "+m7", "+f4", "+m2", "+m4", "+f1", "+m5", "+m6", "+f5", "+m8", "+f3", "+m1", "+croak", "+m3",
     "+m1", "+m5", "", "+m4", "+f2", "+m7", "+f1", ""))]
# festival voices put together from recorded pieces of people (one by HMMs), all of free licences: LGPL-2.1, LGPL-2, LGPL-2, BSD-like.
FESTIVAL_TRAIN = {"upc_ca_ona_hts": "festvox-ca-ona-hts", "suo_fi_lj_diphone": "festvox-suopuhe-lj", "hy_fi_mv_diphone": "festvox-suopuhe-mv",
                  "msu_ru_nsh_clunits": "festvox-ru"}
ESPEAK_TEST = ["en-us", "en-gb+f3"]
FLITE_TEST = ["slt", "rms", "awb", "kal16"]


def run_tool(arguments, records, item=np.int16, out=np.int16):
    """Pipes records through vad_tool; features come back as rows."""
    if not os.path.exists(TOOL):
        sys.exit("%s is missing: ninja -C build scripts/speech/vad/vad_tool" % TOOL)
    data = b"".join(struct.pack("<i", len(r)) + np.ascontiguousarray(r, item).tobytes() for r in records)
    done = subprocess.run([TOOL] + [str(a) for a in arguments], input=data, stdout=subprocess.PIPE, check=True).stdout
    ret, at, width = [], 0, 52 if arguments[0] == "features" else 1
    for _ in records:
        n = struct.unpack_from("<i", done, at)[0] * width
        ret.append(np.frombuffer(done, out, n, at + 4).reshape((-1, width) if width > 1 else -1))
        at += 4 + n * np.dtype(out).itemsize
    return ret


def unpack(package):
    """Folder of the package's files; downloads it at the first time."""
    folder = os.path.join(CACHE, package)
    if not os.path.isdir(folder):
        os.makedirs(CACHE, exist_ok=True)
        print("fetching", package, file=sys.stderr)
        for old in glob.glob(os.path.join(CACHE, package + "_*.deb")):
            os.remove(old)
        subprocess.run(["apt-get", "-qq", "download", package], cwd=CACHE, check=True)
        deb = glob.glob(os.path.join(CACHE, package + "_*.deb"))[0]
        subprocess.run(["dpkg-deb", "-x", deb, folder + ".part"], check=True)
        os.rename(folder + ".part", folder)
        os.remove(deb)
    return folder


def read_wav(path):
    """Any file that sox reads, at 16 kHz."""
    raw = subprocess.run(["sox", path, "-t", "raw", "-r", str(RATE), "-c", "1", "-e", "signed", "-b", "16", "-"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return np.frombuffer(raw, np.int16)


def activity(x):
    """Frames of 10 ms that are within 35 dB of the loudest one: the truth is the energy of the clean recording."""
    n = RATE // 100
    power = (x[:len(x) // n * n].reshape(-1, n).astype(np.float64) ** 2).mean(1)
    return power > max(power.max() * 10 ** -3.5, 1e-9) if len(power) else np.zeros(0, bool)


def fill_gaps(active, most):
    """The same with pauses of at most so many frames counted as speech."""
    active = active.copy()
    at = np.flatnonzero(active)
    for i, j in zip(at[:-1], at[1:]):
        if 1 < j - i <= most:
            active[i:j] = True
    return active


def tidy(x):
    """Cut to its speech and scaled; None when there is too little of it."""
    x = x.astype(np.float32)
    a = np.flatnonzero(activity(x))
    if len(a) < 20:
        return None
    x = x[max(0, a[0] - 2) * 160:(a[-1] + 3) * 160]
    act = activity(x)
    rms = np.sqrt((x[:len(act) * 160].reshape(-1, 160)[act] ** 2).mean())
    return x / rms


def recorded(package, most=100000):
    """Utterances of a package of prompts."""
    store = os.path.join(CACHE, package + ".npz")
    if not os.path.exists(store):
        files = sorted(f for f in glob.glob(os.path.join(unpack(package), "usr/share/asterisk/**/*.*"), recursive=True)
                       if f.endswith((".g722", ".wav", ".gsm")) and not any(w in f for w in NO_SPEECH))
        if files and files[0].endswith(".g722"):
            pcm = run_tool(["g722"], [np.fromfile(f, np.uint8) for f in files], np.uint8)
        else:
            pcm = [read_wav(f) for f in files]
        np.savez(store, *pcm)
    with np.load(store) as z:
        found = [tidy(z["arr_%d" % i]) for i in range(min(len(z.files), most))]
    return [x for x in found if x is not None]


def music(is_test):
    """Hold music, a track each, scaled to RMS 1."""
    store = os.path.join(CACHE, MUSIC + ".npz")
    if not os.path.exists(store):
        files = sorted(glob.glob(os.path.join(unpack(MUSIC), "usr/share/asterisk/**/*.g722"), recursive=True))
        np.savez(store, **dict(zip([os.path.basename(f)[:-5] for f in files],
                                   run_tool(["g722"], [np.fromfile(f, np.uint8) for f in files], np.uint8))))
    with np.load(store) as z:
        return {k: z[k].astype(np.float32) / z[k].astype(np.float32).std() for k in z.files if (k in MUSIC_TEST) == is_test}


def synthetic(voice, texts):
    """Utterances of espeak-ng, festival or flite; they run as programs of their own."""
    ret = []
    os.makedirs(CACHE, exist_ok=True)
    path = os.path.join(CACHE, "say.wav")
    for text in texts:
        if voice in FESTIVAL_TRAIN:
            plain = re.sub("<[^>]*>", "", text)
            subprocess.run(["festival", "--pipe"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, input=
                           '(voice_%s) (set! u (Utterance Text "%s")) (utt.synth u) (utt.save.wave u "%s")' % (voice, plain, path))
        else:
            command = ["flite", "-voice", voice, "-t", text, "-o", path] if voice in FLITE_TEST else \
                ["espeak-ng", "-m", "-v", voice, "-w", path, text]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ret.append(tidy(read_wav(path)))
    return [x for x in ret if x is not None]


def synthetic_cached(voice, texts):
    """The same, kept in the cache; who changes the texts removes it."""
    store = os.path.join(CACHE, "voice-%s.npz" % voice)
    if not os.path.exists(store):
        np.savez(store, *synthetic(voice, texts))
    with np.load(store) as z:
        return [z["arr_%d" % i] for i in range(len(z.files))]


def made_up(rng, n):
    """Text that every language can read: numbers and words of open syllables. Some of it in a monotone: machines and tired
    people speak so, and it must not pass for a hum."""
    ret = []
    for _ in range(n):
        words = []
        for _ in range(rng.integers(2, 9)):
            if rng.random() < 0.35:
                words.append(str(rng.integers(10 ** rng.integers(1, 5))))
            else:
                words.append("".join(rng.choice(list("bdfgklmnprstv")) + rng.choice(list("aeiou")) + rng.choice(["", "", "n", "s"])
                                     for _ in range(rng.integers(1, 4))))
        ret.append('<prosody range="%d%%">%s</prosody>' % (rng.choice([0, 30, 100, 100]), " ".join(words) + rng.choice([".", "?", ", "])))
    return ret


def write_wav(path, x, rate):
    with wave.open(path, "wb") as w:
        w.setparams((1, 2, rate, 0, "NONE", ""))
        w.writeframes(np.clip(np.round(x), -32768, 32767).astype("<i2").tobytes())
