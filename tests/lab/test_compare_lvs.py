"""keepalived and mainstay on the corpus's files, side by side while servers fail and come back: tests/support/
lvs_compare.py tells the steps, docs/compatibility.md the differences that are meant."""

import os
import re
import shutil
import subprocess

import pytest

from support.lvs_compare import NotTaken, compare_all
from support.paths import SHARED, TOP, program

FILES = sorted(path for path in (SHARED / "corpus").glob("*.conf")
               if re.search(r"^\s*virtual_server\s", path.read_text(encoding="utf-8", errors="replace"), re.M))

pytestmark = pytest.mark.skipif(not FILES or not shutil.which("keepalived"),
                                reason="the corpus or keepalived is not here")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return compare_all(FILES, tmp_path_factory.mktemp("compare"), told=print)


@pytest.mark.parametrize("file", FILES, ids=[path.stem for path in FILES])
def test_each_step_is_keepaliveds(compared, file):
    result = compared[file]
    if isinstance(result, NotTaken):
        pytest.skip(f"keepalived does not take it: {result}")
    if isinstance(result, Exception):
        raise result
    differences = [line for step in result.steps for line in step.differences()]
    assert not differences, "\n".join(["", *map(str, result.steps), *differences])
