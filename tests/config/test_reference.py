"""The reference is made from the schema: what is checked in must be what the schema says now."""

import subprocess

from support.paths import TOP, program

SECONDS = 20


def ctl(*words):
    return subprocess.run([program("mainstayctl"), "config", *words], cwd=TOP, capture_output=True, text=True,
                          timeout=SECONDS, check=False)


def test_the_compatibility_page_is_what_the_schema_says():
    made = ctl("reference", "--markdown", "--head", "docs/compatibility.head.md")

    assert made.returncode == 0, made.stderr
    checked_in = (TOP / "docs/compatibility.md").read_text(encoding="utf-8")
    # Not compared in one assert: thousands of lines of difference tell nothing.
    same = made.stdout == checked_in
    assert same, "docs/compatibility.md is out of date: ninja -C build reference"


def test_explain_tells_what_a_keyword_means_and_one_that_is_unknown_ends_with_2():
    known = ctl("explain", "virtual_router_id")
    slip = ctl("explain", "virtual_ruoter_id", "priority")

    assert known.returncode == 0
    assert "virtual_router_id <int 1..255>" in known.stdout
    assert "    virtual_router_id 51\n" in known.stdout
    assert slip.returncode == 2
    assert slip.stderr == "mainstayctl: there is no keyword virtual_ruoter_id; did you mean virtual_router_id?\n"
    assert slip.stdout.startswith("priority <int 1..255>\n")


def test_the_page_of_effects_is_what_the_tests_say_and_leaves_no_acting_keyword_out():
    checked = subprocess.run([TOP / "tools/effects", "--check"], capture_output=True, text=True, timeout=SECONDS,
                             check=False)

    assert checked.returncode == 0, checked.stdout
