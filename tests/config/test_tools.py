"""mainstayctl config pair, print, diff and reload --dry-run: exit codes and what stands where."""

import json
import subprocess

import pytest

from support.paths import COURSE, program

SECONDS = 30
FILES = sorted(COURSE.glob("*.conf"))


def ctl(*words):
    return subprocess.run([program("mainstayctl"), *map(str, words)], capture_output=True, text=True, timeout=SECONDS,
                          check=False)


def test_pair_names_the_weight_that_moves_nothing():
    done = ctl("config", "pair", COURSE / "haproxy-pair-master.conf", COURSE / "haproxy-pair-backup.conf")

    assert done.returncode == 1
    assert "105 - 2 = 103, still above the 100" in done.stdout
    assert "fix: set weight -6 or lower" in done.stdout


@pytest.mark.parametrize("first,second,code", [
    ("haproxy-pair-noweight-master.conf", "haproxy-pair-noweight-backup.conf", 0),
    ("lvs-dr-natmask-master.conf", "lvs-dr-natmask-backup.conf", 1),
    ("web-pair-master.conf", "lvs-dr-rr-master.conf", 2),
    ("web-pair-master.conf", "there-is-no-such.conf", 2),
])
def test_pair_has_a_linters_exit_codes(first, second, code):
    done = ctl("config", "pair", COURSE / first, COURSE / second)

    assert (done.returncode, done.stderr) == (code, "")
    assert "1111" not in done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_print_shows_changes_nothing_and_is_printed_the_same(path, tmp_path):
    printed = ctl("config", "print", path)
    assert (printed.returncode, printed.stderr) == (0, "")
    again = tmp_path / "printed.conf"
    again.write_text(printed.stdout, encoding="utf-8")

    assert ctl("config", "print", again).stdout == printed.stdout
    assert ctl("config", "diff", path, again).returncode == 0


def test_print_of_a_missing_file_is_an_error():
    done = ctl("config", "print", "/there/is/none.conf")

    assert (done.returncode, done.stdout) == (2, "")
    assert "/there/is/none.conf: No such file or directory" in done.stderr


def test_diff_says_what_a_reload_would_do():
    done = ctl("config", "diff", "--json", COURSE / "lvs-dr-wrr-master.conf",
               COURSE / "lvs-dr-wrr-backup-missing-brace.conf")

    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert {"action": "change", "kind": "instance", "name": "VI_1", "details": [
        "it keeps its state, timers and counters", "state MASTER -> BACKUP, which applies only at a start", "priority 100 -> 50",
    ], "worse": False} in told["changes"]
    assert told["ipvs_operations"] == 0


def test_diff_refuses_what_a_reload_would_refuse(tmp_path):
    broken = tmp_path / "broken.conf"
    broken.write_text("vrrp_instance VI_1 {\n}\n", encoding="utf-8")
    done = ctl("config", "diff", COURSE / "web-pair-master.conf", broken)

    assert (done.returncode, done.stdout) == (2, "")
    assert "a reload would refuse it and change nothing" in done.stderr


def test_a_file_is_only_for_a_dry_run_of_reload():
    done = ctl("reload", COURSE / "web-pair-master.conf")

    assert done.returncode != 0
    assert "FILE requires --dry-run" in done.stderr


def of_hosts(tmp_path, name, priority):
    path = tmp_path / name
    path.write_text("vrrp_instance web {\n interface eth0\n virtual_router_id 51\n@lb1 priority 150\n"
                    f"@lb2 priority {priority}\n virtual_ipaddress {{\n  192.0.2.100/24\n }}\n}}\n", encoding="utf-8")
    return path


def test_diff_and_pair_take_the_lines_of_the_ids_that_are_named(tmp_path):
    before, after = of_hosts(tmp_path, "a.conf", 100), of_hosts(tmp_path, "b.conf", 90)
    assert ctl("config", "diff", "-i", "lb1", before, after).returncode == 0
    changed = ctl("config", "diff", "-i", "lb2", before, after)
    assert (changed.returncode, "priority 100 -> 90" in changed.stdout) == (1, True), changed.stdout

    nobodys = ctl("config", "pair", before, before)
    assert "note: @ID lines are left out; name the ids of both directors with --ids A,B\n" in nobodys.stdout
    assert "both have priority 100" in nobodys.stdout
    both = ctl("config", "pair", "--ids", "lb1,lb2", before, before)
    assert (both.returncode, "note: @ID" in both.stdout) == (0, False), both.stdout
    assert "both have priority" not in both.stdout
