#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/audio/vad_tables.h: the window and the constants of the transform in src/audio/vad_look.c."""
import os
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
N = 256
EDGE = [2, 5, 7, 9, 11, 13, 15, 18, 21, 24, 28, 32, 37, 42, 48, 55, 63, 73, 84, 97, 112, 127]


def numbers(values):
    text = ["%.7gf" % v if "." in "%.7g" % v or "e" in "%.7g" % v else "%.7g.0f" % v for v in values]
    return ",\n".join("\t" + ", ".join(text[i:i + 10]) for i in range(0, len(text), 10))


def main():
    # Rises over 192 samples and falls over 64: the newest sound weighs most, so that a beginning is seen at once.
    up, down = np.arange(192) + 0.5, np.arange(64) + 0.5
    window = np.concatenate([np.sin(np.pi / 2 * up / 192) ** 2, np.cos(np.pi / 2 * down / 64) ** 2])
    half = np.exp(-2j * np.pi * np.arange(64) / 128)
    twist = np.exp(-2j * np.pi * np.arange(128) / 256)
    # White noise of variance s gives every band s; the transform's power is four times the right one.
    norm = 1 / (4 * (window ** 2).sum() * np.diff(EDGE))
    with open(os.path.join(ROOT, "src/audio/vad_tables.h"), "w") as f:
        f.write("/* SPDX-License-Identifier: Apache-2.0 */\n#pragma once\n\n/* Made by scripts/speech/vad/tables.py. */\n")
        f.write("static const float vad_window[%d] = {\n%s};\n\n" % (N, numbers(window)))
        for name, z in (("vad_twiddle", half), ("vad_twist", twist)):
            f.write("static const float %s[2][%d] = {{\n%s}, {\n%s}};\n\n" % (name, len(z), numbers(z.real), numbers(z.imag)))
        f.write("static const float vad_band_norm[%d] = {\n%s};\n" % (len(norm), numbers(norm)))


main()
