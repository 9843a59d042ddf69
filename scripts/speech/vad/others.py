# SPDX-License-Identifier: Apache-2.0
"""The detectors ours is compared with: Silero by ONNX Runtime's C interface, and WebRTC's from Debian's library."""
import ctypes as C
import os
import subprocess
import sys

import numpy as np

from sounds import CACHE, ROOT

# Places in the table that OrtGetApiBase()->GetApi(17) returns.
SLOTS = {"GetErrorMessage": 2, "CreateEnv": 3, "CreateSession": 7, "Run": 9, "CreateSessionOptions": 10, "SetIntraOpNumThreads": 24,
         "SetInterOpNumThreads": 25, "CreateTensorWithDataAsOrtValue": 49, "GetTensorMutableData": 51, "CreateCpuMemoryInfo": 69,
         "ReleaseStatus": 93, "ReleaseValue": 96}


def silero_folder():
    """Where ONNX Runtime and the model are: fetched into the cache, of the versions that the daemon's own port is tested with."""
    folder = os.environ.get("TIPRING_SILERO") or os.path.join(CACHE, "silero")
    if not os.path.exists(os.path.join(folder, "silero_vad.onnx")):
        subprocess.run([os.path.join(ROOT, "scripts", "install-silero"), folder], check=True, stdout=sys.stderr)
    return folder


class Silero:
    """Many streams side by side: the model takes a batch."""
    def __init__(self):
        folder = silero_folder()
        library = C.CDLL(os.path.join(folder, "libonnxruntime.so"))
        library.OrtGetApiBase.restype = C.POINTER(C.c_void_p)
        get_api = C.CFUNCTYPE(C.POINTER(C.c_void_p), C.c_uint32)(library.OrtGetApiBase()[0])
        self.table = get_api(17)
        env, options, self.session, self.memory = C.c_void_p(), C.c_void_p(), C.c_void_p(), C.c_void_p()
        self.call("CreateEnv", C.c_int(3), C.c_char_p(b"vad"), C.byref(env))
        self.call("CreateSessionOptions", C.byref(options))
        self.call("SetIntraOpNumThreads", options, C.c_int(1))
        self.call("SetInterOpNumThreads", options, C.c_int(1))
        model = os.path.join(folder, "silero_vad.onnx")
        self.call("CreateSession", env, C.c_char_p(model.encode()), options, C.byref(self.session))
        self.call("CreateCpuMemoryInfo", C.c_int(0), C.c_int(0), C.byref(self.memory))

    def call(self, name, *arguments):
        function = C.CFUNCTYPE(C.c_void_p, *[type(a) if not hasattr(a, "_obj") else C.c_void_p for a in arguments])(self.table[SLOTS[name]])
        status = function(*arguments)
        if status:
            text = C.CFUNCTYPE(C.c_char_p, C.c_void_p)(self.table[SLOTS["GetErrorMessage"]])(status)
            raise RuntimeError("ONNX Runtime, %s: %s" % (name, text.decode()))

    def release(self, name, value):
        C.CFUNCTYPE(None, C.c_void_p)(self.table[SLOTS[name]])(value)

    def tensor(self, array, kind):
        value = C.c_void_p()
        shape = (C.c_int64 * array.ndim)(*array.shape)
        self.call("CreateTensorWithDataAsOrtValue", self.memory, array.ctypes.data_as(C.c_void_p), C.c_size_t(array.nbytes),
                  C.cast(shape, C.c_void_p), C.c_size_t(array.ndim), C.c_int(kind), C.byref(value))
        return value

    def run(self, records, rate):
        """Probabilities of each record, a window of 32 ms each."""
        w = rate * 32 // 1000
        c, longest = w // 8, max(len(r) for r in records)
        steps = longest // w
        pcm = np.zeros((len(records), steps * w), np.float32)
        for i, r in enumerate(records):
            pcm[i, :min(len(r), steps * w)] = r[:steps * w] / np.float32(32768)
        state, past, sr = np.zeros((2, len(records), 128), np.float32), np.zeros((len(records), c), np.float32), np.array([rate], np.int64)
        ret = np.empty((len(records), steps), np.float32)
        names_in, names_out = (C.c_char_p * 3)(b"input", b"state", b"sr"), (C.c_char_p * 2)(b"output", b"stateN")
        for t in range(steps):
            x = np.ascontiguousarray(np.concatenate([past, pcm[:, t * w:(t + 1) * w]], 1))
            past = x[:, -c:]
            inputs = [self.tensor(x, 1), self.tensor(state, 1), self.tensor(sr, 7)]
            values, outs = (C.c_void_p * 3)(*[v.value for v in inputs]), (C.c_void_p * 2)()
            self.call("Run", self.session, C.c_void_p(), C.cast(names_in, C.c_void_p), C.cast(values, C.c_void_p), C.c_size_t(3),
                      C.cast(names_out, C.c_void_p), C.c_size_t(2), C.cast(outs, C.c_void_p))
            p = C.c_void_p()
            self.call("GetTensorMutableData", C.c_void_p(outs[0]), C.byref(p))
            ret[:, t] = np.ctypeslib.as_array(C.cast(p, C.POINTER(C.c_float)), (len(records),))
            self.call("GetTensorMutableData", C.c_void_p(outs[1]), C.byref(p))
            state = np.array(np.ctypeslib.as_array(C.cast(p, C.POINTER(C.c_float)), (2, len(records), 128)))
            for v in [v.value for v in inputs] + list(outs):
                self.release("ReleaseValue", v)
        return [ret[i, :len(r) // w] for i, r in enumerate(records)]


class WebRtc:
    def __init__(self, mode):
        self.lib = C.CDLL("libwebrtc_audio_processing.so.1")
        self.lib.WebRtcVad_Create.restype = C.c_void_p
        self.mode = mode

    def run(self, records, rate):
        ret = []
        n = rate // 50
        for r in records:
            v = C.c_void_p(self.lib.WebRtcVad_Create())
            self.lib.WebRtcVad_Init(v)
            self.lib.WebRtcVad_set_mode(v, self.mode)
            r = np.ascontiguousarray(r)
            ret.append(np.array([self.lib.WebRtcVad_Process(v, rate, C.c_void_p(r[k:].ctypes.data), C.c_size_t(n)) > 0
                                 for k in range(0, len(r) - n + 1, n)], np.float32))
            self.lib.WebRtcVad_Free(v)
        return ret
