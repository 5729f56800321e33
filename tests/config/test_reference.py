"""The reference is made from the schema: what is checked in must be what the schema says now."""

import re
import shutil
import subprocess

import pytest

from support.paths import BUILD, TOP, program

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


def test_explain_shows_what_a_keyword_means_and_one_that_is_unknown_ends_with_2():
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


@pytest.mark.parametrize("block, keyword", [("vrrp_instance", "advert_int"), ("virtual_server", "quorum"),
                                            ("virtual_server/real_server/GRPC_CHECK", "fwmark")])
def test_the_page_of_effects_is_not_made_while_a_keyword_that_acts_is_shown_by_no_test(tmp_path, block, keyword):
    shutil.copytree(TOP / "tools", tmp_path / "tools", ignore=lambda _, names: {n for n in names if n != "effects"})
    (tmp_path / "docs").mkdir()
    (tmp_path / "build").symlink_to(BUILD)
    mark = re.compile(rf"^(\s*(?:#|//) effect: {re.escape(block)}:.*) {keyword}\b(?=( .*)?$)", re.MULTILINE)
    for path in (TOP / "tests").rglob("*"):
        if path.suffix in (".py", ".cpp"):
            to = tmp_path / path.relative_to(TOP)
            to.parent.mkdir(parents=True, exist_ok=True)
            text, before = path.read_text(encoding="utf-8"), None
            while text != before:
                before, text = text, mark.sub(r"\1", text)
            to.write_text(text, encoding="utf-8")

    made = subprocess.run([tmp_path / "tools/effects"], capture_output=True, text=True, timeout=SECONDS, check=False)

    assert made.returncode == 1
    assert made.stdout == (f"{block}: {keyword}: acts, and no test shows its effect\n"
                           "effects: 1 to fix; docs/effects.md is left as it is\n")
    assert not (tmp_path / "docs/effects.md").exists()
