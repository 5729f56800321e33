"""The accounts that the packages make are those that the roles want."""

import re
import shutil
import subprocess

from support.paths import TOP

SYSUSERS = TOP / "packaging" / "sysusers.d" / "mainstay.conf"


def test_systemd_makes_an_account_for_each_role_and_only_the_observer_is_in_the_group(tmp_path):
    (tmp_path / "etc").mkdir()
    folder = tmp_path / "usr" / "lib" / "sysusers.d"
    folder.mkdir(parents=True)
    shutil.copy(SYSUSERS, folder)
    (tmp_path / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="ascii")
    (tmp_path / "etc" / "group").write_text("root:x:0:\n", encoding="ascii")

    done = subprocess.run(["systemd-sysusers", f"--root={tmp_path}", "mainstay.conf"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "not a valid" not in done.stderr
    groups = {line.split(":")[2]: line.split(":")[0] for line in (tmp_path / "etc" / "group").read_text(encoding="ascii").splitlines()}
    accounts = {line.split(":")[0]: groups[line.split(":")[3]]
                for line in (tmp_path / "etc" / "passwd").read_text(encoding="ascii").splitlines()}
    assert accounts == {"root": "root", "mainstay-vrrp": "mainstay-vrrp", "mainstay-lvs": "mainstay-lvs",
                        "mainstay-bfd": "mainstay-bfd", "mainstay-track": "mainstay-track", "mainstay-snmp": "mainstay-snmp",
                        "mainstay-read": "mainstay-read",
                        "mainstay-obs": "mainstay"}


def test_each_account_that_the_daemon_looks_for_is_among_them():
    wanted = set(re.findall(r'"(mainstay-\w+)"', (TOP / "src" / "role" / "common" / "identity.cpp").read_text(encoding="utf-8").split(
        "const char* program_name")[0]))
    made = {line.split()[1] for line in SYSUSERS.read_text(encoding="utf-8").splitlines() if line.startswith("u ")}

    assert wanted | {"mainstay-track", "mainstay-read"} == made
