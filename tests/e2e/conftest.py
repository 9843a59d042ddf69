# SPDX-License-Identifier: Apache-2.0
"""The same daemons as the interop tests use."""
import importlib.util
import os
import sys

INTEROP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interop")
sys.path.insert(0, INTEROP)

spec = importlib.util.spec_from_file_location("interop_conftest", os.path.join(INTEROP, "conftest.py"))
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
daemons = module.daemons
