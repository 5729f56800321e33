"""`mainstayctl config check`, and what --strict makes of warnings."""

import json
import os
import pty
import subprocess

from support.paths import program

SECONDS = 20
CLEAN = "! nothing to do\n"
BROKEN = "vrrp_instance VI_1 {\n    priority 300\n    interface lo0\n    virtual_router_id 51\n}\n"


def check(*words):
    return subprocess.run([program("mainstayctl"), "config", "check", *map(str, words)], capture_output=True, text=True,
                          timeout=SECONDS, check=False)


def file_with(folder, text, name="ha.conf"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_json_is_one_array_over_all_files_with_code_and_place(tmp_path):
    first = file_with(tmp_path, CLEAN, "clean.conf")
    second = file_with(tmp_path, BROKEN, "broken.conf")

    done = check("--json", first, second)

    found = json.loads(done.stdout)
    assert done.returncode == 2
    assert {entry["file"] for entry in found} == {str(second)}
    entry = next(entry for entry in found if entry["code"] == "MS0201")
    assert list(entry) == ["severity", "code", "file", "line", "column", "message", "expected", "effect", "fix",
                           "included_from"]
    assert (entry["severity"], entry["line"], entry["column"]) == ("error", 2, 14)
    assert "priority" in entry["message"] and "300" in entry["message"]


def test_json_shows_through_which_files_the_place_was_reached(tmp_path):
    file_with(tmp_path, "global_defs {\n    router_idd lvs1\n}\n", "inner.conf")
    file_with(tmp_path, "\ninclude inner.conf\n", "middle.conf")
    top = file_with(tmp_path, "\n\ninclude middle.conf\n", "top.conf")

    [entry] = [entry for entry in json.loads(check("--json", top).stdout) if entry["code"] == "MS0105"]

    assert (entry["file"], entry["line"]) == (str(tmp_path / "inner.conf"), 2)
    assert entry["included_from"] == [{"file": str(tmp_path / "middle.conf"), "line": 2}, {"file": str(top), "line": 3}]


def test_json_of_a_clean_file_is_an_empty_array(tmp_path):
    done = check("--json", file_with(tmp_path, CLEAN))

    assert (done.stdout, done.returncode) == ("[]\n", 0)


def test_json_stands_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "bytes.conf"
    path.write_bytes(b"global_defs {\n    router_\xff\xfe lvs1\n}\n")

    done = check("--json", path)

    assert done.returncode == 2
    assert any(entry["line"] == 2 for entry in json.loads(done.stdout))


def test_a_missing_file_is_a_diagnostic_of_that_file(tmp_path):
    done = check("--json", tmp_path / "absent.conf")

    [entry] = json.loads(done.stdout)
    assert (entry["severity"], entry["code"], entry["line"]) == ("fatal", "MS0001", 0)
    assert entry["file"] == str(tmp_path / "absent.conf")


def test_strict_takes_warnings_for_errors(tmp_path):
    path = file_with(tmp_path, "global_defs {\n    router_id LVS_1 enable_traps 5\n}\n")

    assert check(path).returncode == 1
    assert check("--strict", path).returncode == 2
    assert check("--strict", path).stdout.endswith(": 1 warning, refused by --strict\n")
    assert check("--strict", file_with(tmp_path, CLEAN, "clean.conf")).returncode == 0


def test_the_daemons_test_refuses_warnings_with_strict(tmp_path):
    path = file_with(tmp_path, "global_defs {\n    router_id LVS_1 enable_traps 5\n}\n")

    def test(*words):
        return subprocess.run([program("mainstayd"), "-t", "-f", str(path), *words], capture_output=True, text=True,
                              timeout=SECONDS, check=False)

    assert test().returncode == 0
    assert test("--strict").returncode == 5
    assert "is refused by --strict (exit code 5)" in test("--strict").stderr


def test_each_file_gets_a_count_and_several_a_sum(tmp_path):
    clean, broken = file_with(tmp_path, CLEAN, "clean.conf"), file_with(tmp_path, BROKEN, "broken.conf")
    warned = file_with(tmp_path, "global_defs {\n    router_id LVS_1 enable_traps 5\n}\n", "warned.conf")

    done = check(clean, warned, broken, tmp_path / "absent.conf")

    assert done.returncode == 2
    said = done.stdout.splitlines()
    assert f"{clean}: no problems" in said
    assert f"{warned}: 1 warning" in said
    assert any(line.startswith(f"{broken}: ") and " error" in line for line in said)
    assert f"{tmp_path / 'absent.conf'}: cannot run: 1 error" in said
    assert said[-1] == "4 files: 1 without problems, 1 with warnings, 2 with errors"
    assert check(clean).stdout == f"{clean}: no problems\n"


def test_lines_for_one_host_are_checked_as_that_host(tmp_path):
    path = file_with(tmp_path, "@red global_defs {\n@red prioritty\n@red }\n")

    assert check("-i", "blue", path).returncode == 0
    assert check("-i", "red", path).returncode == 2


def output_on_a_terminal(command):
    """What the command writes when its standard output is a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 4096):
            text += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    process.wait(timeout=SECONDS)
    return text.decode()


def test_colour_is_for_terminals_only(tmp_path):
    path = str(file_with(tmp_path, BROKEN))

    assert "\x1b[" not in check(path).stdout
    assert "\x1b[1;31merror" in output_on_a_terminal([program("mainstayctl"), "config", "check", path])


PATTERN = """virtual_server 192.168.4.99 80 {
  protocol TCP
  lb_algo rr
  lb_kind NAT
  real_server 192.168.4.12 80 {
    HTTP_GET {
      url {
        path /
        regex "PATTERN"
      }
    }
  }
}
"""


def test_a_pattern_that_cannot_be_compiled_is_reported_before_the_start(tmp_path):
    path = file_with(tmp_path, PATTERN.replace("PATTERN", "a(b"))

    done = check(path)

    assert done.stdout == f"""{path}:9:15: warning MS0522: Invalid regex: 'a(b' at offset 3: missing closing parenthesis
    9 |         regex "a(b"
      |               ^~~~~
  effect: the check is never run, and does not affect its server
{path}: 1 warning
"""
    tested = subprocess.run([program("mainstayd"), "-t", "-f", str(path)], capture_output=True, text=True,
                            timeout=SECONDS, check=False)
    assert tested.returncode == 0  # keepalived's, which finds out when it checks
    assert "warning MS0522" in tested.stderr


def test_a_pattern_is_compiled_after_its_escapes_as_the_checks_will(tmp_path):
    assert "no problems" in check(file_with(tmp_path, PATTERN.replace("PATTERN", r"a\\\\"))).stdout
    open_class = check(file_with(tmp_path, PATTERN.replace("PATTERN", r"[a\\]"))).stdout
    assert r"Invalid regex: '[a\]' at offset 4: missing terminating ]" in open_class
    assert r"fix: escapes are processed first: write \\s for PCRE2's \s" in open_class
