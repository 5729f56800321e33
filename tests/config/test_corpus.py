"""What the configuration test says of real files: the exit codes that keepalived gave for them.

The course's files are in tests/data. The larger collection lies beside some checkouts (../shared/corpus); where it is not
there, its tests say so and pass over.
"""

import pathlib
import re
import shutil
import subprocess

import pytest

from support.needs import needs_root
from support.paths import COURSE, SHARED, program

CORPUS = SHARED / "corpus"
SECONDS = 20
COURSE_INTERFACES = ["eth0", "ens18", "eno16777736"]
# 5: nb_get_retry in TCP_CHECK, nat_mask, intervals of 0; 6: scripts without enable_script_security.
COURSE_EXIT_CODES = {
    "web-pair-master.conf": 0,
    "haproxy-pair-master.conf": 6,
    "haproxy-pair-backup.conf": 6,
    "haproxy-pair-noweight-master.conf": 6,
    "haproxy-pair-noweight-backup.conf": 6,
    "lvs-dr-rr-master.conf": 5,
    "lvs-dr-wrr-master.conf": 5,
    "lvs-dr-wrr-backup-missing-brace.conf": 5,
    "lvs-dr-natmask-master.conf": 5,
    "lvs-dr-natmask-backup.conf": 5,
}


def config_test(path, interfaces=(), config_id=""):
    """mainstayd -t in a network namespace with these interfaces; the exit code and what it said."""
    needs_root()
    script = 'program=$1; file=$2; id=$3; shift 3; ip link set lo up; n=0; for name; do n=$((n+1)); ' \
             'ip link add "$name" type veth peer name "peer$n" && ip link set "$name" up && ' \
             'ip addr add "10.200.$n.1/24" dev "$name"; done >/dev/null 2>&1; exec "$program" ${id:+-i "$id"} -t -f "$file"'
    result = subprocess.run(["unshare", "-n", "sh", "-c", script, "sh", program("mainstayd"), str(path), config_id,
                             *interfaces],
                            capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False,
                            cwd=path.parent)
    return result.returncode, result.stderr


@pytest.mark.parametrize("name", COURSE_EXIT_CODES)
def test_the_course_files_give_keepalived_s_exit_codes(name):
    if name.startswith("haproxy") and shutil.which("killall") is None:
        pytest.fail("killall is not installed (psmisc): the script of this file would be left out")
    code, said = config_test(COURSE / name, COURSE_INTERFACES)
    assert code == COURSE_EXIT_CODES[name], said


def test_every_course_file_is_listed():
    assert sorted(COURSE_EXIT_CODES) == sorted(path.name for path in COURSE.glob("*.conf"))


def test_the_slips_of_the_missing_brace_file_are_named_with_line_and_fix():
    _, said = config_test(COURSE / "lvs-dr-wrr-backup-missing-brace.conf", COURSE_INTERFACES)
    for line, text in ((18, "unknown authentication type 'pass'"), (23, "virtual_server 192.168.4.15 80 is not closed: its } is missing"),
                       (34, "TCP_CHECK has no keyword nb_get_retry"), (42, "TCP_CHECK has no keyword nb_get_retry")):
        assert re.search(rf"^.+:{line}:\d+: \w+ MS\d+: .*{re.escape(text)}", said, re.MULTILINE), said
    assert "write `auth_type PASS`" in said
    assert "write `retry 3`" in said


def test_an_interface_that_is_not_there_is_named():
    code, said = config_test(COURSE / "web-pair-master.conf")
    assert code == 5
    assert "3:15: warning MS0403: (VI_1) there is no interface eth0" in said


def test_a_missing_file_is_exit_code_4(tmp_path):
    code, said = config_test(tmp_path / "none.conf")
    assert code == 4
    assert "No such file or directory" in said


def test_a_fifo_does_not_block(tmp_path):
    fifo = tmp_path / "fifo"
    subprocess.run(["mkfifo", str(fifo)], check=True)
    code, said = config_test(fifo)
    assert code == 4
    assert "is not a regular file" in said


def test_messages_are_appended_to_a_log_file(tmp_path):
    log = tmp_path / "log"
    log.write_text("before\n", encoding="utf-8")
    result = subprocess.run([program("mainstayd"), f"--config-test={log}", "-f", str(tmp_path / "none.conf")],
                            capture_output=True, text=True, timeout=SECONDS, check=False)
    assert result.returncode == 4
    assert result.stderr == ""
    assert log.read_text(encoding="utf-8").startswith("before\n")
    assert "No such file or directory" in log.read_text(encoding="utf-8")


def corpus_rows():
    index = CORPUS / "INDEX.tsv"
    if not index.is_file():
        return []
    lines = index.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


def named_interfaces(path: pathlib.Path):
    verdict = path.with_suffix("").with_suffix(".verdict.txt").read_text(encoding="utf-8")
    line = re.search(r"^interfaces created .*?: (.*)$", verdict, re.MULTILINE)
    names = line.group(1).split(", ") if line else []
    return [name for name in names if re.fullmatch(r"[\w.@:-]{1,15}", name) and name != "lo"]


def test_the_collected_files_give_keepalived_s_exit_codes():
    """Recorded on a bare host: none of the scripts that the files name, no keepalived_script user."""
    rows = corpus_rows()
    if not rows:
        pytest.skip(f"there is no {CORPUS}")
    different = []
    for name, _, _, wanted, *_ in rows:
        path = CORPUS / name
        code, said = config_test(path, named_interfaces(path))
        assert code in (0, 2, 4, 5, 6), f"{name}: {code}\n{said}"
        if str(code) != wanted:
            different.append(f"{name}: keepalived {wanted}, mainstay {code}\n{said}")
    print(f"{len(rows) - len(different)} of {len(rows)} files as keepalived")
    assert not different, "\n".join(different)


def test_the_collected_files_give_keepalived_s_exit_codes_under_each_config_id():
    """Recorded for the ids that the files name in @id lines."""
    rows = corpus_rows()
    if not rows:
        pytest.skip(f"there is no {CORPUS}")
    recorded = re.compile(r"^== keepalived 2\.4\.3 --config-id (\S+) -t .*\(bare host\)\nexit: (\d+)$", re.MULTILINE)
    different, count = [], 0
    for name, *_ in rows:
        path = CORPUS / name
        verdict = path.with_suffix("").with_suffix(".verdict.txt").read_text(encoding="utf-8")
        for config_id, wanted in recorded.findall(verdict):
            count += 1
            code, said = config_test(path, named_interfaces(path), config_id)
            if str(code) != wanted:
                different.append(f"{name} -i {config_id}: keepalived {wanted}, mainstay {code}\n{said}")
    print(f"{count - len(different)} of {count} tests with a config id as keepalived")
    assert count > 0
    assert not different, "\n".join(different)
