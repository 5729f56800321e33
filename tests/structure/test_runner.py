"""tools/test: how it calls a program."""

import sys
import time

from support.paths import TOP

sys.path.insert(0, str(TOP / "tools" / "test.d"))

from results import call  # noqa: E402


def test_what_a_program_leaves_behind_is_ended_with_it():
    begun = time.monotonic()
    assert call(["sh", "-c", "echo begun; sleep 300 & exit 3"], 200) == (3, "begun\n")
    assert time.monotonic() - begun < 100  # not held up by the other, which has the same output
