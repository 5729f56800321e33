"""keepalived and mainstay on the corpus's files, side by side while servers fail and come back: tests/support/
lvs_compare.py tells the steps, docs/compatibility.md the differences that are meant."""

import os
import re
import shutil

import pytest

from support.lvs_compare import NotTaken, compare_all
from support.paths import DATA, SHARED

# All of the corpus takes longer than a file of tests may: these are a sample, MAINSTAY_COMPARE=all compares every one.
SAMPLE = ("039-", "057-", "071-", "215-", "216-", "217-")
CORPUS = sorted(path for path in (SHARED / "corpus").glob("*.conf")
                if re.search(r"^\s*virtual_server\s", path.read_text(encoding="utf-8", errors="replace"), re.M)
                and (path.name.startswith(SAMPLE) or os.environ.get("MAINSTAY_COMPARE") == "all"))
FILES = [DATA / "compare" / "two-servers.conf", *CORPUS]

# What differs, and why: docs/compatibility.md argues what is meant to.
DIFFERS = {
    "007-note-lvs": "a MISC_CHECK without a script: keepalived leaves it out, here it has failed",
    "088-docs-lvs": "2.4.3's words in a mail, HTTP/SSL request failed; 2.2.7 says HTTP request failed",
    "138-dns-doodle-lvs": "DNS_CHECK of 2.2.7 does not take the answers of the server that plays it at once: not explained",
    "178-ka-ssl-lvs-ipv6": "not explained",
    "218-ka-1757-lvs-trackfile": "which servers of FILE_CHECKs are up at the start: not explained",
    "206-ka-955q-lvs-ipv6": "a DR server that is given another port than its service is checked on the service's",
    "210-ka-connect-checkers-lvs": "one of seven checks on one server fails in 2.2.7 alone: not explained",
}

pytestmark = pytest.mark.skipif(not shutil.which("keepalived"), reason="keepalived is not here")


@pytest.fixture(scope="module")
def compared(request, tmp_path_factory):
    """All files that were asked for, at once."""
    wanted = [item.callspec.params["file"] for item in request.session.items if "compared" in item.fixturenames]
    return compare_all(wanted, tmp_path_factory.mktemp("compare"), told=print)


@pytest.mark.parametrize("file", FILES, ids=[path.stem for path in FILES])
def test_each_step_is_keepaliveds(compared, file):
    result = compared[file]
    if isinstance(result, NotTaken):
        pytest.skip(f"keepalived does not take it: {result}")
    if isinstance(result, Exception):
        raise result
    differences = [line for step in result.steps for line in step.differences()]
    if file.stem in DIFFERS and differences:
        pytest.xfail(DIFFERS[file.stem])
    assert not differences, "\n".join(["", *map(str, result.steps), *differences])
