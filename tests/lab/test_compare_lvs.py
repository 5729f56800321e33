"""keepalived and mainstay on the corpus's files, side by side while servers fail and come back: tests/support/
lvs_compare.py tells the steps, tests/data/compare/*.differs the differences that are meant, line by line, and
docs/compatibility.md argues them."""

import os
import re
import shutil

import pytest

from support.lvs_compare import argued, compare_all
from support.paths import DATA, SHARED

# All of the corpus takes longer than a file of tests may: these are a sample, MAINSTAY_COMPARE=all compares every one.
SAMPLE = ("039-", "178-", "210-", "217-", "218-")
CORPUS = sorted(path for path in (SHARED / "corpus").glob("*.conf")
                if re.search(r"^\s*virtual_server\s", path.read_text(encoding="utf-8", errors="replace"), re.M)
                and (path.name.startswith(SAMPLE) or os.environ.get("MAINSTAY_COMPARE") == "all"))
FILES = [DATA / "compare" / "two-servers.conf", *CORPUS]

pytestmark = pytest.mark.skipif(not shutil.which("keepalived"), reason="keepalived is not here")


@pytest.fixture(scope="module")
def compared(request, tmp_path_factory):
    """All files that were asked for, at once."""
    wanted = [item.callspec.params["file"] for item in request.session.items if "compared" in item.fixturenames]
    return compare_all(wanted, tmp_path_factory.mktemp("compare"), told=print)


@pytest.mark.nightly
@pytest.mark.parametrize("file", FILES, ids=[path.stem for path in FILES])
def test_each_step_is_keepaliveds(compared, file):
    result = compared[file]
    if isinstance(result, Exception):
        raise result
    differences = [line for step in result.steps for line in step.differences()]
    why, known = argued(file.stem)
    assert differences == known, "\n".join(["", *map(str, result.steps), *differences, f"argued: {why}", *known])
