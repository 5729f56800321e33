"""A signed repository that apt installs from in a clean root, and the upgrade from the one package of 0.1.0: one story, in order."""

import re
import shutil
import subprocess

import pytest

from support.paths import TOP

from .deb_files import field, only

GOOD = """vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    virtual_ipaddress {
        192.168.4.200
    }
}
"""
VERSION = re.search(r"version: '([^']+)'", (TOP / "meson.build").read_text(encoding="utf-8"))[1]
URL = "file:/srv/mainstay/apt"
# Debian's own lists stay as they are: nothing is fetched.
ONLY_OURS = ["-o", "Dir::Etc::sourcelist=/etc/apt/sources.list.d/mainstay.list", "-o", "Dir::Etc::sourceparts=-",
             "-o", "APT::Get::List-Cleanup=false"]


@pytest.fixture(scope="session")
def release(debs, make_release, tmp_path_factory):
    return make_release(debs, tmp_path_factory.mktemp("release") / "out")


def test_a_release_has_all_that_is_promised_and_its_checksums_are_right(release):
    checked = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=release,
                             capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout) == (0, "")
    listed = {line.split("  ")[1] for line in (release / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    there = {str(path.relative_to(release)) for path in release.rglob("*") if path.is_file()}
    assert there - listed == {"SHA256SUMS", "SHA256SUMS.asc"}
    assert {f"mainstay-{VERSION}.tar.gz", f"mainstay-{VERSION}.spdx.json", "NOTES.md", "mainstay-archive-keyring.gpg",
            "apt/dists/stable/InRelease", "apt/dists/stable/Release.gpg"} <= listed
    signature = subprocess.run(["gpgv", "--keyring", release / "mainstay-archive-keyring.gpg", "SHA256SUMS.asc",
                                "SHA256SUMS"], cwd=release, capture_output=True, text=True, check=False)
    assert signature.returncode == 0, signature.stderr


def one_package_of_0_1_0(debs, folder):
    """What 0.1.0 was: one package with the files of four, and the programs' dependencies."""
    tree = folder / "old"
    for name in ("mainstay", "mainstay-realserver", "mainstay-snmp", "mainstay-doc"):
        subprocess.run(["dpkg-deb", "-x", only(debs, name), tree], check=True)
    control = folder / "control"
    subprocess.run(["dpkg-deb", "-e", only(debs, "mainstay"), control], check=True)
    (tree / "DEBIAN").mkdir()
    for name in ("conffiles", "postinst", "prerm", "postrm"):
        if (control / name).exists():
            shutil.copy(control / name, tree / "DEBIAN")
    needed = ", ".join(field(only(debs, name), "Depends") for name in ("mainstay", "mainstay-snmp"))
    needed = ", ".join(part for part in needed.split(", ") if not part.startswith("mainstay"))
    (tree / "DEBIAN" / "control").write_text(
        f"Package: mainstay\nVersion: 0.1.0\nArchitecture: {field(only(debs, 'mainstay'), 'Architecture')}\n"
        f"Maintainer: nobody <nobody@localhost>\nDepends: {needed}\nDescription: as it was\n", encoding="utf-8")
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", tree, folder / "mainstay_0.1.0.deb"], check=True,
                   capture_output=True)
    return folder / "mainstay_0.1.0.deb"


def test_the_one_package_of_0_1_0_is_installed_and_used(debs, clean_root, tmp_path):
    clean_root.put(one_package_of_0_1_0(debs, tmp_path))
    clean_root.run("apt-get", "install", "-y", "--no-install-recommends", "/root/mainstay_0.1.0.deb")
    # A real server's address is enabled, as systemctl enable does it.
    wants = clean_root.path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "mainstay-realserver@192.168.4.15.service").symlink_to("/lib/systemd/system/mainstay-realserver@.service")
    toml = clean_root.path / "etc/mainstay/mainstay.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + "# the operator's own line\n", encoding="utf-8")

    assert clean_root.packages()["mainstay"] == "ii"
    assert not {"mainstay-realserver", "mainstay-snmp"} & set(clean_root.packages())


