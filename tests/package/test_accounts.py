"""The accounts that the packages make are those that the roles want."""

import re
import shutil
import subprocess

import pytest
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


def made_by_systemd():
    return {line.split()[1] for line in SYSUSERS.read_text(encoding="utf-8").splitlines() if line.startswith("u ")}


def test_each_account_that_the_daemon_looks_for_is_among_them():
    rows = (TOP / "src" / "role" / "common" / "kinds.cpp").read_text(encoding="utf-8")
    others = (TOP / "include" / "mainstay" / "role" / "common" / "identity.hpp").read_text(encoding="utf-8")
    wanted = set(re.findall(r'\.account = "(mainstay-\w+)"', rows)) | set(re.findall(r'Account = "(mainstay-\w+)"', others))

    assert wanted == made_by_systemd()


@pytest.mark.parametrize("script", ["debian/mainstay.postinst", "rpm/mainstay.spec"])
def test_the_packages_make_the_same_ones_where_there_is_no_systemd(script):
    text = (TOP / "packaging" / script).read_text(encoding="utf-8")
    roles = re.search(r"^\s*for role in ([a-z ]+); do$", text, re.MULTILINE)[1].split()

    assert {f"mainstay-{role}" for role in roles} | {"mainstay-obs"} == made_by_systemd()
    assert re.search(r"mainstay-obs\b", text)
