"""These tests want a kernel with IPVS. `tools/test lab` runs each file in a lab of its own; by hand:

    tools/lab -- /usr/bin/python3 -m pytest tests/lab/test_something.py
"""

import os

import pytest

from support.fault_rows import make_fault_site  # noqa: F401  (a fixture)


def pytest_collection_modifyitems(config, items):
    if items and not config.option.collectonly and not os.path.isdir("/proc/sys/net/ipv4/vs"):
        raise pytest.UsageError("this kernel has no IPVS: run these tests with tools/lab (see tests/lab/conftest.py)")