def test_apt_refuses_the_repository_without_its_key(release, clean_root):
    shutil.copytree(release / "apt", clean_root.path / "srv/mainstay/apt")
    (clean_root.path / "etc/apt/sources.list.d/mainstay.list").write_text(f"deb {URL} stable main\n", encoding="ascii")

    done = clean_root.run("apt-get", "update", *ONLY_OURS, check=False)

    assert done.returncode == 100
    # apt 3 lets another program verify, which says it in words.
    assert any(words in done.stdout + done.stderr for words in ("NO_PUBKEY", "Missing key"))


def test_with_the_key_apt_takes_it_and_a_plain_upgrade_keeps_the_old_package(release, clean_root):
    keyring = clean_root.path / "usr/share/keyrings/mainstay-archive-keyring.gpg"
    shutil.copy(release / "mainstay-archive-keyring.gpg", keyring)
    (clean_root.path / "etc/apt/sources.list.d/mainstay.list").write_text(
        f"deb [signed-by=/usr/share/keyrings/{keyring.name}] {URL} stable main\n", encoding="ascii")

    clean_root.run("apt-get", "update", *ONLY_OURS)
    kept = clean_root.run("apt-get", "upgrade", "-y").stdout

    assert re.search(r"kept back:\n  mainstay\n", kept), kept
    assert (clean_root.path / "usr/sbin/mainstay-realserver").exists()


def test_a_system_upgrade_installs_the_packages_that_took_files_over_and_keeps_settings(clean_root):
    clean_root.run("apt-get", "dist-upgrade", "-y")

    packages = clean_root.packages()
    assert {packages.get(name) for name in ("mainstay", "mainstay-realserver", "mainstay-snmp")} == {"ii"}
    for path in ("usr/sbin/mainstayd", "usr/sbin/mainstay-realserver", "usr/libexec/mainstay/mainstayd-snmp"):
        owner = clean_root.run("dpkg", "-S", f"/{path}").stdout.split(":")[0]
        assert (path, owner) == (path, {"mainstayd": "mainstay", "mainstay-realserver": "mainstay-realserver",
                                        "mainstayd-snmp": "mainstay-snmp"}[path.rsplit("/", 1)[1]])
    wanted = clean_root.path / "etc/systemd/system/multi-user.target.wants/mainstay-realserver@192.168.4.15.service"
    assert wanted.is_symlink()
    assert clean_root.run("sh", "-c", f"test -e /{wanted.relative_to(clean_root.path)}", check=False).returncode == 0
    assert "# the operator's own line" in (clean_root.path / "etc/mainstay/mainstay.toml").read_text(encoding="utf-8")
    wanted.unlink()


def test_a_real_server_needs_no_daemon(clean_root):
    clean_root.run("apt-get", "purge", "-y", "mainstay")

    assert clean_root.packages()["mainstay-realserver"] == "ii"
    assert clean_root.run("mainstay-realserver", "--help").returncode == 0
    clean_root.run("apt-get", "purge", "-y", "mainstay-realserver")


def test_apt_installs_it_from_the_repository_with_its_accounts_and_spool_and_starts_nothing(clean_root):
    clean_root.run("apt-get", "install", "-y", "--no-install-recommends", "mainstay")

    assert clean_root.packages()["mainstay"] == "ii"
    assert "mainstay-snmp" not in clean_root.packages() or clean_root.packages()["mainstay-snmp"] != "ii"
    for role in ("vrrp", "lvs", "bfd", "track", "snmp", "obs"):
        assert clean_root.run("id", "-un", f"mainstay-{role}").stdout == f"mainstay-{role}\n"
    assert clean_root.run("id", "-Gn", "mainstay-obs").stdout == "mainstay\n"
    assert clean_root.run("stat", "-c", "%U %a", "/var/spool/mainstay").stdout == "mainstay-obs 750\n"
    asked_for = clean_root.path / "var/log/start-requests"
    assert not asked_for.exists() or "mainstay" not in asked_for.read_text(encoding="utf-8")
    assert not list((clean_root.path / "etc/systemd/system").glob("*.wants/mainstay*"))


