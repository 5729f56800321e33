"""The table of systems and suites that tools/matrix makes of what the suites printed."""

import subprocess

from support.paths import TOP

BOOKWORM = """\
  passed over: x (no ../shared)
unit: passed 3450, failed 0, in 300 s; the longest was lvs with 20 s
structure: passed 254, failed 0, in 25 s
3704 passed, 0 failed
version: g++ 4:12.2.0-3
version: keepalived 1:2.2.7-1+b2
"""
TRIXIE = """\
unit: passed 3449, failed 1, in 200 s
version: g++ 4:14.2.0-1
"""


def matrix(folder, *words):
    return subprocess.run([TOP / "tools" / "matrix", "--from", folder, "--suites", "unit,structure", *words],
                          capture_output=True, text=True, timeout=60, check=False)


def test_the_table_has_what_passed_failed_was_passed_over_and_did_not_run(tmp_path):
    (tmp_path / "bookworm.log").write_text(BOOKWORM, encoding="utf-8")
    (tmp_path / "trixie.log").write_text(TRIXIE, encoding="utf-8")

    done = matrix(tmp_path, "--systems", "bookworm,trixie,sid")

    assert done.stdout.splitlines() == [
        "| system | unit | structure |",
        "|---|---|---|",
        "| bookworm | 3450, 1 passed over | 254 |",
        "| trixie | 3449, **1 failed** | did not run |",
        "| sid | did not run | did not run |",
        "",
        "| system | GCC | keepalived |",
        "|---|---|---|",
        "| bookworm | 12.2.0 | 2.2.7 |",
        "| trixie | 14.2.0 |  |",
        "| sid |  |  |",
    ]
    assert done.returncode == 1


def test_it_is_content_when_every_suite_ran_everywhere_and_nothing_failed(tmp_path):
    (tmp_path / "bookworm.log").write_text(BOOKWORM, encoding="utf-8")

    assert matrix(tmp_path, "--systems", "bookworm").returncode == 0
