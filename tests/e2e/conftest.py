# SPDX-License-Identifier: Apache-2.0
"""The same daemons as the interop tests use."""
import importlib.util
import os
import sys

INTEROP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interop")
sys.path.insert(0, INTEROP)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

spec = importlib.util.spec_from_file_location("interop_conftest", os.path.join(INTEROP, "conftest.py"))
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
daemons = module.daemons

import pytest  # noqa: E402

from dialogues import Dialogues  # noqa: E402


@pytest.fixture(scope="session")
def dialogues(tmp_path_factory):
    """All dialogues, started at the first test that wants one."""
    all_of_them = Dialogues(tmp_path_factory.mktemp("dialogues"))
    yield all_of_them
    all_of_them.stop()