def test_the_installed_program_tests_a_configuration(clean_root):
    (clean_root.path / "root/good.conf").write_text(GOOD, encoding="utf-8")
    (clean_root.path / "root/bad.conf").write_text(GOOD.replace("virtual_router_id 51", "virtual_router_id 256"), encoding="utf-8")

    good = clean_root.run("mainstayd", "-t", "-f", "/root/good.conf", check=False, eth0=True)
    bad = clean_root.run("mainstayd", "-t", "-f", "/root/bad.conf", check=False, eth0=True)

    assert good.returncode == 0, good.stdout + good.stderr
    assert bad.returncode not in (0, 126, 127)
    assert "/root/bad.conf:4:" in bad.stdout + bad.stderr


def test_the_other_programs_run(clean_root):
    for program in ("mainstayctl", "mainstay-realserver"):
        done = clean_root.run(program, "--help", check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_drop_in_takes_keepalived_away_and_answers_to_its_name(clean_root):
    clean_root.run("apt-get", "install", "-y", "--no-install-recommends", "keepalived")
    (clean_root.path / "etc/keepalived/keepalived.conf").write_text(GOOD, encoding="utf-8")
    (clean_root.path / "etc/default/keepalived").write_text('DAEMON_ARGS="-D"\n', encoding="utf-8")

    clean_root.run("apt-get", "install", "-y", "--no-install-recommends", "mainstay-keepalived-compat")

    packages = clean_root.packages()
    assert packages["mainstay-keepalived-compat"] == "ii"
    assert packages["keepalived"] == "rc"  # removed; its configuration files are left
    version = clean_root.run("keepalived", "--version")
    assert version.stderr.startswith("Keepalived v2.4.3")
    assert "mainstay" in version.stderr
    assert clean_root.run("keepalived", "-t", check=False, eth0=True).returncode == 0  # of /etc/keepalived/keepalived.conf
    assert (clean_root.path / "etc/default/keepalived").read_text(encoding="utf-8") == 'DAEMON_ARGS="-D"\n'
    unit = clean_root.run("sh", "-c", "cat /lib/systemd/system/keepalived.service").stdout
    assert "ExecStart=/usr/sbin/keepalived " in unit


def at_boot(clean_root):
    return (clean_root.path / "etc/systemd/system/multi-user.target.wants/keepalived.service").is_symlink()


def test_a_purge_of_keepalived_takes_neither_the_drop_in_s_boot_nor_its_options(clean_root):
    assert at_boot(clean_root)

    said = clean_root.run("apt-get", "purge", "-y", "keepalived").stdout

    assert "keepalived.service is enabled, as the purge of keepalived disables it" in said
    assert at_boot(clean_root)
    assert (clean_root.path / "etc/default/keepalived").read_text(encoding="utf-8") == 'DAEMON_ARGS="-D"\n'


def test_a_purge_of_the_drop_in_leaves_keepalived_its_boot(clean_root):
    clean_root.run("apt-get", "install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", "keepalived")
    assert clean_root.packages()["mainstay-keepalived-compat"] == "rc"

    clean_root.run("apt-get", "purge", "-y", "mainstay-keepalived-compat")

    assert at_boot(clean_root)
    assert not (clean_root.path / "var/lib/mainstay-keepalived-compat").exists()
    clean_root.run("apt-get", "purge", "-y", "keepalived")


def test_purging_leaves_no_spool_and_no_program(clean_root):
    clean_root.run("apt-get", "purge", "-y", "mainstay", "mainstay-keepalived-compat")

    assert not (clean_root.path / "var/spool/mainstay").exists()
    assert not (clean_root.path / "usr/sbin/mainstayd").exists()
    assert (clean_root.path / "etc/keepalived/keepalived.conf").exists()
