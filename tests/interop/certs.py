# SPDX-License-Identifier: Apache-2.0
"""Certificates with faults, made by openssl for the test that needs them."""
import os
import subprocess

import lab


def openssl(*args):
    subprocess.run(("openssl",) + args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Certs:
    """A folder with ca.pem, and NAME.pem and NAME.key of what is asked for."""

    def __init__(self, folder):
        self.folder = str(folder)
        subprocess.run([lab.TIPRING, "cert", self.folder, "--name", lab.PBX, "--name", lab.US], check=True, stdout=subprocess.DEVNULL)
        self.ca = self.path("ca.pem")

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, san, days=30, is_self_signed=False):
        request, ext = self.path(name + ".csr"), self.path(name + ".ext")
        with open(ext, "w") as f:
            f.write("subjectAltName=%s\n" % san)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path(name + ".key"), "-out", request,
                "-subj", "/CN=" + name)
        signer = ["-signkey", self.path(name + ".key")] if is_self_signed else ["-CA", self.ca, "-CAkey", self.path("ca.key"), "-CAcreateserial"]
        openssl("x509", "-req", "-in", request, "-days", str(days), "-extfile", ext, "-out", self.path(name + ".pem"), *signer)
        return self.path(name + ".pem"), self.path(name + ".key")
