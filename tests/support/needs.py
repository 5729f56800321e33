"""What a test needs of whoever runs it. Without it the test is skipped, with the reason."""

import os

import pytest


def needs_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")
