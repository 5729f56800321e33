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


def folder(path):
    """(owner, group, mode) of a folder in tmpfiles.d."""
    rows = (TOP / "packaging" / "tmpfiles.d" / "mainstay.conf").read_text(encoding="utf-8").splitlines()
    words = next(row.split() for row in rows if row.split()[1] == path)
    return words[3], words[4], int(words[2], 8)


def test_the_folders_have_one_owner_and_one_mode_in_tmpfiles_both_packages_and_the_daemon():
    assert folder("/run/mainstay") == ("mainstay-obs", "mainstay", 0o755)
    assert folder("/var/spool/mainstay") == ("mainstay-obs", "mainstay", 0o750)
    assert re.search(r"^u mainstay-obs -:mainstay ", SYSUSERS.read_text(encoding="utf-8"), re.MULTILINE)

    deb = (TOP / "packaging" / "debian" / "mainstay.postinst").read_text(encoding="utf-8")
    assert "install -d -m 750 -o mainstay-obs -g mainstay /var/spool/mainstay\n" in deb
    rpm = (TOP / "packaging" / "rpm" / "mainstay.spec").read_text(encoding="utf-8")
    assert "%attr(750, mainstay-obs, mainstay) %dir %{_localstatedir}/spool/mainstay\n" in rpm

    daemon = (TOP / "src" / "role" / "supervisor" / "paths.cpp").read_text(encoding="utf-8")
    made = dict(re.findall(r"make_directory\(state_\.paths\.(\w+), state_\.account, (0\d+)\)", daemon))
    assert made == {"run_directory": "0755", "spool_directory": "0750"}


def test_the_folder_of_what_outlives_a_boot_is_root_s_and_the_daemon_s_alone_to_make():
    text = (TOP / "src" / "role" / "supervisor" / "kept_files.cpp").read_text(encoding="utf-8")
    made = re.findall(r"make_directory\(folder_?, \{::(\w+)\(\), ::(\w+)\(\)\}, (0\d+)\)", text)
    assert made == 2 * [("geteuid", "getegid", "0755")]  # for maintenance, and for servers that sources listed

    others = ("tmpfiles.d/mainstay.conf", "debian/mainstay.postinst", "rpm/mainstay.spec", "systemd/mainstay.service",
              "systemd/mainstay@.service", "systemd/keepalived.service")
    for name in others:
        text = (TOP / "packaging" / name).read_text(encoding="utf-8")
        assert "/var/lib/mainstay" not in text and "_localstatedir}/lib/mainstay" not in text and "StateDirectory" not in text, name
    assert re.search(r"rm -rf .*/var/lib/mainstay\b", (TOP / "packaging/debian/mainstay.postrm").read_text(encoding="utf-8"))


def test_a_runtime_folder_of_a_unit_is_below_the_daemon_s_or_no_part_of_it_and_has_the_program_s_mode():
    """A unit that named /run/mainstay itself would give it to root; systemd's own mode is 0755."""
    named = {}
    for unit in sorted((TOP / "packaging" / "systemd").glob("*.service")):
        words = dict(re.findall(r"^(RuntimeDirectory\w*)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE))
        if words:
            named[unit.name] = words
    assert named == {
        "mainstay-discover@.service": {"RuntimeDirectory": "mainstay-discover/%i", "RuntimeDirectoryPreserve": "yes"},
        "mainstay-realserver@.service": {"RuntimeDirectory": "mainstay/realserver", "RuntimeDirectoryPreserve": "yes"}}
    program = (TOP / "src" / "cli" / "realserver.cpp").read_text(encoding="utf-8")
    assert re.findall(r"mkdirat\(at\.get\(\), step, (0\d+)\)", program) == ["0755"]
